//! A live cluster moves files from `data` to `archive` while they are exported.

use crate::support::*;
use fixtures::file_name;
use std::sync::Arc;
use store::{Effect, Fault, Faults, Faulty, MemoryStore, Op, Operation, Publish, Store};

/// Before the nth operation of a kind on the source, HBase archives the long file.
fn moved_at(op: Op, nth: u64) -> (Arc<dyn Store>, MemoryStore) {
    let memory = source();
    let (region, number, _) = files()[0].clone();
    let (from, to) = (
        table().path("data", region, &file_name(number)),
        table().path("archive", region, &file_name(number)),
    );
    let mover = memory.clone();
    let call = Effect::Call(Arc::new(move |_: &Operation| {
        mover.rename(&from, &to, Publish::IfAbsent).unwrap();
    }));
    let faults = Arc::new(Faults::default());
    faults.add(Fault::new(call).on(op).nth(nth));
    (shared(Faulty::new(shared(memory.clone()), faults)), memory)
}

#[test]
fn a_file_is_followed_into_the_archive_at_any_moment() {
    for (op, nths) in [(Op::Metadata, 8), (Op::Open, 12), (Op::Read, 8), (Op::Current, 6)] {
        for nth in 1..=nths {
            let (source, _) = moved_at(op, nth);
            let target = shared(MemoryStore::files());
            let report = export(&options("s1"), &source, &target)
                .unwrap_or_else(|stopped| panic!("moved before {op:?} {nth}: {stopped:?}"));
            assert_eq!(report.exit_code(), 0);
            verify(&target, "s1").unwrap();
        }
    }
}

#[test]
fn an_interrupted_export_goes_on_after_the_move() {
    let (moving, memory) = moved_at(Op::Open, 3);
    let target = MemoryStore::files();
    let (dying, _) =
        faulty(&target, [Fault::new(Effect::Fail(store::StoreErrorKind::Other)).on(Op::SyncLog)]);
    export(&options("s1"), &moving, &dying).unwrap_err();
    let report = export(&options("s1"), &shared(memory), &shared(target.clone())).unwrap().result;
    assert_eq!((report.copied.files, report.resumed.files), (0, 4), "a move changes nothing that counts");
    verify(&shared(target), "s1").unwrap();
}
