//! A run that dies at any operation, on either side: nothing half is seen, and the same command finishes.

use crate::support::*;
use fixtures::{file_name, hfile};
use jobs::export::{ExportOptions, run_between};
use stage::Failure;
use std::sync::Arc;
use store::{Effect, Fault, MemoryStore, Op, Operation, StoreErrorKind};

/// From the nth operation on nothing happens any more, as if the process had ended there.
fn dead_from(nth: u64) -> Fault {
    Fault::new(Effect::Fail(StoreErrorKind::Other)).nth(nth).always()
}

fn operations_of(options: &ExportOptions, before: &MemoryStore) -> u64 {
    let (target, record) = recorded(shared(before.clone()));
    export(options, &shared(source()), &target).unwrap();
    record.operations().len() as u64
}

fn die_everywhere(options: &ExportOptions, make: impl Fn() -> MemoryStore, keeps_a_journal: bool) {
    let name = options.target.as_deref().unwrap_or(&options.snapshot);
    let undisturbed = make();
    let operations = operations_of(options, &undisturbed);
    let expected = comparable(&undisturbed);
    let total: u64 =
        export(&ExportOptions { dry_run: true, ..options.clone() }, &shared(source()), &shared(make()))
            .unwrap()
            .result
            .files
            .bytes;
    assert!(operations > 40, "{operations}");
    let untouched = tree(&source());
    for nth in 1..=operations + 1 {
        let when = format!("died at operation {nth} of {operations}");
        let memory = source();
        let (source, read) = recorded(shared(memory.clone()));
        let target = make();
        let was_visible = is_visible(&target, name);
        let (dying, _) = faulty(&target, [dead_from(nth)]);
        let died = export(options, &source, &dying);
        assert!(died.is_err() || nth >= operations - 4, "{when}: {died:?}");
        if was_visible {
            assert!(is_visible(&target, name), "{when}: the old snapshot is gone");
        }
        never_half(&target, name, &when);
        let target: Arc<dyn store::Store> = shared(target);
        let report =
            export(options, &source, &target).unwrap_or_else(|stopped| panic!("{when}: {stopped:?}"));
        verify(&target, name).unwrap_or_else(|wrong| panic!("{when}: {wrong}"));
        let got = comparable(target.as_ref());
        assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{when}");
        assert!(got == expected, "{when}: other bytes");
        if keeps_a_journal {
            let again = read.bytes_read("/f/").saturating_sub(total);
            assert!(again <= WORKERS as u64 * RANGE_LEN, "{when}: {again} bytes were read twice: {report:?}");
        }
        assert_eq!(tree(&memory), untouched, "{when}: the source was written to");
    }
}

#[test]
fn dying_at_every_operation_on_the_target() {
    die_everywhere(&options("s1"), MemoryStore::files, true);
}

#[test]
fn dying_while_a_snapshot_is_replaced() {
    let replacing =
        ExportOptions { snapshot: "s2".into(), target: Some("s1".into()), overwrite: true, ..options("s2") };
    let with_s1 = |target: MemoryStore| {
        export(&options("s1"), &shared(source()), &shared(target.clone())).unwrap();
        target
    };
    die_everywhere(&replacing, || with_s1(MemoryStore::files()), true);
}

#[test]
fn dying_where_nothing_can_be_renamed() {
    die_everywhere(&options("s1"), || MemoryStore::new(NO_RENAME), false);
    die_everywhere(&options("s1"), MemoryStore::objects, true);
}

#[test]
fn dying_where_parts_are_written_in_order() {
    // One worker writes a file there, and a killed one begins it anew: more is read twice.
    die_everywhere(&options("s1"), MemoryStore::hdfs, false);
}

/// What has the name is never gone for long: it is moved aside at the very end, and nothing is seen half.
#[test]
fn dying_while_a_snapshot_is_replaced_where_names_cannot_be_swapped() {
    let replacing =
        ExportOptions { snapshot: "s2".into(), target: Some("s1".into()), overwrite: true, ..options("s2") };
    let made = || {
        let target = MemoryStore::hdfs();
        export(&options("s1"), &shared(source()), &shared(target.clone())).unwrap();
        target
    };
    let operations = operations_of(&replacing, &made());
    let mut gone = 0;
    for nth in 1..=operations {
        let target = made();
        let (dying, _) = faulty(&target, [dead_from(nth)]);
        export(&replacing, &shared(source()), &dying).ok();
        gone += u32::from(!is_visible(&target, "s1"));
        never_half(&target, "s1", &format!("died at operation {nth}"));
        let target: Arc<dyn store::Store> = shared(target);
        export(&replacing, &shared(source()), &target).unwrap_or_else(|stopped| panic!("{nth}: {stopped:?}"));
        verify(&target, "s1").unwrap_or_else(|wrong| panic!("{nth}: {wrong}"));
    }
    assert_eq!(gone, 1, "only between the two renames");
}

