//! Cells that lie whole in the block: no encoding, and ROW_INDEX_V1. `NoneEncoder`, `RowIndexEncoderV1`.

use super::current::Current;
use crate::input::{Fault, Input};

/// `[i32 key length][i32 value length][key][value]`.
#[inline]
pub(super) fn decode_key_value<'a>(input: &mut Input<'a>, current: &mut Current<'a>) -> Result<(), Fault> {
    let key_length = input.length("the key length of a cell")?;
    let value_length = input.length("the value length of a cell")?;
    let key = input.take(key_length, "the key of a cell")?;
    current.read_key(key)?;
    current.flat_key = key;
    current.value = input.take(value_length, "the value of a cell")?;
    Ok(())
}

/// The offsets of ROW_INDEX_V1 that are still to come: one for the first cell of each row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowOffsets<'a> {
    left: &'a [[u8; 4]],
}

impl<'a> RowOffsets<'a> {
    /// Splits a block body `[cells][i32 n][n × i32 offset][i32 length of the cells]` into cells and offsets.
    pub(super) fn split(body: &'a [u8]) -> Result<(&'a [u8], Self), Fault> {
        let wrong = Fault::Corrupt("the row index at the block's end does not fit the block");
        let (rest, length) = body.split_last_chunk::<4>().ok_or(Fault::Truncated("a row index"))?;
        let (cells, index) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(wrong)?;
        let (count, offsets) = index.split_first_chunk::<4>().ok_or(wrong)?;
        let (left, over) = offsets.as_chunks::<4>();
        let fits = left.len() == u32::from_be_bytes(*count) as usize && over.is_empty();
        if fits { Ok((cells, Self { left })) } else { Err(wrong) }
    }

    /// Checks the offset of a row that starts at `offset` in the cells.
    #[inline]
    pub(super) fn expect(&mut self, offset: usize) -> Result<(), Fault> {
        match self.left.split_first() {
            Some((next, left)) if u32::from_be_bytes(*next) as usize == offset => {
                self.left = left;
                Ok(())
            }
            _ => Err(Fault::Corrupt("the block's row index does not have the offset of this row")),
        }
    }

    /// Checks that no row is left.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        if self.left.is_empty() {
            return Ok(());
        }
        Err(Fault::Corrupt("the block's row index names rows that the block does not have"))
    }
}
