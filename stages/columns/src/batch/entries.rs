use super::BatchFile;
use crate::error::{damaged, decoding};
use crate::reading::{binary, number};
use crate::{ChunkReader, ReadError};
use arrow_array::types::{Int64Type, UInt32Type, UInt64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The columns that identify entries.
const COLUMNS: [&str; 3] = ["sequence", "index", "write_time"];
/// They are narrow, so many rows are read at a time.
const BATCH_ROWS: usize = 8192;

impl<R: ChunkReader + Clone + 'static> BatchFile<R> {
    /// Shows the entries of some row groups, one after another: sequence id and write time (ms). The cells are
    /// not read.
    pub fn each_entry(&self, groups: Vec<usize>, mut see: impl FnMut(u64, i64)) -> Result<(), ReadError> {
        let wanted: u64 = groups.iter().filter_map(|group| self.groups().get(*group)).map(|of| of.rows).sum();
        let mut rows = 0;
        decoding(|| {
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(self.input.clone(), self.metadata.clone());
            let mask = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
            let builder = builder.with_projection(mask).with_row_groups(groups).with_batch_size(BATCH_ROWS);
            for batch in builder.build().map_err(damaged)? {
                let batch = batch.map_err(damaged)?;
                let sequences = number::<UInt64Type>(&batch, "sequence")?.values();
                let indexes = number::<UInt32Type>(&batch, "index")?.values();
                let times = number::<Int64Type>(&batch, "write_time")?.values();
                rows += batch.num_rows() as u64;
                for ((sequence, index), time) in sequences.iter().zip(indexes).zip(times) {
                    // Every entry's cells are numbered from 0.
                    if *index == 0 {
                        see(*sequence, *time);
                    }
                }
            }
            Ok(())
        })?;
        match rows == wanted {
            true => Ok(()),
            false => Err(damaged(format!("{rows} rows where {wanted} belong"))),
        }
    }

    /// Shows the family of each cell of some row groups. Nothing else is read.
    pub fn each_family(&self, groups: Vec<usize>, mut see: impl FnMut(&[u8])) -> Result<(), ReadError> {
        decoding(|| {
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(self.input.clone(), self.metadata.clone());
            let mask = ProjectionMask::columns(builder.parquet_schema(), ["family"]);
            let builder = builder.with_projection(mask).with_row_groups(groups).with_batch_size(BATCH_ROWS);
            for batch in builder.build().map_err(damaged)? {
                binary(&batch.map_err(damaged)?, "family")?.iter().flatten().for_each(&mut see);
            }
            Ok(())
        })
    }
}
