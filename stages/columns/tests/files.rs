//! File lists: round trips, what is refused, and what others read in them.
#![expect(clippy::expect_used, reason = "a test fails by panic and says what it skips")]

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use columns::files::{CONTENT, FileListDecoder, FileListEncoder, FileRow, RangeDigest, VERSION};
use columns::{Bytes, ReadError, WriteError};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use proptest::collection::vec;
use proptest::prelude::*;
use std::io::{self, Write};
use std::process::Command;
use std::sync::Arc;

fn encode(rows: &[FileRow]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = FileListEncoder::new(&mut bytes).expect("encoder");
    for row in rows {
        encoder.push(row.clone()).expect("push");
    }
    encoder.finish().expect("finish");
    bytes
}

fn decode(bytes: Vec<u8>) -> Result<Vec<FileRow>, ReadError> {
    let mut rows = Vec::new();
    for batch in FileListDecoder::new(Bytes::from(bytes))? {
        rows.extend(batch?);
    }
    Ok(rows)
}

fn range() -> impl Strategy<Value = RangeDigest> {
    (any::<u64>(), any::<u64>(), any::<u32>(), any::<[u8; 32]>())
        .prop_map(|(offset, len, crc32c, blake3)| RangeDigest { offset, len, crc32c, blake3 })
}

fn row() -> impl Strategy<Value = FileRow> {
    let place = (".{0,40}", ".{0,40}", "[a-z]{0,5}", "[a-z:]{0,9}", "[0-9a-f]{0,32}", ".{0,4}", ".{0,30}");
    let sums = (any::<u64>(), any::<Option<u32>>(), any::<Option<[u8; 32]>>(), vec(range(), 0..5));
    let numbers = any::<[Option<u64>; 4]>();
    let rest = (any::<bool>(), proptest::option::of(".{0,9}"), proptest::option::of("NULL|CRC32C?"));
    (place, sums, numbers, rest).prop_map(|(place, sums, numbers, rest)| {
        let (path, source_path, kind, table, region, family, identity) = place;
        let (len, crc32c, blake3, ranges) = sums;
        let [min_sequence, max_sequence, entries, blocks] = numbers;
        let (encrypted, key_alias, checksum_type) = rest;
        FileRow {
            path,
            source_path,
            len,
            crc32c,
            blake3,
            ranges,
            kind,
            table,
            region,
            family,
            min_sequence,
            max_sequence,
            entries,
            encrypted,
            key_alias,
            blocks,
            checksum_type,
            identity,
        }
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(rows in vec(row(), 0..40)) {
        prop_assert_eq!(decode(encode(&rows)).expect("decode"), rows);
    }
}

/// A row as an export makes them, different for each number.
fn plausible(number: u64) -> FileRow {
    let digest = |of: u64, salt: u64| {
        let mut bytes = [0; 32];
        let mut x = of.wrapping_mul(31).wrapping_add(salt);
        for byte in &mut bytes {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            *byte = (x >> 33) as u8;
        }
        bytes
    };
    let (region, hfile) = (digest(number / 50, 0), digest(number, 1));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (region, hfile) = (hex(&region[..16]), hex(&hfile[..16]));
    let range = |n: u64| RangeDigest {
        offset: n << 26,
        len: 1 << 26,
        crc32c: n as u32,
        blake3: digest(number, n + 3),
    };
    FileRow {
        path: format!("archive/data/default/orders/{region}/cf/{hfile}"),
        source_path: format!("hdfs://ns/hbase/data/default/orders/{region}/cf/{hfile}"),
        len: 65_000 + number % 1000,
        crc32c: Some(number as u32),
        blake3: Some(digest(number, 2)),
        ranges: (0..1 + number % 3).map(range).collect(),
        kind: "hfile".to_owned(),
        table: "default:orders".to_owned(),
        region,
        family: "cf".to_owned(),
        min_sequence: (!number.is_multiple_of(7)).then_some(number),
        max_sequence: Some(number + 9),
        entries: Some(1000),
        encrypted: false,
        key_alias: None,
        blocks: Some(3),
        checksum_type: Some("CRC32C".to_owned()),
        identity: format!("{}-1763650000{number}-{number}", 65_000 + number % 1000),
    }
}

#[test]
fn a_list_of_several_row_groups_keeps_every_row_in_its_place() {
    let rows: Vec<FileRow> = (0..70_001).map(plausible).collect();
    let bytes = encode(&rows);
    let decoder = FileListDecoder::new(Bytes::from(bytes.clone())).expect("open");
    assert_eq!(decoder.rows(), 70_001);
    assert!(decode(bytes).expect("decode") == rows);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let rows: Vec<FileRow> = (0..500).map(plausible).collect();
    assert!(encode(&rows) == encode(&rows));
}

#[test]
fn a_row_too_large_to_hold_is_refused_by_its_path() {
    let mut encoder = FileListEncoder::new(io::sink()).expect("encoder");
    let row = FileRow { path: "p".into(), identity: "x".repeat(65 << 20), ..FileRow::default() };
    let error = encoder.push(row).expect_err("too large");
    assert!(matches!(error, WriteError::RowTooLarge { path, .. } if path == "p"));
}

/// Takes this many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_output_error() {
    let all = encode(&(0..100).map(plausible).collect::<Vec<_>>()).len();
    for room in [0, 4, 100, all / 2, all - 1, all] {
        let write = || {
            let mut encoder = FileListEncoder::new(Full(room))?;
            (0..100).try_for_each(|number| encoder.push(plausible(number)))?;
            encoder.finish()
        };
        match write() {
            Ok(()) => assert_eq!(room, all),
            Err(WriteError::Output(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            Err(other) => panic!("{room}: {other}"),
        }
    }
}

/// A Parquet file of one text column with these marks.
fn other_parquet(marks: &[(&str, &str)]) -> Vec<u8> {
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(["x"]));
    let batch = RecordBatch::try_from_iter([("path", column)]).expect("batch");
    let marks = marks.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned()));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(marks.collect())).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("writer");
    writer.write(&batch).expect("write");
    writer.into_inner().expect("finish")
}

