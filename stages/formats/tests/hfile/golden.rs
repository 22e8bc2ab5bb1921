//! Whole HBase roots: every store file walks clean and says what HBase's own reader says of it.

use std::fs;
use std::path::{Path, PathBuf};

use formats::hfile::{BlockWalker, LARGEST_BLOCK, LoadOnOpen, Trailer};
use serde_json::Value;

use crate::samples::{self, golden_roots, hex};

/// Files under `data`, `archive` and `mobdir` of a root that end as an HFile does.
fn hfiles(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories: Vec<PathBuf> =
        ["data", "archive", "mobdir"].iter().map(|name| root.join(name)).collect();
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                directories.push(path);
            } else if path.metadata().unwrap().len() >= 4096
                && fs::read(&path).unwrap().ends_with(&[3, 0, 0, 3])
            {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_store_file_of_every_root_walks_clean() {
    let sets = golden_roots("every_store_file_of_every_root_walks_clean");
    let mut walked = 0;
    for set in &sets {
        for path in hfiles(&set.join("root")) {
            let bytes = fs::read(&path).unwrap();
            let mut walker = BlockWalker::from_start(bytes.len() as u64);
            bytes.chunks(40_961).for_each(|piece| walker.feed(piece));
            let faults = walker.finish().conclude();
            assert_eq!(faults, [], "{}", path.display());
            walked += 1;
        }
    }
    assert!(sets.is_empty() || walked > 500, "{walked} files");
}

#[test]
fn trailer_and_file_info_are_what_hbases_reader_sees() {
    let mut compared = 0;
    let sets = golden_roots("trailer_and_file_info_are_what_hbases_reader_sees");
    for set in &sets {
        let Ok(text) = fs::read_to_string(set.join("truth/hfiles.jsonl")) else { continue };
        for line in text.lines() {
            let truth: Value = serde_json::from_str(line).unwrap();
            if truth["kind"] != "hfile" {
                continue;
            }
            let path = set.join("root").join(truth["file"].as_str().unwrap());
            let Ok(bytes) = fs::read(&path) else { panic!("{} is not there", path.display()) };
            compare(&bytes, &truth);
            compared += 1;
        }
    }
    assert!(sets.is_empty() || compared > 400, "{compared} files");
}

fn compare(bytes: &[u8], truth: &Value) {
    let name = &truth["file"];
    let trailer = Trailer::decode(bytes, bytes.len() as u64).unwrap();
    assert_eq!(truth["entries"], trailer.entry_count, "{name}");
    assert_eq!(truth["compression"], trailer.codec.name(), "{name}");
    assert_eq!(truth["data_index_levels"], trailer.data_index_levels, "{name}");
    assert_eq!(truth["data_index_entries"], trailer.data_index_count, "{name}");
    assert_eq!(truth["total_uncompressed_bytes"], trailer.total_uncompressed_bytes, "{name}");
    let section = &bytes[trailer.load_on_open_offset as usize..bytes.len() - 4096];
    let loaded = LoadOnOpen::decode(section, &trailer, &mut samples::decompressor(), LARGEST_BLOCK).unwrap();
    assert_eq!(truth["encoding"], loaded.file_info.data_block_encoding().unwrap(), "{name}");
    let entries = truth["info"].as_object().unwrap();
    assert_eq!(entries.len(), loaded.file_info.entries.len(), "{name}");
    for (key, value) in entries {
        assert_eq!(loaded.file_info.get(key.as_bytes()), Some(hex(value).as_slice()), "{name} {key}");
    }
    if let Some(id) = truth["max_seq_id"].as_i64().filter(|id| *id >= 0) {
        // HBase takes a bulk-loaded file's from its name.
        if loaded.file_info.bulk_load_time().unwrap().is_none() && !name.as_str().unwrap().contains("_SeqId_")
        {
            assert_eq!(loaded.file_info.max_sequence_id().unwrap(), Some(id), "{name}");
        }
    }
}
