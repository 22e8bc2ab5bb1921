//! What the files alone prove: rules of what no HBase writes, so that no other history could have left these files.
//!
//! Worked out from the files, and not by `history`'s rules. A lost WAL that nothing points to is no proof: a history in
//! which its edits were never written, or were SKIP_WAL writes, would have left the same files.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::sim::{Cluster, Content, End, Entry, Vector};
use formats::wal::{EventType, FlushAction, Marker};

use crate::feed::Located;

/// Why the files cannot be what a cluster wrote, within a cut: for each region the ids above `covered` and up to
/// `last`.
pub fn proof(
    cluster: &Cluster,
    files: &[Located],
    covered: &BTreeMap<usize, u64>,
    last: &Vector,
    missing_bulk: &BTreeSet<String>,
) -> Option<&'static str> {
    if torn_before_another(files) {
        return Some("a WAL is torn and another follows it");
    }
    if files.iter().any(of_another_server) {
        return Some("a WAL has another server's regions");
    }
    let mut regions: BTreeMap<usize, Vec<&Entry>> = BTreeMap::new();
    for entry in files.iter().flat_map(|file| &file.entries) {
        if let Some(region) = entry.region {
            regions.entry(region).or_default().push(entry);
        }
    }
    regions.values_mut().for_each(|entries| entries.sort_by_key(|entry| entry.sequence));
    regions.iter().find_map(|(region, entries)| {
        let bounds =
            (covered.get(region).copied().unwrap_or_default(), last.get(region).copied().unwrap_or_default());
        let of = OfRegion { cluster, region: *region, entries, all: &regions, bounds };
        of.proof(missing_bulk)
    })
}

/// Its server died with it, so no other can follow.
fn torn_before_another(files: &[Located]) -> bool {
    let torn = files.iter().filter(|file| file.end == End::Torn).filter_map(|file| file.name.as_ref());
    let names = || files.iter().filter_map(|file| file.name.as_ref());
    torn.into_iter()
        .any(|torn| names().any(|name| name.group() == torn.group() && name.created_ms > torn.created_ms))
}

fn of_another_server(file: &Located) -> bool {
    let Some(name) = &file.name else { return false };
    file.entries.iter().any(|entry| match &entry.content {
        Content::Marker(marker, _) => match marker.as_ref() {
            Marker::RegionEvent(event) => event.server.as_ref() != Some(&name.server),
            _ => false,
        },
        _ => false,
    })
}

struct OfRegion<'a> {
    cluster: &'a Cluster,
    region: usize,
    entries: &'a [&'a Entry],
    all: &'a BTreeMap<usize, Vec<&'a Entry>>,
    bounds: (u64, u64),
}

