//! Batches, markers and lineage: round trips, what is refused, and what others read in them.
#![expect(clippy::expect_used, reason = "a test fails by panic and says what it skips")]

use columns::batch::{BatchCell, BatchEncoder, BatchFile, BatchMarks, CellArena, sort_arenas};
use columns::lineage::{LineageDecoder, LineageEncoder, LineageRow};
use columns::markers::{MarkerRow, MarkersDecoder, MarkersEncoder, WalSummary};
use columns::{Bytes, ReadError, TableTotals, WalMarks, WriteError};
use formats::cell::{CellRef, CellType, compare_cells};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::Command;

const REGION: &str = "0000000000000000000000000000000a";
const OTHER: &str = "0000000000000000000000000000000b";
const ORIGIN: &str = "host.example.com,16020,1795214723178";

/// An entry as a test makes it.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    sequence: u64,
    write_time: i64,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, PartialEq)]
struct Cell {
    row: Vec<u8>,
    family: Vec<u8>,
    qualifier: Vec<u8>,
    timestamp: i64,
    cell_type: CellType,
    value: Vec<u8>,
    tags: Vec<u8>,
}

impl Cell {
    fn borrowed(&self, sequence: u64) -> CellRef<'_> {
        CellRef {
            row: &self.row,
            family: &self.family,
            qualifier: &self.qualifier,
            timestamp: self.timestamp,
            cell_type: self.cell_type,
            value: &self.value,
            tags: &self.tags,
            sequence,
        }
    }
}

fn marks() -> BatchMarks {
    let name = "host.example.com%2C16020%2C1795214723178.1795214727936".to_owned();
    let wal = WalMarks { name, bytes: 4711, closed: true };
    BatchMarks { wal, table: "ns:t".to_owned(), unordered: vec![OTHER.to_owned()] }
}

/// The cells of entries by family, as they come.
fn arenas(region: &str, entries: &[Entry]) -> Vec<CellArena> {
    let mut families: BTreeMap<&[u8], CellArena> = BTreeMap::new();
    for entry in entries {
        for (index, cell) in (0u32..).zip(&entry.cells) {
            let arena = families.entry(&cell.family).or_insert_with(|| CellArena::new(region, &cell.family));
            arena.push(&cell.borrowed(entry.sequence), index, entry.write_time);
        }
    }
    families.into_values().collect()
}

/// Regions are to come in order.
fn encode(groups: &[(&str, Vec<Entry>)], origin: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = BatchEncoder::new(&mut bytes, &marks(), origin).expect("encoder");
    for (region, entries) in groups {
        for arena in arenas(region, entries) {
            sort_arenas(&[arena], |group| encoder.push(&group)).expect("push");
        }
    }
    encoder.finish().expect("finish");
    bytes
}

/// Region, sequence, index, write time, cell.
type Row = (String, u64, u32, i64, Cell);

/// Every cell of some groups.
fn cells(file: &BatchFile<Bytes>, groups: Vec<usize>) -> Result<Vec<Row>, ReadError> {
    let mut cursor = file.cursor(groups);
    let mut cells = Vec::new();
    while cursor.advance()? {
        let BatchCell { region, index, write_time, cell, .. } = cursor.cell().expect("there is one");
        let owned = Cell {
            row: cell.row.to_vec(),
            family: cell.family.to_vec(),
            qualifier: cell.qualifier.to_vec(),
            timestamp: cell.timestamp,
            cell_type: cell.cell_type,
            value: cell.value.to_vec(),
            tags: cell.tags.to_vec(),
        };
        cells.push((region.to_owned(), cell.sequence, index, write_time, owned));
    }
    Ok(cells)
}

