//! `hfile cat` against what HBase's own reader saw.

use crate::support::{golden_sets, shared, text, tidegate};
use formats::schema::{Range, decode_reference};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The cells that the binary prints, in the form of the truth: the stored sequence id, long values by length and hash.
fn printed(file: &Path, more: &[&str]) -> Vec<Map<String, Value>> {
    let ran = tidegate(["hfile", "cat", "--sequence", text(file)].iter().chain(more)).with(0);
    let cell = |line: &str| {
        let mut cell: Map<String, Value> = serde_json::from_str(line).unwrap();
        if let Some(stored) = cell.remove("stored_seq") {
            cell.insert("seq".into(), stored);
        }
        let value = cell["value"].as_str().unwrap().to_owned();
        if value.len() > 2 * 1024 {
            let bytes = unhex(&value);
            cell.remove("value");
            cell.insert("vlen".into(), bytes.len().into());
            cell.insert("vsha256".into(), hex(&Sha256::digest(&bytes)).into());
        }
        cell
    };
    ran.out.lines().map(cell).collect()
}

/// What HBase's reader saw of one root.
#[derive(Default)]
struct Truth {
    /// By file; empty HFiles too.
    cells: BTreeMap<String, Vec<Map<String, Value>>>,
    /// The lines of files that are no HFiles: references and links.
    others: Vec<Value>,
    levels: BTreeMap<String, u64>,
}

impl Truth {
    fn of(set: &Path) -> Self {
        let mut truth = Self::default();
        for line in fs::read_to_string(set.join("truth/hfile-cells.jsonl")).unwrap().lines() {
            let mut line: Map<String, Value> = serde_json::from_str(line).unwrap();
            let file = line["file"].as_str().unwrap().to_owned();
            match line.get("kind").and_then(Value::as_str) {
                Some("hfile") => {
                    truth.levels.insert(file.clone(), line["data_index_levels"].as_u64().unwrap());
                    truth.cells.entry(file).or_default();
                }
                None if line.contains_key("row") => {
                    line.remove("file");
                    truth.cells.entry(file).or_default().push(line);
                }
                _ => truth.others.push(Value::Object(line)),
            }
        }
        truth
    }

    /// The cells of the file whose path ends so, wherever it lies.
    fn ending(&self, end: &str) -> &Vec<Map<String, Value>> {
        let mut found = self.cells.iter().filter(|(file, _)| file.ends_with(end));
        found.next().unwrap_or_else(|| panic!("nothing ends with {end}")).1
    }
}

fn same(file: &str, ours: &[Map<String, Value>], truth: &[Map<String, Value>]) {
    assert_eq!(ours.len(), truth.len(), "{file}: number of cells");
    for (ours, truth) in ours.iter().zip(truth) {
        assert_eq!(ours, truth, "{file}");
    }
}

#[test]
fn every_store_file_of_every_golden_root_has_the_cells_that_hbase_sees() {
    let sets = golden_sets("every_store_file_of_every_golden_root_has_the_cells_that_hbase_sees");
    let (mut files, mut cells, mut led) = (0, 0, 0);
    for set in &sets {
        let truth = Truth::of(set);
        for (file, expected) in &truth.cells {
            same(file, &printed(&set.join("root").join(file), &[]), expected);
            files += 1;
            cells += expected.len();
        }
        for other in &truth.others {
            led += usize::from(follow(set, &truth, other));
        }
    }
    eprintln!("{files} HFiles with {cells} cells, {led} references and links");
    assert!(sets.is_empty() || (files > 500 && led > 25), "{files} {led}");
}

/// A reference shows its half of the parent's file, a link all of its file.
fn follow(set: &Path, truth: &Truth, other: &Value) -> bool {
    let file = other["file"].as_str().unwrap();
    let mut segments: Vec<&str> = file.split('/').collect();
    let name = segments.pop().unwrap();
    let family = segments.pop().unwrap();
    segments.pop();
    let table = segments.pop().unwrap();
    let (expected, clip) = match other.get("kind").and_then(Value::as_str) {
        Some("link") => {
            let (table, rest) = name.split_once('=').unwrap();
            let (region, file) = rest.split_once('-').unwrap();
            (truth.ending(&format!("{table}/{region}/{family}/{file}")), None)
        }
        Some("reference") => {
            let (file, region) = name.split_once('.').unwrap();
            let reference = decode_reference(&unhex(other["bytes"].as_str().unwrap())).unwrap();
            (truth.ending(&format!("{table}/{region}/{family}/{file}")), Some(reference))
        }
        _ => return false,
    };
    let in_half = |cell: &&Map<String, Value>| {
        let row = unhex(cell["row"].as_str().unwrap());
        clip.as_ref().is_none_or(|clip| (row.as_slice() >= clip.split_row()) == (clip.range == Range::Top))
    };
    let expected: Vec<_> = expected.iter().filter(in_half).cloned().collect();
    same(file, &printed(&set.join("root").join(file), &[]), &expected);
    true
}

