//! Reading dictionary compression (`CompressionContext`, `WALCellCodec.CompressedKvDecoder`): what an entry says is
//! written out plain into an arena, key and cells, which the next entry uses again.
//!
//! A dictionary may drop any entry of its own while a WAL entry is decoded, and part of a WAL entry moves them all
//! just as the whole does. So each piece is taken exactly once, as soon as it is all there, and what was made of it
//! stays in the arena until the rest comes.

use super::cells::{MAX_FAMILY, SMALLEST_CELL, check_family, known_type};
use super::key::{AsIs, WalKey};
use super::{WalHeader, WalLimits};
use crate::cell::{KEY_OVERHEAD, MAX_ROW_LENGTH};
use crate::compress::{Codec, Decompressor};
use crate::dictionary::LruDictionary;
use crate::input::{Fault, Input};
use crate::{FormatError, FormatErrorKind};

/// Entries of most dictionaries: what a Java short can count.
pub(super) const LARGE: u16 = i16::MAX as u16;
/// Entries of the dictionaries of families and qualifiers.
pub(super) const SMALL: u16 = i8::MAX as u16;

/// Why a piece was not taken.
pub(super) enum Stop {
    /// So many bytes are needed from here.
    NeedMore(usize),
    /// It can never be taken.
    Failed(FormatError),
}

impl From<FormatError> for Stop {
    fn from(error: FormatError) -> Self {
        Self::Failed(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Truncated(_) => Self::NeedMore(0),
            Fault::Corrupt(what) => Self::Failed(FormatError::corrupt(what)),
        }
    }
}

/// The dictionaries of one file, and the entry that is being decoded.
#[derive(Debug)]
pub(super) struct CompressionContext {
    dictionaries: Dictionaries,
    value_codec: Option<Codec>,
    decompressor: Decompressor,
    value: Vec<u8>,
    limits: WalLimits,
    arena: Vec<u8>,
    key_end: usize,
    cells_left: u32,
    cell: CellInProgress,
    /// Bytes of the entry that have been taken; 0 between entries.
    taken: u64,
}

#[derive(Debug)]
struct Dictionaries {
    region: LruDictionary,
    table: LruDictionary,
    family: LruDictionary,
    qualifier: LruDictionary,
    row: LruDictionary,
    tags: Option<LruDictionary>,
}

impl Dictionaries {
    fn held_bytes(&self) -> usize {
        let tags = self.tags.as_ref().map_or(0, LruDictionary::held_bytes);
        let columns = self.family.held_bytes() + self.qualifier.held_bytes();
        self.region.held_bytes() + self.table.held_bytes() + self.row.held_bytes() + columns + tags
    }
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
        let names = if recovered_edits { 1 } else { LARGE };
        let dictionaries = Dictionaries {
            region: LruDictionary::new(names),
            table: LruDictionary::new(names),
            family: LruDictionary::new(SMALL),
            qualifier: LruDictionary::new(SMALL),
            row: LruDictionary::new(LARGE),
            tags: header.compresses_tags().then(|| LruDictionary::new(LARGE)),
        };
        Ok(Self {
            dictionaries,
            value_codec: header.value_codec()?,
            decompressor: Decompressor::default(),
            value: Vec::new(),
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

    /// Takes as much of an entry as there is off the front of `window`; Ok when it is whole.
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
        self.write_key(&coded)?;
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

    /// Writes the key plain into the arena; the strings in HBase's order: region, table, families, attributes.
    fn write_key(&mut self, coded: &WalKey<'_>) -> Result<(), FormatError> {
        let Dictionaries { region, table, family, .. } = &mut self.dictionaries;
        let mut fields = coded.to_fields();
        let limit = self.limits.entry_bytes;
        let region = whole_string(region, coded.region, limit)?;
        fields.region = &region;
        let name = whole_string(table, coded.table, limit)?;
        fields.table = &name;
        let mut room = limit;
        let mut families = Vec::new();
        for scope in &fields.scopes {
            let name = whole_string(family, scope.family, MAX_FAMILY.min(room))?;
            room = room.saturating_sub(name.len());
            families.push(name);
        }
        let mut values = Vec::new();
        for attribute in &fields.extended_attributes {
            let value = whole_string(table, attribute.value, room)?;
            room = room.saturating_sub(value.len());
            values.push(value);
        }
        fields.scopes.iter_mut().zip(&families).for_each(|(scope, name)| scope.family = name);
        fields
            .extended_attributes
            .iter_mut()
            .zip(&values)
            .for_each(|(attribute, value)| attribute.value = value);
        fields.encode(coded.cell_count, &mut AsIs, &mut self.arena)
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
        let key_length = attempt.uvarint_length("a key's length")?;
        let value_length = attempt.uvarint_length("a value's length")?;
        let tags_length = attempt.uvarint_length("the tags' length")?;
        if key_length <= KEY_OVERHEAD || tags_length > usize::from(u16::MAX) {
            return Err(Fault::Corrupt("the lengths of a compressed cell are those of no cell").into());
        }
        let tags = if tags_length == 0 { 0 } else { 2 + tags_length };
        let length = (8 + tags).saturating_add(key_length).saturating_add(value_length);
        self.check_room(length)?;
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
                self.decompressor.decompress(codec, payload, length, &mut self.value).map_err(in_value)?;
                self.arena.extend_from_slice(&self.value);
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

/// Takes a string that a dictionary may have; one that cannot be all there yet is not taken at all. Nothing longer
/// than `most` is waited for or given.
fn take_string<'s, 'w: 's>(
    dictionary: &'s mut LruDictionary,
    input: &mut Input<'w>,
    most: usize,
) -> Result<&'s [u8], Stop> {
    let too_long = Fault::Corrupt("a string is longer than its place in the cell");
    let mut front = *input;
    if front.byte("a string")? == 0xff && front.uvarint_length("a string's length")? > most {
        return Err(too_long.into());
    }
    let mut attempt: Input<'s> = *input;
    let string = dictionary.decode_from(&mut attempt)?;
    input.take(input.len() - attempt.len(), "a string")?;
    if string.len() > most {
        return Err(too_long.into());
    }
    Ok(string)
}

/// Decodes a string that is all of `field`.
fn whole_string(dictionary: &mut LruDictionary, field: &[u8], most: usize) -> Result<Vec<u8>, FormatError> {
    let mut input = Input::new(field);
    match take_string(dictionary, &mut input, most).map(<[u8]>::to_vec) {
        Ok(string) if input.is_empty() => Ok(string),
        Ok(_) => Err(FormatError::corrupt("a WALKey's field has more than one string of the dictionary")),
        Err(Stop::NeedMore(_)) => Err(FormatError::corrupt("a WALKey's field ends within its string")),
        Err(Stop::Failed(error)) => Err(error),
    }
}
