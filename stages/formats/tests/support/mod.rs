//! What the tests of cells share: HBase's truth, and comparing with it.
#![allow(
    dead_code,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "each test binary uses a part; seeds are printed"
)]

pub mod file;
pub mod random;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use formats::cell::CellRef;
use serde_json::Value;

/// A cell that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub row: Vec<u8>,
    pub family: Vec<u8>,
    pub qualifier: Vec<u8>,
    pub timestamp: i64,
    pub cell_type: formats::cell::CellType,
    pub value: Vec<u8>,
    pub tags: Vec<u8>,
    pub sequence: u64,
}

impl Cell {
    pub fn of(cell: &CellRef<'_>) -> Self {
        Self {
            row: cell.row.to_vec(),
            family: cell.family.to_vec(),
            qualifier: cell.qualifier.to_vec(),
            timestamp: cell.timestamp,
            cell_type: cell.cell_type,
            value: cell.value.to_vec(),
            tags: cell.tags.to_vec(),
            sequence: cell.sequence,
        }
    }

    pub fn by_ref(&self) -> CellRef<'_> {
        CellRef {
            row: &self.row,
            family: &self.family,
            qualifier: &self.qualifier,
            timestamp: self.timestamp,
            cell_type: self.cell_type,
            value: &self.value,
            tags: &self.tags,
            sequence: self.sequence,
        }
    }
}

pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hfile").join(name)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The lines of a sample's `.expected.jsonl`.
pub fn expected(sample: &str) -> Vec<Value> {
    let path = data(&format!("{sample}.expected.jsonl"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What differs between a cell and a line of `.expected.jsonl`, if anything.
pub fn sample_difference(line: &Value, cell: &CellRef<'_>) -> Option<String> {
    let ours = serde_json::json!({
        "row": hex(cell.row), "family": hex(cell.family), "qualifier": hex(cell.qualifier),
        "ts": cell.timestamp, "type": cell.cell_type.code(), "seqid": cell.sequence,
        "value": hex(cell.value), "tags": hex(cell.tags),
    });
    (ours != *line).then(|| format!("HBase: {line}\nours: {ours}"))
}

/// Fails at the first cell that is not the expected one.
pub fn compare_with_sample(sample: &str, lines: &[Value], cells: &[Cell]) -> Result<(), String> {
    if lines.len() != cells.len() {
        return Err(format!("{sample}: {} cells, HBase has {}", cells.len(), lines.len()));
    }
    for (number, (line, cell)) in lines.iter().zip(cells).enumerate() {
        if let Some(difference) = sample_difference(line, &cell.by_ref()) {
            return Err(format!("{sample}, cell {number}:\n{difference}"));
        }
    }
    Ok(())
}
