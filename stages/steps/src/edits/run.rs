//! One sorted run on its way through a merge.

use crate::edits::wanted::{EditBounds, Wanted};
use crate::hfile::{HFileCursor, RowRange};
use columns::ChunkReader;
use columns::batch::{BatchCell, BatchCursor, BatchFile, common_prefix, row_head};
use stage::{Problem, ProblemKind};

/// Where a run's cells come from.
enum Cells<'a, R> {
    Batch(Box<BatchCursor<R>>),
    File(Box<HFileCursor<'a>>),
}

/// A run: the row groups of one family of one region in one batch, or a bulk-loaded file.
pub struct Run<'a, R> {
    /// For messages.
    pub path: &'a str,
    pub region: String,
    cells: Cells<'a, R>,
    /// The ids that it may have.
    pub ids: (u64, u64),
    /// The smallest and largest id that are wanted.
    wanted: (u64, u64),
    /// The rows that are wanted, if not all.
    range: Option<RowRange>,
    /// The first and the last row that it may have.
    pub rows: (Vec<u8>, Vec<u8>),
    /// How many bytes all of its rows begin with.
    pub shared: usize,
    pub has_tags: bool,
    /// The row at which it stands, behind what all rows begin with, as a number of the same order.
    pub head: u64,
    /// Whether it stands at a cell.
    pub is_live: bool,
}

impl<'a, R: ChunkReader + Clone + 'static> Run<'a, R> {
    /// Of row groups of one family; none if nothing of them can be wanted.
    pub fn of_batch(
        path: &'a str,
        batch: &'a BatchFile<R>,
        groups: &[usize],
        bounds: &EditBounds,
        wanted: &Wanted<'_>,
    ) -> Option<Self> {
        let all = || groups.iter().filter_map(|number| Some((*number, batch.groups().get(*number)?)));
        let (_, any) = all().next()?;
        if wanted.family.is_some_and(|family| family != any.family) {
            return None;
        }
        let (first, last) = (bounds.first_of(&any.family), bounds.through);
        let may_hold = |(first_row, last_row): &(Vec<u8>, Vec<u8>)| {
            wanted.rows.start <= *last_row && wanted.rows.end.as_ref().is_none_or(|end| first_row < end)
        };
        let left: Vec<_> =
            all().filter(|(_, group)| group.may_hold(first, last) && may_hold(&group.row_bounds)).collect();
        let rows = (left.first()?.1.row_bounds.0.clone(), left.last()?.1.row_bounds.1.clone());
        let ids = left.iter().map(|(_, group)| (group.first_sequence, group.last_sequence));
        let ids = ids.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
        Some(Self {
            path,
            region: any.region.clone(),
            has_tags: left.iter().any(|(_, group)| group.has_tags),
            cells: Cells::Batch(Box::new(batch.cursor(left.iter().map(|(number, _)| *number)))),
            ids,
            wanted: (first, last),
            range: (wanted.rows != RowRange::default()).then(|| wanted.rows.clone()),
            shared: common_prefix(&rows.0, &rows.1),
            rows,
            head: 0,
            is_live: false,
        })
    }

    /// Of a bulk-loaded file, of which everything is wanted.
    pub fn of_file(region: &str, cursor: HFileCursor<'a>, (first, last): (&[u8], &[u8])) -> Self {
        Self {
            path: "",
            region: region.to_owned(),
            cells: Cells::File(Box::new(cursor)),
            ids: (0, u64::MAX),
            wanted: (0, u64::MAX),
            range: None,
            shared: common_prefix(first, last),
            rows: (first.to_vec(), last.to_vec()),
            has_tags: true,
            head: 0,
            is_live: false,
        }
    }

    /// The cell at which it stands.
    #[inline]
    pub fn cell(&self) -> Option<BatchCell<'_>> {
        match &self.cells {
            Cells::Batch(cursor) => cursor.cell(),
            Cells::File(cursor) => {
                Some(BatchCell { region: &self.region, index: 0, write_time: 0, cell: cursor.cell()? })
            }
        }
    }

    /// Goes to the next cell that is wanted. `shared` bytes of all rows tell nothing.
    #[inline]
    pub fn next(&mut self, shared: usize) -> Result<(), Problem> {
        let cursor = match &mut self.cells {
            Cells::Batch(cursor) => cursor,
            Cells::File(cursor) => {
                self.is_live = cursor.advance()?;
                let row = cursor.cell().map(|cell| cell.row).unwrap_or_default();
                self.head = row_head(row.get(shared..).unwrap_or_default());
                return Ok(());
            }
        };
        loop {
            match cursor.advance() {
                Ok(true) => {}
                Ok(false) => {
                    self.is_live = false;
                    return Ok(());
                }
                Err(error) => return Err(unread(self.path, &self.region, &error)),
            }
            let sequence = cursor.sequence().unwrap_or_default();
            if sequence < self.wanted.0 || sequence > self.wanted.1 {
                continue;
            }
            let row = cursor.row().unwrap_or_default();
            if let Some(range) = &self.range {
                if range.end.as_ref().is_some_and(|end| row >= end.as_slice()) {
                    self.is_live = false;
                    return Ok(());
                }
                if row < range.start.as_slice() {
                    continue;
                }
            }
            self.head = row_head(row.get(shared..).unwrap_or_default());
            self.is_live = true;
            return Ok(());
        }
    }
}

#[cold]
fn unread(path: &str, region: &str, error: &dyn std::fmt::Display) -> Problem {
    Problem::new(ProblemKind::Structure, path, error)
        .in_region(region)
        .meaning("the region's edits cannot be brought into order")
        .hint("delete this batch and its markers, and convert again where the WAL is still there")
}
