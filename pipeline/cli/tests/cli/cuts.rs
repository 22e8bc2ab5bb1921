//! `cut` on the tour: what its text and its report say, each kind of cut once, and what it refuses.

use crate::kill_restores::repository;
use crate::support::{Ran, files_below, golden_sets, report, text, tidegate, tour};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The region of the tour that had no file when the snapshot was taken: ids 4 and 5 lie between two of its WALs.
const WITH_A_GAP: &str = "cdcf03ef193bbd76a3f63710f216f5ac";
/// What became two regions.
const SPLIT: &str = "827de14d5e4ea0e6c72d82bc2b328a57";

fn arguments<'a>(repository: &'a Path, until: &'a str) -> Vec<&'a str> {
    let snapshots = ["--snapshot", "orders-before", "--snapshot", "customers-before"];
    [&["cut", "--from", text(repository)], &snapshots[..], &["--until", until]].concat()
}

fn cut(repository: &Path, until: &str, more: &[&str]) -> Ran {
    tidegate([arguments(repository, until), more.to_vec()].concat())
}

/// The report.
fn certificate(repository: &Path, until: &str) -> Value {
    let (code, answer) = report(&arguments(repository, until));
    assert_eq!(code, 0, "{until}: {answer}");
    assert_eq!((&answer["command"], &answer["problem_count"]), (&"cut".into(), &0.into()), "{answer}");
    answer
}

fn fixture(name: &str) -> PathBuf {
    tour().parent().unwrap().join(name)
}

/// Read points of the regions at a label, as HBase reported them.
fn read_points(label: &str) -> BTreeMap<String, u64> {
    let meta: Value = serde_json::from_slice(&fs::read(fixture("meta.json")).unwrap()).unwrap();
    let labels = meta["labels"].as_array().unwrap();
    let regions = labels.iter().find(|one| one["label"] == label).unwrap()["regions"].as_array().unwrap();
    let replayed = regions.iter().filter(|region| region["table"] != "customers_copy");
    replayed
        .map(|region| {
            (region["encoded"].as_str().unwrap().to_owned(), region["mvcc_read_point"].as_u64().unwrap())
        })
        .collect()
}

/// A repository whose only ambiguous gap is [`WITH_A_GAP`]'s: nothing shows any more that its WALs go back to before the
/// snapshot, since the one that was open then is away.
fn with_a_gap(dir: &Path) -> PathBuf {
    let root = dir.join("root");
    assert!(
        std::process::Command::new("cp").args(["-r", text(&tour()), text(&root)]).status().unwrap().success()
    );
    let old = root.join("oldWALs");
    let from = old.join("localhost%2C34621%2C1795232934330.1795232944665");
    // As if it had been opened after the snapshot was taken.
    fs::rename(from, old.join("localhost%2C34621%2C1795232934330.1795232948600")).unwrap();
    let repository = dir.join("repository");
    for snapshot in ["orders-before", "customers-before"] {
        tidegate(["export", "--from", text(&root), "--snapshot", snapshot, "--to", text(&repository)])
            .with(0);
    }
    tidegate(["convert", "--from", text(&root), "--to", text(&repository)]).with(0);
    repository
}

#[test]
fn an_ambiguous_gap_is_a_problem_unless_it_is_accepted_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let repository = with_a_gap(dir.path());
    let answer = cut(&repository, "end", &[]).with(3);
    let gap = format!("region {WITH_A_GAP}: sequence ids 4 to 5 are ambiguous");
    assert!(answer.err.contains(&gap) && answer.err.contains("hint:"), "{}", answer.err);
    assert!(answer.err.contains(&format!("--accept-gaps {WITH_A_GAP}:4-5")), "{}", answer.err);
    for says in ["AMBIGUOUS", "not proved", WITH_A_GAP, "212 entries of 7 regions", "orders-before"] {
        assert!(answer.out.contains(says), "no {says:?} in {}", answer.out);
    }
    let (code, answer) = report(&arguments(&repository, "end"));
    assert_eq!((code, &answer["problem_count"]), (3, &1.into()), "{answer}");
    assert_eq!(answer["problems"][0]["region"], WITH_A_GAP, "{answer}");
    let gap = &answer["completeness"]["gaps"][0];
    let expected = (&WITH_A_GAP.into(), &4.into(), &5.into(), &"ambiguous".into());
    assert_eq!((&gap["region"], &gap["first"], &gap["last"], &gap["class"]), expected);
    let of = &answer["completeness"];
    assert_eq!((&of["proved"], &of["missing"]), (&false.into(), &json!({"gaps": 0, "ids": 0})));

    // By name, and by the report of the same cut.
    let file = dir.path().join("cut.json");
    fs::write(&file, answer.to_string()).unwrap();
    for named in [format!("{WITH_A_GAP}:4-5"), text(&file).to_owned()] {
        let accepted = cut(&repository, "end", &["--accept-gaps", &named]).with(0);
        assert!(
            accepted.out.contains("not proved") && !accepted.err.contains("problem:"),
            "{}",
            accepted.err
        );
    }
    let (_, answer) = report(&[arguments(&repository, "end"), vec!["--accept-gaps", text(&file)]].concat());
    assert_eq!(answer["completeness"]["proved"], false, "{answer}");
    assert_eq!(answer["completeness"]["accepted"][0]["region"], WITH_A_GAP, "{answer}");
}

