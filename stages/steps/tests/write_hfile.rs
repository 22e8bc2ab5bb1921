//! HFiles as a job writes them: by a family's descriptor, into a store, and checked cell by cell; with every kind of
//! thing that must be noticed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by a panic")]

use formats::cell::{CellRef, CellType};
use formats::hfile::{FileInfo, key};
use formats::schema::{Attributes, ColumnFamilySchema, Configuration};
use names::FamilyName;
use stage::{FailureKind, Map, Problem};
use steps::hfile::{
    CheckWritten, HFileToWrite, StoreFileSettings, WriteHFile, WrittenHFile, WrittenUnit, open_whole,
    store_file_settings,
};
use store::{FileStore, MemoryStore, Store, StorePath, WriteShape, read_all};

fn family(attributes: &[(&str, &str)]) -> ColumnFamilySchema {
    let attributes =
        attributes.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    ColumnFamilySchema {
        name: FamilyName::parse_bytes(b"f").unwrap(),
        attributes: Attributes(attributes.collect()),
        configuration: Configuration::default(),
    }
}

fn path() -> StorePath {
    StorePath::parse("new/1").unwrap()
}

fn to_write() -> HFileToWrite {
    HFileToWrite {
        path: path(),
        region: "27ba5a77".to_owned(),
        table: "default:t".to_owned(),
        max_sequence_id: Some(90_000),
        create_time: 1_795_211_501_137,
        more: FileInfo::default(),
    }
}

/// Rows of three cells: two versions and a family delete before every tenth row.
fn each_cell(rows: u64, mut each: impl FnMut(&CellRef<'_>)) {
    for row in 0..rows {
        let (name, sequence) = (format!("row{row:06}"), row + 7);
        let cell = CellRef {
            row: name.as_bytes(),
            family: b"f",
            qualifier: b"q",
            timestamp: 1_000_000 + row as i64,
            cell_type: CellType::Put,
            value: b"a value that is much like the next one",
            tags: b"\0\x03\x01tt",
            sequence,
        };
        if row % 10 == 0 {
            let (qualifier, value): (&[u8], &[u8]) = (b"", b"");
            each(&CellRef { qualifier, value, cell_type: CellType::DeleteFamily, ..cell });
        }
        each(&cell);
        each(&CellRef { timestamp: 5, value: b"older", tags: b"", sequence: 3, ..cell });
    }
}

fn write(store: &dyn Store, settings: &StoreFileSettings, rows: u64) -> WrittenHFile {
    let mut writing = WriteHFile::begin(store, settings, to_write()).unwrap();
    each_cell(rows, |cell| writing.append(cell).unwrap());
    writing.finish().unwrap()
}

fn check(store: &dyn Store, written: &WrittenHFile) -> Vec<Problem> {
    let unit = WrittenUnit { files: vec![written.clone()] };
    CheckWritten { store }.map(unit).unwrap().files.remove(0).1
}

#[test]
fn every_family_that_can_be_written_is_and_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Box<dyn Store>; 2] =
        [Box::new(MemoryStore::files()), Box::new(FileStore::new(directory.path()).unwrap())];
    for store in &stores {
        for encoding in ["NONE", "PREFIX", "DIFF", "FAST_DIFF", "ROW_INDEX_V1"] {
            for codec in ["NONE", "GZ", "SNAPPY", "LZ4", "ZSTD"] {
                let attributes =
                    [("DATA_BLOCK_ENCODING", encoding), ("COMPRESSION", codec), ("BLOCKSIZE", "4096")];
                let settings = store_file_settings(&family(&attributes), true).unwrap();
                assert_eq!(settings.notes, Vec::<String>::new());
                let written = write(store.as_ref(), &settings, 5_000);
                assert_eq!(check(store.as_ref(), &written), []);
                assert_eq!((written.cells, written.sequences), (10_500, Some((3, 5_006))));
                assert_eq!((&*written.first_row, &*written.last_row), (&b"row000000"[..], &b"row004999"[..]));
                let bytes = read_all(store.as_ref(), &path(), 1 << 30).unwrap();
                assert_eq!(written.sum.len, bytes.len() as u64);
                assert_eq!(written.name().len(), 32);
                assert!(blake3::hash(&bytes).to_string().starts_with(&written.name()));
                // What is written again is the same, and has the same name.
                assert_eq!(write(store.as_ref(), &settings, 5_000).sum, written.sum);
            }
        }
    }
}

#[test]
fn the_file_says_what_hbase_needs_to_know() {
    let store = MemoryStore::files();
    let settings = store_file_settings(&family(&[("IS_MOB", "true")]), true).unwrap();
    write(&store, &settings, 100);
    let file = store.open(&path()).unwrap();
    let opened = open_whole(file.as_ref()).unwrap();
    let info = opened.loaded.unwrap().file_info;
    assert_eq!(info.max_sequence_id(), Ok(Some(90_000)));
    assert_eq!(info.max_memstore_ts(), Ok(Some(106)));
    assert_eq!(info.long(key::CREATE_TIME_TS), Ok(Some(1_795_211_501_137)));
    assert_eq!(info.long(key::MOB_CELLS_COUNT), Ok(Some(0)));
    assert_eq!(info.get(key::MOB_FILE_REFS), Some(&[0][..]));
    assert_eq!(info.get(key::LAST_BLOOM_KEY), Some(&b"row000099"[..]));
    assert_eq!(info.bulk_load_time(), Ok(None));
    assert_eq!(
        opened.trailer.comparator_class.as_deref(),
        Some("org.apache.hadoop.hbase.KeyValue$KVComparator")
    );
}

