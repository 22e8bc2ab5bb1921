//! The certificate: what was proved of a cut, and what is in and out.

use std::collections::BTreeMap;

use formats::name::{EncodedRegionName, TableName};

use crate::{ClockLevel, Completeness, Cut, History, Starts};

/// What dependencies were declared, and what they did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Declared {
    /// Dependencies that were given.
    pub given: u64,
    /// Those whose effect was in the cut that was asked for, and is in no longer.
    pub trimmed: u64,
    /// Those whose effect is in the snapshot's files without its cause: it could not be taken out.
    pub in_files: u64,
}

/// What a region is to the snapshots that a replay goes onto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// One of their regions.
    Snapshot,
    /// It came of one of their regions later: it is replayed whole.
    Descendant,
    /// It had ended before: nothing of it is replayed.
    Ended,
    /// None of these (a table that was dropped before the snapshot, say): nothing of it is replayed.
    Unrelated,
}

/// What of a region is in and out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionCut {
    /// The region's table.
    pub table: TableName,
    /// What it is to the snapshots.
    pub relation: Relation,
    /// Up to here every store's edits are in the snapshot's files; a store's own start may be larger.
    pub covered: u64,
    /// The last id that is in.
    pub last: u64,
    /// The last id that is known.
    pub known: u64,
    /// Entries of edits (bulk loads are some) above `covered` that are in.
    pub entries_in: u64,
    /// Entries of edits above `covered` that are out.
    pub entries_out: u64,
}

/// Something that was taken for granted and is to be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assumption {
    /// Every clock's error stays within its bound all the time, steps included.
    ClocksWithinBound,
    /// Writes use SYNC_WAL or FSYNC_WAL: what was acknowledged is in a WAL.
    WritesAreSynced,
    /// No coprocessor writes other regions before the append.
    NoForeignCoprocessor,
    /// All dependencies that matter were declared.
    DependenciesAreComplete,
    /// The reader's clock, by which ends of WALs were read, is right.
    ReaderClockIsRight,
    /// A server that is taken for dead writes no more.
    DeadServersAreDead,
    /// A store without files had nothing to flush when the snapshot was taken.
    EmptyStoresWereFlushed,
}

/// What was proved of a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The cut, trimmed.
    pub cut: Cut,
    /// What clocks prove.
    pub clock: ClockLevel,
    /// What declared dependencies did.
    pub declared: Declared,
    /// What is missing or may be.
    pub completeness: Completeness,
    /// What all of it takes for granted.
    pub assumptions: Vec<Assumption>,
    /// What is in and out.
    pub regions: BTreeMap<EncodedRegionName, RegionCut>,
}

/// What of each region is in and out.
#[must_use]
pub fn region_cuts(history: &History, starts: &Starts, cut: &Cut) -> BTreeMap<EncodedRegionName, RegionCut> {
    let mut regions = BTreeMap::new();
    let descendants = history.lineages().with_descendants(starts.regions().keys());
    let relation = |region: &EncodedRegionName| match region {
        region if starts.regions().contains_key(region) => Relation::Snapshot,
        region if starts.ended().contains(region) => Relation::Ended,
        region if descendants.contains(region) => Relation::Descendant,
        _ => Relation::Unrelated,
    };
    for (name, entries) in history.regions() {
        let (covered, last) = (starts.covered(name), cut.last(name));
        let mut region = RegionCut {
            table: entries.table().clone(),
            relation: relation(name),
            covered,
            last,
            known: history.last_of(name),
            entries_in: 0,
            entries_out: 0,
        };
        entries.each_stretch(|stretch| {
            if stretch.is_edit() {
                let (in_files, _) = stretch.split_at(covered);
                let (up_to, above) = stretch.split_at(last.max(covered));
                region.entries_in += up_to - in_files;
                region.entries_out += above;
            }
        });
        regions.insert(*name, region);
    }
    regions
}