#[test]
fn other_peoples_files_are_distinguished_from_ours_and_ours_from_damage() {
    let (content, version) = (("tidegate.content", CONTENT), VERSION.to_string());
    let refused = |marks: &[(&str, &str)]| decode(other_parquet(marks)).expect_err("not ours");
    assert_eq!(refused(&[]), ReadError::Foreign { key: "tidegate.content" });
    assert_eq!(refused(&[content]), ReadError::Foreign { key: "tidegate.version" });
    assert_eq!(
        refused(&[("tidegate.content", "cells")]),
        ReadError::OtherContent { found: "cells".into(), expected: CONTENT }
    );
    assert_eq!(
        refused(&[content, ("tidegate.version", "2")]),
        ReadError::OtherVersion { found: "2".into(), known: VERSION }
    );
    let columns = refused(&[content, ("tidegate.version", &version)]);
    assert!(matches!(&columns, ReadError::OtherColumns(what) if what.contains("18 belong")), "{columns}");
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", b"{\"version\":1}", &[0xFF; 4096]] {
        assert!(matches!(decode(bytes.to_vec()), Err(ReadError::Damaged(_))));
    }
}

#[test]
fn a_list_that_is_cut_short_is_damaged() {
    let bytes = encode(&(0..200).map(plausible).collect::<Vec<_>>());
    for len in (0..bytes.len()).step_by(37).chain(bytes.len() - 40..bytes.len()) {
        assert!(matches!(decode(bytes[..len].to_vec()), Err(ReadError::Damaged(_))), "{len}");
    }
}

