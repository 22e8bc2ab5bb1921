//! The KeyValue key: `[u16 row length][row][u8 family length][family][qualifier][i64 timestamp][u8 type]`.

use crate::FormatError;

/// What a key has besides row, family and qualifier: two lengths, timestamp and type.
pub const KEY_OVERHEAD: usize = 12;

/// The longest row that HBase's signed 16-bit length can express.
pub const MAX_ROW_LENGTH: usize = i16::MAX as usize;

/// The timestamp and the type at a key's end.
const TIMESTAMP_TYPE: usize = 9;

/// A decoded KeyValue key. In an index it may be a made-up separator, so its type can be one that no cell has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef<'a> {
    /// Row key.
    pub row: &'a [u8],
    /// Column family; empty in search keys.
    pub family: &'a [u8],
    /// Column qualifier.
    pub qualifier: &'a [u8],
    /// Timestamp; `i64::MAX` in search keys.
    pub timestamp: i64,
    /// Code of the type; 0 (Minimum) and 255 (Maximum) stand only in search keys.
    pub type_code: u8,
}

impl KeyRef<'_> {
    /// Length of the encoded key.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        KEY_OVERHEAD + self.row.len() + self.family.len() + self.qualifier.len()
    }
}

/// Lengths of row and family in a key whose structure holds: `2 + row + 1 + family + 9 <= key.len()`.
pub(crate) fn key_lengths(key: &[u8]) -> Option<(usize, usize)> {
    let (row_length, rest) = key.split_first_chunk::<2>()?;
    let row_length = usize::from(u16::from_be_bytes(*row_length));
    let family_length = usize::from(*rest.get(row_length)?);
    let fits = row_length <= MAX_ROW_LENGTH && row_length + family_length + KEY_OVERHEAD <= key.len();
    fits.then_some((row_length, family_length))
}

/// Splits a key by lengths that [`key_lengths`] gave for it.
#[inline]
pub(crate) fn split_key(key: &[u8], row_length: usize, family_length: usize) -> Option<KeyRef<'_>> {
    let (row, rest) = key.get(2..)?.split_at_checked(row_length)?;
    let (family, rest) = rest.get(1..)?.split_at_checked(family_length)?;
    let (rest, type_code) = rest.split_last_chunk::<1>()?;
    let (qualifier, timestamp) = rest.split_last_chunk::<8>()?;
    Some(KeyRef {
        row,
        family,
        qualifier,
        timestamp: i64::from_be_bytes(*timestamp),
        type_code: type_code[0],
    })
}

/// Decodes a whole KeyValue key. The type is not judged here: keys of index entries may have any.
///
/// # Errors
/// The lengths in the key do not fit the key.
pub fn decode_key(key: &[u8]) -> Result<KeyRef<'_>, FormatError> {
    key_lengths(key).and_then(|(row, family)| split_key(key, row, family)).ok_or_else(|| bad_key(key))
}

/// Why a key does not decode.
#[cold]
pub(crate) fn bad_key(key: &[u8]) -> FormatError {
    let row = key.first_chunk::<2>().map_or(0, |length| u16::from_be_bytes(*length));
    FormatError::corrupt(format!(
        "KeyValue key of {} bytes: its row length {row} and family length do not fit",
        key.len()
    ))
}

/// Appends a key's encoding.
///
/// # Errors
/// The row is longer than 32767 or the family longer than 255 bytes.
pub fn encode_key(key: &KeyRef<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let row_length =
        u16::try_from(key.row.len()).ok().filter(|length| usize::from(*length) <= MAX_ROW_LENGTH);
    let row_length =
        row_length.ok_or_else(|| FormatError::too_large(format!("row of {} bytes", key.row.len())))?;
    let family_length = u8::try_from(key.family.len())
        .map_err(|_| FormatError::too_large(format!("family name of {} bytes", key.family.len())))?;
    out.reserve(key.encoded_len());
    out.extend_from_slice(&row_length.to_be_bytes());
    out.extend_from_slice(key.row);
    out.push(family_length);
    out.extend_from_slice(key.family);
    out.extend_from_slice(key.qualifier);
    out.extend_from_slice(&key.timestamp.to_be_bytes());
    out.push(key.type_code);
    Ok(())
}

const _: () = assert!(KEY_OVERHEAD == 2 + 1 + TIMESTAMP_TYPE);

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"\x00\x03row\x02cfq\x00\x00\x00\x00\x00\x00\x00\x07\x04";

    #[test]
    fn a_key_decodes_and_encodes_to_itself() {
        let key = decode_key(KEY).unwrap();
        assert_eq!((key.row, key.family, key.qualifier), (&b"row"[..], &b"cf"[..], &b"q"[..]));
        assert_eq!((key.timestamp, key.type_code), (7, 4));
        let mut out = Vec::new();
        encode_key(&key, &mut out).unwrap();
        assert_eq!(out, KEY);
        assert_eq!(key.encoded_len(), KEY.len());
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for cut in 0..KEY.len() - 1 {
            assert!(decode_key(&KEY[..cut]).is_err(), "cut at {cut}");
        }
        let mut long_family = KEY.to_vec();
        long_family[5] = 4;
        assert!(decode_key(&long_family).is_err());
        let mut negative_row = vec![0; 40000];
        negative_row[0] = 0x80;
        assert!(decode_key(&negative_row).is_err());
    }

    #[test]
    fn names_that_have_no_encoding_are_refused() {
        let (row, family) = (vec![0; MAX_ROW_LENGTH + 1], vec![0; 256]);
        let key = KeyRef { row: &row, family: b"", qualifier: b"", timestamp: 0, type_code: 4 };
        assert!(encode_key(&key, &mut Vec::new()).is_err());
        let key = KeyRef { row: b"", family: &family, qualifier: b"", timestamp: 0, type_code: 4 };
        assert!(encode_key(&key, &mut Vec::new()).is_err());
    }
}
