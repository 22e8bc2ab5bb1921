//! The samples, entry for entry.

use formats::cell::CellType;
use formats::wal::{WalDecoderOptions, WalEnd};
use formats::{FormatErrorKind, Unsupported};
use serde_json::{Map, Value, json};

use crate::support::{json_lines, lines, read, recovered_edits, sample};

const CODECS: [&str; 17] = [
    "wal-plain-notags",
    "wal-plain-tags",
    "wal-dict-notags",
    "wal-dict-tags",
    "wal-dict-tagsnotcompressed",
    "wal-dict-value-gz",
    "wal-dict-value-gz-tags",
    "wal-dict-value-snappy",
    "wal-dict-value-snappy-tags",
    "wal-dict-value-snappy-multichunk",
    "wal-dict-value-lz4",
    "wal-dict-value-lz4-tags",
    "wal-dict-value-zstd",
    "wal-dict-value-zstd-tags",
    "wal-dict-value-lzo",
    "wal-dict-value-lzo-tags",
    "wal-plain-notrailer",
];

/// What the expected files call an entry, in the words of `wal cat` with families in hexadecimal.
fn expected(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/wal/{name}.expected.jsonl", env!("CARGO_MANIFEST_DIR"));
    let lines = json_lines(path.as_ref()).into_iter().filter(|line| line.get("eof").is_none());
    lines.map(in_our_words).collect()
}

fn in_our_words(theirs: Value) -> Value {
    let mut entry = Map::new();
    let names = [("start", "offset"), ("end", "next"), ("region", "region"), ("table", "table")];
    for (from, to) in names.into_iter().chain([("seq", "sequence"), ("write_time", "write_time")]) {
        entry.insert(to.into(), theirs[from].clone());
    }
    if theirs["nonce"] != 0 || theirs["nonce_group"] != 0 {
        entry.insert("nonce_group".into(), theirs["nonce_group"].clone());
        entry.insert("nonce".into(), theirs["nonce"].clone());
    }
    for name in ["scopes", "cluster_ids"] {
        let empty = theirs[name].as_object().is_some_and(Map::is_empty)
            || theirs[name].as_array().is_some_and(Vec::is_empty);
        if !empty {
            entry.insert(name.into(), theirs[name].clone());
        }
    }
    let cells = theirs["cells"].as_array().unwrap().iter().map(|theirs| {
        let mut cell = theirs.clone();
        let code = u8::try_from(theirs["type"].as_u64().unwrap()).unwrap();
        cell["type"] = json!(CellType::from_code(code).unwrap().name());
        let cell = cell.as_object_mut().unwrap();
        cell.remove("seqid");
        cell.retain(|name, value| name != "tags" || *value != "");
        Value::Object(std::mem::take(cell))
    });
    entry.insert("cells".into(), cells.collect());
    Value::Object(entry)
}

/// Our lines as values, without the decoded markers: the expected files have none.
fn given(lines: &[String]) -> Vec<Value> {
    let without_marker = |line: &String| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        for cell in value["cells"].as_array_mut().unwrap() {
            cell.as_object_mut().unwrap().remove("marker");
        }
        value
    };
    lines.iter().map(without_marker).collect()
}

#[test]
fn every_codec_gives_the_entries_that_were_written() {
    for name in CODECS {
        let bytes = sample(&format!("{name}.wal"));
        let (lines, end) = lines(&bytes, WalDecoderOptions::default());
        let expected = expected(name);
        assert_eq!(expected.len(), 14, "{name}");
        assert_eq!(given(&lines), expected, "{name}");
        let offset = expected.last().unwrap()["next"].as_u64().unwrap();
        let closed = WalEnd::Closed { offset };
        let expected_end = if name.ends_with("notrailer") { WalEnd::Unclosed { offset } } else { closed };
        assert_eq!(end, expected_end, "{name}");
    }
}

#[test]
fn recovered_edits_have_small_dictionaries() {
    let bytes = sample("recovered.edits/0000000000000000025");
    let (lines, end) = lines(&bytes, recovered_edits());
    assert_eq!(given(&lines), expected("wal-dict-recovered-edits"));
    assert!(matches!(end, WalEnd::Closed { .. }), "{end:?}");
}

