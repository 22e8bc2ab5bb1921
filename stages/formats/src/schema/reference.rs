use super::{PBUF, proto, with_pbuf};
use crate::varint::decode_vlong;
use crate::wire::{decode_message, required};
use crate::{FormatError, FormatErrorKind};
use prost::Message;

/// Which part of a file a Reference stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// Rows from the split row on.
    Top,
    /// Rows before the split row.
    Bottom,
}

/// The content of a Reference: which part of its file counts (`io.Reference`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The key (not the row) at which the file is split: `<2 bytes row length><row><1 byte 0><8 bytes timestamp><type>`.
    pub split_key: Vec<u8>,
    /// Which side of it.
    pub range: Range,
}

impl Reference {
    /// A Reference that splits at a row; refuses one longer than a row may be.
    pub fn at_row(row: &[u8], range: Range) -> Result<Self, FormatError> {
        let length = i16::try_from(row.len())
            .map_err(|_| FormatError::too_large(format!("a split row of {} bytes, over 32767", row.len())))?;
        let tail = [0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let split_key = [&length.to_be_bytes(), row, &tail].concat();
        Ok(Self { split_key, range })
    }

    /// The row at which the file is split. [`Range::Top`] is from it on, [`Range::Bottom`] ends before it.
    pub fn split_row(&self) -> &[u8] {
        row_of_key(&self.split_key).unwrap_or_default()
    }

    pub(crate) fn from_proto(message: proto::Reference, base: u64) -> Result<Self, FormatError> {
        let split_key = required(message.splitkey, "Reference: the split key", base)?;
        let range = match required(message.range, "Reference: the range", base)? {
            0 => Range::Top,
            1 => Range::Bottom,
            other => {
                return Err(FormatError::corrupt(format!(
                    "Reference: range {other} is neither TOP nor BOTTOM"
                ))
                .at(base));
            }
        };
        Self::checked(split_key, range).map_err(|error| error.at(base))
    }

    fn checked(split_key: Vec<u8>, range: Range) -> Result<Self, FormatError> {
        match row_of_key(&split_key) {
            Some(_) => Ok(Self { split_key, range }),
            None => Err(FormatError::corrupt("Reference: the split key is not the key of a cell")),
        }
    }

    pub(crate) fn to_proto(&self) -> proto::Reference {
        let range = match self.range {
            Range::Top => 0,
            Range::Bottom => 1,
        };
        proto::Reference { splitkey: Some(self.split_key.clone()), range: Some(range) }
    }
}

/// The row of a cell's key, if the key has one and room for family length, timestamp and type.
fn row_of_key(key: &[u8]) -> Option<&[u8]> {
    let (length, rest) = key.split_first_chunk::<2>()?;
    let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
    let (row, tail) = rest.split_at_checked(length)?;
    (tail.len() >= 10).then_some(row)
}

/// Decodes the content of a Reference file: `PBUF` and a `Reference`, or the Writable of HBase before 0.96.
pub fn decode_reference(bytes: &[u8]) -> Result<Reference, FormatError> {
    match bytes.strip_prefix(PBUF) {
        Some(message) => Reference::from_proto(decode_message(message, 4, "Reference")?, 4),
        None => decode_writable(bytes),
    }
}

/// `[boolean: top][vint length][split key]`.
fn decode_writable(bytes: &[u8]) -> Result<Reference, FormatError> {
    let cut =
        || FormatError::truncated("a Reference file without PBUF ends too early").at(bytes.len() as u64);
    let (&top, rest) = bytes.split_first().ok_or_else(cut)?;
    if top > 1 {
        return Err(FormatError::corrupt("a Reference file starts with neither PBUF nor a boolean").at(0));
    }
    let (length, rest) = decode_vlong(rest).map_err(|_| cut())?;
    let length = usize::try_from(length)
        .map_err(|_| FormatError::corrupt(format!("Reference: a split key of {length} bytes")).at(1))?;
    let (key, behind) = rest.split_at_checked(length).ok_or_else(cut)?;
    if !behind.is_empty() {
        let at = (bytes.len() - behind.len()) as u64;
        return Err(FormatError::new(FormatErrorKind::Corrupt, "bytes after a Reference").at(at));
    }
    let range = if top == 1 { Range::Top } else { Range::Bottom };
    Reference::checked(key.to_vec(), range).map_err(|error| error.at(1))
}

/// Encodes the content of a Reference file.
pub fn encode_reference(reference: &Reference) -> Vec<u8> {
    with_pbuf(&reference.to_proto().encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_form_reads_like_the_new() {
        let reference = Reference::at_row(b"r01000", Range::Top).unwrap();
        let mut old = vec![1, reference.split_key.len() as u8];
        old.extend_from_slice(&reference.split_key);
        assert_eq!(decode_reference(&old).unwrap(), reference);
        assert_eq!(decode_reference(&encode_reference(&reference)).unwrap().split_row(), b"r01000");
        let long = Reference::at_row(&[b'x'; 300], Range::Bottom).unwrap();
        let mut old = vec![0, (-114i8) as u8, 1, 56];
        old.extend_from_slice(&long.split_key);
        assert_eq!(decode_reference(&old).unwrap(), long);
    }

    #[test]
    fn a_bad_reference_says_why() {
        for bad in
            [&b""[..], b"\x02", b"\x01", b"\x01\x05abc", b"\x01\x80", b"PBUF", b"PBUF\x0a\x01x\x10\x00"]
        {
            assert!(decode_reference(bad).is_err(), "{bad:?}");
        }
        let mut wrong_range = encode_reference(&Reference::at_row(b"r", Range::Top).unwrap());
        *wrong_range.last_mut().unwrap() = 2;
        assert!(decode_reference(&wrong_range).unwrap_err().what.contains("range 2"));
        assert!(Reference::at_row(&[0; 40_000], Range::Top).is_err());
    }
}
