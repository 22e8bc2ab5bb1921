//! Cuts the files that are still to be copied into units of work.

use crate::DeliveryPlan;
use crate::record::CopiedRecord;
use crate::state::{FileState, State, is_copied};
use names::Place;
use stage::{Failure, Source};
use std::collections::BTreeMap;
use std::sync::Arc;
use steps::bytes::failed_store;
use steps::copy::{CopiedRange, CopyUnit, FoundFile, ListedFile, RangeOfUnit, RangeToCopy};
use store::{Store, StoreError, StorePath, WriteParts, WriteShape};

/// The most short files in a unit: enough that one sync serves many, few enough that little is lost.
const FILES_A_UNIT: usize = 64;

/// Yields units: in turn, ranges of long files, which keep the disks busy, and bundles of short files, which keep the
/// cores busy.
pub struct CopyUnits<'a> {
    plan: &'a DeliveryPlan,
    /// Ranges that an earlier run copied.
    copied: BTreeMap<(u32, u32), CopiedRecord>,
    target: &'a dyn Store,
    partial: &'a StorePath,
    long: std::vec::IntoIter<u32>,
    short: std::iter::Peekable<std::vec::IntoIter<u32>>,
    /// The long file whose ranges are being yielded.
    open: Option<OpenFile>,
    /// Whether what was yielded last was a bundle.
    last_was_bundle: bool,
}

/// A file with several ranges, being written.
struct OpenFile {
    number: u32,
    /// None of a file that an earlier run has finished.
    parts: Option<Arc<dyn WriteParts>>,
    next_range: u32,
    /// Whether what an earlier run copied of it is still there.
    resumed: bool,
}

impl<'a> CopyUnits<'a> {
    /// The work that is left. Takes what an earlier run copied out of the state, since it is used once.
    pub fn new(
        plan: &'a DeliveryPlan,
        state: &mut State,
        target: &'a dyn Store,
        partial: &'a StorePath,
    ) -> Self {
        let todo = state.numbers(|state| matches!(state, FileState::ToCopy { .. }));
        let is_long =
            |number: &u32| plan.file(*number).is_some_and(|(_, found)| found.len > plan.aim.range_len);
        let (long, short): (Vec<u32>, Vec<u32>) = todo.into_iter().partition(is_long);
        Self {
            plan,
            copied: std::mem::take(&mut state.copied),
            target,
            partial,
            long: long.into_iter(),
            short: short.into_iter().peekable(),
            open: None,
            last_was_bundle: true,
        }
    }

    /// The next range of a long file; all of them where parts are written in order, which one worker does.
    fn next_ranges(&mut self) -> Result<Option<CopyUnit>, Failure> {
        let mut ranges = Vec::new();
        while let Some(range) = self.next_range()? {
            ranges.push(range);
            let ended = self.open.as_ref().is_none_or(|open| self.ranges_left(open) == 0);
            if ended || self.target.abilities().parallel_parts {
                break;
            }
        }
        Ok((!ranges.is_empty()).then_some(CopyUnit { ranges }))
    }

    fn ranges_left(&self, open: &OpenFile) -> u64 {
        let all = self.plan.file(open.number).map_or(0, |(_, found)| self.plan.shape(found).parts());
        all.saturating_sub(u64::from(open.next_range))
    }

    fn next_range(&mut self) -> Result<Option<RangeOfUnit>, Failure> {
        loop {
            if let Some(open) = &mut self.open
                && let Some((file, found)) = self.plan.file(open.number)
                && u64::from(open.next_range) < self.plan.shape(found).parts()
            {
                let (number, range, parts, resumed) =
                    (open.number, open.next_range, open.parts.clone(), open.resumed);
                open.next_range += 1;
                let asked = self.asked(number, range, file, found, parts)?;
                return Ok(Some(self.resumed(asked, resumed)));
            }
            self.open = match self.long.next() {
                None => return Ok(None),
                Some(number) => self.begin(number)?,
            };
        }
    }

    /// Begins a long file, or resumes it where an earlier run was.
    fn begin(&self, number: u32) -> Result<Option<OpenFile>, Failure> {
        let Some((_, found)) = self.plan.file(number) else { return Ok(None) };
        let path = unproved_path(self.plan, self.target, self.partial, number)?;
        let shape = self.plan.shape(found);
        let unwritten = |error: StoreError| failed_store("beginning the copy", self.target, error);
        let token =
            self.copied.range((number, 0)..=(number, u32::MAX)).next().map(|(_, range)| range.token.as_str());
        let gone_on = match token.map(|token| self.target.write(&path, shape, Some(token))) {
            Some(Err(error)) if !error.is_not_found() => return Err(unwritten(error)),
            Some(Ok(parts)) => Some(parts),
            _ => None,
        };
        if gone_on.is_none() && self.is_finished(number, &path, shape).map_err(unwritten)? {
            return Ok(Some(OpenFile { number, parts: None, next_range: 0, resumed: true }));
        }
        let resumed = gone_on.is_some();
        let parts = match gone_on {
            Some(parts) => parts,
            None => self.target.write(&path, shape, None).map_err(unwritten)?,
        };
        Ok(Some(OpenFile { number, parts: Some(Arc::from(parts)), next_range: 0, resumed }))
    }

