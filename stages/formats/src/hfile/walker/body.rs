use crc_fast::Digest;

use crate::FormatError;
use crate::hfile::block::mismatch;
use crate::hfile::{BLOCK_HEADER_SIZE, BlockHeader};

/// How many checksums of one block are remembered until the stored ones come by, at the block's end: at HBase's 16
/// KiB a chunk enough for 16 GiB, while a block has at most 2.
pub(super) const MOST_CHECKSUMS: u32 = 1 << 20;

/// Verifies one block as its bytes go by.
pub(super) struct BodyCheck {
    pub(super) header: BlockHeader,
    /// Where the block begins in the file.
    pub(super) offset: u64,
    /// Payload that has not come by.
    payload_left: usize,
    /// What is missing of the current chunk.
    chunk_left: usize,
    digest: Option<Digest>,
    /// The checksums computed so far.
    sums: Vec<u32>,
    /// The stored checksum that is coming by, and how much of it has.
    slot: [u8; 4],
    slot_filled: usize,
    slots_seen: u32,
    first_mismatch: Option<u32>,
    mismatches: u32,
}

impl BodyCheck {
    /// For a block whose header has come by. `sums` is memory to use.
    pub(super) fn new(
        header: BlockHeader,
        bytes: &[u8; BLOCK_HEADER_SIZE],
        offset: u64,
        mut sums: Vec<u32>,
    ) -> Self {
        sums.clear();
        let mut check = Self {
            header,
            offset,
            payload_left: header.on_disk_data_size_with_header as usize,
            chunk_left: header.bytes_per_checksum as usize,
            digest: header.checksum_type.digest(),
            sums,
            slot: [0; 4],
            slot_filled: 0,
            slots_seen: 0,
            first_mismatch: None,
            mismatches: 0,
        };
        check.cover(bytes);
        check
    }

    /// Takes what belongs to the block and returns the rest.
    pub(super) fn feed<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let rest = self.cover(bytes);
        if self.payload_left == 0 { self.compare(rest) } else { rest }
    }

    /// Whether the whole block has come by.
    pub(super) fn is_done(&self) -> bool {
        self.slots_seen == self.header.checksums()
    }

    /// Whether the first chunk, which holds the header, agrees with its checksum. Known when the block is done.
    pub(super) fn header_holds(&self) -> bool {
        self.first_mismatch != Some(0)
    }

    /// What is wrong with the block; its offset counts from the start of the file.
    pub(super) fn fault(&self) -> Option<FormatError> {
        let mut error = mismatch(&self.header, u64::from(self.first_mismatch?)).shifted(self.offset);
        if self.mismatches > 1 {
            error.what = format!("{} (as {} more)", error.what, self.mismatches - 1);
        }
        Some(error)
    }

    /// Returns the memory.
    pub(super) fn into_sums(self) -> Vec<u32> {
        self.sums
    }

    /// Runs the checksums over header and payload.
    fn cover<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while self.payload_left > 0 && !bytes.is_empty() {
            let length = bytes.len().min(self.payload_left).min(self.chunk_left);
            let (piece, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
            bytes = rest;
            self.payload_left -= length;
            self.chunk_left -= length;
            if let Some(digest) = &mut self.digest {
                digest.update(piece);
                if self.chunk_left == 0 || self.payload_left == 0 {
                    self.sums.push(digest.finalize_reset() as u32);
                }
            }
            if self.chunk_left == 0 {
                self.chunk_left = self.header.bytes_per_checksum as usize;
            }
        }
        bytes
    }

    /// Compares the stored checksums with what was computed; without checksums the slots must be 0.
    fn compare<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while !self.is_done()
            && let Some((byte, rest)) = bytes.split_first()
        {
            bytes = rest;
            if let Some(place) = self.slot.get_mut(self.slot_filled) {
                *place = *byte;
            }
            self.slot_filled += 1;
            if self.slot_filled == self.slot.len() {
                self.compare_slot();
            }
        }
        bytes
    }

    fn compare_slot(&mut self) {
        let computed = self.sums.get(self.slots_seen as usize).copied().unwrap_or(0);
        if u32::from_be_bytes(self.slot) != computed {
            self.first_mismatch.get_or_insert(self.slots_seen);
            self.mismatches += 1;
        }
        self.slot_filled = 0;
        self.slots_seen += 1;
    }
}
