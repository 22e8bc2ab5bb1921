//! Restores at a cut from what is damaged, incomplete or foreign: reported with its place, and nothing is half
//! published.

use crate::kill_restores::repository;
use crate::support::{Ran, command, files_below, report, run, shared, text, tidegate, tour};
use std::fs;
use std::path::{Path, PathBuf};

struct Case {
    name: &'static str,
    /// What is done to the repository.
    harm: fn(&Path),
    /// More arguments, where they decide.
    until: &'static str,
    code: i32,
    says: &'static [&'static str],
    /// Whether the snapshot is there in the end.
    published: bool,
}

fn batches(repository: &Path) -> Vec<PathBuf> {
    let files = files_below(&repository.join(".tidegate/batches/shop/orders")).into_iter();
    files.filter(|path| path.extension().is_some_and(|of| of == "parquet")).collect()
}

/// Replaces bytes of a manifest by as many others.
fn in_manifest(repository: &Path, old: &[u8], new: &[u8]) {
    let path = repository.join(".hbase-snapshot/orders-before/data.manifest");
    let mut bytes = fs::read(&path).unwrap();
    let mut found = 0;
    for at in 0..bytes.len() - old.len() {
        if bytes[at..].starts_with(old) {
            bytes[at..at + old.len()].copy_from_slice(new);
            found += 1;
        }
    }
    assert!(found > 0);
    fs::write(path, bytes).unwrap();
}

const CASES: &[Case] = &[
    Case {
        name: "a batch is missing",
        harm: |repository| {
            for batch in batches(repository) {
                if !text(&batch).contains('@') {
                    fs::remove_file(batch).unwrap();
                }
            }
        },
        until: "end",
        code: 3,
        says: &["shop/orders", "hint:"],
        published: true,
    },
    Case {
        name: "a batch is cut short",
        harm: |repository| {
            let batch = &batches(repository)[0];
            let bytes = fs::read(batch).unwrap();
            fs::write(batch, &bytes[..bytes.len() / 2]).unwrap();
        },
        until: "end",
        code: 3,
        says: &["shop/orders", "hint:"],
        published: true,
    },
    Case {
        name: "the markers of a WAL are gone",
        harm: |repository| {
            let markers = files_below(&repository.join(".tidegate/batches/_markers"));
            let of_wal =
                |path: &&PathBuf| text(path).ends_with(".markers.parquet") && !text(path).contains(".meta");
            fs::remove_file(markers.iter().find(of_wal).unwrap()).unwrap();
        },
        until: "end",
        code: 3,
        says: &["has no markers", "hint:"],
        published: true,
    },
    Case {
        name: "batches are of format 1",
        harm: |repository| {
            let batches = repository.join(".tidegate/batches");
            fs::rename(batches.join("_markers"), batches.join("markers")).unwrap();
        },
        until: "end",
        code: 4,
        says: &["batches/markers", "format 1", "format 2", "hint:", "run convert again"],
        published: false,
    },
    Case {
        name: "nothing has been converted",
        harm: |repository| fs::remove_dir_all(repository.join(".tidegate/batches")).unwrap(),
        until: "end",
        code: 1,
        says: &["nothing has been converted yet", "hint:", "convert"],
        published: false,
    },
    Case {
        name: "the repository is of a newer Tidegate",
        harm: |repository| fs::write(repository.join(".tidegate/format.json"), b"{\"version\":99}").unwrap(),
        until: "end",
        code: 1,
        says: &["format.json", "hint:"],
        published: false,
    },
    Case {
        name: "a marker that is not there",
        harm: |_| (),
        until: "marker:nothing",
        code: 1,
        says: &["there is no such marker", "hint:"],
        published: false,
    },
    Case {
        name: "a cut past what is known",
        harm: |_| (),
        until: "time:2100-01-01T00:00:00Z",
        code: 4,
        says: &["hint:", "--until end"],
        published: false,
    },
    Case {
        name: "a cut before the snapshot",
        harm: |_| (),
        until: "time:2020-01-01T00:00:00Z",
        code: 4,
        says: &["hint:", "older snapshot"],
        published: false,
    },
    Case {
        name: "a family is encrypted",
        harm: |repository| in_manifest(repository, b"BLOCKCACHE", b"ENCRYPTION"),
        until: "end",
        code: 4,
        says: &["ENCRYPTION", "hint:", "--until snapshot"],
        published: false,
    },
    Case {
        name: "a codec that is not written",
        harm: |repository| {
            in_manifest(repository, b"\x0bCOMPRESSION\x12\x04NONE", b"\x0bCOMPRESSION\x12\x04LZMA")
        },
        until: "end",
        code: 4,
        says: &["LZMA", "hint:", "--until snapshot"],
        published: false,
    },
    Case {
        name: "a codec that is not written, and no file of the family is needed",
        harm: |repository| {
            in_manifest(repository, b"\x0bCOMPRESSION\x12\x04NONE", b"\x0bCOMPRESSION\x12\x04LZMA")
        },
        until: "snapshot",
        code: 0,
        says: &[],
        published: true,
    },
    Case {
        name: "an HFile of the base is gone",
        harm: |repository| {
            let file = files_below(&repository.join("archive/data/shop/orders")).remove(0);
            fs::remove_file(file).unwrap();
        },
        until: "end",
        code: 1,
        says: &["affects family", "hint:"],
        published: false,
    },
];

