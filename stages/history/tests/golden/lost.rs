//! What is taken away from a golden set must be missed.

use history::{
    Clocks, Completeness, FileEnd, GapCause, GapClass, History, IdRun, LogFile, Origin, RegionLog, Sources,
    Starts, completeness,
};

use crate::root::golden_set;

const SETS: [&str; 3] = ["wal-plain-1", "topology-1", "causal-1"];

/// Ids that are missing or may be, and findings.
fn suspicion(sources: Sources) -> (u64, usize) {
    let found: Completeness =
        completeness(&History::new(sources), &Starts::default(), None, &Clocks::default());
    let ids = found.count(GapClass::Ambiguous).ids + found.count(GapClass::Missing).ids;
    (ids, found.findings.len())
}

/// Whether some region has a later entry in another file.
fn is_continued(lost: &LogFile, sources: &Sources) -> bool {
    let last = |log: &RegionLog| {
        let markers = log.entries.markers().iter().map(|entry| entry.sequence);
        log.entries.edits().iter().map(|run| run.last).chain(markers).max()
    };
    let wals = || sources.files.iter().filter(|file| file.origin != Origin::RecoveredEdits);
    lost.regions.iter().any(|(region, log)| {
        wals().any(|file| file.regions.get(region).is_some_and(|other| last(other) > last(log)))
    })
}

#[test]
fn a_wal_that_is_gone_is_missed_where_a_region_goes_on_after_it() {
    let (mut missed, mut tails) = (0, 0);
    for name in SETS {
        let Some(set) = golden_set(name) else { continue };
        let whole = suspicion(set.sources.clone());
        for index in 0..set.sources.files.len() {
            let mut sources = set.sources.clone();
            let lost = sources.files.remove(index);
            if lost.origin == Origin::RecoveredEdits || lost.regions.is_empty() {
                continue;
            }
            if is_continued(&lost, &sources) {
                let found = suspicion(sources);
                assert!(found > whole, "{name}: {} is gone: {found:?}", lost.path);
                missed += 1;
            } else {
                // The newest of its group: the frontier shows it, no gap does.
                tails += 1;
            }
        }
    }
    println!("{missed} WALs were missed; {tails} were the last of all their regions");
}

/// Why ids of a region are free.
fn causes(sources: Sources, region: &names::EncodedRegionName) -> Vec<GapCause> {
    let found = completeness(&History::new(sources), &Starts::default(), None, &Clocks::default());
    found.gaps.iter().filter(|gap| gap.region == *region).map(|gap| gap.cause).collect()
}

#[test]
fn the_edits_of_a_region_after_which_another_file_goes_on_are_missed() {
    let (mut cut_off, mut missed) = (0, 0);
    for name in SETS {
        let Some(set) = golden_set(name) else { continue };
        let whole = suspicion(set.sources.clone());
        for (index, file) in set.sources.files.iter().enumerate() {
            for region in file.regions.keys() {
                if file.origin == Origin::RecoveredEdits {
                    continue;
                }
                let mut sources = set.sources.clone();
                // Recovered edits would give back what is taken.
                sources.files.retain(|file| file.origin != Origin::RecoveredEdits);
                let at = sources.files.iter().position(|other| other.path == file.path).unwrap();
                let lost = sources.files[at].regions.remove(region).unwrap();
                let mut alone = set.sources.files[index].clone();
                alone.regions = [(*region, lost)].into();
                if is_continued(&alone, &sources) {
                    cut_off += 1;
                    // Between WALs that follow each other the ids may have been SKIP_WAL writes: nothing is missed there.
                    let adjoining = causes(sources.clone(), region).contains(&GapCause::AdjoiningFiles);
                    missed += usize::from(adjoining || suspicion(sources) > whole);
                }
            }
        }
    }
    println!("{missed} of {cut_off} stretches of a region were missed");
    assert_eq!(missed, cut_off);
}

#[test]
fn a_torn_wal_is_missed_although_its_entries_fit() {
    for name in SETS {
        let Some(set) = golden_set(name) else { continue };
        let whole = suspicion(set.sources.clone());
        let closed = |file: &LogFile| file.origin != Origin::RecoveredEdits && file.end == FileEnd::Closed;
        for index in 0..set.sources.files.len() {
            let mut sources = set.sources.clone();
            if closed(&sources.files[index]) {
                sources.files[index].end = FileEnd::Damaged;
                assert!(suspicion(sources) > whole, "{name}: {}", set.sources.files[index].path);
            }
        }
    }
}

#[test]
fn the_one_gap_at_a_border_is_where_it_was_measured() {
    let Some(set) = golden_set("topology-1") else { return };
    let found = completeness(&set.history, &Starts::default(), None, &Clocks::default());
    assert_eq!(found.count(GapClass::Ambiguous).gaps, 0);
    let mut adjoining = found.gaps.iter().filter(|gap| gap.cause == GapCause::AdjoiningFiles);
    let gap = adjoining.next().unwrap();
    assert_eq!(gap.region, crate::region("1836fab3a94367a373a9c6c4c4f8f498"));
    assert_eq!(gap.ids, IdRun { first: 60, last: 60 });
    assert_eq!(adjoining.next(), None);
}
