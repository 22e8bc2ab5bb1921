//! What goes wrong while the source is read: reported with its place, nothing published, the source never written.

use crate::support::*;
use fixtures::file_name;
use std::collections::BTreeMap;
use store::{Effect, Fault, MemoryStore, Op, StoreErrorKind};

fn counts() -> BTreeMap<Op, u64> {
    let (source, record) = recorded(shared(source()));
    export(&options("s1"), &source, &shared(MemoryStore::files())).unwrap();
    let mut counts = BTreeMap::new();
    for operation in record.take() {
        assert!(!operation.is_write(), "{operation:?}");
        *counts.entry(operation.op).or_default() += 1;
    }
    let written =
        [Op::Write, Op::Rename, Op::Exchange, Op::Delete, Op::DeleteTree, Op::SetAttributes, Op::AppendLog];
    assert!(written.iter().all(|op| !counts.contains_key(op)), "{counts:?}");
    counts
}

#[test]
fn one_failure_anywhere_in_the_source_is_reported_and_the_same_command_finishes() {
    for (op, count) in counts() {
        for nth in 1..=count.min(40) {
            for kind in [StoreErrorKind::PermissionDenied, StoreErrorKind::Transient, StoreErrorKind::Other] {
                let when = format!("{op:?} number {nth} of {count} fails as {kind:?}");
                let memory = source();
                let (failing, faults) = faulty(&memory, [Fault::new(Effect::Fail(kind)).on(op).nth(nth)]);
                let target = MemoryStore::files();
                if let Err(stopped) = export(&options("s1"), &failing, &shared(target.clone())) {
                    let told = format!("{} {:?}", stopped.failure, stopped.problems.kept());
                    assert_eq!(stopped.failure.exit_code(), 1, "{when}: {told}");
                    assert!(told.contains("memory:/"), "{when}: {told}");
                    assert!(!is_visible(&target, "s1"), "{when}");
                }
                faults.clear();
                let target = shared(target);
                export(&options("s1"), &failing, &target).unwrap_or_else(|e| panic!("{when}: {e:?}"));
                verify(&target, "s1").unwrap();
            }
        }
    }
}

/// Where the first file lies, which has several ranges.
fn long_file() -> String {
    let (region, number, _) = files()[0].clone();
    table().path(place_of(number), region, &file_name(number)).to_string()
}

fn stops(fault: Fault, expected: &str) {
    let memory = source();
    let (failing, faults) = faulty(&memory, [fault.path(long_file())]);
    let target = MemoryStore::files();
    let stopped = export(&options("s1"), &failing, &shared(target.clone())).unwrap_err();
    assert_eq!(stopped.failure.exit_code(), 1);
    assert!(stopped.failure.hint.is_some());
    let problem = &stopped.problems.kept()[0];
    assert!(problem.path.contains(&file_name(1)), "{problem}");
    assert!(problem.region.is_some() && problem.table.as_deref() == Some("ns:t"), "{problem}");
    assert!(problem.to_string().contains(expected), "{problem}");
    assert!(!problem.hint.is_empty(), "{problem}");
    assert!(!is_visible(&target, "s1"));
    faults.clear();
    export(&options("s1"), &failing, &shared(target.clone())).unwrap();
    verify(&shared(target), "s1").unwrap();
}

#[test]
fn a_file_that_ends_early() {
    for offset in [0, 33, 65_536, 65_537, 150_000] {
        stops(Fault::new(Effect::EndAt(offset)).on(Op::Read).always(), "the file ends here");
    }
}

#[test]
fn a_file_that_grows_while_it_is_copied() {
    for op in [Op::Open, Op::Current] {
        stops(Fault::new(Effect::Length(300_000)).on(op), "changed after the plan");
    }
}

#[test]
fn a_file_that_has_another_length_than_the_manifest_says() {
    let (failing, _) =
        faulty(&source(), [Fault::new(Effect::Length(300_000)).on(Op::Metadata).path(long_file())]);
    let target = MemoryStore::files();
    let stopped = export(&options("s1"), &failing, &shared(target.clone())).unwrap_err();
    assert!(stopped.problems.kept()[0].what.contains("manifest says"), "{stopped:?}");
    assert!(tree(&target).is_empty(), "found out before anything was written");
}

#[test]
fn a_byte_that_is_read_wrong_is_caught_by_its_blocks_checksum() {
    for offset in [40, 5_000, 65_535, 65_536, 131_072, 190_000] {
        stops(Fault::new(Effect::Flip(offset)).on(Op::Read), "");
    }
}

#[test]
fn a_file_that_vanishes() {
    let memory = source();
    let (failing, _) = faulty(&memory, [Fault::new(Effect::Vanish).on(Op::Open).path(long_file())]);
    let target = MemoryStore::files();
    let stopped = export(&options("s1"), &failing, &shared(target.clone())).unwrap_err();
    assert!(stopped.problems.kept()[0].what.contains("vanished"), "{stopped:?}");
    assert!(!is_visible(&target, "s1"));
    // Now it is known before anything is copied.
    let stopped = export(&options("s1"), &failing, &shared(target.clone())).unwrap_err();
    assert!(stopped.failure.wrong.contains("1 of 4 files"), "{}", stopped.failure);
    assert!(!is_visible(&target, "s1"));
}
