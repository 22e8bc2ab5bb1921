//! Whether a cut can be made at all.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::Marker;
use names::{EncodedRegionName, FamilyName};

use super::{Asked, Cut};
use crate::backwards::openings_below_edits;
use crate::gap::is_known_whole;
use crate::region::Stretch;
use crate::store_list::added_files;
use crate::{Clocks, Closed, Frontier, History, RegionHistory, RegionStart, Starts, StoreListBreak};

/// A region for which a cut leaves out what the snapshot's files hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BelowStart {
    /// The region.
    pub region: EncodedRegionName,
    /// The last id of the cut.
    pub last: u64,
    /// The last known id that the files hold; the cut must include it.
    pub needed: u64,
}

/// The earliest cut that leaves out nothing that is in the snapshot's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earliest {
    /// As a time, ms; `None` if the write time of no entry is known.
    pub time_ms: Option<i64>,
    /// As ids.
    pub sequences: BTreeMap<EncodedRegionName, u64>,
}

/// Why a cut cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// HFiles cannot be rolled back: the cut leaves out what they hold.
    BelowStart {
        /// The regions.
        regions: Vec<BelowStart>,
        /// The earliest cut that can be made.
        earliest: Earliest,
    },
    /// Files of the snapshot do not say up to which id they reach, and the cut may leave out what they hold.
    UnknownStart {
        /// The stores: region, family.
        stores: Vec<(EncodedRegionName, FamilyName)>,
        /// A time at which the snapshot was complete, ms: a cut after it leaves nothing out.
        taken_ms: Option<i64>,
    },
    /// Not all that was written up to this time has been read.
    BeyondFrontier {
        /// The time that was asked for, ms.
        asked_ms: i64,
        /// The latest time for which a cut can be made, ms.
        reachable_ms: i64,
        /// The WAL group that sets it.
        group: Option<String>,
    },
    /// What a region held was replaced (`restore_snapshot`, `truncate`), and the WALs do not show by what.
    Replaced(Vec<StoreListBreak>),
}

/// Whether a cut can be made on top of snapshots.
///
/// # Errors
/// Why not, and which cut can.
pub fn check(
    history: &History,
    cut: &Cut,
    starts: &Starts,
    clocks: &Clocks,
    frontier: &Frontier,
) -> Result<(), Refusal> {
    if cut.asked == Asked::Snapshot {
        return Ok(());
    }
    if let (Asked::Time(asked_ms), Closed::Until(reachable_ms)) = (&cut.asked, frontier.time)
        && *asked_ms > reachable_ms
    {
        let group = frontier.held_by.clone();
        return Err(Refusal::BeyondFrontier { asked_ms: *asked_ms, reachable_ms, group });
    }
    let regions = below_start(history, cut, starts);
    if !regions.is_empty() {
        return Err(Refusal::BelowStart { regions, earliest: earliest(history, starts, clocks) });
    }
    unknown_start(cut, starts)?;
    let mut replaced: Vec<StoreListBreak> = crate::store_list_breaks(history, starts)
        .into_iter()
        .filter(|found| found.kind.replaces())
        .filter(|found| {
            let is_since = found.matters_above(history, starts) && found.is_inside(history, cut);
            is_since || found.undoes(history, starts, cut)
        })
        .collect();
    replaced.extend(openings_below_edits(history, starts, cut));
    if replaced.is_empty() { Ok(()) } else { Err(Refusal::Replaced(replaced)) }
}

/// A cut that is later than the snapshot leaves nothing out of it.
fn unknown_start(cut: &Cut, starts: &Starts) -> Result<(), Refusal> {
    let later = |start: &RegionStart| match (&cut.asked, cut.moment_ms, start.taken_ms) {
        (Asked::End, ..) => true,
        (_, Some(moment), Some(taken)) => taken <= moment,
        _ => false,
    };
    let unknown = starts.regions().iter().filter(|(_, start)| !later(start));
    let stores: Vec<_> = unknown
        .flat_map(|(region, start)| start.unknown().map(|(family, _)| (*region, family.clone())))
        .collect();
    let taken_ms = starts.regions().values().filter_map(|start| start.taken_ms).max();
    if stores.is_empty() { Ok(()) } else { Err(Refusal::UnknownStart { stores, taken_ms }) }
}

