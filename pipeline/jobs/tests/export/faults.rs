//! Every operation on the target fails once, in every way; and media that lie.

use crate::support::*;
use std::collections::BTreeMap;
use store::{Effect, Fault, MemoryStore, Op, StoreErrorKind};

const KINDS: [StoreErrorKind; 5] = [
    StoreErrorKind::NoSpace,
    StoreErrorKind::PermissionDenied,
    StoreErrorKind::ReadOnly,
    StoreErrorKind::Transient,
    StoreErrorKind::Other,
];

fn counts() -> BTreeMap<Op, u64> {
    let (target, record) = recorded(shared(MemoryStore::files()));
    export(&options("s1"), &shared(source()), &target).unwrap();
    let mut counts = BTreeMap::new();
    for operation in record.take() {
        *counts.entry(operation.op).or_default() += 1;
    }
    counts
}

/// The first few, the last, and some between.
fn some_of(count: u64) -> Vec<u64> {
    let mut nths = vec![1, 2, 3, count / 2, count.saturating_sub(1), count];
    nths.retain(|nth| (1..=count).contains(nth));
    nths.sort_unstable();
    nths.dedup();
    nths
}

#[test]
fn one_failure_anywhere_on_the_target_is_reported_and_the_same_command_finishes() {
    let undisturbed = MemoryStore::files();
    export(&options("s1"), &shared(source()), &shared(undisturbed.clone())).unwrap();
    let expected = comparable(&undisturbed);
    let mut tried = 0;
    for (op, count) in counts() {
        for nth in some_of(count) {
            for kind in KINDS {
                let when = format!("{op:?} number {nth} of {count} fails as {kind:?}");
                let memory = source();
                let source = shared(memory.clone());
                let target = MemoryStore::files();
                let (failing, faults) = faulty(&target, [Fault::new(Effect::Fail(kind)).on(op).nth(nth)]);
                if let Err(stopped) = export(&options("s1"), &source, &failing) {
                    let failure = stopped.failure;
                    assert_eq!(failure.exit_code(), 1, "{when}: {failure}");
                    assert!(
                        !failure.doing.is_empty() && failure.subject.contains("memory:/"),
                        "{when}: {failure}"
                    );
                    assert!(
                        failure.hint.is_some() || kind == StoreErrorKind::Other,
                        "{when}: no hint: {failure}"
                    );
                }
                never_half(&target, "s1", &when);
                faults.clear();
                export(&options("s1"), &source, &failing)
                    .unwrap_or_else(|stopped| panic!("{when}: {stopped:?}"));
                assert!(comparable(&target) == expected, "{when}: another result");
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_full_disk_is_reported_and_resumed() {
    let total = 300_000;
    for room in (0..total).step_by(7_919) {
        let when = format!("room for {room} bytes");
        let target = MemoryStore::files();
        let (full, faults) = faulty(&target, []);
        faults.disk_full_after(room);
        if let Err(stopped) = export(&options("s1"), &shared(source()), &full) {
            let failure = stopped.failure;
            assert!(failure.hint.as_deref().unwrap_or_default().contains("make room"), "{when}: {failure}");
        }
        never_half(&target, "s1", &when);
        faults.clear();
        export(&options("s1"), &shared(source()), &full).unwrap();
        verify(&full, "s1").unwrap();
    }
}

#[test]
fn a_byte_flipped_on_the_medium_is_noticed_and_the_file_copied_again() {
    for offset in (0..200_000).step_by(9_973) {
        let target = MemoryStore::files();
        let (lying, _) = faulty(&target, [Fault::new(Effect::Flip(offset)).on(Op::WritePart)]);
        let report = export(&options("s1"), &shared(source()), &lying).unwrap();
        assert_eq!(report.exit_code(), 0);
        verify(&shared(target), "s1").unwrap_or_else(|wrong| panic!("flip at {offset}: {wrong}"));
    }
}

#[test]
fn a_byte_flipped_in_a_document_is_noticed() {
    for document in ["data.manifest", ".snapshotinfo", "files.parquet", "image.json", "format.json"] {
        for offset in [0, 20, 60] {
            let when = format!("{document} flipped at {offset}");
            let target = MemoryStore::files();
            let (lying, _) = faulty(&target, [Fault::new(Effect::Flip(offset)).on(Op::Put).path(document)]);
            // Noticed in time it is written again, else it is a failure: never silence.
            if let Err(stopped) = export(&options("s1"), &shared(source()), &lying) {
                assert_eq!(stopped.failure.exit_code(), 1, "{when}");
            }
            never_half(&target, "s1", &when);
            let target = shared(target);
            export(&options("s1"), &shared(source()), &target).unwrap_or_else(|e| panic!("{when}: {e:?}"));
            verify(&target, "s1").unwrap();
        }
    }
}

#[test]
fn a_medium_that_always_lies_is_given_up_on() {
    let target = MemoryStore::files();
    let (lying, faults) = faulty(&target, [Fault::new(Effect::Flip(5_000)).on(Op::WritePart).always()]);
    let failure = export(&options("s1"), &shared(source()), &lying).unwrap_err().failure;
    assert!(failure.wrong.contains("does not return"), "{failure}");
    assert!(!is_visible(&target, "s1"));
    faults.clear();
    export(&options("s1"), &shared(source()), &lying).unwrap();
    verify(&lying, "s1").unwrap();
}

/// A damaged journal only costs work.
#[test]
fn a_byte_flipped_in_the_journal_costs_a_copy() {
    for nth in 1..12 {
        let target = MemoryStore::files();
        let flipped = Fault::new(Effect::Flip(30)).on(Op::Append).nth(nth);
        let stop = Fault::new(Effect::Fail(StoreErrorKind::Other)).on(Op::SyncLog);
        let (lying, faults) = faulty(&target, [flipped, stop]);
        export(&options("s1"), &shared(source()), &lying).unwrap_err();
        faults.clear();
        export(&options("s1"), &shared(source()), &lying).unwrap();
        verify(&lying, "s1").unwrap();
    }
}

#[test]
fn two_runs_of_one_export_do_not_meet() {
    let target = shared(MemoryStore::files());
    let (again, source) = (std::sync::Arc::clone(&target), shared(source()));
    let met = std::sync::Arc::new(std::sync::Mutex::new(None));
    let seen = std::sync::Arc::clone(&met);
    let inner_source = std::sync::Arc::clone(&source);
    let call = Effect::Call(std::sync::Arc::new(move |_: &store::Operation| {
        let second = export(&options("s1"), &inner_source, &again);
        *seen.lock().unwrap() = Some(second.unwrap_err().failure);
    }));
    let faults = std::sync::Arc::new(store::Faults::default());
    faults.add(Fault::new(call).on(Op::FinishPart).nth(2));
    let watched = shared(store::Faulty::new(target, faults));
    export(&options("s1"), &source, &watched).unwrap();
    let failure = met.lock().unwrap().take().unwrap();
    assert_eq!(failure.exit_code(), 4, "{failure}");
    assert!(failure.hint.is_some());
    verify(&watched, "s1").unwrap();
}
