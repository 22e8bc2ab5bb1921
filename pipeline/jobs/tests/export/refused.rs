//! Sources that are not as they should be: reported before anything is written.

use crate::support::*;
use fixtures::{Table, file_name, hfile};
use jobs::export::ExportOptions;
use store::MemoryStore;

/// What an export of a root says, after it was seen that nothing was written.
fn told(store: &MemoryStore, snapshot: &str) -> (u8, String) {
    let target = MemoryStore::files();
    let stopped = export(&options(snapshot), &shared(store.clone()), &shared(target.clone())).unwrap_err();
    assert!(tree(&target).is_empty());
    let problems: Vec<String> = stopped.problems.kept().iter().map(ToString::to_string).collect();
    (stopped.failure.exit_code(), format!("{}\n{}", stopped.failure, problems.join("\n")))
}

#[test]
fn a_snapshot_that_is_not_there() {
    let (code, text) = told(&source(), "s9");
    assert_eq!(code, 1);
    assert!(text.contains("there is no snapshot s9") && text.contains("s1, s2"), "{text}");
}

#[test]
fn a_manifest_cut_anywhere() {
    let store = source();
    let path = path(".hbase-snapshot/s1/data.manifest");
    let whole = store::read_all(&store, &path, u64::MAX).unwrap();
    for len in (0..whole.len()).step_by(3) {
        store.insert(&path, &whole[..len]).unwrap();
        // Cut between two regions it is a whole manifest, with a hole.
        let (code, text) = told(&store, "s1");
        assert!(code == 1 || code == 4, "{len}: {text}");
        assert!(text.contains("data.manifest") && text.contains("hint:"), "cut at {len}: {text}");
    }
}

#[test]
fn holes_are_refused_unless_they_are_accepted() {
    let store = MemoryStore::files();
    let table = Table::new("t", 3);
    let bytes = hfile(1, 0, 5_000);
    store.insert(&table.path("data", 0, &file_name(1)), bytes.clone()).unwrap();
    // Two regions of three.
    put_snapshot(&store, &table, "s", 0, &[vec![(file_name(1), bytes.len() as u64)], Vec::new()]);
    let (code, text) = told(&store, "s");
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("hole") && text.contains("--accept-holes"), "{text}");
    let target = shared(MemoryStore::files());
    let accepted = ExportOptions { accept_holes: true, ..options("s") };
    let report = export(&accepted, &shared(store), &target).unwrap();
    assert_eq!(report.exit_code(), 3, "it is exported, and said");
}

#[test]
fn a_hundred_thousand_regions() {
    let store = MemoryStore::files();
    let table = Table::new("t", 100_000);
    put_snapshot(&store, &table, "s", 0, &vec![Vec::new(); 100_000]);
    let source = shared(store.clone());
    let report = export(&options("s"), &source, &shared(MemoryStore::files())).unwrap();
    assert_eq!((report.exit_code(), report.result.regions), (0, 100_000));

    // Every second one is missing: all holes are counted, not all are kept.
    let name = path(".hbase-snapshot/s/data.manifest");
    let half: Vec<_> = (0..100_000).step_by(2).map(|number| (number, Vec::new())).collect();
    store.insert(&name, table.manifest_of(&half)).unwrap();
    let stopped = export(&options("s"), &source, &shared(MemoryStore::files())).unwrap_err();
    assert_eq!(stopped.failure.exit_code(), 4);
    assert!(stopped.problems.count() > 10_000, "{}", stopped.problems.count());
}
