//! How fast a WAL becomes batches, and cells an HFile. Run in release:
//! `cargo test --release -p steps --test throughput -- --ignored --nocapture`
#![expect(clippy::expect_used, reason = "a test fails by panic")]

use columns::batch::BatchFile;
use formats::cell::{CellRef, CellType};
use formats::hfile::FileInfo;
use formats::schema::{Attributes, ColumnFamilySchema, Configuration};
use formats::wal::{WalEncoder, WalHeader, WalKeyFields};
use names::FamilyName;
use stage::{Bytes, Map};
use std::sync::Arc;
use steps::edits::{EditBounds, EditSource, MergeEdits, Wanted};
use steps::hfile::{CheckWritten, HFileToWrite, WriteHFile, WrittenUnit, store_file_settings};
use steps::wal::{EncodeWal, GatherWal, Made, ReadWal, SpillRuns, TableFilter, WalPlace, WalToGather};
use store::{MemoryStore, Publish, Store, StorePath};

/// Seconds that this thread has had a core: other work on the machine does not count.
fn on_core() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).expect("nanoseconds") / 1e9
}

/// Numbers that look like chance, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }
}

/// A WAL as a shop's orders make it: puts of five columns, values of 1 to 100 bytes of text and numbers.
fn orders(header: WalHeader, bytes: usize) -> Vec<u8> {
    let mut random = Random(7);
    let mut encoder = WalEncoder::new(header, false).expect("encoder");
    let mut out = Vec::with_capacity(bytes + (1 << 20));
    encoder.encode_header(&mut out);
    let regions: Vec<String> = (0..12).map(|n| format!("{n:032x}")).collect();
    let mut sequences = [2u64; 12];
    let mut now = 1_795_214_727_936i64;
    while out.len() < bytes {
        now += random.below(3) as i64;
        let number = random.below(12) as usize;
        sequences[number] += 1;
        let row = format!("customer{:07}-order{:06}", random.below(200_000), random.below(1_000_000));
        let state = ["new", "paid", "packed", "shipped", "delivered"][random.below(5) as usize];
        let address = format!(
            "{{\"street\":\"{} Street {}\",\"city\":\"City {}\",\"country\":\"{}\",\"note\":\"leave at the door\"}}",
            ["Main", "Oak", "Park", "Mill", "Church"][random.below(5) as usize],
            random.below(200),
            random.below(500),
            ["DE", "FR", "US", "IN"][random.below(4) as usize],
        );
        let (amount, items) =
            (format!("{}.{:02}", random.below(1000), random.below(100)), random.below(20).to_string());
        let changed = format!("2026-11-20T10:{:02}:{:02}Z", now / 60_000 % 60, now / 1000 % 60);
        let columns = [
            ("address", address.as_str()),
            ("amount", &amount),
            ("changed", &changed),
            ("items", &items),
            ("state", state),
        ];
        let cells = columns.map(|(qualifier, value)| CellRef {
            row: row.as_bytes(),
            family: b"d",
            qualifier: qualifier.as_bytes(),
            timestamp: now,
            cell_type: CellType::Put,
            value: value.as_bytes(),
            tags: &[],
            sequence: sequences[number],
        });
        let key = WalKeyFields {
            region: regions[number].as_bytes(),
            table: b"shop:orders",
            sequence: sequences[number],
            write_time: now,
            ..WalKeyFields::default()
        };
        encoder.encode_entry(&key, &cells, &mut out).expect("entry");
    }
    encoder.encode_trailer(&mut out);
    out
}