fn restore(repository: &Path, until: &str, target: &Path) -> Ran {
    run(command([
        "restore",
        "--from",
        text(repository),
        "--snapshot",
        "orders-before",
        "--until",
        until,
        "--to",
        text(target),
        "--as",
        "r",
    ]))
}

#[test]
fn what_is_wrong_with_a_repository_is_reported_and_nothing_half_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let home = dir.path().join(format!("{number}"));
        let repository = repository(&home);
        (case.harm)(&repository);
        let target = home.join("target");
        let ran = restore(&repository, case.until, &target);
        let said = format!("{}{}", ran.out, ran.err);
        if ran.code != case.code {
            wrong.push(format!("{}: ended with {}: {said}", case.name, ran.code));
        }
        wrong.extend(
            case.says
                .iter()
                .filter(|text| !said.contains(**text))
                .map(|text| format!("{}: no {text:?} in {said}", case.name)),
        );
        if target.join(".hbase-snapshot/r").exists() != case.published {
            wrong.push(format!("{}: published: {}", case.name, !case.published));
        }
        if case.published {
            tidegate(["snapshot", "verify", "--from", text(&target), "r", "--level", "cells"]).with(0);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Whatever byte of a batch is changed: it is reported, or the cells are those of an undamaged batch.
#[test]
fn altered_batches_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let good = dir.path().join("good");
    restore(&repository, "end", &good).with(0);
    let archive = |root: &Path| {
        let files = files_below(&root.join("archive")).into_iter();
        files.map(|path| path.strip_prefix(root).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (mut noticed, mut harmless) = (0, 0);
    for (number, batch) in batches(&repository).into_iter().enumerate() {
        let bytes = fs::read(&batch).unwrap();
        for part in 0..6 {
            let mut altered = bytes.clone();
            let at = bytes.len() * (2 * part + 1) / 12;
            altered[at] ^= 0x10;
            fs::write(&batch, &altered).unwrap();
            let target = dir.path().join(format!("{number}-{part}"));
            match restore(&repository, "end", &target).code {
                // New files are named by their bytes: the same names are the same cells.
                0 => {
                    assert_eq!(
                        archive(&target),
                        archive(&good),
                        "byte {at} of {} was not noticed",
                        batch.display()
                    );
                    harmless += 1;
                }
                1 | 3 => noticed += 1,
                other => panic!("byte {at} of {}: {other}", batch.display()),
            }
        }
        fs::write(&batch, &bytes).unwrap();
    }
    eprintln!("{noticed} altered batches noticed, {harmless} without effect");
    assert!(noticed > harmless);
}

#[test]
fn regions_that_leave_a_hole_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    crate::roots::make(&root, &[9_000, 9_000]);
    let table = crate::roots::table();
    fs::write(crate::roots::manifest(&root, "s1"), table.manifest_of(&[(1, Vec::new())])).unwrap();
    let repository = dir.path().join("repository");
    let export = ["export", "--from", text(&root), "--snapshot", "s1", "--to", text(&repository)];
    tidegate(export.iter().chain(&["--accept-holes"])).with(3);
    let restore =
        ["restore", "--from", text(&repository), "--snapshot", "s1", "--to", text(&repository), "--as", "r"];
    let refused = tidegate(restore).with(4);
    assert!(refused.err.contains("hole") && refused.err.contains("hint:"), "{}", refused.err);
}

/// The table `tb` of the golden set got the family `h` after its first snapshot.
#[test]
fn edits_of_a_family_that_came_later_are_counted_unless_they_may_be_left_out() {
    let test = "edits_of_a_family_that_came_later_are_counted_unless_they_may_be_left_out";
    let Some(golden) = shared("golden/topology-1", test) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (root, repository) = (golden.join("root"), dir.path().join("repository"));
    tidegate(["export", "--from", text(&root), "--snapshot", "s1-tb", "--to", text(&repository)]).with(0);
    tidegate(["convert", "--from", text(&root), "--to", text(&repository)]);
    let restore = |name: &str, more: &[&str]| {
        let arguments = ["restore", "--from", text(&repository), "--snapshot", "s1-tb", "--until", "end"];
        let target = ["--to", text(&repository), "--as", name];
        report(&[&arguments[..], &target, more].concat())
    };
    let (code, answer) = restore("r", &[]);
    let cells = answer["tables"][0]["left_out"]["h"].as_u64().unwrap();
    let problem = answer["problems"].as_array().unwrap().iter().find_map(|problem| {
        problem["what"].as_str().filter(|what| what.starts_with(&format!("{cells} cells of family h")))
    });
    assert!(code == 3 && cells > 0 && problem.is_some(), "{answer}");
    let (code, accepted) = restore("r2", &["--leave-out-families"]);
    assert_eq!((code, &accepted["tables"][0]["left_out"]["h"]), (0, &cells.into()), "{accepted}");
}

#[test]
fn an_image_whose_table_has_no_batches_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (root, repository) = (tour(), dir.path().join("repository"));
    let export =
        ["export", "--from", text(&root), "--snapshot", "customers-before", "--to", text(&repository)];
    tidegate(export).with(0);
    let convert = ["convert", "--from", text(&root), "--to", text(&repository), "--table", "shop:orders"];
    tidegate(convert).with(0);
    let restore =
        ["restore", "--from", text(&repository), "--snapshot", "customers-before", "--until", "end", "--to"];
    let ran = tidegate(restore.iter().chain(&[text(&repository), "--as", "r"]));
    let ran = ran.with(3);
    assert!(ran.err.contains("there is no batch, though the WAL has"), "{}", ran.err);
}
