//! That the faulty store breaks as it is told, where it is told, and nowhere else.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use store::{
    Effect, Fault, Faults, Faulty, Lost, MemoryStore, Op, Publish, Store, StoreErrorKind, StorePath,
    WriteShape, read_all,
};

fn path(text: &str) -> StorePath {
    StorePath::parse(text).unwrap()
}

fn faulty() -> (Arc<Faults>, Faulty) {
    let memory = MemoryStore::files();
    memory.insert(&path("cf/a"), *b"0123456789").unwrap();
    memory.insert(&path("cf/b"), *b"0123456789").unwrap();
    let faults = Arc::new(Faults::default());
    (Arc::clone(&faults), Faulty::new(Arc::new(memory), faults))
}

#[test]
fn the_nth_operation_of_a_kind_and_path_fails() {
    let (faults, store) = faulty();
    faults.add(Fault::new(Effect::Fail(StoreErrorKind::Transient)).on(Op::Open).path("cf/b").nth(2));
    store.open(&path("cf/b")).unwrap();
    store.open(&path("cf/a")).unwrap();
    store.metadata(&path("cf/b")).unwrap();
    let error = store.open(&path("cf/b")).map(drop).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Transient);
    assert!(error.to_string().contains("memory:/cf/b"), "{error}");
    store.open(&path("cf/b")).unwrap();
}

#[test]
fn a_byte_flips_where_it_is_read() {
    let (faults, store) = faulty();
    faults.add(Fault::new(Effect::Flip(3)).on(Op::ReadUncached).path("cf/a").always());
    assert_eq!(read_all(&store, &path("cf/a"), 99).unwrap(), b"0123456789");
    let mut buffer = [0; 4];
    let file = store.open_uncached(&path("cf/a")).unwrap();
    file.read_at(4, &mut buffer).unwrap();
    assert_eq!(&buffer, b"4567");
    file.read_at(2, &mut buffer).unwrap();
    assert_eq!(&buffer, b"2245");
}

#[test]
fn a_byte_flips_on_the_medium() {
    let (faults, store) = faulty();
    faults.add(Fault::new(Effect::Flip(5)).on(Op::WritePart));
    let writing = store.write(&path("f"), WriteShape { len: 6, part_len: 4 }, None).unwrap();
    let mut receipts = Vec::new();
    for (index, pieces) in [(0, [b"01", b"23"].as_slice()), (1, &[b"45"])] {
        let mut part = writing.part(index).unwrap();
        pieces.iter().for_each(|piece| part.write(*piece).unwrap());
        receipts.push(part.finish().unwrap());
    }
    writing.finish(&receipts).unwrap();
    faults.clear();
    assert_eq!(read_all(&store, &path("f"), 99).unwrap(), b"012344");
}

#[test]
fn a_file_ends_early_vanishes_or_changes_its_size() {
    let (faults, store) = faulty();
    let file = store.open(&path("cf/a")).unwrap();
    faults.add(Fault::new(Effect::EndAt(7)).on(Op::Read));
    let mut buffer = [0; 10];
    assert_eq!(file.read_at(4, &mut buffer).unwrap(), 3);
    assert_eq!(file.read_at(4, &mut buffer).unwrap(), 6);
    faults.add(Fault::new(Effect::Length(11)).on(Op::Current));
    let current = file.current().unwrap();
    assert_eq!(current.len, 11);
    assert_ne!(current.identity, file.metadata().identity);
    faults.add(Fault::new(Effect::Vanish).on(Op::Open).path("cf/b"));
    assert!(store.open(&path("cf/b")).is_err_and(|error| error.is_not_found()));
}

#[test]
fn the_disk_is_full_after_some_bytes() {
    let (faults, store) = faulty();
    faults.disk_full_after(10);
    store.put(&path("f"), &[0; 6], Publish::Replace).unwrap();
    let full = store.put(&path("g"), &[0; 5], Publish::Replace).unwrap_err();
    assert_eq!(full.kind, StoreErrorKind::NoSpace);
    store.put(&path("g"), &[0; 4], Publish::Replace).unwrap();
    let mut log = store.append_log(&path("log")).unwrap();
    assert_eq!(log.append(b"x").unwrap_err().kind, StoreErrorKind::NoSpace);
}

#[test]
fn a_call_comes_before_the_nth_operation_of_all() {
    let (faults, store) = faulty();
    let at = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&at);
    let call = move |operation: &store::Operation| {
        assert_eq!(operation.op, Op::Metadata);
        seen.fetch_add(1, Ordering::Relaxed);
    };
    faults.add(Fault::new(Effect::Call(Arc::new(call))).nth(3));
    store.list(&path("cf"), None, 9).unwrap();
    store.open(&path("cf/a")).unwrap();
    assert_eq!(at.load(Ordering::Relaxed), 0);
    store.metadata(&path("cf/a")).unwrap();
    store.available().unwrap();
    assert_eq!(at.load(Ordering::Relaxed), 1);
}

/// A power cut takes what was not synced, and only that.
#[test]
fn what_was_not_synced_goes_with_the_power() {
    for lost in [Lost::Files, Lost::Bytes] {
        let store = MemoryStore::files();
        store.put(&path("put"), b"1234", Publish::IfAbsent).unwrap();
        for name in ["synced", "written", "renamed", "again"] {
            let writing = store.write(&path(name), WriteShape::whole(4), None).unwrap();
            let mut part = writing.part(0).unwrap();
            part.write(b"1234").unwrap();
            let receipt = part.finish().unwrap();
            writing.finish(&[receipt]).unwrap();
        }
        store.sync_batch(&[path("synced"), path("renamed"), path("again")]).unwrap();
        store.rename(&path("renamed"), &path("new name"), Publish::IfAbsent).unwrap();
        store.append_log(&path("again")).unwrap().append(b"5").unwrap();
        let taken = store.lose_power(lost, None);
        let names: Vec<_> = store::list_all(&store, &StorePath::root()).unwrap();
        let names: Vec<_> = names.iter().map(|entry| entry.name.as_str()).collect();
        match lost {
            Lost::Files => assert_eq!((taken, names), (3, vec!["put", "synced"])),
            Lost::Bytes => {
                assert_eq!((taken, names), (2, vec!["again", "new name", "put", "synced", "written"]));
                assert_eq!(read_all(&store, &path("again"), 9).unwrap(), [0; 5]);
                assert_eq!(read_all(&store, &path("written"), 9).unwrap(), [0; 4]);
            }
        }
        for whole in ["put", "synced"] {
            assert_eq!(read_all(&store, &path(whole), 9).unwrap(), b"1234");
        }
    }
}
