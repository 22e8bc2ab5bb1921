use history::{Clocks, FileEnd, Finding, GapCause, GapClass, Starts, at_sequences, completeness, gaps};

use history::History;

use crate::world::{history, recovered_edits, region, snapshot, sources, wal};

type Located = (u64, u64, GapClass, GapCause);

fn found(history: &History, starts: &Starts) -> Vec<Located> {
    gaps(history, starts, &Clocks::default())
        .into_iter()
        .map(|gap| (gap.ids.first, gap.ids.last, gap.class, gap.cause))
        .collect()
}

fn of(logs: impl IntoIterator<Item = crate::world::Log>) -> Vec<Located> {
    found(&history(logs), &Starts::default())
}

use GapCause as Cause;
use GapClass::{Ambiguous, Explained, Missing, Unlogged};

#[test]
fn the_number_before_a_flush_an_open_or_a_bulk_load_is_explained() {
    let log = wal("a", 1).open('a', 2, 1, &[]).edits('a', 4..=6, 1);
    let log = log.start_flush('a', 7, 1).commit_flush('a', 9, 7, 1, &["1"]).close('a', 10, 1);
    let log = log.open('a', 11, 2, &["1"]).bulk_load('a', 13, 2, &["2_SeqId_13_"]);
    let expected = [
        (7, 7, Explained, Cause::StartFlush),
        (11, 11, Explained, Cause::RegionOpen),
        (13, 13, Explained, Cause::BulkLoad),
    ];
    assert_eq!(of([log]), expected);
}

#[test]
fn what_else_is_before_a_marker_is_not() {
    let log = wal("a", 1).open('a', 2, 1, &[]).edits('a', [4], 1).bulk_load('a', 6, 1, &[]);
    assert_eq!(of([log]), [(5, 5, Unlogged, Cause::WithinOneFile), (6, 6, Explained, Cause::BulkLoad)]);
}

#[test]
fn within_one_file_nothing_was_lost_unless_bytes_were_skipped() {
    let log = || wal("a", 1).open('a', 2, 1, &[]).edits('a', [4, 7], 1);
    assert_eq!(of([log()]), [(5, 6, Unlogged, Cause::WithinOneFile)]);
    assert_eq!(of([log().with_bytes_skipped()]), [(5, 6, Missing, Cause::BytesSkipped)]);
    // Recovered edits have no markers, and no edits that were flushed: they prove nothing.
    let first = wal("a", 1).open('a', 2, 1, &[]);
    assert_eq!(of([first, recovered_edits().edits('a', [4, 7], 1)]), [(5, 6, Ambiguous, Cause::FileBorder)]);
}

#[test]
fn across_a_border_of_files_nothing_proves_which() {
    let first = || wal("a", 1).open('a', 2, 1, &[]).edits('a', [4], 1);
    let second = || wal("a", 2).edits('a', [6], 1);
    assert_eq!(of([first(), second()]), [(5, 5, Ambiguous, Cause::FileBorder)]);
    for end in [FileEnd::Torn, FileEnd::Damaged] {
        assert_eq!(of([first().ends(end), second()]), [(5, 5, Missing, Cause::BrokenFile)]);
    }
    // A copy of the lost entry closes the gap.
    assert_eq!(of([first().ends(FileEnd::Torn), second(), recovered_edits().edits('a', [5], 1)]), []);
}

#[test]
fn an_open_number_names_the_entries_before_it() {
    let first = || wal("a", 1).open('a', 2, 1, &[]).edits('a', 4..=6, 1);
    // The server died, and the region was opened elsewhere with all of its edits.
    assert_eq!(of([first(), wal("b", 1).open('a', 7, 2, &[])]), [(7, 7, Explained, Cause::RegionOpen)]);
    assert_eq!(
        of([first(), wal("b", 1).open('a', 9, 2, &[])]),
        [(7, 8, Missing, Cause::OpenNumber), (9, 9, Explained, Cause::RegionOpen)]
    );
    // Opened with a smaller number: markers after the last flush are not recovered.
    let flushed = wal("a", 1).open('a', 2, 1, &[]).edits('a', [4], 1);
    let flushed = flushed.start_flush('a', 5, 1).commit_flush('a', 7, 5, 1, &["1"]);
    assert_eq!(of([flushed, wal("b", 1).open('a', 6, 2, &["1"])]), [(5, 5, Explained, Cause::StartFlush)]);
}

#[test]
fn a_committed_flush_had_a_start_and_a_closed_region_an_open() {
    let first = wal("a", 1).open('a', 2, 1, &[]).edits('a', [4], 1);
    let second = wal("a", 2).commit_flush('a', 7, 5, 1, &["1"]);
    assert_eq!(of([first, second]), [(5, 6, Missing, Cause::FlushWithoutStart)]);
    let first = wal("a", 1).open('a', 2, 1, &[]).close('a', 4, 1);
    let second = wal("a", 2).edits('a', [7], 1);
    assert_eq!(of([first, second]), [(5, 6, Missing, Cause::CloseWithoutOpen)]);
}

#[test]
fn what_comes_first_must_be_the_open_or_be_in_the_files() {
    let log = || wal("a", 1).edits('a', 40..=50, 1);
    assert_eq!(of([log()]), [(1, 39, Ambiguous, Cause::BeforeFirstEntry)]);
    let history = history([log()]);
    assert_eq!(found(&history, &snapshot(&history, &[('a', 39)])), []);
    assert_eq!(found(&history, &snapshot(&history, &[('a', 45)])), []);
    assert_eq!(
        found(&history, &snapshot(&history, &[('a', 37)])),
        [(38, 39, Ambiguous, Cause::BeforeFirstEntry)]
    );
    // It was open before, for it has a file of its own.
    assert_eq!(
        of([wal("a", 1).open('a', 9, 1, &["1"])]),
        [(1, 8, Ambiguous, Cause::BeforeFirstEntry), (9, 9, Explained, Cause::RegionOpen)]
    );
    // The snapshot's own flush may be the first that is known.
    let history = crate::world::history([wal("a", 1).start_flush('a', 39, 1)]);
    assert_eq!(found(&history, &snapshot(&history, &[('a', 39)])), []);
}

