//! Finds, compares, sorts and merges the edits of batches, and writes HFiles of them.

mod compare_batches;
mod entry_lines;
mod find_edits;
mod held_entry;
mod merge_edits;
mod region_router;
mod sort_cells;
mod write_edits;

pub use compare_batches::{Conflict, compare_batches};
pub use entry_lines::EntryLines;
pub use find_edits::{EditToFind, EntriesOfEdit, FindEdits};
pub use merge_edits::{EditBounds, EditSource, MergeEdits};
pub use region_router::RegionRouter;
pub use sort_cells::{SortCells, SortedCells};
pub use write_edits::{
    EditsToWrite, FamilyToWrite, NewFiles, OpenedBatch, SourceRegion, WriteEdits, WrittenEdits,
};
