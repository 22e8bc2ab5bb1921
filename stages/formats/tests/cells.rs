//! Every cell of every HFile that HBase wrote, against what HBase's own reader says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use formats::cell::{CellChecks, CellRef, JsonForm, encode_json};
use formats::hfile::key;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::file::{HFile, decompressor, golden_sets};
use support::{Cell, compare_with_sample, data, expected, hex};

/// What the file says of its cells must be what they show.
fn compare_with_what_the_file_says(name: &str, file: &HFile, checks: &CellChecks) {
    let info = &file.opened.file_info;
    assert_eq!(checks.count_of_cells(), file.trailer.entry_count, "{name}");
    assert_eq!(checks.last_key(), info.last_key().unwrap_or_default(), "{name}");
    if let Some(max) = info.max_memstore_ts().unwrap() {
        // After a compaction that sets old ids to 0 the file still says the largest it saw.
        assert!(checks.max_sequence().unwrap_or(0) <= max as u64, "{name}");
    }
    if let (Some((low, high)), Some((min, max))) = (info.time_range().unwrap(), checks.timestamps()) {
        assert!(low <= min && max <= high, "{name}: {low}..{high}, cells {min}..{max}");
    }
    if let Some(longest) = info.int(key::MAX_TAGS_LEN).unwrap() {
        assert_eq!(checks.max_tags_length(), longest as usize, "{name}");
    }
    if let Some(count) = info.long(key::DELETE_FAMILY_COUNT).unwrap() {
        assert_eq!(checks.delete_families(), count as u64, "{name}");
    }
}

#[test]
fn every_sample_has_the_cells_that_hbase_says() {
    let mut decompressor = decompressor();
    let mut compared = 0;
    for entry in fs::read_dir(data("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let readable =
            path.extension().is_some_and(|extension| extension == "hfile") && !name.contains("encrypted");
        if !readable {
            continue;
        }
        let file = HFile::open(fs::read(&path).unwrap(), &mut decompressor).unwrap();
        let mut cells = Vec::new();
        let checks = file.cells(&mut decompressor, |cell| cells.push(Cell::of(cell)));
        let checks = checks.unwrap_or_else(|error| panic!("{name}: {error}"));
        compare_with_what_the_file_says(&name, &file, &checks);
        if path.with_extension("expected.jsonl").exists() {
            compare_with_sample(&name, &expected(&name), &cells).unwrap();
            compared += 1;
        }
    }
    assert!(compared >= 35, "{compared} samples compared");
}

/// The line that truth has for a cell: ours, with a long value by length and digest.
fn truth_line(cell: &CellRef<'_>, file: &str) -> Value {
    let mut line = Vec::new();
    encode_json(cell, JsonForm { sequence: Some(cell.sequence), hex_family: false }, &mut line).unwrap();
    let mut line: Value = serde_json::from_slice(&line).unwrap();
    line["file"] = file.into();
    if cell.value.len() > 1024 {
        line["vlen"] = cell.value.len().into();
        line["vsha256"] = hex(&Sha256::digest(cell.value)).into();
        line.as_object_mut().unwrap().remove("value");
    }
    line
}

#[test]
fn every_store_file_of_the_golden_roots_has_the_cells_that_hbase_says() {
    let mut decompressor = decompressor();
    let sets = golden_sets("every_store_file_of_the_golden_roots_has_the_cells_that_hbase_says");
    let (mut files, mut compared) = (0, 0);
    for set in &sets {
        let text = fs::read_to_string(set.join("truth/hfile-cells.jsonl")).unwrap_or_default();
        let mut truth: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let name = line["file"].as_str().unwrap().to_owned();
            // A file's first line is about the file. Links, references and file lists have no cells of their own.
            if line["kind"] == "hfile" {
                truth.insert(name, Vec::new());
            } else if let Some(lines) = truth.get_mut(&name) {
                lines.push(line);
            }
        }
        for (name, lines) in truth {
            let bytes = fs::read(set.join("root").join(&name)).unwrap();
            let file = HFile::open(bytes, &mut decompressor).unwrap();
            let mut ours = Vec::new();
            let checks = file.cells(&mut decompressor, |cell| ours.push(truth_line(cell, &name))).unwrap();
            compare_with_what_the_file_says(&name, &file, &checks);
            assert_eq!(ours.len(), lines.len(), "{}: {name}", set.display());
            for (number, (ours, truth)) in ours.iter().zip(&lines).enumerate() {
                assert_eq!(ours, truth, "{}: {name}, cell {number}", set.display());
            }
            (files, compared) = (files + 1, compared + lines.len());
        }
    }
    println!("{compared} cells of {files} files compared");
    assert!(sets.is_empty() || (files > 600 && compared > 13_000), "{compared} cells of {files} files");
}
