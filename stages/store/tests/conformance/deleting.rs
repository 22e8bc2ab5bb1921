use crate::{assert_kind, path, put, read};
use store::{Attributes, Store, StoreErrorKind, StorePath};

pub fn files_and_trees(store: &dyn Store) {
    for name in ["d/a", "d/b/c", "d/b/d/e", "db"] {
        put(store, name, b"1");
    }
    store.delete(&path("d/a")).unwrap();
    assert_kind(store.delete(&path("d/a")), StoreErrorKind::NotFound);
    assert_kind(store.metadata(&path("d/a")), StoreErrorKind::NotFound);
    let directory =
        if store.abilities().directories { StoreErrorKind::WrongKind } else { StoreErrorKind::NotFound };
    assert_kind(store.delete(&path("d/b")), directory);
    assert_kind(store.delete_tree(&path("db")), directory);
    store.delete_tree(&path("d/b")).unwrap();
    assert_kind(store.metadata(&path("d/b/d/e")), StoreErrorKind::NotFound);
    assert_kind(store.delete_tree(&path("d/b")), StoreErrorKind::NotFound);
    assert_eq!(read(store, "db"), b"1", "a name that only begins the same is left alone");
    assert_eq!(store.metadata(&path("d")).is_ok(), store.abilities().directories);
}

pub fn the_root_is_not_touched(store: &dyn Store) {
    put(store, "f", b"1");
    let root = StorePath::root();
    assert_kind(store.delete_tree(&root), StoreErrorKind::InvalidPath);
    assert!(store.delete(&root).is_err());
    assert!(store.put(&root, b"", store::Publish::Replace).is_err());
    assert!(store.write(&root, store::WriteShape::whole(1), None).is_err());
    assert_eq!(read(store, "f"), b"1");
}

pub fn attributes(store: &dyn Store) {
    put(store, "f", b"1");
    let mode = Attributes { mode: Some(0o640), ..Attributes::default() };
    if !store.abilities().attributes {
        assert_kind(store.set_attributes(&path("f"), &mode), StoreErrorKind::Unsupported);
        return;
    }
    let before = store.metadata(&path("f")).unwrap();
    store.set_attributes(&path("f"), &mode).unwrap();
    let after = store.metadata(&path("f")).unwrap();
    assert_eq!(after.attributes.mode, Some(0o640));
    assert_eq!(after.attributes.owner, before.attributes.owner);
    assert_eq!(after.identity, before.identity, "the bytes are the same");
    // To the owner that it has: allowed to everybody.
    let owner = Attributes { owner: before.attributes.owner.clone(), ..Attributes::default() };
    store.set_attributes(&path("f"), &owner).unwrap();
    assert_kind(store.set_attributes(&path("none"), &mode), StoreErrorKind::NotFound);
}
