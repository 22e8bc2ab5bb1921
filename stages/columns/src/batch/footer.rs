//! What a reader needs of a batch's footer, and no more: a restore holds the footers of all batches of a cut, and Parquet's own form
//! of one takes ten times as much, most of it for statistics.

use crate::ReadError;
use crate::error::damaged;
use crate::reading::options;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::basic::Compression;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, RowGroupMetaData, RowGroupMetaDataBuilder,
};
use parquet::schema::types::SchemaDescPtr;
use std::sync::Arc;

/// The places of the column chunks of all row groups.
pub(super) struct Footer {
    version: i32,
    schema: SchemaDescPtr,
    groups: Vec<GroupPlaces>,
}

struct GroupPlaces {
    rows: i64,
    bytes: i64,
    /// One of each column, in the order of the schema.
    chunks: Box<[ChunkPlace]>,
}

struct ChunkPlace {
    codec: Compression,
    values: i64,
    dictionary: Option<i64>,
    data: i64,
    compressed: i64,
    uncompressed: i64,
}

impl Footer {
    pub(super) fn of(metadata: &ParquetMetaData) -> Self {
        let file = metadata.file_metadata();
        let groups = metadata.row_groups().iter().map(|group| GroupPlaces {
            rows: group.num_rows(),
            bytes: group.total_byte_size(),
            chunks: group.columns().iter().map(ChunkPlace::of).collect(),
        });
        Self { version: file.version(), schema: file.schema_descr_ptr(), groups: groups.collect() }
    }

    /// The columns.
    pub(super) fn schema(&self) -> &SchemaDescPtr {
        &self.schema
    }

    /// The footer of a file of these row groups alone, numbered anew from 0.
    pub(super) fn of_groups(&self, numbers: &[usize]) -> Result<ArrowReaderMetadata, ReadError> {
        let mut groups = Vec::with_capacity(numbers.len());
        for of in numbers.iter().filter_map(|number| self.groups.get(*number)) {
            groups.push(self.group(of)?);
        }
        let rows = groups.iter().map(RowGroupMetaData::num_rows).sum();
        let file = FileMetaData::new(self.version, rows, None, None, Arc::clone(&self.schema), None);
        ArrowReaderMetadata::try_new(Arc::new(ParquetMetaData::new(file, groups)), options()).map_err(damaged)
    }

    fn group(&self, of: &GroupPlaces) -> Result<RowGroupMetaData, ReadError> {
        let columns = self.schema.columns().iter().zip(&of.chunks);
        let columns = columns.map(|(column, chunk)| {
            let described = ColumnChunkMetaData::builder(Arc::clone(column));
            described
                .set_compression(chunk.codec)
                .set_num_values(chunk.values)
                .set_dictionary_page_offset(chunk.dictionary)
                .set_data_page_offset(chunk.data)
                .set_total_compressed_size(chunk.compressed)
                .set_total_uncompressed_size(chunk.uncompressed)
                .build()
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
        let group: RowGroupMetaDataBuilder = RowGroupMetaData::builder(Arc::clone(&self.schema));
        let group = group.set_num_rows(of.rows).set_total_byte_size(of.bytes);
        group.set_column_metadata(columns).build().map_err(damaged)
    }
}

impl ChunkPlace {
    fn of(column: &ColumnChunkMetaData) -> Self {
        Self {
            codec: column.compression(),
            values: column.num_values(),
            dictionary: column.dictionary_page_offset(),
            data: column.data_page_offset(),
            compressed: column.compressed_size(),
            uncompressed: column.uncompressed_size(),
        }
    }
}
