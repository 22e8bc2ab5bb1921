use cuts::{Base, CutOptions, Until};
use fixtures::sim::{
    Cluster, Entry, FileOf, Reading, SimSnapshot, StoredCell, TableCell, Vector, raw_cells, visible_cells,
};
use jobs::Context;
use jobs::convert::{ConvertOptions, ConvertReport, run_between};
use jobs::cut::CutReport;
use jobs::scan::{CellForm, ScanOptions, Shown};
use runtime::Cancel;
use serde_json::Value;
use stage::{Report, Stopped};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use store::{MemoryStore, Store, StorePath};

pub fn context(cluster: &Cluster) -> Context {
    Context {
        cancel: Cancel::new(),
        progress: Arc::new(()),
        memory: 64 << 20,
        cpu_workers: 1,
        now_ms: (cluster.ended / 1000) as i64 + 1,
        started: Instant::now(),
    }
}

/// Converts a root's WALs, into the root itself.
pub fn converted(cluster: &Cluster, store: &Arc<dyn Store>) -> Report<ConvertReport> {
    let options = ConvertOptions {
        from: "memory:/".into(),
        wal_root: None,
        to: "memory:/".into(),
        tables: Vec::new(),
        workers: 1,
        allow_clear_text: false,
        copied_at_ms: None,
        dry_run: false,
    };
    run_between(&options, Arc::clone(store), None, store, &context(cluster)).unwrap()
}

/// The same; nothing is wrong with it but the torn ends that killed servers left.
pub fn convert(cluster: &Cluster, store: &Arc<dyn Store>, what: &str) {
    let report = converted(cluster, store);
    let torn = cluster.wals.iter().filter(|wal| wal.torn.is_some()).count();
    let mut problems: Vec<String> = report.problems.kept().iter().map(ToString::to_string).collect();
    let all = problems.len();
    problems.retain(|problem| !problem.contains("ends within an entry"));
    assert_eq!(problems, Vec::<String>::new(), "{what}");
    assert_eq!(all, torn, "{what}: torn WALs");
}

pub fn cut_options(from: &str, snapshot: &str, until: Until) -> CutOptions {
    CutOptions {
        from: from.to_owned(),
        bases: vec![Base::Snapshot(snapshot.to_owned())],
        until,
        dependencies: None,
        clock_bound_ms: None,
        clocks: None,
        leave_out_families: false,
        accept_gaps: None,
        workers: 1,
    }
}

/// What is asked of a history: marks, times, everything.
pub fn untils(cluster: &Cluster, random: &mut fixtures::Random) -> Vec<Until> {
    let rolls = cluster.rolls.iter().filter(|roll| roll.at > 0);
    let mut untils: Vec<Until> = rolls.map(|roll| Until::Marker(roll.name.clone())).take(2).collect();
    for _ in 0..3 {
        let length = cluster.ended - cluster.began;
        untils.push(Until::Time(((cluster.began + length / 3 + random.below(length)) / 1000) as i64));
    }
    untils.extend([Until::End, Until::Snapshot]);
    untils
}

/// The cut that is made, by region; or nothing if it is refused.
pub fn certified(
    cluster: &Cluster,
    store: &Arc<dyn Store>,
    options: &CutOptions,
    what: &str,
) -> Option<(Vector, CutReport)> {
    match jobs::cut::run_in(store, options, &context(cluster)) {
        Ok(Report { result: report, problems, .. }) => {
            let mut problems: Vec<String> = problems.kept().iter().map(ToString::to_string).collect();
            // By a clock that is slow a server started before a marker was made that came first.
            problems.retain(|problem| !problem.contains("was started before the marker"));
            assert_eq!(problems, Vec::<String>::new(), "{what}");
            let names = cluster.region_names();
            let last = report.sequences.iter().filter_map(|(name, last)| Some((*names.get(name)?, *last)));
            Some((last.collect(), report))
        }
        Err(Stopped { failure, .. }) => {
            assert_eq!(failure.kind, stage::FailureKind::Refused, "{what}: {failure:?}");
            None
        }
    }
}

