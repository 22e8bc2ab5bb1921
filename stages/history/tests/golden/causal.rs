use std::collections::BTreeMap;

use history::{
    ClockLevel, Clocks, Dependency, EntryId, Located, Starts, at_marker, at_time, clock_level, frontier,
    trim, violations,
};

use crate::root::{GoldenSet, golden_set, lines, unhex};

/// Every node of the chains: what it depends on directly, and the entry it is in.
fn dependencies(set: &GoldenSet) -> (usize, Vec<(EntryId, EntryId)>) {
    let mut events: BTreeMap<u64, EntryId> = BTreeMap::new();
    let mut pairs = Vec::new();
    for node in lines(&set.directory.join("events.jsonl")) {
        let text = |key: &str| node[key].as_str().unwrap();
        let column = (
            text("table").to_owned(),
            unhex(text("row")),
            text("family").as_bytes().to_vec(),
            unhex(text("qualifier")),
        );
        let [(region, sequence)] = set.columns[&column][..] else { panic!("{node} was put more than once") };
        let event = EntryId { region, sequence };
        for cause in node["deps"].as_array().unwrap() {
            pairs.push((events[&cause.as_u64().unwrap()], event));
        }
        events.insert(node["n"].as_u64().unwrap(), event);
    }
    (events.len(), pairs)
}

#[test]
fn hbases_roll_cut_breaks_causality_and_ours_does_not() {
    let Some(set) = golden_set("causal-1") else { return };
    let (nodes, pairs) = dependencies(&set);
    assert_eq!((nodes, pairs.len()), (3360, 3352));
    let declared: Vec<Dependency> = pairs
        .iter()
        .map(|(cause, effect)| Dependency { cause: Located::Entry(*cause), effect: Located::Entry(*effect) })
        .collect();
    for (name, without_cause, without_ancestor) in [("m1", 12, 19), ("m2", 26, 47), ("m3", 15, 36)] {
        let marker = set.marker(name);
        let opened: Vec<&str> = marker.servers.values().flatten().map(|wal| wal.as_str()).collect();
        // HBase's: every entry of a WAL older than the one that the roll opened on its server.
        let roll = |event: EntryId| {
            let files = &set.in_file[&(event.region, event.sequence)];
            files.iter().any(|file| {
                let group = file.rsplit_once('.').unwrap().0;
                opened.iter().any(|wal| wal.starts_with(group) && file.as_str() < *wal)
            })
        };
        let theirs = violations(&pairs, roll);
        assert_eq!(
            (theirs.without_cause, theirs.without_ancestor),
            (without_cause, without_ancestor),
            "{name}"
        );

        let asked = at_marker(&set.history, &marker);
        let untrimmed = violations(&pairs, |event| asked.contains(&event.region, event.sequence));
        let ours = trim(&set.history, &Starts::default(), &asked, &declared);
        let found = violations(&pairs, |event| ours.cut.contains(&event.region, event.sequence));
        assert_eq!((found.without_cause, found.without_ancestor), (0, 0), "{name}");
        assert!(ours.in_files.is_empty());
        println!(
            "{name}: HBase's roll cut {theirs:?}; prefixes alone {untrimmed:?}; trimmed {found:?}, {} taken out",
            ours.trimmed.len()
        );
        // The cut at the roll's time is causal by itself here: the test cluster has one clock.
        let time = at_time(&set.history, marker.created_ms, &Clocks::default());
        let by_time = violations(&pairs, |event| time.contains(&event.region, event.sequence));
        assert_eq!(by_time.without_cause, 0);
    }
}

#[test]
fn an_effect_without_its_cause_is_among_the_uncertain() {
    let Some(set) = golden_set("causal-1") else { return };
    let (_, pairs) = dependencies(&set);
    for bound in [0, 5, 50] {
        let clocks = Clocks::within(bound);
        let frontier = frontier(&set.history, &clocks);
        for name in ["m1", "m2", "m3"] {
            let cut = at_marker(&set.history, &set.marker(name));
            let found = violations(&pairs, |event| cut.contains(&event.region, event.sequence));
            let level = clock_level(&set.history, &Starts::default(), &cut, &clocks, &frontier);
            let ClockLevel::Bounded { uncertain_in, .. } = level else { panic!("{level:?}") };
            assert!(found.without_ancestor <= uncertain_in, "{name}: {found:?}, {level:?}");
            let time = at_time(&set.history, set.marker(name).created_ms, &clocks);
            let by_time = clock_level(&set.history, &Starts::default(), &time, &clocks, &frontier);
            println!("{name}, clocks within {bound} ms: marker {level:?}, time {by_time:?}");
            if bound == 0 {
                assert_eq!(
                    by_time,
                    ClockLevel::Bounded { uncertain_in: 0, uncertain_out: 0, undated_regions: 0 }
                );
            }
        }
    }
    let cut = at_marker(&set.history, &set.marker("m1"));
    let none = Clocks::default();
    assert_eq!(
        clock_level(&set.history, &Starts::default(), &cut, &none, &frontier(&set.history, &none)),
        ClockLevel::None
    );
}
