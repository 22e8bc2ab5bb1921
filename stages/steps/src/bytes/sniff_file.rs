//! Says what a file that a command was given is.

use crate::bytes::failing::source_problem;
use crate::bytes::read_pieces::read_span;
use formats::sniff::{FileKind, SNIFFED, sniff};
use names::root::{CLUSTER_ID, LAYOUT_VERSION, SNAPSHOTS};
use stage::{Failure, Problem, ProblemKind};
use store::{Kind, ReadRanges, Store, StoreError, StorePath};

/// Only a root has one of these.
const OF_A_ROOT: [&str; 4] = [CLUSTER_ID, LAYOUT_VERSION, SNAPSHOTS, ".tidegate"];

/// What a file is, by its bytes and its name.
///
/// # Errors
/// It cannot be read.
pub fn sniff_file(store: &dyn Store, path: &StorePath) -> Result<FileKind, Problem> {
    let unread = |error: StoreError| source_problem(&error);
    if store.metadata(path).map_err(unread)?.kind == Kind::Directory {
        let has = |name: &&str| path.join(name).is_ok_and(|inner| store.metadata(&inner).is_ok());
        return Ok(if OF_A_ROOT.iter().any(has) { FileKind::Root } else { FileKind::Directory });
    }
    let file = store.open(path).map_err(unread)?;
    sniff_open(path.name(), file.as_ref()).map_err(unread)
}

fn sniff_open(name: &str, file: &dyn ReadRanges) -> Result<FileKind, StoreError> {
    let (len, most) = (file.metadata().len, SNIFFED as u64);
    let head = read_span(file, 0, len.min(most))?;
    let tail = read_span(file, len.saturating_sub(most), len)?;
    Ok(sniff(name, &head, &tail, len))
}

/// The problem that a file is of another kind than `wanted`.
pub fn other_kind(path: &str, kind: FileKind, wanted: &str) -> Problem {
    let problem = match kind {
        FileKind::OldHFile(_) | FileKind::OldWal => {
            Problem::new(ProblemKind::Unsupported, path, format!("this is {kind}"))
        }
        _ => Problem::new(ProblemKind::OtherKind, path, format!("this is {kind}, not {wanted}")),
    };
    problem.hint(kind.hint())
}

/// What a file is, if that is known.
pub fn kind_of(file: &str) -> Option<FileKind> {
    let (store, path) = store::connect_around(file).ok()?;
    sniff_file(store.as_ref(), &path).ok().filter(|kind| *kind != FileKind::Unknown)
}

/// The failure of a run that was given a file of another kind.
pub fn of_other_kind(doing: &str, file: &str, kind: FileKind, wanted: &str) -> Failure {
    Failure::failed(doing, file, format!("is {kind}, not {wanted}")).hint(kind.hint())
}

/// Refuses a file that is known to be something other than `wanted`, which has no magic of its own. Whether there is a
/// file, and whether it can be read, is left to whoever reads it.
///
/// # Errors
/// It is a directory, or a file that something else reads.
pub fn refuse_other_kind(doing: &str, file: &str, wanted: &str) -> Result<(), Failure> {
    // A pipe can be read only once, and opening one may wait for ever.
    if std::fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Ok(());
    }
    match kind_of(file).filter(|kind| *kind != FileKind::Empty) {
        Some(kind) => Err(of_other_kind(doing, file, kind, wanted)),
        None => Ok(()),
    }
}
