//! The certificate: what was proved of a cut, and what is in and out.

use std::collections::BTreeMap;

use names::{EncodedRegionName, TableName};

use crate::{
    ClockLevel, Clocks, ClosedBecause, Completeness, Cut, Dependency, Frontier, History, Refusal, StartFrom,
    Starts, Trimmed, check, clock_level, completeness, frontier, trim,
};

/// What dependencies were declared, and what they did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// How many dependencies were given.
    pub given: u64,
    /// Those whose effect was in the cut that was asked for, and no longer is.
    pub trimmed: u64,
    /// Those, by index, whose effect is in the snapshot's files without its cause: it cannot be taken out, and is a
    /// problem.
    pub in_files: Vec<usize>,
}

/// How a region is related to the snapshots that a replay is put on top of.
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

/// What is in and out of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionCut {
    /// The region's table.
    pub table: TableName,
    /// How it is related to the snapshots.
    pub relation: Relation,
    /// The id up to which every store's edits are in the snapshot's files; a store's own start may be larger.
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

/// An assumption that is to be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assumption {
    /// Every clock's error stays within its bound all the time, steps included.
    ClocksWithinBound,
    /// Within a region write times follow sequence ids.
    TimesFollowIds,
    /// Writes use SYNC_WAL or FSYNC_WAL: what was acknowledged is in a WAL.
    WritesAreSynced,
    /// No coprocessor writes other regions before the append.
    NoForeignCoprocessor,
    /// All dependencies that matter were declared.
    DependenciesAreComplete,
    /// The reader's clock, by which ends of WALs were read, is right.
    ReaderClockIsRight,
    /// A server that is considered dead does not write any more.
    DeadServersAreDead,
    /// A store without files had nothing to flush when the snapshot was taken.
    EmptyStoresWereFlushed,
    /// What was read is the root where HBase writes, and no copy of it.
    RootIsLive,
    /// Every server that had a region of the tables open has an available WAL, or a directory under `WALs`.
    ServersAreAll,
    /// No WAL was lost between two that follow each other, where nothing shows when the older one was closed.
    WalsAreAll,
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
    /// The time up to which all that was written is known.
    pub frontier: Frontier,
}

/// Trims a cut by the declared dependencies, checks it, and proves what can be proved about it.
///
/// # Errors
/// The cut cannot be made: why not, and which cut can.
pub fn certify(
    history: &History,
    starts: &Starts,
    clocks: &Clocks,
    asked: &Cut,
    dependencies: &[Dependency],
) -> Result<Certificate, Refusal> {
    let frontier = frontier(history, clocks);
    check(history, asked, starts, clocks, &frontier)?;
    let Trimmed { cut, trimmed, in_files } = trim(history, starts, asked, dependencies);
    let declared = Declared { given: dependencies.len() as u64, trimmed: trimmed.len() as u64, in_files };
    let clock = clock_level(history, starts, &cut, clocks, &frontier);
    let completeness = completeness(history, starts, Some(&cut), clocks);
    let regions = region_cuts(history, starts, &cut);
    let assumptions = assumptions(history, starts, &clock, &declared, &frontier);
    Ok(Certificate { cut, clock, declared, completeness, assumptions, regions, frontier })
}

fn assumptions(
    history: &History,
    starts: &Starts,
    clock: &ClockLevel,
    declared: &Declared,
    frontier: &Frontier,
) -> Vec<Assumption> {
    let bounded = matches!(clock, ClockLevel::Bounded { .. });
    let because = |wanted| frontier.groups.iter().any(|group| group.because == wanted);
    let from_region = |from| starts.without_files().any(|(_, _, store)| store.from == from);
    let all = [
        (bounded, Assumption::ClocksWithinBound),
        (bounded && !starts.regions().is_empty(), Assumption::TimesFollowIds),
        (bounded || declared.given > 0, Assumption::WritesAreSynced),
        (bounded, Assumption::NoForeignCoprocessor),
        (declared.given > 0, Assumption::DependenciesAreComplete),
        (because(ClosedBecause::ReadToItsEnd), Assumption::ReaderClockIsRight),
        (!history.dead_servers.is_empty(), Assumption::DeadServersAreDead),
        (from_region(StartFrom::Region), Assumption::EmptyStoresWereFlushed),
        (because(ClosedBecause::ReadToItsEnd) && history.copied_ms.is_none(), Assumption::RootIsLive),
        (!starts.regions().is_empty() && !history.files().is_empty(), Assumption::ServersAreAll),
        (history.borders.any_silent(), Assumption::WalsAreAll),
    ];
    all.into_iter().filter_map(|(holds, assumption)| holds.then_some(assumption)).collect()
}

/// What is in and out of each region.
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
                let (up_to, above) = match stretch.run.first > covered {
                    true => cut.split(name, &stretch),
                    false => stretch.split_at(last.max(covered)),
                };
                region.entries_in += up_to - in_files;
                region.entries_out += above;
            }
        });
        regions.insert(*name, region);
    }
    regions
}
