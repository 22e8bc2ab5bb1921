//! Entries whose bytes can be used as they lie: plain ones, and encrypted ones (whose cells are only stepped over).

use super::cells::{SMALLEST_CELL, decode_cell};
use super::entry::WalEntry;
use super::key::WalKey;
use crate::input::{Fault, Input};
use crate::{FormatError, Unsupported};

/// How far the entry at the window's front has been checked, so that a growing window is not checked again from the
/// start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    cells: u32,
    bytes: usize,
}

impl Progress {
    /// Bytes of cells that have been checked of an entry that is not whole.
    pub(super) fn cell_bytes(self) -> u64 {
        self.bytes as u64
    }
}

/// What is at a window's front.
pub(super) enum Scanned<'w> {
    /// A whole entry.
    Entry(WalEntry<'w>),
    /// Part of an entry, which needs a window of at least this many bytes.
    NeedMore(usize),
}

/// Bytes of the smallest encrypted cell: two lengths, an IV, and the least that a cell has.
const SMALLEST_ENCRYPTED_CELL: usize = 2 + AES_IV + 16;
const AES_IV: usize = 16;

#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner {
    pub(super) encrypted: bool,
    /// Phoenix's codec wrote the cells ([`super::WalHeader::is_indexed`]).
    pub(super) indexed: bool,
    /// The most bytes an entry may have.
    pub(super) limit: usize,
}

impl Scanner {
    /// Looks at the entry at the front of `window`, which is at `offset` in the file.
    pub(super) fn scan<'w>(
        &self,
        window: &'w [u8],
        offset: u64,
        progress: &mut Progress,
    ) -> Result<Scanned<'w>, FormatError> {
        let mut input = Input::new(window);
        let length = match input.uvarint_length("a WALKey's length") {
            Ok(length) => length,
            Err(Fault::Truncated(_)) => return Ok(Scanned::NeedMore(window.len() + 1)),
            Err(fault) => return Err(FormatError::from(fault).at(offset)),
        };
        let key_end = window.len() - input.len() + length;
        let Ok(message) = input.take(length, "a WALKey") else { return self.need(key_end, offset) };
        let key = WalKey::decode(message).map_err(|fault| FormatError::from(fault).at(offset))?;
        self.check_count(key.cell_count, offset)?;
        let cells_and_more = input.rest();
        if progress.bytes > 0 {
            input = Input::new(cells_and_more.get(progress.bytes..).unwrap_or_default());
        }
        while progress.cells < key.cell_count {
            match self.cell(&mut input) {
                Ok(()) => progress.cells += 1,
                Err(CellFault::Cut(needed)) => {
                    progress.bytes = cells_and_more.len() - input.len();
                    return self.need(key_end + progress.bytes + needed, offset);
                }
                Err(CellFault::Wrong(what)) => {
                    let at = offset + (window.len() - input.len()) as u64;
                    return Err(FormatError::corrupt(what).at(at));
                }
                Err(CellFault::Indexed) => {
                    let at = offset + (window.len() - input.len()) as u64;
                    return Err(
                        FormatError::unsupported(Unsupported::IndexedKeyValue, INDEXED_KEY_VALUE).at(at)
                    );
                }
            }
        }
        let (cells, rest) =
            cells_and_more.split_at_checked(cells_and_more.len() - input.len()).unwrap_or_default();
        *progress = Progress::default();
        let next = offset + (window.len() - rest.len()) as u64;
        Ok(Scanned::Entry(WalEntry { offset, next, key, cells, encrypted: self.encrypted }))
    }

    fn need<'w>(&self, bytes: usize, offset: u64) -> Result<Scanned<'w>, FormatError> {
        if bytes > self.limit {
            let limit = self.limit;
            let what = format!("a WAL entry of at least {bytes} bytes: over {limit}, the most that is taken");
            return Err(FormatError::too_large(what).at(offset));
        }
        Ok(Scanned::NeedMore(bytes))
    }

    fn check_count(&self, count: u32, offset: u64) -> Result<(), FormatError> {
        let smallest = if self.encrypted { SMALLEST_ENCRYPTED_CELL } else { SMALLEST_CELL };
        if (count as usize).saturating_mul(smallest) > self.limit {
            let limit = self.limit;
            let what = format!("a WAL entry of {count} cells: over {limit} bytes, the most that is taken");
            return Err(FormatError::too_large(what).at(offset));
        }
        Ok(())
    }

    /// Steps over one cell; a cell that is not complete is not stepped over at all.
    #[inline]
    fn cell(&self, input: &mut Input<'_>) -> Result<(), CellFault> {
        if self.encrypted {
            return encrypted_cell(input);
        }
        let mut attempt = *input;
        let length = match attempt.length("a cell's length") {
            Ok(length) => length,
            Err(Fault::Truncated(_)) => return Err(CellFault::Cut(4)),
            Err(Fault::Corrupt(_)) if self.indexed && input.rest().starts_with(&[0xff; 4]) => {
                return Err(CellFault::Indexed);
            }
            Err(Fault::Corrupt(what)) => return Err(CellFault::Wrong(what)),
        };
        let Ok(key_value) = attempt.take(length, "a cell") else {
            return Err(CellFault::Cut(length.saturating_add(4)));
        };
        match decode_cell(key_value, 0) {
            Ok(_) => {
                *input = attempt;
                Ok(())
            }
            Err(Fault::Corrupt(what) | Fault::Truncated(what)) => Err(CellFault::Wrong(what)),
        }
    }
}

/// Why a cell could not be stepped over.
enum CellFault {
    /// It needs this many bytes from its start.
    Cut(usize),
    Wrong(&'static str),
    /// It is not a cell but what old releases of Phoenix wrote.
    Indexed,
}

/// What a length of -1, or a byte other than 0 before a compressed cell, means.
pub(super) const INDEXED_KEY_VALUE: &str =
    "an IndexedKeyValue in place of a cell, as old releases of Phoenix wrote them";

/// `uvarint IV length, IV, uvarint length, bytes` (`SecureWALCellCodec`).
fn encrypted_cell(input: &mut Input<'_>) -> Result<(), CellFault> {
    let mut attempt = *input;
    let coded = encrypted_length(&mut attempt).map_err(|fault| match fault {
        Fault::Truncated(_) => CellFault::Cut(input.len() + 1),
        Fault::Corrupt(what) => CellFault::Wrong(what),
    })?;
    let front = input.len() - attempt.len();
    attempt.take(coded, "an encrypted cell").map_err(|_| CellFault::Cut(front.saturating_add(coded)))?;
    *input = attempt;
    Ok(())
}

fn encrypted_length(input: &mut Input<'_>) -> Result<usize, Fault> {
    if input.uvarint("an IV's length")? as usize != AES_IV {
        return Err(Fault::Corrupt("the IV of an encrypted cell is not 16 bytes long"));
    }
    input.take(AES_IV, "an IV")?;
    input.uvarint_length("the length of an encrypted cell")
}
