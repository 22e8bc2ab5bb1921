//! Reads a WAL through and says what it holds.

use crate::bytes::source_problem;
use crate::wal::gather_cells::{GatherCells, TableFilter};
use crate::wal::gather_wal::{end_name, end_problem};
use crate::wal::read_wal::ReadWal;
use formats::wal::{CellLayout, WalDecoderOptions, WalEnd, WalHeader};
use names::WalName;
use serde::Serialize;
use stage::{Problem, Problems};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::ReadRanges;

/// A WAL, described.
#[derive(Debug, Clone, Serialize)]
pub struct WalDescription {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// The server that wrote it, as `host,port,startcode`, if the name has it.
    pub server: Option<String>,
    /// When it was created by the server's clock, ms, if the name has it. It bounds no write time.
    pub created_ms: Option<u64>,
    /// The Java class that wrote it.
    pub writer: Option<String>,
    /// How its cells lie: `plain`, `dictionary`, `encrypted`.
    pub layout: Option<&'static str>,
    /// What values are compressed with.
    pub value_codec: Option<String>,
    /// How it ended: `closed`, `unclosed`, `empty`, `torn`, `partial-trailer`, `damaged`, `unsupported`.
    pub end: &'static str,
    /// Where the last whole entry ends.
    pub end_offset: u64,
    /// Whole entries, including markers.
    pub entries: u64,
    /// Cells of edits.
    pub cells: u64,
    /// Markers.
    pub markers: u64,
    /// The smallest write time, ms.
    pub first_write_time: Option<i64>,
    /// The largest write time, ms.
    pub last_write_time: Option<i64>,
    /// Regions, by table and name.
    pub regions: Vec<RegionDescription>,
}

/// What a WAL holds of one region.
#[derive(Debug, Clone, Serialize)]
pub struct RegionDescription {
    /// The table, as `ns:name`.
    pub table: String,
    /// Encoded name of the region.
    pub region: String,
    /// Entries with edits.
    pub entries: u64,
    /// Cells.
    pub cells: u64,
    /// Markers.
    pub markers: u64,
    /// The smallest sequence id.
    pub first_sequence: u64,
    /// The largest sequence id.
    pub last_sequence: u64,
}

/// Describes a WAL, and says what is wrong with it: its structure, names, markers, and the order of the ids of each
/// region.
///
/// # Errors
/// It cannot be read.
pub fn describe_wal(
    file: Arc<dyn ReadRanges>,
    path: &str,
    options: WalDecoderOptions,
) -> Result<(WalDescription, Problems), Problem> {
    let mut reader = ReadWal::new(file, options);
    // Nothing is kept, all is counted.
    let mut gather = GatherCells::new(path, TableFilter(Some(BTreeSet::new())));
    let end = loop {
        let mut take = |entry: &formats::wal::WalEntry<'_>| gather.take(entry);
        if let Some(end) = reader.next_entry(&mut take).map_err(|error| source_problem(&error))? {
            break end;
        }
        gather.markers.clear();
        gather.lineage.clear();
    };
    let mut problems = std::mem::take(&mut gather.problems);
    problems.extend(end_problem(path, &end));
    let description = described(path, &reader, gather, &end);
    Ok((description, problems))
}

fn described(path: &str, reader: &ReadWal, gather: GatherCells, end: &WalEnd) -> WalDescription {
    let name = path.rsplit('/').next().and_then(|name| WalName::parse(name).ok());
    let header = reader.header();
    let (entries, write_time) = (gather.entries, gather.write_time);
    let mut regions: Vec<RegionDescription> = gather
        .regions
        .into_iter()
        .filter_map(|region| {
            let (first_sequence, last_sequence) = region.sequences?;
            let (entries, cells, markers) = (region.entries, region.cells, region.markers);
            let (table, region) = (region.table, region.region);
            Some(RegionDescription { table, region, entries, cells, markers, first_sequence, last_sequence })
        })
        .collect();
    regions.sort_by(|one, other| (&one.table, &one.region).cmp(&(&other.table, &other.region)));
    WalDescription {
        path: path.to_owned(),
        bytes: reader.length(),
        server: name.as_ref().map(|name| name.server.to_string()),
        created_ms: name.map(|name| name.created_ms),
        writer: header.and_then(|header| header.writer_class.clone()),
        layout: header.and_then(|header| header.cell_layout().ok()).map(layout_name),
        value_codec: header.and_then(codec_name),
        end: end_name(end),
        end_offset: end.offset(),
        entries,
        cells: regions.iter().map(|region| region.cells).sum(),
        markers: regions.iter().map(|region| region.markers).sum(),
        first_write_time: write_time.map(|(first, _)| first),
        last_write_time: write_time.map(|(_, last)| last),
        regions,
    }
}

fn layout_name(layout: CellLayout) -> &'static str {
    match layout {
        CellLayout::Plain => "plain",
        CellLayout::Compressed => "dictionary",
        CellLayout::Encrypted => "encrypted",
    }
}

fn codec_name(header: &WalHeader) -> Option<String> {
    header.value_codec().ok().flatten().map(|codec| codec.name().to_owned())
}
