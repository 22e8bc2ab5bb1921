//! How a store's errors become failures and problems, with what to do about them.

use formats::hfile::HFileVersion;
use formats::sniff::FileKind;
use formats::{FormatError, FormatErrorKind};
use stage::{Failure, Problem, ProblemKind};
use store::{Store, StoreError, StoreErrorKind, shown};

/// A store's error that ends the run.
pub fn failed_store(doing: &str, store: &dyn Store, error: StoreError) -> Failure {
    let path = full_path(store, &error.path);
    failed_storage(doing, &StoreError { path, ..error })
}

/// The same where the store is not at hand: the path is as the store gave it.
pub fn failed_storage(doing: &str, error: &StoreError) -> Failure {
    // No failure of the store.
    if error.kind == StoreErrorKind::Interrupted {
        return Failure::interrupted();
    }
    let failure = Failure::failed(doing, &error.path, &error.what);
    match error.kind.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A store's error about one file, as damage.
pub fn source_problem(error: &StoreError) -> Problem {
    let kind = match error.kind {
        StoreErrorKind::NotFound => ProblemKind::Missing,
        _ => ProblemKind::Unreadable,
    };
    let problem = Problem::new(kind, &error.path, format!("{}: {}", error.doing, error.what));
    match error.kind.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Bytes of a file that are not what they should be, as damage.
pub fn file_problem(path: &str, error: &FormatError) -> Problem {
    let kind = match error.kind {
        FormatErrorKind::Checksum => ProblemKind::Checksum,
        FormatErrorKind::Unsupported => ProblemKind::Unsupported,
        _ => ProblemKind::Structure,
    };
    let problem = Problem::new(kind, path, &error.what).at(error.offset);
    match kind {
        ProblemKind::Unsupported => match unsupported_hint(&error.what) {
            Some(hint) => problem.hint(hint),
            None => problem,
        },
        _ => problem.hint("bring the file back from a copy or another replica"),
    }
}

/// What to do with a file that is whole but cannot be looked into, by what is said of it.
fn unsupported_hint(what: &str) -> Option<&'static str> {
    let old = |major| FileKind::OldHFile(HFileVersion { major, minor: 0 }).hint();
    let known: [(&str, &'static str); 6] = [
        ("encrypted", "its cells can be looked at only by a cluster that has the master key"),
        (
            "PREFIX_TREE",
            "rewrite it with HBase 1: another DATA_BLOCK_ENCODING, then a major compaction of its table",
        ),
        ("SequenceFile", FileKind::OldWal.hint()),
        ("HFile version 1.", old(1)),
        ("HFile version 2.", old(2)),
        ("comparator", "read it with what wrote it: HBase cannot open it"),
    ];
    known.into_iter().find(|(word, _)| what.contains(word)).map(|(_, hint)| hint)
}

/// A path with the store's URI in front, unless it is there already.
fn full_path(store: &dyn Store, path: &str) -> String {
    match path.starts_with('/') || path.contains("://") || path.starts_with(&store.uri()) {
        true => path.to_owned(),
        false => shown(store, path),
    }
}
