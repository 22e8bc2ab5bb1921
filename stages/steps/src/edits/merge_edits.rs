//! Puts the edits of one region from several batches into the order in which HBase made them, each once.

use crate::edits::held_entry::HeldEntry;
use columns::batch::{BatchCell, BatchCursor, BatchFile};
use columns::{ChunkReader, ReadError};
use stage::{Problem, ProblemKind};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A batch that may have edits of the region.
pub struct EditSource<'a, R> {
    /// Its path, for messages.
    pub path: &'a str,
    /// The batch.
    pub batch: &'a BatchFile<R>,
}

/// Which edits of a region are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditBounds {
    /// Edits with a smaller id are wanted for no family, and not even read.
    pub first: u64,
    /// The last id that is wanted: the cut.
    pub through: u64,
    /// The id up to which the edits of a family are in files already (exact start). Families that are not named have
    /// none there.
    pub after: Vec<(Vec<u8>, u64)>,
}

impl EditBounds {
    /// Every edit.
    #[must_use]
    pub fn all() -> Self {
        Self { first: 0, through: u64::MAX, after: Vec::new() }
    }

    fn of_family(&self, family: &[u8]) -> u64 {
        self.after.iter().find(|(known, _)| known == family).map_or(0, |(_, after)| *after)
    }
}

/// Row groups of one batch, in ascending order.
struct Run<'a, R> {
    source: EditSource<'a, R>,
    groups: Vec<usize>,
    /// Opened when its turn comes, closed at its end.
    cursor: Option<BatchCursor<R>>,
}

/// Goes through the edits of one region by (sequence id, index in the entry): a k-way merge of the row groups' cursors,
/// of which only those are open whose ids lie together. An entry that several batches have (a WAL and recovered edits,
/// a log that was split twice) comes once, from the batch that has most of it; a cell that this one lacks is a problem.
pub struct MergeEdits<'a, R> {
    region: String,
    bounds: EditBounds,
    /// Above this id every family's edits are wanted.
    all_after: u64,
    runs: Vec<Run<'a, R>>,
    /// The next id of each run but the leader; for one that is not open yet, the first that it may have.
    waiting: BinaryHeap<Reverse<(u64, usize)>>,
    leader: Option<usize>,
    /// An entry that several runs have, and the cell of it that was reached; then there is no leader.
    held: Option<(HeldEntry, usize)>,
    /// Id at which the leader stands, and the smallest id that waits.
    sequence: u64,
    limit: u64,
    duplicates: u64,
}

