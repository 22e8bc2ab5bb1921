use crate::{assert_kind, path, put, read};
use std::thread;
use store::{Publish, Store, StoreErrorKind, StorePath};

/// Every store gives a file another name, if only by a copy.
pub fn a_file(store: &dyn Store) {
    let rename = |from: &str, to: &str, rule| store.rename(&path(from), &path(to), rule);
    put(store, "a/f", b"1");
    put(store, "taken", b"2");
    let before = store.metadata(&path("a/f")).unwrap().identity;
    rename("a/f", "b/g", Publish::IfAbsent).unwrap();
    let same = store.metadata(&path("b/g")).unwrap().identity == before;
    assert_eq!(same, store.abilities().rename, "only a copy is another file");
    assert_eq!(read(store, "b/g"), b"1");
    assert_kind(store.metadata(&path("a/f")), StoreErrorKind::NotFound);
    assert_kind(rename("b/g", "taken", Publish::IfAbsent), StoreErrorKind::AlreadyExists);
    assert_eq!((read(store, "b/g"), read(store, "taken")), (b"1".to_vec(), b"2".to_vec()));
    rename("b/g", "b/g", Publish::Replace).unwrap();
    rename("b/g", "taken", Publish::Replace).unwrap();
    assert_eq!(read(store, "taken"), b"1");
    assert_kind(store.metadata(&path("b/g")), StoreErrorKind::NotFound);
    assert_kind(rename("none", "z", Publish::Replace), StoreErrorKind::NotFound);
    assert_kind(rename("none", "taken", Publish::Replace), StoreErrorKind::NotFound);
    store.sync_batch(&[path("taken")]).unwrap();
}

/// Where directories cannot be renamed.
fn cannot(store: &dyn Store) -> bool {
    if store.abilities().rename {
        return false;
    }
    put(store, "d/f", b"1");
    assert_kind(store.rename(&path("d"), &path("e"), Publish::Replace), StoreErrorKind::Unsupported);
    assert_eq!(read(store, "d/f"), b"1");
    true
}

pub fn files_and_directories(store: &dyn Store) {
    if cannot(store) {
        return;
    }
    put(store, "a/b/f", b"1");
    store.rename(&path("a/b/f"), &path("x/y/g"), Publish::IfAbsent).unwrap();
    assert_eq!(read(store, "x/y/g"), b"1");
    assert_kind(store.metadata(&path("a/b/f")), StoreErrorKind::NotFound);
    store.rename(&path("x"), &path("p/q"), Publish::IfAbsent).unwrap();
    assert_eq!(read(store, "p/q/y/g"), b"1");
    store.sync_batch(&[path("p/q")]).unwrap();
    assert_kind(store.rename(&path("none"), &path("z"), Publish::Replace), StoreErrorKind::NotFound);
    assert_kind(store.rename(&path("none"), &path("z/z"), Publish::IfAbsent), StoreErrorKind::NotFound);
    assert_kind(store.rename(&path("p"), &path("p/in"), Publish::Replace), StoreErrorKind::InvalidPath);
    assert_kind(store.rename(&StorePath::root(), &path("z"), Publish::Replace), StoreErrorKind::InvalidPath);
    assert_eq!(read(store, "p/q/y/g"), b"1");
}

pub fn over_what_is_there(store: &dyn Store) {
    if cannot(store) {
        return;
    }
    for name in ["f", "g", "full/x", "dir/y", "empty/z"] {
        put(store, name, name.as_bytes());
    }
    store.delete(&path("empty/z")).unwrap();
    let rename = |from: &str, to: &str, rule| store.rename(&path(from), &path(to), rule);
    assert_kind(rename("f", "g", Publish::IfAbsent), StoreErrorKind::AlreadyExists);
    assert_kind(rename("dir", "empty", Publish::IfAbsent), StoreErrorKind::AlreadyExists);
    assert_kind(rename("f", "dir", Publish::IfAbsent), StoreErrorKind::AlreadyExists);
    assert_kind(rename("f", "dir", Publish::Replace), StoreErrorKind::WrongKind);
    assert_kind(rename("dir", "f", Publish::Replace), StoreErrorKind::WrongKind);
    assert_kind(rename("dir", "full", Publish::Replace), StoreErrorKind::AlreadyExists);
    rename("f", "g", Publish::Replace).unwrap();
    assert_eq!(read(store, "g"), b"f");
    rename("dir", "empty", Publish::Replace).unwrap();
    assert_eq!(read(store, "empty/y"), b"dir/y");
}

pub fn of_two_renames_one_wins(store: &dyn Store) {
    if cannot(store) {
        return;
    }
    for round in 0..15 {
        put(store, &format!("{round}/a/f"), b"a");
        put(store, &format!("{round}/b/f"), b"b");
        let to = path(&format!("{round}/to"));
        let results: Vec<_> = thread::scope(|scope| {
            let to = &to;
            let tries: Vec<_> = ["a", "b"]
                .map(|name| {
                    scope
                        .spawn(move || store.rename(&path(&format!("{round}/{name}")), to, Publish::IfAbsent))
                })
                .into();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let won = results.iter().position(Result::is_ok).expect("one wins");
        assert_kind(results[1 - won].clone(), StoreErrorKind::AlreadyExists);
        assert_eq!(read(store, &format!("{round}/to/f")), [b"a", b"b"][won]);
    }
}

pub fn swapping(store: &dyn Store) {
    if !store.abilities().exchange {
        put(store, "f", b"1");
        put(store, "g", b"2");
        assert_kind(store.exchange(&path("f"), &path("g")), StoreErrorKind::Unsupported);
        assert_eq!(read(store, "f"), b"1");
        return;
    }
    put(store, "a/one/f", b"1");
    put(store, "b/two/f", b"2");
    put(store, "file", b"3");
    store.exchange(&path("a/one"), &path("b/two")).unwrap();
    assert_eq!((read(store, "a/one/f"), read(store, "b/two/f")), (b"2".to_vec(), b"1".to_vec()));
    store.exchange(&path("file"), &path("a/one/f")).unwrap();
    assert_eq!(read(store, "file"), b"2");
    assert_kind(store.exchange(&path("file"), &path("none")), StoreErrorKind::NotFound);
    assert_kind(store.exchange(&path("a"), &path("a/one")), StoreErrorKind::Unsupported);
    assert_eq!(read(store, "a/one/f"), b"3");
}
