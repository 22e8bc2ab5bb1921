//! What other HBases and other writers left on disk (`fixtures/data`, made by `scripts/make-old-fixtures`), against what
//! they themselves reported about it.

use crate::support::{files_below, report, repository, text, tidegate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn made_by(name: &str) -> PathBuf {
    repository().join("fixtures/data").join(name)
}

/// JSON Lines, in order of their text.
fn sorted(lines: &str) -> Vec<String> {
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap().to_string();
    let mut lines: Vec<String> = lines.lines().map(line).collect();
    lines.sort();
    lines
}

/// What a client of that HBase saw at the end, and what a scan shows.
fn scanned_at_end(set: &Path, to: &Path, snapshot: &str, table: &str) {
    let scan = ["scan", "--from", text(to), "--snapshot", snapshot, "--until", "end", "--table", table];
    let ran = tidegate([&scan[..], &["--all-versions"]].concat());
    assert!(matches!(ran.code, 0 | 3), "{}", ran.err);
    let truth = set.join(format!("truth/end.{}.visible.jsonl", table.replace(':', "=")));
    assert_eq!(sorted(&ran.out), sorted(&fs::read_to_string(truth).unwrap()), "{} {table}", set.display());
}

/// Lists, exports at cells, verifies, converts, cuts, scans and restores.
fn taken_through(set: &Path, decodes_tree: bool) {
    let (to, restored) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = set.join("root");
    let listed = tidegate(["snapshot", "list", "--from", text(&root)]).with(0);
    assert!(listed.out.contains("s1") && listed.out.contains("tree1"), "{}", listed.out);
    for (snapshot, decodes) in [("s1", true), ("tree1", decodes_tree)] {
        let export = ["export", "--from", text(&root), "--snapshot", snapshot, "--to", text(to.path())];
        let (code, done) = report(&[&export[..], &["--verify", "cells"]].concat());
        let (expected, level) = if decodes { (0, "cells") } else { (3, "blocks") };
        assert_eq!((code, &done["verified"]), (expected, &level.into()), "{snapshot}: {done:#}");
        let verify = ["snapshot", "verify", "--from", text(to.path()), snapshot, "--level", "cells"];
        let (code, verified) = report(&verify);
        assert_eq!(
            (code, &verified["level"], &verified["missing"], &verified["damaged"]),
            (expected, &level.into(), &0.into(), &0.into()),
            "{snapshot}: {verified:#}"
        );
    }
    tidegate(["convert", "--from", text(&root), "--to", text(to.path())]).with(0);
    let at_end = ["--from", text(to.path()), "--snapshot", "s1", "--until", "end"];
    let cut = tidegate([&["cut"], &at_end[..]].concat());
    assert!(matches!(cut.code, 0 | 3), "{}", cut.err);
    scanned_at_end(set, to.path(), "s1", "old:ledger");
    if decodes_tree {
        scanned_at_end(set, to.path(), "tree1", "tree");
    }
    let restore = [&["restore"], &at_end[..], &["--to", text(restored.path()), "--as", "end"]].concat();
    let done = tidegate(restore);
    assert!(matches!(done.code, 0 | 3), "{}", done.err);
    tidegate(["snapshot", "verify", "--from", text(restored.path()), "end", "--level", "cells"]).with(0);
}

#[test]
fn a_root_of_hbase_1_7() {
    taken_through(&made_by("hbase-1.7"), false);
}

#[test]
fn a_root_of_hbase_2_4() {
    taken_through(&made_by("hbase-2.4"), true);
}

#[test]
fn a_root_of_hbase_2_5() {
    taken_through(&made_by("hbase-2.5"), true);
}

#[test]
fn a_root_of_hbase_2_6_3() {
    taken_through(&made_by("hbase-2.6.3"), true);
}

/// All blocks are followed; the cells lie in an order of Hudi's own.
#[test]
fn files_of_hudis_own_writer_are_named() {
    let files = files_below(&made_by("foreign")).into_iter();
    let files: Vec<PathBuf> = files.filter(|path| text(path).ends_with(".hfile")).collect();
    assert_eq!(files.len(), 6);
    for file in files {
        let verify = |level| report(&["hfile", "verify", "--level", level, text(&file)]);
        let (code, blocks) = verify("blocks");
        assert_eq!(
            (blocks["damaged"].clone(), blocks["level"].clone()),
            (0.into(), "blocks".into()),
            "{blocks:#}"
        );
        assert!(matches!(code, 0 | 3), "{blocks:#}");
        let (code, cells) = verify("cells");
        assert_eq!((code, &cells["damaged"], &cells["level"]), (3, &0.into(), &"blocks".into()), "{cells:#}");
        let said: BTreeSet<String> =
            cells["problems"].as_array().unwrap().iter().map(Value::to_string).collect();
        assert!(said.iter().any(|problem| problem.contains("comparator")), "{said:?}");
        assert!(said.iter().all(|problem| !problem.contains("replica")), "{said:?}");
    }
}

/// The entries of a WAL, as HBase's reader and as ours show them.
type Entry = (String, u64, u64, Vec<Value>);

fn entry(line: &Value, sequence: &str) -> Entry {
    let cell = |cell: &Value| {
        let fields = ["row", "family", "qualifier", "ts", "type", "value"];
        Value::from_iter(fields.map(|field| (field, cell[field].clone())))
    };
    let number = |field: &str| line[field].as_u64().unwrap();
    let cells = line["cells"].as_array().unwrap().iter().map(cell).collect();
    (line["region"].as_str().unwrap().to_owned(), number(sequence), number("write_time"), cells)
}

/// Plain and dictionary-compressed WALs of a Phoenix cluster with a mutable index, entry for entry.
#[test]
fn case_13_wals_of_a_phoenix_cluster() {
    let set = made_by("foreign/phoenix-5.2.1");
    let truth = fs::read_to_string(set.join("truth/wal.jsonl")).unwrap();
    let mut expected: Vec<(String, Vec<Entry>)> = Vec::new();
    for line in truth.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        match line["file"].as_str() {
            Some(_) if line.get("entries").is_some() => {}
            Some(file) => expected.push((file.to_owned(), Vec::new())),
            None => expected.last_mut().unwrap().1.push(entry(&line, "seq")),
        }
    }
    let mut layouts = BTreeSet::new();
    for (file, entries) in &expected {
        let wal = set.join("root").join(file);
        let ran = tidegate(["wal", "cat", text(&wal)]);
        assert!(matches!(ran.code, 0 | 3) && !ran.err.contains("damage"), "{file}: {}", ran.err);
        let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let seen: Vec<Entry> = lines.map(|line| entry(&line, "sequence")).collect();
        assert!(seen == *entries, "{file}: {seen:#?}\n{entries:#?}");
        let (_, info) = report(&["wal", "info", text(&wal)]);
        layouts.insert(info["files"][0]["layout"].to_string());
    }
    assert_eq!(layouts, BTreeSet::from(["\"dictionary\"".to_owned(), "\"plain\"".to_owned()]));
    assert!(expected.iter().map(|(_, entries)| entries.len()).sum::<usize>() > 20);
    let to = tempfile::tempdir().unwrap();
    let (code, done) = report(&["convert", "--from", text(&set.join("root")), "--to", text(to.path())]);
    assert_eq!((code, &done["problem_count"]), (0, &0.into()), "{done:#}");
}
