use crate::WriteError;
use crate::files::schema::{MARK, range_fields, schema};
use crate::files::{FileRow, RangeDigest};
use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, ListArray, RecordBatch, StringArray, StructArray, UInt32Array, UInt64Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

/// Writes a file list as Parquet: zstd level 1, in row groups small enough to be held in memory.
///
/// Lists compress best in the order of their paths. The memory that it holds is bounded by the size of a row group and
/// of a row, not by the number of rows.
pub struct FileListEncoder<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    rows: Vec<FileRow>,
    weight: usize,
}

/// Rows are encoded when there are this many ...
const BATCH_ROWS: usize = 4096;
/// ... or when they take this many bytes.
const BATCH_BYTES: usize = 8 << 20;
/// A row group ends when it has this many rows ...
const GROUP_ROWS: usize = 64 << 10;
/// ... or holds this many bytes, encoded.
const GROUP_BYTES: usize = 16 << 20;
/// A row of more bytes is refused: with 64 MiB ranges, a file of 80 TiB.
const ROW_BYTES: usize = 64 << 20;

impl<W: Write + Send> FileListEncoder<W> {
    /// Begins a file list. The output may be borrowed: `&mut file`.
    pub fn new(out: W) -> Result<Self, WriteError> {
        let schema = Arc::new(schema());
        // Without Arrow's own copy of the schema: Parquet's can express everything in it.
        let options = ArrowWriterOptions::new().with_properties(properties()?).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options)?;
        Ok(Self { writer, schema, rows: Vec::new(), weight: 0 })
    }

    /// Adds one file.
    pub fn push(&mut self, row: FileRow) -> Result<(), WriteError> {
        let bytes = row.weight();
        if bytes > ROW_BYTES {
            return Err(WriteError::RowTooLarge { path: row.path, bytes, limit: ROW_BYTES });
        }
        self.weight += bytes;
        self.rows.push(row);
        if self.rows.len() >= BATCH_ROWS || self.weight >= BATCH_BYTES {
            self.encode()?;
        }
        Ok(())
    }

    /// Ends the list and flushes the output. Without this call it is no Parquet file.
    pub fn finish(mut self) -> Result<(), WriteError> {
        self.encode()?;
        self.writer.finish()?;
        Ok(())
    }

    fn encode(&mut self) -> Result<(), WriteError> {
        if !self.rows.is_empty() {
            let batch = batch(&self.rows, &self.schema)?;
            self.rows.clear();
            self.weight = 0;
            self.writer.write(&batch)?;
        }
        if self.writer.in_progress_size() >= GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }
}

fn properties() -> Result<WriterProperties, WriteError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(Some(MARK.encode()));
    // Text and numbers that repeat (names of tables, regions, families) keep the dictionary, which is the default.
    let each_different = [
        ("path", Encoding::DELTA_BYTE_ARRAY),
        ("source_path", Encoding::DELTA_BYTE_ARRAY),
        ("identity", Encoding::DELTA_BYTE_ARRAY),
        ("len", Encoding::DELTA_BINARY_PACKED),
        ("min_sequence", Encoding::DELTA_BINARY_PACKED),
        ("max_sequence", Encoding::DELTA_BINARY_PACKED),
        ("entries", Encoding::DELTA_BINARY_PACKED),
        ("blocks", Encoding::DELTA_BINARY_PACKED),
        ("crc32c", Encoding::PLAIN),
        ("blake3", Encoding::PLAIN),
        ("ranges.list.element.crc32c", Encoding::PLAIN),
        ("ranges.list.element.blake3", Encoding::PLAIN),
    ];
    for (column, encoding) in each_different {
        let column = ColumnPath::new(column.split('.').map(str::to_owned).collect());
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, encoding);
    }
    Ok(properties.build())
}

fn batch(rows: &[FileRow], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = vec![
        text(rows, |row| &row.path),
        text(rows, |row| &row.source_path),
        number(rows, |row| Some(row.len)),
        Arc::new(rows.iter().map(|row| row.crc32c).collect::<UInt32Array>()),
        digests(rows.iter().map(|row| row.blake3.as_ref()))?,
        ranges(rows)?,
        text(rows, |row| &row.kind),
        text(rows, |row| &row.table),
        text(rows, |row| &row.region),
        text(rows, |row| &row.family),
        number(rows, |row| row.min_sequence),
        number(rows, |row| row.max_sequence),
        number(rows, |row| row.entries),
        Arc::new(rows.iter().map(|row| Some(row.encrypted)).collect::<BooleanArray>()),
        optional_text(rows, |row| row.key_alias.as_deref()),
        number(rows, |row| row.blocks),
        optional_text(rows, |row| row.checksum_type.as_deref()),
        text(rows, |row| &row.identity),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns)
}

fn text(rows: &[FileRow], of: impl Fn(&FileRow) -> &str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
}

fn optional_text(rows: &[FileRow], of: impl Fn(&FileRow) -> Option<&str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

fn number(rows: &[FileRow], of: impl Fn(&FileRow) -> Option<u64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<UInt64Array>())
}

fn digests<'a>(values: impl Iterator<Item = Option<&'a [u8; 32]>>) -> Result<ArrayRef, ArrowError> {
    let mut digests = FixedSizeBinaryBuilder::with_capacity(values.size_hint().0, 32);
    for value in values {
        match value {
            Some(value) => digests.append_value(value)?,
            None => digests.append_null(),
        }
    }
    Ok(Arc::new(digests.finish()))
}

fn ranges(rows: &[FileRow]) -> Result<ArrayRef, ArrowError> {
    let all: Vec<&RangeDigest> = rows.iter().flat_map(|row| &row.ranges).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(all.iter().map(|range| range.offset))),
        Arc::new(UInt64Array::from_iter_values(all.iter().map(|range| range.len))),
        Arc::new(UInt32Array::from_iter_values(all.iter().map(|range| range.crc32c))),
        digests(all.iter().map(|range| Some(&range.blake3)))?,
    ];
    let element = arrow_schema::Field::new("element", DataType::Struct(range_fields()), false);
    let values = StructArray::try_new_with_length(range_fields(), columns, None, all.len())?;
    // Cannot overflow: a batch takes less than 2 GiB.
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.ranges.len()));
    Ok(Arc::new(ListArray::try_new(Arc::new(element), offsets, Arc::new(values), None)?))
}
