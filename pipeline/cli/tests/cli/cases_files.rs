//! Inputs on which earlier builds went wrong, each with the right value: files of other ages, writers and kinds.
//! (`fixtures/data/cases`, see its README.)

use crate::cells::hex;
use crate::support::{files_below, report, repository, text, tidegate, tour};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub fn case(path: &str) -> PathBuf {
    repository().join("fixtures/data/cases").join(path)
}

fn copied(from: &Path, to: &Path) {
    for file in files_below(from) {
        let there = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::copy(&file, there).unwrap();
    }
}

/// Verified at level cells without damage, with this many cells decoded.
fn verified(file: &Path, cells: u64) {
    let (code, report) = report(&["hfile", "verify", "--level", "cells", text(file)]);
    assert_eq!(code, 0, "{}: {report:#}", file.display());
    assert_eq!((&report["level"], &report["asked"]), (&"cells".into(), &"cells".into()));
    assert_eq!((&report["cells"], &report["damaged"]), (&cells.into(), &0.into()), "{}", file.display());
}

/// The thousand cells that every file of the first two cases holds.
fn thousand_cells(file: &Path) {
    verified(file, 1000);
    let ran = tidegate(["hfile", "cat", "--sequence", text(file)]).with(0);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1000);
    for (number, cell) in lines.iter().enumerate() {
        assert_eq!(cell["row"], hex(format!("row{number:05}").as_bytes()), "{}", file.display());
        assert_eq!(cell["value"], hex(format!("value{number}").as_bytes()));
        assert_eq!((&cell["ts"], &cell["seq"]), (&(1000 + number).into(), &(number % 7).into()));
    }
    let (code, info) = report(&["hfile", "info", text(file)]);
    assert_eq!((code, &info["files"][0]["entries"]), (0, &1000.into()));
    let row = hex(b"row00500");
    let one = tidegate(["hfile", "cat", "--row", "row00500", text(file)]).with(0);
    assert!(one.out.contains(&row) && one.out.lines().count() == 1, "{}", one.out);
}

#[test]
fn case_01_hfile_2_3() {
    for name in
        ["hbase14_v2_GZ_NONE", "hbase14_v2_NONE_FAST_DIFF", "hbase14_v2_NONE_NONE", "hbase17_v2_index3"]
    {
        thousand_cells(&case("01-hfile-2.3").join(name));
    }
}

#[test]
fn case_02_hfile_3_0() {
    for name in ["hbase14_v3_GZ_FAST_DIFF", "hbase14_v3_NONE_NONE", "hbase17_v3_tags"] {
        thousand_cells(&case("02-hfile-3.0").join(name));
    }
}

/// The blocks are verified; the cells need what no HBase 2 has.
#[test]
fn case_02_prefix_tree_is_named() {
    for name in ["01-hfile-2.3/hbase17_v2_PREFIX_TREE", "02-hfile-3.0/hbase17_v3_PREFIX_TREE"] {
        let file = case(name);
        let file = text(&file);
        for command in ["verify", "cat"] {
            named(
                &["hfile", command, file],
                3,
                "data block encoding PREFIX_TREE, of HBase 0.96 to 1.x",
                "HBase 1",
            );
        }
        let (code, cells) = report(&["hfile", "verify", "--level", "cells", file]);
        assert_eq!((code, &cells["level"], &cells["damaged"]), (3, &"blocks".into(), &0.into()), "{cells:#}");
        let (code, blocks) = report(&["hfile", "verify", "--level", "blocks", file]);
        assert_eq!((code, &blocks["level"]), (0, &"blocks".into()), "{blocks:#}");
        let shown = tidegate(["hfile", "info", file]).with(0);
        assert!(shown.out.contains("PREFIX_TREE"), "{}", shown.out);
    }
}

