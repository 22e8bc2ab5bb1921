//! One cut, one answer: `cut`, `scan`, `replay` and `restore` of it end with the same exit code and report the same
//! kinds of problems.

use crate::support::{Ran, golden_sets, text, tidegate, tour};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a command said: its exit code, and the kinds of what it found.
type Answer = (i32, BTreeSet<String>);

fn answer(dir: &Path, arguments: &[&str]) -> Answer {
    let file = dir.join("report.json");
    let ran = tidegate([arguments, &["--report", text(&file)]].concat());
    let told: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    fs::remove_file(&file).unwrap();
    let problems = told["problems"].as_array().into_iter().flatten();
    // That a stream lacks what bulk-loaded files hold is its own affair.
    let own =
        |problem: &&Value| problem["what"].as_str().is_some_and(|what| what.contains("so not in the stream"));
    let (of_stream, problems): (Vec<_>, Vec<_>) = problems.partition(own);
    let code = if ran.code == 3 && problems.is_empty() && !of_stream.is_empty() { 0 } else { ran.code };
    let failure = told["failure"]["kind"].as_str().map(|kind| format!("failure: {kind}"));
    let kinds = problems.iter().map(|problem| problem["kind"].as_str().unwrap().to_owned());
    (code, kinds.chain(failure).collect())
}

/// Every moment that a set has a name for.
fn moments(set: &Path, meta: &Value) -> Vec<String> {
    let labels = meta["labels"].as_array().into_iter().flatten();
    let times = labels.map(|label| format!("time:{}", label["ms"]));
    let mut markers: Vec<PathBuf> = fs::read_dir(set.join("markers"))
        .map(|dir| dir.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    markers.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    markers.sort();
    let markers = markers.iter().map(|path| format!("marker:{}", text(path))).collect::<Vec<_>>();
    times.chain(markers).chain(["snapshot".to_owned(), "end".to_owned()]).collect()
}

fn all_commands_agree(set: &Path) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let (root, repository) = (set.join("root"), dir.path().join("repository"));
    let meta: Value = serde_json::from_slice(&fs::read(set.join("meta.json")).unwrap()).unwrap();
    let names: Vec<&str> =
        meta["snapshots"].as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap()).collect();
    let exported = |name: &&str| {
        let Ran { code, .. } =
            tidegate(["export", "--from", text(&root), "--snapshot", name, "--to", text(&repository)]);
        code == 0
    };
    let names: Vec<&str> = names.into_iter().filter(exported).collect();
    tidegate(["convert", "--from", text(&root), "--to", text(&repository)]);
    let mut cuts = 0;
    for name in names {
        for until in moments(set, &meta) {
            let of = ["--from", text(&repository), "--snapshot", name, "--until", &until];
            let asked =
                |command: &str, more: &[&str]| answer(dir.path(), &[&[command][..], &of, more].concat());
            let cut = asked("cut", &[]);
            let case = format!("{}: {name} at {until}", set.display());
            assert_eq!(asked("scan", &[]), cut, "scan: {case}");
            assert_eq!(asked("replay", &["--to", "null:"]), cut, "replay: {case}");
            let target = dir.path().join("restored");
            let restored = asked("restore", &["--to", text(&target), "--as", "restored"]);
            // For some families no file can be written: that is checked before the cut is opened.
            let unwritten = restored == (4, BTreeSet::from(["failure: refused".to_owned()]));
            assert!(unwritten || restored == cut, "restore: {case}: {restored:?}, and cut {cut:?}");
            let _ = fs::remove_dir_all(&target);
            cuts += 1;
        }
    }
    cuts
}

#[test]
fn all_commands_agree_on_every_cut_of_the_tour() {
    assert!(all_commands_agree(tour().parent().unwrap()) >= 12);
}

#[test]
fn all_commands_agree_on_every_cut_of_the_golden_sets() {
    for set in golden_sets("all_commands_agree_on_every_cut_of_the_golden_sets") {
        assert!(all_commands_agree(&set) > 0, "{}", set.display());
    }
}

/// The ids of a cut of two tables are a cut of one of them: nothing is reported about the other's regions.
#[test]
fn ids_of_another_tables_regions_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let repository = crate::kill_restores::repository(dir.path());
    let both = ["--snapshot", "orders-before", "--snapshot", "customers-before"];
    let cut = |snapshots: &[&str], until: &str| {
        let of = ["cut", "--from", text(&repository), "--until", until, "--output", "json"];
        let ran = tidegate([&of[..], snapshots].concat());
        (ran.code, ran.json())
    };
    let (code, told) = cut(&both, "end");
    assert_eq!(code, 0, "{told}");
    let file = dir.path().join("ids.json");
    fs::write(&file, told.to_string()).unwrap();
    let (code, told) = cut(&["--snapshot", "orders-before"], &format!("sequences:{}", text(&file)));
    assert_eq!((code, &told["problem_count"]), (0, &0.into()), "{told}");
}

/// What a cut cannot read of a batch it says: every byte of a batch in turn, every 61st, is another one.
#[test]
fn a_batch_whose_cells_cannot_be_read_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let repository = crate::kill_restores::repository(dir.path());
    let batches = crate::support::files_below(&repository.join(".tidegate"));
    let batch = batches.iter().filter(|path| path.extension().is_some_and(|of| of == "parquet"));
    let batch = batch
        .filter(|path| text(path).contains("orders"))
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let whole = fs::read(batch).unwrap();
    let mut told = 0;
    for at in (4..whole.len().saturating_sub(8)).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        fs::write(batch, &bytes).unwrap();
        let ran =
            tidegate(["cut", "--from", text(&repository), "--snapshot", "orders-before", "--until", "end"]);
        assert!([0, 3].contains(&ran.code), "byte {at}: {}", ran.err);
        let wal = batch.file_stem().unwrap().to_str().unwrap();
        let named = ran.err.contains(wal) || ran.err.contains(&wal.replace('~', "%2C"));
        assert_eq!(ran.code == 3, named, "byte {at}: {}", ran.err);
        told += usize::from(ran.code == 3);
    }
    assert!(told > 0);
}
