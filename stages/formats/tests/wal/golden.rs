//! Every WAL of the golden sets against what HBase's own reader gave.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use formats::wal::{Marker, WalDecoderOptions, WalEnd};
use names::WalName;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::cells::file::golden_sets;
use crate::support::{json_lines, lines, read, recovered_edits};

/// What HBase's reader gave of one file.
#[derive(Default)]
struct Truth {
    entries: Vec<Value>,
    end: String,
}

fn truth(set: &Path) -> BTreeMap<PathBuf, Truth> {
    let mut files = BTreeMap::new();
    let mut current = Truth::default();
    for line in json_lines(&set.join("truth/wal.jsonl")) {
        if let Some(end) = line.get("end") {
            current.end = end.as_str().unwrap().to_owned();
            assert_eq!(line["entries"], current.entries.len());
            files.insert(PathBuf::from(line["file"].as_str().unwrap()), std::mem::take(&mut current));
        } else if line.get("file").is_none() {
            current.entries.push(line);
        }
    }
    files
}

/// One of our lines in the words of the truth.
fn in_their_words(line: &str) -> Value {
    let mut entry: Map<String, Value> = serde_json::from_str(line).unwrap();
    for (ours, theirs) in [("offset", "pos"), ("sequence", "seq")] {
        let value = entry.remove(ours).unwrap();
        entry.insert(theirs.into(), value);
    }
    // The truth was written without these.
    entry.retain(|name, _| name != "scopes" && name != "cluster_ids");
    for cell in entry["cells"].as_array_mut().unwrap() {
        let family = decode_hex(cell["family"].as_str().unwrap());
        cell["family"] = json!(String::from_utf8(family).unwrap());
        let value = decode_hex(cell["value"].as_str().unwrap());
        if value.len() > 1024 {
            let hash: String = Sha256::digest(&value).iter().map(|byte| format!("{byte:02x}")).collect();
            let cell = cell.as_object_mut().unwrap();
            cell.remove("value");
            cell.insert("vlen".into(), json!(value.len()));
            cell.insert("vsha256".into(), json!(hash));
        }
    }
    Value::Object(entry)
}

fn decode_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Every WAL under a root, but those of the master's own store.
pub fn wals(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "MasterData" {
            wals(&path, found);
        } else if path.is_file() {
            let within = |part: &str| path.iter().any(|component| component == part);
            let edits = within("recovered.edits") && name.bytes().all(|byte| byte.is_ascii_digit());
            if edits || within("WALs") || within("oldWALs") {
                found.push(path);
            }
        }
    }
}

#[test]
fn every_wal_is_what_hbases_reader_gave() {
    let (mut files, mut entries, mut ends) = (0, 0, BTreeMap::<String, usize>::new());
    for set in golden_sets("every_wal_is_what_hbases_reader_gave") {
        let mut truth = truth(&set);
        let root = set.join("root");
        let mut paths = Vec::new();
        wals(&root, &mut paths);
        for path in paths {
            let shown = path.display();
            let bytes = fs::read(&path).unwrap();
            let edits = path.iter().any(|component| component == "recovered.edits");
            let options = if edits { recovered_edits() } else { WalDecoderOptions::default() };
            let (lines, end) = lines(&bytes, options);
            if !edits {
                WalName::parse(path.file_name().unwrap().to_str().unwrap()).unwrap();
            }
            let Some(truth) = truth.remove(path.strip_prefix(&root).unwrap()) else {
                let file = path.file_name().unwrap().to_str().unwrap();
                let untold = file.ends_with(".meta") || file.ends_with("$masterlocalwal$");
                assert!(untold || edits, "{shown}: no truth");
                assert!(matches!(end, WalEnd::Closed { .. } | WalEnd::Unclosed { .. }), "{shown}: {end:?}");
                continue;
            };
            let given: Vec<Value> = lines.iter().map(|line| in_their_words(line)).collect();
            for (given, expected) in given.iter().zip(&truth.entries) {
                assert_eq!(given, expected, "{shown}");
            }
            assert_eq!(given.len(), truth.entries.len(), "{shown}");
            // 2.5's reader ends the same way with and without a trailer.
            let hbase_2_5 = set.ends_with("basic-1-hbase2.5") || set.ends_with("wal-plain-1-hbase2.5");
            let expected = match &end {
                WalEnd::Closed { offset } => *offset + 8 == bytes.len() as u64 && truth.end == "end",
                WalEnd::Unclosed { offset } => {
                    *offset == bytes.len() as u64 && (hbase_2_5 || truth.end.starts_with("EOFException"))
                }
                _ => false,
            };
            assert!(expected, "{shown}: {end:?}, HBase: {}", truth.end);
            *ends.entry(format!("{end:?}").split(' ').next().unwrap().to_owned()).or_default() += 1;
            (files, entries) = (files + 1, entries + given.len());
        }
        assert!(truth.is_empty(), "{}: not read: {:?}", set.display(), truth.keys());
    }
    eprintln!("{files} WALs, {entries} entries, {ends:?}");
}

#[test]
fn every_marker_is_encoded_as_hbase_did() {
    let mut kinds = BTreeMap::<String, usize>::new();
    for set in golden_sets("every_marker_is_encoded_as_hbase_did") {
        let mut paths = Vec::new();
        wals(&set.join("root"), &mut paths);
        for path in paths {
            read(&fs::read(&path).unwrap(), WalDecoderOptions::default(), |entry| {
                for cell in entry.cells().unwrap() {
                    let Some((qualifier, value)) =
                        Marker::decode(&cell).unwrap().and_then(|marker| marker.encode())
                    else {
                        continue;
                    };
                    assert_eq!((qualifier.as_slice(), value.as_slice()), (cell.qualifier, cell.value));
                    *kinds.entry(String::from_utf8(qualifier).unwrap()).or_default() += 1;
                }
            });
        }
    }
    eprintln!("{kinds:?}");
}
