//! Protobuf's wire format, one level at a time: for what prost cannot give (the offset of a fault), should not do
//! (decode a manifest of a million files at once) or would lose (unknown fields in a rewrite).

use crate::FormatError;

/// One field as it stands on the wire.
pub(crate) struct Field<'a> {
    pub number: u32,
    pub value: Value<'a>,
    /// Where its tag starts.
    pub offset: u64,
    /// Tag and value, byte for byte.
    pub raw: &'a [u8],
}

pub(crate) enum Value<'a> {
    Varint,
    Fixed,
    /// A length-delimited value and where its first byte lies.
    Bytes(&'a [u8], u64),
}

impl<'a> Field<'a> {
    /// The bytes of a length-delimited field and their offset.
    pub fn bytes(&self, what: &str) -> Result<(&'a [u8], u64), FormatError> {
        match self.value {
            Value::Bytes(bytes, offset) => Ok((bytes, offset)),
            Value::Varint | Value::Fixed => {
                Err(FormatError::corrupt(format!("{what} is not a length-delimited field")).at(self.offset))
            }
        }
    }
}

/// The fields of one message in the order they stand; ends after the first fault.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    offset: u64,
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// `base` is the offset of `bytes` in its file, `what` the message's name in HBase's words.
    pub fn new(bytes: &'a [u8], base: u64, what: &'static str) -> Self {
        Self { rest: bytes, offset: base, what }
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        self.offset += count as u64;
        Some(taken)
    }

    fn varint(&mut self) -> Result<u64, FormatError> {
        let start = self.offset;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.take(1).and_then(<[u8]>::first).ok_or_else(|| self.cut(start))?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(FormatError::corrupt(format!("{}: a varint longer than 64 bits", self.what)).at(start))
    }

    fn cut(&self, at: u64) -> FormatError {
        FormatError::truncated(format!("{} ends in the middle of a field", self.what)).at(at)
    }

    fn value(&mut self, wire_type: u64, start: u64) -> Result<Value<'a>, FormatError> {
        match wire_type {
            0 => self.varint().map(|_| Value::Varint),
            1 => self.take(8).map(|_| Value::Fixed).ok_or_else(|| self.cut(start)),
            5 => self.take(4).map(|_| Value::Fixed).ok_or_else(|| self.cut(start)),
            2 => self.delimited(start),
            other => Err(FormatError::corrupt(format!("{}: wire type {other}", self.what)).at(start)),
        }
    }

    fn delimited(&mut self, start: u64) -> Result<Value<'a>, FormatError> {
        let length = self.varint()?;
        if length > i32::MAX as u64 {
            let what = format!("{}: a field of {length} bytes, more than 2 GiB", self.what);
            return Err(FormatError::corrupt(what).at(start));
        }
        let (offset, left) = (self.offset, self.rest.len());
        match usize::try_from(length).ok().and_then(|length| self.take(length)) {
            Some(bytes) => Ok(Value::Bytes(bytes, offset)),
            None => {
                let what = format!("{}: a field of {length} bytes, but {left} are left", self.what);
                Err(FormatError::truncated(what).at(start))
            }
        }
    }

    fn field(&mut self) -> Result<Field<'a>, FormatError> {
        let (start, whole) = (self.offset, self.rest);
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or_else(|| {
            FormatError::corrupt(format!("{}: {} is no field number", self.what, tag >> 3)).at(start)
        })?;
        let value = self.value(tag & 7, start)?;
        let raw = whole.split_at_checked(whole.len() - self.rest.len()).map_or(whole, |(raw, _)| raw);
        Ok(Field { number, value, offset: start, raw })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Decodes one message that stands at `base` in its file; distinguishes a cut from other damage, with its offset.
pub(crate) fn decode_message<M: prost::Message + Default>(
    bytes: &[u8],
    base: u64,
    what: &'static str,
) -> Result<M, FormatError> {
    for field in Fields::new(bytes, base, what) {
        field?;
    }
    M::decode(bytes).map_err(|error| FormatError::corrupt(format!("{what}: {error}")).at(base))
}

/// A field that protobuf or HBase requires.
pub(crate) fn required<T>(value: Option<T>, what: &str, base: u64) -> Result<T, FormatError> {
    value.ok_or_else(|| FormatError::corrupt(format!("{what} is missing")).at(base))
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length-delimited field.
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FormatErrorKind;

    fn first(bytes: &[u8]) -> FormatError {
        Fields::new(bytes, 100, "Test").find_map(Result::err).unwrap()
    }

    #[test]
    fn a_fault_has_its_kind_and_offset() {
        let cut = first(&[0x08, 0x01, 0x12, 0x05, 0x61]);
        assert_eq!((cut.kind, cut.offset), (FormatErrorKind::Truncated, Some(102)));
        let huge = first(&[0x0a, 0x80, 0x80, 0x80, 0x80, 0x08]);
        assert_eq!((huge.kind, huge.offset), (FormatErrorKind::Corrupt, Some(100)));
        assert!(huge.what.contains("2 GiB"), "{huge}");
        assert_eq!(first(&[0x00]).kind, FormatErrorKind::Corrupt);
        assert_eq!(first(&[0x0b]).kind, FormatErrorKind::Corrupt, "groups are not of this world");
        assert_eq!(
            first(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).offset,
            Some(101)
        );
        assert_eq!(first(&[0x80]).kind, FormatErrorKind::Truncated);
    }

    #[test]
    fn raw_bytes_put_together_are_the_message() {
        let mut message = vec![0x08, 0x96, 0x01, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 1, 2, 3, 4];
        put_bytes(&mut message, 4000, b"abc");
        let fields: Vec<_> = Fields::new(&message, 0, "Test").map(Result::unwrap).collect();
        assert_eq!(fields.iter().flat_map(|field| field.raw).copied().collect::<Vec<_>>(), message);
        assert_eq!(fields.iter().map(|field| field.number).collect::<Vec<_>>(), [1, 2, 3, 4000]);
        assert_eq!(fields[3].bytes("x").unwrap().0, b"abc");
        assert!(fields[0].bytes("x").is_err());
    }
}
