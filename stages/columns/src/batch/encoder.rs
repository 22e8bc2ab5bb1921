use super::arena::{CellArena, Strings};
use super::schema::{BatchMarks, schema};
use crate::WriteError;
use crate::writing::{each_different, properties};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt8Array,
    UInt32Array, UInt64Array,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Encoding;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

/// The most row groups of a batch: Parquet's numbers for them end there.
pub const GROUPS_MAX: usize = i16::MAX as usize;

/// Writes a batch as Parquet: one row group for each arena, in the order in which they come, which must be that of the
/// regions. Holds one row group at a time, and the footer.
pub struct BatchEncoder<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    origin: Option<String>,
    groups: usize,
}

impl<W: Write + Send> BatchEncoder<W> {
    /// Begins a batch. `origin` is the server that wrote the WAL, as `host,port,startcode`. The output may be borrowed:
    /// `&mut file`.
    pub fn new(out: W, marks: &BatchMarks, origin: Option<&str>) -> Result<Self, WriteError> {
        let schema = Arc::new(schema());
        let options = ArrowWriterOptions::new().with_properties(batch_properties(marks)?);
        let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options)?;
        Ok(Self { writer, schema, origin: origin.map(str::to_owned), groups: 0 })
    }

    /// Adds a row group; an empty arena adds none.
    pub fn push(&mut self, arena: CellArena) -> Result<(), WriteError> {
        if arena.is_empty() {
            return Ok(());
        }
        if self.groups == GROUPS_MAX {
            return Err(WriteError::TooManyGroups { limit: GROUPS_MAX });
        }
        self.groups += 1;
        let batch = record_batch(arena, self.origin.as_deref(), &self.schema)?;
        self.writer.write(&batch)?;
        self.writer.flush()?;
        Ok(())
    }

    /// Ends the batch and flushes the output. Without this call it is no Parquet file.
    pub fn finish(mut self) -> Result<(), WriteError> {
        self.writer.finish()?;
        Ok(())
    }
}

fn batch_properties(marks: &BatchMarks) -> Result<WriterProperties, WriteError> {
    let mut properties = properties(marks.encode())?;
    for (column, encoding) in [
        ("sequence", Encoding::DELTA_BINARY_PACKED),
        ("index", Encoding::DELTA_BINARY_PACKED),
        ("row", Encoding::DELTA_BYTE_ARRAY),
        ("timestamp", Encoding::DELTA_BINARY_PACKED),
        ("value", Encoding::PLAIN),
        ("write_time", Encoding::DELTA_BINARY_PACKED),
    ] {
        properties = each_different(properties, column, encoding);
    }
    // Nobody searches these by their bounds.
    for column in ["index", "family", "qualifier", "type", "value", "tags", "origin"] {
        properties =
            properties.set_column_statistics_enabled(ColumnPath::from(column), EnabledStatistics::None);
    }
    Ok(properties.build())
}

fn record_batch(
    arena: CellArena,
    origin: Option<&str>,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let rows = arena.rows();
    let families = BinaryArray::from_iter_values(&arena.families);
    let family = DictionaryArray::<Int32Type>::try_new(Int32Array::from(arena.family), Arc::new(families))?;
    let columns = vec![
        constant(Some(&arena.region), rows)?,
        Arc::new(UInt64Array::from(arena.sequence)),
        Arc::new(UInt32Array::from(arena.index)),
        strings(arena.row, None)?,
        Arc::new(family),
        strings(arena.qualifier, None)?,
        Arc::new(Int64Array::from(arena.timestamp)),
        Arc::new(UInt8Array::from(arena.cell_type)),
        strings(arena.value, None)?,
        tags(arena.tags)?,
        Arc::new(Int64Array::from(arena.write_time)),
        constant(origin, rows)?,
    ];
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// The same text in each row.
fn constant(text: Option<&str>, rows: usize) -> Result<ArrayRef, ArrowError> {
    let keys = match text {
        Some(_) => Int32Array::new(ScalarBuffer::from(vec![0; rows]), None),
        None => Int32Array::new_null(rows),
    };
    let values = StringArray::from_iter_values(text);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values))?))
}

fn strings(strings: Strings, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let mut offsets = Vec::with_capacity(strings.ends.len() + 1);
    offsets.push(0);
    offsets.extend_from_slice(&strings.ends);
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(BinaryArray::try_new(offsets, Buffer::from_vec(strings.bytes), nulls)?))
}

/// A cell without tags has null.
fn tags(tags: Strings) -> Result<ArrayRef, ArrowError> {
    let mut start = 0;
    let there = tags.ends.iter().map(|end| std::mem::replace(&mut start, *end) != *end);
    let nulls = NullBuffer::from_iter(there);
    strings(tags, Some(nulls))
}
