//! What was in a snapshot's files when it was taken, beyond what the files say themselves: earlier markers show it.

use std::collections::BTreeSet;

use crate::lineage::store_files;
use crate::region::is_event;
use crate::store_list::{added_files, base_name, file_of};
use crate::{FileSequence, RegionStart, SnapshotRegion, StartFrom};
use crate::{MarkerEntry, RegionHistory};
use formats::wal::{EventType, Marker};

/// The files of a snapshot's region, and those that compactions have made them of.
pub(crate) fn made_of(files: &BTreeSet<String>, entries: Option<&RegionHistory>) -> BTreeSet<String> {
    let mut made_of: BTreeSet<String> = files.iter().flat_map(|name| [name.clone(), file_of(name)]).collect();
    for entry in entries.into_iter().flat_map(|entries| entries.markers().iter().rev()) {
        let Marker::Compaction(compaction) = &entry.marker else { continue };
        if compaction.compaction_output.iter().any(|file| made_of.contains(base_name(file))) {
            made_of.extend(compaction.compaction_input.iter().map(|file| base_name(file).to_owned()));
        }
    }
    made_of
}

/// Up to where those files reach for which no marker shows what made them.
pub(crate) fn unexplained(region: &SnapshotRegion, entries: Option<&RegionHistory>) -> u64 {
    let markers = entries.into_iter().flat_map(|entries| entries.markers());
    let made: BTreeSet<&str> =
        markers.flat_map(|entry| added_files(&entry.marker)).map(|file| base_name(file)).collect();
    let is_made = |name: &str| made.contains(name) || made.contains(file_of(name).as_str());
    let others = region.stores.values().flatten().filter(|file| !is_made(&file.name));
    let reach = others.map(|file| match file.sequence {
        FileSequence::UpTo(id) => id,
        FileSequence::Unknown => u64::MAX,
    });
    reach.max().unwrap_or_default()
}

/// All that a store had when its region opened was in the files that the opening lists: closing flushed it, recovered
/// edits were replayed. So nothing up to an opening before the snapshot is replayed, whether these files are still
/// there or the store has none. (After `restore_snapshot` what was written before has larger ids than the files reach;
/// a family that was dropped and added again opens empty.)
///
/// An opening is before the snapshot if the files reach beyond it, or if it was written before the snapshot was asked
/// for. Where the clocks leave that open, the snapshot must have all files that the opening lists: closing would have
/// flushed what was written in between to another file.
pub(crate) fn raise_to_opening(start: &mut RegionStart, entries: &RegionHistory, clock_ms: i64) {
    let names: BTreeSet<String> = start.files.iter().map(|name| base_name(name).to_owned()).collect();
    let mut last = 0;
    for (entry, event) in entries.openings() {
        let lead_ms = start.created_ms.map(|created| created.saturating_sub(entry.write_time));
        let before = entry.sequence <= start.held || lead_ms.is_some_and(|lead| lead > clock_ms);
        let perhaps = lead_ms.is_some_and(|lead| lead > 0);
        let still_there = || store_files(event).all(|file| names.contains(base_name(file)));
        if !(before || perhaps && still_there()) || event.stores.is_empty() {
            continue;
        }
        last = last.max(entry.sequence);
    }
    raise(start, last);
}

/// The regions of a disabled table were closed before its snapshot was asked for, and opened after it was taken. What a
/// region had then is in the files, or `restore_snapshot` had taken it away.
pub(crate) fn raise_to_closing(start: &mut RegionStart, entries: &RegionHistory, clock_ms: i64) {
    let Some(late_ms) = start.created_ms.map(|created| created.saturating_add(clock_ms)) else { return };
    let closed = entries.markers().iter().filter(|entry| is_event(&entry.marker, EventType::RegionClose));
    let before = closed.filter(|entry| entry.write_time <= late_ms && !is_opened_below(entries, entry));
    let before = before.map(|entry| entry.sequence);
    start.closed = before.max();
    raise(start, start.closed.unwrap_or_default());
}

/// Whether a region opened below a closing, later: `restore_snapshot` had made it anew, and the closing says nothing
/// about it.
fn is_opened_below(entries: &RegionHistory, closed: &MarkerEntry) -> bool {
    let is_below = |number: u64| number < closed.sequence;
    let mut later = entries.markers().iter().filter(|entry| entry.write_time > closed.write_time);
    later.any(|entry| entry.open_number().is_some_and(is_below))
}

/// Records that all a region had up to an id is in its files, or in none.
fn raise(start: &mut RegionStart, up_to: u64) {
    for store in start.stores.values_mut().filter(|store| store.after < up_to) {
        (store.after, store.from) = (up_to, StartFrom::Opening);
    }
    start.held = start.held.max(up_to);
    start.covered = start.covered.max(up_to);
}
