//! An entry that several batches have, taken out of one of them to be compared.
//!
//! Recovered edits hold the cells of the stores that had not been flushed, so they may have part of an entry
//! (`WALSplitter.filterCellByStore`). Two copies are of one entry if the cells of the smaller one are, in their order, among
//! those of the larger one.

use columns::ChunkReader;
use columns::ReadError;
use columns::batch::{BatchCell, BatchCursor};
use formats::cell::{CellRef, CellType};

/// A cell of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HeldCell {
    index: u32,
    write_time: i64,
    origin: Option<String>,
    row: Vec<u8>,
    family: Vec<u8>,
    qualifier: Vec<u8>,
    timestamp: i64,
    cell_type: CellType,
    value: Vec<u8>,
    tags: Vec<u8>,
}

/// The cells of an entry, as one batch has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldEntry {
    sequence: u64,
    cells: Vec<HeldCell>,
}

impl HeldEntry {
    /// Takes the entry at which a cursor stands, and moves the cursor past it; false if that is its end.
    ///
    /// # Errors
    /// The batch cannot be read.
    pub fn take<R: ChunkReader + Clone + 'static>(
        cursor: &mut BatchCursor<R>,
        sequence: u64,
    ) -> Result<(Self, bool), ReadError> {
        let mut entry = Self { sequence, cells: Vec::new() };
        loop {
            match cursor.cell() {
                Some(cell) if cell.cell.sequence == sequence => entry.cells.push(HeldCell::of(&cell)),
                there => return Ok((entry, there.is_some())),
            }
            if !cursor.advance()? {
                return Ok((entry, false));
            }
        }
    }

    /// How many cells it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether all of its cells are among those of another copy, in the same order.
    #[must_use]
    pub fn is_part_of(&self, larger: &Self) -> bool {
        let mut rest = larger.cells.iter();
        self.cells.iter().all(|cell| rest.any(|other| cell.is_same(other)))
    }

    /// One of its cells.
    #[must_use]
    pub fn cell<'a>(&'a self, at: usize, region: &'a str) -> Option<BatchCell<'a>> {
        let cell = self.cells.get(at)?;
        let HeldCell { index, write_time, timestamp, cell_type, .. } = *cell;
        Some(BatchCell {
            region,
            index,
            write_time,
            origin: cell.origin.as_deref(),
            cell: CellRef {
                row: &cell.row,
                family: &cell.family,
                qualifier: &cell.qualifier,
                timestamp,
                cell_type,
                value: &cell.value,
                tags: &cell.tags,
                sequence: self.sequence,
            },
        })
    }
}

impl HeldCell {
    fn of(cell: &BatchCell<'_>) -> Self {
        let CellRef { row, family, qualifier, timestamp, cell_type, value, tags, .. } = cell.cell;
        Self {
            index: cell.index,
            write_time: cell.write_time,
            origin: cell.origin.map(str::to_owned),
            row: row.to_vec(),
            family: family.to_vec(),
            qualifier: qualifier.to_vec(),
            timestamp,
            cell_type,
            value: value.to_vec(),
            tags: tags.to_vec(),
        }
    }

    /// Its place in the entry differs where cells were left out before it.
    fn is_same(&self, other: &Self) -> bool {
        let key = |cell: &'_ Self| (cell.timestamp, cell.cell_type.code());
        key(self) == key(other)
            && self.row == other.row
            && self.family == other.family
            && self.qualifier == other.qualifier
            && self.value == other.value
            && self.tags == other.tags
    }
}
