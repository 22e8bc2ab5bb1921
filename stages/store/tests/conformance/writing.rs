use crate::{assert_kind, path, put, read, some_bytes, write_part};
use std::thread;
use store::{PartReceipt, Store, StoreErrorKind, WriteShape};

const SHAPE: WriteShape = WriteShape { len: 10_500, part_len: 3_000 };

pub fn in_parts_in_any_order(store: &dyn Store) {
    let bytes = some_bytes(10_500);
    let writing = store.write(&path("d/e/f"), SHAPE, None).unwrap();
    let mut receipts = vec![None; 4];
    if store.abilities().parallel_parts {
        for index in [2, 0, 3, 1] {
            receipts[index as usize] = Some(write_part(&*writing, SHAPE, index, &bytes).unwrap());
        }
    } else {
        assert_kind(writing.part(2).map(drop), StoreErrorKind::Unsupported);
        for index in 0..4 {
            receipts[index as usize] = Some(write_part(&*writing, SHAPE, index, &bytes).unwrap());
        }
    }
    // A part can be written again, from its beginning.
    receipts[1] = Some(write_part(&*writing, SHAPE, 1, &bytes).unwrap());
    let receipts: Vec<PartReceipt> = receipts.into_iter().flatten().collect();
    writing.finish(&receipts).unwrap();
    assert_eq!(read(store, "d/e/f"), bytes);
    assert_eq!(store.metadata(&path("d/e/f")).unwrap().len, 10_500);
}

pub fn parts_at_the_same_time(store: &dyn Store) {
    if !store.abilities().parallel_parts {
        return;
    }
    let bytes = some_bytes(3_000_000);
    let shape = WriteShape { len: 3_000_000, part_len: 300_000 };
    let writing = store.write(&path("f"), shape, None).unwrap();
    let receipts: Vec<PartReceipt> = thread::scope(|scope| {
        let part = |index| {
            scope.spawn({
                let (writing, bytes) = (&writing, &bytes);
                move || write_part(&**writing, shape, index, bytes).unwrap()
            })
        };
        let parts: Vec<_> = (0..10).map(part).collect();
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    });
    writing.finish(&receipts).unwrap();
    assert!(read(store, "f") == bytes);
}

pub fn goes_on_with_a_token(store: &dyn Store) {
    let bytes = some_bytes(10_500);
    let first = store.write(&path("f"), SHAPE, None).unwrap();
    let token = first.token();
    let mut receipts =
        vec![write_part(&*first, SHAPE, 0, &bytes).unwrap(), write_part(&*first, SHAPE, 1, &bytes).unwrap()];
    // The third part is begun and never ended.
    first.part(2).unwrap().write(b"lost").unwrap();
    drop(first);

    let second = store.write(&path("f"), SHAPE, Some(&token)).unwrap();
    assert_eq!(second.token(), token);
    for index in [2, 3] {
        receipts.push(write_part(&*second, SHAPE, index, &bytes).unwrap());
    }
    second.finish(&receipts).unwrap();
    assert_eq!(read(store, "f"), bytes);
}

pub fn a_token_of_another_file_is_not_taken(store: &dyn Store) {
    let bytes = some_bytes(10_500);
    let token = store.write(&path("f"), SHAPE, None).unwrap().token();
    let other_shape = WriteShape { len: 10_500, part_len: 4_000 };
    assert_kind(store.write(&path("f"), other_shape, Some(&token)).map(drop), StoreErrorKind::NotFound);
    assert_kind(store.write(&path("f"), SHAPE, Some("nonsense")).map(drop), StoreErrorKind::NotFound);
    assert_kind(store.write(&path("g"), SHAPE, Some(&token)).map(drop), StoreErrorKind::NotFound);
    if store.abilities().directories {
        // Deleted, and another of the same length made: mostly with the same inode number.
        store.delete(&path("f")).unwrap();
        assert_kind(store.write(&path("f"), SHAPE, Some(&token)).map(drop), StoreErrorKind::NotFound);
        put(store, "f", &bytes);
        assert_kind(store.write(&path("f"), SHAPE, Some(&token)).map(drop), StoreErrorKind::NotFound);
        assert_eq!(read(store, "f"), bytes);
    }
}

pub fn an_empty_file(store: &dyn Store) {
    let writing = store.write(&path("empty"), WriteShape::whole(0), None).unwrap();
    let receipt = writing.part(0).unwrap().finish().unwrap();
    writing.finish(&[receipt]).unwrap();
    assert_eq!(read(store, "empty"), b"");
    assert_eq!(store.metadata(&path("empty")).unwrap().len, 0);
}

pub fn replaces_what_was_there(store: &dyn Store) {
    put(store, "f", &[1; 20_000]);
    let bytes = some_bytes(10_500);
    crate::write(store, &path("f"), &bytes, 3_000).unwrap();
    assert_eq!(read(store, "f"), bytes);
    put(store, "d/x", b"");
    if store.abilities().directories {
        assert_kind(store.write(&path("d"), SHAPE, None).map(drop), StoreErrorKind::WrongKind);
        assert_kind(store.write(&path("f/below"), SHAPE, None).map(drop), StoreErrorKind::WrongKind);
    }
}

pub fn refuses_what_does_not_fit_the_shape(store: &dyn Store) {
    let bytes = some_bytes(10_500);
    let writing = store.write(&path("f"), SHAPE, None).unwrap();
    assert!(writing.part(4).is_err(), "there is no fifth part");
    let mut long = writing.part(0).unwrap();
    long.write(&bytes[..2_999]).unwrap();
    assert!(long.write(b"12").is_err(), "longer than the part");
    drop(long);
    let mut short = writing.part(0).unwrap();
    short.write(b"short").unwrap();
    assert!(short.finish().is_err(), "shorter than the part");

    let receipts: Vec<_> = (0..4).map(|index| write_part(&*writing, SHAPE, index, &bytes).unwrap()).collect();
    let token = writing.token();
    let wrong = [
        receipts[..3].to_vec(),
        Vec::new(),
        vec![receipts[1].clone(), receipts[0].clone(), receipts[2].clone(), receipts[3].clone()],
        vec![PartReceipt("made up".to_owned()); 4],
    ];
    let mut writing = Some(writing);
    for wrong in wrong {
        let open = writing.take().unwrap_or_else(|| store.write(&path("f"), SHAPE, Some(&token)).unwrap());
        assert!(open.finish(&wrong).is_err(), "{wrong:?}");
    }
    store.write(&path("f"), SHAPE, Some(&token)).unwrap().finish(&receipts).unwrap();
    assert_eq!(read(store, "f"), bytes);
}

pub fn impossible_shapes(store: &dyn Store) {
    for shape in [WriteShape { len: 1, part_len: 0 }, WriteShape { len: u64::MAX, part_len: 1 }] {
        assert!(store.write(&path("f"), shape, None).is_err(), "{shape:?}");
        assert_kind(store.metadata(&path("f")), StoreErrorKind::NotFound);
    }
}
