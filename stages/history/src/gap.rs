//! Gaps in the sequence ids of a region, and what each means.

use std::collections::BTreeSet;

use formats::wal::{EventType, FlushAction, Marker, RegionEventDescriptor};
use names::{EncodedRegionName, StoreFileName};

use crate::lineage::store_files;
use crate::region::Segment;
use crate::since::is_known_since;
use crate::{Clocks, FileEnd, History, IdRun, MarkerEntry, RegionHistory, Starts};

/// What a gap means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapClass {
    /// HBase takes this id without an entry.
    Explained,
    /// Nothing was lost here: a SKIP_WAL write, or the flush of an empty memstore.
    Unlogged,
    /// It spans a border of files, and nothing proves either.
    Ambiguous,
    /// Entries are missing.
    Missing,
}

/// Why a gap has its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapCause {
    /// The number inside START_FLUSH.
    StartFlush,
    /// The number inside REGION_OPEN.
    RegionOpen,
    /// The number inside BULK_LOAD.
    BulkLoad,
    /// Between two entries of one intact WAL, the region open all the while.
    WithinOneFile,
    /// Between the entries of WALs that follow each other, and none was between them, the region open all the while.
    AdjoiningFiles,
    /// The region was open on one server, all of whose WALs since the snapshot are available: what was written before
    /// is in the snapshot's files.
    SinceSnapshot,
    /// Between the entries of different files.
    FileBorder,
    /// Between the entries of two WALs of which the older was closed before the newer was opened.
    NeighbourGone,
    /// Before the first known entry, which is not the region's first opening.
    BeforeFirstEntry,
    /// The file before it ends in the middle of an entry, or in damage.
    BrokenFile,
    /// Bytes of the file on both sides could not be read.
    BytesSkipped,
    /// A REGION_OPEN names an id that is larger than all that is known before it.
    OpenNumber,
    /// A flush was committed, and its START_FLUSH is not there.
    FlushWithoutStart,
    /// The region was closed before it, and its REGION_OPEN is not there.
    CloseWithoutOpen,
    /// A region that came of this one opened with an id that is larger than all that is known.
    ChildOpenNumber,
}

/// Ids of which there is no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The region.
    pub region: EncodedRegionName,
    /// The ids.
    pub ids: IdRun,
    /// What it means.
    pub class: GapClass,
    /// Why.
    pub cause: GapCause,
}

/// All gaps above the starts, by region and id. What comes before a region's first REGION_OPEN is no gap.
#[must_use]
pub fn gaps(history: &History, starts: &Starts, clocks: &Clocks) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (region, entries) in history.regions() {
        let covered = starts.covered(region);
        let named = named_entries(entries);
        let since = starts.regions().get(region).and_then(|start| start.since_ms);
        let since_ms = since.map(|since| since.saturating_sub(clocks.widest()));
        let mut walk = Walk { history, region: *region, entries, named, covered, since_ms, gaps: &mut gaps };
        walk.region();
        if let Some(gap) = tail_gap(history, starts, region, entries) {
            gaps.push(gap);
        }
    }
    gaps.sort_unstable();
    gaps
}

/// Ids that markers prove to be those of entries: START_FLUSH comes right after the flush's number.
fn named_entries(entries: &RegionHistory) -> BTreeSet<u64> {
    let numbers = entries.markers().iter().filter_map(|entry| match &entry.marker {
        Marker::Flush(flush) if flush.action == FlushAction::CommitFlush => flush.flush_sequence_number,
        _ => None,
    });
    numbers.map(|number| number.saturating_add(1)).collect()
}

/// Whether the first known entry is the region's first of all.
fn opens_first(region: &EncodedRegionName, entries: &RegionHistory) -> bool {
    let opens = |event: &RegionEventDescriptor| event.event_type == EventType::RegionOpen;
    match entries.markers().first() {
        Some(MarkerEntry { sequence, marker: Marker::RegionEvent(event), .. }) if opens(event) => {
            entries.first() == Some(*sequence) && !store_files(event).any(|name| is_own_file(name, region))
        }
        _ => false,
    }
}

