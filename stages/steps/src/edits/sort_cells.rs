//! Puts edits into the order in which an HFile has them.

use crate::hfile::CellBuffer;
use formats::cell::{CellRef, compare_cells};
use std::cmp::Ordering;

/// Cells that are being sorted: as many as memory allows.
#[derive(Debug)]
pub struct SortCells {
    cells: CellBuffer,
    limit: usize,
}

/// The head of the part of a cell's row that differs, and the cell's number: what is moved while sorting.
type Place = (u64, u32);

impl SortCells {
    /// Holds about `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { cells: CellBuffer::default(), limit }
    }

    /// Takes a cell with the sequence id of its entry. Cells must come in the order in which they were written, as
    /// [`crate::edits::MergeEdits`] gives them. Returns true if no more should come: the memory is used up.
    #[inline]
    pub fn push(&mut self, cell: &CellRef<'_>) -> bool {
        self.cells.push(cell);
        self.is_full()
    }

    /// Whether no more should come.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes() >= self.limit || self.cells.len() >= u32::MAX as usize
    }

    /// Bytes of memory that it holds, including what sorting takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.cells.bytes() + self.cells.len() * size_of::<Place>()
    }

    /// How many cells were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Sorts: by key (`CellComparatorImpl`), then the larger sequence id first. Of cells that are equal in both, which
    /// only one entry can have, the last stays: a memstore's `CellSet` puts each in the place of the one before.
    #[must_use]
    pub fn sort(self) -> SortedCells {
        let Self { cells, .. } = self;
        let cell = |place: &Place| cells.get(place.1 as usize);
        let order = |one: &Place, other: &Place| match (cell(one), cell(other)) {
            (Some(left), Some(right)) => compare_cells(&left, &right),
            _ => Ordering::Equal,
        };
        let numbers = 0..u32::try_from(cells.len()).unwrap_or(u32::MAX);
        // Rows of one region begin alike: what they share decides nothing, and comparing it takes most of the time.
        let shared = shared_prefix(&cells);
        let behind = |row: &[u8]| row_head(row.get(shared..).unwrap_or_default());
        let head = |number: u32| cells.get(number as usize).map_or(0, |cell| behind(cell.row));
        let mut places: Vec<Place> = numbers.map(|number| (head(number), number)).collect();
        places.sort_unstable_by(|one, other| {
            let by_key = || order(one, other).then_with(|| other.1.cmp(&one.1));
            one.0.cmp(&other.0).then_with(by_key)
        });
        let came = places.len();
        places.dedup_by(|next, kept| next.0 == kept.0 && order(kept, next) == Ordering::Equal);
        let replaced = (came - places.len()) as u64;
        SortedCells { places: places.into_iter().map(|(_, number)| number).collect(), cells, replaced }
    }
}

/// How many bytes all rows begin with.
fn shared_prefix(cells: &CellBuffer) -> usize {
    let Some(first) = cells.get(0) else { return 0 };
    (1..cells.len()).filter_map(|number| cells.get(number)).fold(first.row.len(), |shared, cell| {
        let same = |(one, other): &(&u8, &u8)| one == other;
        match (first.row.get(..shared), cell.row.get(..shared)) {
            (Some(one), Some(other)) if one == other => shared,
            _ => first.row.iter().zip(cell.row).take(shared).take_while(same).count(),
        }
    })
}

/// The first bytes of what is left of a row as a number: rows whose heads differ have their order.
#[inline]
fn row_head(row: &[u8]) -> u64 {
    match row.first_chunk() {
        Some(head) => u64::from_be_bytes(*head),
        None => {
            let mut head = [0; 8];
            head.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            u64::from_be_bytes(head)
        }
    }
}

/// Cells in the order of an HFile.
#[derive(Debug)]
pub struct SortedCells {
    cells: CellBuffer,
    places: Vec<u32>,
    replaced: u64,
}

impl SortedCells {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many cells were replaced by another of the same entry.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// The cell at this place, from 0.
    #[inline]
    #[must_use]
    pub fn get(&self, place: usize) -> Option<CellRef<'_>> {
        self.cells.get(*self.places.get(place)? as usize)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = CellRef<'_>> {
        self.places.iter().filter_map(|number| self.cells.get(*number as usize))
    }

    /// The place of the first cell of a row, or of the rows after it.
    #[must_use]
    pub fn seek(&self, row: &[u8]) -> usize {
        self.places
            .partition_point(|number| self.cells.get(*number as usize).is_some_and(|cell| cell.row < row))
    }
}
