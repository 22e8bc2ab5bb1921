//! The dictionary of WAL compression and of compressed tags. hbase-common's `LRUDictionary`, `Dictionary` and
//! `TagCompressionContext`.
//!
//! An entry is either written whole and added, or named by its index; when the dictionary is full, a new entry takes
//! the slot and the index of the least recently used one. Reader and writer only agree if both make exactly the same
//! moves.

use std::collections::HashMap;

use crate::FormatError;
use crate::input::{Fault, Input};
use crate::varint::encode_uvarint;

/// The first byte of an entry that is written whole.
const NOT_IN_DICTIONARY: u8 = 0xff;

/// How many entries the tags of one block can use.
const TAG_CAPACITY: u16 = 127;

/// Marks the end of the list of slots.
const NO_SLOT: u16 = u16::MAX;

#[derive(Debug, Clone)]
struct Slot {
    bytes: Vec<u8>,
    newer: u16,
    older: u16,
}

/// The reading side: entries by index, and their order of use.
#[derive(Debug, Clone)]
pub struct LruDictionary {
    slots: Vec<Slot>,
    used: u16,
    capacity: u16,
    newest: u16,
    oldest: u16,
    held: usize,
}

impl LruDictionary {
    /// An empty dictionary; `capacity` is 127 for tags, families and qualifiers and 32767 otherwise (more cannot be
    /// named on the wire and is cut to it).
    #[must_use]
    pub fn new(capacity: u16) -> Self {
        let capacity = capacity.clamp(1, i16::MAX as u16);
        Self { slots: Vec::new(), used: 0, capacity, newest: NO_SLOT, oldest: NO_SLOT, held: 0 }
    }

    /// Forgets all entries (memory is kept for the next).
    pub fn clear(&mut self) {
        self.used = 0;
        self.newest = NO_SLOT;
        self.oldest = NO_SLOT;
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.used)
    }

    /// Bytes of memory that the entries take, including those kept for reuse.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held
    }

    /// The entry with this index, which thereby is the most recently used.
    pub fn get(&mut self, index: u16) -> Option<&[u8]> {
        if index >= self.used {
            return None;
        }
        self.make_newest(index);
        self.slot(index).map(|slot| slot.bytes.as_slice())
    }

    /// Adds an entry and returns its index; an empty one is never added.
    pub fn add(&mut self, entry: &[u8]) -> Option<u16> {
        if entry.is_empty() {
            return None;
        }
        let index = if self.used < self.capacity { self.link_new_slot()? } else { self.oldest };
        self.make_newest(index);
        let slot = self.slots.get_mut(usize::from(index))?;
        let before = slot.bytes.capacity();
        slot.bytes.clear();
        slot.bytes.extend_from_slice(entry);
        self.held += slot.bytes.capacity() - before;
        Some(index)
    }

    /// Decodes one entry at the front of `bytes`; returns it and the bytes after it.
    ///
    /// # Errors
    /// The bytes end inside the entry, or it names an index that is not defined yet.
    #[cfg(test)]
    pub fn decode<'s>(&'s mut self, bytes: &'s [u8]) -> Result<(&'s [u8], &'s [u8]), FormatError> {
        let mut input = Input::new(bytes);
        let entry = self.decode_from(&mut input)?;
        Ok((entry, input.rest()))
    }

    pub(crate) fn decode_from<'s>(&'s mut self, input: &mut Input<'s>) -> Result<&'s [u8], Fault> {
        let first = input.byte("a dictionary entry")?;
        if first == NOT_IN_DICTIONARY {
            let length = input.uvarint_length("the length of a dictionary entry")?;
            let entry = input.take(length, "a dictionary entry")?;
            self.add(entry);
            return Ok(entry);
        }
        let index = u16::from_be_bytes([first, input.byte("the index of a dictionary entry")?]);
        self.get(index).ok_or(Fault::Corrupt("an entry of the dictionary is named that is not defined"))
    }

    fn slot(&self, index: u16) -> Option<&Slot> {
        self.slots.get(usize::from(index))
    }

    /// A slot at the end of the list, with the next index.
    fn link_new_slot(&mut self) -> Option<u16> {
        let index = self.used;
        if self.len() == self.slots.len() {
            self.slots.push(Slot { bytes: Vec::new(), newer: NO_SLOT, older: NO_SLOT });
        }
        let slot = self.slots.get_mut(usize::from(index))?;
        slot.newer = self.oldest;
        slot.older = NO_SLOT;
        match self.slots.get_mut(usize::from(self.oldest)) {
            Some(oldest) => oldest.older = index,
            None => self.newest = index,
        }
        self.oldest = index;
        self.used += 1;
        Some(index)
    }

    fn make_newest(&mut self, index: u16) {
        if index == self.newest {
            return;
        }
        let Some((newer, older)) = self.slot(index).map(|slot| (slot.newer, slot.older)) else { return };
        if let Some(slot) = self.slots.get_mut(usize::from(newer)) {
            slot.older = older;
        }
        match self.slots.get_mut(usize::from(older)) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        if let Some(slot) = self.slots.get_mut(usize::from(self.newest)) {
            slot.newer = index;
        }
        let newest = self.newest;
        if let Some(slot) = self.slots.get_mut(usize::from(index)) {
            slot.newer = NO_SLOT;
            slot.older = newest;
        }
        self.newest = index;
    }
}

