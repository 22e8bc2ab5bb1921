use super::BatchFile;
use crate::error::{damaged, decoding};
use crate::reading::number;
use crate::{ChunkReader, ReadError};
use arrow_array::types::{Int64Type, UInt32Type, UInt64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The columns that identify entries.
const COLUMNS: [&str; 3] = ["sequence", "index", "write_time"];
/// They are narrow, so many rows are read at a time.
const BATCH_ROWS: usize = 8192;

impl<R: ChunkReader + Clone + 'static> BatchFile<R> {
    /// Shows the entries of some row groups, in no order: sequence id and write time (ms). An entry is shown where its
    /// first cell is. Of the cells nothing is read.
    pub fn each_entry(
        &self,
        groups: impl IntoIterator<Item = usize>,
        mut see: impl FnMut(u64, i64),
    ) -> Result<(), ReadError> {
        let groups: Vec<usize> = groups.into_iter().collect();
        let wanted: u64 = groups.iter().filter_map(|group| self.groups().get(*group)).map(|of| of.rows).sum();
        let mut rows = 0;
        decoding(|| {
            let metadata = self.footer.of_groups(&groups)?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.input.clone(), metadata);
            let mask = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
            let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
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
}
