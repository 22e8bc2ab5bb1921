//! Cells in memory on their way into a row group: one after the other, each with all that belongs to it. Sorting looks at a cell's
//! key, and encoding at all of a cell: so both find it in one place of memory.

use super::fill::{FULL_BYTES, Fill};
use formats::cell::{CellRef, CellType, compare_cells};
use std::cmp::Ordering;

/// Bytes before the strings of a cell: six numbers of eight bytes.
const HEAD: usize = 48;

/// A cell as it lies in an arena.
pub(super) struct Record<'a> {
    pub(super) cell: CellRef<'a>,
    /// Its place in its entry.
    pub(super) index: u32,
    pub(super) write_time: i64,
    /// Where the next one begins.
    pub(super) next: usize,
}

impl Record<'_> {
    /// How much it is.
    #[inline]
    pub(super) fn fill(&self) -> Fill {
        Fill { rows: 1, bytes: strings_of(&self.cell) }
    }

    /// The order of a batch: `CellComparatorImpl`, the later sequence id first, and of one entry's cells the last first, which
    /// takes the place of the ones before it.
    #[inline]
    pub(super) fn order(&self, other: &Record<'_>) -> Ordering {
        compare_cells(&self.cell, &other.cell).then_with(|| other.index.cmp(&self.index))
    }
}

#[inline]
fn strings_of(cell: &CellRef<'_>) -> usize {
    cell.row.len() + cell.qualifier.len() + cell.value.len() + cell.tags.len()
}

/// Edits of one family of one region on their way into a row group.
#[derive(Debug, Default)]
pub struct CellArena {
    region: String,
    family: Vec<u8>,
    /// Of each cell its head, row, qualifier, value and tags.
    bytes: Vec<u8>,
    /// Where the last one begins.
    last: usize,
    fill: Fill,
}

impl CellArena {
    /// For edits of a family of the region with this encoded name.
    #[must_use]
    pub fn new(region: &str, family: &[u8]) -> Self {
        Self { region: region.to_owned(), family: family.to_vec(), ..Self::default() }
    }

    /// For the edits after those of a full arena: with room for as many, so that nothing is moved as it grows.
    #[must_use]
    pub fn following(full: &Self) -> Self {
        Self { bytes: Vec::with_capacity(full.bytes.len()), ..Self::new(&full.region, &full.family) }
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> &[u8] {
        &self.family
    }

    /// How many cells are in here.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.fill.rows
    }

    /// Whether it holds no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fill.rows == 0
    }

    /// Whether the next row belongs into another row group.
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.fill.is_full()
    }

    /// How much is in here.
    #[inline]
    pub(super) fn fill(&self) -> Fill {
        self.fill
    }

    /// The row of the last cell.
    #[inline]
    pub(super) fn last_row(&self) -> Option<&[u8]> {
        self.record(self.last).map(|record| record.cell.row)
    }

    /// Bytes of memory that it holds. What is reserved for more is not counted: an operating system gives a page when it is
    /// written to.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len() + size_of::<Self>() + self.region.len() + self.family.len()
    }

    /// Whether an entry of this many bytes can still be counted by Parquet's offsets: always, unless one entry has
    /// nearly 2 GiB.
    #[must_use]
    pub fn fits(&self, entry_bytes: usize) -> bool {
        FULL_BYTES.saturating_add(entry_bytes) < i32::MAX as usize
    }

    /// Adds a cell of the arena's family: position in its entry, the entry's write time (ms), and the cell with the
    /// entry's sequence id.
    #[inline]
    pub fn push(&mut self, cell: &CellRef<'_>, index: u32, write_time: i64) {
        let strings = strings_of(cell);
        self.last = self.bytes.len();
        self.bytes.reserve(HEAD + strings);
        // No string has 4 GiB: `fits` was asked before.
        let pair = |high: usize, low: u64| (high as u64) << 32 | low;
        let head = [
            cell.sequence.to_le_bytes(),
            cell.timestamp.to_le_bytes(),
            write_time.to_le_bytes(),
            pair(cell.row.len(), index.into()).to_le_bytes(),
            pair(cell.qualifier.len(), cell.cell_type.code().into()).to_le_bytes(),
            pair(cell.value.len(), cell.tags.len() as u64).to_le_bytes(),
        ];
        self.bytes.extend_from_slice(head.as_flattened());
        for string in [cell.row, cell.qualifier, cell.value, cell.tags] {
            self.bytes.extend_from_slice(string);
        }
        self.fill = self.fill.with(Fill { rows: 1, bytes: strings });
    }

    /// The cells, and where each begins.
    pub(super) fn records(&self) -> impl Iterator<Item = (usize, Record<'_>)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let record = self.record(at)?;
            Some((std::mem::replace(&mut at, record.next), record))
        })
    }

    /// The first byte of the cell that begins here.
    #[inline]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or_default()
    }

    /// The cell that begins here.
    #[inline]
    pub(super) fn record(&self, at: usize) -> Option<Record<'_>> {
        let (head, strings) = self.bytes.get(at..)?.split_first_chunk::<HEAD>()?;
        let ([sequence, timestamp, write_time, row, qualifier, value], _) = head.as_chunks::<8>() else {
            return None;
        };
        let pair = |bytes: &[u8; 8]| {
            let both = u64::from_le_bytes(*bytes);
            ((both >> 32) as usize, both as u32)
        };
        let ((row, index), (qualifier, code), (value, tags)) = (pair(row), pair(qualifier), pair(value));
        let (row, strings) = strings.split_at_checked(row)?;
        let (qualifier, strings) = strings.split_at_checked(qualifier)?;
        let (value, strings) = strings.split_at_checked(value)?;
        let (tags, rest) = strings.split_at_checked(tags as usize)?;
        let cell = CellRef {
            row,
            family: &self.family,
            qualifier,
            timestamp: i64::from_le_bytes(*timestamp),
            cell_type: CellType::from_code(code as u8)?,
            value,
            tags,
            sequence: u64::from_le_bytes(*sequence),
        };
        let next = self.bytes.len() - rest.len();
        Some(Record { cell, index, write_time: i64::from_le_bytes(*write_time), next })
    }
}
