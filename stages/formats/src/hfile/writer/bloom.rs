use super::blocks::BlockSequence;
use super::index::IndexChunk;
use crate::FormatError;
use crate::hfile::bloom::{BloomHash, VERSION, bit_positions};
use crate::hfile::{BlockType, encode_root};

/// The share of absent rows that a filter lets through: `io.storefile.bloom.error.rate`, a Java float.
const ERROR_RATE: f64 = 0.01_f32 as f64;
/// How often a chunk can be halved: `io.storefile.bloom.max.fold`.
const MAX_FOLD: u32 = 7;
/// HBase's default hash.
const HASH: BloomHash = BloomHash::Murmur;

/// A bloom filter of rows while the file is written: `CompoundBloomFilterWriter`, `BloomFilterChunk`. Its chunks are
/// written between the data blocks as they fill.
#[derive(Debug)]
pub(super) struct RowBloomEncoder {
    shape: ChunkShape,
    /// The chunk that is being filled, if there is one.
    filling: Option<BloomChunk>,
    /// Full chunks that wait for the end of a data block.
    ready: Vec<BloomChunk>,
    index: IndexChunk,
    last_row: Vec<u8>,
    total_bytes: u64,
    total_keys: u64,
    total_max_keys: u64,
}

/// What every chunk starts with.
#[derive(Debug, Clone, Copy)]
struct ChunkShape {
    bytes: usize,
    max_keys: u64,
    hash_count: u32,
}

#[derive(Debug)]
struct BloomChunk {
    first_key: Vec<u8>,
    bits: Vec<u8>,
    keys: u64,
    max_keys: u64,
}

impl ChunkShape {
    /// `BloomFilterUtil.createBySize`.
    fn of(chunk_size: usize) -> Self {
        // Rounded up so that it can be halved.
        let bytes = chunk_size.max(1).next_multiple_of(1 << MAX_FOLD);
        let bits = bytes as f64 * 8.0;
        let log2_squared = std::f64::consts::LN_2 * std::f64::consts::LN_2;
        let ideal = (bits * (log2_squared / -ERROR_RATE.ln())) as u64;
        let bits_per_key = bytes as u64 * 8 / ideal.max(1);
        let hash_count = (std::f64::consts::LN_2 * bits_per_key as f64).ceil();
        let max_keys = -bits / hash_count * (1.0 - (ERROR_RATE.ln() / hash_count).exp()).ln();
        Self { bytes, max_keys: max_keys as u64, hash_count: hash_count as u32 }
    }
}

impl BloomChunk {
    fn new(shape: ChunkShape, first_key: &[u8]) -> Self {
        let bits = vec![0; shape.bytes];
        Self { first_key: first_key.to_vec(), bits, keys: 0, max_keys: shape.max_keys }
    }

    fn add(&mut self, hash_count: u32, key: &[u8]) {
        for bit in bit_positions(self.bits.len(), HASH, hash_count, key) {
            if let Some(byte) = self.bits.get_mut((bit >> 3) as usize) {
                *byte |= 1 << (bit & 7);
            }
        }
        self.keys += 1;
    }

    /// Halves a chunk while its keys fit into half of it: `compactBloom`.
    fn fold(&mut self) {
        let mut bytes = self.bits.len();
        while bytes & 1 == 0 && self.max_keys > self.keys << 1 {
            bytes >>= 1;
            self.max_keys >>= 1;
            let (front, back) = self.bits.split_at_mut(bytes);
            front.iter_mut().zip(back).for_each(|(front, back)| *front |= *back);
            self.bits.truncate(bytes);
        }
    }
}

impl RowBloomEncoder {
    pub(super) fn new(chunk_size: usize) -> Self {
        Self {
            shape: ChunkShape::of(chunk_size),
            filling: None,
            ready: Vec::new(),
            index: IndexChunk::default(),
            last_row: Vec::new(),
            total_bytes: 0,
            total_keys: 0,
            total_max_keys: 0,
        }
    }

    /// Adds the row of a cell, unless it is the last row again.
    #[inline]
    pub(super) fn add(&mut self, row: &[u8]) {
        if self.total_keys == 0 || self.last_row != row {
            self.add_new(row);
        }
    }

    fn add_new(&mut self, row: &[u8]) {
        if self.filling.as_ref().is_some_and(|chunk| chunk.keys >= chunk.max_keys) {
            self.ready.extend(self.filling.take());
        }
        let chunk = self.filling.get_or_insert_with(|| BloomChunk::new(self.shape, row));
        chunk.add(self.shape.hash_count, row);
        self.total_keys += 1;
        self.last_row.clear();
        self.last_row.extend_from_slice(row);
    }

    /// The last row, if there is one: file info LAST_BLOOM_KEY.
    pub(super) fn last_row(&self) -> Option<&[u8]> {
        (self.total_keys > 0).then_some(self.last_row.as_slice())
    }

    /// Writes the chunks that are full, or all if the file ends here.
    pub(super) fn write_chunks(
        &mut self,
        at_the_end: bool,
        blocks: &mut BlockSequence,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        if self.filling.as_ref().is_some_and(|chunk| at_the_end || chunk.keys >= chunk.max_keys) {
            self.ready.extend(self.filling.take());
        }
        for mut chunk in self.ready.drain(..) {
            chunk.fold();
            self.total_bytes += chunk.bits.len() as u64;
            self.total_max_keys += chunk.max_keys;
            let (offset, size) = blocks.write(BlockType::BloomChunk, &chunk.bits, out)?;
            self.index.add(&chunk.first_key, offset, size);
        }
        Ok(())
    }

    /// Writes the description of the filter, if it has any key. All chunks have been written.
    pub(super) fn write_meta(
        &self,
        block_type: BlockType,
        blocks: &mut BlockSequence,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        if self.total_keys == 0 {
            return Ok(());
        }
        let mut payload = VERSION.to_be_bytes().to_vec();
        payload.extend(self.total_bytes.to_be_bytes());
        payload.extend(self.shape.hash_count.to_be_bytes());
        payload.extend(HASH.code().to_be_bytes());
        payload.extend(self.total_keys.to_be_bytes());
        payload.extend(self.total_max_keys.to_be_bytes());
        payload.extend(self.index.len().to_be_bytes());
        // No comparator: keys are bytes.
        payload.push(0);
        payload.append(&mut encode_root(self.index.iter(), None));
        blocks.write(block_type, &payload, out)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_of_the_default_size_has_hbases_shape() {
        // As `BloomFilterUtil.createBySize(131072, 0.01f, MURMUR, 7)` of 2.6.1 says.
        let shape = ChunkShape::of(128 << 10);
        assert_eq!((shape.bytes, shape.hash_count), (131_072, 7));
        assert_eq!(shape.max_keys, 109_306);
        assert_eq!(ChunkShape::of(1).bytes, 128);
    }
}
