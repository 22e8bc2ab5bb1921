//! Finds entries that two WALs claim with different cells.

use crate::edits::held_entry::HeldEntry;
use columns::batch::BatchFile;
use columns::{ChunkReader, ReadError};

/// The first entry that two batches both have, but with different cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Encoded name of the region.
    pub region: String,
    /// Sequence id of the entry.
    pub sequence: u64,
}

/// Compares two ascending runs of row groups of one region, from the first batch and from the other: of entries that
/// both have, one copy must be the same as the other or a part of it. Holds a part of a row group of each.
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
                let (left, right);
                (left, more_one) = HeldEntry::take(&mut one, sequence)?;
                (right, more_other) = HeldEntry::take(&mut other, sequence)?;
                if !left.is_part_of(&right) && !right.is_part_of(&left) {
                    return Ok(Some(Conflict { region, sequence }));
                }
            }
        }
    }
    Ok(None)
}
