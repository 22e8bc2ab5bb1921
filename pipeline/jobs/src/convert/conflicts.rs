//! Finds entries that two WALs claim with different cells: reads again only where two batches have ids of one region
//! in common. What earlier runs converted is compared, too.

use catalog::{CatalogError, ListedWal, StoredBatch};
use stage::{Failure, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::edits::compare_batches;
use store::Store;

/// The ids of one region in one batch.
struct RegionIds {
    first: u64,
    last: u64,
    batch: usize,
}

/// Compares the batches of a table that are new (`stems`) with all others of the table.
pub fn find_conflicts(
    target: &dyn Store,
    table: &str,
    stems: &BTreeSet<String>,
    problems: &mut Problems,
) -> Result<(), Failure> {
    let listed = catalog::list_batches(target, table).map_err(|error| error.failed(super::READING))?;
    let listed = catalog::latest(listed);
    let mut batches: Vec<(ListedWal, StoredBatch)> = Vec::new();
    let mut regions: BTreeMap<String, Vec<RegionIds>> = BTreeMap::new();
    for wal in listed {
        match catalog::open_batch(target, &wal.path) {
            Ok(batch) => {
                ids_of(&batch, batches.len(), &mut regions);
                batches.push((wal, batch));
            }
            Err(CatalogError::Damaged { path, what }) => problems.push(
                Problem::new(ProblemKind::Structure, path, what)
                    .in_table(table)
                    .hint("delete this batch and its markers: the next run makes them again if the WAL is still there"),
            ),
            Err(error) => return Err(error.failed(super::READING)),
        }
    }
    for (region, runs) in &mut regions {
        compare_region(region, runs, &batches, stems, &mut |problem: Problem| {
            problems.push(problem.in_table(table))
        });
    }
    Ok(())
}

fn ids_of(batch: &StoredBatch, number: usize, regions: &mut BTreeMap<String, Vec<RegionIds>>) {
    for (region, groups) in batch.regions() {
        let groups = groups.filter_map(|group| batch.groups().get(group));
        let ids = groups.map(|group| (group.first_sequence, group.last_sequence));
        let Some((first, last)) = ids.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) else {
            continue;
        };
        regions.entry(region.to_owned()).or_default().push(RegionIds { first, last, batch: number });
    }
}

/// Compares the batches of a region with those that begin before they end.
fn compare_region(
    region: &str,
    runs: &mut [RegionIds],
    batches: &[(ListedWal, StoredBatch)],
    stems: &BTreeSet<String>,
    tell: &mut dyn FnMut(Problem),
) {
    runs.sort_by_key(|run| (run.first, run.last, run.batch));
    for (number, run) in runs.iter().enumerate() {
        for other in runs.iter().skip(number + 1).take_while(|other| other.first <= run.last) {
            let (Some((one_wal, one)), Some((other_wal, two))) =
                (batches.get(run.batch), batches.get(other.batch))
            else {
                continue;
            };
            if !(stems.contains(&one_wal.stem) || stems.contains(&other_wal.stem)) {
                continue;
            }
            match compare_batches(one, two, region, (0, u64::MAX)) {
                Ok(None) => {}
                Ok(Some(conflict)) => tell(
                    Problem::new(
                        ProblemKind::Cells,
                        &one_wal.stem,
                        format!("has an entry with id {} with other cells than {}", conflict.sequence, other_wal.stem),
                    )
                    .in_region(conflict.region)
                    .meaning("both are kept; none of the two can be trusted over the other")
                    .hint("see whether one of the files belongs to another cluster or to a table of the same name"),
                ),
                Err(error) => {
                    let what = format!("cannot be compared with {}: {error}", other_wal.stem);
                    tell(Problem::new(ProblemKind::Structure, &one_wal.path, what));
                }
            }
        }
    }
}
