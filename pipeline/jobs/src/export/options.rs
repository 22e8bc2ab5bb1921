use delivery::{Aim, Terms};
use std::num::NonZeroU64;
use steps::hfile::Level;
use store::Attributes;

/// What to export, where to, and how.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// URI of the root that has the snapshot.
    pub from: String,
    /// The snapshot.
    pub snapshot: String,
    /// URI of the root to export to.
    pub to: String,
    /// Its name there, if another.
    pub target: Option<String>,
    /// Whether a snapshot of that name is replaced.
    pub overwrite: bool,
    /// How much is verified.
    pub level: Level,
    /// Ranges copied at the same time.
    pub workers: usize,
    /// The most bytes that are written per second.
    pub bandwidth: Option<NonZeroU64>,
    /// Owner, group and mode of what is written.
    pub attributes: Attributes,
    /// Whether the copy lives for ever.
    pub reset_ttl: bool,
    /// Whether regions may leave holes or overlap.
    pub accept_holes: bool,
    /// Whether only the plan is made.
    pub dry_run: bool,
    /// Whether an interrupted run is resumed.
    pub resume: bool,
    /// Length of the ranges of long files: a power of two.
    pub range_len: u64,
}

impl ExportOptions {
    pub(super) fn aim(&self) -> Aim {
        let Self { from, level, attributes, range_len, .. } = self.clone();
        Aim { from, level, attributes, range_len }
    }

    pub(super) fn terms(&self) -> Terms {
        Terms { workers: self.workers, resume: self.resume, overwrite: self.overwrite }
    }
}
