//! Replayable batches: the edits of one table in one WAL (`<wal>.parquet`), as a sorted run.
//!
//! A batch is a pure function of the WAL's bytes, the table and the version of the schema: never trimmed, and the same
//! bytes whenever it is made. A row group holds edits of one family of one region, and all rows are in the order of an
//! HFile: region, family, then `CellComparatorImpl` (row, qualifier, time stamp descending, type descending), the later
//! sequence id first, and of one entry's cells the last first. Restoring is merging such runs. What needs the order of
//! the log sorts ids and positions. In every WAL that HBase writes, ids of a region ascend; a region whose ids do not is
//! named in the metadata ([`BatchMarks::unordered`]), as its order cannot be had again from here.

mod arena;
mod constant;
mod cursor;
mod encoder;
mod entries;
mod file;
mod fill;
mod footer;
mod schema;
mod sort;
mod sorted;

pub use arena::CellArena;
pub use cursor::{BatchCell, BatchCursor};
pub use encoder::BatchEncoder;
pub use file::{BatchFile, GroupSummary};
pub use schema::{BatchMarks, CONTENT, VERSION};
pub use sort::{RowGroups, common_prefix, row_head, sort_arenas};
pub use sorted::SortedCells;
