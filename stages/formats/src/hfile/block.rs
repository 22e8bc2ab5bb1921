use super::{BLOCK_HEADER_SIZE, BlockHeader, BlockType, ChecksumType};
use crate::FormatError;
use crate::compress::{Codec, Compressor, Decompressor};

/// The largest uncompressed block that is read unless the caller says otherwise: a block is as large as its largest
/// cell, and real large cells exist.
pub const LARGEST_BLOCK: usize = 1 << 30;

/// One block, checked and decompressed: `HFileBlock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its header.
    pub header: BlockHeader,
    /// Its payload, uncompressed; an encoded data block is still encoded.
    pub payload: Vec<u8>,
}

impl Block {
    /// Decodes one whole block. `bytes` are its header, payload and checksums, and nothing else (an index entry's
    /// size, [`BlockHeader::on_disk_size`]). The checksums are verified before anything is decompressed; a payload
    /// of more than `largest` bytes is refused.
    ///
    /// # Errors
    /// Truncated, Corrupt, Checksum, TooLarge; Unsupported if `codec` is. Offsets count from the block's start.
    pub fn decode(
        bytes: &[u8],
        codec: Codec,
        decompressor: &mut Decompressor,
        largest: usize,
    ) -> Result<Self, FormatError> {
        let mut payload = Vec::new();
        let header = Self::decode_into(bytes, codec, decompressor, largest, &mut payload)?;
        Ok(Self { header, payload })
    }

    /// As [`Block::decode`], with the payload put into memory that is reused from block to block.
    ///
    /// # Errors
    /// As [`Block::decode`].
    pub fn decode_into(
        bytes: &[u8],
        codec: Codec,
        decompressor: &mut Decompressor,
        largest: usize,
        payload: &mut Vec<u8>,
    ) -> Result<BlockHeader, FormatError> {
        let (header, on_disk) = verify_block(bytes)?;
        let uncompressed = header.uncompressed_size_without_header as usize;
        if uncompressed > largest {
            let text =
                format!("a block of {uncompressed} bytes uncompressed; at most {largest} are accepted");
            return Err(FormatError::too_large(text).at(12));
        }
        decompressor
            .decompress(codec, on_disk, uncompressed, payload)
            .map_err(|error| in_block(header.block_type, error.shifted(BLOCK_HEADER_SIZE as u64)))?;
        Ok(header)
    }

    /// Checks that the block is of the type that must stand at its place.
    ///
    /// # Errors
    /// Corrupt, naming both.
    pub fn expect(self, block_type: BlockType) -> Result<Self, FormatError> {
        let found = self.header.block_type;
        if found != block_type {
            let text = format!("a {} block where a {} block must be", found.name(), block_type.name());
            return Err(FormatError::corrupt(text).at(0));
        }
        Ok(self)
    }
}

/// Checks one whole block, without decompressing it: header, sizes, every checksum (slots of type NULL must be 0).
/// Returns the header and the payload as it is on disk.
///
/// # Errors
/// Truncated if `bytes` are fewer than the header says, Corrupt if more; Checksum, with the chunk's offset in the
/// block.
pub fn verify_block(bytes: &[u8]) -> Result<(BlockHeader, &[u8]), FormatError> {
    let first = bytes
        .first_chunk::<BLOCK_HEADER_SIZE>()
        .ok_or_else(|| FormatError::truncated("fewer bytes than a block header has"))?;
    let header = BlockHeader::decode(first)?;
    if header.on_disk_size() != bytes.len() as u64 {
        let text = format!("a block of {} bytes where {} are expected", header.on_disk_size(), bytes.len());
        let short = header.on_disk_size() > bytes.len() as u64;
        let error = if short { FormatError::truncated(text) } else { FormatError::corrupt(text) };
        return Err(error.at(8));
    }
    let (covered, checksums) = bytes
        .split_at_checked(header.on_disk_data_size_with_header as usize)
        .ok_or_else(|| FormatError::truncated("the block is cut short"))?;
    let chunks = covered.chunks(header.bytes_per_checksum as usize);
    for (index, (chunk, stored)) in chunks.zip(checksums.chunks(4)).enumerate() {
        if header.checksum_type.of(chunk).to_be_bytes() != stored {
            return Err(mismatch(&header, index as u64));
        }
    }
    Ok((header, covered.get(BLOCK_HEADER_SIZE..).unwrap_or_default()))
}

/// What is wrong when the checksum of chunk `index` does not agree; its offset counts from the block's start.
pub(super) fn mismatch(header: &BlockHeader, index: u64) -> FormatError {
    let block_type = header.block_type.name();
    let number = index + 1;
    let all = header.checksums();
    let text = match header.checksum_type {
        ChecksumType::Null => format!(
            "{block_type} block: checksum type NULL but slot {number} of {all} is not 0: \
             the type was changed, or the bytes"
        ),
        kind => format!("{block_type} block: {} {number} of {all} does not agree", kind.name()),
    };
    FormatError::checksum(text).at(index * u64::from(header.bytes_per_checksum))
}

/// Appends a whole block to `into`: header, `payload` compressed, checksums.
///
/// # Errors
/// TooLarge beyond 2 GiB; Unsupported if `codec` is not written.
pub fn encode_block(
    (block_type, payload): (BlockType, &[u8]),
    prev_block_offset: Option<u64>,
    codec: Codec,
    checksum: (ChecksumType, u32),
    compressor: &mut Compressor,
    into: &mut Vec<u8>,
) -> Result<BlockHeader, FormatError> {
    let (checksum_type, bytes_per_checksum) = checksum;
    let start = into.len();
    into.extend([0; BLOCK_HEADER_SIZE]);
    compressor.compress(codec, payload, into)?;
    let on_disk = into.len() - start - BLOCK_HEADER_SIZE;
    let header = BlockHeader::new(
        block_type,
        on_disk,
        payload.len(),
        prev_block_offset,
        checksum_type,
        bytes_per_checksum,
    )?;
    let covered = into.get_mut(start..).unwrap_or_default();
    covered.iter_mut().zip(header.encode()).for_each(|(place, byte)| *place = byte);
    let checksums = encode_checksums(covered, checksum_type, bytes_per_checksum);
    into.extend(checksums);
    Ok(header)
}

/// The checksums of `covered`, a block's header and payload on disk: 4 bytes for each `bytes_per_checksum`.
#[must_use]
pub fn encode_checksums(covered: &[u8], checksum_type: ChecksumType, bytes_per_checksum: u32) -> Vec<u8> {
    let chunks = covered.chunks((bytes_per_checksum as usize).max(1));
    chunks.flat_map(|chunk| checksum_type.of(chunk).to_be_bytes()).collect()
}

fn in_block(block_type: BlockType, mut error: FormatError) -> FormatError {
    error.what = format!("{} block: {}", block_type.name(), error.what);
    error
}