/// HBase 1 opens it, and HBase 2 tries for ever (`scripts/interop` shows that): the export is right, and says so.
#[test]
fn case_02_a_prefix_tree_table_is_not_for_hbase_2() {
    let root = repository().join("fixtures/data/hbase-1.7/root");
    let to = tempfile::tempdir().unwrap();
    let export = |snapshot| {
        report(&["export", "--from", text(&root), "--snapshot", snapshot, "--to", text(to.path())])
    };
    let (code, tree) = export("tree1");
    let warning = tree["warnings"][0].as_str().unwrap();
    assert_eq!((code, tree["warnings"].as_array().unwrap().len()), (0, 1), "{tree:#}");
    assert!(
        warning.starts_with("family t: HBase 2 does not have DATA_BLOCK_ENCODING PREFIX_TREE"),
        "{warning}"
    );
    let (code, ledger) = export("s1");
    assert_eq!((code, &ledger["warnings"]), (0, &serde_json::json!([])));
    let restored = report(&[
        "restore",
        "--from",
        text(to.path()),
        "--snapshot",
        "tree1",
        "--until",
        "snapshot",
        "--to",
        text(to.path()),
        "--as",
        "again",
    ]);
    assert_eq!(
        (restored.0, &restored.1["tables"][0]["warnings"][0]),
        (0, &tree["warnings"][0]),
        "{restored:?}"
    );
}

/// A snapshot whose files are of version 2.3: that of HBase 1.4, with one of its HFiles replaced.
#[test]
fn case_01_hfile_2_3_as_a_member_of_a_snapshot() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copied(&case("03-root-of-hbase-1.4/root"), dir.path());
    let old =
        dir.path().join("data/default/t/d2f138241fe8d5690f16e7f6b8269738/f/a9cb1e9a08204e0da15a1d447b1e2cb6");
    let len = fs::metadata(&old).unwrap().len();
    fs::copy(case("01-hfile-2.3/hbase14_v2_GZ_NONE"), &old).unwrap();
    let new = fs::metadata(&old).unwrap().len();
    // The manifest knows its length, a varint of two bytes.
    let manifest = dir.path().join(".hbase-snapshot/s1/data.manifest");
    let bytes = fs::read(&manifest).unwrap();
    let varint = |number: u64| vec![(number & 0x7f) as u8 | 0x80, (number >> 7) as u8];
    let name = b"a9cb1e9a08204e0da15a1d447b1e2cb6";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    assert_eq!(bytes[at], 0x18, "the field of its size");
    let mut changed = bytes.clone();
    assert_eq!(changed[at + 1..at + 3], varint(len), "its size");
    changed[at + 1..at + 3].copy_from_slice(&varint(new));
    fs::write(&manifest, changed).unwrap();
    let (code, done) = report(&[
        "export",
        "--from",
        text(dir.path()),
        "--snapshot",
        "s1",
        "--to",
        text(to.path()),
        "--verify",
        "cells",
    ]);
    assert_eq!(
        (code, &done["verified"], &done["not_looked_into"]),
        (0, &"cells".into(), &0.into()),
        "{done:#}"
    );
    let (code, there) = report(&["snapshot", "verify", "--from", text(to.path()), "s1", "--level", "cells"]);
    assert_eq!((code, &there["level"]), (0, &"cells".into()), "{there:#}");
}

/// Exports, converts, and gives the repository.
fn repository_of(root: &Path, snapshot: &str, level: &str) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    let (root, there) = (text(root), text(to.path()));
    tidegate(["export", "--from", root, "--snapshot", snapshot, "--to", there, "--verify", level]).with(0);
    tidegate(["convert", "--from", root, "--to", there]).with(0);
    to
}

/// The exit code and the report of an export whose cells are verified.
fn exported_with_cells(root: &Path, snapshot: &str, to: &Path) -> (i32, Value) {
    let from = ["export", "--from", text(root), "--snapshot", snapshot, "--to", text(to)];
    report(&[&from[..], &["--verify", "cells"]].concat())
}

