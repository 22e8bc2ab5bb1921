//! Completeness: whether everything that was written is here.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::Marker;
use names::{EncodedRegionName, FamilyName, ServerName};

use crate::knowledge::unknown;
use crate::replay::bulk_files;
use crate::{
    Asked, BulkLoadedFile, Clocks, Cut, Descent, FileEnd, Gap, GapClass, History, IdRun, Starts,
    StoreListBreak, gaps, store_list_breaks,
};

/// Something that proves, or may mean, that entries are missing or cannot be used; gaps are separate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A WAL ends in the middle of an entry, and its group continues.
    TornBeforeSuccessor {
        /// The file's path.
        path: String,
    },
    /// A WAL of a live server has no trailer, and its group continues: it was read while it was still being written.
    UnsealedBeforeSuccessor {
        /// The file's path.
        path: String,
    },
    /// A file cannot be read to its end, or bytes of it were skipped.
    DamagedFile {
        /// The file's path.
        path: String,
    },
    /// A WAL names a region that another server had open: it lies under another WAL's name.
    ForeignServer {
        /// The file's path.
        path: String,
        /// The server that wrote it.
        server: ServerName,
    },
    /// A bulk-loaded file that a marker names cannot be found.
    MissingBulkFile {
        /// The region.
        region: EncodedRegionName,
        /// The sequence id of the marker.
        sequence: u64,
        /// The file, as the marker names it.
        file: String,
    },
    /// A sibling of this region has opened, and nothing is known of this region.
    UnseenChild {
        /// The region.
        region: EncodedRegionName,
        /// The region that it came of.
        parent: EncodedRegionName,
    },
    /// A region's files are not what its WALs say.
    StoreList(StoreListBreak),
    /// Two files have an entry of one id with different write times: it cannot be the same entry.
    Conflict {
        /// The region.
        region: EncodedRegionName,
        /// The id.
        sequence: u64,
        /// The two files' paths.
        paths: [String; 2],
    },
    /// WALs that this server wrote after the snapshot are not available, and the region may have been open
    /// there.
    UnknownSpan {
        /// A region of the snapshot of which nothing else is known.
        region: EncodedRegionName,
        /// The server.
        server: ServerName,
        /// The time from which they are not available, ms; `None`: the server's start.
        from_ms: Option<i64>,
        /// The oldest of its available WALs was opened then, ms.
        to_ms: i64,
    },
    /// A region was on a server that has no available WAL.
    UnknownServer {
        /// The region.
        region: EncodedRegionName,
        /// The server.
        server: ServerName,
    },
    /// hbase:meta says that a region was opened, but its REGION_OPEN is in no available WAL.
    UnseenOpening {
        /// The region.
        region: EncodedRegionName,
        /// The server that opened it.
        server: ServerName,
        /// The number with which it opened.
        number: Option<u64>,
    },
    /// A region was closed, its server died, or nothing is known of it at all; and where it went is not known, because
    /// hbase:meta's WALs are not available for that time.
    Nowhere {
        /// The region.
        region: EncodedRegionName,
        /// The time from which that is so, ms.
        since_ms: Option<i64>,
    },
    /// A WAL was closed before the next available one was opened: one between them is gone, and the region may have
    /// entries in it.
    NeighbourGone {
        /// The older one's path.
        path: String,
        /// When it was closed, ms.
        closed_ms: i64,
        /// The newer one's path.
        next: String,
    },
    /// The newest available WAL of a living server is closed: the one that its roll opened is gone.
    NewestGone {
        /// The WAL's path.
        path: String,
    },
    /// The newest WAL of a living server ends in the middle of an entry, and does not grow.
    TornTail {
        /// The WAL's path.
        path: String,
    },
    /// The snapshot's files of a region reach beyond its last known entry, and no WAL has the flush or the bulk load
    /// that made them, though none is missing: the last one is cut off.
    CutShort {
        /// The region.
        region: EncodedRegionName,
        /// The newest WAL of the group that it was written to.
        path: String,
        /// The last id that is known.
        known: u64,
        /// Up to where the files reach.
        reach: u64,
    },
    /// A region was split or merged, so it had been closed; but its REGION_CLOSE is not its last known entry.
    ParentUnfinished {
        /// The region.
        region: EncodedRegionName,
        /// A region that came of it.
        child: EncodedRegionName,
    },
    /// Files of a store do not say up to which sequence id they reach, and nothing else does.
    UnknownStart {
        /// The region.
        region: EncodedRegionName,
        /// The family.
        family: FamilyName,
        /// How many files.
        files: usize,
    },
    /// Parents and children go in a circle.
    Contradiction {
        /// The region that is said to be the parent.
        parent: EncodedRegionName,
        /// The region that is said to have come of it.
        child: EncodedRegionName,
    },
}

