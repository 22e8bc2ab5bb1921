use crate::FormatError;
use crate::varint::decode_vlong;

/// Walks over bytes from front to back and knows where it is: for headers and metadata, whose faults are reported with
/// their offset. ([`crate::input`] is for cells, where every nanosecond counts.)
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    position: u64,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, position: 0 }
    }

    /// Bytes gone over so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// What has not been gone over.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| {
            let left = self.rest.len();
            FormatError::truncated(format!("{what}: {length} bytes are needed, {left} are left"))
                .at(self.position)
        })?;
        self.rest = rest;
        self.position += length as u64;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self, what: &str) -> Result<u8, FormatError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, FormatError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// A Java int that must not be negative.
    pub(crate) fn length(&mut self, what: &str) -> Result<usize, FormatError> {
        let position = self.position;
        let value = self.u32(what)?;
        if value > i32::MAX as u32 {
            return Err(FormatError::corrupt(format!("{what} is negative")).at(position));
        }
        Ok(value as usize)
    }

    /// A Java long that must not be negative.
    pub(crate) fn offset(&mut self, what: &str) -> Result<u64, FormatError> {
        let position = self.position;
        let value = self.array(what).map(i64::from_be_bytes)?;
        u64::try_from(value).map_err(|_| FormatError::corrupt(format!("{what} is negative")).at(position))
    }

    /// A Hadoop vint that is a length: 0 or more.
    pub(crate) fn vint_length(&mut self, what: &str) -> Result<usize, FormatError> {
        let position = self.position;
        let (value, rest) = decode_vlong(self.rest)
            .map_err(|_| FormatError::truncated(format!("{what}: cut short")).at(position))?;
        self.position += (self.rest.len() - rest.len()) as u64;
        self.rest = rest;
        i32::try_from(value)
            .ok()
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| FormatError::corrupt(format!("{what} is {value}")).at(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_said_with_its_place() {
        let mut cursor = Cursor::new(&[0, 0, 0, 1, 5]);
        assert_eq!(cursor.length("count").unwrap(), 1);
        let error = cursor.u32("size").unwrap_err();
        assert_eq!(error.offset, Some(4));
        assert!(error.what.starts_with("size"), "{error}");
        assert!(Cursor::new(&[0xff; 4]).length("count").is_err());
    }
}
