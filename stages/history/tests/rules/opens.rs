use history::{
    Clocks, History, Refusal, Starts, StoreListBreakKind as Kind, at_end, check, frontier, store_list_breaks,
};

use crate::world::{Log, history, region, server, snapshot, sources, wal};

fn kinds(history: &History, starts: &Starts) -> Vec<(u64, Kind)> {
    store_list_breaks(history, starts).into_iter().map(|found| (found.sequence, found.kind)).collect()
}

fn of(log: Log) -> Vec<(u64, Kind)> {
    kinds(&history([log]), &Starts::default())
}

fn names(files: &[&str]) -> Vec<String> {
    files.iter().map(|&file| file.to_owned()).collect()
}

/// Opened, flushed to `1`, bulk loaded `2`, compacted to `3`, closed at 12.
fn life() -> Log {
    let log = wal("a", 1).open('a', 2, 1, &[]).start_flush('a', 5, 1).commit_flush('a', 7, 5, 1, &["1"]);
    log.bulk_load('a', 8, 1, &["2_SeqId_8_"])
        .compaction('a', 10, 1, &["1", "2_SeqId_8_"], &["3"])
        .close('a', 12, 1)
}

#[test]
fn a_region_opens_with_the_files_that_its_markers_tell() {
    assert_eq!(of(life().open('a', 13, 2, &["3"])), []);
}

#[test]
fn files_that_come_back_or_go_show_a_restore() {
    let returned = of(life().open('a', 13, 2, &["1"]));
    let expected = Kind::Restored { returned: names(&["1"]), vanished: names(&["3"]) };
    assert_eq!(returned, [(14, expected)]);
    let emptied = of(life().open('a', 13, 2, &[]));
    assert_eq!(emptied, [(14, Kind::Restored { returned: vec![], vanished: names(&["3"]) })]);
    let link = "t=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1";
    let linked = of(life().open('a', 13, 2, &["3", link]));
    assert_eq!(linked, [(14, Kind::Restored { returned: names(&[link]), vanished: vec![] })]);
}

#[test]
fn after_a_crash_the_replay_of_recovered_edits_has_made_a_file() {
    let log = wal("a", 1).open('a', 2, 1, &["1"]).edits('a', [4], 1);
    assert_eq!(of(log.open('a', 5, 2, &["1", "2"])), []);
    let log = wal("a", 1).open('a', 2, 1, &["1"]).close('a', 4, 1);
    let foreign = Kind::Foreign { files: names(&["2"]) };
    assert_eq!(of(log.open('a', 5, 2, &["1", "2"])), [(6, foreign)]);
}

#[test]
fn the_snapshot_shows_the_files_where_no_open_does() {
    let history = history([wal("a", 1).close('a', 10, 1).open('a', 11, 2, &["f"])]);
    let starts = snapshot(&history, &[('a', 8)]);
    let expected = Kind::Restored { returned: vec![], vanished: names(&["0"]) };
    assert_eq!(kinds(&history, &starts), [(12, expected)]);
    assert_eq!(kinds(&history, &Starts::default()), []);
}

#[test]
fn a_snapshot_from_after_a_compaction_lists_its_output() {
    // Nothing was written since the region opened, so its files reach up to 9 only.
    let log = wal("a", 1).open('a', 13, 1, &["1", "2"]).close('a', 15, 1).open('a', 16, 1, &["1", "2"]);
    let log = log.compaction('a', 18, 1, &["1", "2"], &["0"]).close('a', 20, 1);
    let history = history([log.open('a', 21, 1, &["0"])]);
    assert_eq!(kinds(&history, &snapshot(&history, &[('a', 9)])), []);
}