/// Cells of one family in HBase's order: rows of five columns, a version in ten with an older one.
fn sorted_cells(count: usize, each: &mut dyn FnMut(&CellRef<'_>)) {
    let mut random = Random(3);
    let mut left = count;
    for number in 0.. {
        let row = format!("customer{:09}-order{:06}", number, random.below(1_000_000));
        for qualifier in ["address", "amount", "changed", "items", "state"] {
            let value = match qualifier {
                "address" => format!(
                    "{} Street {}, City {}",
                    ["Main", "Oak"][number % 2],
                    random.below(200),
                    random.below(500)
                ),
                "state" => ["new", "paid", "packed"][random.below(3) as usize].to_owned(),
                "changed" => format!("2026-11-20T10:{:02}:{:02}Z", random.below(60), random.below(60)),
                _ => random.below(100_000).to_string(),
            };
            for age in 0..=u64::from(random.below(10) == 0) {
                if left == 0 {
                    return;
                }
                left -= 1;
                each(&CellRef {
                    row: row.as_bytes(),
                    family: b"d",
                    qualifier: qualifier.as_bytes(),
                    timestamp: 1_795_214_727_936 + random.below(100_000) as i64 - 200_000 * age as i64,
                    cell_type: CellType::Put,
                    value: value.as_bytes(),
                    tags: &[],
                    sequence: 1_000_000 + random.below(3_000_000),
                });
            }
        }
    }
}

#[test]
#[ignore = "four million cells, many times: run in release, with --nocapture, to see the figures"]
fn four_million_cells_as_an_hfile() {
    const CELLS: usize = 4 << 20;
    let store = MemoryStore::files();
    let start = on_core();
    sorted_cells(CELLS, &mut |_| ());
    let making = on_core() - start;
    for (encoding, codec) in [
        ("NONE", "NONE"),
        ("FAST_DIFF", "NONE"),
        ("FAST_DIFF", "SNAPPY"),
        ("FAST_DIFF", "ZSTD"),
        ("FAST_DIFF", "GZ"),
    ] {
        let attributes = [("DATA_BLOCK_ENCODING", encoding), ("COMPRESSION", codec)]
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let family = ColumnFamilySchema {
            name: FamilyName::parse_bytes(b"d").expect("name"),
            attributes: Attributes(attributes.to_vec()),
            configuration: Configuration::default(),
        };
        let settings = store_file_settings(&family, false).expect("settings");
        let asked = HFileToWrite {
            path: StorePath::parse("f").expect("path"),
            region: String::new(),
            table: String::new(),
            max_sequence_id: Some(1 << 40),
            create_time: 0,
            more: FileInfo::default(),
        };
        let start = on_core();
        let mut writing = WriteHFile::begin(&store, &settings, asked).expect("begin");
        sorted_cells(CELLS, &mut |cell| writing.append(cell).expect("append"));
        let written = writing.finish().expect("finish");
        let (took, middle) = (on_core() - start - making, on_core());
        let len = written.sum.len;
        let checked =
            CheckWritten { store: &store }.map(WrittenUnit { files: vec![written] }).expect("check");
        assert!(checked.files.iter().all(|(_, problems)| problems.is_empty()));
        let speed = |seconds: f64| CELLS as f64 / seconds / 1e6;
        eprintln!(
            "{encoding} {codec}: written {:.2} M cells/s, checked {:.2} M cells/s a core, {} MiB",
            speed(took),
            speed(on_core() - middle),
            len >> 20
        );
    }
}

#[test]
#[ignore = "256 MiB: run in release, with --nocapture, to see the figures"]
fn a_wal_of_256_mib() {
    for (kind, header) in [("plain", WalHeader::plain()), ("dictionary", WalHeader::compressed(true, None))] {
        let bytes = orders(header, 256 << 20);
        let length = bytes.len() as u64;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::files());
        let path = StorePath::parse("wal").expect("path");
        store.put(&path, &bytes, Publish::Replace).expect("put");
        drop(bytes);
        let gib = |since: f64| length as f64 / (on_core() - since) / f64::from(1 << 30);
        let wal = WalPlace {
            store: Arc::clone(&store),
            name: "wal".into(),
            places: vec![path.clone()],
            length,
            recovered_edits: false,
            server: None,
        };

        let start = on_core();
        let mut reader = ReadWal::new(store.open(&path).expect("open").into(), wal.decoder_options(1 << 30));
        let (mut entries, mut cells) = (0u64, 0u64);
        let mut count = |entry: &formats::wal::WalEntry<'_>| {
            entries += 1;
            cells += u64::from(entry.key.cell_count);
        };
        while reader.next_entry(&mut count).expect("read").is_none() {}
        let speed = cells as f64 / (on_core() - start) / 1e6;
        eprintln!("{kind}: parse {:.2} GiB/s, {speed:.1} M cells/s ({entries} entries)", gib(start));

        let (start, tables) = (on_core(), TableFilter::default());
        let aside = MemoryStore::files();
        let spill = SpillRuns::new(&aside, StorePath::root());
        let decode = GatherWal { tables: &tables, spill: &spill };
        let decoded = decode.map(WalToGather { wal, memory: 4 << 30 }).expect("decode");
        let (decoding, middle) = (gib(start), on_core());
        let encoded = EncodeWal.map(decoded).expect("encode");
        assert!(encoded.problems.is_empty(), "{:?}", encoded.problems);
        eprintln!(
            "{kind}: decode {decoding:.2} GiB/s, encode {:.2} GiB/s, together {:.2} GiB/s a core, ratio {:.1}",
            gib(middle),
            gib(start),
            length as f64 / encoded.bytes() as f64
        );
    }
}

#[test]
#[ignore = "256 MiB: run in release, with --nocapture, to see the figures"]
fn edits_of_256_mib_in_order() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::files());
    let mut batches = Vec::new();
    // Four WALs of the same regions, one after the other.
    for number in 0..4 {
        let bytes = orders(WalHeader::plain(), 64 << 20);
        let path = StorePath::parse(&format!("wal{number}")).expect("path");
        store.put(&path, &bytes, Publish::Replace).expect("put");
        let wal = WalPlace {
            store: Arc::clone(&store),
            name: format!("wal{number}"),
            places: vec![path],
            length: bytes.len() as u64,
            recovered_edits: false,
            server: None,
        };
        let tables = TableFilter::default();
        let aside = MemoryStore::files();
        let spill = SpillRuns::new(&aside, StorePath::root());
        let decoded = GatherWal { tables: &tables, spill: &spill }
            .map(WalToGather { wal, memory: 4 << 30 })
            .expect("decode");
        let encoded = EncodeWal.map(decoded).expect("encode");
        let batch = encoded.files.into_iter().find(|file| matches!(file.made, Made::Batch(_)));
        let batch = columns::Bytes::from(batch.expect("a batch").bytes);
        batches.push(BatchFile::new(batch).expect("opened"));
    }
    let regions: Vec<String> = batches[0].regions().into_iter().map(|of| of.0.to_owned()).collect();
    // Those that are there once (each WAL has the same ids, so of one), and then all, which have the same entries.
    for (what, copies) in [("each once", 1), ("each four times", 4)] {
        let start = on_core();
        let (mut cells, mut duplicates, mut bytes) = (0u64, 0, 0);
        for region in &regions {
            let sources = batches.iter().take(copies).map(|batch| EditSource { path: "a batch", batch });
            let mut merge = MergeEdits::of_region(region, sources, &EditBounds::all(), &Wanted::default());
            while merge.advance().expect("in order") {
                let edit = merge.edit().expect("there is one");
                cells += 1;
                bytes += edit.cell.value.len();
            }
            duplicates += merge.duplicates();
        }
        let speed = (cells + duplicates) as f64 / (on_core() - start) / 1e6;
        eprintln!(
            "{what}: {speed:.2} M cells/s a core ({cells} cells, {duplicates} again, {bytes} bytes of values)"
        );
    }
}
