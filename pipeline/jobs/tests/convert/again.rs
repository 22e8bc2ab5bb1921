//! Converting twice, after kills, and as WALs grow.

use crate::support::{
    Done, REGIONS, SERVER, all_files, context, convert, faulty, live, mixed, options, path, problems, put,
    recorded, rows,
};
use super::{empty, stores};
use jobs::convert::run_between;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Effect, Fault, Op, Store, StoreErrorKind};

#[test]
fn converting_twice_changes_nothing_and_reads_no_wal() {
    let (source, target) = stores();
    put(&source, &live(100), &mixed(2).closed());
    put(&source, &live(200), &mixed(30).bytes);
    assert_eq!(convert(&source, &target).unwrap().exit_code(), 0);
    let before = all_files(&target);
    let report = convert(&source, &target).unwrap();
    let wals = report.result.wals;
    assert_eq!((wals.found, wals.converted, wals.already, wals.failed), (2, 0, 2, 0));
    assert_eq!((report.exit_code(), report.result.bytes_read, report.result.written.batches), (0, 0, 0));
    assert!(all_files(&target) == before);
    // A WAL that has moved is still the same.
    source
        .rename(&path(&live(100)), &path(&format!("oldWALs/{SERVER}.100")), store::Publish::IfAbsent)
        .unwrap();
    assert_eq!(convert(&source, &target).unwrap().result.wals.already, 2);
    assert!(all_files(&target) == before);
}

#[test]
fn another_run_makes_the_same_bytes() {
    let made = || {
        let (source, target) = stores();
        put(&source, &live(100), &mixed(2).closed());
        convert(&source, &target).unwrap();
        let mut files = all_files(&target);
        files.remove(".tidegate/format.json");
        files
    };
    assert!(made() == made());
}

#[test]
fn an_open_wal_that_grows_is_converted_again_and_the_last_reading_counts() {
    let (source, target) = stores();
    let mut wal = mixed(2);
    put(&source, &live(100), &wal.bytes);
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.open), (0, 1));
    let first = format!("{SERVER}.100@{}", wal.bytes.len());
    assert_eq!(rows(&target, "ns:t", &first).len(), 80);

    wal.put("ns:t", REGIONS[0], 90);
    let second = format!("{SERVER}.100@{}", wal.bytes.len());
    put(&source, &live(100), &wal.bytes);
    convert(&source, &target).unwrap();
    assert_eq!(rows(&target, "ns:t", &second).len(), 82);

    put(&source, &live(100), &wal.closed());
    assert_eq!(convert(&source, &target).unwrap().exit_code(), 0);
    let listed = catalog::list_batches(target.as_ref(), "ns:t").unwrap();
    assert_eq!(listed.len(), 3, "batches are added, never changed");
    let latest = catalog::latest(listed);
    assert_eq!((latest.len(), latest[0].stem.as_str()), (1, format!("{SERVER}.100").as_str()));
    assert_eq!(convert(&source, &target).unwrap().result.wals.already, 1);
}

/// The repository after an undisturbed run.
fn undisturbed(source: &Arc<dyn Store>) -> BTreeMap<String, Vec<u8>> {
    let (_, target) = stores();
    convert(source, &target).unwrap();
    all_files(&target)
}

fn root() -> Arc<dyn Store> {
    let (source, _) = stores();
    put(&source, &live(100), &mixed(2).closed());
    put(&source, &live(200), &mixed(30).bytes);
    source
}

fn run_on(source: &Arc<dyn Store>, target: Arc<dyn Store>) -> Done {
    run_between(&options(), Arc::clone(source), None, &target, &context(64 << 20))
}

#[test]
fn a_run_that_ends_at_any_operation_is_finished_by_the_next() {
    let source = root();
    let expected = undisturbed(&source);
    let (target, record) = recorded(&stores().1);
    run_on(&source, target).unwrap();
    let operations = record.operations().len() as u64;
    assert!(operations > 20, "{operations}");
    for nth in 1..=operations {
        let held: Arc<dyn Store> = empty();
        let fault = Fault::new(Effect::Fail(StoreErrorKind::Other)).nth(nth);
        let broken = run_on(&source, faulty(&held, fault));
        for (name, bytes) in all_files(&held) {
            if name.contains("/batches/") {
                assert!(expected.get(&name) == Some(&bytes), "{name} was published and is not right ({nth})");
            }
        }
        let report = run_on(&source, Arc::clone(&held)).unwrap();
        assert_eq!(problems(&report), Vec::<String>::new(), "{nth}: {broken:?}");
        let after = all_files(&held);
        let whole = after.keys().eq(expected.keys());
        assert!(whole, "{nth}: {:?}", after.keys().collect::<Vec<_>>());
        let same = expected
            .iter()
            .all(|(name, bytes)| name.ends_with("format.json") || after.get(name) == Some(bytes));
        assert!(same, "{nth}");
    }
}

#[test]
fn a_full_disk_says_what_to_do_and_loses_nothing() {
    let source = root();
    for op in [Op::Put, Op::Rename, Op::SyncBatch] {
        let held: Arc<dyn Store> = empty();
        let fault = Fault::new(Effect::Fail(StoreErrorKind::NoSpace)).on(op).path(".tidegate/").nth(2);
        let failure = run_on(&source, faulty(&held, fault)).unwrap_err().failure;
        assert_eq!(failure.exit_code(), 1, "{op:?}");
        assert!(failure.to_string().contains("make room"), "{failure}");
        assert_eq!(run_on(&source, held).unwrap().exit_code(), 0);
    }
}

#[test]
fn what_the_medium_does_not_give_back_is_not_published() {
    let source = root();
    let held: Arc<dyn Store> = empty();
    let flip = Fault::new(Effect::Flip(40)).on(Op::ReadUncached).path("partial/");
    let failure = run_on(&source, faulty(&held, flip)).unwrap_err().failure;
    assert!(failure.to_string().contains("does not return"), "{failure}");
    let expected = undisturbed(&source);
    let published = all_files(&held).into_iter().filter(|(name, _)| name.contains("/batches/"));
    assert!(published.into_iter().all(|(name, bytes)| expected.get(&name) == Some(&bytes)));
}

#[test]
fn two_runs_at_a_time_do_not_meet() {
    let source = root();
    let (_, target) = stores();
    if !target.abilities().append {
        // Nothing there tells one run of the other: their batches are the same bytes.
        return;
    }
    let journal = catalog::layout::journal("convert").unwrap();
    let _held = target.append_log(&journal).unwrap();
    let failure = convert(&source, &target).unwrap_err().failure;
    assert!(failure.to_string().contains("another run"), "{failure}");
}

#[test]
fn a_dry_run_writes_nothing() {
    let source = root();
    let (_, target) = stores();
    let options = jobs::convert::ConvertOptions { dry_run: true, ..options() };
    let report = run_between(&options, source, None, &target, &context(64 << 20)).unwrap();
    assert_eq!((report.result.planned.len(), all_files(&target).len()), (2, 0));
}
