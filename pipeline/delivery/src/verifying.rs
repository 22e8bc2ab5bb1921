//! Verifies many HFiles: the common part of verifying a snapshot, an export's cells and single files.

use formats::compress::Dictionaries;
use runtime::{Run, units};
use serde::Serialize;
use stage::{Failure, ProblemKind, Problems};
use steps::hfile::{FileToVerify, Level, VerifyFile};

/// The outcome of verifying files.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verified {
    /// Files that were looked at.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files whose digests were recorded and have been compared.
    pub digests: u64,
    /// Blocks that were followed.
    pub blocks: u64,
    /// Cells that were decoded.
    pub cells: u64,
    /// Files whose blocks have no checksums.
    pub without_checksums: u64,
    /// The level up to which all files were verified: the one that was asked for, or the lowest that one of them
    /// reached.
    #[serde(skip)]
    pub reached: Option<Level>,
    /// Files that could not be looked into, with the reason, the first hundred.
    pub not_looked_into: Vec<NotLookedInto>,
    /// Files with problems, except those that could not be read.
    pub damaged: u64,
    /// Files that could not be read (permission was denied, say): nothing is known to be wrong with them.
    pub unreadable: u64,
    /// What is wrong.
    #[serde(skip)]
    pub problems: Problems,
}

/// A file that could not be looked into though nothing is known to be wrong with it.
#[derive(Debug, Clone, Serialize)]
pub struct NotLookedInto {
    /// The file.
    pub path: String,
    /// The level up to which it was verified.
    pub level: Level,
    /// Why.
    pub why: String,
}

/// How many of them are named.
const NAMED: usize = 100;

/// Verifies files, this many at the same time; what is found is in the order of the files.
pub fn verify_files(
    files: Vec<FileToVerify>,
    level: Level,
    workers: usize,
    dictionaries: Dictionaries,
    run: &Run,
) -> Result<Verified, Failure> {
    let bytes = files.iter().map(|file| file.len).sum::<Option<u64>>();
    let meter = run.meter("verify", Some(files.len() as u64), bytes);
    let step = VerifyFile { level, dictionaries };
    let mut verified = Verified { reached: Some(level), ..Verified::default() };
    run.flow(units(files)).io(workers, "verify", &step).ordered().each(|file| {
        meter.advance(1, file.len);
        verified.files += 1;
        verified.bytes += file.len;
        verified.digests += u64::from(file.sums_compared);
        verified.blocks += file.blocks;
        verified.cells += file.cells.unwrap_or(0);
        verified.without_checksums += u64::from(file.without_checksums);
        verified.reached = verified.reached.min(Some(file.reached));
        if let Some(why) = file.not_looked_into
            && verified.not_looked_into.len() < NAMED
        {
            verified.not_looked_into.push(NotLookedInto { path: file.path, level: file.reached, why });
        }
        match file.problems.iter().find(|problem| problem.is_damage()) {
            None => {}
            Some(problem) if problem.kind == ProblemKind::Unreadable => verified.unreadable += 1,
            Some(_) => verified.damaged += 1,
        }
        verified.problems.extend(file.problems);
        Ok(())
    })?;
    Ok(verified)
}
