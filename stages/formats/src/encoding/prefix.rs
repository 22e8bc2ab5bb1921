//! PREFIX: `PrefixKeyDeltaEncoder`.

use super::current::Current;
use super::key_buffer::KeyBuffer;
use crate::input::{Fault, Input};

/// `uvarint key rest length, uvarint value length, uvarint common length, key rest, value`.
#[inline]
pub(super) fn decode_key_value<'a>(
    input: &mut Input<'a>,
    key: &mut KeyBuffer,
    current: &mut Current<'a>,
) -> Result<(), Fault> {
    let rest_length = input.uvarint_length("the key length of a cell")?;
    let value_length = input.uvarint_length("the value length of a cell")?;
    let common = input.uvarint_length("the shared length of a cell")?;
    key.replace_rest(input, common, rest_length)?;
    current.read_key(key.bytes())?;
    current.value = input.take(value_length, "the value of a cell")?;
    Ok(())
}
