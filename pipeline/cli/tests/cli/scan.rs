//! `scan` and `replay` from the command line, on the tour that a real HBase wrote.

use crate::support::{Ran, files_below, report, repository, text, tidegate, tour};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A repository with a snapshot of each table, and the WALs converted.
fn made() -> TempDir {
    let made = tempfile::tempdir().unwrap();
    let (root, to) = (tour(), text(made.path()).to_owned());
    for snapshot in ["customers-before", "orders-before"] {
        tidegate(["export", "--from", text(&root), "--snapshot", snapshot, "--to", &to]).with(0);
    }
    tidegate(["convert", "--from", text(&root), "--to", &to]).with(0);
    made
}

fn scan(from: &Path, more: &[&str]) -> Ran {
    tidegate([&["scan", "--from", text(from)], more].concat())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn key(cell: &Value) -> [&Value; 5] {
    ["row", "family", "qualifier", "ts", "type"].map(|name| &cell[name])
}

/// The same cells in the same order; values where the truth has them.
#[track_caller]
fn same(found: &str, truth: &str) {
    let truth = fs::read_to_string(repository().join("fixtures/data/tour/truth").join(truth)).unwrap();
    let (found, truth) = (lines(found), lines(&truth));
    assert_eq!(found.len(), truth.len());
    for (found, truth) in found.iter().zip(&truth) {
        assert_eq!(key(found), key(truth));
        match truth["vlen"].as_u64() {
            Some(len) => assert_eq!(found["value"].as_str().unwrap().len() as u64, 2 * len),
            None => assert_eq!(found["value"], truth["value"]),
        }
    }
}

#[test]
fn the_tour_is_what_hbase_showed() {
    let made = made();
    for (snapshot, table) in [("customers-before", "customers"), ("orders-before", "shop=orders")] {
        let truth = format!("snapshot.{snapshot}.{table}");
        let base = ["--snapshot", snapshot];
        same(&scan(made.path(), &[&base[..], &["--raw"]].concat()).with(0).out, &format!("{truth}.jsonl"));
        let visible = scan(made.path(), &[&base[..], &["--all-versions"]].concat()).with(0);
        same(&visible.out, &format!("{truth}.visible.jsonl"));
    }
    let end = ["--snapshot", "customers-before", "--until", "end", "--all-versions"];
    same(&scan(made.path(), &end).with(0).out, "end.customers.visible.jsonl");
}

#[test]
fn rows_families_and_versions_are_chosen() {
    let made = made();
    let base = ["--snapshot", "orders-before", "--all-versions"];
    let scan = |more: &[&str]| lines(&scan(made.path(), &[&base[..], more].concat()).with(0).out);
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let all = scan(&[]);
    let only =
        |keep: &dyn Fn(&Value) -> bool| all.iter().filter(|cell| keep(cell)).cloned().collect::<Vec<_>>();
    assert_eq!(scan(&["--row", "o0040"]), only(&|cell| cell["row"] == hex("o0040")));
    let begins = |cell: &Value| cell["row"].as_str().unwrap().starts_with(&hex("o00"));
    assert_eq!(scan(&["--prefix", "o00"]), only(&begins));
    assert_eq!(scan(&["--family", "d"]), only(&|cell| cell["family"] == "d"));
    assert!(scan(&["--row", "nowhere"]).is_empty());
    let two = scan(&["--limit", "2"]);
    let rows: Vec<_> = two.iter().map(|cell| cell["row"].clone()).collect();
    assert_eq!(two, all[..two.len()]);
    assert!(rows.first() != rows.last() && all[two.len()]["row"] != rows[rows.len() - 1]);
    assert!(scan(&["--sequence"]).iter().all(|cell| cell["seq"].is_u64()));
}

#[test]
fn a_table_is_for_people_and_the_report_is_beside_it() {
    let made = made();
    let report = made.path().join("report.json");
    let base = ["--snapshot", "orders-before", "--row", "o0040", "--format", "table"];
    let ran = scan(made.path(), &[&base[..], &["--report", text(&report)]].concat()).with(0);
    assert!(ran.out.starts_with("ROW\tCOLUMN\tTIMESTAMP\tTYPE\tVALUE\no0040\td:customer\t"), "{}", ran.out);
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    let cells = ran.out.lines().count() as u64 - 1;
    assert_eq!(
        (&report["cells"], &report["rows"], &report["table"]),
        (&cells.into(), &1.into(), &"shop:orders".into())
    );
}

#[test]
fn what_makes_no_sense_is_code_2_or_says_what_there_is() {
    let made = made();
    for more in [
        vec![],
        vec!["--snapshot", "orders-before", "--raw", "--all-versions"],
        vec!["--snapshot", "orders-before", "--row", "a", "--prefix", "b"],
        vec!["--snapshot", "orders-before", "--now", "yesterday"],
        vec!["--snapshot", "orders-before", "--until", "tomorrow"],
        vec!["--snapshot", "orders-before", "--snapshot", "customers-before"],
    ] {
        let ran = scan(made.path(), &more).with(2);
        assert!(ran.out.is_empty() && ran.err.contains("error"), "{more:?}: {}", ran.err);
    }
    let other = scan(made.path(), &["--snapshot", "orders-before", "--table", "shop:other"]).with(1);
    assert!(
        other.err.contains("shop:other") && other.err.contains("what was given is of shop:orders"),
        "{}",
        other.err
    );
    let late = ["--snapshot", "orders-before", "--until", "time:2050-01-01T00:00:00Z"];
    let late = scan(made.path(), &late).with(4);
    assert!(late.out.is_empty() && late.err.contains("beyond what has been read"), "{}", late.err);
}

#[test]
fn a_missing_hfile_leaves_out_its_rows_and_says_which() {
    let made = made();
    let all = lines(&scan(made.path(), &["--snapshot", "orders-before"]).with(0).out);
    let files = files_below(&made.path().join("archive/data/shop/orders"));
    let lost = files.iter().find(|path| text(path).contains("/d/")).unwrap();
    fs::remove_file(lost).unwrap();
    let ran = scan(made.path(), &["--snapshot", "orders-before"]).with(3);
    let left = lines(&ran.out);
    assert!(!left.is_empty() && left.len() < all.len() && left.iter().all(|cell| all.contains(cell)));
    let name = lost.file_name().unwrap().to_str().unwrap();
    assert!(ran.err.contains(name) && ran.err.contains("rows from \""), "{}", ran.err);
}

#[test]
fn a_damaged_hfile_leaves_out_the_rows_after_the_damage() {
    let made = made();
    let all = lines(&scan(made.path(), &["--snapshot", "orders-before"]).with(0).out);
    let files = files_below(&made.path().join("archive/data/shop/orders"));
    let hurt = files.iter().find(|path| text(path).contains("/d/")).unwrap();
    let mut bytes = fs::read(hurt).unwrap();
    bytes[60] ^= 1;
    fs::write(hurt, bytes).unwrap();
    let ran = scan(made.path(), &["--snapshot", "orders-before"]).with(3);
    assert!(lines(&ran.out).len() < all.len() && ran.err.contains("are left out"), "{}", ran.err);
}

fn batches(made: &Path) -> Vec<std::path::PathBuf> {
    files_below(&made.join(".tidegate/batches/shop/orders"))
}

#[test]
fn a_missing_or_broken_batch_is_said() {
    let made = made();
    let end = ["--snapshot", "orders-before", "--until", "end"];
    scan(made.path(), &end).with(0);
    let largest =
        batches(made.path()).into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let bytes = fs::read(&largest).unwrap();
    fs::write(&largest, &bytes[..bytes.len() / 2]).unwrap();
    let name = largest.file_name().unwrap().to_str().unwrap();
    let ran = scan(made.path(), &end).with(3);
    assert!(ran.err.contains(name) && ran.err.contains("convert"), "{}", ran.err);
    fs::write(&largest, bytes).unwrap();
    fs::remove_file(&largest).unwrap();
    let ran = scan(made.path(), &end).with(3);
    assert!(ran.err.contains(name) && ran.err.contains("convert"), "{}", ran.err);
}

/// Parquet would not notice; the digests do. A batch from before the snapshot is not needed.
#[test]
fn a_flipped_byte_in_a_batch_is_noticed_wherever_it_could_show() {
    let made = made();
    let end = ["--snapshot", "orders-before", "--until", "end", "--all-versions"];
    let before = scan(made.path(), &end).with(0).out;
    let mut noticed = 0;
    for path in
        batches(made.path()).into_iter().filter(|path| path.extension().is_some_and(|of| of == "parquet"))
    {
        let bytes = fs::read(&path).unwrap();
        let mut flipped = bytes.clone();
        let at = flipped.len() / 3;
        flipped[at] ^= 4;
        fs::write(&path, flipped).unwrap();
        let ran = scan(made.path(), &end);
        let said = ran.code != 0 && ran.err.contains(path.file_name().unwrap().to_str().unwrap());
        assert!(said || ran.out == before, "{}: {} {}", path.display(), ran.code, ran.err);
        noticed += usize::from(said);
        fs::write(&path, bytes).unwrap();
    }
    assert!(noticed > 0);
    scan(made.path(), &end).with(0);
}

#[test]
fn edits_are_counted_or_written_to_a_file_that_is_never_replaced() {
    let made = made();
    let file = made.path().join("edits.jsonl");
    let to = format!("jsonl:{}", text(&file));
    let base = [
        "replay",
        "--from",
        text(made.path()),
        "--snapshot",
        "customers-before",
        "--snapshot",
        "orders-before",
        "--until",
        "end",
        "--to",
    ];
    let (code, counted) = report(&[&base[..], &["null:"]].concat());
    assert_eq!((code, &counted["published"]), (0, &true.into()), "{counted}");
    let (code, written) = report(&[&base[..], &[&to]].concat());
    assert_eq!((code, &written["cells"]), (0, &counted["cells"]), "{written}");
    let entries = lines(&fs::read_to_string(&file).unwrap());
    assert_eq!(written["entries"], entries.len() as u64);
    let cells: usize = entries.iter().map(|entry| entry["cells"].as_array().unwrap().len()).sum();
    assert_eq!(written["cells"], cells as u64);
    let before = fs::read(&file).unwrap();
    let ran = tidegate(base.iter().chain(&[to.as_str()])).with(4);
    assert!(ran.err.contains("already"), "{}", ran.err);
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(
        fs::read_dir(made.path())
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().contains("partial") })
            .count(),
        0
    );
    for later in ["hbase://zk", "s3://b"] {
        let ran = tidegate(base.iter().chain(&[later])).with(2);
        assert!(ran.err.contains("restore") || ran.err.contains("null:"), "{}", ran.err);
    }
}

