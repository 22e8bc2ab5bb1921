use std::collections::BTreeMap;
use std::fmt;

use crate::FormatError;
use crate::compress::{Codec, Compressor};
use crate::hfile::{BLOCK_HEADER_SIZE, BlockType, ChecksumType, TRAILER_SIZE, encode_block};

/// Blocks, one after another, each with the offset of the last of its type.
pub(super) struct BlockSequence {
    codec: Codec,
    checksum: (ChecksumType, u32),
    compressor: Compressor,
    position: u64,
    last_of_type: BTreeMap<BlockType, u64>,
    total_uncompressed: u64,
}

impl fmt::Debug for BlockSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockSequence").field("position", &self.position).finish_non_exhaustive()
    }
}

impl BlockSequence {
    pub(super) fn new(codec: Codec, checksum_type: ChecksumType, bytes_per_checksum: u32) -> Self {
        Self {
            codec,
            checksum: (checksum_type, bytes_per_checksum),
            compressor: Compressor::new(),
            position: 0,
            last_of_type: BTreeMap::new(),
            total_uncompressed: TRAILER_SIZE as u64,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The trailer's total_uncompressed_bytes: all blocks but those of [`BlockSequence::write_uncounted`].
    pub(super) fn total_uncompressed(&self) -> u64 {
        self.total_uncompressed
    }

    /// Writes a block; returns its offset and its whole size.
    pub(super) fn write(
        &mut self,
        block_type: BlockType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(u64, u32), FormatError> {
        self.total_uncompressed += (BLOCK_HEADER_SIZE + payload.len()) as u64;
        self.write_uncounted(block_type, payload, out)
    }

    /// As [`BlockSequence::write`], for the upper levels of the data index, which HBase leaves out of the total.
    pub(super) fn write_uncounted(
        &mut self,
        block_type: BlockType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(u64, u32), FormatError> {
        let offset = self.position;
        let start = out.len();
        let last = self.last_of_type.insert(block_type, offset);
        encode_block((block_type, payload), last, self.codec, self.checksum, &mut self.compressor, out)?;
        let size = out.len() - start;
        self.position += size as u64;
        // The header's constructor checks that the block is below 2 GiB.
        Ok((offset, size as u32))
    }
}
