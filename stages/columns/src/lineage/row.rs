use super::{CONTENT, VERSION};
use crate::marks::Mark;
use crate::table::{Column, Values, column, different, rising};
use crate::writing::Row;

/// One cell of hbase:meta that concerns a region, with the content of its `RegionInfo` typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineageRow {
    /// Where its entry starts in the WAL.
    pub offset: u64,
    /// Sequence id of the entry.
    pub sequence: u64,
    /// Position of the cell in its entry.
    pub index: u32,
    /// The server's clock when the entry was appended, ms.
    pub write_time: i64,
    /// Timestamp of the cell, ms.
    pub timestamp: i64,
    /// HBase's code of the cell's type: 4 put, others delete.
    pub cell_type: u8,
    /// Encoded name of the region whose row of hbase:meta this is.
    pub region: String,
    /// The row: the region's whole name.
    pub row: Vec<u8>,
    /// Qualifier: `regioninfo`, `splitA`, `splitB`, `merge0000`, `state`, `server`, ...
    pub qualifier: String,
    /// Encoded name of the region in the value: a daughter of a split, a parent of a merge, or the region itself.
    pub other: Option<String>,
    /// Its table, as `ns:name`.
    pub table: Option<String>,
    /// Its first row.
    pub start_key: Option<Vec<u8>>,
    /// The first row after it.
    pub end_key: Option<Vec<u8>>,
    /// Whether it was split.
    pub split: Option<bool>,
    /// Whether it is not served.
    pub offline: Option<bool>,
    /// The value, as HBase wrote it.
    pub value: Vec<u8>,
}

impl LineageRow {
    /// Bytes of memory that it holds, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.weight()
    }
}

impl Row for LineageRow {
    const MARK: Mark = Mark { content: CONTENT, version: VERSION };
    const COLUMNS: &'static [Column<Self>] = &[
        rising("offset", Values::U64(|row| &mut row.offset)),
        rising("sequence", Values::U64(|row| &mut row.sequence)),
        rising("index", Values::U32(|row| &mut row.index)),
        rising("write_time", Values::I64(|row| &mut row.write_time)),
        rising("timestamp", Values::I64(|row| &mut row.timestamp)),
        column("type", Values::U8(|row| &mut row.cell_type)),
        column("region", Values::Text(|row| &mut row.region)),
        column("row", Values::Binary(|row| &mut row.row)),
        column("qualifier", Values::Text(|row| &mut row.qualifier)),
        column("other", Values::OptionalText(|row| &mut row.other)),
        column("table", Values::OptionalText(|row| &mut row.table)),
        column("start_key", Values::OptionalBinary(|row| &mut row.start_key)),
        column("end_key", Values::OptionalBinary(|row| &mut row.end_key)),
        column("split", Values::OptionalBool(|row| &mut row.split)),
        column("offline", Values::OptionalBool(|row| &mut row.offline)),
        different("value", Values::Binary(|row| &mut row.value)),
    ];

    fn weight(&self) -> usize {
        let keys = [&self.start_key, &self.end_key].into_iter().flatten().map(Vec::len).sum::<usize>();
        size_of::<Self>() + self.row.len() + self.value.len() + keys + 128
    }
}