#[test]
fn case_03_root_of_hbase_1_4() {
    let (root, to) = (case("03-root-of-hbase-1.4/root"), tempfile::tempdir().unwrap());
    let listed = tidegate(["snapshot", "list", "--from", text(&root)]).with(0);
    assert!(listed.out.contains("s1"), "{}", listed.out);
    let (code, done) = exported_with_cells(&root, "s1", to.path());
    assert_eq!(code, 0, "{done:#}");
    assert_eq!((&done["verified"], &done["not_looked_into"]), (&"cells".into(), &0.into()));
    let (code, verified) =
        report(&["snapshot", "verify", "--from", text(to.path()), "s1", "--level", "cells"]);
    assert_eq!((code, &verified["level"]), (0, &"cells".into()), "{verified:#}");
    assert!(verified["cells"].as_u64().unwrap() > 0);
    tidegate(["convert", "--from", text(&root), "--to", text(to.path())]).with(0);
    let time = "time:2026-11-27T23:33:20Z";
    let cut =
        |until: &str| tidegate(["cut", "--from", text(to.path()), "--snapshot", "s1", "--until", until]);
    let early = cut(time).with(4);
    assert!(early.err.contains("leaves out what the snapshot's files hold"), "{}", early.err);
    let restored = tempfile::tempdir().unwrap();
    let arguments = ["restore", "--from", text(to.path()), "--snapshot", "s1", "--to", text(restored.path())];
    tidegate([&arguments[..], &["--until", time, "--as", "early"]].concat()).with(4);
    assert!(!restored.path().join(".hbase-snapshot/early").exists(), "nothing is published");
}

/// What a client of that HBase saw at the end, all versions.
#[test]
fn case_03_scan_at_the_end() {
    let to = repository_of(&case("03-root-of-hbase-1.4/root"), "s1", "cells");
    let scan = ["scan", "--from", text(to.path()), "--snapshot", "s1", "--until", "end", "--table", "t"];
    let ran = tidegate([&scan[..], &["--all-versions"]].concat());
    assert!(matches!(ran.code, 0 | 3), "{}", ran.err);
    let cells = |text: &str| {
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut cells: Vec<String> = lines.map(|line| line.to_string()).collect();
        cells.sort();
        cells
    };
    let truth = fs::read_to_string(case("03-root-of-hbase-1.4/visible-at-end.jsonl")).unwrap();
    let (seen, truth) = (cells(&ran.out), cells(&truth));
    assert_eq!(seen.len(), truth.len());
    assert_eq!(seen, truth);
    let restored = tempfile::tempdir().unwrap();
    let arguments = ["restore", "--from", text(to.path()), "--snapshot", "s1", "--to", text(restored.path())];
    let done = tidegate([&arguments[..], &["--until", "end", "--as", "end"]].concat());
    assert!(matches!(done.code, 0 | 3), "{}", done.err);
    tidegate(["snapshot", "verify", "--from", text(restored.path()), "end", "--level", "cells"]).with(0);
}

/// One line says what it is, one what to do; nothing is called damaged.
#[track_caller]
pub fn named(arguments: &[&str], code: i32, what: &str, hint: &str) {
    let ran = tidegate(arguments).with(code);
    let all = format!("{}{}", ran.out, ran.err);
    let line = ran.err.lines().find(|line| line.contains(what));
    assert!(line.is_some(), "{arguments:?}: {what:?} is not in\n{all}");
    assert!(
        ran.err.lines().any(|line| line.contains("hint: ") && line.contains(hint)),
        "{arguments:?}: {hint:?}\n{all}"
    );
    for word in ["damage", "DAMAGED", "replica", "lost"] {
        let all = all.replace("no damage found", "");
        assert!(!all.contains(word), "{arguments:?} says {word:?}:\n{all}");
    }
}

#[test]
fn case_08_other_kinds_of_file() {
    let file = |name: &str| case("08-other-kinds-of-file").join(name);
    let old = file("sequencefile-wal-0.94.1368422402811");
    for command in ["info", "cat", "verify"] {
        named(&["wal", command, text(&old)], 3, "a WAL of HBase 0.94 or before", "HBase 1");
    }
    for command in ["info", "cat", "verify"] {
        let named = |name, what, hint| named(&["hfile", command, text(&file(name))], 3, what, hint);
        named(
            "hfile-1.0",
            "an HFile of version 1.0, which HBase up to 0.90 wrote: HBase 2 does not read it either",
            "0.94",
        );
        named(
            "hfile-2.0",
            "an HFile of version 2.0, which HBase 0.92 or 0.94 wrote",
            "rewrite it with HBase 1",
        );
    }
}

