use crate::FormatError;
use crate::cell::{KeyRef, encode_key};

/// The type of a made-up key that stands before all cells of its row or column: `KeyValue.Type.Maximum`.
const MAXIMUM: u8 = 255;

/// Appends the shortest key above `last`, the last of a block, and at or below `first`, the first of the next:
/// `HFileWriterImpl.getMidpoint`. (Both have one family.)
pub(super) fn separator(last: &KeyRef<'_>, first: &KeyRef<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
    if let Some(row) = shortest_between(last.row, first.row) {
        let key = KeyRef { row: &row, family: b"", qualifier: b"", timestamp: i64::MAX, type_code: MAXIMUM };
        return encode_key(&key, out);
    }
    if let Some(qualifier) = shortest_between(last.qualifier, first.qualifier) {
        let key = KeyRef { qualifier: &qualifier, timestamp: i64::MAX, type_code: MAXIMUM, ..*first };
        return encode_key(&key, out);
    }
    encode_key(first, out)
}

/// The shortest bytes above `left` and at or below `right`; none if `left` is not below `right`.
fn shortest_between(left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
    if left >= right {
        return None;
    }
    let common = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let mut between = left.get(..common)?.to_vec();
    // Where `left` continues it has a byte below that of `right`, so below 255.
    between.push(left.get(common).map_or(0, |byte| byte.saturating_add(1)));
    Some(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_between_is_hbases() {
        type Known = (&'static [u8], &'static [u8], Option<&'static [u8]>);
        let known: [Known; 7] = [
            (b"a", b"a", None),
            (b"b", b"a", None),
            (b"a", b"b", Some(b"b")),
            (b"abc", b"abx", Some(b"abd")),
            (b"ab", b"abxyz", Some(b"ab\0")),
            (b"", b"x", Some(b"\0")),
            (b"a\xff", b"c", Some(b"b")),
        ];
        for (left, right, between) in known {
            let ours = shortest_between(left, right);
            assert_eq!(ours.as_deref(), between);
            assert!(ours.is_none_or(|ours| ours.as_slice() > left && ours.as_slice() <= right));
        }
    }
}
