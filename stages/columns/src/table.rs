//! Columns of rows that are few, each column said once: by name, type and place in the row.

use crate::ReadError;
use crate::reading::{self, find, unlike};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Int64Array, RecordBatch, StringArray,
    UInt8Array, UInt32Array, UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::basic::Encoding;
use std::sync::Arc;

/// A column of a table whose rows are `T`.
pub(crate) struct Column<T: 'static> {
    pub(crate) name: &'static str,
    /// How its values are encoded if they differ from row to row: without a dictionary.
    pub(crate) each_different: Option<Encoding>,
    values: Values<T>,
}

/// Where a column's values are in a row.
pub(crate) enum Values<T: 'static> {
    U64(fn(&mut T) -> &mut u64),
    U32(fn(&mut T) -> &mut u32),
    U8(fn(&mut T) -> &mut u8),
    I64(fn(&mut T) -> &mut i64),
    OptionalU64(fn(&mut T) -> &mut Option<u64>),
    OptionalBool(fn(&mut T) -> &mut Option<bool>),
    Text(fn(&mut T) -> &mut String),
    OptionalText(fn(&mut T) -> &mut Option<String>),
    Texts(fn(&mut T) -> &mut Vec<String>),
    Binary(fn(&mut T) -> &mut Vec<u8>),
    OptionalBinary(fn(&mut T) -> &mut Option<Vec<u8>>),
}

/// A column whose values repeat.
pub(crate) const fn column<T>(name: &'static str, values: Values<T>) -> Column<T> {
    Column { name, each_different: None, values }
}

/// A column of numbers that rise, or differ by little.
pub(crate) const fn rising<T>(name: &'static str, values: Values<T>) -> Column<T> {
    Column { name, each_different: Some(Encoding::DELTA_BINARY_PACKED), values }
}

/// A column whose values are different in each row.
pub(crate) const fn different<T>(name: &'static str, values: Values<T>) -> Column<T> {
    Column { name, each_different: Some(Encoding::PLAIN), values }
}

impl<T> Column<T> {
    fn field(&self) -> Field {
        let (data_type, is_optional) = match self.values {
            Values::U64(_) => (DataType::UInt64, false),
            Values::U32(_) => (DataType::UInt32, false),
            Values::U8(_) => (DataType::UInt8, false),
            Values::I64(_) => (DataType::Int64, false),
            Values::OptionalU64(_) => (DataType::UInt64, true),
            Values::OptionalBool(_) => (DataType::Boolean, true),
            Values::Text(_) => (DataType::Utf8, false),
            Values::OptionalText(_) => (DataType::Utf8, true),
            Values::Texts(_) => (texts_type(), false),
            Values::Binary(_) => (DataType::Binary, false),
            Values::OptionalBinary(_) => (DataType::Binary, true),
        };
        Field::new(self.name, data_type, is_optional)
    }

    fn array(&self, rows: &mut [T]) -> ArrayRef {
        let rows = rows.iter_mut();
        match self.values {
            Values::U64(of) => Arc::new(UInt64Array::from_iter_values(rows.map(|row| *of(row)))),
            Values::U32(of) => Arc::new(UInt32Array::from_iter_values(rows.map(|row| *of(row)))),
            Values::U8(of) => Arc::new(UInt8Array::from_iter_values(rows.map(|row| *of(row)))),
            Values::I64(of) => Arc::new(Int64Array::from_iter_values(rows.map(|row| *of(row)))),
            Values::OptionalU64(of) => Arc::new(rows.map(|row| *of(row)).collect::<UInt64Array>()),
            Values::OptionalBool(of) => Arc::new(rows.map(|row| *of(row)).collect::<BooleanArray>()),
            Values::Text(of) => Arc::new(StringArray::from_iter_values(rows.map(|row| of(row).as_str()))),
            Values::OptionalText(of) => Arc::new(rows.map(|row| of(row).as_deref()).collect::<StringArray>()),
            Values::Texts(of) => texts(rows.map(of)),
            Values::Binary(of) => Arc::new(rows.map(|row| Some(of(row).as_slice())).collect::<BinaryArray>()),
            Values::OptionalBinary(of) => {
                Arc::new(rows.map(|row| of(row).as_deref()).collect::<BinaryArray>())
            }
        }
    }

