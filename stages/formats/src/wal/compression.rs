//! Reading dictionary compression (`CompressionContext`, `WALCellCodec.CompressedKvDecoder`): an entry's key and cells
//! are written out plain into an arena, which the next entry reuses.
//!
//! A dictionary may drop any of its entries while a WAL entry is decoded, and part of a WAL entry moves them just as
//! the whole does. So each piece is taken exactly once, as soon as it is complete, and what was made of it stays in the
//! arena until the rest comes.

use super::cells::{MAX_FAMILY, SMALLEST_CELL, check_family, known_type};
use super::dictionaries::{Dictionaries, PlainStrings, Stop, take_string};
use super::key::WalKey;
use super::plain::INDEXED_KEY_VALUE;
use super::{WalHeader, WalLimits};
use crate::cell::{KEY_OVERHEAD, MAX_ROW_LENGTH};
use crate::compress::{Codec, Decompressor};
use crate::input::{Fault, Input};
use crate::{FormatError, FormatErrorKind, Unsupported};

/// An arena that has become larger takes all it may ever need, rather than twice as much again and again.
const DOUBLED_ARENA: usize = 32 << 20;

/// The dictionaries of one file, and the entry that is being decoded.
#[derive(Debug)]
pub(super) struct CompressionContext {
    dictionaries: Dictionaries,
    value_codec: Option<Codec>,
    /// Whether Phoenix's codec wrote the cells: a byte precedes each.
    indexed: bool,
    decompressor: Decompressor,
    limits: WalLimits,
    arena: Vec<u8>,
    key_end: usize,
    cells_left: u32,
    cell: CellInProgress,
    /// Bytes of the entry that have been taken; 0 between entries.
    taken: u64,
}

/// The cell that is being decoded: its lengths, and what comes next.
#[derive(Debug, Clone, Copy, Default)]
struct CellInProgress {
    next: Piece,
    key_length: usize,
    value_length: usize,
    tags_length: usize,
    /// Bytes of row and family.
    taken: usize,
    /// Where in the arena its tags end.
    end: usize,
}

#[derive(Debug, Clone, Copy, Default)]
enum Piece {
    #[default]
    Lengths,
    Row,
    Family,
    Qualifier,
    TimestampType,
    Value,
    Tags,
}

impl CompressionContext {
    pub(super) fn new(
        header: &WalHeader,
        recovered_edits: bool,
        limits: WalLimits,
    ) -> Result<Self, FormatError> {
        Ok(Self {
            dictionaries: Dictionaries::new(header, recovered_edits),
            value_codec: header.value_codec()?,
            indexed: header.is_indexed(),
            decompressor: Decompressor::default(),
            limits,
            arena: Vec::new(),
            key_end: 0,
            cells_left: 0,
            cell: CellInProgress::default(),
            taken: 0,
        })
    }

    /// Bytes of the entry that have been taken so far; 0 between entries.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes as much of an entry as there is off the front of `window`; `Ok` when it is whole.
    pub(super) fn advance(&mut self, window: &mut &[u8]) -> Result<(), Stop> {
        let mut input = Input::new(window);
        let result = self.take_entry(&mut input);
        self.taken += (window.len() - input.len()) as u64;
        *window = input.rest();
        result
    }

    /// The whole entry: its key, its cells and how many bytes it took. The next can then be started.
    pub(super) fn finish_entry(&mut self) -> Result<(WalKey<'_>, &[u8], u64), FormatError> {
        let taken = std::mem::take(&mut self.taken);
        let (key, cells) = self.arena.split_at_checked(self.key_end).unwrap_or_default();
        Ok((WalKey::decode(key)?, cells, taken))
    }

    fn take_entry(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        if self.taken == 0 && self.cells_left == 0 {
            self.take_key(input)?;
        }
        while self.cells_left > 0 {
            self.take_cell(input)?;
            self.cells_left -= 1;
            if self.dictionaries.held_bytes() > self.limits.dictionary_bytes {
                let limit = self.limits.dictionary_bytes;
                return Err(
                    FormatError::too_large(format!("WAL dictionaries of more than {limit} bytes")).into()
                );
            }
        }
        Ok(())
    }

    fn take_key(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let mut attempt = *input;
        let length = attempt.uvarint_length("a WALKey's length")?;
        self.check_room(length)?;
        let message = attempt.take(length, "a WALKey").map_err(|_| Stop::NeedMore(5 + length))?;
        let coded = WalKey::decode(message)?;
        self.arena.clear();
        let mut strings =
            PlainStrings { dictionaries: &mut self.dictionaries, room: self.limits.entry_bytes };
        coded.to_fields().encode(coded.cell_count, &mut strings, &mut self.arena)?;
        self.key_end = self.arena.len();
        if (coded.cell_count as usize).saturating_mul(SMALLEST_CELL) > self.limits.entry_bytes {
            let (count, limit) = (coded.cell_count, self.limits.entry_bytes);
            let what = format!("a WAL entry of {count} cells: over {limit} bytes, the most that is taken");
            return Err(FormatError::too_large(what).into());
        }
        self.cells_left = coded.cell_count;
        self.cell = CellInProgress::default();
        *input = attempt;
        Ok(())
    }

    fn take_cell(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        loop {
            match self.cell.next {
                Piece::Lengths => self.take_lengths(input)?,
                Piece::Row => self.take_row(input)?,
                Piece::Family => self.take_family(input)?,
                Piece::Qualifier => self.take_qualifier(input)?,
                Piece::TimestampType => self.take_timestamp_type(input)?,
                Piece::Value => self.take_value(input)?,
                Piece::Tags => {
                    self.take_tags(input)?;
                    self.cell.next = Piece::Lengths;
                    return Ok(());
                }
            }
        }
    }

