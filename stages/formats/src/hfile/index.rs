//! Index blocks: `HFileBlockIndex`. The root is stored in one form, leaves and intermediate nodes in another; the
//! meta index and a bloom filter's chunks use the root's form.

use std::cmp::Ordering;
use std::ops::Range;

use super::BLOCK_HEADER_SIZE;
use crate::FormatError;
use crate::cursor::Cursor;
use crate::varint::encode_vlong;

/// Fewest bytes of an entry in a root: offset, size, length of an empty key.
const ROOT_ENTRY: usize = 13;
/// Bytes of an entry's offset and size.
const POINTER: usize = 12;

/// One index block, of any level: what it points to, in the order of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexBlock {
    /// All keys, one after another.
    keys: Vec<u8>,
    pointers: Vec<Pointer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pointer {
    offset: u64,
    size: u32,
    key: Range<usize>,
}

/// One entry of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// Where the block is, in the file.
    pub offset: u64,
    /// Its whole size: header, payload and checksums.
    pub size: u32,
    /// Its first key, or, in a data index, anything between the last key before it and its first (a made-up
    /// separator): never a cell.
    pub key: &'a [u8],
}

/// Where the middle key of a file with a data index of several levels is, as HBase uses it to choose a split point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MidKey {
    /// Offset of the leaf index block that holds it.
    pub leaf_offset: u64,
    /// That block's whole size.
    pub leaf_size: u32,
    /// Which of its entries.
    pub entry: u32,
}

impl IndexBlock {
    /// Decodes a root index of `count` entries (the trailer's count, or a bloom filter's number of chunks), which is
    /// all of `payload`.
    ///
    /// # Errors
    /// Truncated or Corrupt. Offsets count from the start of `payload`.
    pub fn decode_root(payload: &[u8], count: u32) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(payload);
        let index = Self::root_entries(&mut cursor, count)?;
        index.must_end(&cursor)
    }

    /// Decodes the data root index of a file whose index has several levels: the place of the middle key
    /// follows the entries.
    ///
    /// # Errors
    /// Truncated or Corrupt. Offsets count from the start of `payload`.
    pub fn decode_root_with_mid_key(payload: &[u8], count: u32) -> Result<(Self, MidKey), FormatError> {
        let mut cursor = Cursor::new(payload);
        let index = Self::root_entries(&mut cursor, count)?;
        let mid_key = MidKey {
            leaf_offset: cursor.offset("mid-key: offset of the leaf")?,
            leaf_size: cursor.length("mid-key: size of the leaf")? as u32,
            entry: cursor.length("mid-key: entry")? as u32,
        };
        Ok((index.must_end(&cursor)?, mid_key))
    }

    /// Decodes a leaf or intermediate index, which is all of `payload`.
    ///
    /// # Errors
    /// Truncated or Corrupt. Offsets count from the start of `payload`.
    pub fn decode_non_root(payload: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(payload);
        let count = cursor.length("index block: number of entries")?;
        // n+1 offsets and n pointers must be there; checked before anything is allocated by n.
        let offsets_size = (count.saturating_add(1)).saturating_mul(4);
        let mut offsets = Cursor::new(cursor.take(offsets_size, "index block: offsets of the entries")?);
        if cursor.rest().len() / POINTER < count {
            return Err(FormatError::truncated("index block: more entries than bytes").at(0));
        }
        let mut index = Self::with_capacity(count, cursor.rest().len());
        let entries_at = cursor.position();
        let mut start = offsets.length("index block: offset of an entry")?;
        if start != 0 {
            return Err(FormatError::corrupt("index block: the first entry is not at 0").at(4));
        }
        for _ in 0..count {
            let end = offsets.length("index block: offset of an entry")?;
            let key = end.checked_sub(start + POINTER).ok_or_else(|| {
                FormatError::corrupt("index block: an entry ends before it begins").at(entries_at)
            })?;
            index.push_entry(&mut cursor, |_| Ok(key))?;
            start = end;
        }
        index.must_end(&cursor)
    }

    pub(super) fn root_entries(cursor: &mut Cursor<'_>, count: u32) -> Result<Self, FormatError> {
        let count = count as usize;
        if cursor.rest().len() / ROOT_ENTRY < count {
            let text = format!("root index: {} bytes cannot hold {count} entries", cursor.rest().len());
            return Err(FormatError::corrupt(text).at(cursor.position()));
        }
        let mut index = Self::with_capacity(count, cursor.rest().len());
        for _ in 0..count {
            index.push_entry(cursor, |cursor| cursor.vint_length("index entry: length of the key"))?;
        }
        Ok(index)
    }

    fn with_capacity(count: usize, bytes: usize) -> Self {
        Self { keys: Vec::with_capacity(bytes), pointers: Vec::with_capacity(count) }
    }

    fn push_entry(
        &mut self,
        cursor: &mut Cursor<'_>,
        key_length: impl FnOnce(&mut Cursor<'_>) -> Result<usize, FormatError>,
    ) -> Result<(), FormatError> {
        let at = cursor.position();
        let offset = cursor.offset("index entry: offset of a block")?;
        let size = cursor.length("index entry: size of a block")?;
        if size < BLOCK_HEADER_SIZE {
            let text = format!("index entry: a block of {size} bytes, less than its header");
            return Err(FormatError::corrupt(text).at(at + 8));
        }
        let length = key_length(cursor)?;
        let key = cursor.take(length, "index entry: key")?;
        let start = self.keys.len();
        self.keys.extend_from_slice(key);
        self.pointers.push(Pointer { offset, size: size as u32, key: start..self.keys.len() });
        Ok(())
    }

    fn must_end(self, cursor: &Cursor<'_>) -> Result<Self, FormatError> {
        if cursor.rest().is_empty() {
            return Ok(self);
        }
        let text = format!("index block: {} bytes after the last entry", cursor.rest().len());
        Err(FormatError::corrupt(text).at(cursor.position()))
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pointers.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pointers.is_empty()
    }

    /// The entry of this number, from 0.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<IndexEntry<'_>> {
        self.pointers.get(number).map(|pointer| self.entry(pointer))
    }

    /// All entries.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IndexEntry<'_>> + DoubleEndedIterator {
        self.pointers.iter().map(|pointer| self.entry(pointer))
    }

    fn entry(&self, pointer: &Pointer) -> IndexEntry<'_> {
        let key = self.keys.get(pointer.key.clone()).unwrap_or_default();
        IndexEntry { offset: pointer.offset, size: pointer.size, key }
    }

    /// The number of the entry whose block would hold a sought key: the last entry at or before it. `order` compares
    /// an entry's key with the sought one. None if the sought key is before the first entry.
    pub fn seek(&self, mut order: impl FnMut(&[u8]) -> Ordering) -> Option<usize> {
        let behind = self.pointers.partition_point(|pointer| order(self.entry(pointer).key).is_le());
        behind.checked_sub(1)
    }

    /// Checks what this index points to: each block begins after the one before it, and all end at or before
    /// `limit`. For an index with levels below it, `limit` is the offset of the index block itself, so that a child is
    /// always strictly before its parent and a descent must end.
    ///
    /// # Errors
    /// Corrupt, without offset.
    pub fn check_children(&self, limit: u64) -> Result<(), FormatError> {
        let mut free_from = 0;
        for (number, Pointer { offset, size, .. }) in self.pointers.iter().enumerate() {
            let end = offset.saturating_add(u64::from(*size));
            if *offset < free_from || end > limit {
                return Err(FormatError::corrupt(format!(
                    "index entry {number} points to {offset} to {end}; it must lie after {free_from} and \
                     before {limit}"
                )));
            }
            free_from = end;
        }
        Ok(())
    }
}

