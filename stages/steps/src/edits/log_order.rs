//! Brings the edits of a region into the order in which HBase made them.

use crate::edits::merge_edits::{EditSource, MergeEdits};
use crate::edits::wanted::{EditBounds, Wanted};
use crate::hfile::CellBuffer;
use columns::ChunkReader;
use columns::batch::{BatchCell, BatchFile};
use stage::{Problem, ProblemKind};

/// Id of the entry, place in it, number in the buffer, write time.
type Place = (u64, u32, u32, i64);

/// Goes through the edits of one region by (sequence id, index in the entry). Batches are sorted by rows, so edits are brought
/// into order in memory: as many ids at a time as it holds, and what does not fit is read again.
pub struct LogOrder<'a, R> {
    region: String,
    sources: Vec<(&'a str, &'a BatchFile<R>)>,
    bounds: EditBounds,
    memory: usize,
    cells: CellBuffer,
    places: Vec<Place>,
    /// The place after that of the edit.
    next: usize,
    /// Whether all ids have been read.
    ended: bool,
    duplicates: u64,
}

impl<'a, R: ChunkReader + Clone + 'static> LogOrder<'a, R> {
    /// The edits of a region, by its encoded name, within about `memory` bytes. Reads nothing yet.
    pub fn new(
        region: &str,
        sources: impl IntoIterator<Item = EditSource<'a, R>>,
        bounds: EditBounds,
        memory: usize,
    ) -> Self {
        Self {
            region: region.to_owned(),
            sources: sources.into_iter().map(|EditSource { path, batch }| (path, batch)).collect(),
            bounds,
            memory,
            cells: CellBuffer::default(),
            places: Vec::new(),
            next: 0,
            ended: false,
            duplicates: 0,
        }
    }

    /// How many cells came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The edit that [`LogOrder::advance`] has gone to.
    #[inline]
    #[must_use]
    pub fn edit(&self) -> Option<BatchCell<'_>> {
        let (_, index, number, write_time) = *self.places.get(self.next.checked_sub(1)?)?;
        let cell = self.cells.get(number as usize)?;
        Some(BatchCell { region: &self.region, index, write_time, cell })
    }

    /// Goes to the next edit; false at the end.
    ///
    /// # Errors
    /// Those of [`MergeEdits::advance`]; an entry is larger than the memory.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, Problem> {
        self.next += 1;
        while self.next > self.places.len() {
            if self.ended {
                self.places.clear();
                return Ok(false);
            }
            self.fill()?;
            self.next = 1;
        }
        Ok(true)
    }

    /// Takes the edits of the next ids, as many as fit.
    fn fill(&mut self) -> Result<(), Problem> {
        self.clear();
        let mut through = self.bounds.through;
        let sources = self.sources.iter().map(|(path, batch)| EditSource { path, batch });
        let wanted = Wanted { replaced: true, ..Wanted::default() };
        let mut merge = MergeEdits::of_region(&self.region, sources, &self.bounds, &wanted);
        while merge.advance()? {
            let Some(edit) = merge.edit() else { break };
            if edit.cell.sequence > through {
                continue;
            }
            let number = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
            self.cells.push(&edit.cell);
            self.places.push((edit.cell.sequence, edit.index, number, edit.write_time));
            if self.cells.bytes() + self.places.capacity() * size_of::<Place>() > self.memory
                || number == u32::MAX
            {
                through = self.shorten()?;
            }
        }
        self.duplicates += merge.duplicates();
        self.places.sort_unstable();
        self.ended = through >= self.bounds.through;
        self.bounds.first = self.bounds.first.max(through.saturating_add(1));
        Ok(())
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.places.clear();
    }

    /// Leaves the larger half of the ids to a later pass; gives the last id that stays.
    #[cold]
    fn shorten(&mut self) -> Result<u64, Problem> {
        let mut places = std::mem::take(&mut self.places);
        places.sort_unstable();
        let least = places.first().map_or(0, |place| place.0);
        let middle = places.get(places.len() / 2).map_or(0, |place| place.0);
        let through = if middle > least { middle - 1 } else { least };
        if places.last().is_none_or(|place| place.0 <= through) {
            let what = format!("the entry with id {least} needs more memory than there is");
            return Err(Problem::new(ProblemKind::Unsupported, "", what)
                .in_region(&self.region)
                .hint("give more --memory"));
        }
        let cells = std::mem::take(&mut self.cells);
        for (sequence, index, number, write_time) in places.into_iter().filter(|place| place.0 <= through) {
            if let Some(cell) = cells.get(number as usize) {
                let number = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
                self.cells.push(&cell);
                self.places.push((sequence, index, number, write_time));
            }
        }
        Ok(through)
    }
}