/// The latest edit of each key (family, row, qualifier, timestamp, type), by the entries of a replay; tags and value.
fn latest(entries: &str, table: &str) -> BTreeMap<[String; 5], (String, String)> {
    let mut latest: BTreeMap<[String; 5], (u64, (String, String))> = BTreeMap::new();
    for entry in lines(entries).iter().filter(|entry| entry["table"] == table) {
        for cell in entry["cells"].as_array().unwrap() {
            let sequence = entry["sequence"].as_u64().unwrap();
            let held = latest.entry(key(cell).map(Value::to_string)).or_default();
            if sequence >= held.0 {
                *held = (sequence, (cell["value"].to_string(), cell["tags"].to_string()));
            }
        }
    }
    latest.into_iter().map(|(key, (_, said))| (key, said)).collect()
}

/// The cells of the HFiles of one table's load; every file must be whole by `hfile verify`.
fn loaded(dir: &Path) -> BTreeMap<[String; 5], (String, String)> {
    let mut cells = BTreeMap::new();
    for path in files_below(dir) {
        tidegate(["hfile", "verify", "--level", "cells", text(&path)]).with(0);
        let family = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        for cell in lines(&tidegate(["hfile", "cat", text(&path)]).with(0).out) {
            assert_eq!(cell["family"], family);
            let said = (cell["value"].to_string(), cell["tags"].to_string());
            assert!(
                cells.insert(key(&cell).map(Value::to_string), said).is_none(),
                "a key comes twice: {cell}"
            );
        }
    }
    cells
}

