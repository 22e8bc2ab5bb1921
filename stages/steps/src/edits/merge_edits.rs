//! Brings the edits of regions from sorted runs into the order of an HFile, each once.

use crate::edits::loser_tree::LoserTree;
use crate::edits::repeats::{Repeat, Repeats};
use crate::edits::run::Run;
use crate::edits::wanted::{EditBounds, Wanted};
use crate::hfile::HFileCursor;
use columns::ChunkReader;
use columns::batch::{BatchCell, BatchFile, common_prefix};
use formats::cell::compare_cells;
use stage::{Problem, ProblemKind};
use std::cmp::Ordering;

/// A batch that may have edits of the region.
pub struct EditSource<'a, R> {
    /// Its path, for messages.
    pub path: &'a str,
    /// The batch.
    pub batch: &'a BatchFile<R>,
}

/// Goes through edits by key (`CellComparatorImpl`), the later sequence id first: a k-way merge of the runs of batches and of
/// bulk-loaded files. An entry that several batches have (a WAL and recovered edits, a log that was split twice) comes once;
/// two batches that hold one cell with different values are a problem. Holds a part of one row group of each run.
pub struct MergeEdits<'a, R> {
    runs: Vec<Run<'a, R>>,
    tree: LoserTree,
    /// How many bytes all rows begin with.
    shared: usize,
    repeats: Repeats,
    started: bool,
    given: u64,
}

