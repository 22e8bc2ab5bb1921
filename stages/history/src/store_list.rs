//! Compares the store lists of REGION_OPENs with what is known: a restore or a truncate inside the window shows there.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::{EventType, FlushAction, Marker, RegionEventDescriptor};
use names::{EncodedRegionName, StoreFileName, TableName};

use crate::lineage::store_files;
use crate::replaced::{returned, vanished};
use crate::{History, MarkerEntry, RegionHistory, RegionStart, Starts};

/// What an opened region's files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreListBreakKind {
    /// Files are back that had been compacted away, or links into the region itself have appeared, or known files
    /// are gone and no compaction has taken them: `restore_snapshot`.
    Restored {
        /// Files that came back, or came as links.
        returned: Vec<String>,
        /// Files that are gone.
        vanished: Vec<String>,
    },
    /// Files that no flush, bulk load, compaction or replay of recovered edits has made, where known.
    Foreign {
        /// The files.
        files: Vec<String>,
    },
    /// A region opened without a family that it had: the family was dropped, and what it held is gone, whether one of that
    /// name was added again or not.
    FamilyDropped {
        /// The family.
        family: String,
    },
    /// A region that came of no other, younger than the table: `truncate`, or the table was dropped and made anew;
    /// or a split or merge that neither hbase:meta's WALs nor a Reference shows.
    Recreated,
    /// A region that the snapshot does not have, and that came of none of its regions, opened after it: `restore_snapshot` of a
    /// snapshot from before has brought it back.
    Returned,
    /// A region that was there before the snapshot, which has neither it nor any that came of it: `truncate` or
    /// `restore_snapshot` took it away.
    Vanished,
    /// A region that had been split or merged was opened again after its child: `restore_snapshot` of a snapshot from
    /// before.
    ReopenedAfterChild {
        /// The child.
        child: EncodedRegionName,
    },
    /// A region opened below edits that it had written before: `restore_snapshot` made it anew, and ids are given twice.
    OpenedBelow {
        /// The last id of these edits.
        edits: u64,
    },
    /// A region had opened before the state in which the snapshot shows its parent: the parent was restored in
    /// between, and the region's entries are no part of what followed.
    OlderThanParent {
        /// The parent.
        parent: EncodedRegionName,
    },
}

impl StoreListBreakKind {
    /// Whether the region no longer holds its earlier entries.
    #[must_use]
    pub fn replaces(&self) -> bool {
        !matches!(self, Self::Foreign { .. })
    }
}

/// A REGION_OPEN that does not fit what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreListBreak {
    /// The region.
    pub region: EncodedRegionName,
    /// The sequence id of the REGION_OPEN's entry.
    pub sequence: u64,
    /// When it was written, ms by the server's clock.
    pub written_ms: i64,
    /// What it shows.
    pub kind: StoreListBreakKind,
    /// Whether it is known to be older than the snapshot.
    pub(crate) is_over: bool,
}

impl StoreListBreak {
    /// What a marker of a region shows.
    pub(crate) fn shown_by(
        region: &EncodedRegionName,
        entry: &MarkerEntry,
        kind: StoreListBreakKind,
    ) -> Self {
        let (sequence, written_ms) = (entry.sequence, entry.write_time);
        Self { region: *region, sequence, written_ms, kind, is_over: false }
    }
}

/// Every REGION_OPEN that does not fit what is known.
#[must_use]
pub fn store_list_breaks(history: &History, starts: &Starts) -> Vec<StoreListBreak> {
    let mut breaks = Vec::new();
    for (region, entries) in history.regions() {
        let start = starts.regions().get(region);
        breaks.extend(walk(history, region, entries, start));
        breaks.extend(against_parents(history, starts, region, entries));
    }
    breaks.extend(recreated(history, starts));
    breaks.extend(returned(history, starts));
    breaks.extend(vanished(history, starts));
    breaks
}

/// What is known of a region's files while its markers are read.
#[derive(Default)]
struct Known {
    files: Option<BTreeSet<String>>,
    /// Files that were compacted away.
    gone: BTreeSet<String>,
    /// Whether the last event was a REGION_CLOSE: then no replay of recovered edits has made a file.
    closed: bool,
    families: Option<BTreeSet<Vec<u8>>>,
}

