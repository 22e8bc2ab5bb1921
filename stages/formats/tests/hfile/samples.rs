//! The golden files beside these tests (see `tests/data/hfile/ORIGIN.md`), and those of whole HBase roots.

use std::fs;
use std::path::{Path, PathBuf};

use formats::compress::{Decompressor, Dictionaries};
use formats::hfile::{BlockHeader, Trailer};
use serde_json::Value;

/// A golden file.
pub struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
    /// The cells that HBase wrote, where they are known.
    pub cells: Option<Vec<Value>>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hfile")
}

pub fn read(name: &str) -> Vec<u8> {
    fs::read(directory().join(name)).unwrap()
}

/// All HFiles, by name.
pub fn all() -> Vec<Sample> {
    let entries = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "hfile")).collect();
    paths.sort();
    assert_eq!(paths.len(), 44, "HFiles among the samples");
    paths.into_iter().map(|path| sample(&path)).collect()
}

pub fn one(name: &str) -> Sample {
    sample(&directory().join(format!("{name}.hfile")))
}

fn sample(path: &Path) -> Sample {
    let cells = fs::read_to_string(path.with_extension("expected.jsonl")).ok();
    Sample {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        bytes: fs::read(path).unwrap(),
        cells: cells.map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
    }
}

/// A decompressor that knows the samples' zstd dictionary.
pub fn decompressor() -> Decompressor {
    let mut dictionaries = Dictionaries::new();
    dictionaries.add(&read("zstd.dict")).unwrap();
    Decompressor::new(dictionaries)
}

pub fn trailer(bytes: &[u8]) -> Trailer {
    Trailer::decode(bytes, bytes.len() as u64).unwrap()
}

/// Offset, header and bytes of every block, by nothing but the sizes in the headers.
pub fn blocks(file: &[u8]) -> Vec<(usize, BlockHeader, &[u8])> {
    let mut blocks = Vec::new();
    let mut offset = 0;
    while offset < file.len() - 4096 {
        let header = BlockHeader::decode(file[offset..].first_chunk().unwrap()).unwrap();
        let end = offset + header.on_disk_size() as usize;
        blocks.push((offset, header, &file[offset..end]));
        offset = end;
    }
    assert_eq!(offset, file.len() - 4096);
    blocks
}

pub fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    assert!(text.len().is_multiple_of(2));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The whole HBase roots of `TIDEGATE_SHARED` (or `../shared` beside the repository), or nothing, visibly.
pub fn golden_roots(test: &str) -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(beside, PathBuf::from);
    let Ok(sets) = fs::read_dir(shared.join("golden")) else {
        eprintln!("SKIPPED: {test}: no golden sets in {}", shared.display());
        return Vec::new();
    };
    let sets = sets.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    sets.collect()
}
