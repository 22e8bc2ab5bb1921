//! Takes what was proved: gathers the ranges of long files, and gives whole files their names.

use crate::copying::{Copying, proof_of, write_down};
use crate::finishing::{FINISHING, finish};
use crate::record::Record;
use crate::state::{FileState, State, add};
use crate::units::unproved_path;
use formats::FormatError;
use formats::hfile::Walked;
use stage::{Failure, Problem, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::bytes::{RangeSum, failed_store};
use steps::copy::{Contents, Proof, ProvedRange, ProvedUnit};
use steps::hfile::{Level, join_walks};
use store::{Identity, Publish, StoreErrorKind, StorePath};

const NAMING: &str = "giving the copy its name";

/// The work on the calling thread.
pub struct Placing<'a, 'w> {
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

/// A file whose bytes the medium has returned.
struct Whole {
    ranges: Vec<RangeSum>,
    walked: Option<Walked>,
    contents: Result<Contents, FormatError>,
    identity: Identity,
}

impl<'a, 'w> Placing<'a, 'w> {
    /// Nothing is proved yet.
    pub fn new(work: &'a Copying<'w>, state: &'a mut State, problems: &'a mut Problems) -> Self {
        Self { work, state, problems, gathered: BTreeMap::new(), distrusted: BTreeSet::new() }
    }

    /// The files whose copy the medium did not return.
    pub fn distrusted(self) -> BTreeSet<u32> {
        self.distrusted
    }

    /// Returns how many files were finished.
    pub fn take(&mut self, unit: ProvedUnit) -> Result<u64, Failure> {
        let (mut ended, mut proved) = (0, Vec::new());
        for (file, range) in unit.ranges {
            let whole = match range {
                Err(problem) => {
                    ended += u64::from(self.fail(file, problem));
                    None
                }
                Ok(range) if !range.agrees => self.distrust(file),
                Ok(range) if range.copied.asked.shape.parts() == 1 => short(range),
                Ok(range) => self.gather(range)?,
            };
            if let Some(whole) = whole {
                ended += 1;
                proved.extend(self.judge(file, whole)?);
            }
        }
        self.place(proved)?;
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

    fn distrust(&mut self, file: u32) -> Option<Whole> {
        self.distrusted.insert(file);
        self.gathered.entry(file).or_default().broken = true;
        None
    }

    /// The file, once this range is the last of it.
    fn gather(&mut self, range: ProvedRange) -> Result<Option<Whole>, Failure> {
        let (file, number) = (range.copied.asked.file, range.copied.asked.range);
        let parts = range.copied.asked.shape.parts();
        let gathered = self.gathered.entry(file).or_default();
        gathered.ranges.insert(number, range);
        if gathered.broken || (gathered.ranges.len() as u64) < parts {
            return Ok(None);
        }
        let ranges = self.gathered.remove(&file).unwrap_or_default().ranges.into_values().collect();
        self.long(file, ranges).map(Some)
    }

    /// The join of a long file's ranges: its parts, its digests, and the blocks that cross from range to range.
    fn long(&self, file: u32, ranges: Vec<ProvedRange>) -> Result<Whole, Failure> {
        let target = self.work.target;
        let unwritten = |error| failed_store(FINISHING, target, error);
        finish(&ranges.iter().map(|range| &range.copied).collect::<Vec<_>>()).map_err(unwritten)?;
        let sums = ranges.iter().map(|range| range.copied.sum).collect();
        let walks: Vec<Walked> = ranges.into_iter().filter_map(|range| range.copied.walked).collect();
        let whole = target.open_uncached(&self.unproved_path(file)?).map_err(unwritten)?;
        let walked = match self.work.plan.aim.level >= Level::Blocks {
            true => Some(join_walks(whole.as_ref(), walks).map_err(unwritten)?),
            false => None,
        };
        let contents = Contents::read(whole.as_ref()).map(Ok).or_else(|fault| fault.format().map(Err));
        let contents = contents.map_err(unwritten)?;
        Ok(Whole { ranges: sums, walked, contents, identity: whole.metadata().identity.clone() })
    }

    /// The proof of a file, unless it is damaged.
    fn judge(&mut self, file: u32, whole: Whole) -> Result<Option<(u32, Proof)>, Failure> {
        let Whole { ranges, walked, contents, identity } = whole;
        let Some(contents) = self.work.contents(file, walked.as_ref(), contents, self.problems) else {
            self.state.set(file, FileState::Failed);
            // The fault may have been in reading: the next run reads it again.
            self.work.write_down(&Record::Forgotten(file))?;
            return Ok(None);
        };
        Ok(Some((file, proof_of(file, ranges, contents, identity.0)?)))
    }

    /// Gives proved files their names.
    fn place(&mut self, proved: Vec<(u32, Proof)>) -> Result<(), Failure> {
        let record = |(file, proof): &(u32, Proof)| Record::Placed { file: *file, proof: proof.clone() };
        // Recorded before they have their names, which leave a file the same: after a kill in between, the next run
        // recognises those that have theirs by this.
        write_down(self.work.journal, &proved.iter().map(record).collect::<Vec<_>>())?;
        for (file, proof) in proved {
            self.give_name(file)?;
            add(&mut self.state.tally.copied, proof.sum.len);
            self.state.set(file, FileState::Done(Box::new(proof)));
        }
        Ok(())
    }

    fn give_name(&self, file: u32) -> Result<(), Failure> {
        let target = self.work.target;
        let unnamed = |error| failed_store(NAMING, target, error);
        let missing = || Failure::failed("planning", "the export", format!("there is no file {file}"));
        let (listed, found) = self.work.plan.file(file).ok_or_else(missing)?;
        let (from, to) =
            (self.unproved_path(file)?, self.work.plan.target_path(listed, found).map_err(Failure::usage)?);
        if target.abilities().attributes {
            target.set_attributes(&from, &self.work.plan.aim.attributes).map_err(unnamed)?;
        }
        if from == to {
            return Ok(());
        }
        let replace =
            matches!(self.state.files.get(file as usize), Some(FileState::ToCopy { replace: true }));
        let rule = if replace { Publish::Replace } else { Publish::IfAbsent };
        match target.rename(&from, &to, rule) {
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                Err(Failure::failed(NAMING, to, "another run has put a file there")
                    .hint("run the same command again: it compares the two"))
            }
            renamed => renamed.map_err(unnamed),
        }
    }

    fn unproved_path(&self, file: u32) -> Result<StorePath, Failure> {
        unproved_path(self.work.plan, self.work.target, self.work.partial, file)
    }
}

/// A file of one range.
fn short(range: ProvedRange) -> Option<Whole> {
    let ProvedRange { copied, contents, identity, .. } = range;
    Some(Whole { ranges: vec![copied.sum], walked: copied.walked, contents, identity: identity? })
}
