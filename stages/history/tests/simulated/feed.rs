//! What the simulator knows, as `history` takes it.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::sim::{Cluster, Content, End, Entry, FileOf, ReadFile, Reading, Roll, SimSnapshot, Vector};
use formats::cell::CellType;
use formats::snapshot::SnapshotType;
use formats::wal::{EventType, Marker};
use history::{
    Clocks, Cut, Dependency, Descent, Entries, EntryId, FileEnd, FileSequence, History, Located as Place,
    LogFile, MarkerEntry, MetaLog, NotAscending, Origin, PlaceState, RegionLog, RegionPlace, RollMarker,
    SnapshotFile, SnapshotRegion, SnapshotStores, Sources, Starts, Tolerances,
};
use names::{EncodedRegionName, FamilyName, ServerName, WalKind, WalName};

/// A file as it was found, or as a mutant has changed it.
#[derive(Debug, Clone)]
pub struct Located {
    pub path: String,
    /// `None` for recovered edits.
    pub name: Option<WalName>,
    pub end: End,
    pub entries: Vec<Entry>,
    /// Its mtime, ms.
    pub closed_ms: i64,
}

/// The files of a reading.
pub fn found(cluster: &Cluster, reading: &Reading) -> Vec<Located> {
    let found = |file: &ReadFile| Located {
        path: cluster.file_path(reading, file),
        name: match file.of {
            FileOf::Wal(wal) => Some(cluster.wals[wal].name.clone()),
            FileOf::Recovered(_) => None,
        },
        end: file.end,
        entries: reading.entries(cluster, file).to_vec(),
        closed_ms: file.closed_ms,
    };
    reading.files.iter().map(found).collect()
}

pub fn sources(cluster: &Cluster, reading: &Reading) -> Sources {
    sources_of(cluster, reading, &found(cluster, reading)).unwrap()
}

/// How files are described to the history.
///
/// # Errors
/// The ids of a region run backwards in one of them.
pub fn sources_of(cluster: &Cluster, reading: &Reading, files: &[Located]) -> Result<Sources, NotAscending> {
    sources_where(cluster, reading, files, |_| true)
}

/// The same, of the regions of one table.
///
/// # Errors
/// The ids of a region run backwards in one of them.
pub fn sources_of_table(
    cluster: &Cluster,
    reading: &Reading,
    files: &[Located],
    table: usize,
) -> Result<Sources, NotAscending> {
    sources_where(cluster, reading, files, |region| cluster.regions[region].table == table)
}

/// The small histories are over within a second: what takes a real cluster seconds takes them milliseconds.
fn tolerances(cluster: &Cluster) -> Tolerances {
    if cluster.ended - cluster.began > 30_000_000 {
        return Tolerances::default();
    }
    let clock_ms = 2 * i64::from(cluster.clock_bound_ms) + 1;
    Tolerances { start_ms: 0, roll_ms: clock_ms + 4, closing_ms: 500, skew_ms: 50, clock_ms }
}

fn sources_where(
    cluster: &Cluster,
    reading: &Reading,
    files: &[Located],
    wanted: impl Fn(usize) -> bool,
) -> Result<Sources, NotAscending> {
    // As convert takes it: what was read of a copy was there when it was made.
    let listed_ms = Some((reading.stated.unwrap_or(reading.claimed) / 1000) as i64);
    let copied_ms = reading.stated.map(|at| (at / 1000) as i64);
    let tolerances = tolerances(cluster);
    let mut sources = Sources { listed_ms, copied_ms, tolerances, ..Sources::default() };
    let dead: BTreeSet<_> = reading.dead.iter().map(|server| cluster.servers[*server].name.clone()).collect();
    for file in files {
        if let Some(name) = file.name.as_ref().filter(|name| name.kind == WalKind::Meta) {
            sources.descents.extend(descents(cluster, &file.entries));
            sources.places.extend(places(cluster, &file.entries, &wanted));
            sources.meta.push(meta_log(file, name, listed_ms));
            continue;
        }
        sources.files.push(LogFile {
            path: file.path.clone(),
            origin: file.name.clone().map_or(Origin::RecoveredEdits, Origin::Wal),
            end: end_of(file),
            read_ms: listed_ms,
            closed_ms: Some(file.closed_ms),
            archived_ms: None,
            growing: file.end != End::Closed
                && file.name.as_ref().is_some_and(|name| !dead.contains(&name.server)),
            intact: true,
            regions: regions(cluster, &file.entries, &wanted)?,
        });
    }
    sources.dead_servers = dead;
    Ok(sources)
}

