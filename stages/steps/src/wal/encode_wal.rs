//! Encodes a decoded WAL as Parquet.

use crate::wal::gather_cells::RegionCells;
use crate::wal::gather_wal::{GatheredWal, WalContent, WalToGather};
use crate::wal::spill_runs::{SpilledRuns, encode_regions};
use columns::batch::{BatchEncoder, BatchMarks};
use columns::lineage::{LineageEncoder, LineageRow};
use columns::markers::{MarkerRow, MarkersEncoder, WalSummary};
use columns::{WalMarks, WriteError};
use stage::{Bytes, Failure, Map, Problem, ProblemKind, Problems};
use std::collections::BTreeSet;

/// What a file made from a WAL holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// The edits of this table, as `ns:name`.
    Batch(String),
    /// What hbase:meta says about regions.
    Lineage,
    /// The markers, and what the WAL holds: written last.
    Markers,
}

/// A file made from a WAL.
pub struct EncodedFile {
    /// What it holds.
    pub made: Made,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A WAL that has been encoded.
pub struct EncodedWal {
    /// Which one.
    pub asked: WalToGather,
    /// What it holds; `None` if it is not to be converted.
    pub summary: Option<WalSummary>,
    /// Its files, in the order in which they are to be published.
    pub files: Vec<EncodedFile>,
    /// What is left to do if its cells did not fit into memory: its files are then only those without cells.
    pub too_large: Option<LargeContent>,
    /// What is wrong.
    pub problems: Problems,
    /// Bytes that were read.
    pub bytes_read: u64,
}

/// The batches that are to be merged from runs.
pub struct LargeContent {
    /// The WAL.
    pub summary: WalSummary,
    /// Regions whose sequence ids go back, by table.
    pub unordered: BTreeSet<(String, String)>,
    /// The runs.
    pub spilled: SpilledRuns,
}

impl Bytes for EncodedWal {
    fn bytes(&self) -> usize {
        self.files.iter().map(|file| file.bytes.len()).sum()
    }
}

/// The step.
pub struct EncodeWal;

impl Map for EncodeWal {
    type In = GatheredWal;
    type Out = EncodedWal;

    fn map(&self, decoded: GatheredWal) -> Result<EncodedWal, Failure> {
        let GatheredWal { asked, content, mut problems, bytes_read } = decoded;
        let mut encoded = EncodedWal {
            asked,
            summary: None,
            files: Vec::new(),
            too_large: None,
            problems: Problems::default(),
            bytes_read,
        };
        if let Some(mut content) = content {
            let done = encode(&mut content, &mut encoded.files);
            match done {
                Ok(()) => encoded.summary = Some(content.summary.clone()),
                Err(error) => {
                    encoded.files.clear();
                    problems.push(unencodable(&encoded.asked.wal.shown(), &error));
                }
            }
            if !content.spilled.is_empty() && encoded.summary.is_some() {
                let WalContent { summary, unordered, spilled, .. } = content;
                encoded.too_large = Some(LargeContent { summary, unordered, spilled });
            }
        }
        encoded.problems = problems;
        Ok(encoded)
    }
}

/// A WAL that Parquet cannot express.
#[must_use]
pub fn unencodable(path: &str, error: &WriteError) -> Problem {
    Problem::new(ProblemKind::Unsupported, path, error).meaning("the WAL was not converted")
}

fn encode(content: &mut WalContent, files: &mut Vec<EncodedFile>) -> Result<(), WriteError> {
    let summary = &content.summary;
    let mut regions = std::mem::take(&mut content.regions).into_iter().peekable();
    while let Some(table) = regions.peek().map(|region| region.table.clone()) {
        let of_table = std::iter::from_fn(|| regions.next_if(|region| region.table == table));
        let bytes = encode_batch(summary, &table, &content.unordered, of_table)?;
        files.push(EncodedFile { made: Made::Batch(table), bytes });
    }
    if content.has_meta {
        let bytes = encode_lineage(&summary.wal, std::mem::take(&mut content.lineage))?;
        files.push(EncodedFile { made: Made::Lineage, bytes });
    }
    let bytes = encode_markers(summary, std::mem::take(&mut content.markers))?;
    files.push(EncodedFile { made: Made::Markers, bytes });
    Ok(())
}

fn encode_batch(
    summary: &WalSummary,
    table: &str,
    unordered: &BTreeSet<(String, String)>,
    regions: impl Iterator<Item = RegionCells>,
) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    let marks = batch_marks(summary, table, unordered);
    let mut encoder = BatchEncoder::new(&mut bytes, &marks, origin(summary))?;
    encode_regions(regions, &mut encoder)?;
    encoder.finish()?;
    Ok(bytes)
}

/// The marks of a table's batch.
#[must_use]
pub fn batch_marks(summary: &WalSummary, table: &str, unordered: &BTreeSet<(String, String)>) -> BatchMarks {
    let of_table = unordered.iter().filter(|(of, _)| of == table);
    BatchMarks {
        wal: summary.wal.clone(),
        table: table.to_owned(),
        unordered: of_table.map(|(_, region)| region.clone()).collect(),
    }
}

/// The server that wrote the WAL, where it is known.
#[must_use]
pub fn origin(summary: &WalSummary) -> Option<&str> {
    Some(summary.server.as_str()).filter(|server| !server.is_empty())
}

fn encode_lineage(wal: &WalMarks, rows: Vec<LineageRow>) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    let mut encoder = LineageEncoder::new(&mut bytes, wal)?;
    rows.into_iter().try_for_each(|row| encoder.push(row))?;
    encoder.finish()?;
    Ok(bytes)
}

fn encode_markers(summary: &WalSummary, rows: Vec<MarkerRow>) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    let mut encoder = MarkersEncoder::new(&mut bytes)?;
    rows.into_iter().try_for_each(|row| encoder.push(row))?;
    encoder.finish(summary)?;
    Ok(bytes)
}
