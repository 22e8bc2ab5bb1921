//! Finds the entries that hold edits which somebody has named.

use columns::batch::BatchFile;
use columns::{ChunkReader, ReadError};
use formats::cell::{CellRef, CellType};
use history::EntryId;
use names::EncodedRegionName;
use std::collections::{BTreeMap, HashMap};

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

/// Looks for edits of one table; in time proportional to the cells that it is shown.
pub struct FindEdits<'a> {
    edits: &'a [EditToFind],
    /// Their numbers, by column.
    by_column: HashMap<Vec<u8>, Vec<usize>>,
}

impl<'a> FindEdits<'a> {
    /// Makes a search for these.
    #[must_use]
    pub fn new(edits: &'a [EditToFind]) -> Self {
        let mut by_column: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (number, edit) in edits.iter().enumerate() {
            let mut column = Vec::new();
            put_column(&edit.row, &edit.family, &edit.qualifier, &mut column);
            by_column.entry(column).or_default().push(number);
        }
        Self { edits, by_column }
    }

    /// Which of them are in a batch, by number, and in which of its entries.
    ///
    /// # Errors
    /// The batch cannot be read.
    pub fn in_batch<R: ChunkReader + Clone + 'static>(
        &self,
        batch: &BatchFile<R>,
    ) -> Result<BTreeMap<usize, EntriesOfEdit>, ReadError> {
        let mut found = BTreeMap::new();
        let mut column = Vec::new();
        for (name, groups) in batch.regions() {
            let region =
                EncodedRegionName::parse(name).map_err(|error| ReadError::Damaged(error.to_string()))?;
            let mut cursor = batch.cursor(groups);
            while cursor.advance()? {
                let Some(edit) = cursor.cell() else { break };
                put_column(edit.cell.row, edit.cell.family, edit.cell.qualifier, &mut column);
                for number in self.by_column.get(&column).into_iter().flatten() {
                    self.note(*number, &edit.cell, region, &mut found);
                }
            }
        }
        Ok(found)
    }

    fn note(
        &self,
        number: usize,
        cell: &CellRef<'_>,
        region: EncodedRegionName,
        found: &mut BTreeMap<usize, EntriesOfEdit>,
    ) {
        let Some(edit) = self.edits.get(number) else { return };
        if edit.agrees(cell) && edit.sequence.is_none_or(|id| id == cell.sequence) {
            let event = EntryId { region, sequence: cell.sequence };
            let here = EntriesOfEdit { first: event, last: event };
            found.entry(number).and_modify(|known| *known = known.with(here)).or_insert(here);
        }
    }
}

/// A column's parts with their lengths, so that no two columns look alike.
fn put_column(row: &[u8], family: &[u8], qualifier: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&row.len().to_le_bytes());
    out.extend_from_slice(row);
    out.extend_from_slice(&family.len().to_le_bytes());
    out.extend_from_slice(family);
    out.extend_from_slice(qualifier);
}
