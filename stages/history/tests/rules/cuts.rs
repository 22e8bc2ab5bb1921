use std::collections::BTreeMap;

use history::{
    Asked, ClockError, ClockLevel, Clocks, Closed, ClosedBecause, Dependency, EntryId, FileEnd, Frontier,
    HeldBack, History, Located, Refusal, RollMarker, Starts, Unplaced, at_end, at_marker, at_sequences,
    at_snapshot, at_time, check, clock_level, frontier, region_cuts, trim,
};

use crate::world::{
    Log, history, named_wal, recovered_edits, region, server, snapshot, snapshot_taken, sources, wal,
    wal_name,
};

fn none() -> Clocks {
    Clocks::default()
}

#[test]
fn a_cut_by_time_is_the_longest_prefix_and_keeps_equal_times() {
    let log = wal("a", 1).open('a', 2, 10, &[]).edits('a', [4], 20).edits('a', 5..=6, 30).edits('a', [7], 25);
    let history = history([log, recovered_edits().edits('a', 5..=6, 30)]);
    let last = |time| at_time(&history, time, &none()).last(&region('a'));
    // 7 was written at 25, after one written at 30: a clock went back, and a prefix holds no holes.
    assert_eq!([9, 10, 20, 25, 29, 30].map(last), [0, 3, 4, 4, 4, 7]);
}

#[test]
fn a_known_clock_corrects_the_time() {
    let log = || wal("a", 1).open('a', 2, 110, &[]).edits('a', [4], 120);
    let history = history([log(), wal("b", 1).open('b', 2, 10, &[]).edits('b', [4], 20)]);
    let clocks =
        Clocks { others: None, servers: [(server("a", 1), ClockError { low: 90, high: 110 })].into() };
    let cut = at_time(&history, 15, &clocks);
    assert_eq!((cut.last(&region('a')), cut.last(&region('b'))), (3, 3));
}