#[test]
fn only_gaps_that_are_there_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let repository = with_a_gap(dir.path());
    let file = dir.path().join("cut.json");
    let (_, answer) = report(&arguments(&repository, "end"));
    fs::write(&file, answer.to_string()).unwrap();
    let other = arguments(&repository, "time:1795232954645");
    let ran = tidegate([other, vec!["--accept-gaps", text(&file)]].concat()).with(4);
    assert!(ran.err.contains("another cut"), "{}", ran.err);
    for (named, code, says) in [
        ("", 2, "does not name a gap"),
        ("4-5", 2, "does not name a gap"),
        (WITH_A_GAP, 2, "does not name a gap"),
        ("no/such/file", 1, "there is no such file"),
        (&format!("{WITH_A_GAP}:4-4"), 3, "is not a gap of this cut"),
        (&format!("{WITH_A_GAP}:1-999999"), 3, "is not a gap of this cut"),
        (&format!("{WITH_A_GAP}:4-5,{WITH_A_GAP}:7-8"), 3, "7-8 is not a gap of this cut"),
        (&format!("{SPLIT}:1-2"), 3, "is not a gap of this cut"),
    ] {
        let ran = cut(&repository, "end", &["--accept-gaps", named]);
        assert_eq!(ran.code, code, "{named:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{named:?}: {}", ran.err);
    }
}

#[test]
fn what_was_accepted_stands_in_the_image_and_is_reported_of_every_cut_on_top() {
    let dir = tempfile::tempdir().unwrap();
    let repository = with_a_gap(dir.path());
    let named = format!("{WITH_A_GAP}:4-5");
    let (from, until) = (text(&repository), "time:1795232954645");
    let base = [
        "restore",
        "--from",
        from,
        "--snapshot",
        "orders-before",
        "--until",
        until,
        "--to",
        from,
        "--as",
        "early",
    ];
    tidegate([&base[..], &["--accept-gaps", &named]].concat()).with(0);
    let image = files_below(&repository).into_iter().find(|path| {
        path.ends_with("image.json") && fs::read_to_string(path).unwrap().contains("accepted_gaps")
    });
    let image: Value = serde_json::from_slice(&fs::read(image.unwrap()).unwrap()).unwrap();
    assert_eq!(image["cut"]["accepted_gaps"], json!([named]), "{image}");
    assert_eq!((&image["cut"]["until"], &image["cut"]["proved"]), (&until.into(), &false.into()), "{image}");
    let next = ["cut", "--from", from, "--snapshot", "early", "--until", "end"];
    let answer = tidegate(next).with(3);
    assert!(answer.err.contains(&format!("restored with the gap {named} accepted")), "{}", answer.err);
    let (_, again) = report(&[&next[..], &["--accept-gaps", &named]].concat());
    assert_eq!(
        (&again["outcome"], &again["completeness"]["proved"]),
        (&"done".into(), &false.into()),
        "{again}"
    );
    assert_eq!(again["bases"][0]["accepted_gaps"], json!([named]), "{again}");
    // It stays with whatever is made of it.
    let elsewhere = tempfile::tempdir().unwrap();
    let restore = |base: &str, until: &str, name: &str, more: &[&str]| {
        let of =
            ["restore", "--from", from, "--snapshot", base, "--until", until, "--to", from, "--as", name];
        tidegate([&of[..], more].concat())
    };
    restore("early", "end", "later", &["--accept-gaps", &named]).with(0);
    let alone = restore("early", "snapshot", "alone", &[]).with(3);
    assert!(alone.err.contains("accepted"), "{}", alone.err);
    let to = text(elsewhere.path());
    let export = tidegate(["export", "--from", from, "--snapshot", "early", "--to", to]).with(0);
    assert!(
        export.err.contains("accepted") || export.out.contains("accepted"),
        "{} {}",
        export.out,
        export.err
    );
    for (root, name) in [(from, "later"), (from, "alone"), (to, "early")] {
        let cut = ["cut", "--from", root, "--snapshot", name, "--until", "snapshot"];
        let answer = tidegate(cut).with(3);
        assert!(
            answer.err.contains(&format!("restored with the gap {named} accepted")),
            "{name}: {}",
            answer.err
        );
    }
}

