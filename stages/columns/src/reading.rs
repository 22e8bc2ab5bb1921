//! What all decoders have in common.

use crate::error::{damaged, decoding};
use crate::marks::check_columns;
use crate::writing::Row;
use crate::{ChunkReader, ReadError};
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, PrimitiveArray, RecordBatch, StringArray,
};
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::FileMetaData;
use std::marker::PhantomData;

/// Without Arrow's own copy of the schema, which may be crafted to do harm: everything needed is in Parquet's.
pub(crate) fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

const BATCH_ROWS: usize = 1024;

/// Reads rows, a batch at a time. After an error it yields nothing more.
pub(crate) struct RowDecoder<T> {
    reader: Option<ParquetRecordBatchReader>,
    rows: u64,
    seen: u64,
    kind: PhantomData<fn() -> T>,
}

impl<T: Row> RowDecoder<T> {
    /// Opens a file; `marks` reads what else stands in its metadata.
    pub(crate) fn new<R: ChunkReader + 'static, M>(
        input: R,
        marks: impl FnOnce(&FileMetaData) -> Result<M, ReadError>,
    ) -> Result<(Self, M), ReadError> {
        decoding(|| {
            let builder =
                ParquetRecordBatchReaderBuilder::try_new_with_options(input, options()).map_err(damaged)?;
            let metadata = builder.metadata().file_metadata();
            T::MARK.check(metadata)?;
            check_columns(builder.schema(), &T::schema())?;
            let marks = marks(metadata)?;
            let rows = u64::try_from(metadata.num_rows()).map_err(damaged)?;
            let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(damaged)?;
            Ok((Self { reader: Some(reader), rows, seen: 0, kind: PhantomData }, marks))
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    fn next_batch(&mut self) -> Result<Option<Vec<T>>, ReadError> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let batch = decoding(|| match reader.next() {
            Some(batch) => T::decode(&batch.map_err(damaged)?).map(Some),
            None => Ok(None),
        })?;
        self.seen += batch.as_ref().map_or(0, |batch| batch.len() as u64);
        if batch.is_none() && self.seen != self.rows || self.seen > self.rows {
            return Err(damaged(format!("{} rows or more where {} belong", self.seen, self.rows)));
        }
        Ok(batch)
    }
}

impl<T: Row> Iterator for RowDecoder<T> {
    type Item = Result<Vec<T>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.reader = None;
        }
        next
    }
}

pub(crate) fn unlike(column: &str) -> ReadError {
    ReadError::OtherColumns(format!("`{column}` is missing or of another type"))
}

pub(crate) fn find<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a ArrayRef, ReadError> {
    batch.column_by_name(column).ok_or_else(|| unlike(column))
}

pub(crate) fn text<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a StringArray, ReadError> {
    find(batch, column)?.as_string_opt::<i32>().ok_or_else(|| unlike(column))
}

pub(crate) fn binary<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a BinaryArray, ReadError> {
    find(batch, column)?.as_binary_opt::<i32>().ok_or_else(|| unlike(column))
}

pub(crate) fn number<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    column: &str,
) -> Result<&'a PrimitiveArray<T>, ReadError> {
    find(batch, column)?.as_primitive_opt::<T>().ok_or_else(|| unlike(column))
}

/// The lists of text in a column, row by row.
pub(crate) fn texts(batch: &RecordBatch, column: &str) -> Result<Vec<Vec<String>>, ReadError> {
    let lists = find(batch, column)?.as_list_opt::<i32>().ok_or_else(|| unlike(column))?;
    let list = |row| {
        let list = lists.value(row);
        let list = list.as_string_opt::<i32>().ok_or_else(|| unlike(column))?;
        Ok(list.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
    };
    (0..lists.len()).map(list).collect()
}

pub(crate) fn optional<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

pub(crate) fn optional_text(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

pub(crate) fn optional_binary(column: &BinaryArray, row: usize) -> Option<Vec<u8>> {
    column.is_valid(row).then(|| column.value(row).to_vec())
}
