//! What a wrong cut differs in, and what its regions went through: for whoever runs one seed alone.

use std::collections::BTreeSet;

use fixtures::sim::{Content, FileOf, Ideal, StoredCell};
use formats::wal::Marker;

use crate::feed::Located;
use crate::real::Question;

/// Prints the cells that are too many or missing, and the markers of their regions in the order in which they were written.
pub fn difference(
    question: &Question<'_>,
    ours: &BTreeSet<StoredCell>,
    truth: &BTreeSet<StoredCell>,
    ideal: &Ideal,
) {
    let Question { cluster, snapshot, until, .. } = *question;
    let removed = cluster.removed_within(snapshot, ideal).map(|removal| (removal.kind, removal.at));
    eprintln!(
        "{until:?} on {} ({:?}), asked at {}, complete at {}; removed since: {removed:?}",
        snapshot.name, snapshot.kind, snapshot.asked, snapshot.at
    );
    let surplus = ours.difference(truth).map(|cell| ("surplus", cell));
    let mut regions = BTreeSet::new();
    for (what, cell) in surplus.chain(truth.difference(ours).map(|cell| ("missing", cell))) {
        let edit = &cluster.edits[cell.edit];
        let name = &cluster.regions[edit.region].name;
        let row = String::from_utf8_lossy(&cell.cell.row);
        if regions.insert(edit.region) || regions.len() < 3 {
            eprintln!(
                "  {what} {row} {} of {name}: {:?} {} ({}), at {}",
                cell.cell.family, edit.durability, edit.sequence, cell.sequence, edit.at
            );
        }
    }
    regions.into_iter().for_each(|region| life(question, region));
}

/// Prints why a cut is refused or not proved, and what the regions that are named went through.
pub fn told(question: &Question<'_>, why: &str) {
    let Question { cluster, snapshot, until, .. } = *question;
    let shown = |region: &fixtures::sim::Region| format!("{:?}", region.name);
    let named: Vec<usize> =
        (0..cluster.regions.len()).filter(|region| why.contains(&shown(&cluster.regions[*region]))).collect();
    let why = named.iter().fold(why.to_owned(), |why, region| {
        why.replace(&shown(&cluster.regions[*region]), &format!("region {region}"))
    });
    eprintln!(
        "{until:?} on {} ({:?}), asked at {}, complete at {}: {why}",
        snapshot.name, snapshot.kind, snapshot.asked, snapshot.at
    );
    named.into_iter().for_each(|region| life(question, region));
}

/// Prints what regions went through.
pub fn regions(question: &Question<'_>, regions: impl Iterator<Item = usize>) {
    regions.for_each(|region| life(question, region));
}

/// Prints which files are gone, or shorter.
pub fn lost(loss: impl std::fmt::Debug, files: &[Located], left: &[Located]) {
    for file in files {
        let still = left.iter().find(|left| left.path == file.path);
        let entries = still.map_or(0, |left| left.entries.len());
        if entries < file.entries.len() || still.is_none() {
            eprintln!("LOSS {loss:?}: of {} {entries} of {} entries are left", file.path, file.entries.len());
        }
    }
}

/// Prints the markers of a region.
fn life(question: &Question<'_>, region: usize) {
    let Question { cluster, reading, snapshot, .. } = *question;
    let stores = snapshot.regions.get(&region).into_iter().flatten();
    let listed = stores.map(|(family, files)| {
        let files: Vec<&String> = files.iter().map(|file| &file.name).collect();
        format!("{family} {}", names(&files))
    });
    let of = &cluster.regions[region];
    eprintln!("{} (region {region}): {:?}, of {:?}, became {:?}", of.name, of.state, of.parents, of.children);
    eprintln!("  in the snapshot: {}", listed.collect::<Vec<_>>().join(", "));
    let mut entries = Vec::new();
    let read: BTreeSet<FileOf> = reading.files.iter().map(|file| file.of).collect();
    for (index, wal) in cluster.wals.iter().enumerate() {
        for entry in wal.entries.iter().filter(|entry| entry.region == Some(region)) {
            entries.push((entry.at, entry.sequence, index, wal.server, entry));
        }
    }
    entries.sort_by_key(|(at, sequence, ..)| (*at, *sequence));
    for (at, sequence, index, server, entry) in entries {
        let there = if read.contains(&FileOf::Wal(index)) { "" } else { " (gone)" };
        let what = match &entry.content {
            Content::Marker(marker, _) => shown(marker),
            _ => continue,
        };
        eprintln!("  {at} {sequence:4} WAL {index} of server {server}{there}: {what}");
    }
    for removal in cluster.removals.iter().filter(|removal| removal.table == of.table) {
        eprintln!("  removed at {}: {:?}", removal.at, removal.kind);
    }
}

fn shown(marker: &Marker) -> String {
    let stores = |stores: &[formats::wal::StoreDescriptor]| {
        let store = |store: &formats::wal::StoreDescriptor| {
            let files: Vec<&String> = store.store_file.iter().collect();
            format!("{} {}", String::from_utf8_lossy(&store.family_name), names(&files))
        };
        stores.iter().map(store).collect::<Vec<_>>().join(", ")
    };
    match marker {
        Marker::RegionEvent(event) => {
            format!("{:?} {:?} {}", event.event_type, event.log_sequence_number, stores(&event.stores))
        }
        Marker::Flush(flush) => {
            format!("{:?} {:?} {}", flush.action, flush.flush_sequence_number, stores(&flush.store_flushes))
        }
        Marker::BulkLoad(load) => format!("BULK_LOAD {} {}", load.bulkload_seq_num, stores(&load.stores)),
        Marker::Compaction(compaction) => {
            let all = |files: &[String]| names(&files.iter().collect::<Vec<_>>());
            format!(
                "COMPACTION {} -> {}",
                all(&compaction.compaction_input),
                all(&compaction.compaction_output)
            )
        }
        other => format!("{other:?}"),
    }
}

/// Names of files without the digits that are mere chance.
fn names(files: &[&String]) -> String {
    let short = |name: &&String| match name.split_once("00000000000") {
        Some((_, rest)) if name.len() <= 45 => rest.to_owned(),
        _ => name.split_once("00000000000").map_or((*name).clone(), |(link, rest)| {
            let end = rest.get(..rest.len().min(12)).unwrap_or_default();
            if link.contains('=') { format!("link-{end}") } else { format!("{end}~") }
        }),
    };
    let mut shown: Vec<String> = files.iter().map(short).collect();
    if shown.len() > 9 {
        let more = shown.len() - 4;
        shown.drain(2..2 + more);
        shown.insert(2, format!("... {more} more"));
    }
    format!("[{}]", shown.join(" "))
}
