//! Bloom filters: `CompoundBloomFilter`, `BloomFilterUtil`. A reader never needs them; a wrong one hides rows from
//! Gets, so what is written is tested with them.

use std::cmp::Ordering;

use super::index::IndexBlock;
use super::murmur;
use crate::cursor::Cursor;
use crate::{FormatError, Unsupported};

pub(super) const VERSION: u32 = 3;
/// The most hashes that are accepted: HBase computes the number from the error rate, 7 for its default.
const MOST_HASHES: usize = 255;

/// The part of a cell that is put into the general bloom filter: `BloomType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BloomType {
    /// The row.
    Row,
    /// Row and qualifier, as [`row_column_key`] writes them.
    RowColumn,
    /// This many bytes of the row, or all of a shorter one.
    RowPrefix(usize),
}

/// The hash of a bloom filter: `Hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BloomHash {
    /// `JenkinsHash`.
    Jenkins,
    /// `MurmurHash`, HBase's default.
    Murmur,
    /// `MurmurHash3`.
    Murmur3,
}

impl BloomHash {
    /// HBase's number of it.
    pub(super) const fn code(self) -> u32 {
        match self {
            Self::Jenkins => 0,
            Self::Murmur => 1,
            Self::Murmur3 => 2,
        }
    }

    fn of(self, key: &[u8], seed: u32) -> u32 {
        match self {
            Self::Jenkins => murmur::jenkins(key, seed),
            Self::Murmur => murmur::murmur(key, seed),
            Self::Murmur3 => murmur::murmur3(key, seed),
        }
    }
}

/// The description of a bloom filter, the payload of a GENERAL_BLOOM_META or DELETE_FAMILY_BLOOM_META block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BloomFilter {
    /// Bytes of all chunks.
    pub total_byte_size: u64,
    /// How many bits a key sets.
    pub hash_count: u32,
    /// Which hash says what bits.
    pub hash: BloomHash,
    /// How many keys are in.
    pub key_count: u64,
    /// How many keys it was made for.
    pub max_keys: u64,
    /// Class name of the comparator of ROWCOL keys; empty otherwise.
    pub comparator_class: String,
    /// The chunks, BLOOM_CHUNK blocks whose payload is the bits, by the first key in each.
    pub chunks: IndexBlock,
}

impl BloomFilter {
    /// Decodes the payload of a bloom meta block.
    ///
    /// # Errors
    /// Unsupported for a version other than 3 or an unknown hash; Truncated, Corrupt.
    pub fn decode(payload: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(payload);
        let version = cursor.u32("bloom meta: version")?;
        if version != VERSION {
            return Err(FormatError::unsupported(
                Unsupported::Other,
                format!("bloom meta: version {version}"),
            )
            .at(0));
        }
        let total_byte_size = cursor.offset("bloom meta: total size")?;
        let hash_count = cursor.length("bloom meta: number of hashes")?;
        if hash_count > MOST_HASHES {
            return Err(FormatError::corrupt(format!("bloom meta: {hash_count} hashes a key")).at(12));
        }
        let hash_count = hash_count as u32;
        let hash = match cursor.u32("bloom meta: hash type")? {
            0 => BloomHash::Jenkins,
            1 => BloomHash::Murmur,
            2 => BloomHash::Murmur3,
            other => {
                return Err(FormatError::unsupported(
                    Unsupported::Other,
                    format!("bloom meta: hash type {other}"),
                )
                .at(16));
            }
        };
        let key_count = cursor.offset("bloom meta: number of keys")?;
        let max_keys = cursor.offset("bloom meta: most keys")?;
        let chunks = cursor.length("bloom meta: number of chunks")? as u32;
        let length = cursor.vint_length("bloom meta: length of the comparator")?;
        let comparator_class = cursor.take(length, "bloom meta: comparator")?;
        let comparator_class = String::from_utf8(comparator_class.to_vec())
            .map_err(|_| FormatError::corrupt("bloom meta: the comparator is not text"))?;
        let chunks = IndexBlock::root_entries(&mut cursor, chunks)?;
        if !cursor.rest().is_empty() {
            let text = format!("bloom meta: {} bytes after the last chunk", cursor.rest().len());
            return Err(FormatError::corrupt(text).at(cursor.position()));
        }
        Ok(Self { total_byte_size, hash_count, hash, key_count, max_keys, comparator_class, chunks })
    }

    /// The number of the chunk that would hold a key; `order` compares a chunk's first key with it (bytes for rows and
    /// prefixes, cell order for ROWCOL). `None`: the key is before all of them, so it is not in.
    pub fn chunk_of(&self, order: impl FnMut(&[u8]) -> Ordering) -> Option<usize> {
        self.chunks.seek(order)
    }

    /// Whether the chunk with these bits may contain the key. See [`may_contain`].
    #[must_use]
    pub fn may_contain(&self, bits: &[u8], key: &[u8]) -> bool {
        may_contain(bits, self.hash, self.hash_count, key)
    }
}

/// Whether a key may be in a bloom filter's chunk with these bits: "no" is certain.
#[must_use]
pub fn may_contain(bits: &[u8], hash: BloomHash, hash_count: u32, key: &[u8]) -> bool {
    !bits.is_empty()
        && bit_positions(bits.len(), hash, hash_count, key)
            .all(|bit| bits.get((bit >> 3) as usize).is_some_and(|byte| byte & (1 << (bit & 7)) != 0))
}

/// The bits of a chunk of this many bytes that a key sets.
#[inline]
pub(super) fn bit_positions(
    bytes: usize,
    hash: BloomHash,
    hash_count: u32,
    key: &[u8],
) -> impl Iterator<Item = u32> {
    // Java's int arithmetic: wraps at 32 bits, the remainder keeps the sign, Math.abs takes it away. A chunk has no
    // 2^31 bits: its block has less than 2 GiB of which an int counts the bits.
    let size = i32::try_from(bytes.saturating_mul(8)).unwrap_or(i32::MAX).max(1);
    let first = hash.of(key, 0);
    let second = hash.of(key, first);
    (0..hash_count).map(move |number| {
        let sum = first.wrapping_add(number.wrapping_mul(second)).cast_signed();
        (sum % size).unsigned_abs()
    })
}

/// The key of a row and a qualifier in a ROWCOL bloom filter: a KeyValue key without family, at the latest timestamp.
/// Family deletes go in with an empty qualifier.
///
/// # Errors
/// TooLarge if the row is longer than a row can be.
pub fn row_column_key(row: &[u8], qualifier: &[u8]) -> Result<Vec<u8>, FormatError> {
    let length = i16::try_from(row.len())
        .map_err(|_| FormatError::too_large(format!("a row of {} bytes", row.len())))?;
    let mut key = length.to_be_bytes().to_vec();
    key.extend_from_slice(row);
    key.push(0);
    key.extend_from_slice(qualifier);
    key.extend(i64::MAX.to_be_bytes());
    key.push(0xff);
    Ok(key)
}
