//! DIFF: `DiffKeyDeltaEncoder`.

use super::current::Current;
use super::difference::{decode_row_and_column, decode_type};
use super::key_buffer::KeyBuffer;
use crate::input::{Fault, Input};

pub(super) const SAME_KEY_LENGTH: u8 = 1;
pub(super) const SAME_VALUE_LENGTH: u8 = 1 << 1;
pub(super) const SAME_TYPE: u8 = 1 << 2;
pub(super) const TIMESTAMP_IS_DIFFERENCE: u8 = 1 << 3;
pub(super) const TIMESTAMP_LENGTH_SHIFT: u32 = 4;
pub(super) const TIMESTAMP_IS_NEGATIVE: u8 = 1 << 7;

const NEEDS_LAST: u8 = SAME_KEY_LENGTH | SAME_VALUE_LENGTH | SAME_TYPE | TIMESTAMP_IS_DIFFERENCE;

/// The family of all cells of the block stands at its start.
pub(super) fn decode_family(input: &mut Input<'_>, key: &mut KeyBuffer) -> Result<(), Fault> {
    let mut length_input = *input;
    let length = length_input.byte("the length of the block's family")?;
    key.set_family(input.take(1 + usize::from(length), "the block's family")?);
    Ok(())
}

/// Flag, lengths, key without family, timestamp, type, value; what equals the last cell is left out.
#[inline]
pub(super) fn decode_key_value<'a>(
    input: &mut Input<'a>,
    key: &mut KeyBuffer,
    current: &mut Current<'a>,
) -> Result<(), Fault> {
    let flag = input.byte("the flag of a cell")?;
    if key.is_first() && flag & NEEDS_LAST != 0 {
        return Err(Fault::Corrupt("the first cell of the block is a difference to a cell before"));
    }
    let (same_key, same_value) = (flag & SAME_KEY_LENGTH != 0, flag & SAME_VALUE_LENGTH != 0);
    let value_length = decode_row_and_column(input, same_key, same_value, key, current)?;
    current.timestamp = decode_timestamp(input, flag, current.timestamp)?;
    decode_type(input, flag & SAME_TYPE != 0, key, current)?;
    current.value = input.take(value_length, "the value of a cell")?;
    Ok(())
}

/// 1 to 8 bytes, the lowest first; a whole timestamp or what it is less than the last.
#[inline]
fn decode_timestamp(input: &mut Input<'_>, flag: u8, last: i64) -> Result<i64, Fault> {
    let length = usize::from((flag >> TIMESTAMP_LENGTH_SHIFT) & 7) + 1;
    let bytes = input.take(length, "the timestamp of a cell")?;
    let mut number = bytes.iter().rev().fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
    if flag & TIMESTAMP_IS_NEGATIVE != 0 {
        number = number.wrapping_neg();
    }
    Ok(if flag & TIMESTAMP_IS_DIFFERENCE == 0 { number } else { last.wrapping_sub(number) })
}