fn end_of(file: &Located) -> FileEnd {
    match file.end {
        End::Closed => FileEnd::Closed,
        End::Unclosed => FileEnd::Unclosed,
        End::Torn => FileEnd::Torn,
    }
}

fn meta_log(file: &Located, name: &WalName, read_ms: Option<i64>) -> MetaLog {
    let event = |entry: &Entry| match &entry.content {
        Content::Marker(marker, _) => match marker.as_ref() {
            Marker::RegionEvent(event) => Some(event.event_type),
            _ => None,
        },
        _ => None,
    };
    MetaLog {
        path: file.path.clone(),
        name: name.clone(),
        end: end_of(file),
        read_ms,
        closed_ms: Some(file.closed_ms),
        last_write_ms: file.entries.iter().map(|entry| entry.write_time).max(),
        given_up: file.entries.iter().rev().find_map(event) == Some(EventType::RegionClose),
    }
}

/// What hbase:meta says of where regions are.
fn places(cluster: &Cluster, entries: &[Entry], wanted: impl Fn(usize) -> bool) -> Vec<RegionPlace> {
    let by_name = cluster.full_names();
    let mut places = Vec::new();
    for entry in entries {
        let Content::Meta(cells) = &entry.content else { continue };
        let rows: BTreeSet<&Vec<u8>> = cells.iter().map(|cell| &cell.row).collect();
        for row in rows {
            let Some(region) = by_name.get(row).copied().filter(|region| wanted(*region)) else { continue };
            let of = |qualifier: &str| {
                let mut of_row =
                    cells.iter().filter(|cell| cell.row == *row && cell.cell_type == CellType::Put);
                of_row.find(|cell| cell.qualifier == qualifier).map(|cell| cell.value.as_slice())
            };
            places.extend(place(cluster.regions[region].name, entry, of));
        }
    }
    places
}

fn place<'a>(
    region: EncodedRegionName,
    entry: &Entry,
    of: impl Fn(&str) -> Option<&'a [u8]>,
) -> Option<RegionPlace> {
    let text = |qualifier: &str| of(qualifier).map(|value| String::from_utf8(value.to_vec()).unwrap());
    let number = |qualifier: &str| Some(u64::from_be_bytes(of(qualifier)?.try_into().unwrap()));
    let address = text("server").zip(number("serverstartcode"));
    let address = address.map(|(address, start)| format!("{},{start}", address.replace(':', ",")));
    let server = address.or_else(|| text("sn")).map(|name| ServerName::parse(&name).unwrap());
    let state = text("state");
    if state.is_none() && server.is_none() {
        return None;
    }
    Some(RegionPlace {
        region,
        sequence: entry.sequence,
        write_time: entry.write_time,
        state: match state.as_deref() {
            Some("OPEN") => PlaceState::Open,
            Some("OPENING") => PlaceState::Opening,
            _ => PlaceState::Other,
        },
        server,
        open_number: number("seqnumDuringOpen"),
    })
}

fn regions(
    cluster: &Cluster,
    entries: &[Entry],
    wanted: impl Fn(usize) -> bool,
) -> Result<BTreeMap<EncodedRegionName, RegionLog>, NotAscending> {
    let mut regions = BTreeMap::new();
    for entry in entries {
        let Some(region) = entry.region.filter(|region| wanted(*region)) else { continue };
        let region = &cluster.regions[region];
        let log = regions
            .entry(region.name)
            .or_insert_with(|| RegionLog { table: region.info.table.clone(), entries: Entries::default() });
        let (sequence, write_time) = (entry.sequence, entry.write_time);
        match &entry.content {
            Content::Marker(marker, _) => {
                let marker = marker.as_ref().clone();
                log.entries.push_marker(MarkerEntry { sequence, write_time, marker })?;
            }
            _ => log.entries.push_edit(sequence, write_time)?,
        }
    }
    Ok(regions)
}

