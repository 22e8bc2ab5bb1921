//! A cut at a marker: in each lineage, the longest prefix whose entries all lie in WALs older than those that the
//! marker's roll opened.

use std::collections::BTreeMap;

use names::{EncodedRegionName, ServerName, WalName};

use super::{Asked, Cut};
use crate::given_again::loads_in;
use crate::region::Segment;
use crate::whereabouts::created;
use crate::{History, IdRun, RegionHistory};

/// A marker: what a roll of all servers' WALs opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollMarker {
    /// Its name.
    pub name: String,
    /// When it was made, ms.
    pub created_ms: i64,
    /// For each server that was rolled, the WALs that the roll opened, one a group.
    pub servers: BTreeMap<ServerName, Vec<WalName>>,
}

/// WALs that a marker does not place on one side or the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unplaced {
    /// A server was alive when the marker was made, and the marker does not list it.
    Server {
        /// The server.
        server: ServerName,
        /// Whether it is dead by now.
        dead: bool,
    },
    /// A group of a listed server existed before the roll, and the marker does not list it.
    Group {
        /// The group.
        group: String,
    },
    /// A WAL that the roll opened is not among the files: older ones may be missing, too.
    OpenedIsMissing {
        /// The WAL.
        wal: String,
    },
}

impl std::fmt::Display for Unplaced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server { server, dead } => {
                let now = if *dead { "has died since" } else { "is not known to be dead" };
                write!(f, "server {server} was started before the marker, {now}, and is not in the marker")
            }
            Self::Group { group } => {
                write!(f, "WAL group {group} is older than the marker's roll and not in the marker")
            }
            Self::OpenedIsMissing { wal } => write!(f, "WAL {wal}, which the roll opened, is not there"),
        }
    }
}

/// The cut at a marker.
#[must_use]
pub fn at_marker(history: &History, marker: &RollMarker) -> Cut {
    let mut unplaced = missing_opened(history, marker);
    let mut inside = vec![false; history.files().len()];
    for (group, files) in history.groups() {
        let in_group = group_inside(history, marker, group, &files, &mut unplaced);
        for (index, is_in) in files.into_iter().zip(in_group) {
            if let Some(slot) = inside.get_mut(index) {
                *slot = is_in;
            }
        }
    }
    unplaced.dedup();
    let last = history.regions().iter().map(|(name, region)| {
        let first_out = first_outside(history, name, region, &inside).unwrap_or(u64::MAX);
        (*name, region.last_up_to(first_out.saturating_sub(1)))
    });
    let cut = Cut::new(Asked::Marker(marker.name.clone()), last.collect(), history);
    let is_in = |file: usize| inside.get(file).copied().unwrap_or(false);
    let loads = loads_in(history, |_, load| is_in(load.file));
    let opened = marker.servers.values().flatten().map(|opened| created(opened.created_ms));
    let until_ms = Some(opened.max().map_or(marker.created_ms, |last| last.max(marker.created_ms)));
    Cut { unplaced, loads, moment_ms: Some(marker.created_ms), until_ms, ..cut }
}

/// Which files of a group are in.
fn group_inside(
    history: &History,
    marker: &RollMarker,
    group: &str,
    files: &[usize],
    unplaced: &mut Vec<Unplaced>,
) -> Vec<bool> {
    let names: Vec<&WalName> = files.iter().filter_map(|index| history.files().get(*index)?.wal()).collect();
    let Some(first) = names.first() else { return Vec::new() };
    let Some(opened) = marker.servers.get(&first.server) else {
        let whole = unlisted_server_inside(history, marker, &first.server, files, unplaced);
        return vec![whole; names.len()];
    };
    if let Some(opened) = opened.iter().find(|opened| opened.group() == group) {
        return names.iter().map(|name| name.created_ms < opened.created_ms).collect();
    }
    let rolled = opened.iter().map(|opened| opened.created_ms).min();
    if rolled.is_none_or(|rolled| first.created_ms < rolled) {
        unplaced.push(Unplaced::Group { group: group.to_owned() });
    }
    vec![false; names.len()]
}

/// A server that is not listed is wholly in if it had started and was dead when the marker was made, and out if it
/// started later.
fn unlisted_server_inside(
    history: &History,
    marker: &RollMarker,
    server: &ServerName,
    files: &[usize],
    unplaced: &mut Vec<Unplaced>,
) -> bool {
    let started = server.start_code.and_then(|ms| i64::try_from(ms).ok());
    if started.is_some_and(|started| started > marker.created_ms) {
        return false;
    }
    let dead = history.dead_servers.contains(server);
    let states = files.iter().filter_map(|index| history.files().get(*index));
    let silent = states.filter_map(|file| file.last_write_ms).all(|last| last <= marker.created_ms);
    if dead && silent {
        return true;
    }
    unplaced.push(Unplaced::Server { server: server.clone(), dead });
    false
}

/// WALs that the roll opened and that are not among the files.
fn missing_opened(history: &History, marker: &RollMarker) -> Vec<Unplaced> {
    let there = |opened: &WalName| {
        history.files().iter().any(|file| file.wal().is_some_and(|name| name.as_str() == opened.as_str()))
    };
    let opened = marker.servers.values().flatten().filter(|opened| !there(opened));
    opened.map(|opened| Unplaced::OpenedIsMissing { wal: opened.as_str().to_owned() }).collect()
}

/// The first id of an entry that lies in no file that is in. For a copied edit or marker one file is enough; a marker
/// may share its id with something else, from before a crash.
fn first_outside(
    history: &History,
    name: &EncodedRegionName,
    region: &RegionHistory,
    inside: &[bool],
) -> Option<u64> {
    let is_in = |segment: &&Segment| {
        let file = region.part(segment).map(|part| part.file);
        file.and_then(|file| inside.get(file).copied()).unwrap_or(false)
    };
    let mut covered: Vec<IdRun> = Vec::new();
    for segment in region.segments.iter().filter(is_in).filter(|segment| segment.marker.is_none()) {
        match covered.last_mut() {
            Some(last) if segment.run.first <= last.last + 1 => last.last = last.last.max(segment.run.last),
            _ => covered.push(segment.run),
        }
    }
    let markers: Vec<_> =
        region.segments.iter().filter(is_in).filter_map(|segment| region.marker(segment)).collect();
    // A bulk load before a crash counts by its own file, whatever else has its id.
    let is_earlier = |segment: &Segment| history.is_of_earlier_load(name, region, segment);
    let outside = region.segments.iter().filter(|segment| !is_in(segment) && !is_earlier(segment));
    let uncovered = outside.filter_map(|segment| {
        let IdRun { first, last } = segment.run;
        if let Some(marker) = region.marker(segment) {
            let from = markers.partition_point(|other| other.sequence < first);
            let mut same = markers.iter().skip(from).take_while(|other| other.sequence == first);
            return (!same.any(|other| *other == marker)).then_some(first);
        }
        let at = covered.partition_point(|run| run.last < first);
        let first = match covered.get(at) {
            Some(run) if run.contains(first) => run.last + 1,
            _ => first,
        };
        (first <= last).then_some(first)
    });
    uncovered.min()
}