/// How many ids, and in how many gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GapCount {
    /// Gaps.
    pub gaps: u64,
    /// Ids in them.
    pub ids: u64,
}

/// What is known about missing entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completeness {
    /// All gaps.
    pub gaps: Vec<Gap>,
    /// What else was found.
    pub findings: Vec<Finding>,
}

impl Completeness {
    /// Gaps of a class.
    #[must_use]
    pub fn count(&self, class: GapClass) -> GapCount {
        let of_class = self.gaps.iter().filter(|gap| gap.class == class);
        of_class.fold(GapCount::default(), |count, gap| GapCount {
            gaps: count.gaps + 1,
            ids: count.ids.saturating_add(gap.ids.len()),
        })
    }

    /// Whether nothing is missing, and nothing ambiguous.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        let bad = |gap: &Gap| matches!(gap.class, GapClass::Ambiguous | GapClass::Missing);
        self.findings.is_empty() && !self.gaps.iter().any(bad)
    }
}

/// Everything that is known about missing entries above the starts; with a cut, only what concerns it (for the
/// snapshot's files alone, nothing).
#[must_use]
pub fn completeness(history: &History, starts: &Starts, cut: Option<&Cut>, clocks: &Clocks) -> Completeness {
    if cut.is_some_and(|cut| cut.asked == Asked::Snapshot) {
        return Completeness::default();
    }
    let mut gaps = gaps(history, starts, clocks);
    if let Some(cut) = cut {
        gaps.retain_mut(|gap| {
            gap.ids.last = gap.ids.last.min(reach(history, starts, gap, cut));
            !gap.ids.is_empty()
        });
    }
    let mut findings = broken_files(history);
    findings.extend(foreign_servers(history));
    match cut {
        Some(cut) => findings.extend(missing_bulk_files(history, starts, cut)),
        None => findings.extend(all_missing_bulk_files(history, starts)),
    }
    findings.extend(unseen_children(history, starts, cut));
    findings.extend(unknown(history, starts, cut, clocks));
    findings.extend(unknown_starts(starts));
    let breaks = store_list_breaks(history, starts).into_iter();
    findings.extend(
        breaks
            .filter(|found| found.matters_above(history, starts))
            .filter(|found| cut.is_none_or(|cut| found.is_inside(history, cut)))
            .map(Finding::StoreList),
    );
    findings.extend(conflicts(history));
    let contradictions = history.lineages().contradictions().iter();
    findings.extend(
        contradictions.map(|(parent, child)| Finding::Contradiction { parent: *parent, child: *child }),
    );
    Completeness { gaps, findings }
}

