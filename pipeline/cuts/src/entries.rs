//! Entries that two batches claim with different cells: no reader of such a cut can know which is right, so it is
//! refused.

use crate::batch::{Batch, Unreadable};
use history::Replay;
use names::{EncodedRegionName, TableName};
use stage::Failure;
use std::collections::BTreeMap;
use steps::edits::{Conflict, compare_batches};

/// Refuses a cut in which two batches have different cells under one id. Only batches that have ids of one region in common
/// are compared: a WAL and recovered edits, or a log that was split twice.
pub fn refuse_conflicts(
    table: &TableName,
    batches: &[Batch],
    replay: &Replay,
    unreadable: &mut Unreadable,
) -> Result<(), Failure> {
    for (one, other, region) in overlapping(batches) {
        let Some(wanted) = replay.regions().get(region) else { continue };
        let (Some(left), Some(right)) = (one.file(), other.file()) else { continue };
        match compare_batches(left, right, region.as_str(), (wanted.first(), wanted.through)) {
            Ok(Some(found)) => return Err(refusal(table, one, other, &found)),
            Ok(None) => {}
            // Which of the two it is does not matter: both have entries of these ids.
            Err(error) => unreadable.tell(&one.wal, format!("{error} (or in {})", other.wal.path)),
        }
    }
    Ok(())
}

/// Pairs of batches that have ids of a region in common.
fn overlapping(batches: &[Batch]) -> Vec<(&Batch, &Batch, &EncodedRegionName)> {
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
            pairs.extend(behind.map(|(.., other)| (&batches[*one], &batches[*other], region)));
        }
    }
    pairs
}

fn refusal(table: &TableName, one: &Batch, other: &Batch, found: &Conflict) -> Failure {
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
         or take a cut before it",
    )
}
