//! Puts the cells of several files, and of edits, into one order.

use crate::edits::MergeEdits;
use crate::hfile::HFileCursor;
use columns::ChunkReader;
use formats::cell::{CellRef, compare_cells};
use stage::Problem;
use std::cmp::Ordering;

/// Where cells come from, in order.
pub enum CellSource<'a, R> {
    /// A file.
    File(Box<HFileCursor<'a>>),
    /// Edits.
    Edits(Box<MergeEdits<'a, R>>),
}

impl<R: ChunkReader + Clone + 'static> CellSource<'_, R> {
    #[inline]
    fn advance(&mut self) -> Result<bool, Problem> {
        match self {
            Self::File(cursor) => cursor.advance(),
            Self::Edits(edits) => edits.advance(),
        }
    }

    #[inline]
    fn cell(&self) -> Option<CellRef<'_>> {
        match self {
            Self::File(cursor) => cursor.cell(),
            Self::Edits(edits) => Some(edits.edit()?.cell),
        }
    }

    fn stored(&self) -> Option<CellRef<'_>> {
        match self {
            Self::File(cursor) => cursor.stored(),
            Self::Edits(_) => self.cell(),
        }
    }
}

/// A k-way merge: by key, then the larger sequence id first, then what comes from the later source (`KeyValueHeap`).
pub struct MergeCells<'a, R> {
    sources: Vec<CellSource<'a, R>>,
    /// Those that have cells left, by the cells they stand at.
    order: Vec<usize>,
    started: bool,
}

impl<'a, R: ChunkReader + Clone + 'static> MergeCells<'a, R> {
    /// Of sources that are ordered as HBase orders a store's files (`StoreFileComparators.SEQ_ID`), edits last: of two
    /// cells that are equal in everything the later source's comes first.
    #[must_use]
    pub fn new(sources: Vec<CellSource<'a, R>>) -> Self {
        Self { order: Vec::with_capacity(sources.len()), sources, started: false }
    }

    /// Goes to the next cell; false at the end.
    ///
    /// # Errors
    /// A file is damaged at its next cell.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, Problem> {
        if !self.started {
            self.started = true;
            for number in 0..self.sources.len() {
                self.step(number)?;
            }
        } else if let Some(first) = self.order.pop() {
            self.step(first)?;
        }
        Ok(!self.order.is_empty())
    }

    /// The cell, with the sequence id that HBase reads for it.
    #[inline]
    #[must_use]
    pub fn cell(&self) -> Option<CellRef<'_>> {
        self.sources.get(*self.order.last()?)?.cell()
    }

    /// The cell, with the sequence id that is stored.
    #[must_use]
    pub fn stored(&self) -> Option<CellRef<'_>> {
        self.sources.get(*self.order.last()?)?.stored()
    }

    /// How many edits have come by.
    #[must_use]
    pub fn edits(&self) -> u64 {
        let of = |source: &CellSource<'_, R>| match source {
            CellSource::Edits(edits) => edits.given(),
            CellSource::File(_) => 0,
        };
        self.sources.iter().map(of).sum()
    }

    /// Takes a source to its next cell and puts it where it belongs; the first of all is at the end.
    #[inline]
    fn step(&mut self, number: usize) -> Result<(), Problem> {
        if !self.sources.get_mut(number).map_or(Ok(false), CellSource::advance)? {
            return Ok(());
        }
        let place = match self.order.last() {
            // Mostly it stays where it is.
            Some(second) if self.compare(*second, number) == Ordering::Less => {
                self.order.partition_point(|other| self.compare(*other, number) == Ordering::Greater)
            }
            _ => self.order.len(),
        };
        self.order.insert(place, number);
        Ok(())
    }

    #[inline]
    fn compare(&self, one: usize, other: usize) -> Ordering {
        let cell = |number: usize| self.sources.get(number).and_then(CellSource::cell);
        match (cell(one), cell(other)) {
            (Some(left), Some(right)) => compare_cells(&left, &right).then_with(|| other.cmp(&one)),
            _ => Ordering::Equal,
        }
    }
}
