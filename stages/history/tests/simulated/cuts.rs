use std::collections::{BTreeMap, BTreeSet};

use fixtures::Random;
use fixtures::sim::{Cluster, Durability, FileOf, Reading, Shape, SimSnapshot, StoredCell, Vector, simulate};
use history::{
    Asked, Certificate, ClockLevel, Clocks, Cut, GapClass, History, Refusal, Relation, Starts, at_end,
    at_marker, at_sequences, at_snapshot, at_time, certify,
};

use crate::feed::{clocks, dependencies, marker, sources, starts, vector};
use fixtures::seeds;

#[derive(Debug, Default)]
struct Counts {
    histories: usize,
    expired: usize,
    undated: usize,
    cuts: usize,
    certified: usize,
    refused: BTreeMap<&'static str, usize>,
    edits: usize,
    violated: usize,
    uncertain: u64,
    free_of_violations: usize,
    trimmed: usize,
    proved: usize,
    missing_told: usize,
}

/// A cut as somebody asks for it, and what the definitions say of it.
struct Asking {
    cut: Cut,
    /// `None` where the definitions leave it to the caller.
    truth: Option<Vector>,
}

fn asked_for(
    cluster: &Cluster,
    reading: &Reading,
    history: &History,
    starts: &Starts,
    clocks: &Clocks,
    random: &mut Random,
) -> Vec<Asking> {
    let mut asked = Vec::new();
    for roll in cluster.rolls.iter().filter(|roll| roll.at > 0 && roll.at <= reading.listed) {
        let cut = at_marker(history, &marker(cluster, roll));
        let older = |file: FileOf| {
            let FileOf::Wal(wal) = file else { return false };
            let wal = &cluster.wals[wal];
            let Some(opened) = roll.servers.get(&wal.server) else { return false };
            opened.iter().any(|opened| {
                let opened = &cluster.wals[*opened].name;
                opened.group() == wal.name.group() && wal.name.created_ms < opened.created_ms
            })
        };
        // Servers that the marker does not list are looked at elsewhere.
        let all_listed = reading.files.iter().all(|file| match file.of {
            FileOf::Wal(wal) => roll.servers.contains_key(&cluster.wals[wal].server),
            FileOf::Recovered(_) => true,
        });
        let truth = all_listed.then(|| cluster.prefix(reading, |file, _| older(file)));
        asked.push(Asking { cut, truth });
    }
    for _ in 0..6 {
        let length = reading.listed - cluster.began;
        let time_ms = ((cluster.began + random.below(length + length / 8)) / 1000) as i64;
        let truth = cluster.prefix(reading, |_, entry| entry.write_time <= time_ms);
        asked.push(Asking { cut: at_time(history, time_ms, clocks), truth: Some(truth) });
    }
    for _ in 0..3 {
        let some = |(name, region): (&_, &history::RegionHistory)| {
            let last = region.last().unwrap_or_default();
            (*name, last - random.below(6).min(last))
        };
        let ids = history.regions().iter().map(some).collect();
        asked.push(Asking { cut: at_sequences(history, starts, &ids), truth: None });
    }
    let truth = cluster.prefix(reading, |_, _| true);
    asked.push(Asking { cut: at_end(history), truth: Some(truth) });
    asked.push(Asking { cut: at_snapshot(history, starts), truth: None });
    asked
}

/// The same ids, where there are entries: no cut lies between two of them.
fn assert_same_entries(cluster: &Cluster, reading: &Reading, ours: &Vector, truth: &Vector, what: &str) {
    for file in &reading.files {
        for entry in reading.entries(cluster, file) {
            let Some(region) = entry.region else { continue };
            let is_in = |vector: &Vector| vector.get(&region).is_some_and(|last| entry.sequence <= *last);
            let name = &cluster.regions[region].name;
            assert_eq!(is_in(ours), is_in(truth), "{what}: {name} {} ({:?})", entry.sequence, entry.content);
        }
    }
}

