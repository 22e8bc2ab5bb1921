/// One tag of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its type (`TagType`).
    pub tag_type: u8,
    /// Its value.
    pub value: &'a [u8],
}

/// The tags of a cell, from their raw bytes: `[u16 length of type and value][u8 type][value]` each. Ends at the first
/// bytes that are no tag.
pub fn tags(mut bytes: &[u8]) -> impl Iterator<Item = Tag<'_>> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (tag, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (tag_type, value) = tag.split_first()?;
        bytes = rest;
        Some(Tag { tag_type: *tag_type, value })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_until_the_bytes_are_none() {
        let two = b"\x00\x03\x08ab\x00\x01\x05";
        let found: Vec<_> = tags(two).map(|tag| (tag.tag_type, tag.value)).collect();
        assert_eq!(found, [(8, &b"ab"[..]), (5, b"")]);
        for damaged in [&b""[..], b"\x00", b"\x00\x00", b"\x00\x05\x08a"] {
            assert_eq!(tags(damaged).count(), 0);
        }
    }
}