impl<'a, R: ChunkReader + Clone + 'static> MergeEdits<'a, R> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let (tree, repeats) = (LoserTree::default(), Repeats::default());
        Self { runs: Vec::new(), tree, shared: usize::MAX, repeats, started: false, given: 0 }
    }

    /// The edits of one region, by its encoded name. Reads nothing yet.
    pub fn of_region(
        region: &str,
        sources: impl IntoIterator<Item = EditSource<'a, R>>,
        bounds: &EditBounds,
        wanted: &Wanted<'_>,
    ) -> Self {
        let mut merge = Self::new();
        merge.add_region(region, sources, bounds, wanted);
        merge
    }

    /// Adds the edits of a region.
    pub fn add_region(
        &mut self,
        region: &str,
        sources: impl IntoIterator<Item = EditSource<'a, R>>,
        bounds: &EditBounds,
        wanted: &Wanted<'_>,
    ) {
        self.repeats.keep_replaced |= wanted.replaced;
        let first = self.runs.len();
        let mut ids: Vec<(u64, u64)> = Vec::new();
        for EditSource { path, batch } in sources {
            let groups = batch.groups_of(region);
            let mut of_batch: Option<(u64, u64)> = None;
            for family in groups.clone().collect::<Vec<_>>().chunk_by(|one, next| {
                let family = |number: &usize| batch.groups().get(*number).map(|group| &group.family);
                family(one) == family(next)
            }) {
                let Some(run) = Run::of_batch(path, batch, family, bounds, wanted) else { continue };
                let (least, most) = of_batch.get_or_insert(run.ids);
                (*least, *most) = ((*least).min(run.ids.0), (*most).max(run.ids.1));
                self.runs.push(run);
            }
            ids.extend(of_batch);
        }
        ids.sort_unstable();
        let overlap = ids.windows(2).any(|pair| matches!(pair, [one, next] if next.0 <= one.1));
        self.repeats.may_come_again |= overlap;
        for run in self.runs.iter().skip(first) {
            self.shared = self.shared.min(run.shared);
        }
    }

    /// Adds the cells of a bulk-loaded file, whose rows lie in these bounds.
    pub fn add_file(&mut self, region: &str, cursor: HFileCursor<'a>, rows: (&[u8], &[u8])) {
        let run = Run::of_file(region, cursor, rows);
        self.shared = self.shared.min(run.shared);
        self.runs.push(run);
    }

    /// Whether there is nothing to go through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether a cell may have tags.
    #[must_use]
    pub fn may_have_tags(&self) -> bool {
        self.runs.iter().any(|run| run.has_tags)
    }

    /// How many cells came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.repeats.duplicates
    }

    /// How many edits it has gone to.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.given
    }

    /// The edit that [`MergeEdits::advance`] has gone to.
    #[inline]
    #[must_use]
    pub fn edit(&self) -> Option<BatchCell<'_>> {
        self.runs.get(self.tree.winner()?).filter(|run| run.is_live)?.cell()
    }

    /// Goes to the next edit; false at the end.
    ///
    /// # Errors
    /// A batch cannot be read, or two batches have one cell with different values: nothing more can be had.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, Problem> {
        loop {
            if self.started {
                self.step()?;
            } else {
                self.start()?;
            }
            let Some((number, run)) =
                self.tree.winner().and_then(|number| Some((number, self.runs.get(number)?)))
            else {
                return Ok(false);
            };
            if !run.is_live {
                return Ok(false);
            }
            if !self.repeats.are_possible() {
                self.given += 1;
                return Ok(true);
            }
            let Some(edit) = run.cell() else { return Ok(false) };
            match self.repeats.judge(number, &edit) {
                Repeat::New | Repeat::Wanted => {
                    self.given += 1;
                    return Ok(true);
                }
                Repeat::Unwanted => {}
                Repeat::Conflict(other) => return Err(self.conflict(number, other)),
            }
        }
    }

    #[cold]
    fn start(&mut self) -> Result<(), Problem> {
        self.started = true;
        // Rows between the first and the last of all share what those two share.
        let first = self.runs.iter().map(|run| run.rows.0.as_slice()).min().unwrap_or_default();
        let last = self.runs.iter().map(|run| run.rows.1.as_slice()).max().unwrap_or_default();
        self.shared = common_prefix(first, last);
        for run in &mut self.runs {
            run.next(self.shared)?;
        }
        let runs = &self.runs;
        self.tree = LoserTree::new(runs.len(), |one, other| beats(runs, one, other));
        Ok(())
    }

    #[inline]
    fn step(&mut self) -> Result<(), Problem> {
        let Some(winner) = self.tree.winner() else { return Ok(()) };
        let Some(run) = self.runs.get_mut(winner) else { return Ok(()) };
        if let Some(edit) = run.cell() {
            self.repeats.remember(winner, &edit);
        }
        run.next(self.shared)?;
        let runs = &self.runs;
        self.tree.replay(|one, other| beats(runs, one, other));
        Ok(())
    }

    #[cold]
    fn conflict(&self, number: usize, other: usize) -> Problem {
        let path = |number: usize| self.runs.get(number).map_or("", |run| run.path);
        let region = self.runs.get(number).map_or("", |run| run.region.as_str());
        let sequence = self.edit().map_or(0, |edit| edit.cell.sequence);
        let what = format!("has the entry with id {sequence} with other cells than {}", path(other));
        Problem::new(ProblemKind::Cells, path(number), what)
            .in_region(region)
            .meaning(
                "neither can be trusted over the other, so nothing of the region is given out from here on",
            )
            .hint("see whether one of the files belongs to another cluster or to a table of the same name")
    }
}

impl<R: ChunkReader + Clone + 'static> Default for MergeEdits<'_, R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a run comes before another: of one entry's cells the last first, and of equal ones that of the earlier run.
#[inline]
fn beats<R: ChunkReader + Clone + 'static>(runs: &[Run<'_, R>], one: usize, other: usize) -> bool {
    let (Some(left), Some(right)) = (runs.get(one), runs.get(other)) else { return false };
    if !left.is_live || !right.is_live {
        return left.is_live;
    }
    match left.head.cmp(&right.head) {
        Ordering::Less => true,
        Ordering::Greater => false,
        Ordering::Equal => match (left.cell(), right.cell()) {
            (Some(a), Some(b)) => {
                let order = compare_cells(&a.cell, &b.cell).then_with(|| b.index.cmp(&a.index));
                order.then_with(|| one.cmp(&other)) == Ordering::Less
            }
            _ => false,
        },
    }
}
