//! Reads rows that are few: markers, lineage.

use crate::error::{damaged, decoding};
use crate::marks::check_columns;
use crate::reading::options;
use crate::table;
use crate::writing::Row;
use crate::{ChunkReader, ReadError};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::FileMetaData;
use std::marker::PhantomData;

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
            check_columns(builder.schema(), &table::schema(T::COLUMNS))?;
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
            Some(batch) => table::rows(T::COLUMNS, &batch.map_err(damaged)?).map(Some),
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
