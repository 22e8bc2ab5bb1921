//! Copies, proves and places the files of a plan.

use crate::copying::{Copying, proof_of, write_down};
use crate::finishing::Finishing;
use crate::placing::Placing;
use crate::record::{CopiedRecord, Record};
use crate::settling::Settling;
use crate::state::{FileState, State, add};
use crate::units::CopyUnits;
use catalog::Journal;
use runtime::Meter;
use stage::{Failure, Map, Problem, ProblemKind, Problems};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use steps::bytes::RangeSum;
use steps::copy::{
    CompareFiles, CompareUnit, Compared, Contents, CopiedUnit, CopyRanges, CopyUnit, ProveRanges, RangeOfUnit,
};
use steps::hfile::Level;

/// The medium is not trusted any longer after this many tries in which it did not return what was written.
const ROUNDS: usize = 3;

/// The most units that are synced together.
const SYNCED_TOGETHER: usize = 8;

impl Copying<'_> {
    /// Works until every file is done or failed. Damage in the source is in `problems`.
    pub fn work(&self, state: &mut State, problems: &mut Problems) -> Result<(), Failure> {
        self.compare(state, problems)?;
        let bytes = self.plan.found.iter().zip(&state.files);
        let bytes =
            bytes.filter(|(_, state)| matches!(state, FileState::ToCopy { .. })).map(|(file, _)| file.len);
        let files = state.numbers(|state| matches!(state, FileState::ToCopy { .. })).len();
        let meter = self.run.meter("copy", Some(files as u64), Some(bytes.sum()));
        for _ in 0..ROUNDS {
            let distrusted = self.round(state, problems, &meter)?;
            if distrusted.is_empty() {
                return Ok(());
            }
            for file in distrusted {
                self.write_down(&Record::Forgotten(file))?;
            }
        }
        let wrong = "the medium does not return what was written, three times in a row";
        Err(Failure::failed("reading the copy back", self.target.uri(), wrong)
            .hint("check the target's disks; nothing was published"))
    }

    /// One pass over the files that are to be copied; returns those whose copy the medium did not return.
    fn round(
        &self,
        state: &mut State,
        problems: &mut Problems,
        meter: &Meter,
    ) -> Result<BTreeSet<u32>, Failure> {
        let (verify_sums, verify_blocks) = (self.verify_sums(), self.plan.aim.level >= Level::Blocks);
        let copy = Journalled {
            copy: CopyRanges { source: self.source, target: self.target, verify_sums, verify_blocks },
            journal: self.journal,
            finish: Finishing::new(self.target),
            read: AtomicU64::new(0),
        };
        let prove = ProveRanges { target: self.target, verify_blocks };
        let units = CopyUnits::new(self.plan, state, self.target, self.partial);
        let settle = Settling::new(self.target);
        let mut placing = Placing::new(self, state, problems);
        let workers = self.terms.workers;
        // A thread that syncs waits for the medium, and the more of them wait together the fewer syncs there are.
        let flow = self.run.flow(units).io(workers, "copy", &copy).io(SYNCED_TOGETHER, "sync", &settle);
        flow.io(workers, "prove", &prove).unordered().each(|unit| {
            let bytes =
                unit.ranges.iter().flat_map(|(_, range)| range).map(|range| range.copied.sum.len).sum();
            let ended = placing.take(unit)?;
            meter.advance(ended, bytes);
            Ok(())
        })?;
        let distrusted = placing.distrusted();
        state.tally.bytes_read += copy.read.into_inner();
        Ok(distrusted)
    }

    /// The checksums that Hadoop recorded for a file are a recorded digest.
    fn verify_sums(&self) -> bool {
        self.plan.aim.level >= Level::Sums
    }

    /// Compares the files whose names are taken in the target with the source.
    fn compare(&self, state: &mut State, problems: &mut Problems) -> Result<(), Failure> {
        let files = state.numbers(|state| matches!(state, FileState::ToCompare));
        if files.is_empty() {
            return Ok(());
        }
        let bytes = files.iter().filter_map(|file| self.plan.file(*file)).map(|(_, found)| found.len).sum();
        let meter = self.run.meter("compare with what is there", Some(files.len() as u64), Some(bytes));
        let verify_sums = self.verify_sums();
        let step = CompareFiles { source: self.source, target: self.target, verify_sums };
        let units = files.into_iter().map(|file| self.to_compare(file)).collect::<Result<Vec<_>, _>>()?;
        let workers = self.terms.workers;
        self.run.flow(runtime::units(units)).io(workers, "compare", &step).unordered().each(|compared| {
            meter.advance(1, compared.len);
            self.take_compared(compared, state, problems)
        })
    }

    fn to_compare(&self, file: u32) -> Result<CompareUnit, Failure> {
        let missing = || Failure::failed("planning", "the export", format!("there is no file {file}"));
        let (listed, found) = self.plan.file(file).ok_or_else(missing)?;
        Ok(CompareUnit {
            file,
            source: self.plan.listed.path(listed, found.place).map_err(Failure::usage)?,
            target: self.plan.target_path(listed, found).map_err(Failure::usage)?,
            shape: self.plan.shape(found),
        })
    }

    fn take_compared(
        &self,
        compared: Compared,
        state: &mut State,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let Compared { file, len, same, ranges, walked, contents, target_len, side_removed, identity } =
            compared;
        state.tally.side_files_removed += u64::from(side_removed);
        state.tally.bytes_read += len;
        let read = match same {
            Err(problem) => {
                problems.push(self.in_source(file, problem));
                state.set(file, FileState::Failed);
                return Ok(());
            }
            Ok(same) => same,
        };
        if !read {
            add(&mut state.tally.replaced, len);
            if target_len == len {
                let what =
                    "a file of this name and length was in the target with other bytes; it is being replaced";
                problems.push(self.in_target(file, Problem::new(ProblemKind::Warning, "", what)));
            }
            state.set(file, FileState::ToCopy { replace: true });
            return Ok(());
        }
        let Some(contents) = self.contents(file, walked.as_ref(), contents, problems) else {
            state.set(file, FileState::Failed);
            return Ok(());
        };
        add(&mut state.tally.compared, len);
        self.done(file, ranges, contents, identity, state)
    }

    /// Records that a file which was in the target is proved.
    fn done(
        &self,
        file: u32,
        ranges: Vec<RangeSum>,
        contents: Contents,
        identity: String,
        state: &mut State,
    ) -> Result<(), Failure> {
        let proof = proof_of(file, ranges, contents, identity)?;
        self.write_down(&Record::Placed { file, proof: proof.clone() })?;
        state.set(file, FileState::Done(Box::new(proof)));
        Ok(())
    }
}

/// Copies, and records what was copied before the next step sees it.
struct Journalled<'a> {
    copy: CopyRanges<'a>,
    journal: &'a Mutex<Journal>,
    finish: Finishing<'a>,
    /// Bytes that this run read from the source.
    read: AtomicU64,
}

impl Map for Journalled<'_> {
    type In = CopyUnit;
    type Out = CopiedUnit;

    fn map(&self, unit: CopyUnit) -> Result<CopiedUnit, Failure> {
        let new: Vec<bool> = unit.ranges.iter().map(|range| matches!(range, RangeOfUnit::Copy(_))).collect();
        let copied = self.copy.map(unit)?;
        let new = copied.ranges.iter().zip(new).filter(|(_, new)| *new);
        let new: Vec<_> = new.filter_map(|((_, range), _)| range.as_ref().ok()).collect();
        self.read.fetch_add(new.iter().map(|range| range.sum.len).sum(), Ordering::Relaxed);
        let records: Vec<_> = new.into_iter().map(|range| Record::Copied(CopiedRecord::of(range))).collect();
        write_down(self.journal, &records)?;
        self.finish.take(copied)
    }
}
