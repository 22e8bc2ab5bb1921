//! Whether bytes could be an entry: for a search past damage.

use super::cells::decode_cell;
use super::header::TRAILER;
use super::key::WalKey;
use super::plain::{Progress, Scanned, Scanner};
use crate::input::{Fault, Input};

/// Bytes of the smallest entry: the four required fields of a key, the names one byte each, and the key's length.
pub(super) const SMALLEST_ENTRY: u64 = 11;

/// The longest key that a search believes.
const LONGEST_KEY: usize = 1 << 20;

/// The judgement on bytes that should be a whole entry and the start of another.
pub(super) enum Judgement {
    Plausible,
    Not,
    NeedMore(usize),
}

/// Whether there is a cell after the last one of an entry.
pub(super) fn more_cells(behind: &[u8], scanner: Scanner) -> Judgement {
    // A key never starts with 0, the length of a cell below 16 MiB always does.
    match behind.first() {
        None => return Judgement::NeedMore(1),
        Some(0) if !scanner.encrypted => {}
        Some(_) => return Judgement::Not,
    }
    let mut input = Input::new(behind);
    let Ok(length) = input.length("a cell") else { return Judgement::NeedMore(4) };
    if length == 0 {
        return Judgement::Not;
    }
    match input.take(length, "a cell").map(|key_value| decode_cell(key_value, 0)) {
        Ok(Ok(_)) => Judgement::Plausible,
        Ok(Err(_)) => Judgement::Not,
        Err(_) => Judgement::NeedMore(4 + length),
    }
}

/// A quick look: a length and the tag of a WALKey's first field.
#[inline]
pub(super) fn starts_like_key(bytes: &[u8]) -> bool {
    let Some([first, second, third, fourth]) = bytes.first_chunk::<4>() else { return false };
    match (first < &0x80, second < &0x80, third < &0x80) {
        (true, ..) => u64::from(*first) + 1 >= SMALLEST_ENTRY && *second == 0x0a,
        (false, true, _) => *third == 0x0a,
        (false, false, true) => *fourth == 0x0a,
        (false, false, false) => false,
    }
}

/// Whether an entry starts here that is whole, and ends where something else starts; and how many bytes were looked at.
pub(super) fn plausible(bytes: &[u8], scanner: Scanner, at_end: bool) -> (Judgement, u64) {
    match plausible_key(bytes) {
        Judgement::Plausible => {}
        other => return (other, 0),
    }
    let mut progress = Progress::default();
    let scanned = scanner.scan(bytes, 0, &mut progress);
    match scanned {
        Ok(Scanned::Entry(entry)) => {
            let length = usize::try_from(entry.next).unwrap_or(usize::MAX);
            let behind = bytes.get(length..).unwrap_or_default();
            (something_starts(behind, length, at_end), entry.next)
        }
        Ok(Scanned::NeedMore(_)) if at_end => (Judgement::Not, progress.cell_bytes()),
        Ok(Scanned::NeedMore(needed)) => (Judgement::NeedMore(needed), 0),
        Err(error) => (Judgement::Not, progress.cell_bytes().max(error.offset.unwrap_or(0))),
    }
}

/// Whether an entry of `length` bytes is followed by the start of another, a trailer or the end.
fn something_starts(behind: &[u8], length: usize, at_end: bool) -> Judgement {
    match plausible_key(behind) {
        _ if TRAILER.starts_with(behind) && at_end => Judgement::Plausible,
        _ if TRAILER.starts_with(behind) => Judgement::NeedMore(length + TRAILER.len() + 1),
        // A torn entry follows, if its start is what it should be.
        Judgement::NeedMore(_) if at_end && (behind.len() < 4 || starts_like_key(behind)) => {
            Judgement::Plausible
        }
        Judgement::NeedMore(_) if at_end => Judgement::Not,
        Judgement::NeedMore(needed) => Judgement::NeedMore(length + needed),
        judgement => judgement,
    }
}

fn plausible_key(bytes: &[u8]) -> Judgement {
    let mut input = Input::new(bytes);
    let length = match input.uvarint_length("a WALKey's length") {
        Ok(length) if length <= LONGEST_KEY => length,
        Err(Fault::Truncated(_)) => return Judgement::NeedMore(bytes.len() + 1),
        Ok(_) | Err(_) => return Judgement::Not,
    };
    let front = bytes.len() - input.len();
    let Ok(message) = input.take(length, "a WALKey") else { return Judgement::NeedMore(front + length) };
    match WalKey::decode(message) {
        Ok(key) if key.region_name().is_ok() && key.table_name().is_ok() => Judgement::Plausible,
        _ => Judgement::Not,
    }
}
