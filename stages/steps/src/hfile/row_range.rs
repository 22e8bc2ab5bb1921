//! Ranges of rows.

use formats::schema::{Range, Reference};

/// Rows from `start` on, and before `end`; no `end` is the end of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowRange {
    /// The first row.
    pub start: Vec<u8>,
    /// The row before which it ends.
    pub end: Option<Vec<u8>>,
}

impl RowRange {
    /// From the keys of a region, as HBase gives them: an empty end is the end of the table.
    #[must_use]
    pub fn of_keys(start: &[u8], end: &[u8]) -> Self {
        Self { start: start.to_vec(), end: (!end.is_empty()).then(|| end.to_vec()) }
    }

    /// One row.
    #[must_use]
    pub fn of_row(row: &[u8]) -> Self {
        Self { start: row.to_vec(), end: Some([row, &[0]].concat()) }
    }

    /// The rows that begin with a prefix.
    #[must_use]
    pub fn of_prefix(prefix: &[u8]) -> Self {
        let last = prefix.iter().rposition(|byte| *byte != u8::MAX);
        let end = last.and_then(|last| {
            let (byte, head) = prefix.get(..=last)?.split_last()?;
            Some([head, &[byte + 1]].concat())
        });
        Self { start: prefix.to_vec(), end }
    }

    /// The rows that a Reference stands for.
    #[must_use]
    pub fn of_reference(reference: &Reference) -> Self {
        let split = reference.split_row().to_vec();
        match reference.range {
            Range::Top => Self { start: split, end: None },
            Range::Bottom => Self { start: Vec::new(), end: Some(split) },
        }
    }

    /// The rows that are in both.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let start = self.start.as_slice().max(&other.start).to_vec();
        let end = match (&self.end, &other.end) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.as_ref().or(other.as_ref()),
        };
        Self { start, end: end.cloned() }
    }

    /// Whether a row is in it.
    #[must_use]
    pub fn contains(&self, row: &[u8]) -> bool {
        row >= self.start.as_slice() && self.end.as_deref().is_none_or(|end| row < end)
    }

    /// Whether no row can be in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Whether a row is in it.
    #[inline]
    #[must_use]
    pub fn holds(&self, row: &[u8]) -> bool {
        self.start.as_slice() <= row && !self.ends_before(row)
    }

    /// Whether a row is after it.
    #[inline]
    #[must_use]
    pub fn ends_before(&self, row: &[u8]) -> bool {
        self.end.as_ref().is_some_and(|end| end.as_slice() <= row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_what_begins_so() {
        for (prefix, inside, outside) in [
            (&b"ab"[..], &b"ab\xff"[..], &b"ac"[..]),
            (b"a\xff", b"a\xff\xff", b"b"),
            (b"\xff\xff", b"\xff\xff\x01", b"\xff\xfe"),
        ] {
            let range = RowRange::of_prefix(prefix);
            assert!(range.holds(prefix) && range.holds(inside) && !range.holds(outside), "{prefix:?}");
        }
        assert_eq!(RowRange::of_prefix(b""), RowRange::default());
    }

    #[test]
    fn what_is_in_both() {
        let (one, other) = (RowRange::of_keys(b"b", b""), RowRange::of_keys(b"", b"d"));
        assert_eq!(one.within(&other), RowRange::of_keys(b"b", b"d"));
        assert!(RowRange::of_row(b"x").within(&other).is_empty());
        assert!(RowRange::of_row(b"c").holds(b"c") && !RowRange::of_row(b"c").holds(b"c\0"));
    }
}
