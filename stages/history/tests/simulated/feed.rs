//! What the simulator knows, as `history` takes it.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::sim::{Cluster, Content, End, Entry, FileOf, ReadFile, Reading, Roll, SimSnapshot, Vector};
use formats::name::{EncodedRegionName, FamilyName};
use formats::wal::name::{WalKind, WalName};
use history::{
    Clocks, Cut, Dependency, Descent, Entries, Event, FileEnd, FileSequence, Found as Place, History,
    LogFile, MarkerEntry, NotAscending, Origin, RegionLog, RollMarker, SnapshotFile, SnapshotRegion,
    SnapshotStores, Sources, Starts,
};

/// A file as it was found, or as a mutant has changed it.
#[derive(Debug, Clone)]
pub struct Found {
    pub path: String,
    /// `None` for recovered edits.
    pub name: Option<WalName>,
    pub end: End,
    pub entries: Vec<Entry>,
}

/// The files of a reading.
pub fn found(cluster: &Cluster, reading: &Reading) -> Vec<Found> {
    let found = |file: &ReadFile| Found {
        path: cluster.file_path(reading, file),
        name: match file.of {
            FileOf::Wal(wal) => Some(cluster.wals[wal].name.clone()),
            FileOf::Recovered(_) => None,
        },
        end: file.end,
        entries: reading.entries(cluster, file).to_vec(),
    };
    reading.files.iter().map(found).collect()
}

pub fn sources(cluster: &Cluster, reading: &Reading) -> Sources {
    sources_of(cluster, reading, &found(cluster, reading)).unwrap()
}

/// What is told of files.
///
/// # Errors
/// The ids of a region run backwards in one of them.
pub fn sources_of(cluster: &Cluster, reading: &Reading, files: &[Found]) -> Result<Sources, NotAscending> {
    let mut sources = Sources::default();
    for file in files {
        if file.name.as_ref().is_some_and(|name| name.kind == WalKind::Meta) {
            sources.descents.extend(descents(cluster, &file.entries));
            continue;
        }
        sources.files.push(LogFile {
            path: file.path.clone(),
            origin: file.name.clone().map_or(Origin::RecoveredEdits, Origin::Wal),
            end: match file.end {
                End::Closed => FileEnd::Closed,
                End::Unclosed => FileEnd::Unclosed,
                End::Torn => FileEnd::Torn,
            },
            read_ms: Some((reading.listed / 1000) as i64),
            intact: true,
            regions: regions(cluster, &file.entries)?,
        });
    }
    sources.dead_servers = reading.dead.iter().map(|server| cluster.servers[*server].name.clone()).collect();
    Ok(sources)
}

fn regions(
    cluster: &Cluster,
    entries: &[Entry],
) -> Result<BTreeMap<EncodedRegionName, RegionLog>, NotAscending> {
    let mut regions = BTreeMap::new();
    for entry in entries {
        let Some(region) = entry.region else { continue };
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

/// Of the simulated splits and merges those whose record was read.
fn descents(cluster: &Cluster, entries: &[Entry]) -> Vec<Descent> {
    let by_name = cluster.full_names();
    let mut read = BTreeSet::new();
    for entry in entries {
        let Content::Meta(cells) = &entry.content else { continue };
        read.extend(cells.iter().map(|(row, ..)| by_name[row]));
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
    Starts::new(&stores, history.lineages())
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
        Place::Entry(Event { region: cluster.regions[edit.region].name, sequence: edit.sequence })
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
