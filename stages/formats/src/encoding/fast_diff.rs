//! FAST_DIFF: `FastDiffDeltaEncoder`.

use super::current::Current;
use super::difference::{decode_row_and_column, decode_type};
use super::key_buffer::KeyBuffer;
use crate::input::{Fault, Input};

/// How many of the timestamp's first bytes equal the last one's.
pub(super) const TIMESTAMP_COMMON: u8 = 7;
pub(super) const SAME_KEY_LENGTH: u8 = 1 << 3;
pub(super) const SAME_VALUE_LENGTH: u8 = 1 << 4;
pub(super) const SAME_TYPE: u8 = 1 << 5;
pub(super) const SAME_VALUE: u8 = 1 << 6;

/// Flag, lengths, key without family, timestamp, type, value; what equals the last cell is left out.
#[inline]
pub(super) fn decode_key_value<'a>(
    input: &mut Input<'a>,
    key: &mut KeyBuffer,
    current: &mut Current<'a>,
) -> Result<(), Fault> {
    let flag = input.byte("the flag of a cell")?;
    if key.is_first() {
        return decode_first(input, flag, key, current);
    }
    let (same_key, same_value) = (flag & SAME_KEY_LENGTH != 0, flag & SAME_VALUE_LENGTH != 0);
    let value_length = decode_row_and_column(input, same_key, same_value, key, current)?;
    current.timestamp = decode_timestamp(input, flag, current.timestamp)?;
    decode_type(input, flag & SAME_TYPE != 0, key, current)?;
    if flag & SAME_VALUE == 0 {
        current.value = input.take(value_length, "the value of a cell")?;
    } else if value_length != current.value.len() {
        return Err(Fault::Corrupt("a cell has the value of the cell before, but another length"));
    }
    Ok(())
}

/// The first cell has its lengths and its whole key.
fn decode_first<'a>(
    input: &mut Input<'a>,
    flag: u8,
    key: &mut KeyBuffer,
    current: &mut Current<'a>,
) -> Result<(), Fault> {
    let key_length = input.uvarint_length("the key length of a cell")?;
    let value_length = input.uvarint_length("the value length of a cell")?;
    let common = input.uvarint_length("the shared length of a cell")?;
    if flag != 0 || common != 0 {
        return Err(Fault::Corrupt("the first cell of the block is a difference to a cell before"));
    }
    key.replace_rest(input, 0, key_length)?;
    current.read_key(key.bytes())?;
    let mut family = Input::new(key.bytes());
    family.take(2 + current.row_length, "a row")?;
    let family = family.take(1 + current.family_length, "a family")?.to_vec();
    key.set_family(&family);
    current.value = input.take(value_length, "the value of a cell")?;
    Ok(())
}

#[inline]
fn decode_timestamp(input: &mut Input<'_>, flag: u8, last: i64) -> Result<i64, Fault> {
    let common = usize::from(flag & TIMESTAMP_COMMON);
    let stored = input.take(8 - common, "the timestamp of a cell")?;
    let kept = last & (-1_i64).checked_shl(64 - 8 * common as u32).unwrap_or(0);
    Ok(stored.iter().fold(0, |number, byte| (number << 8) | i64::from(*byte)) | kept)
}
