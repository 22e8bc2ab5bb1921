use crate::FormatError;
use crate::cell::{CellRef, encode_key};

/// A cell's flat key beside the last one's: what differences are made of.
#[derive(Debug, Default)]
pub(super) struct KeyPair {
    pub(super) key: Vec<u8>,
    pub(super) last: Vec<u8>,
    row_length: usize,
    last_row_length: usize,
    column_end: usize,
    last_column_end: usize,
}

impl KeyPair {
    pub(super) fn clear(&mut self) {
        self.key.clear();
        self.last.clear();
    }

    /// Makes the current key the last, and the cell's the current.
    pub(super) fn push(&mut self, cell: &CellRef<'_>) -> Result<(), FormatError> {
        std::mem::swap(&mut self.key, &mut self.last);
        self.last_row_length = self.row_length;
        self.last_column_end = self.column_end;
        self.key.clear();
        encode_key(&cell.key(), &mut self.key)?;
        self.row_length = cell.row.len();
        self.column_end = self.key.len() - 9;
        Ok(())
    }

    /// Where the qualifier starts in the current key.
    fn qualifier_start(&self, cell: &CellRef<'_>) -> usize {
        3 + self.row_length + cell.family.len()
    }

    /// How many bytes of row and column both keys start with, and with `to_the_end` of timestamp and type too. As
    /// `PrivateCellUtil.findCommonPrefixInFlatKey`: rows of unequal length share nothing but bytes of the length.
    pub(super) fn common(&self, to_the_end: bool) -> usize {
        let row_end = 2 + self.row_length;
        if self.row_length != self.last_row_length {
            return common_prefix(self.key.get(..2), self.last.get(..2));
        }
        let common = common_prefix(self.key.get(..row_end), self.last.get(..row_end));
        if common < row_end {
            return common;
        }
        let column = self.key.get(row_end..self.column_end);
        let last_column = self.last.get(row_end..self.last_column_end);
        let common = row_end + common_prefix(column, last_column);
        if !to_the_end || common < self.column_end.max(self.last_column_end) {
            return common;
        }
        common + common_prefix(self.key.get(common..), self.last.get(common..))
    }

    /// Appends what DIFF and FAST_DIFF store of row and qualifier after `common` shared bytes.
    pub(super) fn encode_row_and_column(&self, common: usize, cell: &CellRef<'_>, out: &mut Vec<u8>) {
        let row_end = 2 + self.row_length;
        let rest_of_row = self.key.get(common..row_end).unwrap_or_default();
        out.extend_from_slice(rest_of_row);
        let qualifier_start = if common < row_end { 0 } else { common - self.qualifier_start(cell) };
        out.extend_from_slice(cell.qualifier.get(qualifier_start..).unwrap_or_default());
    }
}

/// Length of the longest common prefix.
#[inline]
fn common_prefix(left: Option<&[u8]>, right: Option<&[u8]>) -> usize {
    let (mut left, mut right) = (left.unwrap_or_default(), right.unwrap_or_default());
    let mut common = 0;
    // Eight bytes at a time: the first that differs is the lowest bit that does.
    while let (Some((word, left_rest)), Some((other, right_rest))) =
        (left.split_first_chunk::<8>(), right.split_first_chunk::<8>())
    {
        let differing = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other);
        if differing != 0 {
            return common + differing.trailing_zeros() as usize / 8;
        }
        (left, right) = (left_rest, right_rest);
        common += 8;
    }
    common + left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_prefix_ends_where_bytes_differ() {
        for length in 0..40 {
            let left: Vec<u8> = (0..length).collect();
            assert_eq!(common_prefix(Some(&left), Some(&left)), left.len());
            for at in 0..left.len() {
                let mut right = left.clone();
                right[at] ^= 0x80;
                assert_eq!(common_prefix(Some(&left), Some(&right)), at);
                assert_eq!(common_prefix(Some(&left), Some(&left[..at])), at);
            }
        }
    }
}