#[test]
fn hfiles_for_completebulkload_have_the_latest_edit_of_each_key() {
    let (made, out) = (made(), tempfile::tempdir().unwrap());
    let base = ["replay", "--from", text(made.path()), "--until", "end"];
    let both = ["--snapshot", "customers-before", "--snapshot", "orders-before"];
    let (file, dir) = (out.path().join("edits"), out.path().join("load"));
    let to = |kind: &str, path: &Path| format!("{kind}:{}", text(path));
    tidegate([&base[..], &both, &["--to", &to("jsonl", &file)]].concat()).with(0);
    let edits = fs::read_to_string(&file).unwrap();
    let target = to("hfiles", &dir);
    let written = [&base[..], &both, &["--to", &target]].concat();
    let (code, done) = report(&written);
    assert_eq!((code, &done["published"]), (0, &true.into()), "{done}");
    assert_eq!(done["hfiles"]["files"], files_below(&dir).len() as u64);
    let mut cells = 0;
    for (table, below) in [("default:customers", "default/customers"), ("shop:orders", "shop/orders")] {
        let (is, truth) = (loaded(&dir.join(below)), latest(&edits, table));
        cells += is.len() as u64;
        assert!(!is.is_empty() && is == truth, "{table}: {} cells, {} edits", is.len(), truth.len());
    }
    assert_eq!(done["cells"], cells + done["hfiles"]["superseded"].as_u64().unwrap());

    // What is there is never replaced; nothing else is left behind.
    assert_eq!(report(&written).0, 4);
    let mut names: Vec<_> =
        fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["edits", "load"]);

    // One table needs no directory of its own; an empty directory may be there.
    let one = out.path().join("one");
    fs::create_dir(&one).unwrap();
    tidegate([&base[..], &["--snapshot", "customers-before", "--to", &to("hfiles", &one)]].concat()).with(0);
    assert_eq!(loaded(&one), latest(&edits, "default:customers"));
}