/// Every byte of the file in turn is changed; and another whole file is put in its place.
#[test]
fn what_the_medium_does_not_give_back_is_noticed() {
    let store = MemoryStore::files();
    let settings = store_file_settings(&family(&[]), true).unwrap();
    let written = write(&store, &settings, 20);
    let good = read_all(&store, &path(), 1 << 20).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad.get_mut(at).into_iter().for_each(|byte| *byte ^= 1);
        store.insert(&path(), bad).unwrap();
        assert_ne!(check(&store, &written), [], "byte {at}");
    }
    for len in [0, 1, good.len() - 1] {
        store.insert(&path(), good.get(..len).unwrap()).unwrap();
        assert_ne!(check(&store, &written), [], "cut at {len}");
    }
    let other = write(&store, &settings, 21);
    assert_eq!(check(&store, &other), []);
    assert_ne!(check(&store, &written), []);
    let problems = check(&store, &written);
    assert!(problems.iter().all(|problem| problem.region.as_deref() == Some("27ba5a77")));
    store.delete(&path()).unwrap();
    assert!(CheckWritten { store: &store }.map(WrittenUnit { files: vec![written] }).is_err());
}

/// The bytes are those that were written, and yet other cells are in them: an encoder that is wrong.
#[test]
fn other_cells_than_those_that_went_in_are_noticed() {
    let store = MemoryStore::files();
    let settings = store_file_settings(&family(&[]), true).unwrap();
    let written = write(&store, &settings, 20);
    let others = [
        WrittenHFile { cell_sum: written.cell_sum ^ 1, ..written.clone() },
        WrittenHFile { cells: written.cells + 1, ..written.clone() },
    ];
    for other in others {
        let problems = check(&store, &other);
        assert!(problems.iter().any(|problem| problem.what.contains("that went in")), "{problems:?}");
    }
}

#[test]
fn what_cannot_be_written_is_refused_with_what_can_be_done() {
    let refused = [
        ("COMPRESSION", "LZO", "LZO"),
        ("COMPRESSION", "brotli", "BROTLI"),
        ("COMPRESSION", "MINE", "MINE"),
        ("ENCRYPTION", "AES", "in the clear"),
        ("DATA_BLOCK_ENCODING", "PREFIX_TREE", "PREFIX_TREE"),
        ("BLOCKSIZE", "-1", "BLOCKSIZE"),
        ("BLOCKSIZE", "many", "BLOCKSIZE"),
    ];
    for (attribute, value, said) in refused {
        let failure = store_file_settings(&family(&[(attribute, value)]), false).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused, "{attribute} {value}");
        assert!(failure.wrong.contains(said), "{failure:?}");
        assert!(failure.hint.is_some() && failure.subject == "family f", "{failure:?}");
    }
    let mut dictionary = family(&[("COMPRESSION", "ZSTD")]);
    let path = ("hbase.io.compress.zstd.dictionary".to_owned(), "/d".to_owned());
    dictionary.configuration = Configuration(vec![path]);
    assert!(store_file_settings(&dictionary, false).is_err());
    dictionary.attributes = Attributes::default();
    assert!(store_file_settings(&dictionary, false).is_ok());
}

#[test]
fn what_files_will_be_without_is_said() {
    for bloom in ["ROWCOL", "ROWPREFIX_FIXED_LENGTH"] {
        let settings = store_file_settings(&family(&[("BLOOMFILTER", bloom)]), false).unwrap();
        assert!(!settings.context.row_bloom);
        assert!(settings.notes.concat().contains(bloom), "{:?}", settings.notes);
    }
    let settings = store_file_settings(&family(&[("INDEX_BLOCK_ENCODING", "PREFIX_TREE")]), false).unwrap();
    assert!(settings.notes.concat().contains("PREFIX_TREE"));
    for bloom in ["NONE", "ROW"] {
        let settings = store_file_settings(&family(&[("BLOOMFILTER", bloom)]), false).unwrap();
        assert_eq!((settings.context.row_bloom, settings.notes.len()), (bloom == "ROW", 0));
    }
}

#[test]
fn cells_that_a_file_cannot_take_end_it() {
    let store = MemoryStore::files();
    let settings = store_file_settings(&family(&[]), false).unwrap();
    let cell = |row, sequence| CellRef {
        row,
        family: b"f",
        qualifier: b"",
        timestamp: 1,
        cell_type: CellType::Put,
        value: b"",
        tags: b"",
        sequence,
    };
    let begin = || WriteHFile::begin(&store, &settings, to_write()).unwrap();
    let mut writing = begin();
    writing.append(&cell(b"b", 1)).unwrap();
    assert!(writing.append(&cell(b"a", 1)).is_err());
    drop(writing);
    let mut writing = begin();
    writing.append(&cell(b"b", 90_001)).unwrap();
    assert!(writing.finish().unwrap_err().wrong.contains("90001"));
    // A name that something is left under is written anew.
    store.write(&path(), WriteShape::whole(3), None).unwrap();
    let written = begin().finish().unwrap();
    assert_eq!((written.cells, written.sequences), (0, None));
    assert_eq!(check(&store, &written), []);
}