fn walk(
    history: &History,
    region: &EncodedRegionName,
    entries: &RegionHistory,
    start: Option<&RegionStart>,
) -> Vec<StoreListBreak> {
    let mut known = Known::default();
    let mut breaks = Vec::new();
    let markers = by_life(history, entries);
    let taken = start.map(|start| snapshot_position(&markers, start, history.tolerances.clock_ms));
    for (index, entry) in markers.iter().enumerate() {
        if let Some(start) = start.filter(|_| taken == Some(index)) {
            breaks.extend(while_closed(region, &known, start));
            known.files = Some(start.files.clone());
            known.families = Some(start.stores.keys().map(|family| family.as_bytes().to_vec()).collect());
        }
        match &entry.marker {
            Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen => {
                let listed: BTreeSet<String> = store_files(event).cloned().collect();
                let dropped = known.dropped_family(event);
                let kind = known.open(region, listed);
                let is_over = taken.is_some_and(|taken| index < taken);
                let found = dropped.or(kind).map(|kind| StoreListBreak::shown_by(region, entry, kind));
                breaks.extend(found.map(|found| StoreListBreak { is_over, ..found }));
            }
            Marker::RegionEvent(_) => known.closed = true,
            Marker::Compaction(compaction) => {
                known.remove(&compaction.compaction_input);
                known.add(&compaction.compaction_output);
            }
            marker => known.add(added_files(marker)),
        }
    }
    if let Some(start) = start.filter(|_| taken == Some(markers.len())) {
        breaks.extend(while_closed(region, &known, start));
    }
    breaks
}

/// The snapshot of a disabled table has other files of a region than the region had when it was closed.
fn while_closed(region: &EncodedRegionName, known: &Known, start: &RegionStart) -> Option<StoreListBreak> {
    let closed = start.closed.filter(|closed| start.held == *closed)?;
    let (before, created_ms) = (known.files.as_ref()?, start.created_ms?);
    let held = |names: &BTreeSet<String>| names.iter().map(|name| file_of(name)).collect::<BTreeSet<_>>();
    let (now, before) = (held(&start.files), held(before));
    let returned: Vec<String> = now.difference(&before).cloned().collect();
    let vanished: Vec<String> = before.difference(&now).cloned().collect();
    let kind = StoreListBreakKind::Restored { returned: returned.clone(), vanished: vanished.clone() };
    let is_other = !returned.is_empty() || !vanished.is_empty();
    let sequence = closed.saturating_add(1);
    is_other.then_some(StoreListBreak {
        region: *region,
        sequence,
        written_ms: created_ms,
        kind,
        is_over: true,
    })
}

/// The markers in the order in which they were written. After a crash a region opens below the ids of its last markers,
/// or with the same as the last time: those lie in WALs of another server, after an older REGION_OPEN.
fn by_life<'a>(history: &History, entries: &'a RegionHistory) -> Vec<&'a MarkerEntry> {
    let (mut opened, mut raised) = (BTreeMap::new(), BTreeSet::new());
    let mut markers = Vec::with_capacity(entries.markers().len());
    for segment in &entries.segments {
        let (Some(entry), Some(part)) = (entries.marker(segment), entries.part(segment)) else { continue };
        let server = history.files().get(part.file).and_then(|file| file.server());
        if matches!(&entry.marker, Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen) {
            opened.insert(server, (entry.sequence, entry.write_time));
        }
        let (open, time) = opened.get(&server).copied().unwrap_or((entry.sequence, entry.write_time));
        // After these the region opens with a larger number.
        let raises = match &entry.marker {
            Marker::RegionEvent(event) => event.event_type == EventType::RegionClose,
            marker => !matches!(marker, Marker::Compaction(_)) && added_files(marker).next().is_some(),
        };
        if raises {
            raised.insert((open, server));
        }
        markers.push((open, time, server, entry));
    }
    markers.sort_by_key(|(open, time, server, entry)| {
        let alive = server.is_some_and(|server| !history.dead_servers.contains(server));
        (*open, raised.contains(&(*open, *server)), alive, *time, *server, entry.sequence)
    });
    markers.into_iter().map(|(.., entry)| entry).collect()
}