/// These files have no checksum of their own (whoever lists them keeps one), so damage in values passes; none may
/// panic, hang or exhaust memory.
#[test]
fn damage_anywhere_is_an_error_or_other_rows_but_never_a_panic() {
    let bytes = encode(&(0..60).map(plausible).collect::<Vec<_>>());
    let seed: u64 = std::env::var("COLUMNS_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    eprintln!("COLUMNS_SEED={seed}");
    let mut x = seed;
    let mut random = |end: usize| {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (x >> 33) as usize % end
    };
    let mut refused = 0;
    for round in 0..6000 {
        let mut damaged = bytes.clone();
        // The footer is where most harm can be done: half of the rounds go there.
        let start = if round % 2 == 0 { 0 } else { bytes.len() * 2 / 3 };
        for _ in 0..1 + random(3) {
            let at = start + random(bytes.len() - start);
            damaged[at] =
                if random(3) == 0 { [0, 0x7F, 0xFF][random(3)] } else { damaged[at] ^ (1 << random(8)) };
        }
        refused += usize::from(decode(damaged).is_err());
    }
    eprintln!("{refused} of 6000 refused");
    assert!(refused > 1000);
}

const PYTHON: &str = r"
import sys
import pyarrow.parquet as parquet, duckdb
path = sys.argv[1]
file = parquet.ParquetFile(path)
for field in file.schema_arrow:
    print(field.name, str(field.type).replace(' not null', ''), 'null' if field.nullable else 'required')
print({k.decode(): v.decode() for k, v in sorted(file.metadata.metadata.items()) if k.startswith(b'tidegate')})
rows = file.read().to_pylist()
print(len(rows), rows[5]['path'], rows[5]['blake3'].hex(), rows[7]['min_sequence'], len(rows[5]['ranges']))
print(rows[5]['ranges'][1]['offset'], rows[5]['ranges'][1]['blake3'].hex())
print(duckdb.sql(f'''select count(*), sum(len), count(min_sequence), sum(len(ranges)), max(max_sequence),
  count(distinct region), any_value(checksum_type), bool_or(encrypted), count(key_alias) from '{path}' ''').fetchall())
print(duckdb.sql(f'''select path, hex(blake3), ranges[2].offset from '{path}' where crc32c = 5''').fetchall())
";

#[test]
fn pyarrow_and_duckdb_read_the_same() {
    let probe = Command::new("python3").args(["-c", "import pyarrow, duckdb"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("SKIPPED: python3 with pyarrow and duckdb is not there (pip install pyarrow duckdb)");
        return;
    }
    let rows: Vec<FileRow> = (0..70_001).map(plausible).collect();
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("files.parquet");
    std::fs::write(&path, encode(&rows)).expect("write");
    let output = Command::new("python3").args(["-c", PYTHON]).arg(&path).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected_of_python(&rows));
}

fn expected_of_python(rows: &[FileRow]) -> String {
    let hex = |bytes: &[u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let five = &rows[5];
    let blake3 = hex(&five.blake3.expect("there"));
    let (path, second) = (&five.path, &five.ranges[1]);
    let count = rows.len();
    let len: u64 = rows.iter().map(|row| row.len).sum();
    let min = rows.iter().filter(|row| row.min_sequence.is_some()).count();
    let ranges: usize = rows.iter().map(|row| row.ranges.len()).sum();
    let max = rows.iter().filter_map(|row| row.max_sequence).max().expect("some");
    let regions = rows.iter().map(|row| &row.region).collect::<std::collections::BTreeSet<_>>().len();
    format!(
        "path string required\nsource_path string required\nlen uint64 required\ncrc32c uint32 null\n\
         blake3 fixed_size_binary[32] null\n\
         ranges list<element: struct<offset: uint64, len: uint64, crc32c: uint32, blake3: fixed_size_binary[32]>> required\n\
         kind string required\ntable string required\nregion string required\nfamily string required\n\
         min_sequence uint64 null\nmax_sequence uint64 null\nentries uint64 null\nencrypted bool required\n\
         key_alias string null\nblocks uint64 null\nchecksum_type string null\nidentity string required\n\
         {{'tidegate.content': 'files', 'tidegate.version': '1'}}\n\
         {count} {path} {blake3} None {}\n{} {}\n\
         [({count}, {len}, {min}, {ranges}, {max}, {regions}, 'CRC32C', False, 0)]\n\
         [('{path}', '{}', {})]\n",
        five.ranges.len(),
        second.offset,
        hex(&second.blake3),
        blake3.to_uppercase(),
        second.offset
    )
}

#[test]
#[ignore = "a million rows: run in release, with --nocapture, to see time and memory"]
fn a_million_rows() {
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown").to_owned()
    };
    let path = tempfile::NamedTempFile::new().expect("file");
    let start = std::time::Instant::now();
    let mut encoder = FileListEncoder::new(io::BufWriter::new(path.as_file())).expect("encoder");
    (0..1_000_000).try_for_each(|number| encoder.push(plausible(number))).expect("push");
    encoder.finish().expect("finish");
    let len = path.as_file().metadata().expect("metadata").len();
    eprintln!("encoded in {:?}: {len} bytes, {}", start.elapsed(), memory());
    let start = std::time::Instant::now();
    let decoder = FileListDecoder::new(path.reopen().expect("file")).expect("open");
    let rows: usize = decoder.map(|batch| batch.expect("batch").len()).sum();
    eprintln!("decoded {rows} in {:?}, {}", start.elapsed(), memory());
    assert_eq!(rows, 1_000_000);
}
