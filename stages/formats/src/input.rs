//! Taking fields off the front of bytes, with faults that cost nothing until they happen.

use crate::FormatError;

/// What went wrong with one field: small and `Copy`, so that hot loops need no allocation and no drop glue. It
/// becomes a [`FormatError`] where the offset is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bytes end before this field does.
    Truncated(&'static str),
    /// The bytes are wrong, in this way.
    Corrupt(&'static str),
}

impl From<Fault> for FormatError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Truncated(field) => Self::truncated(format!("the bytes end before {field} does")),
            Fault::Corrupt(what) => Self::corrupt(what),
        }
    }
}

/// The bytes not yet taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Truncated(field))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Fault::Truncated(field))?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, Fault> {
        let (taken, rest) = self.rest.split_first().ok_or(Fault::Truncated(field))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A length as Java's big-endian int, which is never negative here.
    #[inline]
    pub(crate) fn length(&mut self, field: &'static str) -> Result<usize, Fault> {
        let length = u32::from_be_bytes(self.array(field)?);
        if length > i32::MAX as u32 {
            return Err(Fault::Corrupt("a length is negative"));
        }
        Ok(length as usize)
    }

    /// A protobuf varint of at most 32 bits.
    #[inline]
    pub(crate) fn uvarint(&mut self, field: &'static str) -> Result<u32, Fault> {
        let first = self.byte(field)?;
        if first < 0x80 {
            return Ok(u32::from(first));
        }
        self.long_uvarint(first, field)
    }

    fn long_uvarint(&mut self, first: u8, field: &'static str) -> Result<u32, Fault> {
        let mut value = u64::from(first & 0x7f);
        for shift in [7, 14, 21, 28] {
            let byte = self.byte(field)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| Fault::Corrupt("a varint is above 32 bits"));
            }
        }
        Err(Fault::Corrupt("a varint is longer than 5 bytes"))
    }

    /// A protobuf varint of at most 64 bits.
    #[inline]
    pub(crate) fn uvarint64(&mut self, field: &'static str) -> Result<u64, Fault> {
        let first = self.byte(field)?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte(field)?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Fault::Corrupt("a varint is above 64 bits"))
    }

    /// A [`Self::uvarint`] that is a length.
    #[inline]
    pub(crate) fn uvarint_length(&mut self, field: &'static str) -> Result<usize, Fault> {
        let length = self.uvarint(field)?;
        if length > i32::MAX as u32 {
            return Err(Fault::Corrupt("a length is above 2^31-1"));
        }
        Ok(length as usize)
    }

    /// Hadoop's variable-length long (`WritableUtils.readVLong`).
    #[inline]
    pub(crate) fn vlong(&mut self, field: &'static str) -> Result<i64, Fault> {
        let first = self.byte(field)?.cast_signed();
        if first >= -112 {
            return Ok(i64::from(first));
        }
        self.long_vlong(first, field)
    }

    fn long_vlong(&mut self, first: i8, field: &'static str) -> Result<i64, Fault> {
        let first = i16::from(first);
        let negative = first < -120;
        let length = if negative { -120 - first } else { -112 - first }.unsigned_abs();
        let bytes = self.take(usize::from(length), field)?;
        let value = bytes.iter().fold(0, |value, byte| (value << 8) | i64::from(*byte));
        Ok(if negative { !value } else { value })
    }
}
