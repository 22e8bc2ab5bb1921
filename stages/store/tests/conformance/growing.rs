use crate::{assert_kind, path, put, read};
use store::{Store, StoreErrorKind};

pub fn is_whole_when_it_is_finished(store: &dyn Store) {
    let file = path("archive/deep/new");
    let mut growing = store.create(&file).unwrap();
    growing.write(b"one ").unwrap();
    growing.write(b"").unwrap();
    growing.write(b"two").unwrap();
    // An object is there only when it is whole.
    assert_eq!(store.metadata(&file).is_ok(), store.abilities().directories);
    assert_eq!(growing.finish().unwrap(), 7);
    store.sync_batch(&[file]).unwrap();
    assert_eq!(read(store, "archive/deep/new"), b"one two");
    assert_eq!(store.create(&path("empty")).unwrap().finish().unwrap(), 0);
    assert_eq!(read(store, "empty"), b"");
}

pub fn replaces_what_was_there_and_leaves_its_readers_alone(store: &dyn Store) {
    put(store, "d/f", b"what was there before");
    let before = store.open(&path("d/f")).unwrap();
    let mut growing = store.create(&path("d/f")).unwrap();
    growing.write(b"new").unwrap();
    growing.finish().unwrap();
    assert_eq!(read(store, "d/f"), b"new");
    let mut bytes = [0; 30];
    let len = before.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes[..len], b"what was there before");
    if store.abilities().directories {
        assert_kind(store.create(&path("d")).map(drop), StoreErrorKind::WrongKind);
    }
}
