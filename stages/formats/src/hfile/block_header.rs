use super::{BlockType, ChecksumType};
use crate::FormatError;
use crate::cursor::Cursor;

/// Size of a block's header.
pub const BLOCK_HEADER_SIZE: usize = 33;

/// HBase's default of bytes that one checksum covers.
pub const BYTES_PER_CHECKSUM: u32 = 16 << 10;

const CHECKSUM_SIZE: u64 = 4;

/// The 33 bytes that begin every block: `HFileBlock.Header`. All sizes are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// What the block is.
    pub block_type: BlockType,
    /// Payload on disk and checksums, without this header.
    pub on_disk_size_without_header: u32,
    /// Payload once decrypted and decompressed.
    pub uncompressed_size_without_header: u32,
    /// Offset of the previous block of the same type (data and encoded data are one), if there is one.
    pub prev_block_offset: Option<u64>,
    /// How the checksums are computed.
    pub checksum_type: ChecksumType,
    /// How many bytes one checksum covers.
    pub bytes_per_checksum: u32,
    /// This header and the payload on disk, without checksums.
    pub on_disk_data_size_with_header: u32,
}

impl BlockHeader {
    /// The header of a block whose payload on disk has `on_disk` bytes and `uncompressed` bytes before compression.
    ///
    /// # Errors
    /// TooLarge if the block would be beyond 2 GiB; Corrupt if `bytes_per_checksum` is below 33.
    pub fn new(
        block_type: BlockType,
        on_disk: usize,
        uncompressed: usize,
        prev_block_offset: Option<u64>,
        checksum_type: ChecksumType,
        bytes_per_checksum: u32,
    ) -> Result<Self, FormatError> {
        let too_large = || FormatError::too_large(format!("a block of {} bytes", on_disk.max(uncompressed)));
        let data_size = u32::try_from(on_disk + BLOCK_HEADER_SIZE).map_err(|_| too_large())?;
        if (bytes_per_checksum as usize) < BLOCK_HEADER_SIZE {
            return Err(FormatError::corrupt(format!("a checksum for every {bytes_per_checksum} bytes")));
        }
        let checksums = CHECKSUM_SIZE * u64::from(data_size.div_ceil(bytes_per_checksum));
        let size = on_disk as u64 + checksums;
        if size > i32::MAX as u64 || uncompressed > i32::MAX as usize {
            return Err(too_large());
        }
        Ok(Self {
            block_type,
            on_disk_size_without_header: size as u32,
            uncompressed_size_without_header: uncompressed as u32,
            prev_block_offset,
            checksum_type,
            bytes_per_checksum,
            on_disk_data_size_with_header: data_size,
        })
    }

    /// Decodes a header and checks all that can be checked without its place: known magic and checksum type, no
    /// negative size, and the sizes agree with each other and with the number of checksums.
    ///
    /// # Errors
    /// Corrupt, with the offset of the field.
    pub fn decode(bytes: &[u8; BLOCK_HEADER_SIZE]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let mut magic = [0; 8];
        magic.copy_from_slice(cursor.take(8, "block magic")?);
        let block_type = BlockType::from_magic(magic).ok_or_else(|| {
            FormatError::corrupt(format!("\"{}\" begins no HFile block", magic.escape_ascii())).at(0)
        })?;
        let mut size = |what| cursor.length(what).map(|size| size as u32);
        let on_disk_size_without_header = size("on-disk size of the block")?;
        let uncompressed_size_without_header = size("uncompressed size of the block")?;
        let prev_block_offset = decode_prev(&mut cursor)?;
        let code = cursor.u8("checksum type")?;
        let checksum_type = ChecksumType::from_code(code)
            .ok_or_else(|| FormatError::corrupt(format!("unknown checksum type {code}")).at(24))?;
        let mut size = |what| cursor.length(what).map(|size| size as u32);
        let header = Self {
            block_type,
            on_disk_size_without_header,
            uncompressed_size_without_header,
            prev_block_offset,
            checksum_type,
            bytes_per_checksum: size("bytes per checksum")?,
            on_disk_data_size_with_header: size("on-disk data size of the block")?,
        };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), FormatError> {
        if (self.bytes_per_checksum as usize) < BLOCK_HEADER_SIZE {
            let text = format!("a checksum for every {} bytes of the block", self.bytes_per_checksum);
            return Err(FormatError::corrupt(text).at(25));
        }
        let (with, without) = (self.on_disk_data_size_with_header, self.on_disk_size_without_header);
        let expected = u64::from(with) + CHECKSUM_SIZE * u64::from(self.checksums());
        if (with as usize) < BLOCK_HEADER_SIZE || expected != self.on_disk_size() {
            let text = format!(
                "sizes of the block do not agree: {without} on disk, {with} of it and the header are not \
                 checksums, a checksum for every {} bytes",
                self.bytes_per_checksum
            );
            return Err(FormatError::corrupt(text).at(8));
        }
        Ok(())
    }

    /// Encodes the header.
    #[must_use]
    pub fn encode(&self) -> [u8; BLOCK_HEADER_SIZE] {
        let prev = self.prev_block_offset.unwrap_or(u64::MAX);
        let fields = self
            .block_type
            .magic()
            .into_iter()
            .chain(self.on_disk_size_without_header.to_be_bytes())
            .chain(self.uncompressed_size_without_header.to_be_bytes())
            .chain(prev.to_be_bytes())
            .chain([self.checksum_type.code()])
            .chain(self.bytes_per_checksum.to_be_bytes())
            .chain(self.on_disk_data_size_with_header.to_be_bytes());
        let mut bytes = [0; BLOCK_HEADER_SIZE];
        bytes.iter_mut().zip(fields).for_each(|(place, byte)| *place = byte);
        bytes
    }

    /// Size of the whole block: header, payload and checksums. The next block begins after it.
    #[must_use]
    pub fn on_disk_size(&self) -> u64 {
        BLOCK_HEADER_SIZE as u64 + u64::from(self.on_disk_size_without_header)
    }

    /// How many checksums stand at the block's end.
    #[must_use]
    pub fn checksums(&self) -> u32 {
        self.on_disk_data_size_with_header.div_ceil(self.bytes_per_checksum.max(1))
    }

    /// Checks the header against its place: the block at `offset` must end at or before `limit`.
    ///
    /// # Errors
    /// Corrupt, without offset.
    pub fn check_place(&self, offset: u64, limit: u64) -> Result<(), FormatError> {
        let end = offset.saturating_add(self.on_disk_size());
        if end > limit {
            let text = format!("the block would end at {end}, past {limit} where it must");
            return Err(FormatError::corrupt(text));
        }
        Ok(())
    }

    /// Whether what the block at `offset` says of an earlier block lies before it.
    #[must_use]
    pub fn names_an_earlier_block(&self, offset: u64) -> bool {
        self.prev_block_offset.is_none_or(|prev| prev < offset)
    }
}

/// -1 is "none".
fn decode_prev(cursor: &mut Cursor<'_>) -> Result<Option<u64>, FormatError> {
    match cursor.rest().first_chunk::<8>() {
        Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) => {
            cursor.take(8, "offset of the previous block")?;
            Ok(None)
        }
        _ => cursor.offset("offset of the previous block").map(Some),
    }
}
