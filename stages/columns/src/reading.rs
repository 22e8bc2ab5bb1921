//! What all decoders have in common.

use crate::ReadError;
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, PrimitiveArray, RecordBatch, StringArray,
};
use parquet::arrow::arrow_reader::ArrowReaderOptions;

/// Without Arrow's own copy of the schema, which may be crafted to do harm: everything needed is in Parquet's.
pub(crate) fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
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
