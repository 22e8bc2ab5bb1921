//! Finds entries that two WALs claim with different cells: reads again only where two batches have ids of one region
//! in common. What earlier runs converted is compared, too.

use catalog::{CatalogError, ListedWal, StoredBatch};
use stage::{Failure, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::edits::compare_batches;
use store::Store;

/// A run of row groups of one region, in one batch.
struct RegionRun {
    first: u64,
    last: u64,
    batch: usize,
    groups: Vec<usize>,
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
    let mut regions: BTreeMap<String, Vec<RegionRun>> = BTreeMap::new();
    for wal in listed {
        match catalog::open_batch(target, &wal.path) {
            Ok(batch) => {
                runs_of(&batch, batches.len(), &mut regions);
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
    for runs in regions.values_mut() {
        compare_region(runs, &batches, stems, table, problems);
    }
    Ok(())
}

fn runs_of(batch: &StoredBatch, number: usize, regions: &mut BTreeMap<String, Vec<RegionRun>>) {
    for region in batch.regions() {
        for groups in region.runs {
            let group = |number: Option<&usize>| number.and_then(|number| batch.groups().get(*number));
            let (Some(first), Some(last)) = (group(groups.first()), group(groups.last())) else { continue };
            let (first, last) = (first.first_sequence, last.last_sequence);
            regions.entry(region.region.clone()).or_default().push(RegionRun {
                first,
                last,
                batch: number,
                groups,
            });
        }
    }
}

/// Compares each run with those that begin before it ends.
fn compare_region(
    runs: &mut [RegionRun],
    batches: &[(ListedWal, StoredBatch)],
    stems: &BTreeSet<String>,
    table: &str,
    problems: &mut Problems,
) {
    runs.sort_by_key(|run| (run.first, run.last, run.batch));
    for (number, run) in runs.iter().enumerate() {
        for other in runs.iter().skip(number + 1).take_while(|other| other.first <= run.last) {
            let (Some((one_wal, one)), Some((other_wal, two))) =
                (batches.get(run.batch), batches.get(other.batch))
            else {
                continue;
            };
            if run.batch == other.batch || !(stems.contains(&one_wal.stem) || stems.contains(&other_wal.stem))
            {
                continue;
            }
            let within = |batch: &StoredBatch, of: &RegionRun, with: &RegionRun| {
                let overlaps = |number: &usize| {
                    let group = batch.groups().get(*number);
                    group.is_some_and(|group| {
                        group.first_sequence <= with.last && group.last_sequence >= with.first
                    })
                };
                of.groups.iter().copied().filter(overlaps).collect::<Vec<_>>()
            };
            match compare_batches((one, within(one, run, other)), (two, within(two, other, run))) {
                Ok(None) => {}
                Ok(Some(conflict)) => problems.push(
                    Problem::new(
                        ProblemKind::Cells,
                        &one_wal.stem,
                        format!("has an entry with id {} with other cells than {}", conflict.sequence, other_wal.stem),
                    )
                    .in_region(conflict.region)
                    .in_table(table)
                    .meaning("both are kept; neither can be trusted over the other")
                    .hint("see whether one of the files belongs to another cluster or to a table of the same name"),
                ),
                Err(error) => {
                    let what = format!("cannot be compared with {}: {error}", other_wal.stem);
                    problems.push(Problem::new(ProblemKind::Structure, &one_wal.path, what).in_table(table));
                }
            }
        }
    }
}
