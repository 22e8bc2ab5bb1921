//! What WALs and snapshots say together: which region came from which, where a replay starts, what a cut holds,
//! whether anything is missing, and how causal a cut is.
//!
//! Pure reasoning on values: nothing here reads, waits, or knows what time it is. `docs/consistency.md` has the
//! definitions and proofs.
//!
//! The way through: [`History::new`] from [`Sources`], [`Starts::new`] from the snapshots, a cut ([`at_snapshot`],
//! [`at_marker`], [`at_time`], [`at_sequences`] or [`at_end`]), and [`certify`]: [`check`] whether it can be made,
//! [`trim`] it by the declared dependencies, then [`completeness`], [`clock_level`] and [`region_cuts`] for the
//! [`Certificate`]. [`Replay`] says what is then put on top of the snapshot's files.

mod absent;
mod backwards;
mod before;
mod border;
mod certificate;
mod clock;
mod clock_level;
mod completeness;
mod cut;
mod dependency;
mod display;
mod entries;
mod frontier;
mod gap;
mod given_again;
mod history;
mod knowledge;
mod lineage;
mod region;
mod replaced;
mod replay;
mod since;
mod source;
mod start;
mod store_list;
mod whereabouts;

pub use absent::AbsentFamilies;
pub use border::{Border, Tolerances};
pub use certificate::{Assumption, Certificate, Declared, RegionCut, Relation, certify, region_cuts};
pub use clock::{ClockError, Clocks};
pub use clock_level::{ClockLevel, clock_level};
pub use completeness::{Completeness, Finding, GapCount, Overlap, completeness, overlaps};
pub use cut::{
    Asked, BelowStart, Beyond, Cut, Earliest, HeldBack, Refusal, RollMarker, Unplaced, at_end, at_marker,
    at_sequences, at_snapshot, at_time, check,
};
pub use dependency::{Dependency, EntryId, Located, Trimmed, Violations, trim, violations};
pub use entries::{Entries, IdRun, MarkerEntry, NotAscending};
pub use frontier::{Closed, ClosedBecause, Frontier, GroupFrontier, frontier};
pub use gap::{Gap, GapCause, GapClass, gaps};
pub use history::{FileState, History};
pub use lineage::Lineages;
pub use region::RegionHistory;
pub use replay::{BulkLoadedFile, Replay, ReplayRegion};
pub use source::{Descent, FileEnd, LogFile, MetaLog, Origin, PlaceState, RegionLog, RegionPlace, Sources};
pub use start::{
    FileSequence, RegionStart, SnapshotFile, SnapshotRegion, SnapshotStores, StartFrom, Starts, StoreStart,
};
pub use store_list::{StoreListBreak, StoreListBreakKind, store_list_breaks};