#[test]
fn case_08_a_reference_outside_of_a_root() {
    let reference =
        case("08-other-kinds-of-file/a6a6562b777440fd9c34885428f5cb61.21e75333ada3d5bafb34bb918f29576c");
    for command in ["info", "cat", "verify"] {
        named(
            &["hfile", command, text(&reference)],
            3,
            "is a link or reference outside an HBase root",
            "below the root",
        );
    }
}

#[test]
fn case_08_files_of_hudi() {
    let hudi = case("08-other-kinds-of-file/hudi111_NONE_5000.hfile");
    let (code, verified) = report(&["hfile", "verify", "--level", "cells", text(&hudi)]);
    assert_eq!(
        (code, &verified["damaged"], &verified["level"]),
        (3, &0.into(), &"blocks".into()),
        "{verified:#}"
    );
    assert_eq!(verified["not_looked_into"][0]["level"], "blocks");
    let problems: Vec<&str> = verified["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["what"].as_str().unwrap())
        .collect();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    for word in ["HoodieHBaseKVComparator", "46 blocks name the wrong block", "no checksums"] {
        assert_eq!(problems.iter().filter(|what| what.contains(word)).count(), 1, "{word}: {problems:#?}");
    }
    let other = case("08-other-kinds-of-file/hudi_1_0_hbase_2_4_9_no_entry.hfile");
    named(&["hfile", "verify", text(&other)], 3, "HoodieHBaseKVComparator", "HBase cannot open it");
    let (code, verified) = report(&["hfile", "verify", "--level", "blocks", text(&other)]);
    assert_eq!((code, &verified["level"]), (0, &"blocks".into()), "its blocks are well: {verified:#}");
    let shown = tidegate(["hfile", "info", text(&other)]).with(0);
    assert!(shown.out.contains("HoodieHBaseKVComparator"), "{}", shown.out);
    named(&["hfile", "cat", text(&other)], 3, "HoodieHBaseKVComparator", "HBase cannot open it");
}

/// Every reference and link that splits and clones left in the tour is followed.
#[test]
fn case_08_references_and_links_are_followed() {
    let followed = files_below(&tour().join("data")).into_iter().filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.len() > 60 && (name.contains('.') || name.contains('='))
    });
    let mut count = 0;
    for path in followed {
        let (code, verified) = report(&["hfile", "verify", "--level", "cells", text(&path)]);
        assert_eq!(
            (code, &verified["files"], &verified["level"]),
            (0, &1.into(), &"cells".into()),
            "{verified:#}"
        );
        assert!(verified["cells"].as_u64().unwrap() > 0, "{}", path.display());
        count += 1;
    }
    assert!(count > 5, "{count}");
}

#[test]
fn case_11_encrypted_family_and_what_its_verify_reached() {
    let (root, to) = (case("11-encrypted-family/root"), tempfile::tempdir().unwrap());
    let from = ["export", "--from", text(&root), "--snapshot", "s-enc", "--to", text(to.path())];
    let (code, done) = report(&from);
    assert_eq!((code, &done["verified"], &done["encrypted"]), (0, &"blocks".into(), &1.into()), "{done:#}");
    let verify = ["snapshot", "verify", "--from", text(to.path()), "s-enc"];
    let (code, cells) = report(&[&verify[..], &["--level", "cells"]].concat());
    assert_eq!((code, &cells["level"], &cells["asked"]), (3, &"blocks".into(), &"cells".into()), "{cells:#}");
    assert_eq!((&cells["not_looked_into"][0]["level"], &cells["damaged"]), (&"blocks".into(), &0.into()));
    let shown = tidegate([&verify[..], &["--level", "cells"]].concat()).with(3);
    assert!(shown.out.contains("(level blocks; cells was asked for"), "{}", shown.out);
    assert!(
        shown.err.contains("its cells were not decoded") && shown.err.contains("master key"),
        "{}",
        shown.err
    );
    let (code, blocks) = report(&[&verify[..], &["--level", "blocks"]].concat());
    assert_eq!((code, &blocks["level"]), (0, &"blocks".into()), "{blocks:#}");
    let file = files_below(&root.join("data/default/enc"))
        .into_iter()
        .find(|path| path.parent().unwrap().ends_with("f"));
    let (code, alone) = report(&["hfile", "verify", "--level", "cells", text(&file.unwrap())]);
    assert_eq!((code, &alone["level"], &alone["damaged"]), (3, &"blocks".into(), &0.into()), "{alone:#}");
}