/// What a replay onto the snapshot gives.
pub fn replayed(
    cluster: &Cluster,
    read: &BTreeSet<usize>,
    starts: &Starts,
    snapshot: &SimSnapshot,
    certificate: &Certificate,
) -> Vec<StoredCell> {
    let mut cells = Vec::new();
    for (cell, times) in cluster.in_files(snapshot) {
        cells.extend(std::iter::repeat_n(cell, times));
    }
    if certificate.cut.asked == Asked::Snapshot {
        return cells;
    }
    for index in read.iter().copied() {
        let edit = &cluster.edits[index];
        let name = &cluster.regions[edit.region].name;
        let relation = certificate.regions.get(name).map(|region| region.relation);
        let wanted = matches!(relation, Some(Relation::Snapshot | Relation::Descendant))
            && cluster.regions[edit.region].table == snapshot.table;
        if !wanted || !certificate.cut.contains(name, edit.sequence) {
            continue;
        }
        cells.extend(cluster.stored(index).filter(|stored| {
            let family = names::FamilyName::parse(stored.cell.family).unwrap();
            stored.sequence > starts.of_store(name, &family)
        }));
    }
    cells
}

fn assert_content(
    cluster: &Cluster,
    reading: &Reading,
    starts: &Starts,
    snapshots: &[&SimSnapshot],
    certificate: &Certificate,
    what: &str,
) {
    let mut vector = vector(cluster, &certificate.cut);
    let read = reading.edits(cluster);
    let known = reading.files.iter().flat_map(|file| reading.entries(cluster, file));
    let known: BTreeSet<usize> = known.filter_map(|entry| entry.region).collect();
    // What lies in files alone is in.
    for (region, last) in vector.iter_mut().filter(|(region, _)| !known.contains(region)) {
        *last = starts.covered(&cluster.regions[*region].name);
    }
    for snapshot in snapshots {
        let ours = replayed(cluster, &read, starts, snapshot, certificate);
        let once: BTreeSet<StoredCell> = ours.iter().cloned().collect();
        assert_eq!(ours.len(), once.len(), "{what}: replayed twice");
        let Some(mut truth) = cluster.restored(snapshot, &vector) else {
            let files = cluster.in_files(snapshot).into_keys();
            let out = files
                .map(|cell| &cluster.edits[cell.edit])
                .find(|edit| edit.durability != Durability::Skipped && !cluster.is_in(edit, &vector));
            let last = out.map(|edit| vector[&edit.region]);
            assert_eq!(
                certificate.cut.asked,
                Asked::Snapshot,
                "{what}: the files hold what is out, {out:?} > {last:?}"
            );
            continue;
        };
        if certificate.cut.asked == Asked::Snapshot {
            continue;
        }
        // Not read yet: the frontier's business.
        let files = cluster.in_files(snapshot);
        truth.retain(|cell| read.contains(&cell.edit) || files.contains_key(cell));
        let surplus: Vec<_> = once.difference(&truth).collect();
        let missing: Vec<_> = truth.difference(&once).collect();
        assert!(surplus.is_empty() && missing.is_empty(), "{what}: surplus {surplus:?}, missing {missing:?}");
    }
}

/// An effect without its cause is among the uncertain.
fn assert_clock(
    cluster: &Cluster,
    reading: &Reading,
    starts: &Starts,
    certificate: &Certificate,
    counts: &mut Counts,
    what: &str,
) {
    let ClockLevel::Bounded { uncertain_in, undated_regions, .. } = certificate.clock else {
        panic!("{what}: {:?}", certificate.clock)
    };
    let (vector, read) = (vector(cluster, &certificate.cut), reading.edits(cluster));
    let held = |edit: &fixtures::sim::Edit| {
        edit.cell_sequence <= starts.covered(&cluster.regions[edit.region].name) && edit.at <= reading.listed
    };
    let broken = cluster.violations(|index| {
        let edit = &cluster.edits[index];
        held(edit) || (cluster.is_in(edit, &vector) && read.contains(&index))
    });
    counts.violated += usize::from(!broken.is_empty());
    counts.uncertain += uncertain_in;
    let (dated, undated): (BTreeSet<usize>, BTreeSet<usize>) =
        broken.iter().partition(|edit| read.contains(edit));
    assert!(dated.len() as u64 <= uncertain_in, "{what}: {dated:?} of {uncertain_in} uncertain");
    assert!(undated.is_empty() || undated_regions > 0, "{what}: {undated:?} are in no WAL");
    counts.undated += usize::from(!undated.is_empty());
    counts.free_of_violations += usize::from(undated_regions == 0 && uncertain_in == 0);
}

/// Every edit written by the time of a cut that was made had been read, except those on their way, which were not
/// acknowledged yet.
fn assert_nothing_unread(cluster: &Cluster, reading: &Reading, cut: &Cut, what: &str) {
    let Asked::Time(time_ms) = cut.asked else { return };
    let read = reading.edits(cluster);
    for (index, edit) in cluster.edits.iter().enumerate() {
        let logged = edit.durability != Durability::Skipped && !edit.lost;
        let told = edit.acknowledged.is_some_and(|at| at <= reading.listed);
        if logged && told && edit.write_time <= time_ms {
            assert!(
                read.contains(&index),
                "{what}: edit {index}, written at {}, was not read",
                edit.write_time
            );
        }
    }
}

