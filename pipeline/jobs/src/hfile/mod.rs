//! Looking into single HFiles.

use delivery::{Verified, verify_files};
use formats::compress::Dictionaries;
use runtime::Context;
use serde::Serialize;
use stage::{Failure, Found, Problem, Problems, Report};
use std::io::Write;
use std::sync::Arc;
use steps::bytes::{other_kind, sniff_file};
use steps::hfile::{CatHFile, CellFile, FileToVerify, Level, describe_hfile, locate_cells};
use store::{Store, StorePath};

pub use steps::hfile::{BloomDescription, CatOptions, HFileDescription};

/// HFiles, described.
#[derive(Debug, Clone, Serialize)]
pub struct HFilesReport {
    /// In the order in which they were given.
    pub files: Vec<HFileDescription>,
}

/// Describes HFiles. One that cannot be opened is a problem.
pub fn info(files: &[String]) -> Result<Report<HFilesReport>, Failure> {
    let mut problems = Problems::default();
    let mut described = Vec::new();
    for file in files {
        let found = locate(file).and_then(|located| Ok(describe_hfile(&located.cells)?));
        described.extend(problems.keep(found)?);
    }
    Ok(Report::new("hfile info", HFilesReport { files: described }, problems))
}

/// The outcome of verifying HFiles.
#[derive(Debug, Clone, Serialize)]
pub struct HFilesVerified {
    /// The level up to which all files were verified.
    pub level: Level,
    /// The level that was asked for.
    pub asked: Level,
    /// Files that were given; fewer are looked at where one is no HFile, or cannot be found.
    pub given: u64,
    /// What was found.
    #[serde(flatten)]
    pub verified: Verified,
}

/// Verifies HFiles on their own.
pub fn verify(
    files: &[String],
    level: Level,
    workers: usize,
    dictionaries: &[Vec<u8>],
    context: &Context,
) -> Result<Report<HFilesVerified>, Failure> {
    let run = context.start()?;
    let (mut problems, mut to_verify) = (Problems::default(), Vec::new());
    for file in files {
        if let Some(Located { store, path, cells }) = problems.keep(locate(file))? {
            // For a link or reference, the file that it leads to.
            let path = cells.leads_to.map_or(path, |led| led.path);
            to_verify.push(FileToVerify {
                store,
                path,
                len: None,
                recorded: None,
                region: None,
                table: None,
            });
        }
    }
    let mut verified = verify_files(to_verify, level, workers, dictionaries_of(dictionaries)?, &run)?;
    problems.append(std::mem::take(&mut verified.problems));
    let reached = verified.reached.unwrap_or(level);
    let report = HFilesVerified { level: reached, asked: level, given: files.len() as u64, verified };
    Ok(Report::new("hfile verify", report, problems))
}

/// The outcome of printing cells.
#[derive(Debug, Clone, Serialize)]
pub struct Printed {
    /// Files that were printed.
    pub files: u64,
    /// Cells that were printed.
    pub cells: u64,
}

/// Prints cells as JSON Lines to `out`; damage ends one file and is a problem. It is no failure if nobody listens any
/// more.
pub fn cat(
    files: &[String],
    options: &CatOptions,
    limit: Option<u64>,
    dictionaries: &[Vec<u8>],
    out: &mut dyn Write,
) -> Result<Report<Printed>, Failure> {
    let dictionaries = dictionaries_of(dictionaries)?;
    let mut problems = Problems::default();
    let mut cat = CatHFile::new(options, limit, &dictionaries, out);
    for file in files {
        if cat.is_full() {
            break;
        }
        problems.keep(locate(file).and_then(|located| cat.cat(&located.cells)))?;
    }
    Ok(Report::new("hfile cat", Printed { files: cat.files(), cells: cat.printed() }, problems))
}

/// A file that was given, and what holds its cells.
struct Located {
    store: Arc<dyn Store>,
    path: StorePath,
    cells: CellFile,
}

/// Finds what holds the cells of a file that was given. One of another kind is a problem.
fn locate(file: &str) -> Found<Located> {
    let (store, path) = open_beside(file)?;
    let kind = sniff_file(store.as_ref(), &path)?;
    if !kind.is_for_hfile() {
        return Err(other_kind(&path.shown(store.as_ref()), kind, "an HFile").into());
    }
    let cells = locate_cells(&store, &path)?;
    Ok(Located { store, path, cells })
}

/// Opens the storage that a file lies on, and returns the file's path there. The whole file system is the store, so
/// that links and references can be followed.
fn open_beside(file: &str) -> Result<(Arc<dyn Store>, StorePath), Failure> {
    store::connect_around(file).map_err(|error| match error.kind {
        store::StoreErrorKind::NotFound => Failure::failed("opening", &error.path, &error.what),
        store::StoreErrorKind::PermissionDenied => steps::bytes::failed_storage("opening", &error),
        _ => Failure::usage(error),
    })
}

fn dictionaries_of(dictionaries: &[Vec<u8>]) -> Result<Dictionaries, Failure> {
    steps::hfile::read_dictionaries(dictionaries).map_err(|problem: Problem| {
        Failure::failed("reading the zstd dictionary", &problem.path, &problem.what)
            .hint("give the file that the family's hbase.io.compress.zstd.dictionary points to")
    })
}
