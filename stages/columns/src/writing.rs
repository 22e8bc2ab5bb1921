//! What all encoders have in common.

use crate::WriteError;
use crate::marks::Mark;
use crate::table::{self, Column};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

/// zstd level 1, statistics for each column chunk, no offset index. The writer's name has no version: the schema's
/// version says what it writes.
pub(crate) fn properties(marks: Vec<KeyValue>) -> Result<WriterPropertiesBuilder, WriteError> {
    Ok(WriterProperties::builder()
        .set_created_by("tidegate".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(Some(marks)))
}

/// A column without dictionary.
pub(crate) fn each_different(
    properties: WriterPropertiesBuilder,
    column: &str,
    encoding: Encoding,
) -> WriterPropertiesBuilder {
    let column = ColumnPath::from(column);
    properties.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding)
}

/// Rows that are few, and written one by one: markers, lineage.
pub(crate) trait Row: Default + 'static {
    const MARK: Mark;
    const COLUMNS: &'static [Column<Self>];
    /// Bytes of memory that it holds, about.
    fn weight(&self) -> usize;
}

/// Rows are encoded when there are this many ...
const BATCH_ROWS: usize = 4096;
/// ... or when they take this many bytes.
const BATCH_BYTES: usize = 4 << 20;
/// A row group ends when it holds this many bytes, encoded.
const GROUP_BYTES: usize = 8 << 20;

/// Writes rows; holds no more than a row group of them.
pub(crate) struct RowEncoder<W: Write + Send, T: Row> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    rows: Vec<T>,
    weight: usize,
}

impl<W: Write + Send, T: Row> RowEncoder<W, T> {
    pub(crate) fn new(out: W, marks: Vec<KeyValue>) -> Result<Self, WriteError> {
        let schema = Arc::new(table::schema(T::COLUMNS));
        let mut properties = properties(marks)?;
        for column in T::COLUMNS {
            if let Some(encoding) = column.each_different {
                properties = each_different(properties, column.name, encoding);
            }
        }
        let options =
            ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options)?;
        Ok(Self { writer, schema, rows: Vec::new(), weight: 0 })
    }

    pub(crate) fn push(&mut self, row: T) -> Result<(), WriteError> {
        self.weight += row.weight();
        self.rows.push(row);
        if self.rows.len() >= BATCH_ROWS || self.weight >= BATCH_BYTES {
            self.encode()?;
        }
        Ok(())
    }

    pub(crate) fn mark(&mut self, key: &str, value: String) {
        self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }

    pub(crate) fn finish(mut self) -> Result<(), WriteError> {
        self.encode()?;
        self.writer.finish()?;
        Ok(())
    }

    fn encode(&mut self) -> Result<(), WriteError> {
        if !self.rows.is_empty() {
            let batch = table::batch(T::COLUMNS, &mut self.rows, &self.schema)?;
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