#[test]
fn a_child_is_in_only_after_its_whole_parents() {
    let parent = wal("a", 1).open('a', 2, 10, &[]).edits('a', [4], 10).close('a', 5, 30);
    let reference = "1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let child = wal("b", 1).open('b', 6, 20, &[reference]).edits('b', [8], 20).close('b', 9, 20);
    let grandchild = wal("c", 1).open('c', 10, 20, &["1.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]);
    let history = history([parent, child, grandchild]);
    let cut = at_time(&history, 25, &none());
    assert_eq!(cut.sequences(), &BTreeMap::from([(region('a'), 4)]));
    let held = |digit, parent| HeldBack { region: region(digit), parent: region(parent) };
    assert_eq!(cut.held_back, [held('b', 'a'), held('c', 'b')]);
    assert_eq!(at_time(&history, 30, &none()).last(&region('c')), 11);
    // An ancestor that is not named is whole; a region that is not, and is none, is out.
    let named = at_sequences(&history, &Starts::default(), &[(region('b'), 8)].into());
    assert_eq!(named.sequences(), &BTreeMap::from([(region('a'), 5), (region('b'), 8)]));
}

/// Two WALs on each server; the second was opened at 100.
fn rolled() -> Vec<Log> {
    let on = |host: &str, digit: char| {
        let first = wal(host, 10).open(digit, 2, 10, &[]).edits(digit, 4..=5, 99);
        [first, wal(host, 100).edits(digit, 6..=7, 100).ends(FileEnd::Unclosed)]
    };
    on("a", 'a').into_iter().chain(on("b", 'b')).collect()
}

fn marker(servers: &[(&str, u64, u64)]) -> RollMarker {
    let opened = |(host, start, created): &(&str, u64, u64)| {
        (server(host, *start), vec![wal_name(host, *start, *created)])
    };
    RollMarker { name: "m".into(), created_ms: 100, servers: servers.iter().map(opened).collect() }
}

#[test]
fn a_marker_takes_what_lies_in_older_wals() {
    let history = history(rolled());
    let cut = at_marker(&history, &marker(&[("a", 1, 100), ("b", 1, 100)]));
    assert_eq!(cut.sequences(), &BTreeMap::from([(region('a'), 5), (region('b'), 5)]));
    assert_eq!((cut.asked, cut.unplaced), (Asked::Marker("m".into()), vec![]));
}

#[test]
fn an_entry_that_was_appended_again_is_in_by_its_first_copy() {
    let mut logs = rolled();
    logs.push(recovered_edits().edits('a', 4..=7, 99));
    logs[1] = wal("a", 100).edits('a', 5..=7, 100);
    let cut = at_marker(&history(logs), &marker(&[("a", 1, 100), ("b", 1, 100)]));
    assert_eq!(cut.last(&region('a')), 5);
}

#[test]
fn a_region_that_moved_to_a_server_rolled_later_is_cut_where_its_first_entry_is_out() {
    let mut logs = rolled();
    // 6 and 7 are in a's new WAL; 8 is in b's old one, which was rolled later.
    logs[2] = wal("b", 10).edits('a', [8], 99);
    let cut = at_marker(&history(logs), &marker(&[("a", 1, 100), ("b", 1, 100)]));
    assert_eq!(cut.last(&region('a')), 5);
}

#[test]
fn a_server_that_is_not_listed_is_in_whole_if_it_was_dead() {
    let only_b = marker(&[("b", 1, 100)]);
    let unplaced = |dead| vec![Unplaced::Server { server: server("a", 1), dead }];
    let of = |logs: Vec<Log>, dead: bool| {
        let mut sources = sources(logs);
        sources.dead_servers.extend(dead.then(|| server("a", 1)));
        let cut = at_marker(&History::new(sources), &only_b);
        (cut.last(&region('a')), cut.unplaced)
    };
    assert_eq!(of(rolled(), false), (0, unplaced(false)));
    assert_eq!(of(rolled(), true), (7, vec![]));
    // It was alive after the marker.
    let mut logs = rolled();
    logs[1] = wal("a", 100).edits('a', 6..=7, 101);
    assert_eq!(of(logs, true), (0, unplaced(true)));
    // It was started after the marker.
    let late = named_wal(wal_name("a", 101, 105)).open('a', 2, 110, &[]);
    let logs = rolled().into_iter().skip(2).chain([late]).collect();
    assert_eq!(of(logs, false), (0, vec![]));
}

#[test]
fn a_group_that_is_not_listed_is_out_if_it_is_newer_than_the_roll() {
    let group = |created| {
        let name = format!("b%2C1%2C1.b%2C1%2C1.regiongroup-1.{created}");
        named_wal(name.parse().unwrap()).open('c', 2, 110, &[])
    };
    let both = marker(&[("a", 1, 100), ("b", 1, 100)]);
    for (created, expected) in
        [(101, vec![]), (99, vec![Unplaced::Group { group: "b%2C1%2C1.b%2C1%2C1.regiongroup-1".into() }])]
    {
        let cut = at_marker(&history(rolled().into_iter().chain([group(created)])), &both);
        assert_eq!((cut.last(&region('c')), cut.unplaced), (0, expected));
    }
    let cut = at_marker(&history(rolled()), &marker(&[("a", 1, 100), ("b", 1, 107)]));
    assert_eq!(cut.unplaced, [Unplaced::OpenedIsMissing { wal: "b%2C1%2C1.107".into() }]);
}

#[test]
fn a_group_is_closed_up_to_when_its_newest_wal_was_read() {
    let open = |end| wal("a", 1).open('a', 2, 50, &[]).ends(end);
    let of = |log: Log, clocks: &Clocks, dead: bool| {
        let mut sources = sources([log]);
        sources.dead_servers.extend(dead.then(|| server("a", 1)));
        let found = frontier(&History::new(sources), clocks);
        (found.groups[0].closed, found.groups[0].because)
    };
    use ClosedBecause::{LastEntry, ReadToItsEnd, ServerIsDead};
    let unclosed = || open(FileEnd::Unclosed);
    assert_eq!(of(unclosed(), &none(), false), (Closed::Until(49), LastEntry));
    assert_eq!(of(unclosed().read_at(80), &none(), false), (Closed::Until(79), ReadToItsEnd));
    assert_eq!(of(unclosed().read_at(80), &Clocks::within(5), false), (Closed::Until(74), ReadToItsEnd));
    assert_eq!(of(open(FileEnd::Torn).read_at(80), &none(), false), (Closed::Until(79), ReadToItsEnd));
    // Its successor was not read.
    assert_eq!(of(open(FileEnd::Closed).read_at(80), &none(), false), (Closed::Until(49), LastEntry));
    assert_eq!(of(open(FileEnd::Damaged).read_at(80), &none(), true), (Closed::Until(49), LastEntry));
    assert_eq!(of(unclosed(), &none(), true), (Closed::ForEver, ServerIsDead));
    let unsealed =
        [open(FileEnd::Unclosed), wal("a", 2).edits('a', [4], 60).read_at(80).ends(FileEnd::Unclosed)];
    let found = frontier(&history(unsealed), &none());
    assert_eq!(
        (found.groups[0].closed, found.groups[0].because),
        (Closed::Until(49), ClosedBecause::Unsealed)
    );
    assert!(!frontier(&history([]), &none()).reaches(0));
}

#[test]
fn a_cut_cannot_leave_out_what_the_files_hold() {
    let history = history([
        wal("a", 1).open('a', 2, 10, &[]).edits('a', 4..=6, 20).edits('a', 7..=8, 40),
        wal("b", 1).open('b', 2, 10, &[]).edits('b', 4..=6, 30),
    ]);
    let starts = snapshot(&history, &[('a', 6), ('b', 9)]);
    let frontier = frontier(&history, &none());
    let refusal = check(&history, &at_time(&history, 29, &none()), &starts, &none(), &frontier);
    let refusal = refusal.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the cut leaves out what the snapshot's files hold, and these cannot be rolled back; \
         region bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb: cut at 3, files hold entries up to 6; \
         the earliest possible time is 30 ms"
    );
    let Refusal::BelowStart { regions, earliest } = refusal else { panic!("{refusal:?}") };
    let [ref below] = regions[..] else { panic!("{regions:?}") };
    assert_eq!((below.region, below.last, below.needed), (region('b'), 3, 6));
    assert_eq!(earliest.time_ms, Some(30));
    assert_eq!(earliest.sequences, BTreeMap::from([(region('a'), 6), (region('b'), 6)]));
    for cut in [
        at_snapshot(&history, &starts),
        at_sequences(&history, &starts, &earliest.sequences),
        at_end(&history),
    ] {
        assert_eq!(check(&history, &cut, &starts, &none(), &frontier), Ok(()));
    }
}

#[test]
fn a_time_beyond_the_frontier_is_refused() {
    let history = history([wal("a", 1).open('a', 2, 10, &[]).ends(FileEnd::Unclosed).read_at(80)]);
    let frontier = frontier(&history, &none());
    let check =
        |time| check(&history, &at_time(&history, time, &none()), &Starts::default(), &none(), &frontier);
    assert_eq!(check(79), Ok(()));
    let group = Some("a%2C1%2C1".to_owned());
    let refusal = check(80).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "80 ms is beyond what has been read: the WALs of a%2C1%2C1 are known up to 79 ms"
    );
    assert_eq!(refusal, Refusal::BeyondFrontier { asked_ms: 80, reachable_ms: 79, group });
}