impl MidKey {
    /// Checks that the leaf is before `limit`, the offset of the root index.
    ///
    /// # Errors
    /// Corrupt, without offset.
    pub fn check(&self, limit: u64) -> Result<(), FormatError> {
        let end = self.leaf_offset.saturating_add(u64::from(self.leaf_size));
        if end > limit || (self.leaf_size as usize) < BLOCK_HEADER_SIZE {
            let text = format!("mid-key: the leaf at {} with {} bytes", self.leaf_offset, self.leaf_size);
            return Err(FormatError::corrupt(text));
        }
        Ok(())
    }
}

/// Encodes a root index.
#[must_use]
pub fn encode_root<'a>(
    entries: impl IntoIterator<Item = IndexEntry<'a>>,
    mid_key: Option<MidKey>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        encode_pointer(&entry, &mut bytes);
        encode_vlong(entry.key.len() as i64, &mut bytes);
        bytes.extend_from_slice(entry.key);
    }
    if let Some(mid_key) = mid_key {
        bytes.extend(mid_key.leaf_offset.to_be_bytes());
        bytes.extend(mid_key.leaf_size.to_be_bytes());
        bytes.extend(mid_key.entry.to_be_bytes());
    }
    bytes
}

/// Encodes a leaf or intermediate index.
///
/// # Errors
/// TooLarge if it would be beyond 2 GiB.
pub fn encode_non_root<'a>(
    entries: impl IntoIterator<Item = IndexEntry<'a>>,
) -> Result<Vec<u8>, FormatError> {
    let mut ends = Vec::new();
    let mut body = Vec::new();
    for entry in entries {
        encode_pointer(&entry, &mut body);
        body.extend_from_slice(entry.key);
        let end = i32::try_from(body.len())
            .map_err(|_| FormatError::too_large("an index block is beyond 2 GiB"))?;
        ends.push(end);
    }
    // Each entry took 12 bytes, so their count fits too.
    let mut bytes = (ends.len() as i32).to_be_bytes().to_vec();
    bytes.extend([0; 4]);
    bytes.extend(ends.iter().flat_map(|end| end.to_be_bytes()));
    bytes.append(&mut body);
    Ok(bytes)
}

fn encode_pointer(entry: &IndexEntry<'_>, into: &mut Vec<u8>) {
    into.extend(entry.offset.to_be_bytes());
    into.extend(entry.size.to_be_bytes());
}
