//! Other readers of batches: pyarrow, DuckDB and polars see the cells that we see, and find the same rows by statistics as without.
//! `scripts/readers` installs them and runs these tests.

use crate::golden::{converted, golden_sets};
use crate::support::{REGIONS, Row, Wal, context, live, options, put, rows};
use formats::cell::{CellRef, CellType};
use jobs::convert::run_between;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use store::{MemoryStore, Store, connect};

/// Whether they are there; without `TIDEGATE_READERS`, which demands them, a test is skipped, visibly.
fn has_readers() -> bool {
    let probe = Command::new("python3").args(["-c", "import pyarrow, duckdb, polars"]).output();
    let there = probe.is_ok_and(|probe| probe.status.success());
    assert!(there || std::env::var_os("TIDEGATE_READERS").is_none(), "pyarrow, duckdb or polars is missing");
    if !there {
        eprintln!("SKIPPED: python3 with pyarrow, duckdb and polars is not there (scripts/readers)");
    }
    there
}

/// Runs a program on a directory; what it prints.
fn python(program: &str, directory: &Path) -> String {
    let output = Command::new("python3").args(["-c", program]).arg(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const CELLS: &str = r#"
import sys, json, hashlib, glob
import pyarrow.parquet as parquet, duckdb
directory = sys.argv[1]
files = sorted(glob.glob(directory + '/*.parquet'))
def line(r):
    return '|'.join([r['region'], str(r['sequence']), str(r['index']), r['row'].hex(), r['family'].hex(), r['qualifier'].hex(),
      str(r['timestamp']), str(r['type']), hashlib.sha256(r['value']).hexdigest(), (r['tags'] or b'').hex(), str(r['write_time']), r['origin'] or ''])
arrow = sorted(line(r) for f in files for r in parquet.read_table(f, partitioning=None).to_pylist())
names = ['region', 'sequence', 'index', 'row', 'family', 'qualifier', 'timestamp', 'type', 'value', 'tags', 'write_time', 'origin']
columns = ', '.join('"' + n + '"' for n in names)
duck = sorted(line(dict(zip(names, r))) for f in files for r in duckdb.sql(f"select {columns} from '{f}'").fetchall())
assert arrow == duck
# The directory is one data set: nothing lies in it but batches and names that begin with `_`.
import pyarrow.dataset as dataset
folder = dataset.dataset(directory)
assert sorted(line(r) for r in folder.to_table().to_pylist()) == arrow
every = duckdb.sql(f"select {columns} from '{directory}/*.parquet'").fetchall()
assert sorted(line(dict(zip(names, r))) for r in every) == arrow
# Rows between two others, by statistics and without.
rows = sorted({r['row'] for r in folder.to_table().to_pylist()})
for low, high in [(rows[0], rows[len(rows) // 2]), (rows[len(rows) // 3], rows[-1]), (rows[-1], rows[-1])]:
    of_all = sorted(l for l in arrow if low.hex() <= l.split('|')[3] <= high.hex())
    pruned = folder.to_table(filter=(dataset.field('row') >= low) & (dataset.field('row') <= high)).to_pylist()
    assert sorted(line(r) for r in pruned) == of_all
    found = duckdb.execute(f"select {columns} from '{directory}/*.parquet' where row between $1 and $2", [low, high]).fetchall()
    assert sorted(line(dict(zip(names, r))) for r in found) == of_all
print(len(arrow), hashlib.sha256('\n'.join(arrow).encode()).hexdigest())
"#;

#[test]
fn readers_see_the_same_cells_as_we_do() {
    if !has_readers() {
        return;
    }
    let sets = golden_sets("readers_see_the_same_cells_as_we_do");
    let Some(set) = sets.iter().find(|set| set.ends_with("topology-1")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let target = converted(set, directory.path());
    let mut lines = Vec::new();
    for listed in catalog::list_batches(target.as_ref(), "default:ta").unwrap() {
        lines.extend(rows(&target, "default:ta", &listed.stem).iter().map(line));
    }
    lines.sort();
    let expected = format!("{} {}", lines.len(), sha256(lines.join("\n").as_bytes()));
    let said = python(CELLS, &directory.path().join(".tidegate/batches/default/ta"));
    assert_eq!(said, expected);
}

fn line(row: &Row) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let code =
        formats::cell::CellType::ALL.into_iter().find(|known| known.name() == row.cell_type).unwrap().code();
    let fields = [
        row.region.clone(),
        row.sequence.to_string(),
        row.index.to_string(),
        hex(&row.row),
        hex(&row.family),
        hex(&row.qualifier),
        row.timestamp.to_string(),
        code.to_string(),
        sha256(&row.value),
        hex(&row.tags),
        row.write_time.to_string(),
        row.origin.clone().unwrap_or_default(),
    ];
    fields.join("|")
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Finds rows in ranges by each reader, which may skip row groups and pages, and by looking at every row.
const RANGES: &str = r#"
import sys, glob, random
import pyarrow.dataset as dataset, duckdb, polars
directory = sys.argv[1]
every = sorted((r['row'], r['sequence']) for r in dataset.dataset(directory).to_table().to_pylist())
rows = sorted({row for row, _ in every})
random.seed(7)
bounds = [(b'', b'\xff' * 400), (rows[0], rows[0]), (rows[-1], rows[-1]), (b'\x7f', b'\x80'), (b'\x80', b'\xff')]
bounds += [tuple(sorted(random.sample(rows, 2))) for _ in range(40)]
# Bounds that are no row: cut short, and one byte longer.
bounds += [(low[:-1], high + b'\x00') for low, high in bounds[5:25]]
found = 0
for low, high in bounds:
    expected = [(row, sequence) for row, sequence in every if low <= row <= high]
    field = dataset.field('row')
    arrow = dataset.dataset(directory).to_table(filter=(field >= low) & (field <= high)).to_pylist()
    assert sorted((r['row'], r['sequence']) for r in arrow) == expected, ('pyarrow', low, high)
    duck = duckdb.execute(f"select row, sequence from '{directory}/*.parquet' where row between $1 and $2", [low, high]).fetchall()
    assert sorted(duck) == expected, ('duckdb', low, high)
    column = polars.col('row')
    frame = polars.scan_parquet(directory + '/*.parquet').filter((column >= low) & (column <= high)).select('row', 'sequence').collect()
    assert sorted(frame.rows()) == expected, ('polars', low, high)
    found += len(expected)
print(len(every), found > 0)
"#;

/// Rows with a long common beginning, with bytes above 0x7f (which a signed comparison puts first), and rows that begin like others.
fn awkward_rows() -> Vec<Vec<u8>> {
    let long = |number: u32| [&[b'p'; 300], &number.wrapping_mul(0x9e37_79b9).to_be_bytes()[..]].concat();
    let high =
        |number: u32| number.wrapping_mul(0x85eb_ca6b).to_be_bytes()[..1 + number as usize % 4].to_vec();
    let mut rows: Vec<Vec<u8>> = (0..9_000).map(long).chain((0..3_000).map(high)).collect();
    rows.extend([vec![0xff; 300], vec![0xff; 301], vec![0], vec![0x7f], vec![0x80]]);
    rows
}

#[test]
fn readers_find_the_same_rows_by_statistics_as_without() {
    if !has_readers() {
        return;
    }
    let mut wal = Wal::plain();
    let rows = awkward_rows();
    for (sequence, row) in (1..).zip(&rows) {
        let cell = CellRef {
            row,
            family: b"f",
            qualifier: b"q",
            timestamp: 7,
            cell_type: CellType::Put,
            value: b"v",
            tags: b"",
            sequence,
        };
        wal.cell("ns:t", REGIONS[sequence as usize % 2], sequence, cell);
    }
    let source: Arc<dyn Store> = Arc::new(MemoryStore::files());
    put(&source, &live(100), &wal.closed());
    let directory = tempfile::tempdir().unwrap();
    let uri = format!("file://{}", directory.path().display());
    let target: Arc<dyn Store> = connect(&uri).unwrap();
    run_between(&options(), source, None, &target, &context(64 << 20)).unwrap();
    let said = python(RANGES, &directory.path().join(".tidegate/batches/ns/t"));
    assert_eq!(said, format!("{} True", rows.len()));
}
