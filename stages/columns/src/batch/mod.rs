//! Replayable batches: the edits of one table in one WAL (`<wal>.parquet`).
//!
//! A batch is a pure function of the WAL's bytes, the table and the version of the schema: never trimmed, and the same
//! bytes whenever it is made. A row group holds edits of one region, of whole entries, with ascending sequence ids;
//! row groups are ordered by region, those of a region as in the WAL. In every WAL that HBase writes, ids of a region
//! ascend, and so rows are ordered by (region, sequence, index). Where they do not, a new row group begins at the id
//! that goes back: reading [`RegionRuns`] and merging them restores the order.

mod arena;
mod cursor;
mod encoder;
mod entries;
mod file;
mod schema;

pub use arena::CellArena;
pub use cursor::{BatchCell, BatchCursor};
pub use encoder::BatchEncoder;
pub use file::{BatchFile, GroupSummary, RegionRuns};
pub use schema::{BatchMarks, CONTENT, VERSION};