/// The id up to which a gap matters to a cut. What lies between the last entry that is in and the first that is out may
/// belong to a cut by time or marker, but not to one by ids.
fn reach(history: &History, starts: &Starts, gap: &Gap, cut: &Cut) -> u64 {
    let last = cut.last(&gap.region);
    let by_content = matches!(cut.asked, Asked::Time(_) | Asked::Marker(_));
    // Nothing of a region that began with the end of others is in before these are whole.
    let has_begun = || {
        let mut parents = history.lineages().parents(&gap.region).peekable();
        let may_begin = |parent| cut.last(parent) >= history.end_before(parent, &gap.region);
        last > 0
            || starts.regions().contains_key(&gap.region)
            || parents.peek().is_some() && parents.all(may_begin)
    };
    let entries = history.region(&gap.region);
    let next = || entries.and_then(|entries| entries.first_above(last)).unwrap_or_default();
    let behind = if by_content && has_begun() { next().saturating_sub(1) } else { 0 };
    last.max(behind).max(tail_reach(history, gap, cut))
}

/// A parent's missing tail is in the cut when something of a child is. It may belong to a cut by time or marker when
/// all that is known of the parent is in.
fn tail_reach(history: &History, gap: &Gap, cut: &Cut) -> u64 {
    let child_is_in = || history.lineages().children(&gap.region).any(|child| cut.last(child) > 0);
    let may_belong = || {
        let by_content = matches!(cut.asked, Asked::Time(_) | Asked::Marker(_));
        by_content && history.region(&gap.region).is_some() && cut.is_whole(&gap.region, history)
    };
    let is_tail = gap.ids.first > history.last_of(&gap.region);
    if is_tail && (child_is_in() || may_belong()) { gap.ids.last } else { 0 }
}

fn unknown_starts(starts: &Starts) -> impl Iterator<Item = Finding> {
    starts.regions().iter().flat_map(|(region, start)| {
        start.unknown().map(|(family, store)| Finding::UnknownStart {
            region: *region,
            family: family.clone(),
            files: store.unknown_files,
        })
    })
}

fn broken_files(history: &History) -> Vec<Finding> {
    let newest: BTreeSet<usize> =
        history.groups().values().filter_map(|files| files.last().copied()).collect();
    let mut found = Vec::new();
    for (index, file) in history.files().iter().enumerate() {
        let path = file.path.clone();
        match file.end {
            FileEnd::Damaged => found.push(Finding::DamagedFile { path }),
            _ if !file.intact => found.push(Finding::DamagedFile { path }),
            // Recovered edits are written whole, and then get their name.
            FileEnd::Torn if file.wal().is_none() => found.push(Finding::DamagedFile { path }),
            _ if newest.contains(&index) => {}
            FileEnd::Unclosed
                if file.server().is_some_and(|server| !history.dead_servers.contains(server)) =>
            {
                found.push(Finding::UnsealedBeforeSuccessor { path });
            }
            FileEnd::Torn => found.push(Finding::TornBeforeSuccessor { path }),
            _ => {}
        }
    }
    found
}

/// Markers name their server as the WAL's name does.
fn foreign_servers(history: &History) -> Vec<Finding> {
    let mut found = BTreeMap::new();
    for entries in history.regions().values() {
        for segment in &entries.segments {
            let Some(Marker::RegionEvent(event)) = entries.marker(segment).map(|entry| &entry.marker) else {
                continue;
            };
            let file = entries.part(segment).and_then(|part| history.files().get(part.file));
            let (Some(file), Some(server)) = (file, &event.server) else { continue };
            if file.server().is_some_and(|wrote| wrote != server) {
                found.entry(file.path.clone()).or_insert_with(|| server.clone());
            }
        }
    }
    found.into_iter().map(|(path, server)| Finding::ForeignServer { path, server }).collect()
}

/// Bulk-loaded files that are to be put on top of the snapshots and cannot be found.
fn missing_bulk_files(history: &History, starts: &Starts, cut: &Cut) -> Vec<Finding> {
    let wanted = bulk_files(history, starts, cut).into_iter();
    let missing =
        wanted.filter(|(region, file)| history.missing_bulk_files.contains(&(*region, file.file.clone())));
    missing
        .map(|(region, BulkLoadedFile { sequence, file, .. })| Finding::MissingBulkFile {
            region,
            sequence,
            file,
        })
        .collect()
}

