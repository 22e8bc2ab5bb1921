//! What a WAL says about its regions: flushes, opens and closes, bulk loads, compactions (`<wal>.markers.parquet`).
//!
//! There is one such file for each WAL, markers or not: it also says what the WAL holds and how it ended, and it is
//! the last to be written, so that a WAL that has one has been converted.

mod row;

pub use row::MarkerRow;

use crate::marks::{parsed, value};
use crate::row_decoder::RowDecoder;
use crate::writing::{Row, RowEncoder};
use crate::{ChunkReader, ReadError, TableTotals, WalMarks, WriteError};
use parquet::file::metadata::FileMetaData;
use std::io::Write;

/// The value of the key `tidegate.content`.
pub const CONTENT: &str = "markers";
/// The value of the key `tidegate.version`: raised when a column is added, removed or changes its meaning.
pub const VERSION: u32 = 1;

const LENGTH: &str = "tidegate.wal.length";
const END: &str = "tidegate.wal.end";
const SERVER: &str = "tidegate.wal.server";
const ENTRIES: &str = "tidegate.wal.entries";
const FIRST: &str = "tidegate.wal.first_write_time";
const LAST: &str = "tidegate.wal.last_write_time";
const TABLES: &str = "tidegate.tables";

/// What a WAL holds, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalSummary {
    /// The WAL.
    pub wal: WalMarks,
    /// Bytes that the file had when it was read; more than are in here if it was torn or damaged.
    pub length: u64,
    /// How it ended: `closed`, `unclosed`, `empty`, `torn`, `partial-trailer`, `damaged`.
    pub end: String,
    /// The server that wrote it, as `host,port,startcode`; empty for recovered edits.
    pub server: String,
    /// Entries of all tables, including markers.
    pub entries: u64,
    /// The smallest and largest write time of all entries, ms.
    pub write_time: Option<(i64, i64)>,
    /// What it holds of each table, in the order of tables; those with only markers are left out.
    pub tables: Vec<TableTotals>,
}

/// Writes the markers of a WAL as Parquet, in the order of the WAL.
pub struct MarkersEncoder<W: Write + Send>(RowEncoder<W, MarkerRow>);

impl<W: Write + Send> MarkersEncoder<W> {
    /// Begins a file. The output may be borrowed: `&mut file`.
    pub fn new(out: W) -> Result<Self, WriteError> {
        RowEncoder::new(out, MarkerRow::MARK.encode()).map(Self)
    }

    /// Adds one marker.
    pub fn push(&mut self, row: MarkerRow) -> Result<(), WriteError> {
        self.0.push(row)
    }

    /// Ends the file and flushes the output. Without this call it is no Parquet file.
    pub fn finish(mut self, summary: &WalSummary) -> Result<(), WriteError> {
        let mut marks = Vec::new();
        summary.wal.encode(&mut marks);
        for mark in marks {
            self.0.mark(&mark.key, mark.value.unwrap_or_default());
        }
        let time = |of: Option<i64>| of.map_or_else(String::new, |ms| ms.to_string());
        for (key, value) in [
            (LENGTH, summary.length.to_string()),
            (END, summary.end.clone()),
            (SERVER, summary.server.clone()),
            (ENTRIES, summary.entries.to_string()),
            (FIRST, time(summary.write_time.map(|(first, _)| first))),
            (LAST, time(summary.write_time.map(|(_, last)| last))),
            (TABLES, TableTotals::encode(&summary.tables)),
        ] {
            self.0.mark(key, value);
        }
        self.0.finish()
    }
}

/// Reads the markers of a WAL, a batch of rows at a time. After an error it yields nothing more.
pub struct MarkersDecoder {
    rows: RowDecoder<MarkerRow>,
    summary: WalSummary,
}

impl MarkersDecoder {
    /// Opens a file: reads its footer and checks that it holds markers, in a known version.
    pub fn new<R: ChunkReader + 'static>(input: R) -> Result<Self, ReadError> {
        let (rows, summary) = RowDecoder::new(input, summary)?;
        Ok(Self { rows, summary })
    }

    /// What the WAL holds.
    pub fn summary(&self) -> &WalSummary {
        &self.summary
    }

    /// The number of markers that it claims, compared with what was read when the last one has been.
    pub fn rows(&self) -> u64 {
        self.rows.rows()
    }
}

impl Iterator for MarkersDecoder {
    type Item = Result<Vec<MarkerRow>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

fn summary(metadata: &FileMetaData) -> Result<WalSummary, ReadError> {
    let time = |key| match value(metadata, key)? {
        "" => Ok(None),
        _ => parsed::<i64>(metadata, key).map(Some),
    };
    Ok(WalSummary {
        wal: WalMarks::decode(metadata)?,
        length: parsed(metadata, LENGTH)?,
        end: value(metadata, END)?.to_owned(),
        server: value(metadata, SERVER)?.to_owned(),
        entries: parsed(metadata, ENTRIES)?,
        write_time: time(FIRST)?.zip(time(LAST)?),
        tables: TableTotals::decode(value(metadata, TABLES)?)?,
    })
}
