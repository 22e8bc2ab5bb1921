use crate::{assert_kind, path, put, read};
use store::{Store, StoreErrorKind};

pub fn adds_at_the_end_and_is_alone(store: &dyn Store) {
    let file = path("journal/run.jsonl");
    if !store.abilities().append {
        assert_kind(store.append_log(&file).map(drop), StoreErrorKind::Unsupported);
        return;
    }
    let mut log = store.append_log(&file).unwrap();
    log.append(b"one\n").unwrap();
    log.append(b"").unwrap();
    assert_eq!(read(store, "journal/run.jsonl"), b"one\n");
    assert_kind(store.append_log(&file).map(drop), StoreErrorKind::Busy);
    log.append(b"two\n").unwrap();
    log.sync().unwrap();
    drop(log);
    let mut log = store.append_log(&file).unwrap();
    log.append(b"three\n").unwrap();
    log.sync().unwrap();
    assert_eq!(read(store, "journal/run.jsonl"), b"one\ntwo\nthree\n");
    put(store, "d/f", b"");
    assert_kind(store.append_log(&path("d")).map(drop), StoreErrorKind::WrongKind);
}
