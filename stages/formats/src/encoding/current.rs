use crate::cell::{CellRef, CellType, KeyRef, key_lengths, split_key};
use crate::input::Fault;

/// The cell that a cursor stands at, which the next one is stored as a difference to.
#[derive(Debug)]
pub(super) struct Current<'a> {
    /// The key, where it lies whole in the payload.
    pub(super) flat_key: &'a [u8],
    pub(super) row_length: usize,
    pub(super) family_length: usize,
    pub(super) timestamp: i64,
    pub(super) cell_type: CellType,
    pub(super) value: &'a [u8],
    /// The tags, where they lie raw in the payload.
    pub(super) tags: &'a [u8],
    pub(super) sequence: u64,
    /// Where the cell starts in the payload.
    pub(super) offset: usize,
}

impl Current<'_> {
    pub(super) fn none() -> Self {
        Self {
            flat_key: &[],
            row_length: 0,
            family_length: 0,
            timestamp: 0,
            cell_type: CellType::Put,
            value: &[],
            tags: &[],
            sequence: 0,
            offset: 0,
        }
    }

    /// Takes the lengths, timestamp and type out of a whole key.
    #[inline]
    pub(super) fn read_key(&mut self, key: &[u8]) -> Result<(), Fault> {
        let (row_length, family_length) = key_lengths(key)
            .ok_or(Fault::Corrupt("the lengths of row and family do not fit the cell's key"))?;
        let (rest, type_code) = key.split_last_chunk::<1>().ok_or(Fault::Truncated("a key"))?;
        let timestamp = rest.last_chunk::<8>().ok_or(Fault::Truncated("a key"))?;
        self.row_length = row_length;
        self.family_length = family_length;
        self.timestamp = i64::from_be_bytes(*timestamp);
        self.cell_type = cell_type(type_code[0])?;
        Ok(())
    }

    /// The cell, with its key and tags where they lie.
    #[inline]
    pub(super) fn cell<'s>(&'s self, key: &'s [u8], tags: &'s [u8]) -> CellRef<'s> {
        let empty = KeyRef { row: &[], family: &[], qualifier: &[], timestamp: 0, type_code: 0 };
        let key = split_key(key, self.row_length, self.family_length).unwrap_or(empty);
        CellRef {
            row: key.row,
            family: key.family,
            qualifier: key.qualifier,
            timestamp: self.timestamp,
            cell_type: self.cell_type,
            value: self.value,
            tags,
            sequence: self.sequence,
        }
    }
}

#[inline]
pub(super) fn cell_type(code: u8) -> Result<CellType, Fault> {
    CellType::from_code(code).ok_or(Fault::Corrupt("the cell's type is none that HBase stores"))
}
