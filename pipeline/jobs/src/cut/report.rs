//! What `cut` prints: the certificate with stable names. `docs/consistency.md` describes the fields.

use cuts::{CutOptions, OpenedBase, OpenedCut};
use formats::snapshot::SnapshotType;
use history::{
    Assumption, Certificate, ClockLevel, Closed, ClosedBecause, Completeness, Frontier, Gap, GapClass,
    History, RegionCut, Relation, StartFrom, Starts,
};
use serde::Serialize;
use std::collections::BTreeMap;
use store::Store;

/// The certificate of a cut.
#[derive(Debug, Clone, Serialize)]
pub struct CutReport {
    /// URI of the repository.
    pub from: String,
    /// The snapshots that the cut is on top of.
    pub bases: Vec<BaseReport>,
    /// The cut that was asked for, as it is typed.
    pub until: String,
    /// What clocks prove: `none`, `bounded` or (later) `certified`.
    pub clock: &'static str,
    /// What `bounded` means here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounded: Option<BoundedReport>,
    /// What declared dependencies did.
    pub declared: DeclaredReport,
    /// What is missing or may be.
    pub completeness: CompletenessReport,
    /// What is taken for granted, by name.
    pub assumptions: Vec<&'static str>,
    /// The time up to which all that was written is known.
    pub frontier: FrontierReport,
    /// What is put on top of the snapshots.
    pub replay: ReplayedCut,
    /// The cut: the last sequence id that is in, by encoded region name. Nothing of other regions is in.
    pub sequences: BTreeMap<String, u64>,
    /// What is in and out, by region.
    pub regions: Vec<RegionReport>,
    /// Regions that are left out because those that they came of are not whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<HeldBackReport>,
    /// Ids that were asked for and are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<BeyondReport>,
    /// Stores whose start does not come from their own files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_files: Vec<StoreReport>,
}

/// A snapshot that a cut is on top of.
#[derive(Debug, Clone, Serialize)]
pub struct BaseReport {
    /// Its name.
    pub snapshot: String,
    /// The image that knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The table, `ns:name`.
    pub table: String,
    /// `FLUSH`, `SKIPFLUSH` or `DISABLED`.
    pub kind: &'static str,
    /// Its regions.
    pub regions: u64,
    /// Their files.
    pub files: u64,
    /// Gaps that were accepted when it, or what it stood on, was restored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted_gaps: Vec<String>,
    /// What else was not proved about the cut at which it was restored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unproved: Vec<String>,
}

/// What bounded clocks leave open. With `uncertain_in` and `undated_regions` both 0, or `uncertain_out` and
/// `undated_regions`, the cut is consistent.
#[derive(Debug, Clone, Serialize)]
pub struct BoundedReport {
    /// Edits that are in and may have been written after one that is out.
    pub uncertain_in: u64,
    /// Edits that are out and may have been written before one that is in.
    pub uncertain_out: u64,
    /// Regions whose files may hold edits that were written after one that is out.
    pub undated_regions: u64,
}

/// What declared dependencies did.
#[derive(Debug, Clone, Serialize)]
pub struct DeclaredReport {
    /// Dependencies that were given.
    pub given: u64,
    /// Those whose effect was taken out of the cut.
    pub trimmed: u64,
    /// Those whose effect is in the snapshot's files without its cause: a problem each.
    pub in_files: u64,
    /// Those of tables other than the snapshots': nothing can be said about them.
    pub outside: u64,
}

/// What is missing or may be.
#[derive(Debug, Clone, Serialize)]
pub struct CompletenessReport {
    /// Whether nothing is missing and nothing ambiguous.
    pub proved: bool,
    /// Ids that a flush, an open or a bulk load took.
    pub explained: GapsReport,
    /// Ids that SKIP_WAL writes or flushes of empty memstores took.
    pub unlogged: GapsReport,
    /// Ids that may have been entries: nothing proves that they were not.
    pub ambiguous: GapsReport,
    /// Ids of entries that are gone.
    pub missing: GapsReport,
    /// The ambiguous and the missing ones, one by one.
    pub gaps: Vec<GapReport>,
    /// Those of the ambiguous ones that were accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<GapReport>,
    /// What else was found, in words.
    pub findings: Vec<String>,
}

/// Gaps of a class.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GapsReport {
    /// How many.
    pub gaps: u64,
    /// Ids in them.
    pub ids: u64,
}

/// Ids of a region that no entry has.
#[derive(Debug, Clone, Serialize)]
pub struct GapReport {
    /// The region.
    pub region: String,
    /// The first id.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// `ambiguous` or `missing`.
    pub class: String,
    /// Why, in words.
    pub cause: String,
}

/// The time up to which all that was written is known.
#[derive(Debug, Clone, Serialize)]
pub struct FrontierReport {
    /// The latest time at which a cut can be made, ms; none if nothing more will come, or no WAL was looked at.
    pub time_ms: Option<i64>,
    /// The WAL group that sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Every WAL group.
    pub groups: Vec<GroupReport>,
}

