use super::constant::constant_chunk;
use super::schema::{BatchMarks, schema};
use super::sorted::{PAGE_ROWS, PageColumns, SortedCells, Strings};
use crate::WriteError;
use crate::writing::{each_different, properties};
use arrow_array::{ArrayRef, BinaryArray, Int64Array, UInt8Array, UInt32Array, UInt64Array};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::Encoding;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

/// The most row groups of a batch: Parquet's numbers for them end there.
pub const GROUPS_MAX: usize = i16::MAX as usize;

/// A page has no more bytes than this, about: a restore holds one of each column of each run.
const PAGE_BYTES: usize = 256 << 10;

/// Writes a batch as Parquet: one row group for each group of cells, in the order in which they come, which is to be that of
/// regions, families and cells. Holds one row group at a time, encoded, and the footer.
pub struct BatchEncoder<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: ArrowRowGroupWriterFactory,
    origin: Option<String>,
    groups: usize,
}

impl<W: Write + Send> BatchEncoder<W> {
    /// Begins a batch. `origin` is the server that wrote the WAL, as `host,port,startcode`. The output may be borrowed:
    /// `&mut file`.
    pub fn new(out: W, marks: &BatchMarks, origin: Option<&str>) -> Result<Self, WriteError> {
        let options = ArrowWriterOptions::new().with_properties(batch_properties(marks)?);
        let writer = ArrowWriter::try_new_with_options(out, Arc::new(schema()), options)?;
        let (writer, columns) = writer.into_serialized_writer()?;
        Ok(Self { writer, columns, origin: origin.map(str::to_owned), groups: 0 })
    }

    /// Adds a row group; no cells add none.
    pub fn push(&mut self, cells: &SortedCells<'_>) -> Result<(), WriteError> {
        let Some((region, family)) = cells.store() else { return Ok(()) };
        if self.groups == GROUPS_MAX {
            return Err(WriteError::TooManyGroups { limit: GROUPS_MAX });
        }
        let (described, names) = (self.writer.schema_descr().columns().to_vec(), schema());
        let columns = self.columns.create_column_writers(self.groups)?;
        self.groups += 1;
        let mut columns: Vec<_> = names.fields().iter().zip(columns).zip(described).collect();
        cells.each_page(|page| {
            let mut page = Page::of(page)?;
            for ((field, column), _) in &mut columns {
                let Some(values) = page.take(field.name()) else { continue };
                for leaf in compute_leaves(field, &values)? {
                    column.write(&leaf)?;
                }
            }
            Ok::<_, WriteError>(())
        })?;
        let mut group = self.writer.next_row_group()?;
        for ((field, column), described) in columns {
            let same = match field.name().as_str() {
                "region" => Some(region.as_bytes()),
                "family" => Some(family),
                "origin" => self.origin.as_deref().map(str::as_bytes),
                _ => {
                    column.close()?.append_to_row_group(&mut group)?;
                    continue;
                }
            };
            let (chunk, closed) = constant_chunk(&described, same, cells.rows())?;
            group.append_column(&chunk, closed)?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the batch and flushes the output. Without this call it is no Parquet file.
    pub fn finish(self) -> Result<(), WriteError> {
        self.writer.close()?;
        Ok(())
    }
}

/// A page of each column that is not the same in every row, by name.
struct Page(Vec<(&'static str, ArrayRef)>);

impl Page {
    fn of(cells: PageColumns) -> Result<Self, ArrowError> {
        Ok(Self(vec![
            ("sequence", Arc::new(UInt64Array::from(cells.sequence))),
            ("index", Arc::new(UInt32Array::from(cells.index))),
            ("row", strings(cells.row, None)?),
            ("qualifier", strings(cells.qualifier, None)?),
            ("timestamp", Arc::new(Int64Array::from(cells.timestamp))),
            ("type", Arc::new(UInt8Array::from(cells.cell_type))),
            ("value", strings(cells.value, None)?),
            ("tags", tags(cells.tags)?),
            ("write_time", Arc::new(Int64Array::from(cells.write_time))),
        ]))
    }

    fn take(&mut self, name: &str) -> Option<ArrayRef> {
        let at = self.0.iter().position(|(of, _)| *of == name)?;
        Some(self.0.swap_remove(at).1)
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
    // Nobody looks for these by their bounds.
    for column in ["index", "qualifier", "timestamp", "type", "value", "origin"] {
        properties =
            properties.set_column_statistics_enabled(ColumnPath::from(column), EnabledStatistics::None);
    }
    // Where a page begins and which rows it has: who wants a range of rows reads no more than that.
    properties = properties
        .set_column_statistics_enabled(ColumnPath::from("row"), EnabledStatistics::Page)
        .set_offset_index_disabled(false)
        .set_statistics_truncate_length(None)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS);
    Ok(properties.build())
}

fn strings(strings: Strings, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(strings.offsets));
    Ok(Arc::new(BinaryArray::try_new(offsets, Buffer::from_vec(strings.bytes), nulls)?))
}

/// A cell without tags has null.
fn tags(tags: Strings) -> Result<ArrayRef, ArrowError> {
    let nulls = NullBuffer::from_iter(tags.offsets.windows(2).map(|ends| ends.first() != ends.last()));
    strings(tags, Some(nulls))
}
