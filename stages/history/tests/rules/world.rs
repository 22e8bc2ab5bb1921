//! Small histories, written down by hand.

use std::collections::BTreeMap;

use formats::snapshot::SnapshotType;
use formats::wal::{
    BulkLoadDescriptor, CompactionDescriptor, EventType, FlushAction, FlushDescriptor, Marker,
    RegionEventDescriptor, StoreDescriptor,
};
use history::{
    Entries, FileEnd, FileSequence, History, LogFile, MarkerEntry, Origin, RegionLog, SnapshotFile,
    SnapshotRegion, SnapshotStores, Sources, Starts, Tolerances,
};
use names::{EncodedRegionName, FamilyName, ServerName, TableName, WalName};

/// A region named for one hexadecimal digit.
pub fn region(digit: char) -> EncodedRegionName {
    EncodedRegionName::parse(&digit.to_string().repeat(32)).unwrap()
}

pub fn table() -> TableName {
    TableName::parse("t").unwrap()
}

/// Server `host,1,<start>`.
pub fn server(host: &str, start: u64) -> ServerName {
    ServerName::parse(&format!("{host},1,{start}")).unwrap()
}

pub fn wal_name(host: &str, start: u64, created: u64) -> WalName {
    WalName::parse(&format!("{host}%2C1%2C{start}.{created}")).unwrap()
}

fn store(files: &[&str]) -> Vec<StoreDescriptor> {
    vec![StoreDescriptor {
        family_name: b"f".to_vec(),
        store_home_dir: "f".into(),
        store_file: files.iter().map(|&file| file.to_owned()).collect(),
        store_file_size_bytes: None,
    }]
}

/// A file; every entry is added with its write time.
pub struct Log(pub LogFile);

/// A WAL of server `host,1,1`.
pub fn wal(host: &str, created: u64) -> Log {
    named_wal(wal_name(host, 1, created))
}

pub fn named_wal(name: WalName) -> Log {
    file(name.as_str().to_owned(), Origin::Wal(name))
}

pub fn recovered_edits() -> Log {
    file("recovered".into(), Origin::RecoveredEdits)
}

fn file(path: String, origin: Origin) -> Log {
    let regions = BTreeMap::new();
    Log(LogFile {
        path,
        origin,
        end: FileEnd::Closed,
        read_ms: None,
        closed_ms: None,
        archived_ms: None,
        growing: false,
        intact: true,
        regions,
    })
}

impl Log {
    fn entries(&mut self, of: char) -> &mut Entries {
        let log = || RegionLog { table: table(), entries: Entries::default() };
        &mut self.0.regions.entry(region(of)).or_insert_with(log).entries
    }

    pub fn edits(mut self, of: char, ids: impl IntoIterator<Item = u64>, write_time: i64) -> Self {
        for sequence in ids {
            self.entries(of).push_edit(sequence, write_time).unwrap();
        }
        self
    }

    fn marker(mut self, of: char, sequence: u64, write_time: i64, marker: Marker) -> Self {
        self.entries(of).push_marker(MarkerEntry { sequence, write_time, marker }).unwrap();
        self
    }

    fn event(
        self,
        of: char,
        sequence: u64,
        time: i64,
        event_type: EventType,
        id: u64,
        files: &[&str],
    ) -> Self {
        let event = RegionEventDescriptor {
            event_type,
            table_name: table(),
            encoded_region_name: region(of).as_str().into(),
            log_sequence_number: Some(sequence - 1),
            stores: store(files),
            server: None,
            region_name: Some(format!("t,{of},{id}.{}.", region(of)).into_bytes()),
        };
        self.marker(of, sequence, time, Marker::RegionEvent(event))
    }

    /// REGION_OPEN with a number: the entry is the next id.
    pub fn open(self, of: char, number: u64, time: i64, files: &[&str]) -> Self {
        self.open_with_id(of, number, time, 1, files)
    }

    pub fn open_with_id(self, of: char, number: u64, time: i64, id: u64, files: &[&str]) -> Self {
        self.event(of, number + 1, time, EventType::RegionOpen, id, files)
    }

