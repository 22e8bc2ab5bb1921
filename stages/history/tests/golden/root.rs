//! Reads what a test needs of an HBase root of `shared/golden`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use formats::cell::CellRef;
use formats::schema::decode_region_info_value;
use formats::snapshot::{RegionRole, decode_manifest, decode_snapshot_description};
use formats::wal::{Marker, Step, WalDecoder, WalDecoderOptions, WalEntry};
use history::{
    Descent, Entries, FileEnd, FileSequence, History, LogFile, MarkerEntry, Origin, RegionLog, RollMarker,
    SnapshotFile, SnapshotRegion, SnapshotStores, Sources, Starts,
};
use names::{EncodedRegionName, RecoveredEditsName, ServerName, TableName, WalKind, WalName};
use serde_json::Value;

/// An edit: table, row, family, qualifier.
pub type Column = (String, Vec<u8>, Vec<u8>, Vec<u8>);

pub struct GoldenSet {
    pub directory: PathBuf,
    pub meta: Value,
    pub sources: Sources,
    pub history: History,
    /// Where each column was put, every time.
    pub columns: BTreeMap<Column, Vec<(EncodedRegionName, u64)>>,
    /// The WALs that hold an entry.
    pub in_file: BTreeMap<(EncodedRegionName, u64), Vec<String>>,
}

/// The set of that name, or nothing, visibly.
pub fn golden_set(name: &str) -> Option<GoldenSet> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(beside, PathBuf::from);
    let directory = shared.join("golden").join(name);
    if !directory.is_dir() {
        eprintln!("SKIPPED: {} is not there (set TIDEGATE_SHARED)", directory.display());
        return None;
    }
    let meta = serde_json::from_slice(&std::fs::read(directory.join("meta.json")).unwrap()).unwrap();
    let mut set = Reading::default();
    set.read_below(&directory.join("root"));
    set.sources.dead_servers = set.servers.difference(&set.live).cloned().collect();
    let history = History::new(set.sources.clone());
    let Reading { sources, columns, in_file, .. } = set;
    Some(GoldenSet { directory, meta, sources, history, columns, in_file })
}

#[derive(Default)]
struct Reading {
    sources: Sources,
    servers: BTreeSet<ServerName>,
    live: BTreeSet<ServerName>,
    columns: BTreeMap<Column, Vec<(EncodedRegionName, u64)>>,
    in_file: BTreeMap<(EncodedRegionName, u64), Vec<String>>,
}

impl Reading {
    fn read_below(&mut self, directory: &Path) {
        let mut entries: Vec<_> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let parent = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if parent == "WALs" {
                    self.live.extend(ServerName::parse(&name));
                }
                if name != "MasterData" && !name.starts_with('.') {
                    self.read_below(&path);
                }
            } else if parent == "recovered.edits" {
                if matches!(RecoveredEditsName::parse(&name), Ok(RecoveredEditsName::Edits(_))) {
                    self.read_file(&path, Origin::RecoveredEdits);
                }
            } else if let Ok(name) = WalName::parse(&name) {
                match name.kind {
                    WalKind::Regions => {
                        self.servers.insert(name.server.clone());
                        self.read_file(&path, Origin::Wal(name));
                    }
                    WalKind::Meta => self.read_meta(&path),
                    _ => {}
                }
            }
        }
    }

    fn read_file(&mut self, path: &Path, origin: Origin) {
        let recovered_edits = origin == Origin::RecoveredEdits;
        let mut regions: BTreeMap<EncodedRegionName, RegionLog> = BTreeMap::new();
        let shown = path.file_name().unwrap().to_str().unwrap().to_owned();
        let end = each_entry(path, recovered_edits, |entry| {
            let table = entry.key.table_name().unwrap();
            if table.namespace() == "hbase" {
                return;
            }
            let region = entry.key.region_name().unwrap();
            let log = regions
                .entry(region)
                .or_insert_with(|| RegionLog { table: table.clone(), entries: Entries::default() });
            let (sequence, write_time) = (entry.key.sequence, entry.key.write_time);
            if !recovered_edits {
                self.in_file.entry((region, sequence)).or_default().push(shown.clone());
            }
            if let Some(marker) = marker_of(&entry) {
                log.entries.push_marker(MarkerEntry { sequence, write_time, marker }).unwrap();
                return;
            }
            log.entries.push_edit(sequence, write_time).unwrap();
            for cell in entry.cells().unwrap() {
                let column = column_of(&table, &cell);
                self.columns.entry(column).or_default().push((region, sequence));
            }
        });
        let path = path.display().to_string();
        self.sources.files.push(LogFile {
            path,
            origin,
            end,
            read_ms: None,
            closed_ms: None,
            archived_ms: None,
            growing: false,
            intact: true,
            regions,
        });
    }

    fn read_meta(&mut self, path: &Path) {
        let mut merges: BTreeMap<Vec<u8>, Vec<EncodedRegionName>> = BTreeMap::new();
        each_entry(path, false, |entry| {
            let mut daughters: BTreeMap<Vec<u8>, Vec<EncodedRegionName>> = BTreeMap::new();
            for cell in entry.cells().unwrap().filter(|cell| cell.family == b"info" && !cell.value.is_empty())
            {
                if cell.qualifier.starts_with(b"split") {
                    let daughter = decode_region_info_value(cell.value).unwrap().encoded_name();
                    daughters.entry(cell.row.to_vec()).or_default().push(daughter);
                }
                if cell.qualifier.starts_with(b"merge") {
                    let parent = decode_region_info_value(cell.value).unwrap().encoded_name();
                    merges.entry(cell.row.to_vec()).or_default().push(parent);
                }
            }
            let splits = daughters.into_iter();
            self.sources.descents.extend(
                splits.map(|(row, children)| Descent { parents: vec![encoded_of_row(&row)], children }),
            );
        });
        let merges = merges.into_iter();
        self.sources
            .descents
            .extend(merges.map(|(row, parents)| Descent { parents, children: vec![encoded_of_row(&row)] }));
    }
}

