use super::file::GroupSummary;
use super::footer::Footer;
use super::sorted::PAGE_ROWS;
use crate::error::{damaged, decoding};
use crate::reading::{binary, number};
use crate::{ChunkReader, ReadError};
use arrow_array::types::{Int64Type, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{Array, BinaryArray, Int64Array, RecordBatch, UInt8Array, UInt32Array, UInt64Array};
use formats::cell::{CellRef, CellType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::sync::Arc;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 1024;

/// Whether all rows of a group are decoded at once.
fn is_small(group: &GroupSummary) -> bool {
    group.rows <= PAGE_ROWS as u64
}

/// One cell of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchCell<'a> {
    /// Encoded name of the region.
    pub region: &'a str,
    /// Position of the cell in its entry.
    pub index: u32,
    /// The WAL key's wall clock, ms.
    pub write_time: i64,
    /// The cell; its sequence id is that of its entry.
    pub cell: CellRef<'a>,
}

/// Goes through the cells of some row groups, one after the other.
pub struct BatchCursor<R> {
    input: R,
    footer: Arc<Footer>,
    /// Numbers of row groups, and what the footer says of all of their rows.
    groups: std::vec::IntoIter<(usize, Arc<GroupSummary>)>,
    group: Option<Arc<GroupSummary>>,
    /// The columns that are read.
    wanted: ProjectionMask,
    reader: Option<ParquetRecordBatchReader>,
    /// The rows that were decoded last; the cursor is at `row` of them.
    columns: Option<Columns>,
    row: usize,
    rows: usize,
}

impl<R: ChunkReader + Clone + 'static> BatchCursor<R> {
    pub(super) fn new(input: R, footer: Arc<Footer>, groups: Vec<(usize, Arc<GroupSummary>)>) -> Self {
        let wanted = ProjectionMask::columns(footer.schema(), EDIT);
        let groups = groups.into_iter();
        Self { input, footer, groups, group: None, wanted, reader: None, columns: None, row: 0, rows: 0 }
    }

    /// Goes to the next cell; false at the end, and for ever after an error.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, ReadError> {
        self.row += 1;
        if self.row < self.rows {
            return Ok(true);
        }
        self.next_batch()
    }

    #[cold]
    fn next_batch(&mut self) -> Result<bool, ReadError> {
        while self.row >= self.rows {
            match self.next_rows() {
                Ok(true) => {}
                ended => {
                    (self.columns, self.reader) = (None, None);
                    self.groups = Vec::new().into_iter();
                    (self.row, self.rows) = (0, 0);
                    return ended;
                }
            }
        }
        Ok(true)
    }

    /// The cell that [`BatchCursor::advance`] has gone to; `None` before the first and after the last.
    #[inline]
    pub fn cell(&self) -> Option<BatchCell<'_>> {
        self.columns.as_ref()?.cell(self.row, self.group.as_deref()?)
    }

    /// The sequence id of that cell.
    #[inline]
    pub fn sequence(&self) -> Option<u64> {
        self.columns.as_ref()?.sequence.values().get(self.row).copied()
    }

    /// The row of that cell.
    #[inline]
    pub fn row(&self) -> Option<&[u8]> {
        Some(self.columns.as_ref()?.row.value(self.row))
    }

    fn next_rows(&mut self) -> Result<bool, ReadError> {
        let (reader, groups, at) = (&mut self.reader, &mut self.groups, &mut self.group);
        let (input, footer, wanted) = (&self.input, &self.footer, &self.wanted);
        let columns = decoding(|| {
            loop {
                if let Some(batch) = reader.as_mut().and_then(Iterator::next) {
                    // A reader holds a decompressor a column, which is more than the rows of a small group.
                    reader.take_if(|_| at.as_ref().is_some_and(|group| is_small(group)));
                    return Columns::of(&batch.map_err(damaged)?).map(Some);
                }
                let Some((number, group)) = groups.next() else { return Ok(None) };
                let batch_rows = if is_small(&group) { PAGE_ROWS } else { BATCH_ROWS };
                *at = Some(group);
                let metadata = footer.of_groups(&[number])?;
                let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input.clone(), metadata);
                let builder = builder.with_batch_size(batch_rows);
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

/// The columns of an edit; region and family are those of its row group.
const EDIT: [&str; 9] =
    ["sequence", "index", "row", "qualifier", "timestamp", "type", "value", "tags", "write_time"];

struct Columns {
    sequence: UInt64Array,
    index: UInt32Array,
    row: BinaryArray,
    qualifier: BinaryArray,
    timestamp: Int64Array,
    cell_type: UInt8Array,
    value: BinaryArray,
    tags: BinaryArray,
    write_time: Int64Array,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self, ReadError> {
        let columns = Self {
            sequence: number::<UInt64Type>(batch, "sequence")?.clone(),
            index: number::<UInt32Type>(batch, "index")?.clone(),
            row: binary(batch, "row")?.clone(),
            qualifier: binary(batch, "qualifier")?.clone(),
            timestamp: number::<Int64Type>(batch, "timestamp")?.clone(),
            cell_type: number::<UInt8Type>(batch, "type")?.clone(),
            value: binary(batch, "value")?.clone(),
            tags: binary(batch, "tags")?.clone(),
            write_time: number::<Int64Type>(batch, "write_time")?.clone(),
        };
        match columns.cell_type.values().iter().find(|code| CellType::from_code(**code).is_none()) {
            Some(code) => Err(damaged(format!("a cell of type {code}"))),
            None => Ok(columns),
        }
    }

    #[inline]
    fn cell<'c>(&'c self, row: usize, group: &'c GroupSummary) -> Option<BatchCell<'c>> {
        let cell_type = CellType::from_code(*self.cell_type.values().get(row)?)?;
        Some(BatchCell {
            region: &group.region,
            index: self.index.value(row),
            write_time: self.write_time.value(row),
            cell: CellRef {
                row: self.row.value(row),
                family: &group.family,
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