/// What the table holds, raw and visible; `None` if the snapshot's files hold more than the cut.
pub struct Truth {
    pub raw: Vec<TableCell>,
    pub visible: Vec<TableCell>,
}

pub fn truth(cluster: &Cluster, snapshot: &SimSnapshot, until: &Until, vector: &Vector) -> Truth {
    let cells: BTreeSet<StoredCell> = match until {
        Until::Snapshot => cluster.in_files(snapshot).into_keys().collect(),
        _ => {
            let ideal =
                cluster.ideal(&Reading::at_end(cluster), |file, entry| holds(cluster, until, file, entry));
            let loads =
                cluster.loads_given_again(snapshot.table, &ideal).flat_map(|load| cluster.stored(load));
            cluster.restored(snapshot, vector).unwrap().into_iter().chain(loads).collect()
        }
    };
    let raw = raw_cells(&cells);
    let visible = visible_cells(&raw, cluster.tables[snapshot.table].versions);
    Truth { raw, visible }
}

/// Whether an entry is in what was asked for.
pub fn holds(cluster: &Cluster, until: &Until, file: FileOf, entry: &Entry) -> bool {
    match until {
        Until::Time(time_ms) => entry.write_time <= *time_ms,
        Until::Marker(name) => {
            cluster.rolls.iter().any(|roll| roll.name == *name && cluster.is_before(roll, file))
        }
        _ => true,
    }
}

/// A scan's cells as lines.
pub fn scan(
    cluster: &Cluster,
    store: &Arc<dyn Store>,
    cut: CutOptions,
    shown: Shown,
    what: &str,
) -> Vec<String> {
    let options = ScanOptions {
        cut,
        table: None,
        shown,
        row: None,
        prefix: None,
        family: None,
        limit: None,
        now_ms: None,
        form: CellForm { table: false, sequence: true, hex: false },
        dictionaries: Vec::new(),
    };
    let mut out = Vec::new();
    let report = jobs::scan::run_in(store, &options, &context(cluster), &mut out);
    report.unwrap_or_else(|stopped| panic!("{what}: {:?}", stopped.failure));
    String::from_utf8(out).unwrap().lines().map(without_stored).collect()
}

/// The id as it is stored is nobody's business.
pub fn without_stored(line: &str) -> String {
    let mut cell: Value = serde_json::from_str(line).unwrap();
    cell.as_object_mut().unwrap().remove("stored_seq");
    cell.to_string()
}

pub fn lines(cells: &[TableCell]) -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let line = |TableCell { cell, sequence }: &TableCell| {
        serde_json::json!({
            "row": hex(&cell.row),
            "family": cell.family,
            "qualifier": hex(&cell.qualifier),
            "ts": cell.timestamp,
            "type": cell.cell_type.name(),
            "value": hex(&cell.value),
            "seq": sequence,
        })
        .to_string()
    };
    cells.iter().map(line).collect()
}

pub fn assert_same(ours: &[String], truth: &[TableCell], what: &str) {
    let truth = lines(truth);
    let missing: Vec<_> = truth.iter().filter(|line| !ours.contains(line)).collect();
    let surplus: Vec<_> = ours.iter().filter(|line| !truth.contains(line)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "{what}: missing {missing:#?}, surplus {surplus:#?}");
    assert_eq!(ours, truth, "{what}: the order");
}

/// The root at the very end, with the times that its files would have.
pub fn put(cluster: &Cluster, store: &MemoryStore) {
    let reading = Reading::at_end(cluster);
    let modified = cluster.modified(&reading);
    for (path, bytes) in cluster.root_files(&reading) {
        let at = StorePath::parse(&path).unwrap();
        match modified.get(&path).copied().filter(|_| !cluster.packed) {
            Some(modified_ms) => store.insert_modified(&at, bytes, modified_ms).unwrap(),
            None => store.insert(&at, bytes).unwrap(),
        }
    }
}
