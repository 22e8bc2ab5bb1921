//! Finds the entries that hold edits which somebody has named.

use columns::batch::{BatchCell, BatchCursor, BatchFile, GroupSummary};
use columns::{ChunkReader, ReadError};
use formats::cell::{CellRef, CellType};
use history::EntryId;
use names::EncodedRegionName;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// An edit that is looked for, by its column and what else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditToFind {
    /// Its row.
    pub row: Vec<u8>,
    /// Its family.
    pub family: Vec<u8>,
    /// Its qualifier.
    pub qualifier: Vec<u8>,
    /// Its timestamp, ms; any if `None`.
    pub timestamp: Option<i64>,
    /// Its type; any if `None`.
    pub cell_type: Option<CellType>,
    /// Sequence id of its entry; any if `None`.
    pub sequence: Option<u64>,
}

impl EditToFind {
    /// Whether a cell of a file is this edit. Its sequence id is ignored: compactions remove it.
    #[must_use]
    pub fn is_stored_as(&self, cell: &CellRef<'_>) -> bool {
        (cell.row, cell.family, cell.qualifier) == (&self.row, &self.family, &self.qualifier)
            && self.agrees(cell)
    }

    /// Whether a cell of its column is this edit.
    fn is(&self, cell: &CellRef<'_>) -> bool {
        self.agrees(cell) && self.sequence.is_none_or(|id| id == cell.sequence)
    }

    fn agrees(&self, cell: &CellRef<'_>) -> bool {
        self.timestamp.is_none_or(|ms| ms == cell.timestamp)
            && self.cell_type.is_none_or(|cell_type| cell_type == cell.cell_type)
    }
}

/// The entries that hold an edit: the first and the last, by their sequence ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntriesOfEdit {
    /// The first.
    pub first: EntryId,
    /// The last.
    pub last: EntryId,
}

impl EntriesOfEdit {
    /// Holds one entry.
    #[must_use]
    pub fn of(entry: EntryId) -> Self {
        Self { first: entry, last: entry }
    }

    /// Combines two sets of entries. Ids ascend from a region to those that come of it, so they order entries of one
    /// row.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let by_id = |event: &EntryId| (event.sequence, event.region);
        Self {
            first: std::cmp::min_by_key(self.first, other.first, by_id),
            last: std::cmp::max_by_key(self.last, other.last, by_id),
        }
    }
}

/// Looks for edits of one table, by joining them with the cells of batches, which are sorted too.
pub struct FindEdits<'a> {
    edits: &'a [EditToFind],
    /// Those of each family, by row and qualifier.
    sorted: BTreeMap<&'a [u8], Vec<WantedEdit>>,
}

/// The head of an edit's row, by which most are told apart, and its number.
type WantedEdit = (u128, usize);

/// An entry that holds an edit of this number; an edit may be in several.
pub type FoundEdit = (usize, EntryId);

impl<'a> FindEdits<'a> {
    /// Makes a search for these.
    #[must_use]
    pub fn new(edits: &'a [EditToFind]) -> Self {
        let mut sorted: BTreeMap<&[u8], Vec<WantedEdit>> = BTreeMap::new();
        for (number, edit) in edits.iter().enumerate() {
            sorted.entry(&edit.family).or_default().push((head_of(&edit.row), number));
        }
        let column = |number: usize| edits.get(number).map(column);
        for of_family in sorted.values_mut() {
            of_family.sort_unstable_by(|one, other| {
                one.0.cmp(&other.0).then_with(|| column(one.1).cmp(&column(other.1)))
            });
        }
        Self { edits, sorted }
    }

    /// Which of them are in a batch, and in which of its entries.
    ///
    /// # Errors
    /// The batch cannot be read.
    pub fn in_batch<R: ChunkReader + Clone + 'static>(
        &self,
        batch: &BatchFile<R>,
    ) -> Result<Vec<FoundEdit>, ReadError> {
        let mut found = Vec::new();
        for (name, groups) in batch.regions() {
            let region =
                EncodedRegionName::parse(name).map_err(|error| ReadError::Damaged(error.to_string()))?;
            for group in groups {
                let wanted = batch.groups().get(group).map_or(&[][..], |of| self.within(of));
                if !wanted.is_empty() {
                    self.join(wanted, batch.cursor([group]), region, &mut found)?;
                }
            }
        }
        Ok(found)
    }

    /// The edits that a row group may hold.
    fn within(&self, group: &GroupSummary) -> &[WantedEdit] {
        let of_family = self.sorted.get(group.family.as_slice()).map(Vec::as_slice).unwrap_or_default();
        let (first, last) = &group.row_bounds;
        let row = |(_, number): &WantedEdit| self.edits.get(*number).map(|edit| edit.row.as_slice());
        let start = of_family.partition_point(|edit| row(edit) < Some(first.as_slice()));
        let end = of_family.partition_point(|edit| row(edit) <= Some(last.as_slice()));
        of_family.get(start..end).unwrap_or_default()
    }

    /// Goes through the edits and the cells of a row group side by side.
    fn join<R: ChunkReader + Clone + 'static>(
        &self,
        mut wanted: &[WantedEdit],
        mut cursor: BatchCursor<R>,
        region: EncodedRegionName,
        found: &mut Vec<FoundEdit>,
    ) -> Result<(), ReadError> {
        while cursor.advance()? {
            let Some(BatchCell { cell, .. }) = cursor.cell() else { break };
            let here = (cell.row, cell.qualifier);
            let order =
                |(_, number): &WantedEdit| self.edits.get(*number).map(|edit| column(edit).cmp(&here));
            while let Some((first, others)) = wanted.split_first()
                && order(first).is_none_or(Ordering::is_lt)
            {
                wanted = others;
            }
            if wanted.is_empty() {
                break;
            }
            // The next cell may be of the same column.
            for edit in wanted.iter().take_while(|edit| order(edit) == Some(Ordering::Equal)) {
                let (_, number) = edit;
                if self.edits.get(*number).is_some_and(|edit| edit.is(&cell)) {
                    found.push((*number, EntryId { region, sequence: cell.sequence }));
                }
            }
        }
        Ok(())
    }
}

/// The column of an edit within its family.
fn column(edit: &EditToFind) -> (&[u8], &[u8]) {
    (&edit.row, &edit.qualifier)
}

/// The first sixteen bytes of a row as a number of the same order.
fn head_of(row: &[u8]) -> u128 {
    let mut head = [0; 16];
    head.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(head)
}
