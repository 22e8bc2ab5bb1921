//! Tells which cells of a merge come again: those that another batch has, too, and those whose place a later cell of the same
//! entry takes (a memstore's `CellSet` puts each in the place of the one before).

use columns::batch::BatchCell;

/// What a cell is to the one before it.
pub enum Repeat {
    /// Another cell.
    New,
    /// A cell in whose place the one before it is, which is wanted all the same.
    Wanted,
    /// The same cell again.
    Unwanted,
    /// The same cell with another value, which this run had.
    Conflict(usize),
}

/// The cell that was given last, and where it came from.
#[derive(Default)]
pub struct Repeats {
    /// Whether two batches may have one entry.
    pub may_come_again: bool,
    /// Whether cells are wanted whose place a later cell of the same entry takes.
    pub keep_replaced: bool,
    /// Cells that came again.
    pub duplicates: u64,
    known: Option<Known>,
    /// What the cell was made of, kept for its memory.
    row: Vec<u8>,
    family: Vec<u8>,
    qualifier: Vec<u8>,
    value: Vec<u8>,
    tags: Vec<u8>,
    region: String,
    /// The runs that had the cell.
    runs: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Known {
    sequence: u64,
    timestamp: i64,
    type_code: u8,
}

impl Known {
    fn of(edit: &BatchCell<'_>) -> Self {
        let cell = &edit.cell;
        Self { sequence: cell.sequence, timestamp: cell.timestamp, type_code: cell.cell_type.code() }
    }
}

impl Repeats {
    /// Whether the next cell may be the one before it once more.
    #[inline]
    pub fn are_possible(&self) -> bool {
        self.known.is_some()
    }

    /// Remembers a cell that the merge leaves, if it can come again: cells of one entry come with the last first.
    #[inline]
    pub fn remember(&mut self, run: usize, edit: &BatchCell<'_>) {
        if edit.index == 0 && !self.may_come_again {
            self.known = None;
            return;
        }
        if !self.is_known(edit) {
            self.replace(run, edit);
        }
    }

    fn replace(&mut self, run: usize, edit: &BatchCell<'_>) {
        self.known = Some(Known::of(edit));
        let cell = &edit.cell;
        let mut parts = vec![
            (&mut self.row, cell.row),
            (&mut self.family, cell.family),
            (&mut self.qualifier, cell.qualifier),
        ];
        if self.may_come_again {
            parts.extend([(&mut self.value, cell.value), (&mut self.tags, cell.tags)]);
        }
        for (to, from) in parts {
            to.clear();
            to.extend_from_slice(from);
        }
        self.region.clear();
        self.region.push_str(edit.region);
        self.runs.clear();
        self.runs.push(run);
    }

    #[inline]
    fn is_known(&self, edit: &BatchCell<'_>) -> bool {
        let Some(Known { sequence, timestamp, type_code }) = self.known else { return false };
        let cell = &edit.cell;
        (sequence, timestamp, type_code) == (cell.sequence, cell.timestamp, cell.cell_type.code())
            && self.row == cell.row
            && self.qualifier == cell.qualifier
            && self.family == cell.family
    }

    /// What the cell of a run is to the one that was remembered.
    #[inline]
    pub fn judge(&mut self, run: usize, edit: &BatchCell<'_>) -> Repeat {
        if !self.is_known(edit) {
            return Repeat::New;
        }
        let first = self.runs.first().copied();
        if first == Some(run) {
            return if self.keep_replaced { Repeat::Wanted } else { Repeat::Unwanted };
        }
        if self.region != edit.region {
            return Repeat::Unwanted;
        }
        self.duplicates += 1;
        if !self.runs.contains(&run) {
            self.runs.push(run);
            if self.may_come_again && (self.value != edit.cell.value || self.tags != edit.cell.tags) {
                return Repeat::Conflict(first.unwrap_or(run));
            }
        }
        Repeat::Unwanted
    }
}