    /// Whether an earlier run has copied all ranges of a file and finished it, where such a file cannot be resumed.
    /// Its bytes are still to be proved.
    fn is_finished(&self, number: u32, path: &StorePath, shape: WriteShape) -> Result<bool, StoreError> {
        if self.target.abilities().read_unfinished || !is_copied(self.plan, &self.copied, number) {
            return Ok(false);
        }
        match self.target.metadata(path) {
            Ok(metadata) => Ok(metadata.len == shape.len),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether all of a file is there: a power cut may have taken what an interrupted run has copied.
    fn is_whole(&self, path: &StorePath, shape: WriteShape) -> bool {
        self.target.metadata(path).is_ok_and(|metadata| metadata.len == shape.len)
    }

    /// Collects short files until they make a unit.
    fn next_bundle(&mut self) -> Result<Option<CopyUnit>, Failure> {
        let mut ranges = Vec::new();
        let mut bytes = 0;
        while let Some((number, (file, found))) =
            self.short.peek().and_then(|n| Some((*n, self.plan.file(*n)?)))
        {
            let full = ranges.len() >= FILES_A_UNIT || bytes + found.len > self.plan.aim.range_len;
            if full && !ranges.is_empty() {
                break;
            }
            self.short.next();
            bytes += found.len;
            let asked = self.asked(number, 0, file, found, None)?;
            let there = self.copied.contains_key(&(number, 0)) && self.is_whole(&asked.target, asked.shape);
            ranges.push(self.resumed(asked, there));
        }
        Ok((!ranges.is_empty()).then_some(CopyUnit { ranges }))
    }

    fn asked(
        &self,
        file: u32,
        range: u32,
        listed: &ListedFile,
        found: &FoundFile,
        parts: Option<Arc<dyn WriteParts>>,
    ) -> Result<RangeToCopy, Failure> {
        let path = |place| self.plan.listed.path(listed, place).map_err(Failure::usage);
        let elsewhere = Place::IN_ORDER.into_iter().filter(|place| *place != found.place);
        Ok(RangeToCopy {
            file,
            range,
            source: path(found.place)?,
            moved_to: elsewhere.map(path).collect::<Result<_, _>>()?,
            identity: found.identity.clone(),
            target: unproved_path(self.plan, self.target, self.partial, file)?,
            shape: self.plan.shape(found),
            parts,
        })
    }

    /// A range that an earlier run has copied need not be copied again.
    fn resumed(&self, asked: RangeToCopy, resumed: bool) -> RangeOfUnit {
        match self.copied.get(&(asked.file, asked.range)) {
            Some(record) if resumed => RangeOfUnit::Copied(Box::new(CopiedRange {
                sum: record.sum(),
                walked: None,
                receipt: record.part_receipt(),
                token: record.token.clone(),
                asked,
            })),
            _ => RangeOfUnit::Copy(asked),
        }
    }
}

impl Source for CopyUnits<'_> {
    type Out = CopyUnit;

    fn next(&mut self) -> Result<Option<CopyUnit>, Failure> {
        self.last_was_bundle = !self.last_was_bundle;
        let unit = if self.last_was_bundle { self.next_bundle()? } else { self.next_ranges()? };
        match unit {
            Some(unit) => Ok(Some(unit)),
            None if self.last_was_bundle => self.next_ranges(),
            None => self.next_bundle(),
        }
    }
}

/// Where a file's bytes are until they are proved. Where nothing can be renamed that is their final place: they count
/// once a snapshot names them.
pub fn unproved_path(
    plan: &DeliveryPlan,
    target: &dyn Store,
    partial: &StorePath,
    file: u32,
) -> Result<StorePath, Failure> {
    let path = match plan.file(file) {
        Some((listed, found)) if !target.abilities().rename => plan.target_path(listed, found),
        // Workers that make files in one directory wait for each other.
        _ => partial.join_all([format!("{}", file as usize / FILES_A_UNIT).as_str(), &format!("{file}")]),
    };
    path.map_err(Failure::usage)
}
