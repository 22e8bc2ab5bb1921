//! Copies ranges of files and, in the same read, hashes them and follows their blocks.

use crate::bytes::Witnessed;
use crate::bytes::look_where_hbase_looks;
use crate::bytes::{BUFFER_LEN, ReadPieces};
use crate::bytes::{RangeHasher, RangeSum};
use crate::bytes::{failed_store, source_problem};
use crate::hfile::block_problems;
use formats::hfile::{BlockWalker, Walked};
use stage::{Bytes, Failure, Found, Map, Obstacle, Problem, ProblemKind};
use std::sync::Arc;
use store::{
    AlignedBuffer, Identity, PartReceipt, ReadRanges, Store, StoreError, StorePath, WriteParts, WriteShape,
};

/// One range of one file.
pub struct RangeToCopy {
    /// Which file of the plan.
    pub file: u32,
    /// Which range of the file.
    pub range: u32,
    /// Where the file was when the plan was made.
    pub source: StorePath,
    /// Where else it may be by now: HBase moves files from `data` to `archive`.
    pub moved_to: Vec<StorePath>,
    /// What the file was when the plan was made; another identity means that it changed.
    pub identity: Identity,
    /// Where its bytes go until they are proved.
    pub target: StorePath,
    /// The file's length and its ranges.
    pub shape: WriteShape,
    /// The file being written, if it has several ranges; one with a single range is started by the worker.
    pub parts: Option<Arc<dyn WriteParts>>,
}

/// Ranges that one worker handles one after another: one long range, or many short files.
pub struct CopyUnit {
    /// The ranges.
    pub ranges: Vec<RangeOfUnit>,
}

/// What to do with a range.
pub enum RangeOfUnit {
    /// It is to be copied.
    Copy(RangeToCopy),
    /// An earlier run has copied it; it is still to be proved.
    Copied(Box<CopiedRange>),
}

impl Bytes for CopyUnit {
    fn bytes(&self) -> usize {
        BUFFER_LEN
    }
}

/// What was copied of one range.
pub struct CopiedRange {
    /// What was asked for.
    pub asked: RangeToCopy,
    /// Digests of the bytes as they were read.
    pub sum: RangeSum,
    /// The blocks that went by, if they were looked at.
    pub walked: Option<Walked>,
    /// Needed to finish the file.
    pub receipt: PartReceipt,
    /// Needed by a later run to resume the file.
    pub token: String,
}

/// What became of a unit's ranges: a range that could not be read from the source is a problem.
pub struct CopiedUnit {
    /// The file's number, and the range as it was copied, or why it was not.
    pub ranges: Vec<(u32, Result<CopiedRange, Problem>)>,
}

impl Bytes for CopiedUnit {
    fn bytes(&self) -> usize {
        BUFFER_LEN
    }
}

/// The step. Damage in the source is in the result; a target that cannot be written is a failure.
pub struct CopyRanges<'a> {
    /// Where files come from.
    pub source: &'a dyn Store,
    /// Where they go.
    pub target: &'a dyn Store,
    /// Whether a file of the source is compared with the checksums that Hadoop keeps beside it.
    pub verify_sums: bool,
    /// Whether HFile blocks are followed and their checksums verified.
    pub verify_blocks: bool,
}

impl Map for CopyRanges<'_> {
    type In = CopyUnit;
    type Out = CopiedUnit;

    fn map(&self, unit: CopyUnit) -> Result<CopiedUnit, Failure> {
        let mut buffer = AlignedBuffer::new(BUFFER_LEN);
        let mut ranges = Vec::with_capacity(unit.ranges.len());
        for range in unit.ranges {
            ranges.push(match range {
                RangeOfUnit::Copied(copied) => (copied.asked.file, Ok(*copied)),
                RangeOfUnit::Copy(asked) => match (asked.file, self.copy(asked, &mut buffer)) {
                    (file, Ok(copied)) => (file, Ok(copied)),
                    (file, Err(Obstacle::Damage(problem))) => (file, Err(problem)),
                    (_, Err(Obstacle::Failure(failure))) => return Err(failure),
                },
            });
        }
        Ok(CopiedUnit { ranges })
    }
}

