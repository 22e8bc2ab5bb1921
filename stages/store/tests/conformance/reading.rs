use crate::{assert_kind, path, put, some_bytes, write};
use store::{ReadRanges, Store, StoreErrorKind};

fn range(file: &dyn ReadRanges, offset: u64, len: usize) -> Vec<u8> {
    let mut buffer = vec![0xee; len];
    let read = file.read_at(offset, &mut buffer).unwrap();
    assert!(buffer[read..].iter().all(|byte| *byte == 0xee), "nothing behind what was read is touched");
    buffer.truncate(read);
    buffer
}

pub fn ranges_at_the_edges(store: &dyn Store) {
    put(store, "d/f", b"0123456789");
    for file in [store.open(&path("d/f")).unwrap(), store.open_uncached(&path("d/f")).unwrap()] {
        assert_eq!(file.metadata().len, 10);
        assert_eq!(range(&*file, 0, 10), b"0123456789");
        assert_eq!(range(&*file, 0, 0), b"");
        assert_eq!(range(&*file, 3, 4), b"3456");
        assert_eq!(range(&*file, 8, 100), b"89");
        assert_eq!(range(&*file, 10, 1), b"");
        assert_eq!(range(&*file, 11, 1), b"");
        assert_eq!(range(&*file, 1 << 40, 7), b"");
        assert_eq!(range(&*file, u64::MAX, 7), b"");
    }
}

pub fn an_open_file_stays_what_it_is(store: &dyn Store) {
    put(store, "f", b"before");
    let file = store.open(&path("f")).unwrap();
    assert_eq!(file.current().unwrap(), *file.metadata());
    put(store, "f", b"after it");
    assert_eq!(range(&*file, 0, 100), b"before");
    assert_eq!(crate::read(store, "f"), b"after it");
    let written = store.open(&path("f")).unwrap();
    write(store, &path("f"), b"and again", 2).unwrap();
    assert_eq!(range(&*written, 0, 100), b"after it");
}

pub fn from_the_medium_at_any_offset_and_length(store: &dyn Store) {
    let bytes = some_bytes(2_500_001);
    write(store, &path("f"), &bytes, 1 << 20).unwrap();
    store.sync_batch(&[path("f")]).unwrap();
    let file = store.open_uncached(&path("f")).unwrap();
    for (offset, len) in
        [(0, 2_500_001), (0, 4096), (4096, 8192), (1, 4096), (4095, 2), (2_499_999, 9), (777, 2_000_003)]
    {
        let end = (offset + len).min(bytes.len());
        assert!(range(&*file, offset as u64, len) == bytes[offset..end], "{len} bytes at {offset}");
    }
    let mut aligned = store::AlignedBuffer::new(1 << 20);
    for offset in [0, 4096, 2 << 20, 5] {
        let read = file.read_at(offset as u64, &mut aligned).unwrap();
        assert!(aligned[..read] == bytes[offset..(offset + (1 << 20)).min(bytes.len())], "at {offset}");
    }
}

pub fn what_is_not_a_file(store: &dyn Store) {
    put(store, "d/f", b"1");
    assert_kind(store.open(&path("none")).map(drop), StoreErrorKind::NotFound);
    assert_kind(store.open(&path("none/f")).map(drop), StoreErrorKind::NotFound);
    assert_kind(store.open_uncached(&path("d/none")).map(drop), StoreErrorKind::NotFound);
    let error = store.open(&path("d/none")).map(drop).unwrap_err();
    assert!(error.to_string().contains("d/none"), "{error}");
    let directory = if store.abilities().directories {
        [StoreErrorKind::WrongKind; 2]
    } else {
        [StoreErrorKind::NotFound; 2]
    };
    assert_kind(store.open(&path("d")).map(drop), directory[0]);
    assert_kind(store.metadata(&path("d/f/x")), directory[1]);
    assert_kind(store.checksum(&path("none")), StoreErrorKind::NotFound);
    assert!(store.checksum(&path("d/f")).is_ok());
}

pub fn identity_changes_with_the_bytes(store: &dyn Store) {
    let identity = || store.metadata(&path("f")).unwrap().identity;
    put(store, "f", b"1234");
    let first = identity();
    assert_eq!(first, identity());
    assert_eq!(first, store.open(&path("f")).unwrap().metadata().identity);
    put(store, "f", b"5678");
    let second = identity();
    assert_ne!(first, second);
    write(store, &path("f"), b"9999", 4).unwrap();
    assert_ne!(second, identity());
    if store.abilities().rename {
        let third = identity();
        store.rename(&path("f"), &path("g"), store::Publish::IfAbsent).unwrap();
        assert_eq!(store.metadata(&path("g")).unwrap().identity, third);
    }
}
