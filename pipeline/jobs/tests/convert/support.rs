use formats::cell::{CellRef, CellType};
use formats::wal::{METAFAMILY, WalEncoder, WalHeader, WalKeyFields};
use jobs::Context;
use jobs::convert::{ConvertOptions, ConvertReport, run_between};
use runtime::Cancel;
use stage::{Report, Stopped};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use store::{Fault, Faults, Faulty, Kind, Publish, Record, Recording, Store, StorePath};

pub const SERVER: &str = "host%2C16020%2C1795214723178";
pub const SERVER_DIR: &str = "host,16020,1795214723178";
pub const REGIONS: [&str; 3] = [
    "0000000000000000000000000000000a",
    "0000000000000000000000000000000b",
    "0000000000000000000000000000000c",
];

pub fn path(text: &str) -> StorePath {
    StorePath::parse(text).unwrap()
}

pub fn options() -> ConvertOptions {
    ConvertOptions {
        from: "memory:/source".into(),
        wal_root: None,
        to: "memory:/target".into(),
        tables: Vec::new(),
        workers: 2,
        allow_clear_text: false,
        copied_at_ms: None,
        dry_run: false,
    }
}

pub fn context(memory: usize) -> Context {
    Context {
        cancel: Cancel::new(),
        progress: Arc::new(()),
        memory,
        cpu_workers: 2,
        now_ms: 1_795_214_800_000,
        started: Instant::now(),
    }
}

pub type Done = Result<Report<ConvertReport>, Stopped>;

pub fn convert(source: &Arc<dyn Store>, target: &Arc<dyn Store>) -> Done {
    run_between(&options(), Arc::clone(source), None, target, &context(64 << 20))
}

/// A store in which this goes wrong.
pub fn faulty(store: &Arc<dyn Store>, fault: Fault) -> Arc<dyn Store> {
    let faults = Faults::default();
    faults.add(fault);
    Arc::new(Faulty::new(Arc::clone(store), Arc::new(faults)))
}

/// A store that remembers what is done to it.
pub fn recorded(store: &Arc<dyn Store>) -> (Arc<dyn Store>, Arc<Record>) {
    let record = Arc::new(Record::default());
    (Arc::new(Recording::new(Arc::clone(store), Arc::clone(&record))), record)
}

pub fn put(store: &Arc<dyn Store>, at: &str, bytes: &[u8]) {
    store.put(&path(at), bytes, Publish::Replace).unwrap();
}

/// Where a WAL of the server lies while it is open.
pub fn live(created: u64) -> String {
    format!("WALs/{SERVER_DIR}/{SERVER}.{created}")
}

/// A WAL being made.
pub struct Wal {
    encoder: WalEncoder,
    pub bytes: Vec<u8>,
}

impl Wal {
    pub fn new(header: WalHeader) -> Self {
        let encoder = WalEncoder::new(header, false).unwrap();
        let mut bytes = Vec::new();
        encoder.encode_header(&mut bytes);
        Self { encoder, bytes }
    }

    pub fn plain() -> Self {
        Self::new(WalHeader::plain())
    }

    fn entry(&mut self, table: &str, region: &str, sequence: u64, cells: &[CellRef<'_>]) {
        let key = WalKeyFields {
            region: region.as_bytes(),
            table: table.as_bytes(),
            sequence,
            write_time: 1_795_214_730_000 + sequence as i64,
            ..WalKeyFields::default()
        };
        self.encoder.encode_entry(&key, cells, &mut self.bytes).unwrap();
    }

    /// Two cells, named by region and id.
    pub fn put(&mut self, table: &str, region: &str, sequence: u64) -> &mut Self {
        self.put_value(table, region, sequence, format!("value {sequence}").as_bytes())
    }

    pub fn put_value(&mut self, table: &str, region: &str, sequence: u64, value: &[u8]) -> &mut Self {
        let row = format!("row{sequence:06}");
        let cell = |qualifier: &'static [u8]| CellRef {
            row: row.as_bytes(),
            family: b"f",
            qualifier,
            timestamp: 1_795_214_730_000,
            cell_type: CellType::Put,
            value,
            tags: b"",
            sequence,
        };
        self.entry(table, region, sequence, &[cell(b"q1"), cell(b"q2")]);
        self
    }