/// The writing side: finds an entry or adds it.
#[derive(Debug, Clone)]
pub struct DictionaryEncoder {
    dictionary: LruDictionary,
    indexes: HashMap<Vec<u8>, u16>,
}

impl DictionaryEncoder {
    /// An empty dictionary; see [`LruDictionary::new`].
    #[must_use]
    pub fn new(capacity: u16) -> Self {
        Self { dictionary: LruDictionary::new(capacity), indexes: HashMap::new() }
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.dictionary.clear();
        self.indexes.clear();
    }

    /// Appends one entry: its index if it is known, else the whole of it, and from then on it is known.
    ///
    /// # Errors
    /// The entry is longer than 2^31-1 bytes.
    pub fn encode(&mut self, entry: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
        if let Some(index) = self.indexes.get(entry) {
            self.dictionary.make_newest(*index);
            out.extend_from_slice(&index.to_be_bytes());
            return Ok(());
        }
        let length = i32::try_from(entry.len())
            .map_err(|_| FormatError::too_large(format!("dictionary entry of {} bytes", entry.len())))?;
        out.push(NOT_IN_DICTIONARY);
        encode_uvarint(length.cast_unsigned(), out);
        out.extend_from_slice(entry);
        if !entry.is_empty() {
            self.add(entry);
        }
        Ok(())
    }

    fn add(&mut self, entry: &[u8]) {
        if self.dictionary.used == self.dictionary.capacity
            && let Some(evicted) = self.dictionary.slot(self.dictionary.oldest)
        {
            self.indexes.remove(&evicted.bytes);
        }
        if let Some(index) = self.dictionary.add(entry) {
            self.indexes.insert(entry.to_vec(), index);
        }
    }
}

/// Reads compressed tags: one dictionary entry for each tag, which is the tag without its 2-byte length.
#[derive(Debug, Clone)]
pub struct TagDecoder {
    dictionary: LruDictionary,
}

impl TagDecoder {
    /// Starts with an empty dictionary of `capacity`: 127 in HFile blocks ([`TagDecoder::default`]), 32767 in WALs.
    #[must_use]
    pub fn new(capacity: u16) -> Self {
        Self { dictionary: LruDictionary::new(capacity) }
    }

    /// Forgets all entries, as at the start of each block.
    pub fn clear(&mut self) {
        self.dictionary.clear();
    }

    /// Decodes entries until they make `length` bytes of raw tags, which are appended to `tags`; returns the bytes
    /// after them.
    ///
    /// # Errors
    /// The bytes end too early, an entry is not defined, or the tags make more than `length` bytes.
    #[cfg(test)]
    pub fn decode<'a>(
        &mut self,
        bytes: &'a [u8],
        length: u16,
        tags: &mut Vec<u8>,
    ) -> Result<&'a [u8], FormatError> {
        let mut input = Input::new(bytes);
        self.decode_from(&mut input, usize::from(length), tags)?;
        Ok(input.rest())
    }

    pub(crate) fn decode_from(
        &mut self,
        input: &mut Input<'_>,
        length: usize,
        tags: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let end = tags.len() + length;
        while tags.len() < end {
            // A reborrow, since the entry may come from the dictionary as well as from the input.
            let mut entry_input = *input;
            let entry = self.dictionary.decode_from(&mut entry_input)?;
            let entry_length = u16::try_from(entry.len());
            let entry_length =
                entry_length.map_err(|_| Fault::Corrupt("a tag is longer than 65535 bytes"))?;
            if tags.len() + 2 + entry.len() > end {
                return Err(Fault::Corrupt("the tags are longer than their length says"));
            }
            tags.extend_from_slice(&entry_length.to_be_bytes());
            tags.extend_from_slice(entry);
            let left = entry_input.len();
            input.take(input.len() - left, "tags")?;
        }
        Ok(())
    }
}

impl Default for TagDecoder {
    fn default() -> Self {
        Self::new(TAG_CAPACITY)
    }
}