#[test]
fn a_cut_before_a_bulk_load_that_the_files_hold_is_refused() {
    let log = wal("a", 1).open('a', 2, 1, &[]).edits('a', [4], 1).bulk_load('a', 8, 5, &["2_SeqId_8_"]);
    let history = history([log.edits('a', [10], 6)]);
    let starts = snapshot(&history, &[('a', 8)]);
    let frontier = frontier(&history, &none());
    let refused = |last| {
        let cut = at_sequences(&history, &starts, &[(region('a'), last)].into());
        check(&history, &cut, &starts, &none(), &frontier).is_err()
    };
    assert_eq!([4, 8, 9, 10].map(refused), [true, true, false, false]);
    // The snapshot's own cut has it in, and dependencies cannot take it out.
    assert_eq!(at_snapshot(&history, &starts).last(&region('a')), 9);
    let effect = Located::Entry(EntryId { region: region('a'), sequence: 9 });
    let dependency = Dependency { cause: Located::Nowhere, effect };
    let trimmed = trim(&history, &starts, &at_end(&history), &[dependency]);
    assert_eq!((trimmed.cut.last(&region('a')), trimmed.in_files), (10, vec![0]));
}

#[test]
fn a_marker_from_before_a_crash_brings_no_edit_of_its_id_into_a_cut() {
    // The ids 5 and 6 were given to markers, and after the crash to an edit and another marker.
    let old = wal("a", 1)
        .open('a', 2, 1, &[])
        .edits('a', [4], 1)
        .compaction('a', 5, 1, &[], &[])
        .start_flush('a', 5, 1);
    let new = wal("b", 5).edits('a', 5..=7, 6);
    let history = history([old, new]);
    let servers = [(server("b", 1), vec![wal_name("b", 1, 5)]), (server("a", 1), vec![wal_name("a", 1, 2)])];
    let marker = RollMarker { name: "m".into(), created_ms: 5, servers: servers.into() };
    assert_eq!(at_marker(&history, &marker).last(&region('a')), 4);
}

