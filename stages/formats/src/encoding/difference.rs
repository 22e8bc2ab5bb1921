//! What DIFF and FAST_DIFF have in common: a cell is a difference to the one before, and only how they mark what is
//! left out differs.

use super::current::{Current, cell_type};
use super::key_buffer::KeyBuffer;
use crate::input::{Fault, Input};

/// Lengths, and the key up to its timestamp; gives the length of the value. A length that equals that of the cell before
/// is left out.
// Every cell passes here: as a call of its own it costs a fifth more time (measured).
#[inline(always)]
pub(super) fn decode_row_and_column(
    input: &mut Input<'_>,
    same_key_length: bool,
    same_value_length: bool,
    key: &mut KeyBuffer,
    current: &mut Current<'_>,
) -> Result<usize, Fault> {
    let key_length = match same_key_length {
        false => input.uvarint_length("the key length of a cell")?,
        true => key.bytes().len(),
    };
    let value_length = match same_value_length {
        false => input.uvarint_length("the value length of a cell")?,
        true => current.value.len(),
    };
    let common = input.uvarint_length("the shared length of a cell")?;
    current.row_length = key.replace_row_and_column(input, key_length, common, current.row_length)?;
    current.family_length = key.family_length();
    Ok(value_length)
}

/// The type, after the timestamp, if it is not that of the cell before; then the key is whole.
#[inline(always)]
pub(super) fn decode_type(
    input: &mut Input<'_>,
    same_type: bool,
    key: &mut KeyBuffer,
    current: &mut Current<'_>,
) -> Result<(), Fault> {
    if !same_type {
        current.cell_type = cell_type(input.byte("the type of a cell")?)?;
    }
    key.push_timestamp_and_type(current.timestamp, current.cell_type.code());
    Ok(())
}
