use crate::roots;
use catalog::{CatalogError, FilesOfImage, list_images};
use delivery::SnapshotFiles;
use delivery::{Verified, verify_files};
use formats::compress::Dictionaries;
use names::SnapshotName;
use runtime::Context;
use serde::Serialize;
use stage::{Failure, Problem, ProblemKind, Problems, Report};
use std::collections::HashMap;
use std::sync::Arc;
use steps::bytes::{Blake3, FileSum};
use steps::hfile::{FileToVerify, Level};
use store::Store;

/// Which snapshot to verify, and how.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// URI of the root.
    pub from: String,
    /// The snapshot.
    pub snapshot: String,
    /// How much.
    pub level: Level,
    /// Files read at the same time.
    pub workers: usize,
}

/// The outcome of verifying a snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotVerified {
    /// URI of the root.
    pub root: String,
    /// The snapshot.
    pub snapshot: String,
    /// The level up to which all files were verified.
    pub level: Level,
    /// The level that was asked for.
    pub asked: Level,
    /// Files that the snapshot needs.
    pub needed: u64,
    /// Files that are missing, unreadable or of another length.
    pub missing: u64,
    /// What HBase 2 does not accept about its table, though all files are whole.
    pub warnings: Vec<String>,
    /// What was found in those that are there.
    #[serde(flatten)]
    pub verified: Verified,
}

/// Verifies a snapshot's files up to a level.
pub fn verify(options: &VerifyOptions, context: &Context) -> Result<Report<SnapshotVerified>, Failure> {
    let store = roots::open_existing(&options.from)?;
    verify_in(&store, options, context)
}

/// Verifies a snapshot of an open root.
pub fn verify_in(
    store: &Arc<dyn Store>,
    options: &VerifyOptions,
    context: &Context,
) -> Result<Report<SnapshotVerified>, Failure> {
    let run = context.start()?;
    let name = SnapshotName::parse(&options.snapshot).map_err(Failure::usage)?;
    let files = SnapshotFiles::read(store.as_ref(), &name, &run)?;
    let mut problems: Problems = files.faults.iter().cloned().collect();
    let sums = match options.level >= Level::Sums {
        true => recorded_sums(store.as_ref(), &mut problems)?,
        false => HashMap::new(),
    };
    let mut verified = match options.level {
        Level::List => Verified::default(),
        level => {
            let there = to_verify(&files, store, &sums)?;
            verify_files(there, level, options.workers, Dictionaries::new(), &run)?
        }
    };
    if options.level == Level::List {
        let found = files.found.iter().flatten();
        verified.files = found.clone().count() as u64;
        verified.bytes = found.map(|found| found.len).sum();
    }
    problems.append(files.missing.clone());
    problems.append(std::mem::take(&mut verified.problems));
    let report = SnapshotVerified {
        root: store.uri(),
        snapshot: options.snapshot.clone(),
        level: verified.reached.unwrap_or(options.level),
        asked: options.level,
        needed: files.listed.files.len() as u64,
        missing: files.missing.count(),
        warnings: files.snapshot.schema.refused_by_hbase_2(),
        verified,
    };
    Ok(Report::new("snapshot verify", report, problems))
}

fn to_verify(
    files: &SnapshotFiles,
    store: &Arc<dyn Store>,
    sums: &HashMap<String, FileSum>,
) -> Result<Vec<FileToVerify>, Failure> {
    let mut there = Vec::new();
    for (file, found) in files.listed.files.iter().zip(&files.found) {
        let Some(found) = found else { continue };
        let path = files.listed.path(file, found.place).map_err(Failure::usage)?;
        let dir = files.listed.directories.get(file.directory as usize);
        there.push(FileToVerify {
            store: Arc::clone(store),
            recorded: sums.get(path.as_str()).copied(),
            path,
            len: Some(found.len),
            region: dir.map(|dir| dir.region.to_string()),
            table: dir.map(|dir| dir.table.full_form().to_owned()),
        });
    }
    Ok(there)
}

/// The digests that the root's images record, by path. Where two images know a file the later one counts; a damaged
/// image is a problem.
fn recorded_sums(store: &dyn Store, problems: &mut Problems) -> Result<HashMap<String, FileSum>, Failure> {
    let unread = |error: CatalogError| error.failed("reading the repository's images");
    let mut sums = HashMap::new();
    for listed in list_images(store).map_err(unread)? {
        let files = match FilesOfImage::of(store, &listed) {
            Err(CatalogError::Damaged { path, what }) => {
                problems.push(
                    Problem::new(ProblemKind::Structure, path, what)
                        .meaning("the digests that it recorded cannot be compared")
                        .hint("export the snapshot again"),
                );
                continue;
            }
            files => files.map_err(unread)?,
        };
        for batch in files {
            for row in batch.map_err(unread)? {
                if let (Some(crc32c), Some(blake3)) = (row.crc32c, row.blake3) {
                    sums.insert(row.path, FileSum { len: row.len, crc32c, blake3: Blake3(blake3) });
                }
            }
        }
    }
    Ok(sums)
}
