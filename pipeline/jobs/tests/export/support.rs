use fixtures::{Snapshot, Table, file_name, hfile};
use jobs::export::{ExportOptions, ExportReport, run_between};
use jobs::snapshot::{VerifyOptions, verify_in};
use jobs::{Attributes, Context, Level};
use runtime::Cancel;
use stage::{Report, Stopped};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use store::{Abilities, Fault, Faults, Faulty, Kind, MemoryStore, Record, Recording, Store, StorePath};

pub const CREATED_MS: i64 = 1_795_211_501_137;
pub const RANGE_LEN: u64 = 1 << 16;
pub const WORKERS: usize = 2;

/// A store in which nothing can be renamed, with directories.
pub const NO_RENAME: Abilities = Abilities {
    rename: false,
    exchange: false,
    append: true,
    conditional_put: true,
    read_unfinished: true,
    parallel_parts: true,
    directories: true,
    attributes: true,
    side_files: false,
};

/// A root with two snapshots of one table of two regions: `s1` has a file of several ranges and three short ones, and
/// `s2` has the same and one more. Half of the files are in `data`, half in `archive`.
pub fn source() -> MemoryStore {
    let store = MemoryStore::files();
    fill(&store);
    store
}

pub fn table() -> Table {
    Table::new("ns:t", 2)
}

/// Region, number and bytes of each file.
pub fn files() -> Vec<(usize, u64, Vec<u8>)> {
    let lengths = [(0, 200_000), (0, 9_000), (1, 30_000), (1, 12_000), (1, 8_000)];
    (1..).zip(lengths).map(|(number, (region, len))| (region, number, hfile(number, region, len))).collect()
}

pub fn place_of(number: u64) -> &'static str {
    if number.is_multiple_of(2) { "archive" } else { "data" }
}

fn fill(store: &MemoryStore) {
    let table = table();
    let mut listed = vec![Vec::new(), Vec::new()];
    let files = files();
    let last = files.len();
    for (at, (region, number, bytes)) in files.into_iter().enumerate() {
        if at + 1 == last {
            put_snapshot(store, &table, "s1", 0, &listed);
        }
        let name = file_name(number);
        listed[region].push((name.clone(), bytes.len() as u64));
        store.insert(&table.path(place_of(number), region, &name), bytes).unwrap();
    }
    put_snapshot(store, &table, "s2", 0, &listed);
    store.insert(&path("hbase.id"), b"not read".to_vec()).unwrap();
}

pub fn put_snapshot(store: &dyn Store, table: &Table, name: &str, ttl: i64, files: &[Vec<(String, u64)>]) {
    let snapshot = Snapshot { name: name.into(), created_ms: CREATED_MS, ttl, files: files.to_vec() };
    table.put_snapshot(store, &snapshot);
}

pub fn path(text: &str) -> StorePath {
    StorePath::parse(text).unwrap()
}

pub fn options(snapshot: &str) -> ExportOptions {
    ExportOptions {
        from: "memory:/source".into(),
        snapshot: snapshot.into(),
        to: "memory:/target".into(),
        target: None,
        overwrite: false,
        level: Level::Blocks,
        workers: WORKERS,
        bandwidth: None,
        attributes: Attributes::default(),
        reset_ttl: false,
        accept_holes: false,
        dry_run: false,
        resume: true,
        range_len: RANGE_LEN,
    }
}

pub fn context() -> Context {
    Context {
        cancel: Cancel::new(),
        progress: Arc::new(()),
        memory: 64 << 20,
        cpu_workers: 1,
        now_ms: CREATED_MS + 1_000,
        started: Instant::now(),
    }
}

/// Anything as a store that is shared.
pub fn shared(store: impl Store + 'static) -> Arc<dyn Store> {
    Arc::new(store)
}

pub fn export(
    options: &ExportOptions,
    source: &Arc<dyn Store>,
    target: &Arc<dyn Store>,
) -> Result<Report<ExportReport>, Stopped> {
    run_between(options, source, target, &context())
}

pub fn faulty(store: &MemoryStore, faults: impl IntoIterator<Item = Fault>) -> (Arc<dyn Store>, Arc<Faults>) {
    let all = Arc::new(Faults::default());
    faults.into_iter().for_each(|fault| all.add(fault));
    (shared(Faulty::new(shared(store.clone()), Arc::clone(&all))), all)
}

pub fn recorded(store: Arc<dyn Store>) -> (Arc<dyn Store>, Arc<Record>) {
    let record = Arc::new(Record::default());
    (shared(Recording::new(store, Arc::clone(&record))), record)
}

/// Every file of a store with its bytes.
pub fn tree(store: &dyn Store) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![StorePath::root()];
    while let Some(dir) = dirs.pop() {
        for entry in store::list_all(store, &dir).unwrap_or_default() {
            let path = dir.join(&entry.name).unwrap();
            match entry.metadata.kind {
                Kind::Directory => dirs.push(path),
                Kind::File => {
                    found.insert(path.to_string(), store::read_all(store, &path, u64::MAX).unwrap());
                }
            }
        }
    }
    found
}

/// What must be equal whoever made it and however often it was begun: everything but the repository's id, and what an
/// image says of its run and of the files' identities.
pub fn comparable(store: &dyn Store) -> BTreeMap<String, Vec<u8>> {
    let mut tree = tree(store);
    for (path, bytes) in &mut tree {
        if path.ends_with(".json") {
            let mut document: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            let fields = document.as_object_mut().unwrap();
            for field in ["id", "checksum", "run"] {
                fields.remove(field);
            }
            if let Some(files) = fields.get_mut("files") {
                files.as_object_mut().unwrap().remove("list_blake3");
            }
            *bytes = serde_json::to_vec(&document).unwrap();
        } else if path.ends_with(".parquet") {
            bytes.clear();
        }
    }
    tree
}

pub fn is_visible(store: &dyn Store, snapshot: &str) -> bool {
    store.metadata(&path(&format!(".hbase-snapshot/{snapshot}/data.manifest"))).is_ok()
}

/// Whether a snapshot is there and every file it names is, with every block.
pub fn verify(store: &Arc<dyn Store>, snapshot: &str) -> Result<(), String> {
    let options =
        VerifyOptions { from: String::new(), snapshot: snapshot.into(), level: Level::Blocks, workers: 1 };
    let report = verify_in(store, &options, &context()).map_err(|failure| failure.to_string())?;
    // A damaged image is reported, too; it says nothing about the snapshot.
    let of_snapshot =
        report.problems.kept().iter().filter(|problem| !problem.path.starts_with(".tidegate/images/"));
    let problems: Vec<String> = of_snapshot.map(ToString::to_string).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// If a reader can see the snapshot at all, it is whole.
pub fn never_half(store: &MemoryStore, snapshot: &str, when: &str) {
    if is_visible(store, snapshot) {
        verify(&shared(store.clone()), snapshot).unwrap_or_else(|wrong| panic!("{when}: seen, but {wrong}"));
    }
}
