//! Reads rows: of markers, lineage and file lists.

use crate::error::{damaged, decoding};
use crate::marks::{Mark, check_columns};
use crate::reading::options;
use crate::table;
use crate::writing::Row;
use crate::{ChunkReader, ReadError};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::FileMetaData;

const BATCH_ROWS: usize = 1024;

/// Makes rows of a record batch.
type Decode<T> = fn(&RecordBatch) -> Result<Vec<T>, ReadError>;

/// Reads rows, a batch at a time. After an error it yields nothing more.
pub(crate) struct RowDecoder<T> {
    reader: Option<ParquetRecordBatchReader>,
    rows: u64,
    seen: u64,
    decode: Decode<T>,
}

impl<T: Row> RowDecoder<T> {
    /// Opens a file; `marks` reads what else stands in its metadata.
    pub(crate) fn new<R: ChunkReader + 'static, M>(
        input: R,
        marks: impl FnOnce(&FileMetaData) -> Result<M, ReadError>,
    ) -> Result<(Self, M), ReadError> {
        let decode: Decode<T> = |batch| table::rows(T::COLUMNS, batch);
        Self::open(input, (T::MARK, &table::schema(T::COLUMNS)), decode, marks)
    }
}

impl<T> RowDecoder<T> {
    /// Opens a file with this mark and these columns.
    pub(crate) fn open<R: ChunkReader + 'static, M>(
        input: R,
        (mark, schema): (Mark, &Schema),
        decode: Decode<T>,
        marks: impl FnOnce(&FileMetaData) -> Result<M, ReadError>,
    ) -> Result<(Self, M), ReadError> {
        decoding(|| {
            let builder =
                ParquetRecordBatchReaderBuilder::try_new_with_options(input, options()).map_err(damaged)?;
            let metadata = builder.metadata().file_metadata();
            mark.check(metadata)?;
            check_columns(builder.schema(), schema)?;
            let marks = marks(metadata)?;
            let rows = u64::try_from(metadata.num_rows()).map_err(damaged)?;
            let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(damaged)?;
            Ok((Self { reader: Some(reader), rows, seen: 0, decode }, marks))
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    fn next_batch(&mut self) -> Result<Option<Vec<T>>, ReadError> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let batch = decoding(|| match reader.next() {
            Some(batch) => (self.decode)(&batch.map_err(damaged)?).map(Some),
            None => Ok(None),
        })?;
        self.seen += batch.as_ref().map_or(0, |batch| batch.len() as u64);
        if batch.is_none() && self.seen != self.rows || self.seen > self.rows {
            return Err(damaged(format!("{} rows or more where {} belong", self.seen, self.rows)));
        }
        Ok(batch)
    }
}

impl<T> Iterator for RowDecoder<T> {
    type Item = Result<Vec<T>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.reader = None;
        }
        next
    }
}
