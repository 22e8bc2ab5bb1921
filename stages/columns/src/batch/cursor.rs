use crate::error::{damaged, decoding};
use crate::reading::{binary, number, text};
use crate::{ChunkReader, ReadError};
use arrow_array::types::{Int64Type, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, BinaryArray, Int64Array, RecordBatch, StringArray, UInt8Array, UInt32Array, UInt64Array,
};
use formats::cell::{CellRef, CellType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

const BATCH_ROWS: usize = 1024;

/// One cell of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchCell<'a> {
    /// Encoded name of the region.
    pub region: &'a str,
    /// Position of the cell in its entry.
    pub index: u32,
    /// The WAL key's wall clock, ms.
    pub write_time: i64,
    /// Server that wrote the WAL, as `host,port,startcode`, if the caller asked for it.
    pub origin: Option<&'a str>,
    /// The cell; its sequence id is that of its entry.
    pub cell: CellRef<'a>,
}

/// Goes through the cells of some row groups, one after another.
pub struct BatchCursor<R> {
    input: R,
    metadata: ArrowReaderMetadata,
    /// Numbers of row groups, and the region of each, which the footer gives for all rows at once.
    groups: std::vec::IntoIter<(usize, String)>,
    region: String,
    /// The columns that are read.
    wanted: ProjectionMask,
    reader: Option<ParquetRecordBatchReader>,
    /// The rows that are loaded; the cursor is at `row` of them.
    columns: Option<Columns>,
    row: usize,
    rows: usize,
}

impl<R: ChunkReader + Clone + 'static> BatchCursor<R> {
    pub(super) fn new(
        input: R,
        metadata: ArrowReaderMetadata,
        groups: Vec<(usize, String)>,
        columns: &[&str],
    ) -> Self {
        let schema = metadata.metadata().file_metadata().schema_descr();
        let wanted = ProjectionMask::columns(schema, columns.iter().copied());
        let groups = groups.into_iter();
        let region = String::new();
        Self { input, metadata, groups, region, wanted, reader: None, columns: None, row: 0, rows: 0 }
    }

    /// Moves to the next cell; false at the end, and always after an error.
    pub fn advance(&mut self) -> Result<bool, ReadError> {
        self.row += 1;
        while self.row >= self.rows {
            match self.next_rows() {
                Ok(true) => {}
                ended => {
                    self.columns = None;
                    self.groups = Vec::new().into_iter();
                    (self.row, self.rows) = (0, 0);
                    return ended;
                }
            }
        }
        Ok(true)
    }

    /// The cell that [`BatchCursor::advance`] has gone to; `None` before the first and after the last.
    pub fn cell(&self) -> Option<BatchCell<'_>> {
        self.columns.as_ref()?.cell(self.row, &self.region)
    }

    /// The sequence id of that cell.
    #[inline]
    pub fn sequence(&self) -> Option<u64> {
        self.columns.as_ref()?.sequence.values().get(self.row).copied()
    }

    fn next_rows(&mut self) -> Result<bool, ReadError> {
        let (reader, groups, at) = (&mut self.reader, &mut self.groups, &mut self.region);
        let (input, metadata, wanted) = (&self.input, &self.metadata, &self.wanted);
        let columns = decoding(|| {
            loop {
                if let Some(batch) = reader.as_mut().and_then(Iterator::next) {
                    return Columns::of(&batch.map_err(damaged)?).map(Some);
                }
                let Some((group, region)) = groups.next() else { return Ok(None) };
                *at = region;
                let builder =
                    ParquetRecordBatchReaderBuilder::new_with_metadata(input.clone(), metadata.clone());
                let builder = builder.with_row_groups(vec![group]).with_batch_size(BATCH_ROWS);
                let builder = builder.with_projection(wanted.clone());
                *reader = Some(builder.build().map_err(damaged)?);
            }
        })?;
        self.row = 0;
        self.rows = columns.as_ref().map_or(0, |columns| columns.sequence.len());
        self.columns = columns;
        Ok(self.columns.is_some())
    }
}

/// The columns of an edit.
pub(super) const EDIT: [&str; 10] =
    ["sequence", "index", "row", "family", "qualifier", "timestamp", "type", "value", "tags", "write_time"];
/// The same, and the server that wrote it.
pub(super) const EDIT_AND_ORIGIN: [&str; 11] = [
    "sequence",
    "index",
    "row",
    "family",
    "qualifier",
    "timestamp",
    "type",
    "value",
    "tags",
    "write_time",
    "origin",
];

struct Columns {
    sequence: UInt64Array,
    index: UInt32Array,
    row: BinaryArray,
    family: BinaryArray,
    qualifier: BinaryArray,
    timestamp: Int64Array,
    cell_type: UInt8Array,
    value: BinaryArray,
    tags: BinaryArray,
    write_time: Int64Array,
    origin: Option<StringArray>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self, ReadError> {
        let columns = Self {
            sequence: number::<UInt64Type>(batch, "sequence")?.clone(),
            index: number::<UInt32Type>(batch, "index")?.clone(),
            row: binary(batch, "row")?.clone(),
            family: binary(batch, "family")?.clone(),
            qualifier: binary(batch, "qualifier")?.clone(),
            timestamp: number::<Int64Type>(batch, "timestamp")?.clone(),
            cell_type: number::<UInt8Type>(batch, "type")?.clone(),
            value: binary(batch, "value")?.clone(),
            tags: binary(batch, "tags")?.clone(),
            write_time: number::<Int64Type>(batch, "write_time")?.clone(),
            origin: batch.column_by_name("origin").map(|_| text(batch, "origin").cloned()).transpose()?,
        };
        match columns.cell_type.values().iter().find(|code| CellType::from_code(**code).is_none()) {
            Some(code) => Err(damaged(format!("a cell of type {code}"))),
            None => Ok(columns),
        }
    }

    #[inline]
    fn cell<'c>(&'c self, row: usize, region: &'c str) -> Option<BatchCell<'c>> {
        let cell_type = CellType::from_code(self.cell_type.value(row))?;
        Some(BatchCell {
            region,
            index: self.index.value(row),
            write_time: self.write_time.value(row),
            origin: self.origin.as_ref().filter(|of| of.is_valid(row)).map(|of| of.value(row)),
            cell: CellRef {
                row: self.row.value(row),
                family: self.family.value(row),
                qualifier: self.qualifier.value(row),
                timestamp: self.timestamp.value(row),
                cell_type,
                value: self.value.value(row),
                tags: if self.tags.is_valid(row) { self.tags.value(row) } else { &[] },
                sequence: self.sequence.value(row),
            },
        })
    }
}
