//! Brings the edits of one region from several batches into the order in which HBase made them, each once.

use columns::ChunkReader;
use columns::batch::{BatchCell, BatchCursor, BatchFile};
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
    /// Of no family are edits with a smaller id wanted: they are not even read.
    pub first: u64,
    /// The last id that is wanted: the cut.
    pub through: u64,
    /// Up to which id the edits of a family are in files already (exact start). Families that are not named have none
    /// there.
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
/// a log that was split twice) comes once; if their cells differ, that is a problem.
pub struct MergeEdits<'a, R> {
    region: String,
    bounds: EditBounds,
    /// Above this id every family's edits are wanted.
    all_after: u64,
    runs: Vec<Run<'a, R>>,
    /// The next id of each run but the leader and its twins; of one that is not open yet the first that it may have.
    waiting: BinaryHeap<Reverse<(u64, usize)>>,
    leader: Option<usize>,
    /// Runs that stand at the same cell as the leader.
    twins: Vec<usize>,
    /// Id at which the leader stands, and the smallest id that waits.
    sequence: u64,
    limit: u64,
    duplicates: u64,
}

impl<'a, R: ChunkReader + Clone + 'static> MergeEdits<'a, R> {
    /// The edits of a region, by its encoded name. Reads nothing yet.
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
            twins: Vec::new(),
            sequence: 0,
            limit: 0,
            duplicates: 0,
        }
    }

    /// How many cells came a second time, and were the same.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The edit that [`MergeEdits::advance`] has gone to.
    #[inline]
    #[must_use]
    pub fn edit(&self) -> Option<BatchCell<'_>> {
        self.runs.get(self.leader?)?.cursor.as_ref()?.cell()
    }

    /// Goes to the next edit; false at the end.
    ///
    /// # Errors
    /// A batch cannot be read, or two batches have one entry with different cells: nothing more can be had of the
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
        self.leader = None;
        self.twins.clear();
        self.waiting.clear();
        self.runs.clear();
    }

    /// One cell on.
    #[inline]
    fn step(&mut self) -> Result<bool, Problem> {
        let Some(leader) = self.leader else { return self.elect() };
        let before = self.sequence;
        match self.go_on(leader)? {
            Some(sequence) if sequence == before => {
                if !self.twins.is_empty() {
                    self.twins_follow(leader)?;
                }
                return Ok(true);
            }
            Some(sequence) if sequence < self.limit && self.twins.is_empty() => {
                self.sequence = sequence;
                return self.ascends(leader, before, sequence);
            }
            Some(sequence) => {
                self.ascends(leader, before, sequence)?;
                self.waiting.push(Reverse((sequence, leader)));
            }
            None => {}
        }
        self.twins_leave(leader, before)?;
        self.elect()
    }

    #[inline]
    fn ascends(&self, run: usize, before: u64, sequence: u64) -> Result<bool, Problem> {
        match sequence > before {
            true => Ok(true),
            false => Err(self.unread(run, &format!("sequence id {sequence} comes behind {before}"))),
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
                if let Some(run) = self.runs.get_mut(run) {
                    run.cursor = None;
                }
                Ok(None)
            }
            Err(error) => Err(self.unread(run, &error)),
        }
    }

    /// Opens a run: its first id that is wanted by anybody.
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

    /// The run with the smallest id leads; those with the same id become its twins.
    fn elect(&mut self) -> Result<bool, Problem> {
        self.leader = None;
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
                Some(leader) => {
                    self.compare(leader, run)?;
                    self.twins.push(run);
                }
            }
        }
        self.limit = self.waiting.peek().map_or(u64::MAX, |Reverse((sequence, _))| *sequence);
        Ok(self.leader.is_some())
    }

    /// The leader is still in the entry: so must be its twins, at an equal cell.
    fn twins_follow(&mut self, leader: usize) -> Result<(), Problem> {
        for twin in self.twins.clone() {
            match self.go_on(twin)? {
                Some(sequence) if sequence == self.sequence => self.compare(leader, twin)?,
                _ => return Err(self.conflict(leader, twin)),
            }
        }
        Ok(())
    }

    /// The leader is behind the entry: so must be its twins.
    fn twins_leave(&mut self, leader: usize, entry: u64) -> Result<(), Problem> {
        for twin in std::mem::take(&mut self.twins) {
            match self.go_on(twin)? {
                Some(sequence) if sequence == entry => return Err(self.conflict(leader, twin)),
                Some(sequence) => {
                    self.ascends(twin, entry, sequence)?;
                    self.waiting.push(Reverse((sequence, twin)));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn compare(&mut self, leader: usize, twin: usize) -> Result<(), Problem> {
        let cell =
            |run: usize| self.runs.get(run)?.cursor.as_ref()?.cell().map(|cell| (cell.index, cell.cell));
        if cell(leader) != cell(twin) {
            return Err(self.conflict(leader, twin));
        }
        self.duplicates += 1;
        Ok(())
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
            .meaning(
                "neither can be trusted over the other, so nothing of the region is given out from here on",
            )
            .hint("see whether one of the files belongs to another cluster or to a table of the same name")
    }
}
