//! Copies, proves and places the files of a plan.

use crate::finishing::{FINISHING, Finishing, finish};
use crate::record::{CopiedRecord, Record};
use crate::state::{FileState, State, add};
use crate::units::{CopyUnits, unproved_path};
use crate::{DeliveryPlan, Terms};
use catalog::Journal;
use formats::FormatError;
use formats::hfile::Walked;
use runtime::{Meter, Run};
use stage::{Failure, Map, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use steps::bytes::{RangeSum, failed_store, file_problem, join_ranges};
use steps::copy::{
    CompareFiles, CompareUnit, Compared, Contents, CopiedUnit, CopyRanges, CopyUnit, Proof, ProveRanges,
    ProvedRange, ProvedUnit, RangeOfUnit,
};
use steps::hfile::{Level, block_problems, checksum_type, join_walks};
use store::{Publish, Store, StoreErrorKind, StorePath};

/// The medium is not trusted any longer after this many tries in which it did not return what was written.
const ROUNDS: usize = 3;

/// Everything that the work on the files needs.
pub struct Copying<'a> {
    pub terms: Terms,
    pub plan: &'a DeliveryPlan,
    pub source: &'a dyn Store,
    pub target: &'a dyn Store,
    pub partial: &'a StorePath,
    pub journal: &'a Mutex<Journal>,
    pub run: &'a Run,
}

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
        let mut placing =
            Placing { work: self, state, problems, gathered: BTreeMap::new(), distrusted: BTreeSet::new() };
        let workers = self.terms.workers;
        let flow = self.run.flow(units).io(workers, "copy", &copy).io(workers, "prove", &prove);
        flow.unordered().each(|unit| {
            let bytes =
                unit.ranges.iter().flat_map(|(_, range)| range).map(|range| range.copied.sum.len).sum();
            let ended = placing.take(unit)?;
            meter.advance(ended, bytes);
            Ok(())
        })?;
        let distrusted = placing.distrusted;
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

    /// What a whole file holds; `None` if it is damaged, which `problems` then says.
    fn contents(
        &self,
        file: u32,
        walked: Option<&Walked>,
        contents: Result<Contents, FormatError>,
        problems: &mut Problems,
    ) -> Option<Contents> {
        let mut found: Vec<Problem> = Vec::new();
        let strict = self.plan.aim.level >= Level::Blocks;
        if let Some(walked) = walked.filter(|_| strict) {
            found.extend(block_problems(walked));
        }
        let contents = match contents {
            Ok(contents) => contents,
            // A lower level copies damage as it is.
            Err(error) if !strict => Contents { unread: Some(error.to_string()), ..Contents::default() },
            Err(error) => {
                if found.is_empty() {
                    found.push(file_problem("", &error));
                }
                Contents::default()
            }
        };
        let whole = found.is_empty();
        problems.extend(found.into_iter().map(|problem| self.in_source(file, problem)));
        whole.then(|| Contents {
            blocks: walked
                .filter(|walked| walked.unread_version().is_none())
                .map(|walked| walked.blocks.total()),
            checksum_type: walked.and_then(checksum_type).map(|kind| kind.name().to_owned()),
            ..contents
        })
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

    fn write_down(&self, record: &Record) -> Result<(), Failure> {
        write_down(self.journal, record)
    }

    fn unproved_path(&self, file: u32) -> Result<StorePath, Failure> {
        unproved_path(self.plan, self.target, self.partial, file)
    }

    fn in_source(&self, file: u32, problem: Problem) -> Problem {
        self.in_root(file, problem, self.source, |listed, found| self.plan.listed.path(listed, found.place))
    }

    fn in_target(&self, file: u32, problem: Problem) -> Problem {
        self.in_root(file, problem, self.target, |listed, found| self.plan.target_path(listed, found))
    }

    fn in_root(
        &self,
        file: u32,
        mut problem: Problem,
        root: &dyn Store,
        path: impl Fn(&steps::copy::ListedFile, &steps::copy::FoundFile) -> Result<StorePath, store::StoreError>,
    ) -> Problem {
        if let Some((listed, found)) = self.plan.file(file) {
            if let Ok(path) = path(listed, found) {
                problem.path = path.shown(root);
            }
            if let Some(dir) = self.plan.listed.directories.get(listed.directory as usize) {
                problem = problem.in_region(dir.region).in_table(dir.table.full_form());
            }
        }
        problem
    }
}

fn proof_of(
    file: u32,
    ranges: Vec<RangeSum>,
    contents: Contents,
    identity: String,
) -> Result<Proof, Failure> {
    let nothing = || Failure::failed("joining digests", format!("file {file}"), "there is no range");
    let sum = join_ranges(&ranges).ok_or_else(nothing)?;
    let ranges = if ranges.len() > 1 { ranges } else { Vec::new() };
    Ok(Proof { sum, ranges, contents, identity })
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
        for ((_, range), new) in copied.ranges.iter().zip(new) {
            if let (Ok(range), true) = (range, new) {
                self.read.fetch_add(range.sum.len, Ordering::Relaxed);
                write_down(self.journal, &Record::Copied(CopiedRecord::of(range)))?;
            }
        }
        self.finish.take(copied)
    }
}

fn write_down(journal: &Mutex<Journal>, record: &Record) -> Result<(), Failure> {
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    journal.append(record).map_err(|error: catalog::CatalogError| error.failed("writing the journal"))
}

/// Takes what was proved: gathers the ranges of long files, and gives whole files their names.
struct Placing<'a, 'w> {
    work: &'a Copying<'w>,
    state: &'a mut State,
    problems: &'a mut Problems,
    gathered: BTreeMap<u32, Gathered>,
    distrusted: BTreeSet<u32>,
}