impl CopyRanges<'_> {
    fn copy(&self, asked: RangeToCopy, buffer: &mut [u8]) -> Found<CopiedRange> {
        let file = self.open_source(&asked)?;
        let parts = match &asked.parts {
            Some(parts) => Arc::clone(parts),
            None => {
                Arc::from(self.target.write(&asked.target, asked.shape, None).map_err(|e| self.unwritten(e))?)
            }
        };
        let mut part = parts.part(asked.range).map_err(|error| self.unwritten(error))?;
        let (start, len) = asked.shape.part(asked.range);
        let mut hasher = RangeHasher::new(start, asked.shape.parts() == 1);
        let mut walker = self.verify_blocks.then(|| walker_at(start, asked.shape.len));
        let mut pieces = ReadPieces::new(&file, (start, len), buffer);
        loop {
            let at = pieces.offset();
            let piece = match pieces.next_piece() {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return Err(source_problem(&error).at(at).into()),
            };
            part.write(piece).map_err(|error| self.unwritten(error))?;
            hasher.update(piece);
            if let Some(walker) = &mut walker {
                walker.feed(piece);
            }
        }
        if pieces.is_cut_short() {
            return Err(cut_short(&asked, pieces.offset()).into());
        }
        let receipt = part.finish().map_err(|error| self.unwritten(error))?;
        if asked.parts.is_none() {
            parts.finish(std::slice::from_ref(&receipt)).map_err(|error| self.unwritten(error))?;
        }
        let token = parts.token();
        if let Some(problem) = changed(&asked, &file) {
            return Err(problem.into());
        }
        let walked = walker.map(BlockWalker::finish);
        if let Some(problem) =
            file.problem(asked.source.as_str(), true).filter(|_| !is_damaged(&asked, &walked))
        {
            return Err(problem.into());
        }
        Ok(CopiedRange { asked, sum: hasher.finish(), walked, receipt, token })
    }

    /// Opens the file where it was, or where it has moved since. HBase may move it between two looks, so the places
    /// are tried twice.
    fn open_source(&self, asked: &RangeToCopy) -> Result<Witnessed, Problem> {
        let places: Vec<&StorePath> = std::iter::once(&asked.source).chain(&asked.moved_to).collect();
        let opened = look_where_hbase_looks(&places, |place| self.source.open(place));
        match opened.map_err(|error| source_problem(&error))? {
            Some((place, file)) if file.metadata().identity == asked.identity => self.witnessed(file, place),
            Some(_) => Err(changed_problem(asked)),
            None => Err(Problem::new(
                ProblemKind::Missing,
                &asked.source,
                "the file vanished before it was copied",
            )
            .hint(
                "is the snapshot still there? A deleted snapshot's files are cleaned away; take a new one",
            )),
        }
    }

    fn witnessed(&self, file: Box<dyn ReadRanges>, place: &StorePath) -> Result<Witnessed, Problem> {
        match self.verify_sums {
            true => Witnessed::of(file, self.source, place).map_err(|error| source_problem(&error)),
            false => Ok(Witnessed::unwatched(file)),
        }
    }

    fn unwritten(&self, error: StoreError) -> Failure {
        failed_store("writing the copy", self.target, error)
    }
}

/// Whether the blocks of a file in one range show damage: they say more than Hadoop's checksums do.
fn is_damaged(asked: &RangeToCopy, walked: &Option<Walked>) -> bool {
    let whole = walked.as_ref().filter(|_| asked.shape.parts() == 1);
    whole.is_some_and(|walked| block_problems(walked).next().is_some())
}

/// Follows blocks from an offset that is the start of a range.
pub(crate) fn walker_at(offset: u64, file_len: u64) -> BlockWalker {
    match offset {
        0 => BlockWalker::from_start(file_len),
        _ => BlockWalker::from_middle(offset, file_len),
    }
}

fn cut_short(asked: &RangeToCopy, end: u64) -> Problem {
    let what = format!("the file ends here, it had {} bytes when the plan was made", asked.shape.len);
    Problem::new(ProblemKind::Length, &asked.source, what)
        .at(end)
        .hint("see what truncated it, then export again")
}

fn changed(asked: &RangeToCopy, file: &dyn ReadRanges) -> Option<Problem> {
    match file.current() {
        Ok(now) if now.identity == asked.identity => None,
        Ok(_) => Some(changed_problem(asked)),
        // It moved or was deleted; what was read through the open handle was the planned file.
        Err(error) if error.is_not_found() => None,
        Err(error) => Some(source_problem(&error)),
    }
}

fn changed_problem(asked: &RangeToCopy) -> Problem {
    Problem::new(ProblemKind::Length, &asked.source, "the file changed after the plan was made")
        .meaning("HBase never changes a finished HFile")
        .hint("see what writes to it, then export again")
}
