//! The WALs of the golden sets, written by a real HBase: `wal cat` and the batches against what HBase's own reader gave.

use crate::support::{Row, context, options, rows};
use jobs::convert::run_between;
use jobs::wal::CatWalOptions;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Store, connect};

/// The golden sets, wherever they lie; none, visibly, if they do not.
pub fn golden_sets(test: &str) -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(beside, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(shared.join("golden")) else {
        eprintln!("SKIPPED: {test}: no golden sets in {} (TIDEGATE_SHARED)", shared.display());
        return Vec::new();
    };
    let mut sets: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|set| set.join("root").is_dir()).collect();
    sets.sort();
    sets
}

/// The entries of each file that HBase's reader reported, by its path in the root.
fn truth(set: &Path) -> BTreeMap<String, Vec<Map<String, Value>>> {
    let text = std::fs::read_to_string(set.join("truth/wal.jsonl")).unwrap();
    let (mut files, mut entries) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        let line: Map<String, Value> = serde_json::from_str(line).unwrap();
        if line.contains_key("end") {
            files.insert(line["file"].as_str().unwrap().to_owned(), std::mem::take(&mut entries));
        } else if !line.contains_key("file") {
            entries.push(line);
        }
    }
    files
}

/// A line of ours in the words of the truth.
fn in_their_words(line: &str) -> Map<String, Value> {
    let mut entry: Map<String, Value> = serde_json::from_str(line).unwrap();
    for (ours, theirs) in [("offset", "pos"), ("sequence", "seq")] {
        let value = entry.remove(ours).unwrap();
        entry.insert(theirs.into(), value);
    }
    // The truth was written without these.
    entry.retain(|name, _| name != "scopes" && name != "cluster_ids");
    entry
}

/// Values over 1,024 bytes are given by their length (and a hash, which `formats` compares).
fn same(ours: &Map<String, Value>, theirs: &Map<String, Value>) -> bool {
    let short = |entry: &Map<String, Value>| {
        let mut entry = entry.clone();
        for cell in entry["cells"].as_array_mut().unwrap() {
            let cell = cell.as_object_mut().unwrap();
            let long =
                cell.get("value").and_then(Value::as_str).map(|hex| hex.len() / 2).filter(|len| *len > 1024);
            if let Some(len) = long {
                cell.remove("value");
                cell.insert("vlen".into(), len.into());
            }
            cell.remove("vsha256");
        }
        entry
    };
    short(ours) == short(theirs)
}

#[test]
fn wal_cat_prints_what_hbases_reader_gave() {
    for set in golden_sets("wal_cat_prints_what_hbases_reader_gave") {
        for (file, entries) in truth(&set) {
            let path = set.join("root").join(&file).display().to_string();
            let mut out = Vec::new();
            let report = jobs::wal::cat(&[path], &CatWalOptions::default(), None, 1 << 30, &mut out).unwrap();
            assert_eq!((report.exit_code(), report.result.entries), (0, entries.len() as u64), "{file}");
            let printed: Vec<_> = String::from_utf8(out).unwrap().lines().map(in_their_words).collect();
            assert!(printed.iter().zip(&entries).all(|(ours, theirs)| same(ours, theirs)), "{file}");
        }
    }
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap_or_default().as_bytes();
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A cell of the truth; of a long value only the length is compared.
type Told = (String, u64, u32, i64, Vec<u8>, Vec<u8>, Vec<u8>, i64, String, Result<Vec<u8>, usize>, Vec<u8>);

fn told(entries: &[Map<String, Value>]) -> BTreeMap<String, BTreeSet<Told>> {
    let mut tables: BTreeMap<String, BTreeSet<Told>> = BTreeMap::new();
    for entry in entries {
        let table = entry["table"].as_str().unwrap();
        let table = if table.contains(':') { table.to_owned() } else { format!("default:{table}") };
        for (index, cell) in (0..).zip(entry["cells"].as_array().unwrap()) {
            if cell["family"] == "METAFAMILY" {
                continue;
            }
            let value = match cell.get("vlen") {
                Some(len) => Err(usize::try_from(len.as_u64().unwrap()).unwrap()),
                None => Ok(hex(&cell["value"])),
            };
            tables.entry(table.clone()).or_default().insert((
                entry["region"].as_str().unwrap().to_owned(),
                entry["seq"].as_u64().unwrap(),
                index,
                entry["write_time"].as_i64().unwrap(),
                hex(&cell["row"]),
                cell["family"].as_str().unwrap().as_bytes().to_vec(),
                hex(&cell["qualifier"]),
                cell["ts"].as_i64().unwrap(),
                cell["type"].as_str().unwrap().to_owned(),
                value,
                hex(&cell["tags"]),
            ));
        }
    }
    tables
}

fn ours(row: Row) -> Told {
    let long = row.value.len() > 1024;
    (
        row.region,
        row.sequence,
        row.index,
        row.write_time,
        row.row,
        row.family,
        row.qualifier,
        row.timestamp,
        row.cell_type.to_owned(),
        if long { Err(row.value.len()) } else { Ok(row.value) },
        row.tags,
    )
}

/// What everything made from a WAL is called.
fn name_of(file: &str) -> String {
    let mut segments = file.rsplit('/');
    let name = segments.next().unwrap();
    match segments.next() {
        Some("recovered.edits") => format!("{}-{name}", segments.next().unwrap()),
        _ => name.to_owned(),
    }
}

/// Converts a golden set into a directory.
pub fn converted(set: &Path, to: &Path) -> Arc<dyn Store> {
    let source = connect(&set.join("root").display().to_string()).unwrap();
    let target = connect(&to.display().to_string()).unwrap();
    let report = run_between(&options(), source, None, &target, &context(256 << 20)).unwrap();
    let problems: Vec<String> = report.problems.kept().iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new(), "{}", set.display());
    target
}

#[test]
fn batches_hold_the_cells_that_hbases_reader_gave() {
    let mut cells = 0;
    for set in golden_sets("batches_hold_the_cells_that_hbases_reader_gave") {
        let directory = tempfile::tempdir().unwrap();
        let target = converted(&set, directory.path());
        for (file, entries) in truth(&set) {
            let (name, told) = (name_of(&file), told(&entries));
            for table in catalog::list_batch_tables(target.as_ref()).unwrap() {
                let listed = catalog::list_batches(target.as_ref(), &table).unwrap();
                let of_file: Vec<_> = listed.iter().filter(|listed| listed.wal().0 == name).collect();
                let expected = told.get(&table).cloned().unwrap_or_default();
                assert_eq!(of_file.len(), usize::from(!expected.is_empty()), "{file} {table}");
                let Some(listed) = of_file.first() else { continue };
                let found = rows(&target, &table, &listed.stem);
                cells += found.len();
                assert!(
                    found.is_sorted_by_key(|row| (row.region.clone(), row.sequence, row.index)),
                    "{file}"
                );
                let found: BTreeSet<Told> = found.into_iter().map(ours).collect();
                assert!(found == expected, "{file} {table}");
            }
        }
        let listed = catalog::list_wals(target.as_ref()).unwrap();
        let wals: BTreeSet<&str> = listed.iter().map(|listed| listed.wal().0).collect();
        let missing: Vec<_> =
            truth(&set).into_keys().filter(|file| !wals.contains(name_of(file).as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    eprintln!("{cells} cells");
}
