use super::cursor::{BatchCursor, EDIT, EDIT_AND_ORIGIN};
use super::schema::{BatchMarks, plain_schema};
use crate::error::{damaged, decoding};
use crate::marks::check_columns;
use crate::reading::options;
use crate::{ChunkReader, ReadError};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

/// A batch, opened: its footer has been read and checked.
pub struct BatchFile<R> {
    pub(super) input: R,
    pub(super) metadata: ArrowReaderMetadata,
    marks: BatchMarks,
    groups: Vec<GroupSummary>,
}

/// What a row group holds: edits of one region with ascending sequence ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSummary {
    /// Encoded name of the region.
    pub region: String,
    /// Cells.
    pub rows: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// Sequence id of the first entry.
    pub first_sequence: u64,
    /// Sequence id of the last entry.
    pub last_sequence: u64,
    /// The smallest and largest write time, ms.
    pub write_time: (i64, i64),
}

/// The row groups of a region in runs, each of which ascends. There is one, unless the WAL's ids went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionRuns {
    /// Encoded name of the region.
    pub region: String,
    /// The runs: numbers of row groups.
    pub runs: Vec<Vec<usize>>,
}

impl<R: ChunkReader + Clone + 'static> BatchFile<R> {
    /// Opens a batch: reads its footer and checks that it is one, in a known version.
    pub fn new(input: R) -> Result<Self, ReadError> {
        decoding(|| {
            let metadata = ArrowReaderMetadata::load(&input, options()).map_err(damaged)?;
            let marks = BatchMarks::decode(metadata.metadata().file_metadata())?;
            check_columns(metadata.schema(), &plain_schema())?;
            let groups = metadata.metadata().row_groups().iter().map(GroupSummary::of);
            let groups = groups.collect::<Result<Vec<GroupSummary>, _>>()?;
            if !groups.is_sorted_by(|one, next| one.region <= next.region) {
                return Err(damaged("the row groups are not ordered by region"));
            }
            Ok(Self { input, metadata, marks, groups })
        })
    }

    /// What it was made from.
    pub fn marks(&self) -> &BatchMarks {
        &self.marks
    }

    /// Its row groups, ordered by region.
    pub fn groups(&self) -> &[GroupSummary] {
        &self.groups
    }

    /// All cells.
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(|group| group.rows).sum()
    }

    /// Its regions, in order.
    pub fn regions(&self) -> Vec<RegionRuns> {
        let mut regions = Vec::new();
        let mut next = 0;
        while let Some(group) = self.groups.get(next) {
            let region = self.runs_of(&group.region);
            next += region.runs.iter().map(Vec::len).sum::<usize>().max(1);
            regions.push(region);
        }
        regions
    }

    /// One region's row groups; `None` if the batch has no edits of the region.
    pub fn runs_of(&self, region: &str) -> RegionRuns {
        let first = self.groups.partition_point(|group| group.region.as_str() < region);
        let mut runs: Vec<Vec<usize>> = Vec::new();
        let mut last = None;
        let groups = self.groups.iter().enumerate().skip(first);
        for (number, group) in groups.take_while(|(_, group)| group.region == region) {
            match runs.last_mut().filter(|_| last < Some(group.first_sequence)) {
                Some(run) => run.push(number),
                None => runs.push(vec![number]),
            }
            last = Some(group.last_sequence);
        }
        RegionRuns { region: region.to_owned(), runs }
    }

    /// Reads row groups one after another. Holds a part of one at a time.
    pub fn cursor(&self, groups: Vec<usize>) -> BatchCursor<R> {
        self.cursor_over(groups, &EDIT_AND_ORIGIN)
    }

    /// The same without the origin, which costs time.
    pub fn edits(&self, groups: Vec<usize>) -> BatchCursor<R> {
        self.cursor_over(groups, &EDIT)
    }

    fn cursor_over(&self, groups: Vec<usize>, columns: &[&str]) -> BatchCursor<R> {
        let region = |number: &usize| self.groups.get(*number).map(|group| (*number, group.region.clone()));
        let groups = groups.iter().filter_map(region).collect();
        BatchCursor::new(self.input.clone(), self.metadata.clone(), groups, columns)
    }
}

impl GroupSummary {
    fn of(group: &RowGroupMetaData) -> Result<Self, ReadError> {
        let column = |name: &str| {
            let found = group.columns().iter().find(|column| column.column_path().string() == name);
            found.ok_or_else(|| damaged(format!("a row group without `{name}`")))
        };
        let (region, other) = text_bounds(column("region")?)?;
        if region != other {
            return Err(damaged("a row group of two regions"));
        }
        let (first_sequence, last_sequence) = bounds(column("sequence")?)?;
        Ok(Self {
            region,
            rows: u64::try_from(group.num_rows()).map_err(damaged)?,
            bytes: u64::try_from(group.compressed_size()).map_err(damaged)?,
            first_sequence: first_sequence.cast_unsigned(),
            last_sequence: last_sequence.cast_unsigned(),
            write_time: bounds(column("write_time")?)?,
        })
    }
}

fn bounds(column: &ColumnChunkMetaData) -> Result<(i64, i64), ReadError> {
    match column.statistics() {
        Some(Statistics::Int64(of)) => of.min_opt().copied().zip(of.max_opt().copied()),
        _ => None,
    }
    .ok_or_else(|| no_bounds(column))
}

fn text_bounds(column: &ColumnChunkMetaData) -> Result<(String, String), ReadError> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(damaged);
    match column.statistics() {
        Some(Statistics::ByteArray(of)) => match (of.min_opt(), of.max_opt()) {
            (Some(min), Some(max)) => Ok((text(min.data())?, text(max.data())?)),
            _ => Err(no_bounds(column)),
        },
        _ => Err(no_bounds(column)),
    }
}

fn no_bounds(column: &ColumnChunkMetaData) -> ReadError {
    damaged(format!("a row group without bounds of `{}`", column.column_path()))
}
