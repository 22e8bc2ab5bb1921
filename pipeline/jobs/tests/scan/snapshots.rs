use crate::support::{cells, cut, golden_sets, meta, scan};
use cuts::Until;
use jobs::scan::Shown;

/// Raw and visible, cell for cell and in HBase's order: every kind of delete, versions, times to live of families and
/// cells, MOB values, KEEP_DELETED_CELLS, NEW_VERSION_BEHAVIOR, References and links of splits and merges, bulk-loaded
/// files.
#[test]
fn every_golden_snapshot_is_what_hbase_shows_of_its_clone() {
    let (mut tables, mut compared, mut mob_values) = (0, 0, 0);
    for set in golden_sets("snapshots") {
        for snapshot in meta(&set)["snapshots"].as_array().unwrap() {
            let (name, table) = (snapshot["name"].as_str().unwrap(), snapshot["table"].as_str().unwrap());
            for (shown, suffix) in [(Shown::Raw, ""), (Shown::AllVersions, ".visible")] {
                let truth = set.join(format!("truth/snapshot.{name}.{table}{suffix}.jsonl"));
                let truth = cells(&std::fs::read_to_string(truth).unwrap());
                let now_ms = snapshot["end_ms"].as_i64().unwrap();
                let (found, report) = scan(cut(&set.join("root"), name, Until::Snapshot), shown, now_ms);
                assert!(report.problems.is_empty(), "{} {name}: {:?}", set.display(), report.problems);
                assert_eq!(found.len(), truth.len(), "{} {name} {shown:?}", set.display());
                if let Some(at) = (0..truth.len()).find(|at| found[*at] != truth[*at]) {
                    panic!("{} {name} {shown:?}:\n{:?}\nis not\n{:?}", set.display(), found[at], truth[at]);
                }
                compared += truth.len();
                mob_values += report.result.mob_values;
            }
            tables += 1;
        }
    }
    eprintln!("{tables} snapshots, {compared} cells, {mob_values} MOB values: all as HBase shows them");
}

/// A version newer than the newest, or one more than all, would be noticed: the newest are what all versions begin with.
#[test]
fn the_newest_versions_are_the_first_of_all() {
    for set in golden_sets("newest") {
        for snapshot in meta(&set)["snapshots"].as_array().unwrap() {
            let (name, now_ms) = (snapshot["name"].as_str().unwrap(), snapshot["end_ms"].as_i64().unwrap());
            let scan = |shown| scan(cut(&set.join("root"), name, Until::Snapshot), shown, now_ms).0;
            let (newest, mut all) = (scan(Shown::Newest), scan(Shown::AllVersions));
            all.dedup_by(|next, kept| {
                (&next.row, &next.family, &next.qualifier) == (&kept.row, &kept.family, &kept.qualifier)
            });
            assert_eq!(newest, all, "{} {name}", set.display());
        }
    }
}
