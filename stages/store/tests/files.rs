//! What only a store of real files can get wrong.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a panic is how a test fails")]

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    os::unix::fs::{MetadataExt, symlink},
    path::PathBuf,
    process::Command,
};
use store::{
    Attributes, FileStore, Identity, Publish, Store, StoreErrorKind, StorePath, WriteShape, list_all,
    read_all,
};
use tempfile::TempDir;

fn path(text: &str) -> StorePath {
    StorePath::parse(text).unwrap()
}

struct Files {
    store: FileStore,
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        Self { store: FileStore::new(dir.path().join("root")).unwrap(), dir }
    }

    fn real(&self, name: &str) -> PathBuf {
        self.dir.path().join("root").join(name)
    }

    fn names(&self, dir: &str) -> Vec<String> {
        let entries = list_all(&self.store, &path(dir)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }
}

#[test]
fn a_root_is_an_absolute_path() {
    assert_eq!(FileStore::new("relative").unwrap_err().kind, StoreErrorKind::InvalidPath);
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = FileStore::new(file.path()).unwrap();
    assert_eq!(store.list(&path(""), None, 9).unwrap_err().kind, StoreErrorKind::WrongKind);
    assert_eq!(store.put(&path("f"), b"", Publish::Replace).unwrap_err().kind, StoreErrorKind::WrongKind);
    assert_eq!(FileStore::new("/none/at/all").unwrap().available().map(|free| free > Some(0)), Ok(true));
}

#[test]
fn errors_name_the_whole_path() {
    let files = Files::new();
    let error = files.store.open(&path("d/none")).map(drop).unwrap_err();
    assert!(error.to_string().contains(files.real("d/none").to_str().unwrap()), "{error}");
}

#[test]
fn identity_is_size_mtime_and_inode() {
    let files = Files::new();
    files.store.put(&path("f"), b"1234", Publish::Replace).unwrap();
    let status = fs::metadata(files.real("f")).unwrap();
    let mtime = i128::from(status.mtime()) * 1_000_000_000 + i128::from(status.mtime_nsec());
    let Identity(identity) = files.store.metadata(&path("f")).unwrap().identity;
    assert_eq!(identity, format!("4:{mtime}:{}", status.ino()));
    let open = files.store.open(&path("f")).unwrap();
    fs::OpenOptions::new().append(true).open(files.real("f")).unwrap().set_len(9).unwrap();
    let current = open.current().unwrap();
    assert_eq!((open.metadata().len, current.len), (4, 9));
    assert_ne!(current.identity, open.metadata().identity);
}

#[test]
fn an_open_file_survives_its_move() {
    let files = Files::new();
    files.store.put(&path("data/f"), b"bytes", Publish::Replace).unwrap();
    let open = files.store.open(&path("data/f")).unwrap();
    files.store.rename(&path("data/f"), &path("archive/f"), Publish::IfAbsent).unwrap();
    let mut buffer = [0; 9];
    assert_eq!(open.read_at(0, &mut buffer).unwrap(), 5);
    assert_eq!(open.current().unwrap(), *open.metadata());
}

#[test]
fn links_are_followed_and_dead_links_are_not_listed() {
    let files = Files::new();
    fs::create_dir(files.dir.path().join("outside")).unwrap();
    fs::write(files.dir.path().join("outside/f"), b"out").unwrap();
    symlink("../outside", files.real("link")).unwrap();
    symlink("nowhere", files.real("dead")).unwrap();
    assert_eq!(files.names(""), ["link"]);
    assert_eq!(read_all(&files.store, &path("link/f"), 9).unwrap(), b"out");
    assert!(files.store.metadata(&path("dead")).unwrap_err().is_not_found());
    // A link is replaced or deleted, not what it leads to.
    symlink("../outside/f", files.real("g")).unwrap();
    let writing = files.store.write(&path("g"), WriteShape::whole(0), None).unwrap();
    let receipt = writing.part(0).unwrap().finish().unwrap();
    writing.finish(&[receipt]).unwrap();
    files.store.delete_tree(&path("link")).unwrap();
    assert_eq!(fs::read(files.dir.path().join("outside/f")).unwrap(), b"out");
}

#[test]
fn a_pipe_is_refused_and_does_not_hang() {
    let files = Files::new();
    let made = Command::new("mkfifo").arg(files.real("pipe")).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no mkfifo");
        return;
    }
    for open in [files.store.open(&path("pipe")), files.store.open_uncached(&path("pipe"))] {
        assert_eq!(open.map(drop).unwrap_err().kind, StoreErrorKind::WrongKind);
    }
    assert_eq!(files.store.metadata(&path("pipe")).unwrap().len, 0);
}

#[test]
fn a_name_that_is_not_utf8_is_an_error_not_a_gap() {
    let files = Files::new();
    fs::write(files.real("").join(std::ffi::OsStr::from_bytes(b"a\xff")), b"").unwrap();
    let error = files.store.list(&path(""), None, 9).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::InvalidPath);
    assert!(error.to_string().contains(r"a\\xff"), "{error}");
}

