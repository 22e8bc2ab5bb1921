//! Plain cells: `[i32 length]` and a KeyValue, `[i32 key length][i32 value length][key][value]` with
//! `[u16 tags length][tags]` after it iff the length has room for them (`KeyValueCodecWithTags`).

use crate::FormatError;
use crate::cell::{CellRef, CellType, encode_key, key_lengths, split_key};
use crate::input::{Fault, Input};

/// Bytes of the smallest cell: three lengths and the 12 fixed bytes of a key and one of family.
pub(super) const SMALLEST_CELL: usize = 4 + 8 + 13;

/// The longest family that a table can have.
pub(super) const MAX_FAMILY: usize = i8::MAX as usize;

/// Decodes the KeyValue of one cell.
#[inline]
pub(super) fn decode_cell(key_value: &[u8], sequence: u64) -> Result<CellRef<'_>, Fault> {
    let mut input = Input::new(key_value);
    let lengths = (input.length("a key length"), input.length("a value length"));
    let (Ok(key_length), Ok(value_length)) = lengths else { return Err(TOO_SHORT) };
    let (Ok(key), Ok(value)) = (input.take(key_length, "a key"), input.take(value_length, "a value")) else {
        return Err(TOO_SHORT);
    };
    let tags = match input.rest() {
        [] => &[],
        [high, low, tags @ ..] if usize::from(u16::from_be_bytes([*high, *low])) == tags.len() => tags,
        _ => return Err(Fault::Corrupt("the tags of a cell do not fit the cell")),
    };
    let bad_key = Fault::Corrupt("a cell's key does not hold its row and family");
    let (row_length, family_length) = key_lengths(key).ok_or(bad_key)?;
    let key = split_key(key, row_length, family_length).ok_or(bad_key)?;
    check_family(family_length)?;
    let cell_type = known_type(key.type_code)?;
    Ok(CellRef {
        row: key.row,
        family: key.family,
        qualifier: key.qualifier,
        timestamp: key.timestamp,
        cell_type,
        value,
        tags,
        sequence,
    })
}

const TOO_SHORT: Fault = Fault::Corrupt("a cell is shorter than its lengths say");

#[inline]
pub(super) fn check_family(length: usize) -> Result<(), Fault> {
    if length == 0 || length > MAX_FAMILY {
        return Err(Fault::Corrupt("a cell's family is empty or longer than 127 bytes"));
    }
    Ok(())
}

#[inline]
pub(super) fn known_type(code: u8) -> Result<CellType, Fault> {
    CellType::from_code(code).ok_or(Fault::Corrupt("a cell has a type that no cell has"))
}

/// Appends one cell, preceded by its length.
pub(super) fn encode_cell(cell: &CellRef<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let key = cell.key();
    let tags = if cell.tags.is_empty() { 0 } else { 2 + cell.tags.len() };
    let length = 8 + key.encoded_len() + cell.value.len() + tags;
    let too_large = || FormatError::too_large(format!("a cell of {length} bytes"));
    let length = i32::try_from(length).map_err(|_| too_large())?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&(key.encoded_len() as u32).to_be_bytes());
    out.extend_from_slice(&(cell.value.len() as u32).to_be_bytes());
    encode_key(&key, out)?;
    out.extend_from_slice(cell.value);
    if !cell.tags.is_empty() {
        let length = u16::try_from(cell.tags.len())
            .map_err(|_| FormatError::too_large(format!("tags of {} bytes", cell.tags.len())))?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(cell.tags);
    }
    Ok(())
}

/// The cells of one entry, in the order of the WAL. Each has the entry's sequence id.
#[derive(Debug, Clone)]
pub struct WalCells<'a> {
    input: Input<'a>,
    left: usize,
    sequence: u64,
}

impl<'a> WalCells<'a> {
    /// Iterates over cells that have been checked.
    pub(super) fn new(cells: &'a [u8], count: u32, sequence: u64) -> Self {
        Self { input: Input::new(cells), left: count as usize, sequence }
    }
}

impl<'a> Iterator for WalCells<'a> {
    type Item = CellRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let length = self.input.length("a cell").ok()?;
        decode_cell(self.input.take(length, "a cell").ok()?, self.sequence).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for WalCells<'_> {}
