use super::{CONTENT, VERSION};
use crate::ReadError;
use crate::marks::Mark;
use crate::reading;
use crate::writing::{Row, binary, optional_text, text, texts, texts_type};
use arrow_array::types::{Int64Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use formats::FormatError;
use formats::cell::{CellRef, CellType};
use formats::wal::{METAFAMILY, Marker};
use parquet::basic::Encoding;
use std::sync::Arc;

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
    const EACH_DIFFERENT: &'static [(&'static str, Encoding)] = &[
        ("offset", Encoding::DELTA_BINARY_PACKED),
        ("sequence", Encoding::DELTA_BINARY_PACKED),
        ("index", Encoding::DELTA_BINARY_PACKED),
        ("write_time", Encoding::DELTA_BINARY_PACKED),
        ("number", Encoding::DELTA_BINARY_PACKED),
        ("value", Encoding::PLAIN),
    ];

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("offset", DataType::UInt64, false),
            Field::new("sequence", DataType::UInt64, false),
            Field::new("index", DataType::UInt32, false),
            Field::new("write_time", DataType::Int64, false),
            Field::new("region", DataType::Utf8, false),
            Field::new("table", DataType::Utf8, false),
            Field::new("kind", DataType::Utf8, false),
            Field::new("action", DataType::Utf8, true),
            Field::new("number", DataType::UInt64, true),
            Field::new("files", texts_type(), false),
            Field::new("replaced", texts_type(), false),
            Field::new("server", DataType::Utf8, true),
            Field::new("qualifier", DataType::Binary, false),
            Field::new("value", DataType::Binary, false),
        ])
    }

    fn batch(rows: &[Self], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.offset))),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.sequence))),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.index))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.write_time))),
            text(rows, |row| &row.region),
            text(rows, |row| &row.table),
            text(rows, |row| &row.kind),
            optional_text(rows, |row| row.action.as_deref()),
            Arc::new(rows.iter().map(|row| row.number).collect::<UInt64Array>()),
            texts(rows, |row| &row.files),
            texts(rows, |row| &row.replaced),
            optional_text(rows, |row| row.server.as_deref()),
            binary(rows, |row| Some(&row.qualifier)),
            binary(rows, |row| Some(&row.value)),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns)
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ReadError> {
        let (offset, sequence) = (
            reading::number::<UInt64Type>(batch, "offset")?,
            reading::number::<UInt64Type>(batch, "sequence")?,
        );
        let (index, write_time) = (
            reading::number::<UInt32Type>(batch, "index")?,
            reading::number::<Int64Type>(batch, "write_time")?,
        );
        let (region, table) = (reading::text(batch, "region")?, reading::text(batch, "table")?);
        let (kind, action) = (reading::text(batch, "kind")?, reading::text(batch, "action")?);
        let number = reading::number::<UInt64Type>(batch, "number")?;
        let (mut files, mut replaced) =
            (reading::texts(batch, "files")?.into_iter(), reading::texts(batch, "replaced")?.into_iter());
        let server = reading::text(batch, "server")?;
        let (qualifier, value) = (reading::binary(batch, "qualifier")?, reading::binary(batch, "value")?);
        let rows = (0..batch.num_rows()).map(|row| Self {
            offset: offset.value(row),
            sequence: sequence.value(row),
            index: index.value(row),
            write_time: write_time.value(row),
            region: region.value(row).to_owned(),
            table: table.value(row).to_owned(),
            kind: kind.value(row).to_owned(),
            action: reading::optional_text(action, row),
            number: reading::optional(number, row),
            files: files.next().unwrap_or_default(),
            replaced: replaced.next().unwrap_or_default(),
            server: reading::optional_text(server, row),
            qualifier: qualifier.value(row).to_vec(),
            value: value.value(row).to_vec(),
        });
        Ok(rows.collect())
    }

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