/// A WAL group.
#[derive(Debug, Clone, Serialize)]
pub struct GroupReport {
    /// Its name.
    pub group: String,
    /// Its newest WAL.
    pub newest: String,
    /// Known up to this time, ms by the server's clock; none if nothing more will come.
    pub until_ms: Option<i64>,
    /// Why: `server-is-dead`, `read-to-its-end`, `last-entry` or `unsealed`.
    pub because: &'static str,
}

/// What is put on top of the snapshots.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayedCut {
    /// Source regions.
    pub regions: u64,
    /// Entries of edits.
    pub entries: u64,
    /// Batches that hold them.
    pub batches: u64,
    /// Bulk-loaded files.
    pub bulk_files: u64,
}

/// What is in and out of a region.
#[derive(Debug, Clone, Serialize)]
pub struct RegionReport {
    /// Its encoded name.
    pub region: String,
    /// Its table, `ns:name`.
    pub table: String,
    /// `snapshot`, `descendant`, `ended` or `unrelated`: the latter two are not replayed.
    pub relation: &'static str,
    /// The id up to which every edit is in the snapshot's files; none if all are.
    pub covered: Option<u64>,
    /// The last id that is in.
    pub last: u64,
    /// The last id that is known.
    pub known: u64,
    /// Entries of edits above `covered` that are in.
    pub entries_in: u64,
    /// Entries of edits above `covered` that are out.
    pub entries_out: u64,
}

/// A region that is left out.
#[derive(Debug, Clone, Serialize)]
pub struct HeldBackReport {
    /// The region.
    pub region: String,
    /// The one that it came of and that is not whole in the cut.
    pub parent: String,
}

/// Ids that were asked for and are not known.
#[derive(Debug, Clone, Serialize)]
pub struct BeyondReport {
    /// The region.
    pub region: String,
    /// The last id that was asked for.
    pub asked: u64,
    /// The last one that is known.
    pub known: u64,
}

/// A store whose start does not come from its own files.
#[derive(Debug, Clone, Serialize)]
pub struct StoreReport {
    /// The region.
    pub region: String,
    /// The family.
    pub family: String,
    /// Replay starts after this id.
    pub after: u64,
    /// `region` (its other stores', all were flushed), `opening` (the region opened before the snapshot) or
    /// `everything`.
    pub from: &'static str,
}

impl CutReport {
    pub(crate) fn new(options: &CutOptions, store: &dyn Store, opened: &OpenedCut) -> Self {
        let OpenedCut { certificate, history, starts, .. } = opened;
        let Certificate { cut, clock, declared, completeness, assumptions, regions, frontier } = certificate;
        let (clock, bounded) = (clock.name(), bounded_of(*clock));
        Self {
            from: store.uri(),
            bases: opened.bases.iter().map(base).collect(),
            until: options.until.to_string(),
            clock,
            bounded,
            declared: DeclaredReport {
                given: declared.given + opened.outside,
                trimmed: declared.trimmed,
                in_files: declared.in_files.len() as u64,
                outside: opened.outside,
            },
            completeness: completeness_of(completeness, opened),
            assumptions: assumptions.iter().map(assumption).collect(),
            frontier: frontier_of(frontier, history),
            replay: replay_of(opened),
            sequences: cut.sequences().iter().map(|(region, last)| (region.to_string(), *last)).collect(),
            regions: regions.iter().map(|(name, region)| region_of(name.to_string(), region)).collect(),
            held_back: (cut.held_back.iter())
                .map(|held| HeldBackReport {
                    region: held.region.to_string(),
                    parent: held.parent.to_string(),
                })
                .collect(),
            beyond: (cut.beyond.iter())
                .map(|of| BeyondReport { region: of.region.to_string(), asked: of.asked, known: of.known })
                .collect(),
            without_files: without_files(starts),
        }
    }
}

fn base(base: &OpenedBase) -> BaseReport {
    BaseReport {
        snapshot: base.files.snapshot.description.name.to_string(),
        image: base.image.clone(),
        table: base.stores.table.full_form().to_owned(),
        kind: match base.stores.kind {
            SnapshotType::Flush => "FLUSH",
            SnapshotType::SkipFlush => "SKIPFLUSH",
            SnapshotType::Disabled => "DISABLED",
        },
        regions: base.stores.regions.len() as u64,
        files: base.files.listed.files.len() as u64,
        accepted_gaps: base.debts.accepted_gaps.clone(),
        unproved: base.debts.unproved.clone(),
    }
}

fn bounded_of(level: ClockLevel) -> Option<BoundedReport> {
    match level {
        ClockLevel::None => None,
        ClockLevel::Bounded { uncertain_in, uncertain_out, undated_regions } => {
            Some(BoundedReport { uncertain_in, uncertain_out, undated_regions })
        }
    }
}

