use std::cmp::Ordering;

use super::{CellRef, KeyRef, decode_key};

/// The order of a file's cells. `CellComparatorImpl` and `MetaCellComparator` of hbase-common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Comparator {
    /// Every table but hbase:meta.
    #[default]
    Cell,
    /// hbase:meta: rows are compared as (table, start key, region id), split at their first and last comma.
    Meta,
}

impl Comparator {
    /// Compares two rows.
    #[must_use]
    pub fn compare_rows(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Self::Cell => left.cmp(right),
            Self::Meta => compare_meta_rows(left, right),
        }
    }

    /// Compares two decoded keys: row, family and qualifier ascending, timestamp and type descending.
    #[must_use]
    pub fn compare(self, left: &KeyRef<'_>, right: &KeyRef<'_>) -> Ordering {
        self.compare_rows(left.row, right.row).then_with(|| compare_without_row(left, right))
    }

    /// Compares two encoded keys. Keys that do not decode (only bytes that nothing has checked) compare as bytes,
    /// and after all that do.
    #[must_use]
    pub fn compare_keys(self, left: &[u8], right: &[u8]) -> Ordering {
        match (decode_key(left), decode_key(right)) {
            (Ok(left), Ok(right)) => self.compare(&left, &right),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => left.cmp(right),
        }
    }

    /// Compares two cells: by key, then the later sequence id first.
    #[must_use]
    pub fn compare_cells(self, left: &CellRef<'_>, right: &CellRef<'_>) -> Ordering {
        self.compare(&left.key(), &right.key()).then_with(|| right.sequence.cmp(&left.sequence))
    }
}

/// Compares two encoded KeyValue keys in the order of `CellComparatorImpl`; see [`Comparator::compare_keys`].
#[must_use]
pub fn compare_keys(left: &[u8], right: &[u8]) -> Ordering {
    Comparator::Cell.compare_keys(left, right)
}

/// Compares two cells in the order of `CellComparatorImpl`, the later sequence id first.
#[must_use]
pub fn compare_cells(left: &CellRef<'_>, right: &CellRef<'_>) -> Ordering {
    Comparator::Cell.compare_cells(left, right)
}

fn compare_without_row(left: &KeyRef<'_>, right: &KeyRef<'_>) -> Ordering {
    match (is_last_on_row(left), is_last_on_row(right)) {
        (true, true) => return right.timestamp.cmp(&left.timestamp),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    left.family
        .cmp(right.family)
        .then_with(|| left.qualifier.cmp(right.qualifier))
        .then_with(|| right.timestamp.cmp(&left.timestamp))
        .then_with(|| right.type_code.cmp(&left.type_code))
}

/// HBase's "last key of a row" has no column and the type Minimum; it stands after every column. (HBase says
/// "greater" even of two equal ones; here they are equal, so that the order is total.)
fn is_last_on_row(key: &KeyRef<'_>) -> bool {
    key.type_code == 0 && key.family.is_empty() && key.qualifier.is_empty()
}

/// A row of hbase:meta split into table, start key and region id; a part is there only if its comma is.
fn meta_row_parts(row: &[u8]) -> (&[u8], Option<&[u8]>, Option<&[u8]>) {
    let Some((table, rest)) = split_at_comma(row, row.iter().position(|byte| *byte == b',')) else {
        return (row, None, None);
    };
    match split_at_comma(rest, rest.iter().rposition(|byte| *byte == b',')) {
        Some((start_key, region_id)) => (table, Some(start_key), Some(region_id)),
        None => (table, Some(rest), None),
    }
}

fn split_at_comma(bytes: &[u8], comma: Option<usize>) -> Option<(&[u8], &[u8])> {
    let (before, from_comma) = bytes.split_at_checked(comma?)?;
    Some((before, from_comma.get(1..)?))
}

fn compare_meta_rows(left: &[u8], right: &[u8]) -> Ordering {
    // An absent part is less than any that is there (`None < Some`): the row of a table's state is its bare name.
    meta_row_parts(left).cmp(&meta_row_parts(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::CellType;

    fn key<'a>(row: &'a [u8], family: &'a [u8], qualifier: &'a [u8], ts: i64, code: u8) -> KeyRef<'a> {
        KeyRef { row, family, qualifier, timestamp: ts, type_code: code }
    }

    #[test]
    fn every_part_of_the_key_decides_in_its_turn() {
        let ascending = [
            key(b"a", b"", b"", i64::MAX, 255),
            key(b"a", b"f", b"", 5, 14),
            key(b"a", b"f", b"", 5, 10),
            key(b"a", b"f", b"", 5, 4),
            key(b"a", b"f", b"", 4, 14),
            key(b"a", b"f", b"q", i64::MAX, 255),
            key(b"a", b"f", b"q", 5, 4),
            key(b"a", b"f", b"q", -1, 4),
            key(b"a", b"f", b"qq", 9, 4),
            key(b"a", b"g", b"", 9, 4),
            key(b"a", b"", b"", 9, 0),
            key(b"a\0", b"", b"", 9, 4),
            key(b"b", b"", b"", 9, 4),
            key(b"\x80", b"", b"", 9, 4),
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(Comparator::Cell.compare(left, right), i.cmp(&j), "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn the_later_sequence_id_comes_first() {
        let cell = |sequence| CellRef {
            row: b"r",
            family: b"f",
            qualifier: b"q",
            timestamp: 1,
            cell_type: CellType::Put,
            value: b"",
            tags: b"",
            sequence,
        };
        assert_eq!(compare_cells(&cell(9), &cell(8)), Ordering::Less);
        assert_eq!(compare_cells(&cell(8), &cell(8)), Ordering::Equal);
    }

    #[test]
    fn rows_of_meta_compare_by_their_parts() {
        let ascending: [&[u8]; 9] =
            [b"t", b"t,", b"t,,1", b"t,,99", b"t,a,1", b"t,a\x01,1", b"t,a,b,1", b"t\x01,a,1", b"ta,,1"];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(Comparator::Meta.compare_rows(left, right), i.cmp(&j), "{left:?} {right:?}");
            }
        }
        // As bytes it is the other way round: 0x01 is less than a comma.
        assert_eq!(Comparator::Cell.compare_rows(b"t,a,1", b"t\x01,a,1"), Ordering::Greater);
    }
}
