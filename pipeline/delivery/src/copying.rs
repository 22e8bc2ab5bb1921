//! What the work on the files of a plan needs, and what it says of them.

use crate::record::Record;
use crate::{DeliveryPlan, Terms};
use catalog::Journal;
use formats::FormatError;
use formats::hfile::Walked;
use runtime::Run;
use stage::{Failure, Problem, Problems};
use std::sync::{Mutex, PoisonError};
use steps::bytes::{RangeSum, file_problem, join_ranges};
use steps::copy::{Contents, Proof};
use steps::hfile::{Level, block_problems, checksum_type};
use store::{Store, StorePath};

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
    /// What a whole file holds; `None` if it is damaged, which `problems` then says.
    pub fn contents(
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

    pub fn write_down(&self, record: &Record) -> Result<(), Failure> {
        write_down(self.journal, std::slice::from_ref(record))
    }

    pub fn in_source(&self, file: u32, problem: Problem) -> Problem {
        self.in_root(file, problem, self.source, |listed, found| self.plan.listed.path(listed, found.place))
    }

    pub fn in_target(&self, file: u32, problem: Problem) -> Problem {
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

/// What is known of a file whose ranges are proved.
pub fn proof_of(
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

/// Adds records to the journal, in one write.
pub fn write_down(journal: &Mutex<Journal>, records: &[Record]) -> Result<(), Failure> {
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    journal.append_all(records).map_err(|error: catalog::CatalogError| error.failed("writing the journal"))
}
