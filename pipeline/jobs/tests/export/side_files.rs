//! A target in which Hadoop keeps checksums beside files: whenever a run dies, none is beside bytes that it is not of.

use crate::support::*;
use fixtures::file_name;
use jobs::export::{ExportOptions, run_between};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use store::{Effect, Fault, Faults, Faulty, FileStore, Operation, Store, StoreErrorKind};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

fn side_bytes(bytes: &[u8]) -> Vec<u8> {
    let sums = bytes.chunks(512).flat_map(|chunk| crc32(chunk).to_be_bytes());
    b"crc\0\0\0\x02\0".iter().copied().chain(sums).collect()
}

fn side_of(file: &Path) -> PathBuf {
    file.with_file_name(format!(".{}.crc", file.file_name().unwrap().to_str().unwrap()))
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    paths.flat_map(below).collect()
}

/// Files with side files of other bytes.
fn stale(root: &Path) -> Vec<PathBuf> {
    let of_others = |file: &PathBuf| {
        let side = fs::read(side_of(file));
        side.is_ok_and(|side| fs::read(file).is_ok_and(|bytes| side != side_bytes(&bytes)))
    };
    files_below(root).into_iter().filter(of_others).collect()
}

/// What ExportSnapshot left, and was changed since together with its checksums: the files of s1 with a bit flipped, an
/// older snapshot of that name, and one that was broken off under its working name.
fn prepare(root: &Path) {
    let write = |file: PathBuf, bytes: &[u8]| {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        fs::write(side_of(&file), side_bytes(bytes)).unwrap();
    };
    for (region, number, mut bytes) in files() {
        bytes[1000] ^= u8::from(number < 4);
        write(root.join(table().path("archive", region, &file_name(number)).as_str()), &bytes);
    }
    for dir in ["s1", ".tmp/s1"] {
        for name in [".snapshotinfo", "data.manifest"] {
            write(root.join(".hbase-snapshot").join(dir).join(name), b"an old one");
        }
    }
}

#[test]
fn a_run_that_dies_anywhere_leaves_no_checksums_of_other_bytes() {
    let options = ExportOptions { overwrite: true, ..options("s1") };
    let source = shared(source());
    let run = |target: &Arc<dyn Store>| run_between(&options, &source, target, &context());
    let store = |dir: &tempfile::TempDir| shared(FileStore::new(dir.path()).unwrap());
    let mut operations = u64::MAX;
    let mut nth = 1;
    while nth <= operations {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        assert_eq!(stale(dir.path()), Vec::<PathBuf>::new());
        let seen = Arc::new(Mutex::new(0));
        let (count, root) = (Arc::clone(&seen), dir.path().to_owned());
        let look = move |operation: &Operation| {
            *count.lock().unwrap() += 1;
            assert_eq!(stale(&root), Vec::<PathBuf>::new(), "before {operation:?}");
        };
        let faults = Arc::new(Faults::default());
        faults.add(Fault::new(Effect::Call(Arc::new(look))).always());
        if operations != u64::MAX {
            faults.add(Fault::new(Effect::Fail(StoreErrorKind::Other)).nth(nth).always());
        }
        let dying = shared(Faulty::new(store(&dir), faults));
        let died = run(&dying);
        assert_eq!(stale(dir.path()), Vec::<PathBuf>::new(), "died at {nth}: {died:?}");
        run(&store(&dir)).unwrap_or_else(|stopped| panic!("died at {nth}: {stopped:?}"));
        assert_eq!(stale(dir.path()), Vec::<PathBuf>::new(), "after it died at {nth}");
        verify(&store(&dir), "s1").unwrap();
        if operations == u64::MAX {
            died.unwrap();
            operations = *seen.lock().unwrap();
            assert!(operations > 40, "{operations}");
        }
        nth += 3;
    }
}