fn all_missing_bulk_files(history: &History, starts: &Starts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (region, entries) in history.regions() {
        for entry in entries.markers().iter().filter(|entry| entry.sequence > starts.covered(region)) {
            let Marker::BulkLoad(load) = &entry.marker else { continue };
            let files = load.stores.iter().flat_map(|store| &store.store_file);
            let missing =
                files.filter(|file| history.missing_bulk_files.contains(&(*region, (*file).clone())));
            found.extend(missing.map(|file| Finding::MissingBulkFile {
                region: *region,
                sequence: entry.sequence,
                file: file.clone(),
            }));
        }
    }
    found
}

/// Children that hbase:meta records, with a sibling that has opened (inside the cut) and no entry of their own. Nothing
/// has to be known of splits before the window: their parents have no entries, or had ended at the snapshot.
fn unseen_children(history: &History, starts: &Starts, cut: Option<&Cut>) -> Vec<Finding> {
    let mut found = Vec::new();
    for Descent { parents, children } in &history.descents {
        let within = |parent: &&EncodedRegionName| {
            history.region(parent).is_some() && !starts.ended().contains(*parent)
        };
        let opened = |child: &EncodedRegionName| {
            history.region(child).is_some() && cut.is_none_or(|cut| cut.last(child) > 0)
        };
        let Some(parent) = parents.iter().find(within).filter(|_| children.iter().any(opened)) else {
            continue;
        };
        let unseen = children.iter().filter(|child| history.region(child).is_none());
        found.extend(unseen.map(|region| Finding::UnseenChild { region: *region, parent: *parent }));
    }
    found
}

/// The same ids in two files: the caller compares the cells, since write times are all that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// The region.
    pub region: EncodedRegionName,
    /// The ids.
    pub ids: IdRun,
    /// The files, as indexes of [`History::files`].
    pub files: [usize; 2],
}

/// All ids of edits that are in more than one file (recovered edits, split logs, re-appended entries).
#[must_use]
pub fn overlaps(history: &History) -> Vec<Overlap> {
    let mut overlaps = Vec::new();
    for (region, entries) in history.regions() {
        let mut holder: Option<(IdRun, usize)> = None;
        for segment in entries.segments.iter().filter(|segment| segment.marker.is_none()) {
            let Some(part) = entries.part(segment) else { continue };
            if let Some((run, file)) = holder {
                let ids = IdRun { first: segment.run.first, last: segment.run.last.min(run.last) };
                if !ids.is_empty() {
                    overlaps.push(Overlap { region: *region, ids, files: [file, part.file] });
                }
            }
            if holder.is_none_or(|(run, _)| segment.run.last > run.last) {
                holder = Some((segment.run, part.file));
            }
        }
    }
    overlaps
}

fn conflicts(history: &History) -> Vec<Finding> {
    let times = |region: &EncodedRegionName, file: usize, ids: IdRun| -> BTreeMap<u64, i64> {
        let mut changes = BTreeMap::new();
        let parts = history.region(region).into_iter().flat_map(|entries| &entries.parts);
        for part in parts.filter(|part| part.file == file) {
            part.each_time(ids, |run, time| {
                changes.insert(run.first, time);
            });
        }
        changes
    };
    let path = |file: usize| history.files().get(file).map(|file| file.path.clone()).unwrap_or_default();
    let mut found = Vec::new();
    for Overlap { region, ids, files: [one, other] } in overlaps(history) {
        let (left, right) = (times(&region, one, ids), times(&region, other, ids));
        let at = |times: &BTreeMap<u64, i64>, id: u64| times.range(..=id).next_back().map(|(_, time)| *time);
        let mut changes = left.keys().chain(right.keys());
        if let Some(sequence) = changes.find(|id| at(&left, **id) != at(&right, **id)) {
            found.push(Finding::Conflict { region, sequence: *sequence, paths: [path(one), path(other)] });
        }
    }
    found
}
