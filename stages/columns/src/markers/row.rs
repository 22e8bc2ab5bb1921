use super::{CONTENT, VERSION};
use crate::marks::Mark;
use crate::table::{Column, Values, column, different, rising};
use crate::writing::Row;
use formats::FormatError;
use formats::cell::{CellRef, CellType};
use formats::wal::{METAFAMILY, Marker};

/// One marker of a WAL: its typed fields, and the whole value as HBase wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkerRow {
    /// Where its entry starts in the WAL.
    pub offset: u64,
    /// Sequence id of the entry.
    pub sequence: u64,
    /// Position of the cell in its entry.
    pub index: u32,
    /// The server's clock when the entry was appended, ms.
    pub write_time: i64,
    /// Encoded name of the region.
    pub region: String,
    /// The table, as `ns:name`.
    pub table: String,
    /// `flush`, `region_event`, `compaction`, `bulk_load`, or `unknown`.
    pub kind: String,
    /// HBase's name of what happened: `START_FLUSH`, `REGION_OPEN`, ... ; compactions and bulk loads have none.
    pub action: Option<String>,
    /// The sequence id inside: flush_sequence_number, log_sequence_number or bulkload_seq_num.
    pub number: Option<u64>,
    /// Files that were added: `<family>/<file>`; for a region that opened, all that it has.
    pub files: Vec<String>,
    /// Files that a compaction replaced: `<family>/<file>`.
    pub replaced: Vec<String>,
    /// The server, as `host,port,startcode`, where it is given.
    pub server: Option<String>,
    /// Qualifier of the cell.
    pub qualifier: Vec<u8>,
    /// Value of the cell: HBase's own descriptor, whole.
    pub value: Vec<u8>,
}

impl MarkerRow {
    /// What HBase's descriptor says.
    ///
    /// # Errors
    /// The descriptor is malformed.
    pub fn marker(&self) -> Result<Marker, FormatError> {
        let cell = CellRef {
            row: &[],
            family: METAFAMILY,
            qualifier: &self.qualifier,
            timestamp: 0,
            cell_type: CellType::Put,
            value: &self.value,
            tags: &[],
            sequence: self.sequence,
        };
        Marker::decode(&cell).map(|marker| marker.unwrap_or(Marker::Unknown))
    }
}

impl Row for MarkerRow {
    const MARK: Mark = Mark { content: CONTENT, version: VERSION };
    const COLUMNS: &'static [Column<Self>] = &[
        rising("offset", Values::U64(|row| &mut row.offset)),
        rising("sequence", Values::U64(|row| &mut row.sequence)),
        rising("index", Values::U32(|row| &mut row.index)),
        rising("write_time", Values::I64(|row| &mut row.write_time)),
        column("region", Values::Text(|row| &mut row.region)),
        column("table", Values::Text(|row| &mut row.table)),
        column("kind", Values::Text(|row| &mut row.kind)),
        column("action", Values::OptionalText(|row| &mut row.action)),
        rising("number", Values::OptionalU64(|row| &mut row.number)),
        column("files", Values::Texts(|row| &mut row.files)),
        column("replaced", Values::Texts(|row| &mut row.replaced)),
        column("server", Values::OptionalText(|row| &mut row.server)),
        column("qualifier", Values::Binary(|row| &mut row.qualifier)),
        different("value", Values::Binary(|row| &mut row.value)),
    ];

    fn weight(&self) -> usize {
        let lists = self.files.iter().chain(&self.replaced).map(|text| text.len() + size_of::<String>());
        let texts = self.region.len() + self.table.len() + self.kind.len() + self.qualifier.len();
        size_of::<Self>() + texts + self.value.len() + lists.sum::<usize>()
    }
}

impl MarkerRow {
    /// Bytes of memory that it holds, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.weight()
    }
}
