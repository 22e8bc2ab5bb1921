//! One piece of work each: find, copy, prove, open, verify, read, print.
//!
//! A step does I/O through a [`store::Store`] and knows bytes through [`formats`]; it starts no thread and keeps no
//! state from unit to unit. Damage comes out as [`stage::Problem`]s, with the place; only what ends a run is a
//! [`stage::Failure`].

mod cat_hfile;
mod compare_files;
mod copy_ranges;
mod describe_hfile;
mod digest;
mod failing;
mod fault;
mod find_files;
mod join_walks;
mod level;
mod list_files;
mod locate_cells;
mod open_hfile;
mod proof;
mod prove_ranges;
mod read_blocks;
mod read_snapshot;
mod verify_cells;
mod verify_hfile;

pub use cat_hfile::{CatHFile, CatOptions, open_cells};
pub use compare_files::{CompareFiles, CompareUnit, Compared};
pub use copy_ranges::{BUFFER_LEN, CopiedRange, CopiedUnit, CopyRanges, CopyUnit, RangeOfUnit, RangeToCopy};
pub use describe_hfile::{BloomDescription, HFileDescription, describe_hfile, read_dictionaries};
pub use digest::{Blake3, FileSum, RANGE_LEN, RangeHasher, RangeSum, crc32c, join_ranges};
pub use failing::{failed_storage, failed_store, file_problem, source_problem};
pub use fault::ReadFault;
pub use find_files::{FilesToFind, FindFiles, FoundFile, FoundFiles};
pub use join_walks::join_walks;
pub use level::Level;
pub use list_files::{ListedFile, ListedFiles, StoreDirectory, list_files};
pub use locate_cells::{CellFile, locate_cells};
pub use open_hfile::{OpenedHFile, open_hfile, open_whole};
pub use proof::{Contents, Proof};
pub use prove_ranges::{ProveRanges, ProvedRange, ProvedUnit};
pub use read_blocks::{ReadBlocks, read_block};
pub use read_snapshot::{
    DESCRIPTION, MANIFEST, ReadSnapshot, SNAPSHOTS, list_snapshots, read_cluster_id, read_snapshot,
    snapshot_dir,
};
pub use verify_cells::{VerifiedCells, verify_cells};
pub use verify_hfile::{FileToVerify, VerifiedHFile, VerifyHFile, block_problems, checksum_type};