    /// Takes the column's values into the rows.
    fn read(&self, batch: &RecordBatch, rows: &mut [T]) -> Result<(), ReadError> {
        let name = self.name;
        match self.values {
            Values::U64(of) => numbers::<UInt64Type, T>(batch, name, rows, of)?,
            Values::U32(of) => numbers::<UInt32Type, T>(batch, name, rows, of)?,
            Values::U8(of) => numbers::<UInt8Type, T>(batch, name, rows, of)?,
            Values::I64(of) => numbers::<Int64Type, T>(batch, name, rows, of)?,
            Values::OptionalU64(of) => {
                let numbers = reading::number::<UInt64Type>(batch, name)?;
                rows.iter_mut().zip(numbers).for_each(|(row, number)| *of(row) = number);
            }
            Values::OptionalBool(of) => {
                let truths = find(batch, name)?.as_boolean_opt().ok_or_else(|| unlike(name))?;
                rows.iter_mut().zip(truths).for_each(|(row, truth)| *of(row) = truth);
            }
            Values::Text(of) => {
                let texts = reading::text(batch, name)?;
                (0..).zip(rows).for_each(|(at, row)| *of(row) = texts.value(at).to_owned());
            }
            Values::OptionalText(of) => {
                let texts = reading::text(batch, name)?;
                rows.iter_mut().zip(texts).for_each(|(row, text)| *of(row) = text.map(str::to_owned));
            }
            Values::Texts(of) => {
                let lists = reading::texts(batch, name)?;
                rows.iter_mut().zip(lists).for_each(|(row, list)| *of(row) = list);
            }
            Values::Binary(of) => {
                let values = reading::binary(batch, name)?;
                (0..).zip(rows).for_each(|(at, row)| *of(row) = values.value(at).to_vec());
            }
            Values::OptionalBinary(of) => {
                let values = reading::binary(batch, name)?;
                rows.iter_mut().zip(values).for_each(|(row, value)| *of(row) = value.map(<[u8]>::to_vec));
            }
        }
        Ok(())
    }
}

fn numbers<N: ArrowPrimitiveType, T>(
    batch: &RecordBatch,
    name: &str,
    rows: &mut [T],
    of: fn(&mut T) -> &mut N::Native,
) -> Result<(), ReadError> {
    let numbers = reading::number::<N>(batch, name)?;
    rows.iter_mut().zip(numbers.values()).for_each(|(row, number)| *of(row) = *number);
    Ok(())
}

fn texts_type() -> DataType {
    DataType::List(Arc::new(text_element()))
}

fn text_element() -> Field {
    Field::new("element", DataType::Utf8, false)
}

fn texts<'t>(rows: impl Iterator<Item = &'t mut Vec<String>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(text_element());
    for row in rows {
        row.iter().for_each(|text| lists.values().append_value(text));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// The schema of a table.
pub(crate) fn schema<T>(columns: &[Column<T>]) -> Schema {
    Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>())
}

/// Rows as a batch.
pub(crate) fn batch<T>(
    columns: &[Column<T>],
    rows: &mut [T],
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let arrays = columns.iter().map(|column| column.array(rows)).collect();
    RecordBatch::try_new(Arc::clone(schema), arrays)
}

/// The rows of a batch.
pub(crate) fn rows<T: Default>(columns: &[Column<T>], batch: &RecordBatch) -> Result<Vec<T>, ReadError> {
    let mut rows = Vec::with_capacity(batch.num_rows());
    rows.resize_with(batch.num_rows(), T::default);
    for column in columns {
        column.read(batch, &mut rows)?;
    }
    Ok(rows)
}
