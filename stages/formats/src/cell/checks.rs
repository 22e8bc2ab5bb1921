use std::cmp::Ordering;

use super::{CellRef, CellType, Comparator, KeyRef, encode_key};
use crate::FormatError;

/// What all cells of a file have shown together, and what must hold from each to the next. Fed with every cell in the
/// file's order; at the end its fields are there to be compared with file info and trailer.
#[derive(Debug, Clone, Default)]
pub struct CellChecks {
    comparator: Comparator,
    count: u64,
    first_key: Vec<u8>,
    last: LastKey,
    timestamps: Option<(i64, i64)>,
    max_sequence: Option<u64>,
    max_tags_length: usize,
    delete_families: u64,
    earliest_put: Option<i64>,
}

/// The last cell's key. A row that continues is not copied again.
#[derive(Debug, Clone, Default)]
struct LastKey {
    row: Vec<u8>,
    family: Vec<u8>,
    qualifier: Vec<u8>,
    timestamp: i64,
    type_code: u8,
    sequence: u64,
}

impl CellChecks {
    /// For a file whose cells have this order.
    #[must_use]
    pub fn new(comparator: Comparator) -> Self {
        Self { comparator, ..Self::default() }
    }

    /// Takes the next cell.
    ///
    /// # Errors
    /// The cell is out of order: its key is smaller, or equal with a larger sequence id; it has another family; or its
    /// timestamp is negative. It is counted all the same, so the caller may continue and find what else is wrong. The
    /// error has no offset: the caller knows it.
    #[inline]
    pub fn add(&mut self, cell: &CellRef<'_>) -> Result<(), FormatError> {
        let verdict = self.check(cell);
        self.count(cell)?;
        verdict.map(|_| ())
    }

    /// How many cells were added: the trailer's entry_count.
    #[must_use]
    pub fn count_of_cells(&self) -> u64 {
        self.count
    }

    /// Key of the first cell; empty if there is none.
    #[must_use]
    pub fn first_key(&self) -> &[u8] {
        &self.first_key
    }

    /// Key of the last cell: file info `hfile.LASTKEY`; empty if there is none.
    #[must_use]
    pub fn last_key(&self) -> Vec<u8> {
        let mut key = Vec::new();
        if self.count > 0 {
            // A row or family that is too long for a key was not decoded from one.
            let _ = encode_key(&self.last.key(), &mut key);
        }
        key
    }

    /// The smallest and the largest timestamp: file info TIMERANGE may only be wider.
    #[must_use]
    pub fn timestamps(&self) -> Option<(i64, i64)> {
        self.timestamps
    }

    /// The largest sequence id: file info MAX_MEMSTORE_TS_KEY.
    #[must_use]
    pub fn max_sequence(&self) -> Option<u64> {
        self.max_sequence
    }

    /// The length of the longest cell's tags: file info `hfile.MAX_TAGS_LEN`.
    #[must_use]
    pub fn max_tags_length(&self) -> usize {
        self.max_tags_length
    }

    /// How many DeleteFamily and DeleteFamilyVersion cells were added: file info DELETE_FAMILY_COUNT.
    #[must_use]
    pub fn delete_families(&self) -> u64 {
        self.delete_families
    }

    /// The smallest timestamp of a Put: file info EARLIEST_PUT_TS.
    #[must_use]
    pub fn earliest_put(&self) -> Option<i64> {
        self.earliest_put
    }

