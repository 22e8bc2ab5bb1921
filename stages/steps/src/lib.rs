//! One piece of work each: find, copy, prove, open, verify, read, print.
//!
//! A step does I/O through a [`store::Store`] and knows bytes through [`formats`]; it starts no thread and keeps no
//! state from unit to unit. Damage comes out as [`stage::Problem`]s, with the place; only what ends a run is a
//! [`stage::Failure`].

mod bulk_cells;
mod cat_hfile;
mod cat_wal;
mod cell_buffer;
mod cell_sum;
mod check_written;
mod compare_batches;
mod compare_files;
mod copy_ranges;
mod decode_wal;
mod describe_hfile;
mod describe_wal;
mod digest;
mod entry_lines;
mod failing;
mod fault;
mod find_edits;
mod find_files;
mod gather_cells;
mod held_entry;
mod hfile_cursor;
mod join_walks;
mod level;
mod list_files;
mod locate_cells;
mod look;
mod marker_rows;
mod merge_cells;
mod merge_edits;
mod open_hfile;
mod print_cells;
mod proof;
mod prove_ranges;
mod read_blocks;
mod read_descriptors;
mod read_pieces;
mod read_snapshot;
mod read_wal;
mod region_passes;
mod region_router;
mod resolve_mob;
mod row_range;
mod salvage_wal;
mod sniff_file;
mod sort_cells;
mod store_file_settings;
mod verify_cells;
mod verify_hfile;
mod visibility;
mod wal_history;
mod witness;
mod write_batch;
mod write_edits;
mod write_hfile;

pub use bulk_cells::BulkFile;
pub use cat_hfile::{CatHFile, CatOptions};
pub use cat_wal::{CatWal, CatWalOptions};
pub use cell_buffer::CellBuffer;
pub use cell_sum::CellSum;
pub use check_written::{CheckWritten, CheckedUnit, WrittenUnit};
pub use compare_batches::{Conflict, compare_batches};
pub use compare_files::{CompareFiles, CompareUnit, Compared};
pub use copy_ranges::{CopiedRange, CopiedUnit, CopyRanges, CopyUnit, RangeOfUnit, RangeToCopy};
pub use decode_wal::{
    DecodeWal, DecodedWal, WalContent, WalPlace, WalToDecode, end_name, end_problem, wal_options,
};
pub use describe_hfile::{BloomDescription, HFileDescription, describe_hfile, read_dictionaries};
pub use describe_wal::{RegionDescription, WalDescription, describe_wal};
pub use digest::{Blake3, FileSum, RANGE_LEN, RangeHasher, RangeSum, crc32c, join_ranges};
pub use entry_lines::EntryLines;
pub use failing::{failed_storage, failed_store, file_problem, source_problem};
pub use fault::ReadFault;
pub use find_edits::{EditToFind, EntriesOfEdit, FindEdits};
pub use find_files::{FilesToFind, FindFiles, FoundFile, FoundFiles};
pub use gather_cells::{GatherCells, META, RegionCells, Select, TableFilter};
pub use hfile_cursor::{FileRank, HFileCursor, open_cells};
pub use join_walks::join_walks;
pub use level::Level;
pub use list_files::{ListedFile, ListedFiles, list_files};
pub use locate_cells::{CellFile, locate_cells};
pub use look::{look_where_hbase_looks, store_file_paths};
pub use merge_cells::{CellSource, MergeCells};
pub use merge_edits::{EditBounds, EditSource, MergeEdits};
pub use open_hfile::{OpenedHFile, open_hfile, open_whole};
pub use print_cells::{CellForm, PrintCells};
pub use proof::{Contents, Proof};
pub use prove_ranges::{ProveRanges, ProvedRange, ProvedUnit};
pub use read_blocks::{ReadBlocks, read_block};
pub use read_descriptors::read_descriptors;
pub use read_pieces::BUFFER_LEN;
pub use read_snapshot::{
    DESCRIPTION, MANIFEST, ReadSnapshot, list_snapshots, read_cluster_id, read_snapshot, snapshot_dir,
};
pub use read_wal::{ReadWal, open_wal, read_wal_header};
pub use region_passes::{RegionPasses, TableGroup};
pub use region_router::RegionRouter;
pub use resolve_mob::{MobValue, ResolveMob};
pub use row_range::RowRange;
pub use salvage_wal::{LostBytes, SalvageStop, Salvaged, salvage_wal};
pub use sniff_file::{other_kind, sniff_file};
pub use sort_cells::{SortCells, SortedCells};
pub use store_file_settings::{StoreFileSettings, store_file_settings};
pub use verify_cells::{VerifiedCells, verify_cells};
pub use verify_hfile::{FileToVerify, VerifiedHFile, VerifyHFile, block_problems, checksum_type};
pub use visibility::{Shown, Verdict, Visibility};
pub use wal_history::{
    Descents, Places, RegionEntries, file_end, marker_entry, read_entries, table_of_region_name,
};
pub use witness::{
    Witnessed, drop_side, drop_stale_side, file_identity, identity_with_side, read_witnessed, settle_side,
    with_side,
};
pub use write_batch::{EncodedFile, EncodedWal, Made, WriteBatch, batch_marks, origin, unencodable};
pub use write_edits::{
    EditsToWrite, FamilyToWrite, NewFiles, OpenedBatch, SourceRegion, WriteEdits, WrittenEdits,
};
pub use write_hfile::{HFileToWrite, WriteHFile, WrittenHFile};