    pub fn close(self, of: char, sequence: u64, time: i64) -> Self {
        self.event(of, sequence, time, EventType::RegionClose, 1, &[])
    }

    fn flush(
        self,
        of: char,
        sequence: u64,
        time: i64,
        action: FlushAction,
        number: u64,
        files: &[&str],
    ) -> Self {
        let flush = FlushDescriptor {
            action,
            table_name: table(),
            encoded_region_name: region(of).as_str().into(),
            flush_sequence_number: Some(number),
            store_flushes: store(files),
            region_name: None,
        };
        self.marker(of, sequence, time, Marker::Flush(flush))
    }

    /// START_FLUSH with a number: the entry is the next id.
    pub fn start_flush(self, of: char, number: u64, time: i64) -> Self {
        self.flush(of, number + 1, time, FlushAction::StartFlush, number, &[])
    }

    pub fn commit_flush(self, of: char, sequence: u64, number: u64, time: i64, files: &[&str]) -> Self {
        self.flush(of, sequence, time, FlushAction::CommitFlush, number, files)
    }

    pub fn bulk_load(self, of: char, number: u64, time: i64, files: &[&str]) -> Self {
        let load = BulkLoadDescriptor {
            table_name: table(),
            encoded_region_name: region(of).as_str().into(),
            stores: store(files),
            bulkload_seq_num: i64::try_from(number).unwrap(),
            cluster_ids: Vec::new(),
            replicate: true,
        };
        self.marker(of, number + 1, time, Marker::BulkLoad(load))
    }

    pub fn compaction(self, of: char, sequence: u64, time: i64, input: &[&str], output: &[&str]) -> Self {
        let names = |files: &[&str]| files.iter().map(|&file| file.to_owned()).collect();
        let compaction = CompactionDescriptor {
            table_name: table(),
            encoded_region_name: region(of).as_str().into(),
            family_name: b"f".to_vec(),
            compaction_input: names(input),
            compaction_output: names(output),
            store_home_dir: "f".into(),
            region_name: None,
        };
        self.marker(of, sequence, time, Marker::Compaction(compaction))
    }

    pub fn ends(mut self, end: FileEnd) -> Self {
        self.0.end = end;
        self
    }

    pub fn read_at(mut self, read_ms: i64) -> Self {
        self.0.read_ms = Some(read_ms);
        self
    }

    pub fn with_bytes_skipped(mut self) -> Self {
        self.0.intact = false;
        self
    }
}

pub fn sources(logs: impl IntoIterator<Item = Log>) -> Sources {
    // These worlds live a few milliseconds: what the clocks say of borders is tried elsewhere.
    let tolerances = Tolerances { roll_ms: -1_000_000, ..Tolerances::default() };
    Sources { files: logs.into_iter().map(|log| log.0).collect(), tolerances, ..Sources::default() }
}

pub fn history(logs: impl IntoIterator<Item = Log>) -> History {
    History::new(sources(logs))
}

/// A FLUSH snapshot: region, and up to where its one file `0` reaches.
pub fn snapshot(history: &History, regions: &[(char, u64)]) -> Starts {
    taken(history, regions, None)
}

/// The same, complete at a time.
pub fn snapshot_taken(history: &History, regions: &[(char, u64)], taken_ms: i64) -> Starts {
    taken(history, regions, Some(taken_ms))
}

fn taken(history: &History, regions: &[(char, u64)], taken_ms: Option<i64>) -> Starts {
    Starts::new(&[SnapshotStores { taken_ms, ..stores(regions) }], history)
}

/// The files of that snapshot.
pub fn stores(regions: &[(char, u64)]) -> SnapshotStores {
    let regions = regions.iter().map(|(digit, up_to)| {
        let file = SnapshotFile { name: "0".into(), sequence: FileSequence::UpTo(*up_to) };
        let stores = BTreeMap::from([(FamilyName::parse("f").unwrap(), vec![file])]);
        SnapshotRegion { region: region(*digit), region_id: 1, stores }
    });
    let (kind, regions) = (SnapshotType::Flush, regions.collect());
    SnapshotStores { table: table(), kind, taken_ms: None, created_ms: None, since_ms: None, regions }
}