#[test]
fn a_bulk_load_whose_id_was_given_again_is_dated_all_the_same() {
    // Its number was 4, the region opened above it, and the next edit got the id of the marker.
    let old = wal("a", 1).open('a', 2, 1, &[]).bulk_load('a', 4, 10, &["2_SeqId_4_"]);
    let new = wal("b", 1).edits('a', [5], 90);
    let history = history([old, new, wal("c", 1).edits('c', [4], 50)]);
    let cut = at_sequences(&history, &Starts::default(), &[(region('a'), 4), (region('c'), 4)].into());
    let regions = region_cuts(&history, &Starts::default(), &cut);
    assert_eq!(regions.get(&region('a')).map(|region| region.entries_out), Some(2));
    let level = clock_level(&history, &Starts::default(), &cut, &Clocks::within(1), &ever(&history));
    assert_eq!(level, ClockLevel::Bounded { uncertain_in: 1, uncertain_out: 1, undated_regions: 0 });
}

/// A frontier after which nothing is left to be read.
fn ever(history: &History) -> Frontier {
    Frontier { groups: Vec::new(), ..frontier(history, &none()) }
}

#[test]
fn a_cut_from_before_the_snapshot_is_refused_where_the_wals_of_its_files_are_gone() {
    // The files reach up to 40, and the first entry that is left was written at 90; the snapshot was complete at 80.
    let history = history([wal("a", 9).edits('a', 45..=46, 90)]);
    let starts = snapshot_taken(&history, &[('a', 40), ('b', 7)], 80);
    let frontier = frontier(&history, &none());
    let refused = |cut| check(&history, &cut, &starts, &none(), &frontier).is_err();
    let at = |time_ms| at_time(&history, time_ms, &none());
    assert_eq!([50, 79].map(|time_ms| refused(at(time_ms))), [true, true]);
    let Err(Refusal::BelowStart { regions, earliest }) =
        check(&history, &at(50), &starts, &none(), &frontier)
    else {
        panic!("not refused")
    };
    assert_eq!((regions.len(), earliest.time_ms), (2, Some(80)));
    assert!(!refused(at_end(&history)) && !refused(at_snapshot(&history, &starts)));
}
