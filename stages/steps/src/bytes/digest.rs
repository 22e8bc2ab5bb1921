//! Digests of ranges that can be joined to the digest of the whole, so that a resumed copy never hashes twice.

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use crc_fast::{CrcAlgorithm, checksum_combine};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Length of the ranges in which a long file is copied: a power of two, as BLAKE3's tree needs it.
pub const RANGE_LEN: u64 = 64 << 20;

/// A BLAKE3 value, in hexadecimal in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Blake3(pub [u8; 32]);

impl Blake3 {
    /// From 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

impl fmt::Display for Blake3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        blake3::Hash::from_bytes(self.0).fmt(f)
    }
}

impl Serialize for Blake3 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Blake3 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(serde::de::Error::custom)
    }
}

/// Digests of one range of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSum {
    /// Bytes in the range.
    pub len: u64,
    /// CRC32C (Castagnoli) of the range.
    pub crc32c: u32,
    /// BLAKE3's chaining value of the range as a subtree of its file; the file's hash itself if the range is the file.
    pub blake3: Blake3,
}

/// Digests of a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Bytes in the file.
    pub len: u64,
    /// CRC32C of the file.
    pub crc32c: u32,
    /// BLAKE3 of the file.
    pub blake3: Blake3,
}

/// Computes the digests of one range while its bytes go by.
pub struct RangeHasher {
    crc: crc_fast::Digest,
    tree: blake3::Hasher,
    len: u64,
    whole_file: bool,
}

impl RangeHasher {
    /// Starts the range at `offset`, a multiple of a power-of-two range length; `whole_file` if it is all of its file.
    pub fn new(offset: u64, whole_file: bool) -> Self {
        let mut tree = blake3::Hasher::new();
        if offset > 0 {
            tree.set_input_offset(offset);
        }
        Self { crc: crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi), tree, len: 0, whole_file }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.tree.update(bytes);
        self.len += bytes.len() as u64;
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> RangeSum {
        let blake3 = match (self.len, self.whole_file) {
            // A tree has no empty subtrees.
            (0, _) => *blake3::hash(&[]).as_bytes(),
            (_, true) => *self.tree.finalize().as_bytes(),
            (_, false) => self.tree.finalize_non_root(),
        };
        RangeSum { len: self.len, crc32c: self.crc.finalize() as u32, blake3: Blake3(blake3) }
    }
}

/// The digests of a file from those of its ranges, which are in order and, but for the last, of one power-of-two
/// length. `None` if there is no range.
pub fn join_ranges(ranges: &[RangeSum]) -> Option<FileSum> {
    let (first, rest) = ranges.split_first()?;
    let len = ranges.iter().map(|range| range.len).sum();
    let crc32c = rest.iter().fold(u64::from(first.crc32c), |crc, range| {
        checksum_combine(CrcAlgorithm::Crc32Iscsi, crc, u64::from(range.crc32c), range.len)
    }) as u32;
    let blake3 = match left_ranges(ranges.len()) {
        None => first.blake3,
        Some(left) => {
            let (left, right) = ranges.split_at(left);
            Blake3(*merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash).as_bytes())
        }
    };
    Some(FileSum { len, crc32c, blake3 })
}

fn subtree(ranges: &[RangeSum]) -> ChainingValue {
    match (left_ranges(ranges.len()), ranges.first()) {
        (Some(left), _) => {
            let (left, right) = ranges.split_at(left);
            merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
        }
        (None, Some(range)) => range.blake3.0,
        (None, None) => [0; 32],
    }
}

/// BLAKE3's rule: the left subtree is the largest full one that leaves something for the right.
fn left_ranges(ranges: usize) -> Option<usize> {
    (ranges > 1).then(|| ranges.div_ceil(2).next_power_of_two())
}

/// CRC32C of bytes.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_ranges(bytes: &[u8], range_len: usize) -> Vec<RangeSum> {
        let whole = bytes.len() <= range_len;
        let sum = |(n, range): (usize, &[u8])| {
            let mut hasher = RangeHasher::new((n * range_len) as u64, whole);
            range.chunks(1000).for_each(|piece| hasher.update(piece));
            hasher.finish()
        };
        if bytes.is_empty() {
            vec![sum((0, bytes))]
        } else {
            bytes.chunks(range_len).enumerate().map(sum).collect()
        }
    }

    proptest! {
        #[test]
        fn ranges_join_to_the_digest_of_the_whole(len in 0usize..40_000, range_log in 10u32..14) {
            let bytes: Vec<u8> = (0..len).map(|n| (n * 7 + n / 256) as u8).collect();
            let joined = join_ranges(&in_ranges(&bytes, 1 << range_log)).unwrap();
            prop_assert_eq!(joined.len, len as u64);
            prop_assert_eq!(joined.crc32c, crc32c(&bytes));
            prop_assert_eq!(joined.blake3.0, *blake3::hash(&bytes).as_bytes());
        }
    }

    #[test]
    fn a_range_without_bytes_has_the_digest_of_nothing() {
        for (offset, whole) in [(0, true), (0, false), (1 << 16, false)] {
            assert_eq!(RangeHasher::new(offset, whole).finish().blake3.0, *blake3::hash(&[]).as_bytes());
        }
    }

    #[test]
    fn crc32c_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283); // RFC 3720, B.4
    }
}