/// The encoded name at the end of a row of hbase:meta.
fn encoded_of_row(row: &[u8]) -> EncodedRegionName {
    let text = String::from_utf8_lossy(row);
    EncodedRegionName::parse(text.trim_end_matches('.').rsplit('.').next().unwrap()).unwrap()
}

fn marker_of(entry: &WalEntry<'_>) -> Option<Marker> {
    entry.cells().unwrap().find_map(|cell| Marker::decode(&cell).unwrap())
}

pub fn column_of(table: &TableName, cell: &CellRef<'_>) -> Column {
    (table.text_form().to_owned(), cell.row.to_vec(), cell.family.to_vec(), cell.qualifier.to_vec())
}

fn each_entry(path: &Path, recovered_edits: bool, mut visit: impl FnMut(WalEntry<'_>)) -> FileEnd {
    let bytes = std::fs::read(path).unwrap();
    let mut decoder = WalDecoder::new(WalDecoderOptions { recovered_edits, ..Default::default() });
    let mut window = bytes.as_slice();
    loop {
        match decoder.step(&mut window) {
            Ok(Step::Entry(entry)) => visit(entry),
            Ok(Step::NeedMore { .. }) | Err(_) => break,
            Ok(_) => {}
        }
    }
    FileEnd::from(&decoder.finish(window))
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl GoldenSet {
    pub fn label(&self, name: &str) -> &Value {
        self.list("labels").iter().find(|label| label["label"] == name).unwrap()
    }

    pub fn list(&self, key: &str) -> &[Value] {
        self.meta[key].as_array().unwrap()
    }

    /// The regions of a label: name, and one of their numbers.
    pub fn numbers(&self, label: &str, key: &str) -> BTreeMap<EncodedRegionName, u64> {
        let regions = self.label(label)["regions"].as_array().unwrap();
        let number = |region: &Value| {
            let name = EncodedRegionName::parse(region["encoded"].as_str().unwrap()).unwrap();
            (name, u64::try_from(region[key].as_i64().unwrap()).unwrap_or_default())
        };
        regions.iter().map(number).collect()
    }

    pub fn marker(&self, name: &str) -> RollMarker {
        let path = self.directory.join(format!("markers/{name}.json"));
        let marker: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let server = |(server, rolled): (&String, &Value)| {
            let opened = rolled["opened"].as_array().unwrap();
            let opened = opened.iter().map(|wal| WalName::parse(wal.as_str().unwrap()).unwrap());
            (ServerName::parse(server).unwrap(), opened.collect())
        };
        RollMarker {
            name: name.to_owned(),
            created_ms: marker["created_ms"].as_i64().unwrap(),
            servers: marker["servers"].as_object().unwrap().iter().map(server).collect(),
        }
    }

    /// The starts of all snapshots whose name begins so.
    pub fn starts(&self, prefix: &str) -> Starts {
        let max_seq_ids = self.max_seq_ids();
        let directory = self.directory.join("root/.hbase-snapshot");
        let mut snapshots = Vec::new();
        for snapshot in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if !snapshot.file_name().unwrap().to_str().unwrap().starts_with(prefix) {
                continue;
            }
            let description = std::fs::read(snapshot.join(".snapshotinfo")).unwrap();
            let description = decode_snapshot_description(&description).unwrap();
            let manifest = decode_manifest(&std::fs::read(snapshot.join("data.manifest")).unwrap()).unwrap();
            let mut regions = Vec::new();
            for region in manifest.regions.iter().filter(|region| region.role() == RegionRole::Rows) {
                let stores = region.families.iter().map(|family| {
                    let files = family.store_files.iter().map(|file| {
                        let name = file.name.to_string();
                        let stored = file.name.file();
                        let max_seq_id_key = max_seq_ids.get(stored.as_str()).copied();
                        let sequence = FileSequence::of(stored.bulk_sequence_id(), max_seq_id_key);
                        SnapshotFile { name, sequence }
                    });
                    (family.family.clone(), files.collect())
                });
                regions.push(SnapshotRegion {
                    region: region.region.encoded_name(),
                    region_id: region.region.region_id,
                    stores: stores.collect(),
                });
            }
            let kind = description.snapshot_type();
            snapshots.push(SnapshotStores {
                table: description.table.clone(),
                kind,
                taken_ms: None,
                created_ms: description.creation_time,
                since_ms: description
                    .creation_time
                    .filter(|_| kind != formats::snapshot::SnapshotType::SkipFlush),
                regions,
            });
        }
        assert!(!snapshots.is_empty(), "no snapshot {prefix}*");
        Starts::new(&snapshots, &self.history)
    }

    /// MAX_SEQ_ID_KEY of every HFile, as HBase's own reader gave it.
    fn max_seq_ids(&self) -> BTreeMap<String, i64> {
        let of = |line: &Value| {
            let file = line["file"].as_str()?.rsplit('/').next()?.to_owned();
            let key = line["info"]["MAX_SEQ_ID_KEY"].as_str()?;
            Some((file, i64::from_str_radix(key, 16).ok()?))
        };
        lines(&self.directory.join("truth/hfiles.jsonl")).iter().filter_map(of).collect()
    }
}