/// A gap that nobody accepted makes a restored snapshot no better base than one that somebody did.
#[test]
fn a_snapshot_that_was_restored_with_a_gap_is_proved_by_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let repository = with_a_gap(dir.path());
    let from = text(&repository);
    let base = ["restore", "--from", from, "--snapshot", "orders-before", "--until", "end"];
    tidegate([&base[..], &["--to", from, "--as", "gappy"]].concat()).with(3);
    for until in ["end", "snapshot"] {
        let (code, answer) = report(&["cut", "--from", from, "--snapshot", "gappy", "--until", until]);
        assert_eq!((code, &answer["completeness"]["proved"]), (3, &false.into()), "{answer}");
        let open = answer["bases"][0]["unproved"].to_string();
        assert!(open.contains(&format!("{WITH_A_GAP}:4-5 is ambiguous")), "{answer}");
    }
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Scripts read these: a name is never taken away or given another meaning.
#[test]
fn the_fields_of_a_certificate_are_the_documented_ones() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let answer = certificate(&repository, "end");
    let expect = |value: &Value, names: &str| assert_eq!(fields(value), names.split_whitespace().collect());
    expect(
        &answer,
        "assumptions bases clock command completeness declared from frontier outcome problem_count problems \
         regions replay sequences until without_files",
    );
    expect(&answer["bases"][0], "files image kind regions snapshot table");
    expect(&answer["declared"], "given in_files outside trimmed");
    expect(&answer["completeness"], "ambiguous explained findings gaps missing proved unlogged");
    let gaps = tempfile::tempdir().unwrap();
    let gap = report(&arguments(&with_a_gap(gaps.path()), "end")).1;
    expect(&gap["completeness"]["gaps"][0], "cause class first last region");
    expect(&answer["frontier"], "groups held_by time_ms");
    expect(&answer["frontier"]["groups"][0], "because group newest until_ms");
    expect(&answer["replay"], "batches bulk_files entries regions");
    expect(&answer["regions"][0], "covered entries_in entries_out known last region relation table");
    expect(&answer["without_files"][0], "after family from region");
    let bounded = report(&[arguments(&repository, "end"), vec!["--clock-bound", "50ms"]].concat()).1;
    assert_eq!(bounded["clock"], "bounded");
    expect(&bounded["bounded"], "uncertain_in uncertain_out undated_regions");
}