#[test]
fn markers_from_before_a_crash_are_older_than_the_open_after_it() {
    // The server died; what it had compacted to `3` is after the number with which the region was opened again.
    let old = wal("a", 1).open('a', 10, 1, &["1", "2"]).start_flush('a', 12, 2).compaction(
        'a',
        14,
        2,
        &["1", "2"],
        &["3"],
    );
    let new = wal("b", 1).open('a', 12, 3, &["3"]).edits('a', [14], 4);
    assert_eq!(kinds(&history([old, new]), &Starts::default()), []);
    // It opened with the same number twice.
    let old = || wal("b", 1).open('a', 10, 1, &["1", "2"]).compaction('a', 12, 2, &["1", "2"], &["3"]);
    let new = || wal("a", 1).open('a', 10, 3, &["3"]).edits('a', [12], 4);
    let mut sources = sources([old(), new()]);
    sources.dead_servers = [server("b", 1)].into();
    assert_eq!(kinds(&History::new(sources), &Starts::default()), []);
}

#[test]
fn a_cut_after_a_restore_is_refused() {
    let history = history([life().open('a', 13, 2, &["1"])]);
    let (none, end) = (Clocks::default(), at_end(&history));
    let check = |up_to| {
        check(&history, &end, &snapshot(&history, &[('a', up_to)]), &none, &frontier(&history, &none))
    };
    let refused = check(9);
    assert!(matches!(refused, Err(Refusal::Replaced(ref breaks)) if breaks.len() == 1), "{refused:?}");
    // A snapshot from after the restore shows its outcome.
    assert_eq!(check(14), Ok(()));
}

#[test]
fn a_region_that_opens_below_its_edits_was_made_anew() {
    let first = || wal("a", 1).open('a', 2, 1, &["0"]).edits('a', 4..=6, 2);
    let is_refused = |opened: u64, covered: u64| {
        let again = wal("a", 20).open('a', opened, 20, &["0"]).edits('a', [opened + 2], 21);
        let history = history([first(), again]);
        let (none, end) = (Clocks::default(), at_end(&history));
        let starts = snapshot(&history, &[('a', covered)]);
        match check(&history, &end, &starts, &none, &frontier(&history, &none)) {
            Err(Refusal::Replaced(breaks)) => {
                assert!(matches!(breaks[..], [ref found] if matches!(found.kind, Kind::OpenedBelow { .. })));
                true
            }
            Ok(()) => false,
            other => panic!("{other:?}"),
        }
    };
    assert!(
        is_refused(4, 3),
        "edits 5 and 6 were taken away, or were written on top of those of the second life"
    );
    assert!(!is_refused(6, 3), "recovered edits count");
    assert!(!is_refused(4, 6), "the snapshot holds them");
}

#[test]
fn a_region_of_no_parents_that_is_younger_than_its_table_was_made_anew() {
    let old = wal("a", 1).open('a', 2, 1, &[]).close('a', 4, 1);
    let new = old.open_with_id('b', 2, 5, 7, &[]).edits('b', [4], 6);
    let history = history([new]);
    assert_eq!(kinds(&history, &Starts::default()), [(3, Kind::Recreated)]);
    assert_eq!(kinds(&history, &snapshot(&history, &[('b', 3)])), []);
}

#[test]
fn a_parent_that_opens_after_its_child_was_restored() {
    let reference = "1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let split = || wal("a", 1).open('a', 2, 1, &["1"]).close('a', 4, 1).open('b', 5, 2, &[reference]);
    assert_eq!(of(split()), []);
    let log = split().open('a', 5, 3, &["1"]);
    let expected = Kind::ReopenedAfterChild { child: region('b') };
    assert_eq!(of(log), [(6, expected)]);
    // A split that failed: the parent opens again, and its children later.
    let log = wal("a", 1).open('a', 2, 1, &["1"]).close('a', 4, 1).open('a', 5, 2, &["1"]).close('a', 7, 2);
    assert_eq!(of(log.open('b', 8, 3, &[reference])), []);
    // The snapshot was taken of the restored parent: the child is of another life.
    let history = history([split().open('a', 5, 3, &["1"]).edits('a', 7..=9, 4)]);
    let starts = snapshot(&history, &[('a', 8)]);
    assert!(starts.ended().contains(&region('b')));
}
