//! `--dependencies`: chains of writes that a real cluster acknowledged one after the other, and cuts in the middle of them.

use crate::support::{report, shared, text, tidegate};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Event = (String, u64);

struct Chains {
    /// Cause and effect, as edits and as entries.
    pairs: Vec<(Value, Value, Event, Event)>,
    /// The WALs that hold an entry.
    files: BTreeMap<Event, BTreeSet<String>>,
}

fn lines(path: &Path) -> impl Iterator<Item = Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>().into_iter()
}

/// What HBase's own reader gave: the entry that put a column, and the files it is in.
fn chains(set: &Path) -> Chains {
    let (mut entries, mut files) = (BTreeMap::new(), BTreeMap::<Event, BTreeSet<String>>::new());
    let mut file = String::new();
    for line in lines(&set.join("truth/wal.jsonl")) {
        if let Some(path) = line["file"].as_str() {
            file = path.rsplit('/').next().unwrap().to_owned();
        }
        let Some(sequence) = line["seq"].as_u64() else { continue };
        let event = (line["region"].as_str().unwrap().to_owned(), sequence);
        files.entry(event.clone()).or_default().insert(file.clone());
        for cell in line["cells"].as_array().unwrap() {
            let column = (line["table"].to_string(), cell["row"].to_string(), cell["qualifier"].to_string());
            entries.insert(column, event.clone());
        }
    }
    let (mut nodes, mut pairs) = (BTreeMap::new(), Vec::new());
    for node in lines(&set.join("events.jsonl")) {
        let column = (node["table"].to_string(), node["row"].to_string(), node["qualifier"].to_string());
        let edit = json!({
            "table": node["table"], "row": node["row"], "family": node["family"], "qualifier": node["qualifier"]
        });
        let this = (edit, entries[&column].clone());
        for cause in node["deps"].as_array().unwrap() {
            let (edit, event): &(Value, Event) = &nodes[&cause.as_u64().unwrap()];
            pairs.push((edit.clone(), this.0.clone(), event.clone(), this.1.clone()));
        }
        nodes.insert(node["n"].as_u64().unwrap(), this);
    }
    Chains { pairs, files }
}

impl Chains {
    fn without_cause(&self, is_in: impl Fn(&Event) -> bool) -> usize {
        let broken =
            self.pairs.iter().filter(|(_, _, cause, effect)| is_in(effect) && !is_in(cause)).map(|of| &of.3);
        broken.collect::<BTreeSet<_>>().len()
    }

    /// HBase's own way: every entry of a WAL older than the one that the roll opened on its server.
    fn is_in_rolled(&self, event: &Event, marker: &Value) -> bool {
        let servers = marker["servers"].as_object().unwrap().values();
        let opened: Vec<&str> = servers
            .flat_map(|of| of["opened"].as_array().unwrap())
            .map(|wal| wal.as_str().unwrap())
            .collect();
        self.files[event].iter().any(|file| {
            let group = file.rsplit_once('.').unwrap().0;
            opened.iter().any(|wal| wal.starts_with(group) && file.as_str() < *wal)
        })
    }
}

fn cut(repository: &Path, marker: &Path, dependencies: Option<&Path>) -> (i32, Value) {
    let until = format!("marker:{}", text(marker));
    let mut arguments = vec![
        "cut",
        "--from",
        text(repository),
        "--snapshot",
        "s1-ca",
        "--snapshot",
        "s1-cb",
        "--until",
        &until,
    ];
    arguments.extend(dependencies.iter().flat_map(|file| ["--dependencies", text(file)]));
    report(&arguments)
}

fn is_in(report: &Value, event: &Event) -> bool {
    report["sequences"][&event.0].as_u64().is_some_and(|last| event.1 <= last)
}