#[test]
fn each_kind_of_cut_is_where_it_should_be() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let snapshot = certificate(&repository, "snapshot");
    assert_eq!(
        (&snapshot["replay"]["entries"], &snapshot["completeness"]["proved"]),
        (&0.into(), &true.into())
    );
    let end = certificate(&repository, "end");
    assert_eq!((&end["until"], &end["replay"]["entries"]), (&"end".into(), &212.into()));

    // A label is a quiet moment: where HBase's read points are, there is the cut.
    let points = read_points("m1");
    let at = |answer: &Value, region: &str| answer["sequences"][region].as_u64();
    let known = |answer: &Value| {
        let regions = answer["regions"].as_array().unwrap().iter();
        regions
            .map(|region| (region["region"].as_str().unwrap().to_owned(), region["known"].as_u64().unwrap()))
            .collect::<BTreeMap<_, _>>()
    };
    let known = known(&end);
    let file = dir.path().join("sequences.json");
    fs::write(&file, json!(points).to_string()).unwrap();
    let sequences = format!("sequences:{}", text(&file));
    let marker = format!("marker:{}", text(&fixture("markers/m1.json")));
    for until in [sequences.as_str(), &marker, "time:1795232954731", "time:2026-11-21T03:49:14.731Z"] {
        let answer = certificate(&repository, until);
        assert_eq!(answer["replay"]["entries"], 100, "{until}: {answer}");
        for (region, point) in points.iter().filter(|(region, _)| known.contains_key(*region)) {
            assert_eq!(at(&answer, region), Some(*point), "{until}: {region}");
        }
        assert_eq!(at(&answer, SPLIT), Some(known[SPLIT]), "{until}: the parent of a split is in whole");
    }
    // The same by name, once the marker is in the repository; and a report's ids are a cut again.
    let markers = repository.join(".tidegate/markers");
    fs::create_dir_all(&markers).unwrap();
    fs::copy(fixture("markers/m1.json"), markers.join("m1.json")).unwrap();
    let named = certificate(&repository, "marker:m1");
    assert_eq!(named["replay"]["entries"], 100);
    fs::write(&file, named.to_string()).unwrap();
    assert_eq!(certificate(&repository, &sequences)["sequences"], named["sequences"]);
}

struct Case {
    name: &'static str,
    /// What is done to the repository; the cut that is asked for.
    asks: fn(&Path) -> String,
    code: i32,
    says: &'static [&'static str],
}

/// A document beside the repository, as `kind:FILE`.
fn document(repository: &Path, kind: &str, content: &str) -> String {
    let file = repository.parent().unwrap().join("document.json");
    fs::write(&file, content).unwrap();
    format!("{kind}:{}", text(&file))
}

/// The tour's first marker, changed.
fn marker(repository: &Path, old: &str, new: &str) -> String {
    let original = fs::read_to_string(fixture("markers/m1.json")).unwrap();
    assert!(original.contains(old));
    document(repository, "marker", &original.replace(old, new))
}

const CASES: &[Case] = &[
    Case {
        name: "a time without an offset",
        asks: |_| "time:2026-11-20T10:00:00".into(),
        code: 2,
        says: &["2026-11-20T10:00:00Z (its offset, too)"],
    },
    Case { name: "a day", asks: |_| "time:2026-11-20".into(), code: 2, says: &["is not a time", "offset"] },
    Case { name: "no time", asks: |_| "time:".into(), code: 2, says: &["is not a time"] },
    Case { name: "another word", asks: |_| "yesterday".into(), code: 2, says: &["snapshot, marker:NAME"] },
    Case { name: "a marker without a name", asks: |_| "marker:".into(), code: 2, says: &["marker:NAME"] },
    Case {
        name: "a time before the snapshot",
        asks: |_| "time:2020-11-20T10:00:00Z".into(),
        code: 4,
        says: &[
            "cannot be rolled back",
            "hint:",
            "the earliest possible cut is --until time:179523294",
            "older snapshot",
        ],
    },
    Case {
        name: "ids before the snapshot",
        asks: |repository| document(repository, "sequences", "{\"a01b235696b53159bbecd8de233807e5\": 10}"),
        code: 4,
        says: &["region a01b235696b53159bbecd8de233807e5: cut at 10", "files hold entries up to", "hint:"],
    },
    Case {
        name: "a time beyond what was read",
        asks: |_| "time:2100-01-01T00:00:00Z".into(),
        code: 4,
        says: &[
            "beyond what has been read",
            "hint:",
            "the latest cut possible is --until time:",
            "--until end",
        ],
    },
    Case {
        name: "a marker that is not there",
        asks: |_| "marker:nothing".into(),
        code: 1,
        says: &[".tidegate/markers/nothing.json", "there is no such marker", "hint:"],
    },
    Case {
        name: "a file of a marker that is not there",
        asks: |_| "marker:/nowhere/m1.json".into(),
        code: 1,
        says: &["reading the marker", "/nowhere", "hint:"],
    },
    Case {
        name: "ids in a file that is not there",
        asks: |_| "sequences:/nowhere/ids".into(),
        code: 1,
        says: &["reading the sequence ids", "/nowhere", "hint:"],
    },
    Case {
        name: "a marker that is no JSON",
        asks: |repository| document(repository, "marker", "{"),
        code: 1,
        says: &["document.json", "hint:"],
    },
    Case {
        name: "a marker of a later version",
        asks: |repository| marker(repository, "\"version\": 1", "\"version\": 7"),
        code: 1,
        says: &["version 7", "hint:"],
    },
    Case {
        name: "a marker whose servers are unknown",
        asks: |repository| marker(repository, "localhost", "elsewhere"),
        code: 4,
        says: &[
            "WAL elsewhere%2C34621%2C1795232934330.1795232954719, which the roll opened, is not there",
            "server localhost,34621,1795232934330 was started before the marker",
            "hint: take the marker again",
            "cannot be rolled back",
        ],
    },
    Case {
        name: "a marker with one more server",
        asks: |repository| {
            let more =
                "\"servers\": {\"elsewhere,1,2\": {\"opened\": [\"elsewhere%2C1%2C2.1795232954719\"]},";
            marker(repository, "\"servers\": {", more)
        },
        code: 3,
        says: &["WAL elsewhere%2C1%2C2.1795232954719, which the roll opened, is not there", "hint:"],
    },
    Case {
        name: "a marker that does not list a server that lived",
        asks: |repository| marker(repository, "localhost,34621", "localhost,34622"),
        code: 4,
        says: &[
            "server localhost,34621,1795232934330 was started before the marker",
            "hint: take the marker again",
        ],
    },
    Case {
        name: "ids of a region that is none",
        asks: |repository| document(repository, "sequences", "{\"../x\": 10}"),
        code: 2,
        says: &["document.json", "../x"],
    },
    Case {
        name: "ids that are no numbers",
        asks: |repository| document(repository, "sequences", "{\"a01b235696b53159bbecd8de233807e5\": -1}"),
        code: 1,
        says: &["document.json", "hint:"],
    },
    Case {
        name: "nothing has been converted",
        asks: |repository| {
            fs::remove_dir_all(repository.join(".tidegate/batches")).unwrap();
            "end".into()
        },
        code: 1,
        says: &["nothing has been converted yet", "hint:", "tidegate convert"],
    },
    Case {
        name: "no repository",
        asks: |repository| {
            fs::remove_dir_all(repository).unwrap();
            "end".into()
        },
        code: 1,
        says: &["does not exist", "hint:"],
    },
];

