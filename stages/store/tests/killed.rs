//! A process that dies in the middle leaves documents whole or absent, journals to their last line, and no lock.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a panic is how a test fails")]

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};
use store::{FileStore, Publish, Store, StoreErrorKind, StorePath, WriteShape, list_all, read_all};

const ROOT: &str = "TIDEGATE_TEST_KILLED_ROOT";

fn path(text: &str) -> StorePath {
    StorePath::parse(text).unwrap()
}

/// What the process does that is to be killed; as a test of its own it does nothing.
#[test]
fn the_one_that_is_killed() {
    let Some(root) = env::var_os(ROOT) else { return };
    let store = FileStore::new(root).unwrap();
    let mut log = store.append_log(&path("log")).unwrap();
    let shape = WriteShape { len: 8_000, part_len: 4_000 };
    let writing = store.write(&path("f"), shape, None).unwrap();
    let mut part = writing.part(0).unwrap();
    part.write(&[7; 4_000]).unwrap();
    let receipt = part.finish().unwrap();
    log.append(format!("{} {}\n", writing.token(), receipt.0).as_bytes()).unwrap();
    for round in 0u64.. {
        let version = [round as u8; 100_000];
        store.put(&path("document"), &version, Publish::Replace).unwrap();
        if round == 3 {
            eprintln!("\nready");
        }
    }
}

#[test]
fn documents_journal_and_parts_survive() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path()).unwrap();
    for _ in 0..5 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_one_that_is_killed", "--nocapture"])
            .env(ROOT, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "ready"), "it got that far");
        assert_eq!(store.append_log(&path("log")).map(drop).unwrap_err().kind, StoreErrorKind::Busy);
        child.kill().unwrap();
        child.wait().unwrap();

        let document = read_all(&store, &path("document"), 1 << 20).unwrap();
        assert_eq!(document.len(), 100_000);
        assert!(document.iter().all(|byte| *byte == document[0]), "all of one version");
        store.append_log(&path("log")).unwrap();
        let log = String::from_utf8(read_all(&store, &path("log"), 1 << 20).unwrap()).unwrap();
        let (token, first) = log.lines().next_back().and_then(|line| line.split_once(' ')).unwrap();
        go_on(&store, token, first);
        let names: Vec<_> = list_all(&store, &StorePath::root()).unwrap();
        assert_eq!(names.len(), 3, "{names:?}");
    }
}

fn go_on(store: &FileStore, token: &str, first: &str) {
    let shape = WriteShape { len: 8_000, part_len: 4_000 };
    let writing = store.write(&path("f"), shape, Some(token)).unwrap();
    let mut part = writing.part(1).unwrap();
    part.write(&[8; 4_000]).unwrap();
    let second = part.finish().unwrap();
    writing.finish(&[store::PartReceipt(first.to_owned()), second]).unwrap();
    let bytes = read_all(store, &path("f"), 8_000).unwrap();
    assert_eq!((bytes[3_999], bytes[4_000], bytes.len()), (7, 8, 8_000));
}
