//! Compares a file that is in the target already with the one in the source, byte for byte by their digests.

use crate::copy_ranges::BUFFER_LEN;
use crate::digest::{RangeHasher, RangeSum};
use crate::failing::{failed_store, source_problem};
use crate::open_hfile::{OpenedHFile, open_hfile};
use formats::FormatError;
use formats::compress::Decompressor;
use formats::hfile::{BlockWalker, Walked};
use stage::{Bytes, Failure, Map, Problem, ProblemKind};
use store::{ReadRanges, Store, StoreError, StorePath, WriteShape};

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

/// What came of it.
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
    /// What the file says of itself, if they are the same.
    pub opened: Option<Result<OpenedHFile, FormatError>>,
    /// Tells whether the file in the target is still the one that was compared.
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
}

impl Map for CompareFiles<'_> {
    type In = CompareUnit;
    type Out = Compared;

    fn map(&self, unit: CompareUnit) -> Result<Compared, Failure> {
        let unread = |error| failed_store("comparing with what is in the target", self.target, error);
        let there = self.target.open(&unit.target).map_err(unread)?;
        let mut compared = Compared {
            file: unit.file,
            len: unit.shape.len,
            target_len: there.metadata().len,
            same: Ok(false),
            ranges: Vec::new(),
            walked: None,
            opened: None,
            identity: there.metadata().identity.0.clone(),
        };
        if compared.target_len != unit.shape.len {
            return Ok(compared);
        }
        let (ranges, walked) =
            match self.source.open(&unit.source).and_then(|file| hash(file.as_ref(), unit.shape)) {
                Ok(hashed) => hashed,
                Err(error) => {
                    compared.same = Err(source_problem(&error));
                    return Ok(compared);
                }
            };
        if ranges.iter().map(|range| range.len).sum::<u64>() != unit.shape.len {
            compared.same =
                Err(Problem::new(ProblemKind::Length, &unit.source, "became shorter while it was read"));
            return Ok(compared);
        }
        let same = hash(there.as_ref(), unit.shape).map_err(unread)?.0 == ranges;
        if same {
            compared.opened = Some(open_hfile(there.as_ref(), &mut Decompressor::default()).map_err(unread)?);
        }
        Ok(Compared { same: Ok(same), ranges, walked: Some(walked), ..compared })
    }
}

fn hash(file: &dyn ReadRanges, shape: WriteShape) -> Result<(Vec<RangeSum>, Walked), StoreError> {
    let mut walker = BlockWalker::from_start(shape.len);
    let mut buffer = vec![0; BUFFER_LEN];
    let mut ranges = Vec::new();
    for index in 0..u32::try_from(shape.parts()).unwrap_or(u32::MAX) {
        let (mut offset, len) = shape.part(index);
        let end = offset + len;
        let mut hasher = RangeHasher::new(offset, shape.parts() == 1);
        while offset < end {
            let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buffer.len());
            let read = file.read_at(offset, buffer.get_mut(..wanted).unwrap_or_default())?;
            let piece = buffer.get(..read).unwrap_or_default();
            hasher.update(piece);
            walker.feed(piece);
            offset += read as u64;
            if read < wanted {
                break;
            }
        }
        ranges.push(hasher.finish());
    }
    Ok((ranges, walker.finish()))
}
