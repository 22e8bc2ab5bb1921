use cuts::{Base, CutOptions, Until};
use jobs::Context;
use jobs::scan::{CellForm, ScanOptions, ScanReport, Shown};
use runtime::Cancel;
use serde_json::Value;
use sha2::{Digest, Sha256};
use stage::Report;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use store::{MemoryStore, Store, StorePath};
use tempfile::TempDir;

/// The golden sets, wherever they lie; none, visibly, if they do not.
pub fn golden_sets(test: &str) -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(beside, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(shared.join("golden")) else {
        eprintln!("SKIPPED: {test}: no golden sets in {} (TIDEGATE_SHARED)", shared.display());
        return Vec::new();
    };
    let mut sets: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|set| set.join("root").is_dir()).collect();
    sets.sort();
    sets
}

pub fn context() -> Context {
    Context {
        cancel: Cancel::new(),
        progress: Arc::new(()),
        memory: 64 << 20,
        cpu_workers: 1,
        now_ms: 1_795_300_000_000,
        started: Instant::now(),
    }
}

/// A cell as the truth gives it: a long value by its length and hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub row: String,
    pub family: String,
    pub qualifier: String,
    pub ts: i64,
    pub cell_type: String,
    pub value: String,
}

/// The value of a cell or event, long ones as the truth has them.
pub fn value_of(line: &Value) -> String {
    if let (Some(len), Some(hash)) = (line["vlen"].as_u64(), line["vsha256"].as_str()) {
        return format!("{len} {hash}");
    }
    let hex = line["value"].as_str().unwrap_or_default();
    if hex.len() <= 2048 {
        return hex.to_owned();
    }
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {hash}", bytes.len())
}

pub fn cell(line: &Value) -> Cell {
    let text = |name: &str| line[name].as_str().unwrap().to_owned();
    Cell {
        row: text("row"),
        family: text("family"),
        qualifier: text("qualifier"),
        ts: line["ts"].as_i64().unwrap(),
        cell_type: text("type"),
        value: value_of(line),
    }
}

pub fn json_lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

pub fn cells(text: &str) -> Vec<Cell> {
    json_lines(text).map(|line| cell(&line)).collect()
}

pub fn meta(set: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(set.join("meta.json")).unwrap()).unwrap()
}

pub fn cut(from: &Path, snapshot: &str, until: Until) -> CutOptions {
    CutOptions {
        from: from.to_str().unwrap().to_owned(),
        bases: vec![Base::Snapshot(snapshot.to_owned())],
        until,
        dependencies: None,
        clock_bound_ms: None,
        clocks: None,
        leave_out_families: false,
        accept_gaps: None,
        workers: 2,
    }
}

/// The files of a root as objects: a store without directories, renames and growing files. Made once of each.
pub fn objects(root: &Path) -> Arc<dyn Store> {
    static MADE: Mutex<BTreeMap<PathBuf, MemoryStore>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    let store = made.entry(root.to_owned()).or_insert_with(|| {
        let store = MemoryStore::objects();
        put_below(&store, root, &StorePath::root());
        store
    });
    Arc::new(store.clone())
}

fn put_below(store: &MemoryStore, dir: &Path, at: &StorePath) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let at = at.join(entry.file_name().to_str().unwrap()).unwrap();
        match entry.path().is_dir() {
            true => put_below(store, &entry.path(), &at),
            false => store.insert(&at, std::fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

pub fn scan(cut: CutOptions, shown: Shown, now_ms: i64) -> (Vec<Cell>, Report<ScanReport>) {
    let options = ScanOptions {
        cut,
        table: None,
        shown,
        row: None,
        prefix: None,
        family: None,
        limit: None,
        now_ms: Some(now_ms),
        form: CellForm::default(),
        dictionaries: Vec::new(),
    };
    let mut out = Vec::new();
    let report = jobs::scan::run(&options, &context(), &mut out);
    let report = report.unwrap_or_else(|stopped| panic!("{}", stopped.failure));
    let mut of_objects = Vec::new();
    let objects = objects(Path::new(&options.cut.from));
    jobs::scan::run_in(&objects, &options, &context(), &mut of_objects)
        .unwrap_or_else(|stopped| panic!("from objects: {}", stopped.failure));
    assert!(out == of_objects, "an object store shows other cells");
    (cells(&String::from_utf8(out).unwrap()), report)
}

/// A repository with every snapshot of a golden set, and its WALs converted.
pub fn repository(set: &Path) -> TempDir {
    let repository = tempfile::tempdir().unwrap();
    let to = repository.path().to_str().unwrap().to_owned();
    let from = set.join("root").to_str().unwrap().to_owned();
    for snapshot in meta(set)["snapshots"].as_array().unwrap() {
        let options = jobs::export::ExportOptions {
            from: from.clone(),
            snapshot: snapshot["name"].as_str().unwrap().to_owned(),
            to: to.clone(),
            target: None,
            overwrite: false,
            level: jobs::Level::List,
            workers: 2,
            bandwidth: None,
            attributes: jobs::Attributes::default(),
            reset_ttl: false,
            accept_holes: false,
            dry_run: false,
            resume: true,
            range_len: 64 << 20,
        };
        jobs::export::run(&options, &context()).unwrap_or_else(|stopped| panic!("{}", stopped.failure));
    }
    let options = jobs::convert::ConvertOptions {
        from,
        wal_root: None,
        to,
        tables: Vec::new(),
        workers: 2,
        allow_clear_text: false,
        copied_at_ms: None,
        dry_run: false,
    };
    jobs::convert::run(&options, &context()).unwrap_or_else(|stopped| panic!("{}", stopped.failure));
    repository
}
