//! What snapshots a root has, what they hold, and whether it is all there.

mod describe;
mod verify;

pub use describe::{
    FamilyStats, FileEntry, SnapshotReport, SnapshotStats, SnapshotSummary, SnapshotsReport, info, list,
};
pub use verify::{SnapshotVerified, VerifyOptions, verify, verify_in};
