use super::{CONTENT, VERSION};
use crate::ReadError;
use crate::marks::Mark;
use crate::reading;
use crate::writing::{Row, binary, optional_text, text};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt8Array, UInt32Array, UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::basic::Encoding;
use std::sync::Arc;

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
    const EACH_DIFFERENT: &'static [(&'static str, Encoding)] = &[
        ("offset", Encoding::DELTA_BINARY_PACKED),
        ("sequence", Encoding::DELTA_BINARY_PACKED),
        ("index", Encoding::DELTA_BINARY_PACKED),
        ("write_time", Encoding::DELTA_BINARY_PACKED),
        ("timestamp", Encoding::DELTA_BINARY_PACKED),
        ("value", Encoding::PLAIN),
    ];

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("offset", DataType::UInt64, false),
            Field::new("sequence", DataType::UInt64, false),
            Field::new("index", DataType::UInt32, false),
            Field::new("write_time", DataType::Int64, false),
            Field::new("timestamp", DataType::Int64, false),
            Field::new("type", DataType::UInt8, false),
            Field::new("region", DataType::Utf8, false),
            Field::new("row", DataType::Binary, false),
            Field::new("qualifier", DataType::Utf8, false),
            Field::new("other", DataType::Utf8, true),
            Field::new("table", DataType::Utf8, true),
            Field::new("start_key", DataType::Binary, true),
            Field::new("end_key", DataType::Binary, true),
            Field::new("split", DataType::Boolean, true),
            Field::new("offline", DataType::Boolean, true),
            Field::new("value", DataType::Binary, false),
        ])
    }

    fn batch(rows: &[Self], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.offset))),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.sequence))),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.index))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.write_time))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.timestamp))),
            Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| row.cell_type))),
            text(rows, |row| &row.region),
            binary(rows, |row| Some(&row.row)),
            text(rows, |row| &row.qualifier),
            optional_text(rows, |row| row.other.as_deref()),
            optional_text(rows, |row| row.table.as_deref()),
            binary(rows, |row| row.start_key.as_deref()),
            binary(rows, |row| row.end_key.as_deref()),
            Arc::new(rows.iter().map(|row| row.split).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| row.offline).collect::<BooleanArray>()),
            binary(rows, |row| Some(&row.value)),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns)
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ReadError> {
        let (offset, sequence) = (
            reading::number::<UInt64Type>(batch, "offset")?,
            reading::number::<UInt64Type>(batch, "sequence")?,
        );
        let index = reading::number::<UInt32Type>(batch, "index")?;
        let (write_time, timestamp) = (
            reading::number::<Int64Type>(batch, "write_time")?,
            reading::number::<Int64Type>(batch, "timestamp")?,
        );
        let cell_type = reading::number::<UInt8Type>(batch, "type")?;
        let (region, row_key) = (reading::text(batch, "region")?, reading::binary(batch, "row")?);
        let (qualifier, other) = (reading::text(batch, "qualifier")?, reading::text(batch, "other")?);
        let table = reading::text(batch, "table")?;
        let (start_key, end_key) = (reading::binary(batch, "start_key")?, reading::binary(batch, "end_key")?);
        let truth = |name| reading::find(batch, name)?.as_boolean_opt().ok_or_else(|| reading::unlike(name));
        let (split, offline) = (truth("split")?, truth("offline")?);
        let value = reading::binary(batch, "value")?;
        let truth = |column: &BooleanArray, row| column.is_valid(row).then(|| column.value(row));
        let rows = (0..batch.num_rows()).map(|row| Self {
            offset: offset.value(row),
            sequence: sequence.value(row),
            index: index.value(row),
            write_time: write_time.value(row),
            timestamp: timestamp.value(row),
            cell_type: cell_type.value(row),
            region: region.value(row).to_owned(),
            row: row_key.value(row).to_vec(),
            qualifier: qualifier.value(row).to_owned(),
            other: reading::optional_text(other, row),
            table: reading::optional_text(table, row),
            start_key: reading::optional_binary(start_key, row),
            end_key: reading::optional_binary(end_key, row),
            split: truth(split, row),
            offline: truth(offline, row),
            value: value.value(row).to_vec(),
        });
        Ok(rows.collect())
    }

    fn weight(&self) -> usize {
        let keys = [&self.start_key, &self.end_key].into_iter().flatten().map(Vec::len).sum::<usize>();
        size_of::<Self>() + self.row.len() + self.value.len() + keys + 128
    }
}
