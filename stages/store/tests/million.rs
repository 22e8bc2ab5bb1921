//! That a million entries are a matter of seconds and of little memory.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use store::{MemoryStore, Store, StoreErrorKind, StorePath};

#[test]
fn a_million_hollow_files_are_listed_and_looked_up() {
    let store = MemoryStore::files();
    let dirs: Vec<StorePath> =
        (0..100).map(|n| StorePath::parse(&format!("data/{n:032x}/cf")).unwrap()).collect();
    for n in 0..1_000_000u64 {
        let dir = &dirs[n as usize % dirs.len()];
        store.insert_hollow(&dir.join(&format!("{n:032x}")).unwrap(), n).unwrap();
    }
    let mut total = 0;
    for dir in &dirs {
        for entry in store::list_all(&store, dir).unwrap() {
            assert_eq!(store.metadata(&dir.join(&entry.name).unwrap()).unwrap().len, entry.metadata.len);
            total += 1;
        }
    }
    assert_eq!(total, 1_000_000);
    let file = store.open(&dirs[0].join(&"0".repeat(32)).unwrap()).unwrap();
    assert_eq!(file.read_at(0, &mut [0; 9]).unwrap_err().kind, StoreErrorKind::Unsupported);
}
