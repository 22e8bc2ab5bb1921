//! Entries that two batches claim with different cells: whoever reads such a cut cannot tell which is right, so it is refused.

use super::ReplayBatch;
use crate::convert::unread;
use catalog::{CatalogError, StoredBatch};
use history::Replay;
use names::{EncodedRegionName, TableName};
use stage::{Failure, Problem, ProblemKind};
use std::collections::BTreeMap;
use steps::{Conflict, compare_batches};
use store::Store;

/// Refuses a cut in which two batches have different cells under one id. Only batches that have ids of one region in common
/// are opened: a WAL and recovered edits, or a log that was split twice.
pub fn refuse_conflicts(
    store: &dyn Store,
    batches: &BTreeMap<TableName, Vec<ReplayBatch>>,
    replay: &Replay,
    problems: &mut Vec<Problem>,
) -> Result<(), Failure> {
    for (table, batches) in batches {
        let mut opened = BTreeMap::new();
        for (one, other, region) in overlapping(batches) {
            let Some(wanted) = replay.regions().get(region) else { continue };
            let (Some(left), Some(right)) = (
                open(store, batches, one, &mut opened, problems)?,
                open(store, batches, other, &mut opened, problems)?,
            ) else {
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
                Ok(_) => {}
                // Which of the two it is does not matter: both have entries of these ids.
                Err(error) => {
                    problems.push(unreadable(
                        &batches[one],
                        format!("{error} (or in {})", batches[other].wal.path),
                    ));
                }
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
    problems: &mut Vec<Problem>,
) -> Result<Option<std::rc::Rc<StoredBatch>>, Failure> {
    if let Some(known) = opened.get(&number) {
        return Ok(known.clone());
    }
    let Some(batch) = batches.get(number) else { return Ok(None) };
    let found = match catalog::open_batch(store, &batch.wal.path) {
        Ok(batch) => Some(std::rc::Rc::new(batch)),
        Err(CatalogError::Damaged { what, .. }) => {
            problems.push(unreadable(batch, what));
            None
        }
        Err(error) => return Err(unread(store, error)),
    };
    opened.insert(number, found.clone());
    Ok(found)
}

/// A batch of the cut that cannot be read: whether its entries are those of another one is not known, and its edits are missing.
pub fn unreadable(batch: &ReplayBatch, what: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemKind::Structure, &batch.wal.path, what)
        .meaning("edits of this batch are in the cut and cannot be read")
        .hint("delete it and run convert again, if the WAL is still there")
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
