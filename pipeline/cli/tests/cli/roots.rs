//! Roots on disk, made for a test.

use fixtures::{Snapshot, Table, file_name, hfile};
use std::fs;
use std::path::{Path, PathBuf};
use store::FileStore;

pub const CREATED_MS: i64 = 1_795_211_501_137;

pub fn table() -> Table {
    Table::new("ns:t", 2)
}

/// A root with one snapshot, `s1`, of files of these lengths, dealt to two regions.
pub fn make(root: &Path, lengths: &[usize]) -> Vec<Vec<(String, u64)>> {
    let mut listed = vec![Vec::new(), Vec::new()];
    for (number, len) in lengths.iter().enumerate() {
        let region = number % 2;
        let bytes = hfile(number as u64, region, *len);
        let name = file_name(number as u64 + 1);
        listed[region].push((name.clone(), bytes.len() as u64));
        let path = file_path(root, if number.is_multiple_of(3) { "archive" } else { "data" }, number);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    snapshot(root, "s1", 0, &listed);
    listed
}

/// Where the file with this number lies below `data` or `archive`.
pub fn file_path(root: &Path, place: &str, number: usize) -> PathBuf {
    root.join(table().path(place, number % 2, &file_name(number as u64 + 1)).as_str())
}

pub fn snapshot(root: &Path, name: &str, ttl: i64, files: &[Vec<(String, u64)>]) {
    let snapshot = Snapshot { name: name.into(), created_ms: CREATED_MS, ttl, files: files.to_vec() };
    table().put_snapshot(&FileStore::new(root).unwrap(), &snapshot);
}

pub fn manifest(root: &Path, name: &str) -> PathBuf {
    root.join(".hbase-snapshot").join(name).join("data.manifest")
}