#[test]
fn a_child_opens_right_after_its_parents() {
    let parent = |last: u64| wal("a", 1).open('a', 2, 1, &[]).edits('a', 4..last, 1).close('a', last, 1);
    let child = || wal("b", 1).open('b', 8, 2, &["1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]).edits('b', [10], 2);
    assert_eq!(of([parent(7), child()]), []);
    let lost = history([parent(5), child()]);
    assert_eq!(found(&lost, &Starts::default()), [(6, 7, Missing, Cause::ChildOpenNumber)]);
    // It is the cut's concern once something of the child is in.
    let of_cut = |digit, last| {
        let cut = at_sequences(&lost, &Starts::default(), &[(region(digit), last)].into());
        completeness(&lost, &Starts::default(), Some(&cut), &Clocks::default()).count(Missing).ids
    };
    assert_eq!((of_cut('a', 5), of_cut('b', 10)), (0, 2));
}

#[test]
fn a_cut_looks_no_further_than_its_ids() {
    let log = wal("a", 1).open('a', 2, 1, &[]).edits('a', [4], 1);
    let history = history([log, wal("a", 2).edits('a', [8], 1)]);
    let count = |last: u64| {
        let cut = at_sequences(&history, &Starts::default(), &[(region('a'), last)].into());
        completeness(&history, &Starts::default(), Some(&cut), &Clocks::default()).count(Ambiguous).ids
    };
    assert_eq!([count(4), count(6), count(8)], [0, 2, 3]);
}

fn findings(logs: impl IntoIterator<Item = crate::world::Log>) -> Vec<Finding> {
    completeness(&history(logs), &Starts::default(), None, &Clocks::default()).findings
}

#[test]
fn files_that_end_wrongly_are_found() {
    let log = |created| wal("a", created);
    let path = |created| log(created).0.path;
    assert_eq!(findings([log(1).ends(FileEnd::Torn)]), []);
    assert_eq!(
        findings([log(1).ends(FileEnd::Torn), log(2)]),
        [Finding::TornBeforeSuccessor { path: path(1) }]
    );
    assert_eq!(
        findings([log(1).ends(FileEnd::Unclosed), log(2).ends(FileEnd::Unclosed)]),
        [Finding::UnsealedBeforeSuccessor { path: path(1) }]
    );
    assert_eq!(findings([log(1).ends(FileEnd::Damaged)]), [Finding::DamagedFile { path: path(1) }]);
    assert_eq!(findings([log(1).with_bytes_skipped()]), [Finding::DamagedFile { path: path(1) }]);
}

#[test]
fn a_bulk_loaded_file_that_is_nowhere_is_found() {
    let log = wal("a", 1).open('a', 2, 1, &[]).bulk_load('a', 4, 1, &["1_SeqId_4_", "2_SeqId_4_"]);
    let mut sources = sources([log]);
    sources.missing_bulk_files.insert((region('a'), "2_SeqId_4_".into()));
    let history = History::new(sources);
    let missing = Finding::MissingBulkFile { region: region('a'), sequence: 5, file: "2_SeqId_4_".into() };
    let found = completeness(&history, &Starts::default(), None, &Clocks::default()).findings;
    assert!(found.contains(&missing), "{found:?}");
    // What the snapshot's files cover has been read from them.
    let starts = snapshot(&history, &[('a', 5)]);
    let found = completeness(&history, &starts, None, &Clocks::default()).findings;
    assert!(!found.iter().any(|finding| matches!(finding, Finding::MissingBulkFile { .. })), "{found:?}");
}

#[test]
fn two_files_may_hold_an_entry_but_not_two_entries_of_one_id() {
    let log = || wal("a", 1).open('a', 2, 1, &[]).edits('a', 4..=6, 10);
    assert_eq!(findings([log(), recovered_edits().edits('a', 5..=6, 10)]), []);
    let other = recovered_edits().edits('a', [5], 10).edits('a', [6], 11);
    let found = findings([log(), other]);
    assert!(matches!(found[..], [Finding::Conflict { sequence: 6, .. }]), "{found:?}");
}

#[test]
fn a_daughter_of_which_nothing_is_known_is_found() {
    let parent = || wal("a", 1).open('a', 2, 1, &[]).close('a', 4, 1);
    let daughter = || wal("a", 2).open('b', 5, 2, &["1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]);
    let split = history::Descent { parents: vec![region('a')], children: vec![region('b'), region('c')] };
    let with_split = |logs: Vec<crate::world::Log>| {
        let history = History::new(history::Sources { descents: vec![split.clone()], ..sources(logs) });
        completeness(&history, &Starts::default(), None, &Clocks::default()).findings
    };
    let unseen = Finding::UnseenChild { region: region('c'), parent: region('a') };
    assert_eq!(with_split(vec![parent(), daughter()]), [unseen]);
    // Split long ago, and one daughter was opened again.
    assert_eq!(with_split(vec![daughter()]), []);
    assert_eq!(with_split(vec![parent(), daughter(), wal("b", 1).open('c', 5, 2, &[])]), []);
}
