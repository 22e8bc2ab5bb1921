//! Finds entries that two WALs claim with different cells.

use columns::batch::{BatchCell, BatchCursor, BatchFile};
use columns::{ChunkReader, ReadError};
use formats::cell::CellRef;

/// The first entry that two batches both have, and not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Encoded name of the region.
    pub region: String,
    /// Sequence id of the entry.
    pub sequence: u64,
}

/// Compares two ascending runs of row groups of one region, from the first batch and from the other: entries that
/// both have must have the same cells. Holds a part of a row group of each.
///
/// # Errors
/// One of them cannot be read.
pub fn compare_batches<R: ChunkReader + Clone + 'static>(
    one: (&BatchFile<R>, Vec<usize>),
    other: (&BatchFile<R>, Vec<usize>),
) -> Result<Option<Conflict>, ReadError> {
    let (mut one, mut other) = (one.0.edits(one.1), other.0.edits(other.1));
    let (mut more_one, mut more_other) = (one.advance()?, other.advance()?);
    while more_one && more_other {
        let (Some(left), Some(right)) = (one.cell(), other.cell()) else { break };
        match left.cell.sequence.cmp(&right.cell.sequence) {
            std::cmp::Ordering::Less => more_one = one.advance()?,
            std::cmp::Ordering::Greater => more_other = other.advance()?,
            std::cmp::Ordering::Equal => {
                let (region, sequence) = (left.region.to_owned(), left.cell.sequence);
                if !same_entry(&mut one, &mut other, sequence, (&mut more_one, &mut more_other))? {
                    return Ok(Some(Conflict { region, sequence }));
                }
            }
        }
    }
    Ok(None)
}

/// Goes over an entry in both.
fn same_entry<R: ChunkReader + Clone + 'static>(
    one: &mut BatchCursor<R>,
    other: &mut BatchCursor<R>,
    sequence: u64,
    more: (&mut bool, &mut bool),
) -> Result<bool, ReadError> {
    fn within(cell: Option<BatchCell<'_>>, sequence: u64) -> Option<(u32, CellRef<'_>)> {
        cell.filter(|cell| cell.cell.sequence == sequence).map(|cell| (cell.index, cell.cell))
    }
    loop {
        match (within(one.cell(), sequence), within(other.cell(), sequence)) {
            (None, None) => return Ok(true),
            (left, right) if left != right => return Ok(false),
            _ => {}
        }
        (*more.0, *more.1) = (one.advance()?, other.advance()?);
    }
}
