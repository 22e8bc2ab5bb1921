use crate::cell::{KEY_OVERHEAD, MAX_ROW_LENGTH};
use crate::input::{Fault, Input};

/// Timestamp and type, after the qualifier.
const TIMESTAMP_TYPE: usize = 9;

/// The last key, rebuilt from differences. It never grows beyond the bytes that were read (and one family).
#[derive(Debug, Default)]
pub(super) struct KeyBuffer {
    bytes: Vec<u8>,
    /// `[u8 length][family]`: DIFF and FAST_DIFF store it once a block.
    family: Vec<u8>,
}

impl KeyBuffer {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.family.clear();
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether no cell came yet.
    pub(super) fn is_first(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn set_family(&mut self, family_with_length: &[u8]) {
        self.family.clear();
        self.family.extend_from_slice(family_with_length);
    }

    pub(super) fn family_length(&self) -> usize {
        self.family.len().saturating_sub(1)
    }

    /// A key that shares `common` bytes with the last and stores `rest_length` more.
    #[inline]
    pub(super) fn replace_rest(
        &mut self,
        input: &mut Input<'_>,
        common: usize,
        rest_length: usize,
    ) -> Result<(), Fault> {
        if common > self.bytes.len() {
            return Err(Fault::Corrupt("a cell shares more bytes with the key before than that has"));
        }
        let rest = input.take(rest_length, "a key")?;
        self.bytes.truncate(common);
        self.bytes.extend_from_slice(rest);
        Ok(())
    }

    /// Row, family and qualifier of a key of DIFF or FAST_DIFF; returns the row's length. Timestamp and type are then
    /// to be pushed.
    #[inline]
    pub(super) fn replace_row_and_column(
        &mut self,
        input: &mut Input<'_>,
        key_length: usize,
        common: usize,
        last_row_length: usize,
    ) -> Result<usize, Fault> {
        let row_end = 2 + last_row_length;
        if self.is_first() || common < row_end {
            return self.replace_row(input, key_length, common);
        }
        let qualifier_start = row_end + self.family.len();
        let qualifier_end = key_length.saturating_sub(TIMESTAMP_TYPE);
        let last_qualifier_end = self.bytes.len().saturating_sub(TIMESTAMP_TYPE);
        if common < qualifier_start || common > qualifier_end || common > last_qualifier_end {
            return Err(Fault::Corrupt("the bytes shared with the key before end outside the qualifier"));
        }
        self.replace_rest(input, common, qualifier_end - common)?;
        Ok(last_row_length)
    }

    fn replace_row(
        &mut self,
        input: &mut Input<'_>,
        key_length: usize,
        common: usize,
    ) -> Result<usize, Fault> {
        if common > self.bytes.len() {
            return Err(Fault::Corrupt("the first cell shares bytes with a key before"));
        }
        self.bytes.truncate(common);
        if common < 2 {
            self.bytes.extend_from_slice(input.take(2 - common, "a row length")?);
        }
        let length = self.bytes.first_chunk::<2>().ok_or(Fault::Truncated("a row length"))?;
        let row_length = usize::from(u16::from_be_bytes(*length));
        if row_length > MAX_ROW_LENGTH {
            return Err(Fault::Corrupt("a row is longer than 32767 bytes"));
        }
        let qualifier_length = key_length
            .checked_sub(KEY_OVERHEAD + row_length + self.family_length())
            .ok_or(Fault::Corrupt("a key is too short for its row and family"))?;
        let row_rest = (2 + row_length).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(input.take(row_rest, "a row")?);
        self.bytes.extend_from_slice(&self.family);
        self.bytes.extend_from_slice(input.take(qualifier_length, "a qualifier")?);
        Ok(row_length)
    }

    #[inline]
    pub(super) fn push_timestamp_and_type(&mut self, timestamp: i64, type_code: u8) {
        let mut tail = [0; TIMESTAMP_TYPE];
        if let Some((last, first)) = tail.split_last_mut() {
            first.copy_from_slice(&timestamp.to_be_bytes());
            *last = type_code;
        }
        self.bytes.extend_from_slice(&tail);
    }
}