/// Edits that were acknowledged when the WALs were listed and lie inside a cut, in no file, and in no WAL that was read.
fn missing_inside(cluster: &Cluster, reading: &Reading, starts: &Starts, vector: &Vector) -> Vec<usize> {
    let read = reading.edits(cluster);
    let begun = cluster.ancestors(vector.iter().filter(|(_, last)| **last > 0).map(|(region, _)| *region));
    let missing = |(index, edit): &(usize, &fixtures::sim::Edit)| {
        let logged = edit.durability != Durability::Skipped && !edit.lost;
        let logged = logged && edit.acknowledged.is_some_and(|at| at <= reading.listed);
        let in_files = edit.cell_sequence <= starts.covered(&cluster.regions[edit.region].name);
        let inside = cluster.is_in(edit, vector) || begun.contains(&edit.region);
        logged && inside && !in_files && !read.contains(index)
    };
    cluster.edits.iter().enumerate().filter(missing).map(|(index, _)| index).collect()
}

fn assert_dependencies(
    cluster: &Cluster,
    declared: &[(usize, usize)],
    certificate: &Certificate,
    held: impl Fn(usize) -> bool,
    what: &str,
) {
    let vector = vector(cluster, &certificate.cut);
    let is_in = |edit: usize| held(edit) || cluster.is_in(&cluster.edits[edit], &vector);
    for (index, (cause, effect)) in declared.iter().enumerate() {
        let broken = is_in(*effect) && !is_in(*cause);
        let told = certificate.declared.in_files.contains(&index);
        assert!(!broken || told, "{what}: {effect} is in without {cause}");
    }
}

pub fn snapshots(cluster: &Cluster, reading: &Reading, random: &mut Random) -> Vec<usize> {
    (0..cluster.tables.len())
        .filter_map(|table| {
            let of_table: Vec<usize> = (0..cluster.snapshots.len())
                .filter(|at| {
                    cluster.snapshots[*at].table == table && cluster.snapshots[*at].at <= reading.listed
                })
                .collect();
            (!of_table.is_empty()).then(|| of_table[random.below(of_table.len() as u64) as usize])
        })
        .collect()
}

/// The cleaner has deleted WALs of which everything is in the files of the snapshots, if these flushed all tables.
fn forget_old_wals(cluster: &Cluster, reading: &mut Reading, snapshots: &[&SimSnapshot]) -> bool {
    let flushed = snapshots.iter().filter(|snapshot| snapshot.kind == formats::snapshot::SnapshotType::Flush);
    if flushed.count() < cluster.tables.len() {
        return false;
    }
    let history = History::new(sources(cluster, reading));
    let starts = starts(cluster, &history, snapshots);
    let is_held = |entry: &fixtures::sim::Entry| match (entry.edit(), entry.region) {
        (Some(edit), Some(region)) => {
            cluster.edits[edit].cell_sequence <= starts.covered(&cluster.regions[region].name)
        }
        _ => true,
    };
    let files = reading.files.len();
    reading.files.retain(|file| match file.of {
        FileOf::Wal(wal) => {
            let wal = &cluster.wals[wal];
            let meta = wal.name.kind == names::WalKind::Meta;
            meta || wal.ended.is_none() || !wal.entries.iter().all(is_held)
        }
        FileOf::Recovered(recovered) => !cluster.recovered[recovered].entries.iter().all(is_held),
    });
    reading.files.len() < files
}

