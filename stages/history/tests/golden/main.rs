//! What is worked out from real WALs and snapshots, against what HBase said at the time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what they skip"
)]

mod causal;
mod cuts;
mod lost;
mod root;

use std::collections::BTreeMap;

use history::{
    Clocks, Completeness, GapCause, GapClass, History, Origin, Overlap, Sources, Starts, at_end,
    completeness, overlaps, region_cuts, store_list_breaks,
};
use names::EncodedRegionName;
use root::golden_set;

fn by_cause(found: &Completeness) -> BTreeMap<(GapClass, GapCause), u64> {
    let mut counts = BTreeMap::new();
    for gap in &found.gaps {
        *counts.entry((gap.class, gap.cause)).or_default() += gap.ids.len();
    }
    counts
}

const EXPLAINED: GapClass = GapClass::Explained;
const UNLOGGED: (GapClass, GapCause) = (GapClass::Unlogged, GapCause::WithinOneFile);

#[test]
fn every_gap_has_the_cause_that_was_measured() {
    let tables: [(&str, &[_]); 3] = [
        (
            "wal-plain-1",
            &[
                ((EXPLAINED, GapCause::StartFlush), 18),
                ((EXPLAINED, GapCause::RegionOpen), 2),
                // 20 SKIP_WAL puts.
                (UNLOGGED, 20),
            ],
        ),
        (
            "topology-1",
            &[
                ((EXPLAINED, GapCause::StartFlush), 61),
                ((EXPLAINED, GapCause::RegionOpen), 13),
                ((EXPLAINED, GapCause::BulkLoad), 7),
                // 25 SKIP_WAL puts and 4 flushes of empty memstores, less the one at a border of files.
                (UNLOGGED, 28),
                ((GapClass::Unlogged, GapCause::AdjoiningFiles), 1),
            ],
        ),
        ("causal-1", &[((EXPLAINED, GapCause::StartFlush), 28), ((EXPLAINED, GapCause::RegionOpen), 4)]),
    ];
    for (name, expected) in tables {
        let Some(set) = golden_set(name) else { continue };
        let found = completeness(&set.history, &Starts::default(), None, &Clocks::default());
        assert_eq!(by_cause(&found), expected.iter().copied().collect(), "{name}");
        assert_eq!(found.findings, [], "{name}");
        let missing: u64 = found.gaps.iter().map(|gap| gap.ids.len()).sum();
        println!("{name}: {missing} ids without an entry: {:?}", by_cause(&found));
    }
}

#[test]
fn nothing_is_missing_in_any_set() {
    for name in [
        "basic-1",
        "basic-1-hbase2.5",
        "formats-1",
        "multiwal-1",
        "topology-filetracker-1",
        "wal-dict-1",
        "wal-dict-value-1",
        "wal-dict-value-zstd-1",
        "wal-plain-1-hbase2.5",
    ] {
        let Some(set) = golden_set(name) else { continue };
        let found = completeness(&set.history, &Starts::default(), None, &Clocks::default());
        println!("{name}: {:?}", by_cause(&found));
        assert_eq!(found.findings, [], "{name}");
        assert_eq!(found.count(GapClass::Missing).gaps, 0, "{name}: {:?}", found.gaps);
    }
}

#[test]
fn exact_starts_are_what_hbase_had_flushed() {
    let snapshots: [(&str, &[(&str, &str)]); 3] = [
        ("wal-plain-1", &[("s1", "s1")]),
        (
            "topology-1",
            &[
                ("s1-", "s1"),
                ("s2-", "s2-split"),
                ("s3-", "s3-merge"),
                ("s4-", "s4-abort"),
                ("s5-", "s5-alter"),
                ("s6-", "s6-bulk"),
                ("s7-", "s7-major"),
            ],
        ),
        ("causal-1", &[("s1", "s1")]),
    ];
    for (name, snapshots) in snapshots {
        let Some(set) = golden_set(name) else { continue };
        for (prefix, label) in snapshots {
            let starts = set.starts(prefix);
            let held: BTreeMap<_, _> =
                starts.regions().iter().map(|(region, start)| (*region, start.held)).collect();
            assert_eq!(held, set.numbers(label, "max_flushed_seq"), "{name} {prefix}");
            let unknown = starts.regions().values().flat_map(|start| start.stores.values());
            assert_eq!(unknown.map(|store| store.unknown_files).sum::<usize>(), 0);
            assert_eq!(store_list_breaks(&set.history, &starts), [], "{name} {prefix}");
        }
    }
}

fn region(name: &str) -> EncodedRegionName {
    EncodedRegionName::parse(name).unwrap()
}

#[test]
fn the_split_and_the_merge_are_in_the_lineages() {
    let Some(set) = golden_set("topology-1") else { return };
    let parent = region("e18a07210606b5edf72471e17a1ea5d4");
    let daughters = [region("0897b13b8ff1f4f277adc7ca73886b59"), region("83dc28b27e64502f77e3d19c6f626e7c")];
    let merged = region("d89f0da834992ba279e7102a693ecfdf");
    let parents = [region("1ff53788691fe8c428ebeccfdc0c5867"), region("5c664ac8b2edb1210e4a5bf16784bf6d")];
    let lineages = set.history.lineages();
    assert!(lineages.children(&parent).eq(&daughters));
    assert!(lineages.parents(&merged).eq(&parents));
    for region in set.history.regions().keys() {
        let expected = usize::from(daughters.contains(region)) + 2 * usize::from(*region == merged);
        assert_eq!(lineages.ancestors(region).len(), expected, "{region}");
    }
    assert!(lineages.contradictions().is_empty());
    // The References alone show the same, and so do hbase:meta's WALs.
    let references = History::new(Sources { descents: Vec::new(), ..set.sources.clone() });
    assert_eq!(references.lineages(), lineages);
    let meta = History::new(Sources { files: Vec::new(), ..set.sources.clone() });
    assert_eq!(meta.lineages(), lineages);
}

#[test]
fn recovered_edits_are_copies_and_no_new_entries() {
    let Some(set) = golden_set("topology-1") else { return };
    let overlaps = overlaps(&set.history);
    let recovered = |overlap: &Overlap| set.history.files()[overlap.files[1]].wal().is_none();
    assert!(overlaps.iter().all(recovered));
    // 5, 4, 13 and 18 entries.
    assert_eq!(overlaps.iter().map(|overlap| overlap.ids.len()).sum::<u64>(), 40);
    let mut wals = set.sources.clone();
    wals.files.retain(|file| file.origin != Origin::RecoveredEdits);
    let wals = History::new(wals);
    let counted = |history: &History| region_cuts(history, &Starts::default(), &at_end(history));
    assert_eq!(counted(&wals), counted(&set.history));
    assert!(region_cuts(&set.history, &Starts::default(), &at_end(&set.history)).len() > 7);
}
