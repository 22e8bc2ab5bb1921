use super::cursor::BatchCursor;
use super::footer::Footer;
use super::schema::{BatchMarks, plain_schema};
use crate::error::{damaged, decoding};
use crate::marks::check_columns;
use crate::reading::options;
use crate::{ChunkReader, ReadError};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use std::sync::Arc;

/// A batch, opened: its footer has been read and checked.
pub struct BatchFile<R> {
    pub(super) input: R,
    pub(super) footer: Arc<Footer>,
    marks: BatchMarks,
    groups: Vec<Arc<GroupSummary>>,
}

/// What a row group holds: edits of one family of one region, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSummary {
    /// Encoded name of the region.
    pub region: String,
    /// The family.
    pub family: Vec<u8>,
    /// Cells.
    pub rows: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes when they are not compressed, about.
    pub weight: u64,
    /// The smallest sequence id.
    pub first_sequence: u64,
    /// The largest sequence id.
    pub last_sequence: u64,
    /// The smallest and largest write time, ms.
    pub write_time: (i64, i64),
    /// The first and the last row.
    pub row_bounds: (Vec<u8>, Vec<u8>),
    /// Whether a cell has tags.
    pub has_tags: bool,
}

impl<R: ChunkReader + Clone + 'static> BatchFile<R> {
    /// Opens a batch: reads its footer and checks that it is one, in a known version.
    pub fn new(input: R) -> Result<Self, ReadError> {
        decoding(|| {
            let metadata = ArrowReaderMetadata::load(&input, options()).map_err(damaged)?;
            let marks = BatchMarks::decode(metadata.metadata().file_metadata())?;
            check_columns(metadata.schema(), &plain_schema())?;
            let groups =
                metadata.metadata().row_groups().iter().map(|group| GroupSummary::of(group).map(Arc::new));
            let groups = groups.collect::<Result<Vec<_>, _>>()?;
            if !groups.is_sorted_by(|one, next| one.precedes(next)) {
                return Err(damaged("the row groups are not in order"));
            }
            let footer = Arc::new(Footer::of(metadata.metadata()));
            Ok(Self { input, footer, marks, groups })
        })
    }

    /// What it was made from.
    pub fn marks(&self) -> &BatchMarks {
        &self.marks
    }

    /// Its row groups, ordered by region, family and rows.
    pub fn groups(&self) -> &[Arc<GroupSummary>] {
        &self.groups
    }

    /// All cells.
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(|group| group.rows).sum()
    }

    /// Its regions, in order: the name, and the numbers of its row groups.
    pub fn regions(&self) -> Vec<(&str, std::ops::Range<usize>)> {
        let mut regions: Vec<(&str, std::ops::Range<usize>)> = Vec::new();
        for (number, group) in self.groups.iter().enumerate() {
            match regions.last_mut().filter(|(region, _)| *region == group.region) {
                Some((_, groups)) => groups.end = number + 1,
                None => regions.push((&group.region, number..number + 1)),
            }
        }
        regions
    }

    /// The numbers of one region's row groups; none if it has no edits of the region.
    pub fn groups_of(&self, region: &str) -> std::ops::Range<usize> {
        let first = self.groups.partition_point(|group| group.region.as_str() < region);
        let end = self.groups.partition_point(|group| group.region.as_str() <= region);
        first..end
    }

    /// Reads row groups one after the other. Holds a part of one at a time.
    pub fn cursor(&self, groups: impl IntoIterator<Item = usize>) -> BatchCursor<R> {
        let found = |number: usize| self.groups.get(number).map(|group| (number, Arc::clone(group)));
        let groups = groups.into_iter().filter_map(found).collect();
        BatchCursor::new(self.input.clone(), Arc::clone(&self.footer), groups)
    }
}

impl GroupSummary {
    fn of(group: &RowGroupMetaData) -> Result<Self, ReadError> {
        let column = |name: &str| {
            let found = group.columns().iter().find(|column| column.column_path().string() == name);
            found.ok_or_else(|| damaged(format!("a row group without `{name}`")))
        };
        let (region, other) = byte_bounds(column("region")?)?;
        if region != other {
            return Err(damaged("a row group of two regions"));
        }
        let (family, other) = byte_bounds(column("family")?)?;
        if family != other {
            return Err(damaged("a row group of two families"));
        }
        let (first_sequence, last_sequence) = bounds(column("sequence")?)?;
        let rows = u64::try_from(group.num_rows()).map_err(damaged)?;
        let without_tags = column("tags")?.statistics().and_then(Statistics::null_count_opt);
        Ok(Self {
            region: String::from_utf8(region).map_err(damaged)?,
            family,
            rows,
            bytes: u64::try_from(group.compressed_size()).map_err(damaged)?,
            weight: u64::try_from(group.total_byte_size()).map_err(damaged)?,
            first_sequence: first_sequence.cast_unsigned(),
            last_sequence: last_sequence.cast_unsigned(),
            write_time: bounds(column("write_time")?)?,
            row_bounds: byte_bounds(column("row")?)?,
            has_tags: without_tags != Some(rows),
        })
    }

    /// Whether what it holds comes before what another holds, or may.
    fn precedes(&self, next: &Self) -> bool {
        let place = |of: &Self| (of.region.clone(), of.family.clone());
        let (one, other) = (place(self), place(next));
        one < other || one == other && self.row_bounds.1 <= next.row_bounds.0
    }

    /// Whether an id in these bounds may be in it.
    #[must_use]
    pub fn may_hold(&self, first: u64, last: u64) -> bool {
        self.last_sequence >= first && self.first_sequence <= last
    }
}

fn bounds(column: &ColumnChunkMetaData) -> Result<(i64, i64), ReadError> {
    match column.statistics() {
        Some(Statistics::Int64(of)) => of.min_opt().copied().zip(of.max_opt().copied()),
        _ => None,
    }
    .ok_or_else(|| no_bounds(column))
}

fn byte_bounds(column: &ColumnChunkMetaData) -> Result<(Vec<u8>, Vec<u8>), ReadError> {
    match column.statistics() {
        Some(Statistics::ByteArray(of)) => match (of.min_opt(), of.max_opt()) {
            (Some(min), Some(max)) => Ok((min.data().to_vec(), max.data().to_vec())),
            _ => Err(no_bounds(column)),
        },
        _ => Err(no_bounds(column)),
    }
}

fn no_bounds(column: &ColumnChunkMetaData) -> ReadError {
    damaged(format!("a row group without bounds of `{}`", column.column_path()))
}