    /// A cell of any kind.
    pub fn cell(&mut self, table: &str, region: &str, sequence: u64, cell: CellRef<'_>) -> &mut Self {
        self.entry(table, region, sequence, &[CellRef { sequence, ..cell }]);
        self
    }

    /// A marker with this descriptor.
    pub fn marker(&mut self, region: &str, sequence: u64, qualifier: &[u8], value: &[u8]) -> &mut Self {
        let cell = CellRef {
            row: b"r",
            family: METAFAMILY,
            qualifier,
            timestamp: 1,
            cell_type: CellType::Put,
            value,
            tags: b"",
            sequence,
        };
        self.entry("ns:t", region, sequence, &[cell]);
        self
    }

    pub fn closed(mut self) -> Vec<u8> {
        self.encoder.encode_trailer(&mut self.bytes);
        self.bytes
    }
}

/// A WAL of three regions and two tables, its ids starting after `from`.
pub fn mixed(from: u64) -> Wal {
    let mut wal = Wal::plain();
    for sequence in from + 1..=from + 20 {
        for region in REGIONS {
            let table = if region == REGIONS[2] { "other" } else { "ns:t" };
            wal.put(table, region, sequence);
        }
    }
    wal
}

/// Every file of a store and its bytes; journals, which are held open only, are left out.
pub fn all_files(store: &Arc<dyn Store>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    gather(store, &StorePath::root(), &mut files);
    files.retain(|name, _| !name.contains("/journal/"));
    files
}

fn gather(store: &Arc<dyn Store>, dir: &StorePath, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in store::list_all(store.as_ref(), dir).unwrap() {
        let path = dir.join(&entry.name).unwrap();
        match entry.metadata.kind {
            Kind::Directory => gather(store, &path, files),
            Kind::File => drop(
                files.insert(path.to_string(), store::read_all(store.as_ref(), &path, u64::MAX).unwrap()),
            ),
        }
    }
}

/// A cell of a batch as a test compares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub region: String,
    pub sequence: u64,
    pub index: u32,
    pub write_time: i64,
    /// The server that wrote the WAL, as its summary says; the golden test holds the column against it.
    pub origin: Option<String>,
    pub row: Vec<u8>,
    pub family: Vec<u8>,
    pub qualifier: Vec<u8>,
    pub timestamp: i64,
    pub cell_type: &'static str,
    pub value: Vec<u8>,
    pub tags: Vec<u8>,
}

/// All cells of a batch, by region and in the order of the log.
pub fn rows(target: &Arc<dyn Store>, table: &str, stem: &str) -> Vec<Row> {
    let path = catalog::layout::batch(table, stem).unwrap();
    let batch = catalog::open_batch(target.as_ref(), &path).unwrap();
    assert_eq!(batch.marks().table, table);
    let summary = catalog::layout::markers_of(stem).unwrap();
    let summary = catalog::read_wal_summary(target.as_ref(), &summary).unwrap();
    let origin = Some(summary.server).filter(|server| !server.is_empty());
    let mut cursor = batch.cursor(0..batch.groups().len());
    let mut rows = Vec::new();
    while cursor.advance().unwrap() {
        let cell = cursor.cell().unwrap();
        rows.push(Row {
            region: cell.region.into(),
            sequence: cell.cell.sequence,
            index: cell.index,
            write_time: cell.write_time,
            origin: origin.clone(),
            row: cell.cell.row.into(),
            family: cell.cell.family.into(),
            qualifier: cell.cell.qualifier.into(),
            timestamp: cell.cell.timestamp,
            cell_type: cell.cell.cell_type.name(),
            value: cell.cell.value.into(),
            tags: cell.cell.tags.into(),
        });
    }
    rows.sort_by(|one, other| {
        (&one.region, one.sequence, one.index).cmp(&(&other.region, other.sequence, other.index))
    });
    rows
}

/// What a run that came to its end found wrong, as text.
pub fn problems(report: &Report<ConvertReport>) -> Vec<String> {
    report.problems.kept().iter().map(ToString::to_string).collect()
}