#[test]
fn markers_are_decoded_whole() {
    let (lines, _) = lines(&sample("wal-plain-tags.wal"), WalDecoderOptions::default());
    let markers: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .flat_map(|entry| entry["cells"].as_array().unwrap().clone())
        .filter(|cell| cell["family"] == "4d45544146414d494c59")
        .map(|cell| cell["marker"].clone())
        .collect();
    let kinds: Vec<&str> = markers.iter().map(|marker| marker["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["region_event", "region_event", "flush", "flush", "compaction", "bulk_load", "region_event"]
    );
    assert_eq!(markers[5]["body"]["bulkload_seq_num"], 24);
    assert_eq!(markers[5]["body"]["cluster_ids"], json!(["cl-1"]));
    assert_eq!(markers[6]["body"]["event_type"], "REGION_CLOSE");
}

#[test]
fn real_region_servers_files_are_read() {
    for name in ["wal-realcluster-2.wal", "wal-realcluster-flushmarkers.wal"] {
        let (lines, end) = lines(&sample(name), WalDecoderOptions::default());
        assert!(!lines.is_empty() && matches!(end, WalEnd::Closed { .. }), "{name}: {end:?}");
    }
}

#[test]
fn an_encrypted_wal_shows_its_keys_but_no_cell() {
    for name in ["wal-secure-notags", "wal-secure-tags"] {
        let mut keys = Vec::new();
        let end = read(&sample(&format!("{name}.wal")), WalDecoderOptions::default(), |entry| {
            let error = entry.cells().unwrap_err();
            assert_eq!(error.kind, FormatErrorKind::Unsupported(Unsupported::Encrypted));
            assert_eq!(error.offset, Some(entry.offset));
            assert!(error.what.contains("encrypted"), "{error}");
            keys.push((String::from_utf8_lossy(entry.key.region).into_owned(), entry.key.sequence));
        });
        let written: Vec<_> = expected(name)
            .iter()
            .map(|entry| (entry["region"].as_str().unwrap().to_owned(), entry["sequence"].as_u64().unwrap()))
            .collect();
        assert_eq!(keys, written, "{name}");
        assert!(matches!(end, WalEnd::Closed { .. }), "{name}: {end:?}");
    }
}

#[test]
fn damaged_samples_end_as_they_should() {
    type IsExpected = fn(&WalEnd) -> bool;
    let cases: [(&str, usize, IsExpected); 12] = [
        ("waltrunc-zerobytes", 0, |end| *end == WalEnd::Empty { length: 0 }),
        ("waltrunc-magic2", 0, |end| *end == WalEnd::Empty { length: 2 }),
        ("waltrunc-midheader", 0, |end| *end == WalEnd::Empty { length: 20 }),
        ("waltrunc-headeronly", 0, |end| *end == WalEnd::Unclosed { offset: 85 }),
        ("waltrunc-boundary", 5, |end| *end == WalEnd::Unclosed { offset: 1127 }),
        ("waltrunc-varint-only", 5, |end| *end == WalEnd::Torn { offset: 1127 }),
        ("waltrunc-midkey", 5, |end| *end == WalEnd::Torn { offset: 1127 }),
        ("waltrunc-midcells", 5, |end| *end == WalEnd::Torn { offset: 1127 }),
        ("waltrunc-partialtrailer3", 14, |end| *end == WalEnd::PartialTrailer { offset: 12156, length: 3 }),
        ("waltrunc-partialtrailer6", 14, |end| *end == WalEnd::PartialTrailer { offset: 12156, length: 6 }),
        (
            "waltrunc-zerotail",
            5,
            |end| matches!(end, WalEnd::Damaged { offset: 1127, error } if error.offset == Some(1127)),
        ),
        // One byte of a region's name is wrong: HBase reads it without complaint, and the structure does hold.
        ("walcorrupt-key", 14, |end| *end == WalEnd::Closed { offset: 12156 }),
    ];
    for (name, entries, is_expected) in cases {
        let mut given = 0;
        let mut bad_names = 0;
        let end = read(&sample(&format!("{name}.wal")), WalDecoderOptions::default(), |entry| {
            given += 1;
            bad_names += usize::from(entry.key.region_name().is_err());
        });
        assert!(is_expected(&end), "{name}: {end:?}");
        assert_eq!(given, entries, "{name}");
        assert_eq!(bad_names, usize::from(name == "walcorrupt-key"), "{name}");
    }
}