#[test]
fn case_11_an_export_at_cells_says_what_it_reached() {
    let (root, to) = (case("11-encrypted-family/root"), tempfile::tempdir().unwrap());
    let export = [
        "export",
        "--from",
        text(&root),
        "--snapshot",
        "s-enc",
        "--to",
        text(to.path()),
        "--verify",
        "cells",
    ];
    for again in [false, true] {
        let (code, done) = report(&export);
        assert_eq!((code, &done["verified"]), (3, &"blocks".into()), "{done:#}");
        assert_eq!(done["already_there"], again);
        assert_eq!(done["problem_count"], 1, "{done:#}");
    }
    let image = files_below(&to.path().join(".tidegate/images"))
        .into_iter()
        .find(|path| path.ends_with("image.json"));
    let image: Value = serde_json::from_str(&fs::read_to_string(image.unwrap()).unwrap()).unwrap();
    assert_eq!(image["verified"], "blocks");
}

#[test]
fn case_15_mob_name_of_a_far_day() {
    let (root, to) = (case("15-mob-name-of-a-far-day/root"), tempfile::tempdir().unwrap());
    let listed = tidegate(["snapshot", "list", "--from", text(&root)]).with(0);
    assert!(listed.out.contains("s4-flush-ca"), "{}", listed.out);
    let (code, done) = exported_with_cells(&root, "s4-flush-ca", to.path());
    assert_eq!((code, &done["verified"]), (0, &"cells".into()), "{done:#}");
    tidegate(["snapshot", "verify", "--from", text(to.path()), "s4-flush-ca", "--level", "cells"]).with(0);
    let far = files_below(to.path()).into_iter().filter(|path| text(path).contains("2922789940817")).count();
    assert!(far > 0, "the file of the far day is there");
    let scan = [
        "scan",
        "--from",
        text(to.path()),
        "--snapshot",
        "s4-flush-ca",
        "--until",
        "snapshot",
        "--table",
        "ca",
    ];
    let ran = tidegate([&scan[..], &["--all-versions"]].concat()).with(0);
    let truth = fs::read_to_string(case("15-mob-name-of-a-far-day/truth.visible.jsonl")).unwrap();
    assert_eq!(ran.out.lines().count(), truth.lines().count());
    for (seen, truth) in ran.out.lines().zip(truth.lines()) {
        let (seen, truth): (Value, Value) =
            (serde_json::from_str(seen).unwrap(), serde_json::from_str(truth).unwrap());
        for field in ["row", "family", "qualifier", "ts", "type"] {
            assert_eq!(seen[field], truth[field], "{seen} is not {truth}");
        }
    }
}

/// What an upgraded cluster may still have in its `oldWALs`.
#[test]
fn case_08_an_old_wal_among_the_logs() {
    let (root, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copied(&tour(), root.path());
    let logs = root.path().join("oldWALs");
    fs::create_dir_all(&logs).unwrap();
    let old = case("08-other-kinds-of-file/sequencefile-wal-0.94.1368422402811");
    fs::copy(old, logs.join("localhost%2C33359%2C1795232934405.1795232934500")).unwrap();
    let convert = ["convert", "--from", text(root.path()), "--to", text(to.path())];
    named(&convert, 3, "a Hadoop SequenceFile, as HBase 0.94 and before wrote its WALs", "WALPlayer");
}