#[test]
fn what_cannot_be_cut_is_reported_with_what_can() {
    let mut wrong = Vec::new();
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        let repository = repository(dir.path());
        let until = (case.asks)(&repository);
        let ran = cut(&repository, &until, &[]);
        let said = format!("{}{}", ran.out, ran.err);
        if ran.code != case.code {
            wrong.push(format!("{}: ended with {}: {said}", case.name, ran.code));
        }
        let unsaid = case.says.iter().filter(|text| !said.contains(**text));
        wrong.extend(unsaid.map(|text| format!("{}: no {text:?} in {said}", case.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// One id of `topology-1` was taken by a SKIP_WAL write at the border of two WALs: the older one was written to until the newer
/// one was opened.
#[test]
fn the_golden_sets_have_no_ambiguous_gap() {
    for set in golden_sets("the_golden_sets_have_no_ambiguous_gap") {
        let (root, out) = (set.join("root"), tempfile::tempdir().unwrap());
        let from = text(out.path());
        tidegate(["convert", "--from", text(&root), "--to", from]);
        for snapshot in fs::read_dir(root.join(".hbase-snapshot")).unwrap() {
            let snapshot = snapshot.unwrap().file_name().into_string().unwrap();
            if snapshot.starts_with('.') {
                continue;
            }
            tidegate(["export", "--from", text(&root), "--snapshot", &snapshot, "--to", from]).with(0);
            let (code, answer) = report(&["cut", "--from", from, "--snapshot", &snapshot, "--until", "end"]);
            let said = format!("{}, {snapshot}: {}", set.display(), answer["problems"]);
            // Some snapshots are from before a family was added: nothing is missing, and its cells can be put nowhere.
            let mut problems = answer["problems"].as_array().unwrap().iter();
            let of_family = |problem: &Value| problem["what"].as_str().unwrap().contains("cells of family");
            assert!(problems.all(of_family), "{said}");
            let ended = if answer["problem_count"] == 0 { 0 } else { 3 };
            assert_eq!((code, &answer["completeness"]["proved"]), (ended, &true.into()), "{said}");
        }
    }
}
