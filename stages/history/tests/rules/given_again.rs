//! A bulk load right before a crash: its marker is in no recovered edits, so the region opens below it and gives its id again.

use std::collections::BTreeMap;

use history::{
    Clocks, Cut, History, Refusal, Replay, RollMarker, Starts, at_end, at_marker, at_sequences, at_time,
    check, frontier, region_cuts, trim,
};
use history::{Dependency, EntryId, Located};

use crate::world::{history, region, server, snapshot, sources, wal, wal_name};

/// Opened with 2, edits 4 to 10, a bulk load whose entry is 14; after the crash it opens with 10: 11 is REGION_OPEN,
/// and 12 to 20 are edits.
fn crashed() -> History {
    let old = wal("a", 1).open('a', 2, 1, &[]).edits('a', 4..=10, 2).bulk_load('a', 13, 3, &["load"]);
    let new = wal("b", 10).open('a', 10, 11, &["1"]).edits('a', 12..=14, 12).edits('a', 15..=20, 14);
    let mut sources = sources([old, new]);
    sources.dead_servers = [server("a", 1)].into();
    History::new(sources)
}

fn loads(history: &History, starts: &Starts, cut: &Cut) -> Vec<u64> {
    let replay = Replay::new(history, starts, cut);
    replay.regions().values().flat_map(|region| region.bulk.iter().map(|file| file.sequence)).collect()
}

fn starts(history: &History) -> Starts {
    snapshot(history, &[('a', 5)])
}

fn at(history: &History, time: i64) -> (u64, Vec<u64>) {
    let cut = at_time(history, time, &Clocks::default());
    (cut.last(&region('a')), loads(history, &starts(history), &cut))
}

#[test]
fn a_bulk_load_before_a_crash_is_in_every_later_cut_by_time() {
    let history = crashed();
    assert_eq!(at(&history, 2), (10, vec![]));
    assert_eq!(at(&history, 3), (10, vec![14]), "its time decides, not the ids that were given again");
    assert_eq!(at(&history, 11), (11, vec![14]));
    assert_eq!(at(&history, 12), (14, vec![14]));
    assert_eq!(at(&history, 14), (20, vec![14]));
    let cut = at_time(&history, 12, &Clocks::default());
    let found = &region_cuts(&history, &starts(&history), &cut)[&region('a')];
    // 6 to 10 and 12 to 14, and the bulk load.
    assert_eq!((found.entries_in, found.entries_out), (9, 6));
    let cut = at_time(&history, 11, &Clocks::default());
    let found = &region_cuts(&history, &starts(&history), &cut)[&region('a')];
    assert_eq!((found.entries_in, found.entries_out), (6, 9));
}

#[test]
fn a_marker_that_is_given_again_after_the_cut_does_not_take_the_bulk_load_out() {
    // As in a history of a real HBase: REGION_OPEN and REGION_CLOSE have the ids before the bulk load's marker, and its
    // own.
    let old = wal("a", 1).open('a', 2, 1, &[]).edits('a', 4..=10, 2).bulk_load('a', 11, 3, &["load"]);
    let new = wal("b", 10).open('a', 10, 11, &["1"]).close('a', 12, 20);
    let history = history([old, new]);
    assert_eq!(at(&history, 15), (11, vec![12]));
    assert_eq!(at(&history, 20), (12, vec![12]));
    assert_eq!(at(&history, 2), (10, vec![]));
}

#[test]
fn markers_and_vectors_take_it_as_well() {
    let history = crashed();
    let starts = starts(&history);
    let marker = RollMarker {
        name: "m".into(),
        created_ms: 5,
        servers: BTreeMap::from([(server("a", 1), vec![wal_name("a", 1, 5)])]),
    };
    assert_eq!(loads(&history, &starts, &at_marker(&history, &marker)), [14]);
    let vector = |last| at_sequences(&history, &starts, &BTreeMap::from([(region('a'), last)]));
    assert_eq!(loads(&history, &starts, &vector(11)), [14], "whoever has REGION_OPEN has what was before it");
    assert_eq!(loads(&history, &starts, &vector(10)), Vec::<u64>::new());
    assert_eq!(loads(&history, &starts, &at_end(&history)), [14]);
}

#[test]
fn trimming_after_the_crash_leaves_it_in_and_before_it_takes_it_out() {
    let history = crashed();
    let starts = starts(&history);
    let trimmed = |effect| {
        let effect = Located::Entry(EntryId { region: region('a'), sequence: effect });
        let trimmed =
            trim(&history, &starts, &at_end(&history), &[Dependency { cause: Located::Nowhere, effect }]);
        (trimmed.cut.last(&region('a')), loads(&history, &starts, &trimmed.cut))
    };
    assert_eq!(trimmed(13), (12, vec![14]));
    assert_eq!(trimmed(9), (8, vec![]));
}

#[test]
fn a_snapshot_that_holds_it_cannot_be_cut_before_it() {
    let history = crashed();
    let mut stores = crate::world::stores(&[('a', 10)]);
    let files = stores.regions[0].stores.values_mut().next().unwrap();
    files.push(history::SnapshotFile { name: "load".into(), sequence: history::FileSequence::UpTo(13) });
    let starts = Starts::new(&[stores], &history);
    let none = Clocks::default();
    let checked = |time| {
        let cut = at_time(&history, time, &none);
        check(&history, &cut, &starts, &none, &frontier(&history, &none))
    };
    assert!(matches!(checked(2), Err(Refusal::BelowStart { .. })), "{:?}", checked(2));
    assert_eq!(loads(&history, &starts, &at_time(&history, 14, &none)), Vec::<u64>::new());
}

#[test]
fn a_load_of_a_server_whose_clock_is_behind_is_not_taken_for_one_before_a_crash() {
    // The region was opened on `a`, whose clock is ahead, and then on `b`: the load follows its edits there.
    let one = wal("a", 1).open('a', 2, 100, &[]).edits('a', 4..=6, 101).close('a', 7, 102);
    let other =
        wal("b", 10).open('a', 8, 50, &["1"]).edits('a', 10..=12, 51).bulk_load('a', 13, 52, &["load"]);
    let history = history([one, other]);
    assert_eq!(at(&history, 60), (0, vec![]));
    assert_eq!(at(&history, 102), (14, vec![14]));
}
