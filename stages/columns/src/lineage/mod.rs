//! What a WAL of hbase:meta says about regions, parents and daughters (`<wal>.lineage.parquet`): the cells of
//! `info:regioninfo`, `info:splitA`, `info:splitB` and `info:merge*`, and since version 2 those that say where a region is:
//! `info:state`, `info:sn`, `info:server`, `info:serverstartcode` and `info:seqnumDuringOpen`. Never used as data.

mod row;

pub use row::LineageRow;

use crate::row_decoder::RowDecoder;
use crate::writing::{Row, RowEncoder};
use crate::{ChunkReader, ReadError, WalMarks, WriteError};
use std::io::Write;

/// The value of the key `tidegate.content`.
pub const CONTENT: &str = "lineage";
/// The value of the key `tidegate.version`: raised when a column is added, removed or changes its meaning.
pub const VERSION: u32 = 2;

/// Writes lineage as Parquet, in the order of the WAL.
pub struct LineageEncoder<W: Write + Send>(RowEncoder<W, LineageRow>);

impl<W: Write + Send> LineageEncoder<W> {
    /// Begins a file. The output may be borrowed: `&mut file`.
    pub fn new(out: W, wal: &WalMarks) -> Result<Self, WriteError> {
        let mut marks = LineageRow::MARK.encode();
        wal.encode(&mut marks);
        RowEncoder::new(out, marks).map(Self)
    }

    /// Adds one cell of hbase:meta.
    pub fn push(&mut self, row: LineageRow) -> Result<(), WriteError> {
        self.0.push(row)
    }

    /// Ends the file and flushes the output. Without this call it is no Parquet file.
    pub fn finish(self) -> Result<(), WriteError> {
        self.0.finish()
    }
}

/// Reads lineage, a batch of rows at a time. After an error it yields nothing more.
pub struct LineageDecoder {
    rows: RowDecoder<LineageRow>,
    wal: WalMarks,
}

impl LineageDecoder {
    /// Opens a file: reads its footer and checks that it holds lineage, in a known version.
    pub fn new<R: ChunkReader + 'static>(input: R) -> Result<Self, ReadError> {
        let (rows, wal) = RowDecoder::new(input, WalMarks::decode)?;
        Ok(Self { rows, wal })
    }

    /// The WAL that it was made from.
    pub fn wal(&self) -> &WalMarks {
        &self.wal
    }
}

impl Iterator for LineageDecoder {
    type Item = Result<Vec<LineageRow>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}