fn history_of(seed: u64, counts: &mut Counts) {
    let cluster = simulate(seed, &Shape::of(seed));
    let random = &mut Random::new(seed ^ 0xc0ffee);
    // Half are read at the end, some of them without their old WALs; half are read while the history continues.
    let at_end = seed.is_multiple_of(2);
    let mut reading = if at_end {
        Reading::at_end(&cluster)
    } else {
        let length = cluster.ended - cluster.began;
        let listed = cluster.began + length / 4 + random.below(length * 3 / 4);
        let spread = random.below(5000);
        Reading::new(&cluster, listed, spread, random)
    };
    let chosen = snapshots(&cluster, &reading, random);
    let chosen: Vec<&SimSnapshot> = chosen.into_iter().map(|at| &cluster.snapshots[at]).collect();
    let expired = seed % 4 == 2 && forget_old_wals(&cluster, &mut reading, &chosen);
    counts.expired += usize::from(expired);
    let history = History::new(sources(&cluster, &reading));
    let clocks = clocks(&cluster);
    let starts = starts(&cluster, &history, &chosen);
    let (declared, pairs) = dependencies(&cluster, &reading, &starts);
    counts.histories += 1;
    counts.edits += cluster.edits.len();
    for asking in asked_for(&cluster, &reading, &history, &starts, &clocks, random) {
        for dependencies in [&[], declared.as_slice()] {
            let what = format!("seed {seed}, {:?}, {} dependencies", asking.cut.asked, dependencies.len());
            counts.cuts += 1;
            if let Some(truth) = &asking.truth {
                assert_same_entries(&cluster, &reading, &vector(&cluster, &asking.cut), truth, &what);
            }
            match certify(&history, &starts, &clocks, &asking.cut, dependencies) {
                Ok(certificate) => {
                    counts.certified += 1;
                    assert_content(&cluster, &reading, &starts, &chosen, &certificate, &what);
                    assert_clock(&cluster, &reading, &starts, &certificate, counts, &what);
                    if !expired {
                        assert_nothing_unread(&cluster, &reading, &certificate.cut, &what);
                    }
                    let held = |edit: usize| {
                        let edit = &cluster.edits[edit];
                        edit.cell_sequence <= starts.covered(&cluster.regions[edit.region].name)
                    };
                    if !dependencies.is_empty() {
                        assert_dependencies(&cluster, &pairs, &certificate, held, &what);
                        counts.trimmed += usize::from(certificate.declared.trimmed > 0);
                    }
                    let completeness = &certificate.completeness;
                    let missing =
                        missing_inside(&cluster, &reading, &starts, &vector(&cluster, &certificate.cut));
                    let told = !completeness.is_proved() || certificate.cut.asked == Asked::Snapshot;
                    assert!(missing.is_empty() || told, "{what}: {missing:?} are missing");
                    counts.missing_told += usize::from(!missing.is_empty());
                    if at_end && !expired {
                        assert_eq!(
                            completeness.count(GapClass::Missing).gaps,
                            0,
                            "{what}: {:?}",
                            completeness.gaps
                        );
                        assert_eq!(completeness.findings, [], "{what}");
                    }
                    counts.proved += usize::from(completeness.is_proved());
                }
                Err(refusal) => {
                    let kind = match refusal {
                        Refusal::BelowStart { .. } => "below the start",
                        Refusal::BeyondFrontier { .. } => "beyond the frontier",
                        Refusal::UnknownStart { .. } => panic!("{what}: {refusal:?}"),
                        Refusal::Replaced(ref breaks) => panic!("{what}: {breaks:?}"),
                    };
                    *counts.refused.entry(kind).or_default() += 1;
                }
            }
        }
    }
}

#[test]
fn every_cut_of_every_history_holds_what_it_says() {
    let mut counts = Counts::default();
    for seed in seeds(100) {
        history_of(seed, &mut counts);
    }
    eprintln!("{counts:#?}");
    // The oracle has something to say, and so has each of the claims.
    assert!(counts.histories < 100 || (counts.violated > 100 && counts.free_of_violations > 100));
}

#[test]
fn clocks_outside_of_their_bound_break_what_was_claimed_of_them() {
    let mut wrong = 0;
    for seed in seeds(100) {
        let cluster = simulate(seed, &Shape { clock_bound_ms: 12, ..Shape::of(seed) });
        let reading = Reading::at_end(&cluster);
        let history = History::new(sources(&cluster, &reading));
        let claimed = Clocks::within(0);
        let random = &mut Random::new(seed);
        for _ in 0..10 {
            let time_ms = ((cluster.began + random.below(cluster.ended - cluster.began)) / 1000) as i64;
            let cut = at_time(&history, time_ms, &claimed);
            let certificate = certify(&history, &Starts::default(), &claimed, &cut, &[]);
            let Ok(certificate) = certificate else { continue };
            let ClockLevel::Bounded { uncertain_in, .. } = certificate.clock else { continue };
            let vector = vector(&cluster, &certificate.cut);
            let broken = cluster.violations(|index| cluster.is_in(&cluster.edits[index], &vector));
            wrong += usize::from(broken.len() as u64 > uncertain_in);
        }
    }
    eprintln!("{wrong} cuts have more violations than a bound of 0 ms would allow");
    assert!(wrong > 0);
}