/// The ranges of a long file that are proved so far.
#[derive(Default)]
struct Gathered {
    ranges: BTreeMap<u32, ProvedRange>,
    broken: bool,
}

impl Placing<'_, '_> {
    /// Returns how many files were finished.
    fn take(&mut self, unit: ProvedUnit) -> Result<u64, Failure> {
        let mut ended = 0;
        for (file, range) in unit.ranges {
            ended += u64::from(match range {
                Err(problem) => self.fail(file, problem),
                Ok(range) if !range.agrees => self.distrust(file),
                Ok(range) if range.copied.asked.shape.parts() == 1 => self.place_short(range)?,
                Ok(range) => self.gather(range)?,
            });
        }
        Ok(ended)
    }

    fn fail(&mut self, file: u32, problem: Problem) -> bool {
        let known = matches!(self.state.files.get(file as usize), Some(FileState::Failed));
        if !known {
            self.problems.push(self.work.in_source(file, problem));
            self.state.set(file, FileState::Failed);
        }
        !known
    }

    fn distrust(&mut self, file: u32) -> bool {
        self.distrusted.insert(file);
        self.gathered.entry(file).or_default().broken = true;
        false
    }

    fn place_short(&mut self, range: ProvedRange) -> Result<bool, Failure> {
        let ProvedRange { copied, contents, .. } = range;
        self.place(copied.asked.file, vec![copied.sum], copied.walked.as_ref(), contents)?;
        Ok(true)
    }

    fn gather(&mut self, range: ProvedRange) -> Result<bool, Failure> {
        let (file, number) = (range.copied.asked.file, range.copied.asked.range);
        let parts = range.copied.asked.shape.parts();
        let gathered = self.gathered.entry(file).or_default();
        gathered.ranges.insert(number, range);
        if gathered.broken || (gathered.ranges.len() as u64) < parts {
            return Ok(false);
        }
        let ranges = self.gathered.remove(&file).unwrap_or_default().ranges.into_values().collect();
        self.place_long(file, ranges)?;
        Ok(true)
    }

    /// The join of a long file's ranges: its parts, its digests, and the blocks that cross from range to range.
    fn place_long(&mut self, file: u32, ranges: Vec<ProvedRange>) -> Result<(), Failure> {
        let target = self.work.target;
        let unwritten = |error| failed_store(FINISHING, target, error);
        finish(&ranges.iter().map(|range| &range.copied).collect::<Vec<_>>()).map_err(unwritten)?;
        let sums = ranges.iter().map(|range| range.copied.sum).collect();
        let walks: Vec<Walked> = ranges.into_iter().filter_map(|range| range.copied.walked).collect();
        let whole = target.open_uncached(&self.work.unproved_path(file)?).map_err(unwritten)?;
        let walked = match self.work.plan.aim.level >= Level::Blocks {
            true => Some(join_walks(whole.as_ref(), walks).map_err(unwritten)?),
            false => None,
        };
        let contents = Contents::read(whole.as_ref()).map(Ok).or_else(|fault| fault.format().map(Err));
        self.place(file, sums, walked.as_ref(), contents.map_err(unwritten)?)
    }

    /// Gives a proved file its name, unless it is damaged.
    fn place(
        &mut self,
        file: u32,
        ranges: Vec<RangeSum>,
        walked: Option<&Walked>,
        contents: Result<Contents, FormatError>,
    ) -> Result<(), Failure> {
        let Some(contents) = self.work.contents(file, walked, contents, self.problems) else {
            self.state.set(file, FileState::Failed);
            // The fault may have been in reading: the next run reads it again.
            return self.work.write_down(&Record::Forgotten(file));
        };
        add(&mut self.state.tally.copied, ranges.iter().map(|range| range.len).sum());
        let target = self.work.target;
        let unnamed = |error| failed_store("giving the copy its name", target, error);
        let from = self.work.unproved_path(file)?;
        if target.abilities().attributes {
            target.set_attributes(&from, &self.work.plan.aim.attributes).map_err(unnamed)?;
        }
        // Recorded before it has its name: after a kill in between, the next run recognises the file by this.
        let before = target.metadata(&from).map_err(unnamed)?.identity.0;
        let mut proof = proof_of(file, ranges, contents, before)?;
        self.work.write_down(&Record::Placed { file, proof: proof.clone() })?;
        let after = self.give_name(file, &from)?;
        if after != proof.identity {
            proof.identity = after;
            self.work.write_down(&Record::Placed { file, proof: proof.clone() })?;
        }
        self.state.set(file, FileState::Done(Box::new(proof)));
        Ok(())
    }

    /// Gives the copy its final name, and with it the identity by which later runs know it.
    fn give_name(&self, file: u32, from: &StorePath) -> Result<String, Failure> {
        let target = self.work.target;
        let unnamed = |error| failed_store("giving the copy its name", target, error);
        let missing = || Failure::failed("planning", "the export", format!("there is no file {file}"));
        let (listed, found) = self.work.plan.file(file).ok_or_else(missing)?;
        let to = self.work.plan.target_path(listed, found).map_err(Failure::usage)?;
        if *from == to {
            return Ok(target.metadata(&to).map_err(unnamed)?.identity.0);
        }
        let replace =
            matches!(self.state.files.get(file as usize), Some(FileState::ToCopy { replace: true }));
        let rule = if replace { Publish::Replace } else { Publish::IfAbsent };
        match target.rename(from, &to, rule) {
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                return Err(Failure::failed(
                    "giving the copy its name",
                    to,
                    "another run has put a file there",
                )
                .hint("run the same command again: it compares the two"));
            }
            renamed => renamed.map_err(unnamed)?,
        }
        Ok(target.metadata(&to).map_err(unnamed)?.identity.0)
    }
}