impl<'a, R: ChunkReader + Clone + 'static> MergeEdits<'a, R> {
    /// Prepares the edits of a region, by its encoded name. Reads nothing yet.
    pub fn new(
        region: &str,
        sources: impl IntoIterator<Item = EditSource<'a, R>>,
        bounds: EditBounds,
    ) -> Self {
        let mut runs = Vec::new();
        let mut waiting = BinaryHeap::new();
        for source in sources {
            let EditSource { path, batch } = source;
            for groups in batch.runs_of(region).runs {
                let within =
                    groups.into_iter().filter_map(|number| Some((number, batch.groups().get(number)?)));
                let within = within.filter(|(_, group)| {
                    group.last_sequence >= bounds.first && group.first_sequence <= bounds.through
                });
                let (groups, firsts): (Vec<usize>, Vec<u64>) =
                    within.map(|(number, group)| (number, group.first_sequence)).unzip();
                if let Some(first) = firsts.first() {
                    waiting.push(Reverse((*first, runs.len())));
                    runs.push(Run { source: EditSource { path, batch }, groups, cursor: None });
                }
            }
        }
        let all_after = bounds.after.iter().map(|(_, after)| *after).max().unwrap_or_default();
        Self {
            region: region.to_owned(),
            all_after: all_after.max(bounds.first.saturating_sub(1)),
            bounds,
            runs,
            waiting,
            leader: None,
            held: None,
            sequence: 0,
            limit: 0,
            duplicates: 0,
        }
    }

    /// How many cells came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The edit that [`MergeEdits::advance`] has gone to.
    #[inline]
    #[must_use]
    pub fn edit(&self) -> Option<BatchCell<'_>> {
        match &self.held {
            Some((entry, at)) => entry.cell(*at, &self.region),
            None => self.runs.get(self.leader?)?.cursor.as_ref()?.cell(),
        }
    }

    /// Goes to the next edit; false at the end.
    ///
    /// # Errors
    /// A batch cannot be read, or two batches have one entry with different cells: nothing more can be read of the
    /// region.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, Problem> {
        while self.step()? {
            if self.sequence > self.bounds.through {
                break;
            }
            if self.sequence > self.all_after || self.is_wanted() {
                return Ok(true);
            }
        }
        self.end();
        Ok(false)
    }

    fn is_wanted(&self) -> bool {
        let Some(edit) = self.edit() else { return false };
        self.sequence >= self.bounds.first && self.sequence > self.bounds.of_family(edit.cell.family)
    }

    fn end(&mut self) {
        (self.leader, self.held) = (None, None);
        self.waiting.clear();
        self.runs.clear();
    }

    /// Advances by one cell.
    #[inline]
    fn step(&mut self) -> Result<bool, Problem> {
        if let Some((entry, at)) = &mut self.held {
            *at += 1;
            return if *at < entry.len() { Ok(true) } else { self.elect() };
        }
        let Some(leader) = self.leader else { return self.elect() };
        let before = self.sequence;
        match self.go_on(leader)? {
            Some(sequence) if sequence == before => return Ok(true),
            Some(sequence) if sequence < self.limit => {
                self.sequence = sequence;
                return self.ascends(leader, before, sequence);
            }
            Some(sequence) => {
                self.ascends(leader, before, sequence)?;
                self.waiting.push(Reverse((sequence, leader)));
            }
            None => {}
        }
        self.elect()
    }

    #[inline]
    fn ascends(&self, run: usize, before: u64, sequence: u64) -> Result<bool, Problem> {
        match sequence > before {
            true => Ok(true),
            false => Err(self.unread(run, &format!("sequence id {sequence} comes after {before}"))),
        }
    }

    /// The run's next id; `None` at its end.
    #[inline]
    fn go_on(&mut self, run: usize) -> Result<Option<u64>, Problem> {
        let Some(cursor) = self.runs.get_mut(run).and_then(|run| run.cursor.as_mut()) else {
            return Ok(None);
        };
        match cursor.advance() {
            Ok(true) => Ok(cursor.sequence()),
            Ok(false) => {
                self.close(run);
                Ok(None)
            }
            Err(error) => Err(self.unread(run, &error)),
        }
    }

    /// Opens a run, at its first id that any family wants.
    fn open(&mut self, run: usize) -> Result<Option<u64>, Problem> {
        if let Some(run) = self.runs.get_mut(run) {
            run.cursor = Some(run.source.batch.edits(std::mem::take(&mut run.groups)));
        }
        loop {
            match self.go_on(run)? {
                Some(sequence) if sequence < self.bounds.first => {}
                reached => return Ok(reached),
            }
        }
    }

    /// The run with the smallest id leads; an entry that others have, too, is taken out of all.
    fn elect(&mut self) -> Result<bool, Problem> {
        (self.leader, self.held) = (None, None);
        let mut twins = Vec::new();
        while let Some(Reverse((sequence, run))) = self.waiting.pop() {
            if self.leader.is_some() && sequence > self.sequence {
                self.waiting.push(Reverse((sequence, run)));
                break;
            }
            if sequence > self.bounds.through {
                break;
            }
            let is_open = self.runs.get(run).is_some_and(|run| run.cursor.is_some());
            if !is_open {
                if let Some(sequence) = self.open(run)? {
                    self.waiting.push(Reverse((sequence, run)));
                }
                continue;
            }
            match self.leader {
                None => (self.leader, self.sequence) = (Some(run), sequence),
                Some(_) => twins.push(run),
            }
        }
        if let Some(leader) = self.leader.filter(|_| !twins.is_empty()) {
            self.hold(leader, &twins)?;
        }
        self.limit = self.waiting.peek().map_or(u64::MAX, |Reverse((sequence, _))| *sequence);
        Ok(self.leader.is_some() || self.held.is_some())
    }

    /// Takes an entry out of all runs that have it, and keeps the copy with most cells: the others must be parts of it.
    #[cold]
    fn hold(&mut self, leader: usize, twins: &[usize]) -> Result<(), Problem> {
        let mut largest = (leader, self.take_entry(leader)?);
        let mut others = Vec::new();
        for twin in twins {
            let mut copy = (*twin, self.take_entry(*twin)?);
            if copy.1.len() > largest.1.len() {
                std::mem::swap(&mut copy, &mut largest);
            }
            others.push(copy);
        }
        for (run, entry) in &others {
            if !entry.is_part_of(&largest.1) {
                return Err(self.conflict(largest.0, *run));
            }
            self.duplicates += entry.len() as u64;
        }
        (self.leader, self.held) = (None, Some((largest.1, 0)));
        Ok(())
    }

    /// The entry at which a run stands; the run waits with the next one.
    fn take_entry(&mut self, run: usize) -> Result<HeldEntry, Problem> {
        let sequence = self.sequence;
        let cursor = self.runs.get_mut(run).and_then(|run| run.cursor.as_mut());
        let taken = cursor.map(|cursor| {
            let (entry, more) = HeldEntry::take(cursor, sequence)?;
            Ok::<_, ReadError>((entry, if more { cursor.sequence() } else { None }))
        });
        let (entry, next) = match taken {
            Some(Ok(taken)) => taken,
            Some(Err(error)) => return Err(self.unread(run, &error)),
            None => return Err(self.unread(run, &"it was closed")),
        };
        match next {
            Some(next) => {
                self.ascends(run, sequence, next)?;
                self.waiting.push(Reverse((next, run)));
            }
            None => self.close(run),
        }
        Ok(entry)
    }

    fn close(&mut self, run: usize) {
        if let Some(run) = self.runs.get_mut(run) {
            run.cursor = None;
        }
    }

    fn path(&self, run: usize) -> &'a str {
        self.runs.get(run).map_or("", |run| run.source.path)
    }

    #[cold]
    fn unread(&self, run: usize, error: &dyn std::fmt::Display) -> Problem {
        Problem::new(ProblemKind::Structure, self.path(run), error)
            .in_region(&self.region)
            .meaning("the region's edits cannot be brought into order")
            .hint("delete this batch and its markers, and convert again where the WAL is still there")
    }

    #[cold]
    fn conflict(&self, leader: usize, twin: usize) -> Problem {
        let what =
            format!("has the entry with id {} with other cells than {}", self.sequence, self.path(leader));
        Problem::new(ProblemKind::Cells, self.path(twin), what)
            .in_region(&self.region)
            .meaning("neither can be trusted over the other, so nothing of the region is used from here on")
            .hint("see whether one of the files belongs to another cluster or to a table of the same name")
    }
}