#[test]
fn every_sample_has_the_cells_that_were_written() {
    let Some(samples) = shared("samples", "every_sample_has_the_cells_that_were_written") else { return };
    let dir = samples.join("hfile");
    let mut compared = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let file = entry.unwrap().path();
        let name = text(&file);
        if !name.ends_with(".hfile") || name.contains("encrypted") {
            continue;
        }
        let dictionary = dir.join("zstd.dict");
        let more =
            if name.contains("-dictionary") { vec!["--zstd-dictionary", text(&dictionary)] } else { vec![] };
        let ours = printed(&file, &more);
        let Ok(expected) = fs::read_to_string(name.replace(".hfile", ".expected.jsonl")) else {
            assert!(ours.len() >= 2, "{name}: {} cells", ours.len());
            continue;
        };
        let expected: Vec<_> = expected.lines().map(as_we_print).collect();
        same(name, &ours, &expected);
        compared += 1;
    }
    assert!(compared > 35, "{compared}");
}

/// A line of a sample's truth in our words.
fn as_we_print(line: &str) -> Map<String, Value> {
    let mut cell: Map<String, Value> = serde_json::from_str(line).unwrap();
    let seq = cell.remove("seqid").unwrap();
    cell.insert("seq".into(), seq);
    let name = match cell["type"].as_u64().unwrap() {
        4 => "Put",
        8 => "Delete",
        10 => "DeleteFamilyVersion",
        12 => "DeleteColumn",
        14 => "DeleteFamily",
        other => panic!("type {other}"),
    };
    cell.insert("type".into(), name.into());
    cell.insert("family".into(), String::from_utf8(unhex(cell["family"].as_str().unwrap())).unwrap().into());
    if cell["tags"] == "" {
        cell.remove("tags");
    }
    cell
}

/// `--row` goes through the index; it must print what a walk over the whole file would.
fn seek(file: &Path) {
    let whole = tidegate(["hfile", "cat", "--sequence", text(file)]).with(0).out;
    let row_of =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["row"].as_str().unwrap().to_owned();
    let mut rows: Vec<String> = whole.lines().map(row_of).collect();
    rows.dedup();
    let step = rows.len().div_ceil(10).max(1);
    let sought = rows.iter().step_by(step).chain(rows.last()).cloned();
    // Rows that are not there: before all, after all, and between two.
    let absent = [
        String::from("00"),
        "ff".repeat(20),
        rows.get(rows.len() / 2).map_or("20".into(), |row| format!("{row}00")),
    ];
    for row in sought.chain(absent) {
        let typed: String = unhex(&row).iter().map(|byte| format!("\\x{byte:02x}")).collect();
        let ours = tidegate(["hfile", "cat", "--sequence", "--row", &typed, text(file)]).with(0).out;
        let expected: String =
            whole.lines().filter(|line| row_of(line) == row).map(|line| format!("{line}\n")).collect();
        assert_eq!(ours, expected, "{}: row {row}", file.display());
    }
}

#[test]
fn a_row_is_found_through_indexes_of_one_two_and_three_levels() {
    // Ours, so that there is always one with many levels.
    let dir = tempfile::tempdir().unwrap();
    let ours = dir.path().join("00000000000000000000000000000001");
    fs::write(&ours, fixtures::hfile(7, 0, 300_000)).unwrap();
    seek(&ours);
    let test = "a_row_is_found_through_indexes_of_one_two_and_three_levels";
    if let Some(samples) = shared("samples", test) {
        seek(&samples.join("hfile/hfile-index3-bloomROW-smallchunks.hfile"));
    }
    for set in golden_sets(test) {
        let truth = Truth::of(&set);
        for levels in 1..=3 {
            let files =
                truth.levels.iter().filter(|(file, of)| **of == levels && truth.cells[*file].len() > 3);
            for (file, _) in files.take(3) {
                seek(&set.join("root").join(file));
            }
        }
    }
}