/// A killed run that is not resumed but forgotten gives back what it had moved aside, even if the new run comes to nothing.
#[test]
fn what_a_forgotten_run_was_replacing_comes_back() {
    let replacing =
        ExportOptions { snapshot: "s2".into(), target: Some("s1".into()), overwrite: true, ..options("s2") };
    let made = || {
        let target = MemoryStore::hdfs();
        export(&options("s1"), &shared(source()), &shared(target.clone())).unwrap();
        target
    };
    let mut forgotten = 0;
    for nth in 1..=operations_of(&replacing, &made()) {
        let target = made();
        let (dying, _) = faulty(&target, [dead_from(nth)]);
        export(&replacing, &shared(source()), &dying).ok();
        if is_visible(&target, "s1") {
            continue;
        }
        let afresh = ExportOptions { resume: false, ..replacing.clone() };
        let (unreadable, _) = faulty(
            &source(),
            [Fault::new(Effect::Fail(StoreErrorKind::Other)).on(Op::Read).path("/f/").always()],
        );
        export(&afresh, &unreadable, &shared(target.clone())).unwrap_err();
        verify(&shared(target), "s1").unwrap();
        forgotten += 1;
    }
    assert_eq!(forgotten, 1, "only between the two renames");
}

#[test]
fn what_could_not_be_replaced_comes_back() {
    let target = MemoryStore::hdfs();
    export(&options("s1"), &shared(source()), &shared(target.clone())).unwrap();
    let before = tree(&target);
    let replacing =
        ExportOptions { snapshot: "s2".into(), target: Some("s1".into()), overwrite: true, ..options("s2") };
    // The first rename moves the old one aside, the second brings the new one.
    let fault =
        Fault::new(Effect::Fail(StoreErrorKind::NoSpace)).on(Op::Rename).path(".hbase-snapshot/.tmp/s1");
    let (failing, _) = faulty(&target, [fault]);
    export(&replacing, &shared(source()), &failing).unwrap_err();
    let snapshot = |tree: std::collections::BTreeMap<String, Vec<u8>>| {
        tree.into_iter().filter(|(name, _)| name.starts_with(".hbase-snapshot/s1/")).collect::<Vec<_>>()
    };
    assert_eq!(snapshot(tree(&target)), snapshot(before));
    export(&replacing, &shared(source()), &shared(target.clone())).unwrap();
    verify(&shared(target), "s1").unwrap();
}

#[test]
fn what_an_interrupted_run_finished_can_be_forgotten() {
    let source = shared(source());
    let target = MemoryStore::files();
    let operations = operations_of(&options("s1"), &MemoryStore::files());
    let (dying, _) = faulty(&target, [dead_from(operations / 2)]);
    export(&options("s1"), &source, &dying).unwrap_err();
    let afresh = ExportOptions { resume: false, ..options("s1") };
    let report = export(&afresh, &source, &shared(target.clone())).unwrap().result;
    assert_eq!(report.resumed.files, 0);
    verify(&shared(target), "s1").unwrap();
}

#[test]
fn an_interrupt_ends_a_copy_in_the_middle_of_a_range() {
    let long = ExportOptions { range_len: 4 << 20, ..options("long") };
    let memory = MemoryStore::files();
    let bytes = hfile(1, 0, 3 << 20);
    memory.insert(&table().path("data", 0, &file_name(1)), bytes.clone()).unwrap();
    put_snapshot(&memory, &table(), "long", 0, &[vec![(file_name(1), bytes.len() as u64)], Vec::new()]);
    let source = shared(memory);
    let target = MemoryStore::files();
    let context = context();
    let cancel = context.cancel.clone();
    let call = Effect::Call(Arc::new(move |_: &Operation| cancel.set()));
    let (watched, _) = faulty(&target, [Fault::new(call).on(Op::WritePart)]);
    let (watched, record) = recorded(watched);
    let stopped = run_between(&long, &source, &watched, &context).unwrap_err();
    assert_eq!(stopped.failure, Failure::interrupted());
    assert_eq!(record.count(Op::WritePart), 1, "the first piece is written, no other");
    export(&long, &source, &watched).unwrap();
    verify(&watched, "long").unwrap();
}
