//! Which snapshots a root has, what they hold, and whether all of it is there.

mod describe;
mod verify;

pub use describe::{
    FamilyStats, FileEntry, SnapshotReport, SnapshotStats, SnapshotSummary, SnapshotsReport, info, list,
};
pub use verify::{SnapshotVerified, VerifyOptions, verify, verify_in};
