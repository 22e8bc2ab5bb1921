//! Merges the runs of one WAL and one table into the row groups of a batch.

use crate::edits::merge_edits::{EditSource, MergeEdits};
use crate::edits::wanted::{EditBounds, Wanted};
use columns::ChunkReader;
use columns::batch::{BatchFile, CellArena, RowGroups};
use stage::{Bytes, Failure, Problem, Source};
use std::collections::{BTreeSet, VecDeque};

/// A row group, in order.
pub struct MergedGroup(pub CellArena);

impl Bytes for MergedGroup {
    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// Yields row groups: the same as if memory had held all cells. Each run has a path, for messages.
pub struct MergeRuns<'a, R> {
    runs: &'a [(String, BatchFile<R>)],
    /// Region and family, in order.
    stores: VecDeque<(&'a str, &'a [u8])>,
    merge: Option<MergeEdits<'a, R>>,
    groups: RowGroups,
}

impl<'a, R: ChunkReader + Clone + 'static> MergeRuns<'a, R> {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(runs: &'a [(String, BatchFile<R>)]) -> Self {
        let groups = runs.iter().flat_map(|(_, run)| run.groups());
        let stores: BTreeSet<(&str, &[u8])> =
            groups.map(|group| (group.region.as_str(), group.family.as_slice())).collect();
        Self { runs, stores: stores.into_iter().collect(), merge: None, groups: RowGroups::default() }
    }

    /// The next full row group of the store under way, or its last.
    fn take(&mut self) -> Result<Option<CellArena>, Problem> {
        let Some(merge) = &mut self.merge else { return Ok(None) };
        while merge.advance()? {
            let Some(edit) = merge.edit() else { break };
            let full = self.groups.push(edit.region, &edit.cell, edit.index, edit.write_time);
            if full.is_some() {
                return Ok(full);
            }
        }
        self.merge = None;
        Ok(std::mem::take(&mut self.groups).finish())
    }
}

impl<R: ChunkReader + Clone + Send + Sync + 'static> Source for MergeRuns<'_, R> {
    type Out = MergedGroup;

    fn next(&mut self) -> Result<Option<MergedGroup>, Failure> {
        loop {
            let taken = self.take().map_err(|problem| {
                Failure::failed("merging edits that were written aside", &problem.path, &problem.what)
                    .hint("check the target's disks, and run the same command again")
            })?;
            if taken.is_some() {
                return Ok(taken.map(MergedGroup));
            }
            let Some((region, family)) = self.stores.pop_front() else { return Ok(None) };
            let sources = self.runs.iter().map(|(path, batch)| EditSource { path, batch });
            let wanted = Wanted { family: Some(family), replaced: true, ..Wanted::default() };
            self.merge = Some(MergeEdits::of_region(region, sources, &EditBounds::all(), &wanted));
        }
    }
}
