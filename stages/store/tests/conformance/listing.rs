use crate::{assert_kind, path, put};
use store::{Entry, Kind, Store, StoreErrorKind, StorePath};

fn pages(store: &dyn Store, dir: &StorePath, limit: usize) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let after = all.last().map(|entry| entry.name.clone());
        let page = store.list(dir, after.as_deref(), limit).unwrap();
        assert!(page.entries.len() <= limit);
        assert!(!page.more || !page.entries.is_empty(), "a page with more behind it moves on");
        let more = page.more;
        all.extend(page.entries);
        if !more {
            return all;
        }
    }
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

pub fn pages_are_in_order_and_complete(store: &dyn Store) {
    for name in ["d/b", "d/a/x", "d/a-", "d/a/y", "d/c", "d/a0", "d/ä", "d/Z", "other"] {
        put(store, name, name.as_bytes());
    }
    for limit in [1, 2, 3, 100] {
        let all = pages(store, &path("d"), limit);
        assert_eq!(names(&all), ["Z", "a", "a-", "a0", "b", "c", "ä"], "pages of {limit}");
        assert_eq!(all[1].metadata.kind, Kind::Directory);
        assert_eq!((all[4].metadata.kind, all[4].metadata.len), (Kind::File, 3));
        assert_eq!(all[4].metadata, store.metadata(&path("d/b")).unwrap());
    }
    assert_eq!(names(&pages(store, &StorePath::root(), 1)), ["d", "other"]);
    assert_eq!(store.metadata(&StorePath::root()).unwrap().kind, Kind::Directory);
    assert_eq!(store.metadata(&path("d/a")).unwrap().kind, Kind::Directory);
}

pub fn a_page_goes_on_behind_a_name_that_is_gone(store: &dyn Store) {
    for name in ["d/a", "d/b", "d/c", "d/e"] {
        put(store, name, b"");
    }
    let first = store.list(&path("d"), None, 2).unwrap();
    assert_eq!((names(&first.entries), first.more), (vec!["a", "b"], true));
    store.delete(&path("d/b")).unwrap();
    store.delete(&path("d/c")).unwrap();
    assert_eq!(names(&store.list(&path("d"), Some("b"), 9).unwrap().entries), ["e"]);
    assert_eq!(names(&store.list(&path("d"), Some("d"), 9).unwrap().entries), ["e"]);
    assert_eq!(names(&store.list(&path("d"), Some("e"), 9).unwrap().entries), [""; 0]);
    // A listing that was left in the middle does not show through in the next one.
    assert_eq!(names(&store.list(&path("d"), None, 1).unwrap().entries), ["a"]);
    put(store, "d/b2", b"");
    assert_eq!(names(&store.list(&path("d"), None, 1).unwrap().entries), ["a"]);
    assert_eq!(names(&store.list(&path("d"), Some("a"), 9).unwrap().entries), ["b2", "e"]);
    assert_eq!(names(&store.list(&path("d"), None, 9).unwrap().entries), ["a", "b2", "e"]);
}

pub fn a_directory_that_is_not_there(store: &dyn Store) {
    put(store, "file", b"1");
    if store.abilities().directories {
        assert_kind(store.list(&path("none"), None, 5), StoreErrorKind::NotFound);
        assert_kind(store.list(&path("file"), None, 5), StoreErrorKind::WrongKind);
    } else {
        for name in ["none", "file"] {
            let page = store.list(&path(name), None, 5).unwrap();
            assert!(page.entries.is_empty() && !page.more);
        }
    }
    assert_kind(store.metadata(&path("none")), StoreErrorKind::NotFound);
}

pub fn ten_thousand_names_in_small_pages(store: &dyn Store) {
    let dir = path("d");
    for n in 0..10_000u32 {
        let name = dir.join(&format!("{:08x}", n.wrapping_mul(2_654_435_761))).unwrap();
        crate::write(store, &name, b"", 1).unwrap();
    }
    let all = pages(store, &dir, 100);
    assert_eq!(all.len(), 10_000);
    assert!(all.is_sorted_by(|a, b| a.name < b.name));
}

pub fn hostile_names_are_just_names(store: &dyn Store) {
    let long = "n".repeat(255);
    let hostile =
        ["...", " ", "a b", "-rf", "~", "$(reboot)", "a\nb", "\u{202e}x", "%2e%2e", "a\\b", "é", &long];
    let mut sorted = hostile.to_vec();
    sorted.sort_unstable();
    for name in hostile {
        let file = path("d").join(name).unwrap();
        store.put(&file, name.as_bytes(), store::Publish::IfAbsent).unwrap();
        assert_eq!(crate::read(store, &format!("d/{name}")), name.as_bytes());
    }
    assert_eq!(names(&pages(store, &path("d"), 5)), sorted);
    for name in ["..", ".", "", "a/b", "a\0b"] {
        assert_kind(path("d").join(name), StoreErrorKind::InvalidPath);
    }
}
