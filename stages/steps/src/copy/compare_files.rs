//! Compares a file that is in the target already with the one in the source, byte for byte by their digests.

use crate::bytes::RangeSum;
use crate::bytes::{BUFFER_LEN, ReadThrough, Wanted, read_through};
use crate::bytes::{Witnessed, drop_side, identity_with_side};
use crate::bytes::{failed_store, source_problem};
use crate::copy::proof::Contents;
use formats::FormatError;
use formats::hfile::Walked;
use stage::{Bytes, Failure, Map, Problem, ProblemKind};
use store::{ReadRanges, Store, StorePath, WriteShape};

/// One file, in both places.
pub struct CompareUnit {
    /// Which file of the plan.
    pub file: u32,
    /// Where it is in the source.
    pub source: StorePath,
    /// Where it is in the target.
    pub target: StorePath,
    /// Its length in the source, and its ranges.
    pub shape: WriteShape,
}

impl Bytes for CompareUnit {
    fn bytes(&self) -> usize {
        BUFFER_LEN
    }
}

/// The result.
pub struct Compared {
    /// Which file of the plan.
    pub file: u32,
    /// Its length in the source.
    pub len: u64,
    /// Its length in the target.
    pub target_len: u64,
    /// Whether both have the same bytes; a source that cannot be read is a problem.
    pub same: Result<bool, Problem>,
    /// Digests of the ranges, if they are the same.
    pub ranges: Vec<RangeSum>,
    /// The blocks that went by.
    pub walked: Option<Walked>,
    /// What the file says of itself, if they are the same; or what is wrong with it, which is no problem where damage
    /// is copied as it is.
    pub contents: Result<Contents, FormatError>,
    /// Whether stale checksums that Hadoop had kept of the target were removed.
    pub side_removed: bool,
    /// Shows whether the file in the target is still the one that was compared.
    pub identity: String,
}

impl Bytes for Compared {
    fn bytes(&self) -> usize {
        0
    }
}

/// The step.
pub struct CompareFiles<'a> {
    /// The root with the file that counts.
    pub source: &'a dyn Store,
    /// The root with the file that may be the same.
    pub target: &'a dyn Store,
    /// Whether a file of the source is compared with the checksums that Hadoop keeps beside it.
    pub verify_sums: bool,
}

impl CompareFiles<'_> {
    fn witness(&self, source: &Witnessed, unit: &CompareUnit) -> Option<Problem> {
        source.problem(unit.source.as_str(), true).filter(|_| self.verify_sums)
    }
}

impl Map for CompareFiles<'_> {
    type In = CompareUnit;
    type Out = Compared;

    fn map(&self, unit: CompareUnit) -> Result<Compared, Failure> {
        let unread = |error| failed_store("comparing with what is in the target", self.target, error);
        let there = Witnessed::open(self.target, &unit.target).map_err(unread)?;
        let mut compared = Compared {
            file: unit.file,
            len: unit.shape.len,
            target_len: there.metadata().len,
            same: Ok(false),
            ranges: Vec::new(),
            walked: None,
            contents: Ok(Contents::default()),
            side_removed: false,
            identity: String::new(),
        };
        if compared.target_len != unit.shape.len {
            return Ok(compared);
        }
        let wanted = Wanted { sums: true, blocks: true };
        let file = Witnessed::open(self.source, &unit.source);
        let source = match &file {
            Ok(file) => read_through(file, unit.shape, wanted),
            Err(error) => Err((0, error.clone())),
        };
        let source = match source {
            Ok(ReadThrough { cut_short: None, ranges, walked }) => {
                ReadThrough { ranges, walked, cut_short: None }
            }
            Ok(ReadThrough { cut_short: Some(at), .. }) => {
                let what = "became shorter while it was read";
                compared.same = Err(Problem::new(ProblemKind::Length, &unit.source, what).at(at));
                return Ok(compared);
            }
            Err((at, error)) => {
                compared.same = Err(source_problem(&error).at(at));
                return Ok(compared);
            }
        };
        if let Some(problem) = file.ok().and_then(|file| self.witness(&file, &unit)) {
            compared.same = Err(problem);
            return Ok(compared);
        }
        let sums = Wanted { sums: true, blocks: false };
        let target = read_through(&there, unit.shape, sums).map_err(|(_, error)| unread(error))?;
        let same = target.ranges == source.ranges;
        if same {
            // The file stays, but stale checksums must not.
            if !there.agrees() {
                compared.side_removed = drop_side(self.target, &unit.target).map_err(unread)?;
            }
            compared.identity =
                identity_with_side(self.target, &unit.target, &there.metadata().identity).map_err(unread)?;
            let contents = Contents::read(&there).map(Ok).or_else(|fault| fault.format().map(Err));
            compared.contents = contents.map_err(unread)?;
        }
        Ok(Compared { same: Ok(same), ranges: source.ranges, walked: source.walked, ..compared })
    }
}