    fn take_lengths(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let mut attempt = *input;
        if self.indexed && attempt.byte("the byte before a cell")? != 0 {
            return Err(FormatError::unsupported(Unsupported::IndexedKeyValue, INDEXED_KEY_VALUE).into());
        }
        let key_length = attempt.uvarint_length("a key's length")?;
        let value_length = attempt.uvarint_length("a value's length")?;
        let tags_length = attempt.uvarint_length("the tags' length")?;
        if key_length <= KEY_OVERHEAD || tags_length > usize::from(u16::MAX) {
            return Err(Fault::Corrupt("the lengths of a compressed cell are those of no cell").into());
        }
        let tags = if tags_length == 0 { 0 } else { 2 + tags_length };
        let length = (8 + tags).saturating_add(key_length).saturating_add(value_length);
        self.check_room(length)?;
        if self.arena.len() > DOUBLED_ARENA && self.arena.capacity() < self.limits.entry_bytes {
            self.arena.reserve_exact(self.limits.entry_bytes + (64 << 10) - self.arena.len());
        }
        let words = [length, key_length, value_length];
        self.arena.extend(words.into_iter().flat_map(|word| (word as u32).to_be_bytes()));
        self.cell = CellInProgress {
            next: Piece::Row,
            key_length,
            value_length,
            tags_length,
            taken: 0,
            end: self.arena.len() - 8 + length,
        };
        *input = attempt;
        Ok(())
    }

    fn check_room(&self, length: usize) -> Result<(), FormatError> {
        let limit = self.limits.entry_bytes;
        let whole = self.arena.len().saturating_add(length);
        if length > limit || (self.cells_left > 0 && whole > limit) {
            let what =
                format!("a WAL entry of at least {length} bytes: over {limit}, the most that is taken");
            return Err(FormatError::too_large(what));
        }
        Ok(())
    }

    fn take_row(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let most = MAX_ROW_LENGTH.min(self.cell.key_length - KEY_OVERHEAD);
        let row = take_string(&mut self.dictionaries.row, input, most)?;
        self.arena.extend_from_slice(&(row.len() as u16).to_be_bytes());
        self.arena.extend_from_slice(row);
        self.cell.taken = row.len();
        self.cell.next = Piece::Family;
        Ok(())
    }

    fn take_family(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let left = (self.cell.key_length - KEY_OVERHEAD).saturating_sub(self.cell.taken);
        let family = take_string(&mut self.dictionaries.family, input, MAX_FAMILY.min(left))?;
        check_family(family.len())?;
        self.arena.push(family.len() as u8);
        self.arena.extend_from_slice(family);
        self.cell.taken += family.len();
        self.cell.next = Piece::Qualifier;
        Ok(())
    }

    fn take_qualifier(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let left = (self.cell.key_length - KEY_OVERHEAD).saturating_sub(self.cell.taken);
        let qualifier = take_string(&mut self.dictionaries.qualifier, input, left)?;
        if qualifier.len() != left {
            return Err(Fault::Corrupt("row, family and qualifier do not make the key's length").into());
        }
        self.arena.extend_from_slice(qualifier);
        self.cell.next = Piece::TimestampType;
        Ok(())
    }

    fn take_timestamp_type(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let mut attempt = *input;
        let bytes = attempt.array::<9>("a timestamp and type")?;
        let [.., code] = bytes;
        known_type(code)?;
        self.arena.extend_from_slice(&bytes);
        self.cell.next = Piece::Value;
        *input = attempt;
        Ok(())
    }

    fn take_value(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let mut attempt = *input;
        let length = self.cell.value_length;
        match self.value_codec {
            None => {
                let value = attempt.take(length, "a value").map_err(|_| Stop::NeedMore(length))?;
                self.arena.extend_from_slice(value);
            }
            Some(codec) => {
                let compressed = attempt.uvarint_length("a compressed value's length")?;
                if compressed > self.limits.entry_bytes {
                    let what = format!("a compressed value of {compressed} bytes");
                    return Err(FormatError::too_large(what).into());
                }
                let payload =
                    attempt.take(compressed, "a value").map_err(|_| Stop::NeedMore(5 + compressed))?;
                self.decompressor.append(codec, payload, length, &mut self.arena).map_err(in_value)?;
            }
        }
        if self.cell.tags_length > 0 {
            self.arena.extend_from_slice(&(self.cell.tags_length as u16).to_be_bytes());
        }
        self.cell.next = Piece::Tags;
        *input = attempt;
        Ok(())
    }

    fn take_tags(&mut self, input: &mut Input<'_>) -> Result<(), Stop> {
        let Some(dictionary) = &mut self.dictionaries.tags else {
            let length = self.cell.tags_length;
            let tags = input.take(length, "tags").map_err(|_| Stop::NeedMore(length))?;
            self.arena.extend_from_slice(tags);
            return Ok(());
        };
        while self.arena.len() < self.cell.end {
            let left = self.cell.end - self.arena.len();
            let most =
                left.checked_sub(2).ok_or(Fault::Corrupt("the tags are longer than their length says"))?;
            let tag = take_string(dictionary, input, most)?;
            self.arena.extend_from_slice(&(tag.len() as u16).to_be_bytes());
            self.arena.extend_from_slice(tag);
        }
        Ok(())
    }
}

/// A value's bytes may hold a structure that is cut short; the WAL around it is not.
fn in_value(error: FormatError) -> FormatError {
    let kind = if error.kind == FormatErrorKind::Truncated { FormatErrorKind::Corrupt } else { error.kind };
    FormatError { kind, offset: None, what: format!("a compressed value: {}", error.what) }
}