/// The simulated splits and merges whose record was read.
fn descents(cluster: &Cluster, entries: &[Entry]) -> Vec<Descent> {
    let by_name = cluster.full_names();
    let mut read = BTreeSet::new();
    for entry in entries {
        let Content::Meta(cells) = &entry.content else { continue };
        let told = cells.iter().filter(|cell| matches!(cell.qualifier, "splitA" | "merge0000"));
        read.extend(told.map(|cell| by_name[&cell.row]));
    }
    let names = |regions: &[usize]| regions.iter().map(|region| cluster.regions[*region].name).collect();
    let told = cluster.descents.iter().filter(|descent| {
        let row_of = if descent.parents.len() == 1 { descent.parents[0] } else { descent.children[0] };
        read.contains(&row_of)
    });
    told.map(|descent| Descent { parents: names(&descent.parents), children: names(&descent.children) })
        .collect()
}

pub fn starts(cluster: &Cluster, history: &History, snapshots: &[&SimSnapshot]) -> Starts {
    let stores: Vec<SnapshotStores> = snapshots.iter().map(|snapshot| stores(cluster, snapshot)).collect();
    Starts::new(&stores, history)
}

fn stores(cluster: &Cluster, snapshot: &SimSnapshot) -> SnapshotStores {
    let regions = snapshot.regions.iter().map(|(region, stores)| {
        let stores = stores.iter().map(|(family, files)| {
            let file = |file: &fixtures::sim::ListedFile| SnapshotFile {
                name: file.name.clone(),
                sequence: FileSequence::UpTo(cluster.hfiles[file.hfile].max_sequence),
            };
            (FamilyName::parse(family).unwrap(), files.iter().map(file).collect())
        });
        let region = &cluster.regions[*region];
        SnapshotRegion { region: region.name, region_id: region.info.region_id, stores: stores.collect() }
    });
    SnapshotStores {
        table: cluster.tables[snapshot.table].name.clone(),
        kind: snapshot.kind,
        taken_ms: Some((snapshot.at / 1000) as i64 + 1),
        created_ms: Some(cluster.created_ms(snapshot)),
        since_ms: Some(cluster.created_ms(snapshot)).filter(|_| snapshot.kind != SnapshotType::SkipFlush),
        regions: regions.collect(),
    }
}

pub fn marker(cluster: &Cluster, roll: &Roll) -> RollMarker {
    let servers = roll.servers.iter().map(|(server, opened)| {
        let opened = opened.iter().map(|wal| cluster.wals[*wal].name.clone());
        (cluster.servers[*server].name.clone(), opened.collect())
    });
    RollMarker { name: roll.name.clone(), created_ms: roll.created_ms, servers: servers.collect() }
}

/// What is really true of the clocks.
pub fn clocks(cluster: &Cluster) -> Clocks {
    Clocks::within(cluster.clock_bound_ms)
}

pub fn vector(cluster: &Cluster, cut: &Cut) -> Vector {
    cluster.regions.iter().enumerate().map(|(index, region)| (index, cut.last(&region.name))).collect()
}

/// Every edit and what its client had seen, as an operator would declare it.
pub fn dependencies(
    cluster: &Cluster,
    reading: &Reading,
    starts: &Starts,
) -> (Vec<Dependency>, Vec<(usize, usize)>) {
    let read = reading.edits(cluster);
    let found = |edit: usize| {
        let index = edit;
        let edit = &cluster.edits[index];
        if !read.contains(&index) {
            let held = edit.cell_sequence <= starts.covered(&cluster.regions[edit.region].name);
            return if held { Place::Files } else { Place::Nowhere };
        }
        Place::Entry(EntryId { region: cluster.regions[edit.region].name, sequence: edit.sequence })
    };
    let mut declared = Vec::new();
    for (effect, edit) in cluster.edits.iter().enumerate() {
        let pairs = edit.causes.iter().map(|cause| (*cause, effect));
        declared.extend(pairs.filter(|(cause, _)| {
            [*cause, effect].iter().all(|edit| {
                read.contains(edit) || cluster.edits[*edit].durability != fixtures::sim::Durability::Skipped
            })
        }));
    }
    declared.retain(|(_, effect)| read.contains(effect));
    let dependencies =
        declared.iter().map(|(cause, effect)| Dependency { cause: found(*cause), effect: found(*effect) });
    (dependencies.collect(), declared)
}
