use crate::support::{cell, context, cut, golden_sets, json_lines, meta, objects, repository};
use cuts::Until;
use jobs::replay::{ReplayOptions, ReplayReport, Target};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn replay(repository: &Path, snapshot: &str, to: Target) -> Result<ReplayReport, stage::Failure> {
    let options = ReplayOptions { cut: cut(repository, snapshot, Until::End), to, hex: false };
    // Counted from files, and looked at from an object store.
    let report = match options.to {
        Target::Null => jobs::replay::run(&options, &context()),
        _ => jobs::replay::run_in(&objects(repository), &options, &context()),
    };
    report.map(|report| report.result).map_err(|stopped| stopped.failure)
}

/// HBase's own reader's entries, markers left out, by region and id.
fn truth(set: &Path) -> BTreeMap<(String, u64), Vec<Value>> {
    let text = std::fs::read_to_string(set.join("truth/wal.jsonl")).unwrap();
    let entries = json_lines(&text).filter(|line| line.get("cells").is_some());
    let of = |line: Value| {
        let cells: Vec<Value> = line["cells"].as_array().unwrap().clone();
        let is_data = cells.iter().all(|cell| cell["family"] != "METAFAMILY");
        let key = (line["region"].as_str()?.to_owned(), line["seq"].as_u64()?);
        is_data.then_some((key, cells))
    };
    entries.filter_map(of).collect()
}

/// Each entry is HBase's, once, in the order of its region, and none is left out that comes after the snapshot.
#[test]
fn the_stream_is_every_entry_after_the_snapshot_once() {
    let (mut entries, mut cells, mut duplicates) = (0, 0, 0);
    for set in golden_sets("replay") {
        let repository = repository(&set);
        let truth = truth(&set);
        let mut tables = BTreeSet::new();
        for snapshot in meta(&set)["snapshots"].as_array().unwrap() {
            let (name, table) = (snapshot["name"].as_str().unwrap(), snapshot["table"].as_str().unwrap());
            if !tables.insert(table.to_owned()) {
                continue;
            }
            let what = format!("{} {name}", set.display());
            let file = repository.path().join(format!("{table}.jsonl"));
            let to = Target::JsonLines(file.to_str().unwrap().to_owned());
            let report = replay(repository.path(), name, to.clone())
                .unwrap_or_else(|failure| panic!("{what}: {failure}"));
            let counted = replay(repository.path(), name, Target::Null).unwrap();
            assert_eq!((counted.entries, counted.cells), (report.entries, report.cells), "{what}");
            let refused = replay(repository.path(), name, to).unwrap_err();
            assert_eq!(refused.exit_code(), 4, "{what}: {refused}");
            let mut last: BTreeMap<String, u64> = BTreeMap::new();
            let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
            for line in json_lines(&std::fs::read_to_string(&file).unwrap()) {
                let key = (line["region"].as_str().unwrap().to_owned(), line["sequence"].as_u64().unwrap());
                assert!(last.get(&key.0).is_none_or(|last| *last < key.1), "{what}: {key:?} out of order");
                if last.insert(key.0.clone(), key.1).is_none() {
                    order.push(key.0.clone());
                }
                let found: Vec<_> = line["cells"].as_array().unwrap().iter().map(cell).collect();
                let theirs: Vec<_> = truth[&key].iter().map(cell).collect();
                // An entry with families of different starts may come in part.
                assert!(found == theirs || found.iter().all(|cell| theirs.contains(cell)), "{what}: {key:?}");
                cells += found.len();
                seen.insert(key);
            }
            assert_eq!(seen.len() as u64, report.entries, "{what}");
            let starts: BTreeMap<&str, u64> =
                seen.iter().rev().map(|(region, sequence)| (region.as_str(), *sequence)).collect();
            for (region, first) in starts {
                let behind = truth.keys().filter(|(of, sequence)| of == region && *sequence >= first);
                assert!(behind.into_iter().all(|key| seen.contains(key)), "{what}: {region} has a hole");
            }
            entries += seen.len();
            duplicates += report.duplicates;
        }
    }
    eprintln!(
        "{entries} entries, {cells} cells as HBase's reader gives them; {duplicates} cells were there twice"
    );
}