impl OfRegion<'_> {
    fn within(&self, sequence: u64) -> bool {
        sequence > self.bounds.0 && sequence <= self.bounds.1
    }

    fn proof(&self, missing_bulk: &BTreeSet<String>) -> Option<&'static str> {
        for (at, entry) in self.entries.iter().enumerate() {
            if !self.within(entry.sequence) {
                continue;
            }
            let Content::Marker(marker, _) = &entry.content else { continue };
            match marker.as_ref() {
                Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen => {
                    let number = event.log_sequence_number.unwrap_or_default();
                    if !self.explains(at, number - 1) {
                        return Some("a region opened above an id that nothing has");
                    }
                    if self.unmarked_load(at) {
                        return Some("a region opened with a bulk-loaded file that no marker names");
                    }
                }
                Marker::RegionEvent(_) => {
                    let next = self.entries[at + 1..].iter().find(|next| next.sequence > entry.sequence);
                    if next.is_some_and(|next| self.within(next.sequence) && !opens(next)) {
                        return Some("a closed region continues without being opened");
                    }
                }
                Marker::Flush(flush) if flush.action == FlushAction::CommitFlush => {
                    let number = flush.flush_sequence_number.unwrap_or_default();
                    let start =
                        self.entries.iter().any(|entry| entry.sequence == number + 1 && starts_flush(entry));
                    if number + 1 > self.bounds.0 && !start {
                        return Some("a committed flush never began");
                    }
                }
                Marker::BulkLoad(load) => {
                    let mut files = load.stores.iter().flat_map(|store| &store.store_file);
                    let number = load.bulkload_seq_num as u64;
                    if number > self.bounds.0 && files.any(|file| missing_bulk.contains(file)) {
                        return Some("a bulk-loaded file is nowhere");
                    }
                }
                _ => {}
            }
        }
        self.conflict()
    }

    /// Whether something raised the number of an open to one above this: an edit that was recovered, a file, a close,
    /// an earlier open, a parent's close.
    fn explains(&self, at: usize, id: u64) -> bool {
        let parents = &self.cluster.regions[self.region].parents;
        let of_parents = parents.iter().flat_map(|parent| self.all.get(parent).into_iter().flatten());
        // Parents of which nothing is known had ended before the window.
        let unknown_parents =
            !parents.is_empty() && parents.iter().all(|parent| !self.all.contains_key(parent));
        // Whatever came before an open without a file of the region's own was not an edit: that would be in one.
        let is_own = |file: &String| !file.contains(['=', '.']);
        let starts_empty = at == 0 && !files_of(self.entries[at]).iter().any(is_own);
        let closes_at = |entry: &&&Entry| {
            entry.sequence == id
                && matches!(&entry.content, Content::Marker(marker, _) if matches!(marker.as_ref(), Marker::RegionEvent(_)))
        };
        id <= 1
            || id <= self.bounds.0
            || unknown_parents
            || starts_empty
            || of_parents.into_iter().any(|entry| closes_at(&entry))
            || self
                .entries
                .iter()
                .enumerate()
                .any(|(other, entry)| other != at && raises_to(entry) == Some(id))
    }

    /// A bulk-loaded file of the region that lies there and was not there at the open before.
    fn unmarked_load(&self, at: usize) -> bool {
        let before = self.entries[..at].iter().rfind(|entry| opens(entry) && self.within(entry.sequence));
        let told = |file: &String| {
            self.entries.iter().any(|entry| match &entry.content {
                Content::Marker(marker, _) => match marker.as_ref() {
                    Marker::BulkLoad(load) => load.stores.iter().any(|store| store.store_file.contains(file)),
                    _ => false,
                },
                _ => false,
            })
        };
        before.is_some_and(|before| {
            let old = files_of(before);
            let loaded = |file: &String| file.ends_with('_') && !file.contains('=') && !old.contains(file);
            files_of(self.entries[at]).iter().any(|file| loaded(file) && !told(file))
        })
    }

    fn conflict(&self) -> Option<&'static str> {
        let mut edits: BTreeMap<u64, (usize, i64)> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| self.within(entry.sequence)) {
            let Content::Edit(edit) = entry.content else { continue };
            let this = (edit, entry.write_time);
            if *edits.entry(entry.sequence).or_insert(this) != this {
                return Some("two files have different edits of one id");
            }
        }
        None
    }
}

fn raises_to(entry: &Entry) -> Option<u64> {
    let Content::Marker(marker, _) = &entry.content else { return Some(entry.sequence) };
    match marker.as_ref() {
        Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen => {
            event.log_sequence_number.map(|number| number - 1)
        }
        Marker::RegionEvent(_) => Some(entry.sequence),
        Marker::Flush(flush) => flush.flush_sequence_number,
        Marker::BulkLoad(load) => u64::try_from(load.bulkload_seq_num).ok(),
        _ => None,
    }
}

/// The files that a region opened with.
fn files_of(entry: &Entry) -> Vec<String> {
    let Content::Marker(marker, _) = &entry.content else { return Vec::new() };
    let Marker::RegionEvent(event) = marker.as_ref() else { return Vec::new() };
    event.stores.iter().flat_map(|store| store.store_file.clone()).collect()
}

fn opens(entry: &Entry) -> bool {
    matches!(&entry.content, Content::Marker(marker, _) if matches!(marker.as_ref(), Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen))
}

fn starts_flush(entry: &Entry) -> bool {
    matches!(&entry.content, Content::Marker(marker, _) if matches!(marker.as_ref(), Marker::Flush(flush) if flush.action == FlushAction::StartFlush))
}
