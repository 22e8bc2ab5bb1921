//! Finds entries that two WALs claim with different cells.

use columns::batch::{BatchCell, BatchCursor, BatchFile};
use columns::{ChunkReader, ReadError};
use formats::cell::compare_cells;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The first entry that two batches both have, but with different cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Encoded name of the region.
    pub region: String,
    /// Sequence id of the entry.
    pub sequence: u64,
}

/// What only one of two copies of an entry has.
#[derive(Debug, Default, Clone, Copy)]
struct Only {
    one: bool,
    other: bool,
}

/// Compares the edits of one region, of these ids, in two batches: of entries that both have, one copy must be the same as the other or a
/// part of it. (Recovered edits hold the cells of the stores that had not been flushed, `WALSplitter.filterCellByStore`.)
/// Holds a part of a row group of each, and the ids that both have.
///
/// # Errors
/// One of them cannot be read.
pub fn compare_batches<R: ChunkReader + Clone + 'static>(
    one: &BatchFile<R>,
    other: &BatchFile<R>,
    region: &str,
    ids: (u64, u64),
) -> Result<Option<Conflict>, ReadError> {
    let mut both = ids_in_both(one, other, region)?;
    both.retain(|sequence| (ids.0..=ids.1).contains(sequence));
    if both.is_empty() {
        return Ok(None);
    }
    let (left, right) = (by_family(one, region), by_family(other, region));
    let mut only: HashMap<u64, Only> = HashMap::new();
    let families: std::collections::BTreeSet<&Vec<u8>> = left.keys().chain(right.keys()).copied().collect();
    for family in families {
        let groups = |of: &BTreeMap<&Vec<u8>, Vec<usize>>| of.get(family).cloned().unwrap_or_default();
        compare_family(one.cursor(groups(&left)), other.cursor(groups(&right)), &both, &mut only)?;
    }
    let differing = only.into_iter().filter(|(_, only)| only.one && only.other);
    let first = differing.map(|(sequence, _)| sequence).min();
    Ok(first.map(|sequence| Conflict { region: region.to_owned(), sequence }))
}

fn by_family<'b, R: ChunkReader + Clone + 'static>(
    batch: &'b BatchFile<R>,
    region: &str,
) -> BTreeMap<&'b Vec<u8>, Vec<usize>> {
    let mut families: BTreeMap<&Vec<u8>, Vec<usize>> = BTreeMap::new();
    for number in batch.groups_of(region) {
        if let Some(group) = batch.groups().get(number) {
            families.entry(&group.family).or_default().push(number);
        }
    }
    families
}

fn ids_in_both<R: ChunkReader + Clone + 'static>(
    one: &BatchFile<R>,
    other: &BatchFile<R>,
    region: &str,
) -> Result<HashSet<u64>, ReadError> {
    let ids = |batch: &BatchFile<R>| {
        let mut ids = HashSet::new();
        batch
            .each_entry(batch.groups_of(region), |sequence, _| {
                ids.insert(sequence);
            })
            .map(|()| ids)
    };
    let (one, other) = (ids(one)?, ids(other)?);
    Ok(one.intersection(&other).copied().collect())
}

/// Goes through the cells of the entries that both have, in their common order, and notes what only one of them has.
fn compare_family<R: ChunkReader + Clone + 'static>(
    mut one: BatchCursor<R>,
    mut other: BatchCursor<R>,
    both: &HashSet<u64>,
    only: &mut HashMap<u64, Only>,
) -> Result<(), ReadError> {
    let next = |cursor: &mut BatchCursor<R>| loop {
        if !cursor.advance()? {
            return Ok::<bool, ReadError>(false);
        }
        if cursor.sequence().is_some_and(|sequence| both.contains(&sequence)) {
            return Ok(true);
        }
    };
    let (mut more_one, mut more_other) = (next(&mut one)?, next(&mut other)?);
    while more_one || more_other {
        let order = match (one.cell().filter(|_| more_one), other.cell().filter(|_| more_other)) {
            (Some(left), Some(right)) => {
                let order = compare_cells(&left.cell, &right.cell);
                if order == Ordering::Equal && !is_same(&left, &right) {
                    // One has this value, and the other that.
                    only.insert(left.cell.sequence, Only { one: true, other: true });
                }
                order
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(()),
        };
        if let (Ordering::Less, Some(sequence)) = (order, one.sequence()) {
            only.entry(sequence).or_default().one = true;
        }
        if let (Ordering::Greater, Some(sequence)) = (order, other.sequence()) {
            only.entry(sequence).or_default().other = true;
        }
        if order != Ordering::Greater {
            more_one = next(&mut one)?;
        }
        if order != Ordering::Less {
            more_other = next(&mut other)?;
        }
    }
    Ok(())
}

fn is_same(one: &BatchCell<'_>, other: &BatchCell<'_>) -> bool {
    one.cell.value == other.cell.value && one.cell.tags == other.cell.tags
}
