//! The machine loses its power at any operation: what was not synced is gone, what was published is whole, and the same
//! command finishes.

use crate::support::*;
use fixtures::{file_name, hfile};
use jobs::export::ExportOptions;
use std::sync::Arc;
use store::{Effect, Fault, Lost, MemoryStore, Op, Store, StoreErrorKind};

/// What a power cut takes, and what it happens to spare: the journal may say more than the medium holds.
const CUTS: [(Lost, Option<&str>); 4] = [
    (Lost::Files, None),
    (Lost::Bytes, None),
    (Lost::Files, Some(".tidegate/journal")),
    (Lost::Bytes, Some(".tidegate/journal")),
];

fn dead_from(nth: u64) -> Fault {
    Fault::new(Effect::Fail(StoreErrorKind::Other)).nth(nth).always()
}

/// Loses the power at every operation; returns how many files that took.
fn lose_power_everywhere(
    options: &ExportOptions,
    source: &Arc<dyn Store>,
    make: impl Fn() -> MemoryStore,
    (lost, spared): (Lost, Option<&str>),
) -> usize {
    let spared = spared.map(path);
    let name = options.target.as_deref().unwrap_or(&options.snapshot);
    let undisturbed = make();
    let (target, record) = recorded(shared(undisturbed.clone()));
    export(options, source, &target).unwrap();
    let (operations, expected) = (record.operations().len() as u64, comparable(&undisturbed));
    let mut taken = 0;
    for nth in 1..=operations + 1 {
        let when = format!("{lost:?} but {spared:?} lost at operation {nth} of {operations}");
        let target = make();
        let was_visible = is_visible(&target, name);
        let (dying, _) = faulty(&target, [dead_from(nth)]);
        export(options, source, &dying).ok();
        taken += target.lose_power(lost, spared.as_ref());
        assert!(is_visible(&target, name) || !was_visible, "{when}: the old snapshot is gone");
        never_half(&target, name, &when);
        export(options, source, &shared(target.clone()))
            .unwrap_or_else(|stopped| panic!("{when}: {stopped:?}"));
        // Exit 0 means that it stays.
        target.lose_power(lost, spared.as_ref());
        verify(&shared(target.clone()), name).unwrap_or_else(|wrong| panic!("{when}: {wrong}"));
        assert!(comparable(&target) == expected, "{when}: another result");
    }
    taken
}

#[test]
fn losing_power_at_every_operation() {
    for lost in CUTS {
        let taken = lose_power_everywhere(&options("s1"), &shared(source()), MemoryStore::files, lost);
        // How many depends on which thread came first.
        assert!(taken > 0, "no file was lost");
    }
}

#[test]
fn losing_power_while_a_snapshot_is_replaced() {
    let replacing =
        ExportOptions { snapshot: "s2".into(), target: Some("s1".into()), overwrite: true, ..options("s2") };
    let with_s1 = || {
        let target = MemoryStore::files();
        export(&options("s1"), &shared(source()), &shared(target.clone())).unwrap();
        target
    };
    for lost in CUTS {
        lose_power_everywhere(&replacing, &shared(source()), with_s1, lost);
    }
}

/// A root whose snapshot `many` has so many short files that they make several units.
fn many() -> MemoryStore {
    let (store, table) = (MemoryStore::files(), table());
    let mut listed = vec![Vec::new(), Vec::new()];
    for number in 1..=150 {
        let bytes = hfile(number, 0, 3_000);
        listed[0].push((file_name(number), bytes.len() as u64));
        store.insert(&table.path("data", 0, &file_name(number)), bytes).unwrap();
    }
    put_snapshot(&store, &table, "many", 0, &listed);
    store
}

/// A kill or a power cut between the writes of several units and the sync that serves them all leaves only what the next
/// run does again; and none of it had a name.
#[test]
fn dying_before_many_units_are_synced_together() {
    let (source, options) = (shared(many()), ExportOptions { range_len: 1 << 20, ..options("many") });
    for cut in CUTS.map(Some).into_iter().chain([None]) {
        let target = MemoryStore::files();
        let fault = Fault::new(Effect::Fail(StoreErrorKind::Other)).on(Op::SyncBatch);
        let (dying, _) = faulty(&target, [fault.always()]);
        export(&options, &source, &dying).unwrap_err();
        assert!(!tree(&target).keys().any(|path| path.starts_with("archive/")), "nothing has a name yet");
        let taken = cut.map_or(0, |(lost, spared)| target.lose_power(lost, spared.map(path).as_ref()));
        let report = export(&options, &source, &shared(target.clone())).unwrap().result;
        // Killed, it finds its copies and reads them back.
        let again = report.source_bytes_read;
        assert_eq!(again < report.files.bytes, cut.is_none(), "{cut:?}: {taken} lost, {again} bytes copied");
        target.lose_power(Lost::Files, None);
        verify(&shared(target), "many").unwrap();
    }
}

/// Units are synced together, not each by itself, and nothing of them is read back before.
#[test]
fn everything_is_synced_before_it_is_read_back() {
    let (target, record) = recorded(shared(MemoryStore::files()));
    let options = ExportOptions { range_len: 1 << 20, ..options("many") };
    export(&options, &shared(many()), &target).unwrap();
    let (mut written, mut synced) = (0, 0);
    for operation in record.operations() {
        let is_partial = operation.path.as_str().contains("/partial/");
        match operation.op {
            Op::Write if is_partial => written += 1,
            Op::SyncBatch if is_partial => synced += operation.bytes,
            Op::Rename if is_partial => assert!(synced > 0),
            _ => {}
        }
    }
    assert_eq!((written, synced), (150, 150));
    let lines = record.operations().iter().filter(|operation| operation.op == Op::Append).count();
    assert!(lines <= 2 * 150 / 64 + 2, "{lines} writes to the journal");
}