#[test]
fn a_document_that_was_never_finished_is_not_listed() {
    let files = Files::new();
    files.store.put(&path("d/f"), b"1", Publish::Replace).unwrap();
    fs::write(files.real("d/.1-2-3.tidegate-tmp"), b"half").unwrap();
    assert_eq!(files.names("d"), ["f"]);
    files.store.delete_tree(&path("d")).unwrap();
    assert!(!files.real("d").exists());
}

#[test]
fn a_full_disk_shows_before_anything_is_written() {
    let files = Files::new();
    let free = files.store.available().unwrap().unwrap();
    let shape = WriteShape { len: free + (1 << 40), part_len: 64 << 20 };
    match files.store.write(&path("huge"), shape, None).map(drop) {
        Ok(()) => eprintln!("SKIPPED: this file system cannot take room beforehand"),
        Err(error) => {
            assert_eq!(error.kind, StoreErrorKind::NoSpace, "{error}");
            assert!(!files.real("huge").exists());
        }
    }
}

#[test]
fn a_file_replaced_while_it_was_written_is_not_finished() {
    let files = Files::new();
    let writing = files.store.write(&path("f"), WriteShape::whole(3), None).unwrap();
    let mut part = writing.part(0).unwrap();
    part.write(b"new").unwrap();
    let receipt = part.finish().unwrap();
    files.store.put(&path("f"), b"other", Publish::Replace).unwrap();
    let error = writing.finish(&[receipt]).unwrap_err();
    assert!(error.to_string().contains("another file has taken its name"), "{error}");
}

#[test]
fn owner_group_and_mode() {
    let files = Files::new();
    files.store.put(&path("f"), b"", Publish::Replace).unwrap();
    let set = |attributes: Attributes| files.store.set_attributes(&path("f"), &attributes);
    let wrong = [
        Attributes { owner: Some("no such user".to_owned()), ..Attributes::default() },
        Attributes { mode: Some(0o10_000), ..Attributes::default() },
        Attributes { replication: Some(3), ..Attributes::default() },
        Attributes { storage_policy: Some("HOT".to_owned()), ..Attributes::default() },
    ];
    for wrong in wrong {
        assert_eq!(set(wrong.clone()).unwrap_err().kind, StoreErrorKind::Unsupported, "{wrong:?}");
    }
    let changed = Attributes {
        owner: Some("4711".to_owned()),
        group: Some("4712".to_owned()),
        mode: Some(0o4750),
        ..Attributes::default()
    };
    match set(changed.clone()) {
        Ok(()) => assert_eq!(files.store.metadata(&path("f")).unwrap().attributes, changed),
        Err(error) => {
            assert_eq!(error.kind, StoreErrorKind::PermissionDenied);
            eprintln!("SKIPPED: only root may give a file away");
        }
    }
}

/// Hadoop's checksums of the bytes before would make the new ones unreadable to it.
#[test]
fn a_name_that_gets_new_bytes_loses_its_side_file() {
    let files = Files::new();
    let side = |name: &str| files.real(&format!(".{name}.crc"));
    let with_side = |name: &str| {
        fs::write(files.real(name), b"old").unwrap();
        fs::write(side(name), b"crc of old").unwrap();
        path(name)
    };
    let store = &files.store;
    store.put(&with_side("put"), b"new", Publish::Replace).unwrap();
    store.rename(&with_side("from"), &with_side("to"), Publish::Replace).unwrap();
    store.exchange(&with_side("one"), &with_side("other")).unwrap();
    store.delete(&with_side("deleted")).unwrap();
    drop(store.append_log(&with_side("log")).unwrap());
    drop(store.create(&with_side("grown")).unwrap());
    drop(store.write(&with_side("written"), WriteShape::whole(3), None).unwrap());
    // Left behind by a file that is gone.
    fs::write(side("absent"), b"crc of another").unwrap();
    store.put(&path("absent"), b"new", Publish::IfAbsent).unwrap();
    for name in ["put", "from", "to", "one", "other", "deleted", "log", "grown", "written", "absent"] {
        assert!(!side(name).exists(), "{name}");
    }
    // Where the bytes stay, so does what Hadoop knows of them.
    let kept = with_side("kept");
    assert!(store.put(&kept, b"new", Publish::IfAbsent).is_err());
    assert!(store.rename(&path("put"), &kept, Publish::IfAbsent).is_err());
    assert!(side("kept").exists() && fs::read(files.real("kept")).unwrap() == b"old");
    // A name too long to have one, and a directory in its place.
    store.put(&path(&"n".repeat(255)), b"new", Publish::IfAbsent).unwrap();
    fs::create_dir(side("dir")).unwrap();
    store.put(&path("dir"), b"new", Publish::Replace).unwrap();
    // A directory takes its files' along.
    fs::create_dir(files.real("d")).unwrap();
    fs::rename(files.real("kept"), files.real("d/kept")).unwrap();
    fs::rename(side("kept"), files.real("d/.kept.crc")).unwrap();
    store.rename(&path("d"), &path("e"), Publish::IfAbsent).unwrap();
    assert!(files.real("e/.kept.crc").exists());
}
