use crate::{assert_kind, path, put, read, write};
use std::thread;
use store::{Publish, Store, StoreErrorKind};

pub fn if_absent_and_replace(store: &dyn Store) {
    let file = path("d/e/f");
    store.put(&file, b"first", Publish::IfAbsent).unwrap();
    assert_kind(store.put(&file, b"second", Publish::IfAbsent), StoreErrorKind::AlreadyExists);
    assert_eq!(read(store, "d/e/f"), b"first");
    store.put(&file, b"third", Publish::Replace).unwrap();
    assert_eq!(read(store, "d/e/f"), b"third");
    store.put(&path("d/e/g"), b"", Publish::Replace).unwrap();
    assert_eq!(read(store, "d/e/g"), b"");
    assert_kind(store.put(&path("d/e"), b"x", Publish::IfAbsent), StoreErrorKind::AlreadyExists);
    assert_kind(store.put(&path("d/e"), b"x", Publish::Replace), StoreErrorKind::WrongKind);
    assert_kind(store.put(&path("d/e/f/g"), b"x", Publish::Replace), StoreErrorKind::WrongKind);
    let names = store.list(&path("d/e"), None, 9).unwrap().entries;
    assert_eq!(names.len(), 2, "no temporary name is left or shown: {names:?}");
}

pub fn of_two_at_once_one_wins(store: &dyn Store) {
    for round in 0..20 {
        let file = path(&format!("d/{round}"));
        let results: Vec<_> = thread::scope(|scope| {
            let file = &file;
            let tries: Vec<_> =
                [b"a", b"b"].map(|text| scope.spawn(move || store.put(file, text, Publish::IfAbsent))).into();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let won = results.iter().position(Result::is_ok).expect("one wins");
        assert_kind(results[1 - won].clone(), StoreErrorKind::AlreadyExists);
        assert_eq!(read(store, file.as_str()), [b"a", b"b"][won]);
    }
}

pub fn a_reader_sees_one_or_the_other(store: &dyn Store) {
    let versions: Vec<Vec<u8>> = (1..=3u8).map(|n| vec![n; usize::from(n) * 10_000]).collect();
    put(store, "f", &versions[0]);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..30 {
                put(store, "f", &versions[round % 3]);
            }
        });
        while !writer.is_finished() {
            let seen = read(store, "f");
            assert!(versions.contains(&seen), "{} bytes, from {:?}", seen.len(), seen.first());
        }
    });
}

pub fn syncing_few_and_many(store: &dyn Store) {
    let files: Vec<_> = (0..40).map(|n| path(&format!("d/{}/{n}", n % 3))).collect();
    for file in &files {
        write(store, file, b"bytes", 2).unwrap();
    }
    store.sync_batch(&[]).unwrap();
    store.sync_batch(&files[..3]).unwrap();
    store.sync_batch(&files).unwrap();
    store.sync_batch(&[path("d/0")]).unwrap();
    assert_kind(store.sync_batch(&[path("d/none")]), StoreErrorKind::NotFound);
    let mut with_missing = files;
    with_missing.push(path("d/none"));
    assert_kind(store.sync_batch(&with_missing), StoreErrorKind::NotFound);
}