/// The same cells by region, family, key, id and place, the later first.
fn expected(groups: &[(&str, Vec<Entry>)]) -> Vec<Row> {
    let rows = groups.iter().flat_map(|(region, entries)| {
        entries.iter().flat_map(move |entry| {
            let row = move |(index, cell): (u32, &Cell)| {
                ((*region).to_owned(), entry.sequence, index, entry.write_time, cell.clone())
            };
            (0u32..).zip(&entry.cells).map(row)
        })
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by(|one, other| {
        let place = |row: &Row| (row.0.clone(), row.4.family.clone());
        let keys = compare_cells(&one.4.borrowed(one.1), &other.4.borrowed(other.1));
        place(one).cmp(&place(other)).then(keys).then(other.2.cmp(&one.2))
    });
    rows
}

fn cell() -> impl Strategy<Value = Cell> {
    let bytes = |most| vec(any::<u8>(), 0..most);
    let cell_type = prop::sample::select(CellType::ALL.to_vec());
    (
        bytes(20),
        prop::sample::select(vec!["cf", "x", "\u{fc}"]),
        bytes(5),
        any::<i64>(),
        cell_type,
        bytes(300),
        bytes(4),
    )
        .prop_map(|(row, family, qualifier, timestamp, cell_type, value, tags)| Cell {
            row,
            family: family.as_bytes().to_vec(),
            qualifier,
            timestamp,
            cell_type,
            value,
            tags,
        })
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    vec((1u64..9, any::<i64>(), vec(cell(), 1..4)), 1..20).prop_map(|drawn| {
        let mut sequence = 0;
        let entry = |(step, write_time, cells): (u64, i64, Vec<Cell>)| {
            sequence += step;
            Entry { sequence, write_time, cells }
        };
        drawn.into_iter().map(entry).collect()
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(one in entries(), other in entries(), third in entries()) {
        let groups = [(REGION, one), (OTHER, other), ("0000000000000000000000000000000c", third)];
        let file = BatchFile::new(Bytes::from(encode(&groups, None))).expect("open");
        prop_assert_eq!(file.marks(), &marks());
        prop_assert_eq!(cells(&file, (0..file.groups().len()).collect()).expect("decode"), expected(&groups));
        let alone = [groups[1].clone()];
        prop_assert_eq!(cells(&file, file.groups_of(OTHER).collect()).expect("decode"), expected(&alone));
    }
}

/// An entry as a workload makes them.
fn plausible(number: u64) -> Entry {
    let cell = |n: u64| Cell {
        row: format!("user{:08}", number * 7 % 1000).into_bytes(),
        family: if n == 2 { b"b".to_vec() } else { b"a".to_vec() },
        qualifier: format!("q{n}").into_bytes(),
        timestamp: 1_795_214_727_936 + number as i64,
        cell_type: if number % 10 == 3 { CellType::DeleteColumn } else { CellType::Put },
        value: format!("value of {number} {n}").repeat(3).into_bytes(),
        tags: if number.is_multiple_of(5) { vec![0, 2, 8, n as u8] } else { Vec::new() },
    };
    Entry {
        sequence: number + 3,
        write_time: 1_795_214_727_936 + number as i64,
        cells: (0..3).map(cell).collect(),
    }
}

#[test]
fn groups_say_what_they_hold() {
    let of = |range: std::ops::Range<u64>| range.map(plausible).collect::<Vec<_>>();
    let groups = [(REGION, of(0..50)), (OTHER, of(0..1))];
    let file = BatchFile::new(Bytes::from(encode(&groups, Some(ORIGIN)))).expect("open");
    let first = &file.groups()[0];
    let ids = (first.first_sequence, first.last_sequence);
    assert_eq!(
        (first.region.as_str(), first.family.as_slice(), first.rows, ids),
        (REGION, &b"a"[..], 100, (3, 52))
    );
    assert_eq!(first.write_time, (1_795_214_727_936, 1_795_214_727_985));
    assert_eq!(first.row_bounds, (b"user00000000".to_vec(), b"user00000343".to_vec()));
    assert!(first.has_tags && first.may_hold(52, 60) && first.may_hold(0, 3) && !first.may_hold(53, 60));
    assert_eq!(file.regions(), [(REGION, 0..2), (OTHER, 2..4)]);
    assert_eq!((file.groups_of(REGION), file.groups_of(OTHER), file.groups_of("f").len()), (0..2, 2..4, 0));
    assert_eq!(file.marks(), &marks());
    let mut cursor = file.cursor([3]);
    assert!(cursor.cell().is_none());
    assert!(cursor.advance().expect("a cell"));
    assert_eq!(cursor.cell().map(|cell| (cell.region, cell.cell.family)), Some((OTHER, &b"b"[..])));
    assert!(!cursor.advance().expect("the end") && cursor.cell().is_none());
    let mut entries = Vec::new();
    file.each_entry(file.groups_of(REGION), |sequence, _| entries.push(sequence)).expect("entries");
    entries.sort_unstable();
    assert_eq!(entries, (3..53).collect::<Vec<_>>());
}

/// Sorting makes the same groups whatever pieces the cells came in, and leaves alone what is in order.
#[test]
fn row_groups_do_not_depend_on_the_pieces_that_cells_came_in() {
    let entries: Vec<Entry> = (0..200_000).map(plausible).collect();
    let of = |entries: &[Entry]| arenas(REGION, entries).swap_remove(1);
    let sorted = |pieces: Vec<CellArena>| {
        let mut groups: Vec<usize> = Vec::new();
        let mut bytes = Vec::new();
        let mut encoder = BatchEncoder::new(&mut bytes, &marks(), None).expect("encoder");
        sort_arenas(&pieces, |group| {
            groups.push(group.rows());
            encoder.push(&group)
        })
        .expect("push");
        encoder.finish().expect("finish");
        (groups, bytes)
    };
    let whole = sorted(vec![of(&entries)]);
    // The first to be full ends with its last row.
    assert_eq!(whole.0, [131_200, 68_800]);
    assert!(sorted(entries.chunks(7_000).map(of).collect()) == whole);
}

#[test]
fn ids_above_what_a_java_long_holds_keep_their_order() {
    let entry = |sequence| Entry { sequence, ..plausible(1) };
    let groups = [(REGION, vec![entry(5), entry(u64::MAX - 1)])];
    let file = BatchFile::new(Bytes::from(encode(&groups, None))).expect("open");
    assert_eq!((file.groups()[0].first_sequence, file.groups()[0].last_sequence), (5, u64::MAX - 1));
}

#[test]
fn the_same_edits_give_the_same_bytes() {
    let groups = [(REGION, (0..500).map(plausible).collect::<Vec<_>>())];
    assert!(encode(&groups, Some(ORIGIN)) == encode(&groups, Some(ORIGIN)));
}

#[test]
fn an_arena_is_full_by_bytes_or_rows() {
    let mut arena = CellArena::new(REGION, b"a");
    let large = vec![7; 3 << 20];
    let small = plausible(0).cells.swap_remove(0);
    for sequence in 0..6 {
        assert!(!arena.is_full());
        arena.push(&CellRef { value: &large, ..small.borrowed(sequence) }, 0, 0);
    }
    assert!(arena.is_full() && arena.rows() == 6 && arena.bytes() >= 18 << 20);
}

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
    let entries: Vec<Entry> = (0..100).map(plausible).collect();
    let all = encode(&[(REGION, entries.clone())], None).len();
    for room in [0, 4, 100, all / 2, all - 1, all] {
        let write = || {
            let mut encoder = BatchEncoder::new(Full(room), &marks(), None)?;
            for arena in arenas(REGION, &entries) {
                sort_arenas(&[arena], |group| encoder.push(&group))?;
            }
            encoder.finish()
        };
        match write() {
            Ok(()) => assert_eq!(room, all),
            Err(WriteError::Output(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            Err(other) => panic!("{room}: {other}"),
        }
    }
}

#[test]
fn other_files_of_ours_are_no_batches() {
    let markers = encode_markers(&[]);
    let refused = BatchFile::new(Bytes::from(markers.clone())).err().expect("not a batch");
    assert_eq!(refused, ReadError::OtherContent { found: "markers".into(), expected: "batch" });
    let batch = encode(&[(REGION, vec![plausible(1)])], None);
    assert!(matches!(MarkersDecoder::new(Bytes::from(batch)), Err(ReadError::OtherContent { .. })));
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", &[0xFF; 4096]] {
        assert!(matches!(BatchFile::new(Bytes::from(bytes.to_vec())).err(), Some(ReadError::Damaged(_))));
    }
}

/// Batches have no checksum of their own; damage in values may pass, but none may panic or hang.
#[test]
fn damage_anywhere_is_an_error_or_other_cells_but_never_a_panic() {
    let bytes =
        encode(&[(REGION, (0..60).map(plausible).collect()), (OTHER, vec![plausible(1)])], Some(ORIGIN));
    let seed: u64 = std::env::var("COLUMNS_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    eprintln!("COLUMNS_SEED={seed}");
    let mut x = seed;
    let mut random = |end: usize| {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (x >> 33) as usize % end
    };
    let mut refused = 0;
    for round in 0..3000 {
        let mut damaged = bytes.clone();
        let start = if round % 2 == 0 { 0 } else { bytes.len() * 2 / 3 };
        for _ in 0..1 + random(3) {
            let at = start + random(bytes.len() - start);
            damaged[at] ^= 1 << random(8);
        }
        let read = || {
            let file = BatchFile::new(Bytes::from(damaged))?;
            let all = (0..file.groups().len()).collect();
            cells(&file, all)
        };
        refused += usize::from(read().is_err());
    }
    eprintln!("{refused} of 3000 refused");
    assert!(refused > 500);
    for len in (0..bytes.len()).step_by(53) {
        assert!(BatchFile::new(Bytes::from(bytes[..len].to_vec())).is_err(), "{len}");
    }
}

fn marker(number: u64) -> MarkerRow {
    MarkerRow {
        offset: number * 100,
        sequence: number,
        index: 0,
        write_time: 5,
        region: REGION.into(),
        table: "ns:t".into(),
        kind: "flush".into(),
        action: Some("COMMIT_FLUSH".into()),
        number: Some(number - 1),
        files: vec![format!("cf/{number:032x}"), "cf/b".into()],
        replaced: Vec::new(),
        server: None,
        qualifier: b"HBASE::FLUSH".to_vec(),
        value: vec![number as u8; 40],
    }
}

fn summary() -> WalSummary {
    WalSummary {
        wal: WalMarks { name: "w".into(), bytes: 90, closed: false },
        length: 100,
        end: "torn".into(),
        server: ORIGIN.into(),
        entries: 12,
        write_time: Some((-1, 9)),
        tables: vec![TableTotals { table: "ns:t".into(), regions: 2, entries: 10, cells: 30 }],
    }
}

fn encode_markers(rows: &[MarkerRow]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = MarkersEncoder::new(&mut bytes).expect("encoder");
    rows.iter().for_each(|row| encoder.push(row.clone()).expect("push"));
    encoder.finish(&summary()).expect("finish");
    bytes
}

#[test]
fn markers_and_their_wal_come_back() {
    for count in [0, 1, 5000] {
        let rows: Vec<MarkerRow> = (1..=count).map(marker).collect();
        let bytes = encode_markers(&rows);
        assert!(bytes == encode_markers(&rows));
        let decoder = MarkersDecoder::new(Bytes::from(bytes)).expect("open");
        assert_eq!((decoder.summary(), decoder.rows()), (&summary(), count));
        assert!(decoder.map(|batch| batch.expect("batch")).collect::<Vec<_>>().concat() == rows);
    }
    let without = WalSummary { write_time: None, tables: Vec::new(), ..summary() };
    let mut bytes = Vec::new();
    MarkersEncoder::new(&mut bytes).expect("encoder").finish(&without).expect("finish");
    assert_eq!(MarkersDecoder::new(Bytes::from(bytes)).expect("open").summary(), &without);
}

#[test]
fn lineage_comes_back() {
    let row = |number: u64| LineageRow {
        offset: number,
        sequence: number,
        cell_type: 4,
        region: REGION.into(),
        row: b"t,,1.x.".to_vec(),
        qualifier: "splitA".into(),
        other: number.is_multiple_of(2).then(|| OTHER.to_owned()),
        start_key: number.is_multiple_of(3).then(Vec::new),
        split: number.is_multiple_of(5).then_some(true),
        value: vec![1, 2],
        ..LineageRow::default()
    };
    let rows: Vec<LineageRow> = (0..30).map(row).collect();
    let wal = WalMarks { name: "w.meta".into(), bytes: 9, closed: true };
    let mut bytes = Vec::new();
    let mut encoder = LineageEncoder::new(&mut bytes, &wal).expect("encoder");
    rows.iter().for_each(|row| encoder.push(row.clone()).expect("push"));
    encoder.finish().expect("finish");
    let decoder = LineageDecoder::new(Bytes::from(bytes)).expect("open");
    assert_eq!(decoder.wal(), &wal);
    assert_eq!(decoder.map(|batch| batch.expect("batch")).collect::<Vec<_>>().concat(), rows);
}

const PYTHON: &str = r#"
import sys
import pyarrow.parquet as parquet, duckdb
path, markers = sys.argv[1:]
file = parquet.ParquetFile(path)
for field in file.schema_arrow:
    print(field.name, str(field.type).replace(', ordered=0', ''), 'null' if field.nullable else 'required')
print({k.decode(): v.decode() for k, v in sorted(file.metadata.metadata.items()) if k.startswith(b'tidegate')})
group = file.metadata.row_group(0)
for i in range(group.num_columns):
    column = group.column(i)
    print(column.path_in_schema, column.compression, ','.join(e for e in column.encodings if e != 'RLE'))
print([(file.metadata.row_group(i).num_rows, file.metadata.row_group(i).column(0).statistics.min) for i in range(file.num_row_groups)])
rows = file.read().to_pylist()
print(len(rows), rows[4])
print(duckdb.sql(f'''select count(*), count(distinct region), sum(sequence), sum("index"), max(timestamp), count(tags),
  sum(octet_length(value)), any_value(origin), sum(type) from '{path}' ''').fetchall())
print(duckdb.sql(f'''select row::varchar, family::varchar, qualifier::varchar, value::varchar, write_time
  from '{path}' where sequence = 4 and "index" = 2 order by region limit 1''').fetchall())
print(duckdb.sql(f'''select kind, action, number, files[2], region, octet_length(value) from '{markers}' where sequence = 7''').fetchall())
print(parquet.read_table(markers).to_pylist()[6]['files'])
"#;

#[test]
fn pyarrow_and_duckdb_read_the_same() {
    let probe = Command::new("python3").args(["-c", "import pyarrow, duckdb"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("SKIPPED: python3 with pyarrow and duckdb is not there (pip install pyarrow duckdb)");
        return;
    }
    let groups = [
        (REGION, (0..40_000).map(plausible).collect::<Vec<_>>()),
        (OTHER, (0..7).map(plausible).collect::<Vec<_>>()),
    ];
    let directory = tempfile::tempdir().expect("directory");
    let (batch, markers) = (directory.path().join("batch.parquet"), directory.path().join("markers.parquet"));
    std::fs::write(&batch, encode(&groups, Some(ORIGIN))).expect("write");
    std::fs::write(&markers, encode_markers(&(1..20).map(marker).collect::<Vec<_>>())).expect("write");
    let output =
        Command::new("python3").args(["-c", PYTHON]).args([&batch, &markers]).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected_of_python(&groups));
}

fn expected_of_python(groups: &[(&str, Vec<Entry>)]) -> String {
    let all = expected(groups);
    let sum = |of: &dyn Fn(&Row) -> u64| all.iter().map(of).sum::<u64>();
    let (sequences, indexes) = (sum(&|row| row.1), sum(&|row| u64::from(row.2)));
    let (tags, values) =
        (sum(&|row| u64::from(!row.4.tags.is_empty())), sum(&|row| row.4.value.len() as u64));
    let types = sum(&|row| u64::from(row.4.cell_type.code()));
    let last = all.iter().map(|row| row.4.timestamp).max().expect("some");
    let (of_a_region, count) = (expected(&groups[..1]).len(), all.len());
    let marks = "{'tidegate.content': 'batch', 'tidegate.table': 'ns:t', 'tidegate.unordered': '0000000000000000000000000000000b', 'tidegate.version': '2', \
         'tidegate.wal': 'host.example.com%2C16020%2C1795214723178.1795214727936', \
         'tidegate.wal.bytes': '4711', 'tidegate.wal.closed': 'true'}";
    let five = "{'region': '0000000000000000000000000000000a', 'sequence': 4, 'index': 1, 'row': b'user00000007', \
         'family': b'a', 'qualifier': b'q1', 'timestamp': 1795214727937, 'type': 4, \
         'value': b'value of 1 1value of 1 1value of 1 1', 'tags': None, 'write_time': 1795214727937, \
         'origin': 'host.example.com,16020,1795214723178'}";
    format!(
        "region dictionary<values=string, indices=int32> required\nsequence uint64 required\nindex uint32 required\n\
         row binary required\nfamily dictionary<values=binary, indices=int32> required\nqualifier binary required\n\
         timestamp int64 required\ntype uint8 required\nvalue binary required\ntags binary null\n\
         write_time int64 required\norigin dictionary<values=string, indices=int32> null\n\
         {marks}\n\
         region ZSTD PLAIN,RLE_DICTIONARY\nsequence ZSTD DELTA_BINARY_PACKED\nindex ZSTD DELTA_BINARY_PACKED\n\
         row ZSTD DELTA_BYTE_ARRAY\nfamily ZSTD PLAIN,RLE_DICTIONARY\nqualifier ZSTD PLAIN,RLE_DICTIONARY\n\
         timestamp ZSTD DELTA_BINARY_PACKED\ntype ZSTD PLAIN,RLE_DICTIONARY\nvalue ZSTD PLAIN\n\
         tags ZSTD PLAIN,RLE_DICTIONARY\nwrite_time ZSTD DELTA_BINARY_PACKED\n\
         origin ZSTD PLAIN,RLE_DICTIONARY\n\
         [({of_a_region}, '{REGION}'), (21, '{OTHER}')]\n\
         {count} {five}\n\
         [({count}, 2, {sequences}, {indexes}, {last}, {tags}, {values}, '{ORIGIN}', {types})]\n\
         [('user00000007', 'b', 'q2', 'value of 1 2value of 1 2value of 1 2', 1795214727937)]\n\
         [('flush', 'COMMIT_FLUSH', 6, 'cf/b', '{REGION}', 40)]\n\
         ['cf/00000000000000000000000000000007', 'cf/b']\n"
    )
}