#[test]
fn an_effect_is_never_in_without_its_declared_cause() {
    let Some(golden) = shared("golden", "an_effect_is_never_in_without_its_declared_cause") else { return };
    let set = golden.join("causal-1");
    let chains = chains(&set);
    let dir = tempfile::tempdir().unwrap();
    let (repository, all, less) =
        (dir.path().join("backup"), dir.path().join("all.jsonl"), dir.path().join("less.jsonl"));
    let root = set.join("root");
    for snapshot in ["s1-ca", "s1-cb"] {
        tidegate(["export", "--from", text(&root), "--snapshot", snapshot, "--to", text(&repository)])
            .with(0);
    }
    tidegate(["convert", "--from", text(&root), "--to", text(&repository)]).with(0);
    fs::write(&all, declared_lines(&chains.pairs)).unwrap();
    for (name, theirs) in [("m1", 12), ("m2", 26), ("m3", 15)] {
        let marker = set.join("markers").join(format!("{name}.json"));
        let document: Value = serde_json::from_slice(&fs::read(&marker).unwrap()).unwrap();
        let rolled = chains.without_cause(|event| chains.is_in_rolled(event, &document));
        assert_eq!(rolled, theirs, "HBase's own cut at {name}");
        let (_, untrimmed) = cut(&repository, &marker, None);
        let (code, trimmed) = cut(&repository, &marker, Some(&all));
        let (before, after) = (
            chains.without_cause(|event| is_in(&untrimmed, event)),
            chains.without_cause(|event| is_in(&trimmed, event)),
        );
        eprintln!(
            "{name}: effects without their cause: HBase's roll cut {rolled}, prefixes {before}, with --dependencies {after} ({})",
            trimmed["declared"]
        );
        let declared = &trimmed["declared"];
        assert_eq!(declared["given"], chains.pairs.len(), "{trimmed}");
        assert!(after as u64 <= declared["in_files"].as_u64().unwrap(), "{declared}");
        assert_eq!(code, if declared["in_files"] == 0 { 0 } else { 3 }, "{}", trimmed["problems"]);
        assert_eq!((after, before > 0), (0, true), "{name}");

        // The first effect that was taken out, no longer declared, is back without its cause, or others with it.
        let kept: Vec<_> = (chains.pairs.iter())
            .filter(|(.., cause, effect)| !is_in(&untrimmed, effect) || is_in(&untrimmed, cause))
            .cloned()
            .collect();
        assert!(kept.len() < chains.pairs.len());
        fs::write(&less, format!("\n{}", declared_lines(&kept))).unwrap();
        let (_, control) = cut(&repository, &marker, Some(&less));
        assert!(
            chains.without_cause(|event| is_in(&control, event)) > 0,
            "the control of {name} is not noticed"
        );
    }
}

fn declared_lines(of: &[(Value, Value, Event, Event)]) -> String {
    of.iter().map(|(cause, effect, ..)| format!("{}\n", json!({"cause": cause, "effect": effect}))).collect()
}

#[test]
fn a_file_of_dependencies_that_is_none_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let (root, repository) = (crate::support::tour(), dir.path().join("backup"));
    let arguments =
        ["export", "--from", text(&root), "--snapshot", "orders-before", "--to", text(&repository)];
    tidegate(arguments).with(0);
    tidegate(["convert", "--from", text(&root), "--to", text(&repository)]).with(0);
    let file = dir.path().join("dependencies.jsonl");
    let edit = |table: &str, row: &str| json!({"table": table, "row": row, "family": "d", "qualifier": "00"});
    let line = |cause: Value, effect: Value| format!("{}\n", json!({"cause": cause, "effect": effect}));
    let (known, hidden) = (edit("shop:orders", "6f30303030"), edit("customers", "63"));
    let asked = |text_of_file: &str| {
        fs::write(&file, text_of_file).unwrap();
        report(&[
            "cut",
            "--from",
            text(&repository),
            "--snapshot",
            "orders-before",
            "--until",
            "end",
            "--dependencies",
            text(&file),
        ])
    };
    for (lines, code, said) in [
        (format!("{}nonsense\n", line(known.clone(), known.clone())), 1, "line 2"),
        (line(edit("shop:orders", "6f3"), known.clone()), 2, "line 1"),
        (line(edit("no table", "6f"), known.clone()), 2, "line 1"),
    ] {
        let (ended, report) = asked(&lines);
        assert_eq!(ended, code, "{report}");
        assert!(report.to_string().contains(said), "{report}");
    }
    // In another table: nothing can be said. Not found at all: a problem.
    let (code, outside) = asked(&line(hidden, known.clone()));
    assert_eq!((code, &outside["declared"]["outside"]), (0, &json!(1)), "{outside}");
    let (code, nowhere) = asked(&line(edit("shop:orders", "ff"), known));
    assert_eq!(code, 3, "{nowhere}");
    assert!(nowhere["problems"].to_string().contains("in no WAL and in no file"), "{nowhere}");
    fs::remove_file(&file).unwrap();
    let gone = ["--dependencies", text(&file)];
    let arguments = ["cut", "--from", text(&repository), "--snapshot", "orders-before", "--until", "end"];
    assert_eq!(report(&[&arguments[..], &gone].concat()).0, 1);
}