/// Whether every entry of a region up to an id is available, from its first on, and all of the regions that it came of.
/// (Old WALs need not be deleted in the order in which they were written.)
pub(crate) fn is_known_whole(history: &History, region: &EncodedRegionName, up_to: u64) -> bool {
    let reaches = |entries: &RegionHistory| entries.last().is_some_and(|last| last >= up_to);
    let closes = |entries: &RegionHistory| match entries.markers().last() {
        Some(MarkerEntry { sequence, marker: Marker::RegionEvent(event), .. }) => {
            event.event_type == EventType::RegionClose && Some(*sequence) == entries.last()
        }
        _ => false,
    };
    let mut ancestors = history.lineages().ancestors(region).into_iter();
    history
        .region(region)
        .is_some_and(|entries| reaches(entries) && has_no_hole(history, region, entries, up_to))
        && ancestors.all(|parent| {
            let entries = history.region(&parent);
            entries.is_some_and(|entries| closes(entries) && has_no_hole(history, &parent, entries, u64::MAX))
        })
}

fn has_no_hole(history: &History, region: &EncodedRegionName, entries: &RegionHistory, up_to: u64) -> bool {
    opens_first(region, entries) && !has_hole_behind_first(history, region, entries, up_to)
}

/// Whether entries up to an id may be missing after the first one that is known.
pub(crate) fn has_hole_behind_first(
    history: &History,
    region: &EncodedRegionName,
    entries: &RegionHistory,
    up_to: u64,
) -> bool {
    let mut gaps = Vec::new();
    let named = named_entries(entries);
    Walk { history, region: *region, entries, named, covered: 0, since_ms: None, gaps: &mut gaps }.region();
    gaps.iter().any(|gap| {
        let hole = matches!(gap.class, GapClass::Ambiguous | GapClass::Missing);
        hole && gap.ids.first <= up_to && gap.cause != GapCause::BeforeFirstEntry
    })
}

/// Whether a file was made in the region itself; a new region may have links and References to others. A link into the
/// region itself is what `restore_snapshot` makes of a file that had been archived.
fn is_own_file(name: &str, region: &EncodedRegionName) -> bool {
    match StoreFileName::parse(name) {
        Ok(StoreFileName::HFile(_)) => true,
        Ok(StoreFileName::Link(link)) => link.region == *region,
        _ => false,
    }
}

/// What lies at one side of a gap.
#[derive(Default)]
struct Side {
    /// Indexes of the files that have the entry.
    files: Vec<usize>,
    opens: bool,
    /// Whether it opens without files of its own.
    opens_first: bool,
    closes: bool,
    /// The number of a marker that takes the id before it.
    number: Option<(u64, GapCause)>,
}

struct Walk<'a> {
    history: &'a History,
    region: EncodedRegionName,
    entries: &'a RegionHistory,
    named: BTreeSet<u64>,
    covered: u64,
    /// The time before which no edit above `covered` was written, ms.
    since_ms: Option<i64>,
    gaps: &'a mut Vec<Gap>,
}

