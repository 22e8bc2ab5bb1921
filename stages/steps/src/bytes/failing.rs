//! How a store's errors become failures and problems, with what to do about them.

use formats::sniff::FileKind;
use formats::{FormatError, FormatErrorKind, Unsupported};
use stage::{Failure, Problem, ProblemKind};
use store::{Store, StoreError, StoreErrorKind, shown};

/// A store's error that ends the run.
pub fn failed_store(doing: &str, store: &dyn Store, error: StoreError) -> Failure {
    let path = full_path(store, &error.path);
    failed_storage(doing, &StoreError { path, ..error })
}

/// The same without a store: the path is as the store gave it.
pub fn failed_storage(doing: &str, error: &StoreError) -> Failure {
    // Not a failure of the store.
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
    let (kind, hint) = match error.kind {
        FormatErrorKind::Unsupported(sort) => (ProblemKind::Unsupported, unsupported_hint(sort)),
        FormatErrorKind::Checksum => (ProblemKind::Checksum, BRING_BACK),
        _ => (ProblemKind::Structure, BRING_BACK),
    };
    Problem::new(kind, path, &error.what).at(error.offset).hint(hint)
}

const BRING_BACK: &str = "bring the file back from a copy or another replica";

/// What to do with what is whole but cannot be looked into; `None` where its text says everything.
fn unsupported_hint(sort: Unsupported) -> &'static str {
    match sort {
        Unsupported::Encrypted => "only a cluster that has the master key can read its cells",
        Unsupported::Codec => {
            "rewrite it with HBase: another COMPRESSION, then a major compaction of its table"
        }
        Unsupported::Dictionary => {
            "give the dictionary's file with --zstd-dictionary (hfile verify, hfile cat, scan)"
        }
        Unsupported::PrefixTree => {
            "rewrite it with HBase 1: another DATA_BLOCK_ENCODING, then a major compaction of its table"
        }
        Unsupported::OldHFile(version) => FileKind::OldHFile(version).hint(),
        Unsupported::OldWal => FileKind::OldWal.hint(),
        Unsupported::IndexedKeyValue => "replay it on a cluster that has the Phoenix that wrote it",
        Unsupported::Comparator => "read it with what wrote it: HBase cannot open it",
        Unsupported::Other => "",
    }
}

/// A path preceded by the store's URI, unless it has it already.
fn full_path(store: &dyn Store, path: &str) -> String {
    match path.starts_with('/') || path.contains("://") || path.starts_with(&store.uri()) {
        true => path.to_owned(),
        false => shown(store, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::hfile::HFileVersion;

    /// Words of the text decide nothing: a class named after a cipher does not make an encrypted file.
    #[test]
    fn the_hint_is_chosen_by_what_is_unsupported() {
        let hint = |sort| {
            let said = FormatError::unsupported(sort, "a class org.example.encrypted.PREFIX_TREE");
            file_problem("f", &said).hint
        };
        assert_eq!(hint(Unsupported::Other), "");
        let old = |major| hint(Unsupported::OldHFile(HFileVersion { major, minor: 0 }));
        assert!(old(1).contains("0.94") && !old(2).contains("0.94"));
        for (sort, word) in [
            (Unsupported::Encrypted, "master key"),
            (Unsupported::Codec, "COMPRESSION"),
            (Unsupported::Dictionary, "--zstd-dictionary"),
            (Unsupported::PrefixTree, "DATA_BLOCK_ENCODING"),
            (Unsupported::OldWal, "WALPlayer"),
            (Unsupported::IndexedKeyValue, "Phoenix"),
            (Unsupported::Comparator, "what wrote it"),
        ] {
            assert!(hint(sort).contains(word), "{sort:?}");
        }
    }
}