/// Files that a flush, a bulk load or a compaction has put into a region.
pub(crate) fn added_files(marker: &Marker) -> Box<dyn Iterator<Item = &String> + '_> {
    match marker {
        Marker::Flush(flush) if flush.action == FlushAction::CommitFlush => {
            Box::new(flush.store_flushes.iter().flat_map(|store| &store.store_file))
        }
        Marker::BulkLoad(load) => Box::new(load.stores.iter().flat_map(|store| &store.store_file)),
        Marker::Compaction(compaction) => Box::new(compaction.compaction_output.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

/// The first marker that is later than a snapshot, as an index: markers up to the number that its files reach are not,
/// nor is any marker before one that has put a file into the region which the snapshot lists. (A region may have been
/// opened and compacted after its last flush. But `restore_snapshot` puts its files back, too, when all of them were there.)
fn snapshot_position(markers: &[&MarkerEntry], start: &RegionStart, clock_ms: i64) -> usize {
    let late_ms = start.taken_ms.map_or(i64::MAX, |taken| taken.saturating_add(clock_ms));
    let held = markers.iter().rposition(|entry| entry.sequence <= start.held);
    let mut position = held.map_or(0, |last| last + 1);
    let mut known: Option<BTreeSet<&str>> = None;
    for (index, entry) in markers.iter().enumerate() {
        let made = match &entry.marker {
            // The replay of recovered edits leaves no marker.
            Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen => {
                let listed: BTreeSet<&str> = store_files(event).map(String::as_str).collect();
                let before = known.replace(listed.clone()).unwrap_or_else(|| listed.clone());
                listed.difference(&before).any(|file| start.files.contains(*file))
            }
            marker => {
                let added: Vec<&str> = added_files(marker).map(|file| base_name(file)).collect();
                known.iter_mut().for_each(|known| known.extend(&added));
                added.iter().any(|file| start.files.contains(*file))
            }
        };
        if made && entry.write_time <= late_ms {
            position = position.max(index + 1);
        }
    }
    position
}

impl Known {
    fn add<'a>(&mut self, files: impl IntoIterator<Item = &'a String>) {
        if let Some(known) = &mut self.files {
            known.extend(files.into_iter().map(|file| base_name(file).to_owned()));
        }
    }

    fn remove(&mut self, files: &[String]) {
        for file in files {
            let file = base_name(file);
            if let Some(known) = &mut self.files {
                known.remove(file);
            }
            self.gone.insert(file.to_owned());
        }
    }

    /// A family that the region had and opens without; every store is listed, also one without files.
    fn dropped_family(&mut self, event: &RegionEventDescriptor) -> Option<StoreListBreakKind> {
        let listed: BTreeSet<Vec<u8>> = event.stores.iter().map(|store| store.family_name.clone()).collect();
        if listed.is_empty() {
            return None;
        }
        let before = self.families.replace(listed.clone())?;
        let dropped = before.difference(&listed).next()?;
        Some(StoreListBreakKind::FamilyDropped { family: String::from_utf8_lossy(dropped).into_owned() })
    }

    fn open(&mut self, region: &EncodedRegionName, listed: BTreeSet<String>) -> Option<StoreListBreakKind> {
        let was_closed = std::mem::replace(&mut self.closed, false);
        let into_itself = |name: &String| matches!(StoreFileName::parse(name), Ok(StoreFileName::Link(link)) if link.region == *region);
        let known = self.files.replace(listed.clone())?;
        let fresh: Vec<String> = listed.difference(&known).cloned().collect();
        let vanished: Vec<String> = known.difference(&listed).cloned().collect();
        let returned: Vec<String> =
            fresh.iter().filter(|name| self.gone.contains(*name) || into_itself(name)).cloned().collect();
        // A server that died between the end of a compaction and its marker leaves one list in place of the other.
        let died_compacting = !was_closed && returned.is_empty() && !fresh.is_empty();
        if !vanished.is_empty() && died_compacting {
            return Some(StoreListBreakKind::Foreign { files: fresh });
        }
        if !returned.is_empty() || !vanished.is_empty() {
            return Some(StoreListBreakKind::Restored { returned, vanished });
        }
        // After a crash new files are those of recovered edits. A bulk load has a marker, whatever happened.
        let fresh: Vec<String> =
            fresh.into_iter().filter(|name| was_closed || is_bulk_loaded(name)).collect();
        (!fresh.is_empty()).then_some(StoreListBreakKind::Foreign { files: fresh })
    }
}

fn is_bulk_loaded(name: &str) -> bool {
    matches!(StoreFileName::parse(name), Ok(StoreFileName::HFile(file)) if file.bulk_sequence_id().is_some())
}

/// The name of the file that holds the cells, through a link or a Reference; a name that is not HBase's stays as it is.
pub(crate) fn file_of(name: &str) -> String {
    StoreFileName::parse(name).map_or_else(|_| name.to_owned(), |name| name.file().to_string())
}

/// Markers may name a file with its directories.
pub(crate) fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// A child opens with a number above all of its parents' ids; so a parent that opens with such a number did so after
/// it, and a child that opened below what a snapshot holds of its parent is older than that.
fn against_parents(
    history: &History,
    starts: &Starts,
    child: &EncodedRegionName,
    entries: &RegionHistory,
) -> Vec<StoreListBreak> {
    let Some((opened, number)) = open_numbers(entries).next() else { return Vec::new() };
    let mut breaks = Vec::new();
    for parent in history.lineages().parents(child) {
        let mut opens = history.region(parent).into_iter().flat_map(open_numbers);
        let is_over = starts.ended().contains(child);
        // A snapshot that shows the parent came after the child: so did the restore.
        let is_shown = is_over && starts.regions().contains_key(parent);
        if let Some((again, _)) = opens.find(|(_, of_parent)| *of_parent >= number && !is_shown) {
            let kind = StoreListBreakKind::ReopenedAfterChild { child: *child };
            breaks.push(StoreListBreak::shown_by(parent, again, kind));
        }
        if !is_over && starts.regions().get(parent).is_some_and(|start| number <= start.held) {
            let kind = StoreListBreakKind::OlderThanParent { parent: *parent };
            breaks.push(StoreListBreak::shown_by(child, opened, kind));
        }
    }
    breaks
}

/// Every REGION_OPEN, and the number inside.
fn open_numbers(entries: &RegionHistory) -> impl Iterator<Item = (&MarkerEntry, u64)> {
    entries.markers().iter().filter_map(|entry| Some((entry, entry.open_number()?)))
}

/// Regions without parents that are younger than the snapshot's oldest region of their table (without a snapshot, than
/// the oldest known one): HBase gives all regions that are made at once one id, the time.
fn recreated(history: &History, starts: &Starts) -> Vec<StoreListBreak> {
    let mut roots: BTreeMap<&TableName, Vec<(u64, EncodedRegionName, &MarkerEntry)>> = BTreeMap::new();
    for (region, entries) in history.regions() {
        let is_root = history.lineages().parents(region).next().is_none();
        let opened = entries.markers().iter().find_map(|entry| match &entry.marker {
            Marker::RegionEvent(event) => Some((region_id(event.region_name.as_deref()?)?, entry)),
            _ => None,
        });
        if let (true, Some((id, entry))) = (is_root, opened) {
            roots.entry(entries.table()).or_default().push((id, *region, entry));
        }
    }
    let known = |region: &EncodedRegionName| starts.regions().contains_key(region);
    let mut breaks = Vec::new();
    for (table, regions) in roots {
        let first = || regions.iter().map(|(id, ..)| *id).min().unwrap_or_default();
        let oldest = starts.table(table).map_or_else(first, |table| table.oldest);
        let younger = regions.iter().filter(|(id, region, _)| *id > oldest && !known(region));
        breaks.extend(younger.map(|(_, region, entry)| {
            StoreListBreak::shown_by(region, entry, StoreListBreakKind::Recreated)
        }));
    }
    breaks
}

/// The id in a region's full name: `<table>,<start key>,<id>.<encoded>.`, after its last comma.
fn region_id(name: &[u8]) -> Option<u64> {
    let after = name.rsplit(|byte| *byte == b',').next()?;
    let digits = after.split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
