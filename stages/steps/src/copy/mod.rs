//! Finds, lists, copies, proves and compares the files of a snapshot.

mod check_manifest;
mod compare_files;
mod copy_ranges;
mod find_files;
mod list_files;
mod proof;
mod prove_ranges;
mod read_descriptors;
mod read_snapshot;

pub use check_manifest::{MadeSnapshot, manifest_faults, path_in_manifest};
pub use compare_files::{CompareFiles, CompareUnit, Compared};
pub use copy_ranges::{CopiedRange, CopiedUnit, CopyRanges, CopyUnit, RangeOfUnit, RangeToCopy};
pub use find_files::{FilesToFind, FindFiles, FoundFile};
pub use list_files::{ListedFile, ListedFiles, ListedSnapshot, list_files};
pub use proof::{Contents, Proof};
pub use prove_ranges::{ProveRanges, ProvedRange, ProvedUnit};
pub use read_descriptors::read_descriptors;
pub use read_snapshot::{
    DESCRIPTION, MANIFEST, ReadSnapshot, list_snapshots, read_cluster_id, read_snapshot, snapshot_dir,
};
