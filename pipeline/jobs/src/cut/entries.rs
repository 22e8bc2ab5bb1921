//! Entries that two batches claim with different cells: whoever reads such a cut cannot tell which is right, so it is refused.

use super::ReplayBatch;
use crate::convert::unread;
use catalog::{CatalogError, StoredBatch};
use history::Replay;
use names::{EncodedRegionName, TableName};
use stage::Failure;
use std::collections::BTreeMap;
use steps::{Conflict, compare_batches};
use store::Store;

/// Refuses a cut in which two batches have different cells under one id. Only batches that have ids of one region in common
/// are opened: a WAL and recovered edits, or a log that was split twice.
pub fn refuse_conflicts(
    store: &dyn Store,
    batches: &BTreeMap<TableName, Vec<ReplayBatch>>,
    replay: &Replay,
) -> Result<(), Failure> {
    for (table, batches) in batches {
        let mut opened = BTreeMap::new();
        for (one, other, region) in overlapping(batches) {
            let Some(wanted) = replay.regions().get(region) else { continue };
            let (Some(left), Some(right)) =
                (open(store, batches, one, &mut opened)?, open(store, batches, other, &mut opened)?)
            else {
                continue;
            };
            let within = |batch: &StoredBatch| {
                let groups = (0..).zip(batch.groups()).filter(|(_, group)| {
                    group.region == region.as_str()
                        && group.first_sequence <= wanted.through
                        && group.last_sequence >= wanted.first()
                });
                groups.map(|(number, _)| number).collect::<Vec<usize>>()
            };
            let compared = compare_batches((&left, within(&left)), (&right, within(&right)));
            match compared {
                Ok(Some(found)) if found.sequence <= wanted.through && found.sequence >= wanted.first() => {
                    return Err(refusal(table, &batches[one], &batches[other], &found));
                }
                // What cannot be read is told by whoever reads it.
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// Pairs of batches that have ids of a region in common.
fn overlapping(batches: &[ReplayBatch]) -> Vec<(usize, usize, &EncodedRegionName)> {
    let mut by_region: BTreeMap<&EncodedRegionName, Vec<(u64, u64, usize)>> = BTreeMap::new();
    for (number, batch) in batches.iter().enumerate() {
        for (region, (first, last)) in &batch.bounds {
            by_region.entry(region).or_default().push((*first, *last, number));
        }
    }
    let mut pairs = Vec::new();
    for (region, mut runs) in by_region {
        runs.sort_unstable();
        for (at, (_, last, one)) in runs.iter().enumerate() {
            let behind = runs.iter().skip(at + 1).take_while(|(first, ..)| first <= last);
            pairs.extend(behind.map(|(.., other)| (*one, *other, region)));
        }
    }
    pairs
}

type Opened = BTreeMap<usize, Option<std::rc::Rc<StoredBatch>>>;

fn open(
    store: &dyn Store,
    batches: &[ReplayBatch],
    number: usize,
    opened: &mut Opened,
) -> Result<Option<std::rc::Rc<StoredBatch>>, Failure> {
    if let Some(known) = opened.get(&number) {
        return Ok(known.clone());
    }
    let Some(batch) = batches.get(number) else { return Ok(None) };
    let batch = match catalog::open_batch(store, &batch.wal.path) {
        Ok(batch) => Some(std::rc::Rc::new(batch)),
        // Whoever reads it says so.
        Err(CatalogError::Damaged { .. }) => None,
        Err(error) => return Err(unread(store, error)),
    };
    opened.insert(number, batch.clone());
    Ok(batch)
}

fn refusal(table: &TableName, one: &ReplayBatch, other: &ReplayBatch, found: &Conflict) -> Failure {
    let Conflict { region, sequence } = found;
    let wrong = format!(
        "{} and {} have different cells under sequence id {sequence} of region {region} of {}; neither can be trusted over the \
         other",
        one.wal.stem,
        other.wal.stem,
        table.full_form()
    );
    Failure::refused("making the cut", &one.wal.path, wrong).hint(
        "see whether one of the files belongs to another cluster or to a table of the same name: delete its batch and markers; \
         or take a cut in front of it",
    )
}
