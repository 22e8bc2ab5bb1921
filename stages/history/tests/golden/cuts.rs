use std::collections::{BTreeMap, BTreeSet};

use history::{
    Asked, Assumption, ClockLevel, Clocks, Closed, Cut, FileEnd, GapClass, History, Refusal, Relation,
    Replay, Starts, at_end, at_marker, at_sequences, at_snapshot, at_time, certify, check, frontier,
    region_cuts,
};

use crate::root::{GoldenSet, golden_set};

fn label_time(set: &GoldenSet, label: &str) -> i64 {
    set.label(label)["ms"].as_i64().unwrap()
}

/// A label's read points, cut to entries: SKIP_WAL writes have none.
fn assert_is_label(set: &GoldenSet, cut: &Cut, label: &str) {
    let points = set.numbers(label, "mvcc_read_point");
    for (region, entries) in set.history.regions() {
        let expected = match points.get(region) {
            Some(point) => entries.last_up_to(*point),
            // What had ended is in whole; what came later is out.
            None if set
                .history
                .lineages()
                .descendants(region)
                .iter()
                .any(|child| points.contains_key(child)) =>
            {
                set.history.last_of(region)
            }
            None => 0,
        };
        assert_eq!(cut.last(region), expected, "{label} {:?}: {region}", cut.asked);
    }
}

