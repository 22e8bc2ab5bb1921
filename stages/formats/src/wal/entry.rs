use super::cells::WalCells;
use super::key::WalKey;
use super::marker::METAFAMILY;
use crate::{FormatError, Unsupported};

/// One entry: the edits of one region that became durable together (`WAL.Entry`). Borrowed from the given bytes for a
/// plain WAL, from the decoder for a compressed one.
#[derive(Debug, Clone, Copy)]
pub struct WalEntry<'a> {
    /// Where it starts, from the start of the file.
    pub offset: u64,
    /// Where it ends, and the next one starts.
    pub next: u64,
    /// What precedes the cells.
    pub key: WalKey<'a>,
    /// The cells, checked: plain, unless `encrypted`.
    pub(super) cells: &'a [u8],
    pub(super) encrypted: bool,
}

impl<'a> WalEntry<'a> {
    /// The cells; each has the key's sequence id.
    ///
    /// # Errors
    /// Unsupported if they are encrypted.
    #[inline]
    pub fn cells(&self) -> Result<WalCells<'a>, FormatError> {
        if self.encrypted {
            let what = "the cells of this WAL are encrypted, and no key is given";
            return Err(FormatError::unsupported(Unsupported::Encrypted, what).at(self.offset));
        }
        Ok(WalCells::new(self.cells, self.key.cell_count, self.key.sequence))
    }

    /// Whether this is a marker: never to be replayed as edits (`WALEdit.isMetaEdit`). HBase never mixes markers and
    /// edits in one entry.
    ///
    /// # Errors
    /// As [`WalEntry::cells`].
    pub fn is_marker(&self) -> Result<bool, FormatError> {
        Ok(self.cells()?.any(|cell| cell.family == METAFAMILY))
    }

    /// Bytes of the cells in memory.
    #[must_use]
    pub fn cell_bytes(&self) -> usize {
        self.cells.len()
    }
}
