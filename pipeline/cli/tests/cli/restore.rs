//! Restores of what snapshots hold: in the same root, in another, under other names.

use crate::roots;
use crate::support::{files_below, golden_sets, report, text, tidegate, tour};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A repository with every snapshot of a root.
fn repository_of(root: &Path, snapshots: &[String]) -> TempDir {
    let repository = tempfile::tempdir().unwrap();
    for name in snapshots {
        let arguments = ["export", "--from", text(root), "--snapshot", name, "--to", text(repository.path())];
        tidegate(arguments).with(0);
    }
    repository
}

fn snapshots(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(".hbase-snapshot")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn restore(from: &Path, to: &Path, more: &[&str]) -> (i32, Value) {
    report(&[&["restore", "--from", text(from), "--to", text(to)], more].concat())
}

/// The files of a snapshot by their paths, its table, and its regions.
fn content(root: &Path, snapshot: &str) -> (BTreeSet<String>, String, Value) {
    let (code, info) = report(&["snapshot", "info", "--from", text(root), snapshot, "--files"]);
    assert_eq!(code, 0, "{info}");
    let below = |path: &str| path.split_once("data/").unwrap().1.to_owned();
    let files =
        info["file_list"].as_array().unwrap().iter().map(|file| below(file["path"].as_str().unwrap()));
    (files.collect(), info["table"].as_str().unwrap().to_owned(), info["regions"].clone())
}

fn archive(root: &Path) -> Vec<PathBuf> {
    files_below(&root.join("archive"))
}

fn restored_everywhere(root: &Path) {
    let names = snapshots(root);
    let repository = repository_of(root, &names);
    let (from, other) = (repository.path(), tempfile::tempdir().unwrap());
    let before = archive(from);
    for name in &names {
        let base = content(from, name);
        let (same, renamed) = (format!("{name}-same"), format!("{name}-renamed"));
        let (code, done) = restore(from, from, &["--snapshot", name, "--as", &same]);
        let table = &done["tables"][0];
        assert_eq!(
            (code, &table["source_bytes_read"], &table["reused"]),
            (0, &0.into(), &table["base_files"]),
            "{done}"
        );
        assert_eq!(content(from, &same), base, "{name}");

        let map = format!("{}=moved:to.it", base.1);
        let has_mob = base.0.iter().any(|path| path.rsplit('/').next().is_some_and(|name| name.len() == 105));
        for to in [from, other.path()] {
            let (code, done) = restore(from, to, &["--snapshot", name, "--as", &renamed, "--map", &map]);
            if has_mob {
                let hint = done["failure"]["hint"].as_str().unwrap();
                assert!(code == 4 && hint.contains("clone_snapshot"), "{done}");
                continue;
            }
            assert_eq!(code, 0, "{done}");
            let is = content(to, &renamed);
            assert_eq!((&is.0, is.1.as_str(), &is.2), (&base.0, "moved:to.it", &base.2), "{name}");
            let (code, verified) =
                report(&["snapshot", "verify", "--from", text(to), &renamed, "--level", "cells"]);
            assert_eq!((code, &verified["digests"]), (0, &verified["needed"]), "{verified}");
        }
        let (code, again) = restore(from, from, &["--snapshot", name, "--as", &same]);
        assert_eq!((code, &again["tables"][0]["already_there"]), (0, &true.into()), "{again}");
    }
    assert_eq!(archive(from), before, "nothing was written beside the files of the base");
}

#[test]
fn every_snapshot_of_the_tour_is_restored_in_its_root_and_in_another_and_renamed() {
    restored_everywhere(&tour());
}

#[test]
fn every_golden_snapshot_is_restored_in_its_root_and_in_another_and_renamed() {
    for set in golden_sets("every_golden_snapshot_is_restored_in_its_root_and_in_another_and_renamed") {
        restored_everywhere(&set.join("root"));
    }
}

/// A repository with one snapshot, `s1`, of a table with two regions.
fn small() -> (TempDir, TempDir) {
    let root = tempfile::tempdir().unwrap();
    roots::make(root.path(), &[20_000, 9_000, 30_000, 8_000]);
    let repository = repository_of(root.path(), &["s1".to_owned()]);
    (root, repository)
}

#[test]
fn a_snapshot_that_is_there_is_never_replaced() {
    let (_root, repository) = small();
    let from = repository.path();
    let manifest = fs::read(roots::manifest(from, "s1")).unwrap();
    let (code, refused) = restore(from, from, &["--snapshot", "s1", "--as", "s1"]);
    assert_eq!((code, &refused["outcome"]), (4, &"refused".into()), "{refused}");
    assert!(refused["failure"]["hint"].as_str().unwrap().contains("--as"), "{refused}");
    // Nor one that somebody else is just taking.
    fs::create_dir_all(from.join(".hbase-snapshot/.tmp/r")).unwrap();
    fs::write(from.join(".hbase-snapshot/.tmp/r/region-manifest.x"), "x").unwrap();
    assert_eq!(restore(from, from, &["--snapshot", "s1", "--as", "r"]).0, 4);
    assert_eq!(fs::read(roots::manifest(from, "s1")).unwrap(), manifest);
    assert!(!from.join(".hbase-snapshot/r").exists());
}

#[test]
fn files_that_are_not_what_was_exported_are_noticed_with_the_rows_that_they_affect() {
    let (_root, repository) = small();
    let from = repository.path();
    let file = archive(from).into_iter().find(|path| text(path).ends_with("2")).unwrap();
    let bytes = fs::read(&file).unwrap();
    let wrong = |what: &str| {
        let (code, stopped) = restore(from, from, &["--snapshot", "s1", "--as", "r"]);
        assert_eq!(code, 1, "{what}: {stopped}");
        let problem = &stopped["problems"][0];
        let meaning = problem["meaning"].as_str().unwrap();
        assert!(meaning.contains("family f of rows from \"r000001\" to the end"), "{what}: {problem}");
        assert!(!from.join(".hbase-snapshot/r").exists() && !from.join(".hbase-snapshot/.tmp/r").exists());
    };
    let mut flipped = bytes.clone();
    flipped[100] ^= 1;
    fs::write(&file, &flipped).unwrap();
    wrong("a byte is another");
    fs::write(&file, &bytes[1..]).unwrap();
    wrong("a byte is gone");
    fs::remove_file(&file).unwrap();
    wrong("it is gone");
    // Back again it has another identity, and the same bytes: it is read and found to be what it was.
    fs::write(&file, &bytes).unwrap();
    let (code, done) = restore(from, from, &["--snapshot", "s1", "--as", "r"]);
    assert_eq!(code, 0, "{done}");
}

#[test]
fn several_tables_become_one_snapshot_each() {
    let root = tour();
    let names = snapshots(&root);
    let repository = repository_of(&root, &names);
    let from = repository.path();
    let mut of_tables: Vec<(String, String)> =
        names.iter().map(|name| (content(from, name).1, name.clone())).collect();
    of_tables.dedup_by(|next, kept| next.0 == kept.0);
    let (one, other) = (&of_tables[0], of_tables.iter().find(|(table, _)| *table != of_tables[0].0).unwrap());
    let arguments = ["--snapshot", &one.1, "--snapshot", &other.1, "--as", "both"];
    let (code, done) = restore(from, from, &arguments);
    assert_eq!(code, 0, "{done}");
    for (table, _) in [one, other] {
        let name = format!("both-{}", table.strip_prefix("default:").unwrap_or(table).replace(':', "-"));
        assert_eq!(content(from, &name).1, *table);
    }
    for wrong in [
        vec!["--snapshot", &one.1, "--snapshot", &one.1],
        vec!["--snapshot", &one.1, "--map", "no:such=x"],
        vec!["--snapshot", &one.1, "--map", "half"],
        vec!["--snapshot", &one.1, "--map", "a:=b"],
    ] {
        tidegate([&["restore", "--from", text(from), "--to", text(from), "--as", "r"], &wrong[..]].concat())
            .with(2);
    }
}

#[test]
fn edits_that_hbase_would_replay_into_the_restored_table_are_reported() {
    let (_root, repository) = small();
    let target = tempfile::tempdir().unwrap();
    let region = roots::table().encoded(1);
    let edits = target.path().join(format!("data/ns/t/{region}/recovered.edits"));
    fs::create_dir_all(&edits).unwrap();
    fs::write(edits.join("0000000000000000071.seqid"), "").unwrap();
    let (code, done) = restore(repository.path(), target.path(), &["--snapshot", "s1", "--as", "r"]);
    assert_eq!((code, &done["tables"][0]["warnings"]), (0, &Value::Array(Vec::new())), "{done}");
    fs::write(edits.join("0000000000000000071"), "edits").unwrap();
    let (code, done) = restore(repository.path(), target.path(), &["--snapshot", "s1", "--as", "r2"]);
    let warning = done["tables"][0]["warnings"][0].as_str().unwrap();
    assert!(code == 0 && warning.contains(region.as_str()), "{done}");
    let renamed = ["--snapshot", "s1", "--as", "r3", "--map", "ns:=other:"];
    let (_, done) = restore(repository.path(), target.path(), &renamed);
    assert_eq!(done["tables"][0]["warnings"], Value::Array(Vec::new()), "{done}");
}

/// Every cell of a snapshot's files, with its sequence id.
fn cells(root: &Path, snapshot: &str) -> Vec<String> {
    let (_, info) = report(&["snapshot", "info", "--from", text(root), snapshot, "--files"]);
    let files = info["file_list"].as_array().unwrap().iter();
    let paths = files.map(|file| text(&root.join(file["path"].as_str().unwrap())).to_owned());
    let cat = ["hfile", "cat", "--sequence"].map(str::to_owned).into_iter().chain(paths);
    let mut lines: Vec<String> = tidegate(cat).with(0).out.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_restored_snapshot_is_a_base_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let repository = crate::kill_restores::repository(dir.path());
    let marker = tour().parent().unwrap().join("markers/m1.json");
    let restored = |from: &str, until: &str, name: &str| {
        let cut = ["--snapshot", from, "--until", until, "--as", name];
        let (code, done) = restore(&repository, &repository, &cut);
        assert_eq!(code, 0, "{done}");
        done["tables"][0]["cells"].as_u64().unwrap()
    };
    let at_once = restored("orders-before", "end", "at-once");
    let first = restored("orders-before", &format!("marker:{}", text(&marker)), "first");
    let then = restored("first", "end", "then");
    assert!(first > 0 && then > 0 && first + then == at_once, "{first} + {then} = {at_once}");
    assert_eq!(cells(&repository, "then"), cells(&repository, "at-once"));
}

/// Scripts read these: a name is never taken away or given another meaning.
#[test]
fn the_fields_of_the_report_are_the_documented_ones() {
    let (_root, repository) = small();
    let (_, done) = restore(repository.path(), repository.path(), &["--snapshot", "s1", "--as", "r"]);
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let expected = |names: &str| names.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let of_report = "certificate command dry_run from outcome problem_count problems tables to until";
    assert_eq!(fields(&done), expected(of_report));
    let of_table = "already_there base base_files cells compared copied duplicates forecast image left_out plan regions \
                    replaced restored_as resumed reused snapshot source_bytes_read table version_deletes warnings written";
    assert_eq!(fields(&done["tables"][0]), expected(of_table));
}
