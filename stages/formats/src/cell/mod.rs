//! Cells: what HBase stores. A cell's key is the KeyValue key of hbase-common's `KeyValue`; its order is that of
//! `CellComparatorImpl` (or `MetaCellComparator` for hbase:meta).

mod cell_type;
mod checks;
mod comparator;
mod json;
mod key;
mod tag;

pub use cell_type::CellType;
pub use checks::CellChecks;
pub use comparator::{Comparator, compare_cells, compare_keys};
pub use json::{JsonForm, encode_json};
pub(crate) use json::{push_family, push_hex, push_number, push_text};
pub(crate) use key::{KEY_OVERHEAD, MAX_ROW_LENGTH};
pub use key::{KeyRef, decode_key, encode_key};
pub(crate) use key::{key_lengths, split_key};
pub use tag::{Tag, tags};

/// One cell, borrowed from the bytes it was decoded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellRef<'a> {
    /// Row key, at most 32767 bytes.
    pub row: &'a [u8],
    /// Column family, at most 255 bytes (127 where HBase wrote it).
    pub family: &'a [u8],
    /// Column qualifier.
    pub qualifier: &'a [u8],
    /// Milliseconds since the epoch, where the writer did not choose another meaning.
    pub timestamp: i64,
    /// Put or one of the four deletes.
    pub cell_type: CellType,
    /// The value.
    pub value: &'a [u8],
    /// Raw tags, without their total length; empty if there are none.
    pub tags: &'a [u8],
    /// Sequence id (memstoreTS) as stored; 0 where none is stored.
    pub sequence: u64,
}

impl<'a> CellRef<'a> {
    /// The cell's key.
    #[must_use]
    pub fn key(&self) -> KeyRef<'a> {
        KeyRef {
            row: self.row,
            family: self.family,
            qualifier: self.qualifier,
            timestamp: self.timestamp,
            type_code: self.cell_type.code(),
        }
    }
}