    /// The last cell's key.
    pub(crate) fn last(&self) -> Option<KeyRef<'_>> {
        (self.count > 0).then(|| self.last.key())
    }

    /// How the last cell's key compares with this cell's: less, or equal; `None` for the first cell.
    ///
    /// # Errors
    /// As for [`CellChecks::add`], whose counting this leaves out.
    #[inline]
    pub(crate) fn check(&self, cell: &CellRef<'_>) -> Result<Option<Ordering>, FormatError> {
        if cell.timestamp < 0 {
            return Err(FormatError::corrupt(format!("cell with negative timestamp {}", cell.timestamp)));
        }
        let Some(last) = self.last() else { return Ok(None) };
        if last.family != cell.family {
            return Err(other_family(last.family, cell.family));
        }
        let order = self.comparator.compare(&last, &cell.key());
        match order {
            Ordering::Equal if cell.sequence > self.last.sequence => Err(FormatError::corrupt(format!(
                "two cells with one key, where sequence id {} comes after {}",
                cell.sequence, self.last.sequence
            ))),
            Ordering::Greater => {
                Err(FormatError::corrupt("cell out of order: its key is less than the last one's"))
            }
            Ordering::Less | Ordering::Equal => Ok(Some(order)),
        }
    }

    /// Takes the next cell without checking its order.
    #[inline]
    pub(crate) fn count(&mut self, cell: &CellRef<'_>) -> Result<(), FormatError> {
        if self.count == 0 {
            encode_key(&cell.key(), &mut self.first_key)?;
        }
        self.count += 1;
        self.last.set(cell);
        let timestamp = cell.timestamp;
        let (min, max) = self.timestamps.unwrap_or((timestamp, timestamp));
        self.timestamps = Some((min.min(timestamp), max.max(timestamp)));
        self.max_sequence = self.max_sequence.max(Some(cell.sequence));
        self.max_tags_length = self.max_tags_length.max(cell.tags.len());
        match cell.cell_type {
            CellType::Put => {
                self.earliest_put = Some(self.earliest_put.map_or(timestamp, |put| put.min(timestamp)));
            }
            CellType::DeleteFamily | CellType::DeleteFamilyVersion => self.delete_families += 1,
            CellType::Delete | CellType::DeleteColumn => {}
        }
        Ok(())
    }
}

#[cold]
fn other_family(last: &[u8], family: &[u8]) -> FormatError {
    FormatError::corrupt(format!(
        "cell of family {} in a file of family {}",
        family.escape_ascii(),
        last.escape_ascii()
    ))
}

impl LastKey {
    fn key(&self) -> KeyRef<'_> {
        KeyRef {
            row: &self.row,
            family: &self.family,
            qualifier: &self.qualifier,
            timestamp: self.timestamp,
            type_code: self.type_code,
        }
    }

    #[inline]
    fn set(&mut self, cell: &CellRef<'_>) {
        replace(&mut self.row, cell.row);
        replace(&mut self.family, cell.family);
        replace(&mut self.qualifier, cell.qualifier);
        self.timestamp = cell.timestamp;
        self.type_code = cell.cell_type.code();
        self.sequence = cell.sequence;
    }
}

#[inline]
fn replace(last: &mut Vec<u8>, bytes: &[u8]) {
    if last != bytes {
        last.clear();
        last.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(row: &'static [u8], timestamp: i64, cell_type: CellType, sequence: u64) -> CellRef<'static> {
        CellRef { row, family: b"f", qualifier: b"q", timestamp, cell_type, value: b"v", tags: b"", sequence }
    }

    #[test]
    fn what_came_is_summed_up() {
        let mut checks = CellChecks::default();
        assert_eq!((checks.last_key(), checks.timestamps(), checks.max_sequence()), (vec![], None, None));
        checks.add(&cell(b"a", 7, CellType::DeleteFamily, 3)).unwrap();
        checks.add(&cell(b"a", 5, CellType::Put, 9)).unwrap();
        checks.add(&cell(b"a", 5, CellType::Put, 9)).unwrap();
        checks.add(&cell(b"b", 6, CellType::Put, 2)).unwrap();
        assert_eq!(checks.count_of_cells(), 4);
        assert_eq!(checks.timestamps(), Some((5, 7)));
        assert_eq!(checks.max_sequence(), Some(9));
        assert_eq!((checks.delete_families(), checks.earliest_put()), (1, Some(5)));
        let mut key = Vec::new();
        encode_key(&cell(b"b", 6, CellType::Put, 2).key(), &mut key).unwrap();
        assert_eq!(checks.last_key(), key);
        encode_key(&cell(b"a", 7, CellType::DeleteFamily, 3).key(), &mut key).unwrap();
        assert_eq!(checks.first_key(), &key[key.len() / 2..]);
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        let mut checks = CellChecks::default();
        checks.add(&cell(b"b", 5, CellType::Put, 3)).unwrap();
        let wrong = [
            cell(b"a", 5, CellType::Put, 3),
            cell(b"b", 6, CellType::Put, 3),
            cell(b"b", 5, CellType::Delete, 3),
            cell(b"b", 5, CellType::Put, 4),
            cell(b"c", -1, CellType::Put, 3),
            CellRef { family: b"g", ..cell(b"c", 5, CellType::Put, 3) },
        ];
        for cell in wrong {
            assert!(checks.clone().add(&cell).is_err(), "{cell:?}");
        }
        checks.add(&cell(b"c", 5, CellType::Put, 3)).unwrap();
    }
}