impl Walk<'_> {
    fn region(&mut self) {
        let (mut last, mut before): (Option<u64>, Side) = (None, Side::default());
        let mut segments = self.entries.segments.iter().peekable();
        while let Some(segment) = segments.next() {
            let first = segment.run.first;
            if last.is_none_or(|last| first > last + 1) {
                let mut after = Side::default();
                self.add(&mut after, segment);
                let mut same = segments.clone();
                while let Some(next) = same.next_if(|next| next.run.first == first) {
                    self.add(&mut after, next);
                }
                self.gap(last, &before, first, &after);
            }
            match last {
                Some(end) if segment.run.last < end => {}
                Some(end) if segment.run.last == end => self.add(&mut before, segment),
                _ => {
                    before = Side::default();
                    self.add(&mut before, segment);
                    last = Some(segment.run.last);
                }
            }
        }
    }

    fn add(&self, side: &mut Side, segment: &Segment) {
        side.files.extend(self.entries.part(segment).map(|part| part.file));
        let Some(entry) = self.entries.marker(segment) else { return };
        let number = match &entry.marker {
            Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen => {
                side.opens = true;
                side.opens_first |= !store_files(event).any(|name| is_own_file(name, &self.region));
                event.log_sequence_number.map(|number| (number, GapCause::RegionOpen))
            }
            Marker::RegionEvent(_) => {
                side.closes = true;
                None
            }
            Marker::Flush(flush) if flush.action == FlushAction::StartFlush => {
                flush.flush_sequence_number.map(|number| (number, GapCause::StartFlush))
            }
            Marker::BulkLoad(load) => {
                u64::try_from(load.bulkload_seq_num).ok().map(|number| (number, GapCause::BulkLoad))
            }
            _ => None,
        };
        side.number = number.or(side.number);
    }

    /// The ids between `last` and `first`, but for those that the snapshot's files cover.
    fn gap(&mut self, last: Option<u64>, before: &Side, first: u64, after: &Side) {
        // A region that opens without a file of its own had nothing before: the earlier ids are those of the regions
        // that it came of, or of the table that it was cloned from.
        if last.is_none() && after.opens && after.opens_first {
            return;
        }
        let from = last.unwrap_or_default().max(self.covered).saturating_add(1);
        if from >= first {
            return;
        }
        let mut left = IdRun { first: from, last: first - 1 };
        if let Some((number, cause)) = after.number.filter(|(number, _)| *number == left.last) {
            self.push(IdRun { first: number, last: number }, GapClass::Explained, cause);
            left.last -= 1;
        }
        if !left.is_empty() {
            let (class, cause) = self.classify(left, last.is_some(), before, after);
            self.push(left, class, cause);
        }
    }

    fn push(&mut self, ids: IdRun, class: GapClass, cause: GapCause) {
        self.gaps.push(Gap { region: self.region, ids, class, cause });
    }

    fn classify(&self, ids: IdRun, has_before: bool, before: &Side, after: &Side) -> (GapClass, GapCause) {
        if self.named.range(ids.first..=ids.last).next().is_some() {
            return (GapClass::Missing, GapCause::FlushWithoutStart);
        }
        if !has_before {
            return match !after.opens && self.is_known_since_snapshot(after) {
                true => (GapClass::Unlogged, GapCause::SinceSnapshot),
                false => (GapClass::Ambiguous, GapCause::BeforeFirstEntry),
            };
        }
        if after.opens {
            return (GapClass::Missing, GapCause::OpenNumber);
        }
        if before.closes {
            return (GapClass::Missing, GapCause::CloseWithoutOpen);
        }
        let file = |index: &usize| self.history.files().get(*index);
        let shared = before.files.iter().filter(|index| after.files.contains(index));
        let mut wals = shared.filter_map(file).filter(|file| file.wal().is_some()).peekable();
        if wals.peek().is_some() {
            return match wals.any(|file| file.intact) {
                true => (GapClass::Unlogged, GapCause::WithinOneFile),
                false => (GapClass::Missing, GapCause::BytesSkipped),
            };
        }
        let broken = |end: FileEnd| matches!(end, FileEnd::Torn | FileEnd::Damaged);
        if before.files.iter().filter_map(file).any(|file| broken(file.end)) {
            return (GapClass::Missing, GapCause::BrokenFile);
        }
        let borders = &self.history.borders;
        let pairs =
            || before.files.iter().flat_map(|older| after.files.iter().map(move |newer| (*older, *newer)));
        if pairs().any(|(older, newer)| borders.adjoin(older, newer)) {
            return (GapClass::Unlogged, GapCause::AdjoiningFiles);
        }
        if pairs().any(|(older, newer)| self.is_one_group(older, newer))
            && self.is_known_since_snapshot(after)
        {
            return (GapClass::Unlogged, GapCause::SinceSnapshot);
        }
        if pairs().any(|(older, newer)| borders.gone_between(older, newer)) {
            return (GapClass::Missing, GapCause::NeighbourGone);
        }
        (GapClass::Ambiguous, GapCause::FileBorder)
    }

    fn is_one_group(&self, one: usize, other: usize) -> bool {
        let first = |file: usize| self.history.borders.first_of(file);
        first(one).is_some() && first(one) == first(other)
    }

    /// Whether a WAL that has the entry is one of a group of which all WALs since the snapshot are available.
    fn is_known_since_snapshot(&self, side: &Side) -> bool {
        let Some(since_ms) = self.since_ms else { return false };
        side.files.iter().any(|file| is_known_since(self.history, &self.region, *file, since_ms))
    }
}

/// Children open right after the largest of their parents' last ids: a larger number names entries that are missing.
fn tail_gap(
    history: &History,
    starts: &Starts,
    region: &EncodedRegionName,
    entries: &RegionHistory,
) -> Option<Gap> {
    let open = entries.openings().next().map(|(_, event)| event).filter(|_| starts.covered(region) == 0)?;
    let number = open.log_sequence_number?;
    let last = |parent: &EncodedRegionName| history.last_of(parent);
    let parent = history.lineages().parents(region).max_by_key(|parent| last(parent))?;
    let known = history.region(parent).is_some();
    // Nothing has to be known of parents that ended before the window.
    let covered = starts.regions().get(parent).map(|start| start.covered);
    if !known && covered.is_none() {
        return None;
    }
    let ids =
        IdRun { first: last(parent).max(covered.unwrap_or_default()) + 1, last: number.checked_sub(1)? };
    let class = if known { GapClass::Missing } else { GapClass::Ambiguous };
    (!ids.is_empty()).then_some(Gap { region: *parent, ids, class, cause: GapCause::ChildOpenNumber })
}