fn completeness_of(found: &Completeness, opened: &OpenedCut) -> CompletenessReport {
    let count = |class| {
        let count = found.count(class);
        GapsReport { gaps: count.gaps, ids: count.ids }
    };
    let open = |gap: &&Gap| matches!(gap.class, GapClass::Ambiguous | GapClass::Missing);
    let gap = |gap: &Gap| GapReport {
        region: gap.region.to_string(),
        first: gap.ids.first,
        last: gap.ids.last,
        class: gap.class.to_string(),
        cause: gap.cause.to_string(),
    };
    CompletenessReport {
        proved: found.is_proved() && opened.debts.is_empty(),
        explained: count(GapClass::Explained),
        unlogged: count(GapClass::Unlogged),
        ambiguous: count(GapClass::Ambiguous),
        missing: count(GapClass::Missing),
        gaps: found.gaps.iter().filter(open).map(gap).collect(),
        accepted: opened.accepted.iter().map(gap).collect(),
        findings: found.findings.iter().map(ToString::to_string).collect(),
    }
}

fn assumption(assumption: &Assumption) -> &'static str {
    match assumption {
        Assumption::ClocksWithinBound => "clocks-within-bound",
        Assumption::TimesFollowIds => "times-follow-ids",
        Assumption::WritesAreSynced => "writes-are-synced",
        Assumption::NoForeignCoprocessor => "no-foreign-coprocessor",
        Assumption::DependenciesAreComplete => "dependencies-are-complete",
        Assumption::ReaderClockIsRight => "reader-clock-is-right",
        Assumption::DeadServersAreDead => "dead-servers-are-dead",
        Assumption::EmptyStoresWereFlushed => "empty-stores-were-flushed",
        Assumption::RootIsLive => "root-is-live",
        Assumption::ServersAreAll => "servers-are-all",
        Assumption::WalsAreAll => "wals-are-all",
    }
}

/// What the assumption of this name says, in words.
#[must_use]
pub fn assumption_text(name: &str) -> String {
    let all = [
        Assumption::ClocksWithinBound,
        Assumption::TimesFollowIds,
        Assumption::WritesAreSynced,
        Assumption::NoForeignCoprocessor,
        Assumption::DependenciesAreComplete,
        Assumption::ReaderClockIsRight,
        Assumption::DeadServersAreDead,
        Assumption::EmptyStoresWereFlushed,
        Assumption::RootIsLive,
        Assumption::ServersAreAll,
        Assumption::WalsAreAll,
    ];
    all.iter().find(|known| assumption(known) == name).map_or_else(|| name.to_owned(), ToString::to_string)
}

fn frontier_of(frontier: &Frontier, history: &History) -> FrontierReport {
    let group = |group: &history::GroupFrontier| GroupReport {
        group: group.group.clone(),
        newest: history.files().get(group.newest).map_or_else(String::new, |file| file.path.clone()),
        until_ms: until(group.closed),
        because: match group.because {
            ClosedBecause::ServerIsDead => "server-is-dead",
            ClosedBecause::ReadToItsEnd => "read-to-its-end",
            ClosedBecause::LastEntry => "last-entry",
            ClosedBecause::Unsealed => "unsealed",
        },
    };
    FrontierReport {
        time_ms: until(frontier.time).filter(|_| !frontier.groups.is_empty()),
        held_by: frontier.held_by.clone(),
        groups: frontier.groups.iter().map(group).collect(),
    }
}

fn until(closed: Closed) -> Option<i64> {
    match closed {
        Closed::Until(ms) => Some(ms),
        Closed::ForEver => None,
    }
}

fn replay_of(opened: &OpenedCut) -> ReplayedCut {
    let regions = opened.replay.regions();
    let cuts = regions.keys().filter_map(|name| opened.certificate.regions.get(name));
    ReplayedCut {
        regions: regions.len() as u64,
        entries: cuts.map(|region| region.entries_in).sum(),
        batches: opened.batches.values().map(|batches| batches.len() as u64).sum(),
        bulk_files: regions.values().map(|region| region.bulk.len() as u64).sum(),
    }
}

fn region_of(region: String, cut: &RegionCut) -> RegionReport {
    RegionReport {
        region,
        table: cut.table.full_form().to_owned(),
        relation: match cut.relation {
            Relation::Snapshot => "snapshot",
            Relation::Descendant => "descendant",
            Relation::Ended => "ended",
            Relation::Unrelated => "unrelated",
        },
        covered: (cut.covered < u64::MAX).then_some(cut.covered),
        last: cut.last,
        known: cut.known,
        entries_in: cut.entries_in,
        entries_out: cut.entries_out,
    }
}

fn without_files(starts: &Starts) -> Vec<StoreReport> {
    let report = |(region, family, store): (&_, &names::FamilyName, &history::StoreStart)| {
        let region: &names::EncodedRegionName = region;
        StoreReport {
            region: region.to_string(),
            family: family.to_string(),
            after: store.after,
            from: match store.from {
                StartFrom::Files => "files",
                StartFrom::Region => "region",
                StartFrom::Opening => "opening",
                StartFrom::Everything => "everything",
            },
        }
    };
    starts.without_files().map(report).collect()
}
