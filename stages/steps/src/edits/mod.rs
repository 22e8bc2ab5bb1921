//! Edits of batches: finds, compares and merges them, and writes HFiles of them.

mod compare_batches;
mod entry_lines;
mod find_edits;
mod log_order;
mod loser_tree;
mod merge_edits;
mod merge_runs;
mod region_router;
mod repeats;
mod run;
mod wanted;
mod write_edits;

pub use compare_batches::{Conflict, compare_batches};
pub use entry_lines::EntryLines;
pub use find_edits::{EditToFind, EntriesOfEdit, FindEdits, FoundEdit};
pub use log_order::LogOrder;
pub use merge_edits::{EditSource, MergeEdits};
pub use merge_runs::MergeRuns;
pub use region_router::RegionRouter;
pub use wanted::{EditBounds, Wanted};
pub use write_edits::{
    EditsToWrite, FamilyToWrite, NewFiles, OpenedBatch, SourceRegion, WriteEdits, WrittenEdits,
};