/// Writes compressed tags; see [`TagDecoder`].
#[derive(Debug, Clone)]
pub struct TagEncoder {
    dictionary: DictionaryEncoder,
}

impl TagEncoder {
    /// Starts with an empty dictionary of `capacity`; see [`TagDecoder::new`].
    #[must_use]
    pub fn new(capacity: u16) -> Self {
        Self { dictionary: DictionaryEncoder::new(capacity) }
    }

    /// Forgets all entries, as at the start of each block.
    pub fn clear(&mut self) {
        self.dictionary.clear();
    }

    /// Appends each of the raw tags as a dictionary entry.
    ///
    /// # Errors
    /// `tags` are not whole tags.
    pub fn encode(&mut self, tags: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
        let mut input = Input::new(tags);
        while !input.is_empty() {
            let length = u16::from_be_bytes(input.array("the length of a tag")?);
            self.dictionary.encode(input.take(usize::from(length), "a tag")?, out)?;
        }
        Ok(())
    }
}

impl Default for TagEncoder {
    fn default() -> Self {
        Self::new(TAG_CAPACITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_slot_and_its_index_are_taken_over() {
        let mut dictionary = LruDictionary::new(3);
        assert_eq!(dictionary.add(b"a"), Some(0));
        assert_eq!(dictionary.add(b"b"), Some(1));
        assert_eq!(dictionary.add(b"c"), Some(2));
        assert_eq!(dictionary.get(0), Some(&b"a"[..]));
        assert_eq!(dictionary.add(b"d"), Some(1), "b is the oldest once a was used");
        assert_eq!(dictionary.get(2), Some(&b"c"[..]));
        assert_eq!(dictionary.add(b"e"), Some(0), "a is older than d and c");
        assert_eq!(dictionary.get(1), Some(&b"d"[..]));
        assert_eq!(dictionary.get(3), None);
        assert_eq!(dictionary.add(b""), None);
        dictionary.clear();
        assert_eq!(dictionary.get(0), None);
        assert_eq!(dictionary.add(b"f"), Some(0));
    }

    /// The moves, written naively: a list of (index, entry), the most recently used first.
    struct Model {
        entries: Vec<(u16, Vec<u8>)>,
        capacity: usize,
    }

    impl Model {
        fn find_or_add(&mut self, entry: &[u8]) -> Option<u16> {
            if let Some(at) = self.entries.iter().position(|(_, known)| known == entry) {
                let found = self.entries.remove(at);
                self.entries.insert(0, found);
                return Some(self.entries[0].0);
            }
            if !entry.is_empty() {
                let next = self.entries.len() as u16;
                let full = self.entries.len() == self.capacity;
                let index = if full { self.entries.pop().unwrap().0 } else { next };
                self.entries.insert(0, (index, entry.to_vec()));
            }
            None
        }
    }

    #[test]
    fn encoder_decoder_and_model_make_the_same_moves() {
        for capacity in [1, 2, 7, 127] {
            let mut encoder = DictionaryEncoder::new(capacity);
            let mut decoder = LruDictionary::new(capacity);
            let mut model = Model { entries: Vec::new(), capacity: usize::from(capacity) };
            let mut state = 0x9e37_79b9_u64 + u64::from(capacity);
            for _ in 0..20_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let number = (state >> 33) % (u64::from(capacity) * 2);
                let entry = if number == 0 { String::new() } else { number.to_string() };
                let mut wire = Vec::new();
                encoder.encode(entry.as_bytes(), &mut wire).unwrap();
                let known = model.find_or_add(entry.as_bytes());
                assert_eq!(known, (wire[0] != 0xff).then(|| u16::from_be_bytes([wire[0], wire[1]])));
                wire.push(b'|');
                assert_eq!(decoder.decode(&wire).unwrap(), (entry.as_bytes(), &b"|"[..]));
            }
        }
    }

    #[test]
    fn tags_must_end_where_their_length_says() {
        let tags = b"\x00\x02\x08x\x00\x01\x05\x00\x02\x08x";
        let mut wire = Vec::new();
        TagEncoder::default().encode(tags, &mut wire).unwrap();
        let mut out = Vec::new();
        let length = tags.len() as u16;
        assert_eq!(TagDecoder::default().decode(&wire, length, &mut out).unwrap(), b"");
        assert_eq!(out, tags);
        for wrong in [length - 1, length + 1] {
            assert!(TagDecoder::default().decode(&wire, wrong, &mut Vec::new()).is_err());
        }
        assert!(TagDecoder::default().decode(b"\x00\x00", 4, &mut Vec::new()).is_err(), "not defined");
        assert!(TagEncoder::default().encode(b"\x00\x02\x08", &mut Vec::new()).is_err());
    }
}
