//! The dictionaries of a compressed WAL, and taking strings from them.

use super::WalHeader;
use super::key::KeyStrings;
use crate::FormatError;
use crate::dictionary::LruDictionary;
use crate::input::{Fault, Input};

/// Entries of most dictionaries: what a Java short can count.
pub(super) const LARGE: u16 = i16::MAX as u16;
/// Entries of the dictionaries of families and qualifiers.
pub(super) const SMALL: u16 = i8::MAX as u16;

/// Why a piece was not taken.
pub(super) enum Stop {
    /// This many bytes are needed from here.
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

#[derive(Debug)]
pub(super) struct Dictionaries {
    pub(super) region: LruDictionary,
    pub(super) table: LruDictionary,
    pub(super) family: LruDictionary,
    pub(super) qualifier: LruDictionary,
    pub(super) row: LruDictionary,
    pub(super) tags: Option<LruDictionary>,
}

impl Dictionaries {
    pub(super) fn new(header: &WalHeader, recovered_edits: bool) -> Self {
        let names = if recovered_edits { 1 } else { LARGE };
        Self {
            region: LruDictionary::new(names),
            table: LruDictionary::new(names),
            family: LruDictionary::new(SMALL),
            qualifier: LruDictionary::new(SMALL),
            row: LruDictionary::new(LARGE),
            tags: header.compresses_tags().then(|| LruDictionary::new(LARGE)),
        }
    }

    /// Bytes of memory that all entries take.
    pub(super) fn held_bytes(&self) -> usize {
        let tags = self.tags.as_ref().map_or(0, LruDictionary::held_bytes);
        let columns = self.family.held_bytes() + self.qualifier.held_bytes();
        self.region.held_bytes() + self.table.held_bytes() + self.row.held_bytes() + columns + tags
    }
}

/// Takes a string that a dictionary may have; one that is not complete yet is not taken at all. Nothing longer than
/// `most` is waited for or returned.
pub(super) fn take_string<'s, 'w: 's>(
    dictionary: &'s mut LruDictionary,
    input: &mut Input<'w>,
    most: usize,
) -> Result<&'s [u8], Stop> {
    let too_long = Fault::Corrupt("a string is longer than its place");
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

/// The plain strings of a compressed key.
pub(super) struct PlainStrings<'d> {
    pub(super) dictionaries: &'d mut Dictionaries,
    /// Bytes that may still come: a few bytes can name a long string many times.
    pub(super) room: usize,
}

impl KeyStrings for PlainStrings<'_> {
    fn region<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        whole_string(&mut self.dictionaries.region, string, &mut self.room)
    }

    fn table<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        whole_string(&mut self.dictionaries.table, string, &mut self.room)
    }

    fn family<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        whole_string(&mut self.dictionaries.family, string, &mut self.room)
    }
}

/// Decodes a string that is all of `field`.
fn whole_string<'a>(
    dictionary: &'a mut LruDictionary,
    field: &'a [u8],
    room: &mut usize,
) -> Result<&'a [u8], FormatError> {
    let mut input = Input::new(field);
    let string = match take_string(dictionary, &mut input, *room) {
        Ok(string) if input.is_empty() => string,
        Ok(_) => {
            return Err(FormatError::corrupt("a WALKey's field has more than one string of the dictionary"));
        }
        Err(Stop::NeedMore(_)) => {
            return Err(FormatError::corrupt("a WALKey's field ends within its string"));
        }
        Err(Stop::Failed(error)) => return Err(error),
    };
    *room -= string.len();
    Ok(string)
}