/// Edits and bulk loads count: no file holds another marker.
fn below_start(history: &History, cut: &Cut, starts: &Starts) -> Vec<BelowStart> {
    let mut below = Vec::new();
    for (region, entries) in history.regions() {
        let (held, last) = (history.held(starts, region), cut.last(region));
        let mut needed = 0;
        entries.each_stretch(|stretch| {
            if is_held_load(history, starts, region, &stretch) {
                if !cut.contains_load(region, stretch.run.first) {
                    needed = needed.max(stretch.run.first);
                }
                return;
            }
            if stretch.is_edit() && stretch.run.first <= held {
                needed = needed.max(stretch.run.last.min(held));
            }
        });
        if needed > last {
            below.push(BelowStart { region: *region, last, needed });
        }
    }
    let known: BTreeSet<EncodedRegionName> = below.iter().map(|below| below.region).collect();
    let in_files = undated(history, starts).filter(|(region, start)| {
        let first = history.region(region).and_then(RegionHistory::first);
        let last = cut.last(region);
        // If an entry is in, so is everything up to it.
        let behind = first.is_some_and(|first| first <= last) || last >= start.held;
        let later = match (&cut.asked, cut.moment_ms, start.taken_ms) {
            (Asked::End, ..) => true,
            (_, Some(moment), Some(taken)) => taken <= moment,
            // It is not known when the snapshot was complete: it is treated as an old one.
            (_, Some(_), None) => true,
            _ => false,
        };
        !known.contains(region) && !behind && !later
    });
    let in_files: Vec<BelowStart> = in_files
        .map(|(region, start)| BelowStart { region: *region, last: cut.last(region), needed: start.held })
        .collect();
    below.extend(in_files);
    below
}

/// Whether the snapshot's files hold a bulk load before a crash. Up to where files reach says nothing of it: its id was
/// given again.
fn is_held_load(
    history: &History,
    starts: &Starts,
    region: &EncodedRegionName,
    stretch: &Stretch<'_>,
) -> bool {
    let Some(marker @ Marker::BulkLoad(_)) = stretch.marker else { return false };
    let mut files = added_files(marker);
    history.is_earlier_load(region, stretch.run.first)
        && starts.regions().get(region).is_some_and(|start| files.any(|file| start.holds(file)))
}

/// Regions whose files may hold edits that no available WAL has.
fn undated<'a>(
    history: &'a History,
    starts: &'a Starts,
) -> impl Iterator<Item = (&'a EncodedRegionName, &'a RegionStart)> {
    starts
        .regions()
        .iter()
        .filter(|(region, start)| start.held > 0 && !is_known_whole(history, region, start.held))
}

fn earliest(history: &History, starts: &Starts, clocks: &Clocks) -> Earliest {
    let (mut time_ms, mut sequences) = (None, BTreeMap::new());
    for (region, entries) in history.regions() {
        let held = history.held(starts, region);
        // A cut by time takes a prefix, so the markers before the last edit count.
        let mut prefix_ms = None;
        entries.each_stretch(|stretch| {
            if stretch.run.first > held && !is_held_load(history, starts, region, &stretch) {
                return;
            }
            let server = history.files().get(stretch.file).and_then(|file| file.server());
            prefix_ms = prefix_ms.max(Some(clocks.time(server, stretch.write_time)));
            if stretch.is_edit() {
                time_ms = time_ms.max(prefix_ms);
                sequences.insert(*region, stretch.run.last.min(held.max(stretch.run.first)));
            }
        });
        // What came of an ended region is in only if that region is whole, including its last markers.
        if starts.ended().contains(region) {
            time_ms = time_ms.max(prefix_ms);
            sequences.insert(*region, history.last_of(region).min(held));
        }
    }
    for (region, start) in undated(history, starts) {
        sequences.entry(*region).or_insert(start.held);
        time_ms = time_ms.max(start.taken_ms);
    }
    Earliest { time_ms, sequences }
}