fn labels(set: &GoldenSet) -> Vec<String> {
    set.list("labels").iter().map(|label| label["label"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn cuts_by_time_and_by_ids_meet_at_quiet_labels() {
    for name in ["wal-plain-1", "topology-1", "multiwal-1", "basic-1"] {
        let Some(set) = golden_set(name) else { continue };
        for label in labels(&set) {
            let cut = at_time(&set.history, label_time(&set, &label), &Clocks::default());
            assert_is_label(&set, &cut, &label);
            let points = set.numbers(&label, "mvcc_read_point");
            let cut = at_sequences(&set.history, &Starts::default(), &points);
            for (region, entries) in set.history.regions() {
                let known = entries.last_up_to(cut.last(region));
                let by_time = at_time(&set.history, label_time(&set, &label), &Clocks::default());
                assert_eq!(known, by_time.last(region), "{name} {label} {region}");
            }
            println!("{name} {label}: {} regions, beyond {:?}", points.len(), cut.beyond);
        }
    }
}

#[test]
fn markers_are_where_they_were_made() {
    for name in ["wal-plain-1", "topology-1", "multiwal-1", "basic-1"] {
        let Some(set) = golden_set(name) else { continue };
        for label in ["m1", "m2"] {
            let marker = set.marker(label);
            let cut = at_marker(&set.history, &marker);
            assert_eq!(cut.unplaced, [], "{name} {label}");
            if labels(&set).iter().any(|known| known == label) {
                assert_is_label(&set, &cut, label);
            }
        }
    }
}

#[test]
fn only_what_no_file_holds_is_left_to_replay() {
    let Some(set) = golden_set("topology-1") else { return };
    for prefix in ["s1-", "s2-", "s3-", "s4-", "s5-", "s6-", "s7-"] {
        let starts = set.starts(prefix);
        let cut = at_end(&set.history);
        let frontier = frontier(&set.history, &Clocks::default());
        check(&set.history, &cut, &starts, &Clocks::default(), &frontier).unwrap();
        let regions = region_cuts(&set.history, &starts, &cut);
        for region in starts.ended() {
            assert_eq!((regions[region].entries_in, regions[region].entries_out), (0, 0));
        }
        let replayed: u64 = regions.values().map(|region| region.entries_in).sum();
        println!("{prefix}: {replayed} entries to replay up to the end");
        let nothing = region_cuts(&set.history, &starts, &at_snapshot(&set.history, &starts));
        assert_eq!(nothing.values().map(|region| region.entries_in).sum::<u64>(), 0);
    }
}

#[test]
fn a_cut_before_the_snapshot_is_refused_with_the_earliest_that_would_do() {
    let Some(set) = golden_set("topology-1") else { return };
    let history = &set.history;
    let none = Clocks::default();
    let frontier = frontier(history, &none);
    for (prefix, before) in [("s2-", "m1"), ("s4-", "s3-merge"), ("s7-", "s1")] {
        let starts = set.starts(prefix);
        let early = at_time(history, label_time(&set, before), &none);
        let Err(Refusal::BelowStart { regions, earliest }) =
            check(history, &early, &starts, &none, &frontier)
        else {
            panic!("{prefix} at {before} is not refused");
        };
        assert!(!regions.is_empty());
        let time_ms = earliest.time_ms.unwrap();
        for cut in [at_time(history, time_ms, &none), at_sequences(history, &starts, &earliest.sequences)] {
            check(history, &cut, &starts, &none, &frontier).unwrap();
        }
        let too_early = at_time(history, time_ms - 1, &none);
        assert!(check(history, &too_early, &starts, &none, &frontier).is_err(), "{prefix}");
    }
}

fn dead(history: &History) -> BTreeSet<String> {
    let groups = frontier(history, &Clocks::default()).groups.into_iter();
    groups.filter(|group| group.closed == Closed::ForEver).map(|group| group.group).collect()
}

#[test]
fn a_time_after_the_last_entries_is_beyond_the_frontier() {
    let Some(set) = golden_set("topology-1") else { return };
    assert_eq!(dead(&set.history), BTreeSet::from(["localhost%2C36735%2C1795213251721".to_owned()]));
    let none = Clocks::default();
    let frontier = frontier(&set.history, &none);
    let late = at_time(&set.history, label_time(&set, "end") + 1000, &none);
    let starts = set.starts("s7-");
    let refusal = check(&set.history, &late, &starts, &none, &frontier).unwrap_err();
    let Refusal::BeyondFrontier { reachable_ms, .. } = refusal else { panic!("{refusal:?}") };
    let cut = at_time(&set.history, reachable_ms, &none);
    assert_eq!(cut.asked, Asked::Time(reachable_ms));
    check(&set.history, &cut, &starts, &none, &frontier).unwrap();
}

#[test]
fn a_named_daughter_is_in_only_after_its_whole_parent() {
    let Some(set) = golden_set("topology-1") else { return };
    let mut points: BTreeMap<_, _> = set.numbers("end", "mvcc_read_point");
    let parent = crate::region("e18a07210606b5edf72471e17a1ea5d4");
    points.insert(parent, 74);
    let cut = at_sequences(&set.history, &Starts::default(), &points);
    let held: Vec<_> = cut.held_back.iter().map(|held| (held.region, held.parent)).collect();
    let daughters: Vec<_> = set.history.lineages().children(&parent).map(|child| (*child, parent)).collect();
    assert_eq!(held, daughters);
    assert!(daughters.iter().all(|(child, _)| cut.last(child) == 0));
}

/// The snapshots of topology-1 and the labels that follow each.
const TAKEN: [(&str, &str); 7] = [
    ("s1-", "s1"),
    ("s2-", "s2-split"),
    ("s3-", "s3-merge"),
    ("s4-", "s4-abort"),
    ("s5-", "s5-alter"),
    ("s6-", "s6-bulk"),
    ("s7-", "s7-major"),
];

#[test]
fn from_every_snapshot_every_later_label_is_certified() {
    let Some(set) = golden_set("topology-1") else { return };
    let mut sources = set.sources.clone();
    for file in sources.files.iter_mut().filter(|file| file.end == FileEnd::Unclosed) {
        file.read_ms = Some(label_time(&set, "end") + 1000);
    }
    let history = History::new(sources);
    let mut certified = 0;
    for (prefix, taken) in TAKEN {
        let starts = set.starts(prefix);
        let later =
            labels(&set).into_iter().filter(|label| label_time(&set, label) >= label_time(&set, taken));
        for label in later {
            let points = set.numbers(&label, "mvcc_read_point");
            let cuts = [
                at_time(&history, label_time(&set, &label), &Clocks::default()),
                at_sequences(&history, &starts, &points),
            ];
            for clocks in [Clocks::default(), Clocks::within(20)] {
                for cut in &cuts {
                    let certificate = certify(&history, &starts, &clocks, cut, &[]).unwrap();
                    let found = &certificate.completeness;
                    assert_eq!(found.findings, [], "{prefix} {label}");
                    assert_eq!(found.count(GapClass::Missing).ids, 0, "{prefix} {label}");
                    assert_eq!(found.count(GapClass::Ambiguous).ids, 0, "{prefix} {label}");
                    let bounded = clocks != Clocks::default();
                    assert_eq!(certificate.clock != ClockLevel::None, bounded);
                    assert_eq!(certificate.assumptions.contains(&Assumption::ClocksWithinBound), bounded);
                    assert!(certificate.assumptions.contains(&Assumption::DeadServersAreDead));
                    certified += 1;
                }
            }
        }
    }
    println!("{certified} certificates");
}

#[test]
fn a_region_that_is_neither_in_the_snapshot_nor_came_of_it_is_kept_apart() {
    let Some(set) = golden_set("topology-1") else { return };
    let (starts, end) = (set.starts("s2-"), at_end(&set.history));
    let mut found: BTreeMap<Relation, u64> = BTreeMap::new();
    for region in region_cuts(&set.history, &starts, &end).values() {
        *found.entry(region.relation).or_default() += 1;
    }
    // 8 regions; the split's parent had ended, and two are merged into one later.
    let expected = [(Relation::Snapshot, 8), (Relation::Descendant, 1), (Relation::Ended, 1)];
    assert_eq!(found, expected.into());
    let only_ta = set.starts("s2-split-ta");
    let unrelated = region_cuts(&set.history, &only_ta, &end);
    assert!(unrelated.values().any(|region| region.relation == Relation::Unrelated));
}

#[test]
fn a_replay_is_what_the_cut_holds_above_the_files() {
    let Some(set) = golden_set("topology-1") else { return };
    let end = at_end(&set.history);
    let bulk = |replay: &Replay| replay.regions().values().map(|region| region.bulk.len()).sum::<usize>();
    for prefix in ["s1-", "s2-", "s3-", "s4-", "s5-", "s6-", "s7-"] {
        let starts = set.starts(prefix);
        let replay = Replay::new(&set.history, &starts, &end);
        // Seven loads of ten files, before s6; by s7 they are compacted.
        assert_eq!(bulk(&replay), if prefix < "s6-" { 10 } else { 0 }, "{prefix}");
        let cuts = region_cuts(&set.history, &starts, &end);
        for (name, region) in replay.regions() {
            assert_eq!((region.through, region.relation), (cuts[name].last, cuts[name].relation));
            assert!(region.first() <= region.through);
        }
        let replayed = |(name, _): &(_, _)| replay.regions().contains_key(*name);
        let with_entries = cuts.iter().filter(|(_, region)| region.entries_in > 0);
        for (name, region) in with_entries.filter(|pair| !replayed(pair)) {
            assert!(matches!(region.relation, Relation::Ended | Relation::Unrelated), "{name}");
        }
        let mut seen = BTreeSet::new();
        for (name, region) in replay.in_order() {
            assert!(region.parents.is_subset(&seen), "{prefix} {name}");
            seen.insert(*name);
        }
        assert!(Replay::new(&set.history, &starts, &at_snapshot(&set.history, &starts)).is_empty());
    }
}
