use super::{
    BLOCK_HEADER_SIZE, Block, BlockHeader, BlockType, BloomFilter, FileInfo, IndexBlock, MidKey, Trailer,
};
use crate::compress::Decompressor;
use crate::{FormatError, Unsupported};

/// What HBase reads of a file when it opens it: the blocks from [`Trailer::load_on_open_offset`] to the trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOnOpen {
    /// Root of the data index.
    pub data_index: IndexBlock,
    /// Where the middle key is, if the data index has several levels.
    pub mid_key: Option<MidKey>,
    /// Names of META blocks and where they are.
    pub meta_index: IndexBlock,
    /// What the file says about itself.
    pub file_info: FileInfo,
    /// The general bloom filter.
    pub general_bloom: Option<BloomFilter>,
    /// The bloom filter of rows with family deletes.
    pub delete_family_bloom: Option<BloomFilter>,
}

impl LoadOnOpen {
    /// Decodes the section; `bytes` are all of the file from [`Trailer::load_on_open_offset`] to where the trailer
    /// starts. Every block must be the one that HBase requires at its place, and everything that the indexes point
    /// to must lie before them. A block of more than `largest` bytes is refused.
    ///
    /// # Errors
    /// As [`Block::decode`]; Unsupported for an encrypted file. Offsets count from the start of the file.
    pub fn decode(
        bytes: &[u8],
        trailer: &Trailer,
        decompressor: &mut Decompressor,
        largest: usize,
    ) -> Result<Self, FormatError> {
        if trailer.is_encrypted() {
            let text = "the file is encrypted: index, file info and cells cannot be read without its key";
            return Err(FormatError::unsupported(Unsupported::Encrypted, text));
        }
        let base = trailer.load_on_open_offset;
        let mut section = Section { rest: bytes, offset: base, trailer, decompressor, largest };
        let (data_index, mid_key) = section.data_index()?;
        let meta_index = section.meta_index()?;
        let at = section.offset;
        if at != trailer.file_info_offset {
            let text = format!("the file info is not at {} as the trailer says", trailer.file_info_offset);
            return Err(FormatError::corrupt(text).at(at));
        }
        let file_info = section
            .next(BlockType::FileInfo)
            .and_then(|block| FileInfo::decode(&block.payload).map_err(|e| in_payload(e, at)))?;
        file_info.check_index_block_encoding().map_err(|error| error.at(at))?;
        let (general_bloom, delete_family_bloom) = section.blooms()?;
        Ok(Self { data_index, mid_key, meta_index, file_info, general_bloom, delete_family_bloom })
    }
}

/// The rest of the section.
struct Section<'a> {
    rest: &'a [u8],
    offset: u64,
    trailer: &'a Trailer,
    decompressor: &'a mut Decompressor,
    largest: usize,
}

impl Section<'_> {
    fn data_index(&mut self) -> Result<(IndexBlock, Option<MidKey>), FormatError> {
        let at = self.offset;
        let payload = self.next(BlockType::RootIndex)?.payload;
        let count = self.trailer.data_index_count;
        let decoded = if self.trailer.data_index_levels > 1 {
            IndexBlock::decode_root_with_mid_key(&payload, count).and_then(|(index, mid_key)| {
                mid_key.check(at)?;
                Ok((index, Some(mid_key)))
            })
        } else {
            IndexBlock::decode_root(&payload, count).map(|index| (index, None))
        };
        let (index, mid_key) = decoded.map_err(|error| in_payload(error, at))?;
        index.check_children(at).map_err(|error| error.at(at))?;
        Ok((index, mid_key))
    }

    fn meta_index(&mut self) -> Result<IndexBlock, FormatError> {
        let at = self.offset;
        let payload = self.next(BlockType::RootIndex)?.payload;
        let index = IndexBlock::decode_root(&payload, self.trailer.meta_index_count)
            .map_err(|error| in_payload(error, at))?;
        index.check_children(self.trailer.load_on_open_offset).map_err(|error| error.at(at))?;
        Ok(index)
    }

    fn blooms(&mut self) -> Result<(Option<BloomFilter>, Option<BloomFilter>), FormatError> {
        let (mut general, mut delete_family) = (None, None);
        while !self.rest.is_empty() {
            let at = self.offset;
            let block = self.next_any()?;
            let place = match block.header.block_type {
                BlockType::GeneralBloomMeta => &mut general,
                BlockType::DeleteFamilyBloomMeta => &mut delete_family,
                other => {
                    let text = format!("a {} block after the file info", other.name());
                    return Err(FormatError::corrupt(text).at(at));
                }
            };
            let bloom = BloomFilter::decode(&block.payload).map_err(|error| in_payload(error, at))?;
            bloom.chunks.check_children(self.trailer.load_on_open_offset).map_err(|error| error.at(at))?;
            if place.replace(bloom).is_some() {
                let text = format!("a second {} block", block.header.block_type.name());
                return Err(FormatError::corrupt(text).at(at));
            }
        }
        Ok((general, delete_family))
    }

    fn next(&mut self, block_type: BlockType) -> Result<Block, FormatError> {
        let at = self.offset;
        self.next_any()?.expect(block_type).map_err(|error| error.shifted(at))
    }

    fn next_any(&mut self) -> Result<Block, FormatError> {
        let (at, codec) = (self.offset, self.trailer.codec);
        let whole = self
            .rest
            .first_chunk::<BLOCK_HEADER_SIZE>()
            .ok_or_else(|| FormatError::truncated("the section to load on open ends early").at(at))
            .and_then(|header| BlockHeader::decode(header).map_err(|error| error.shifted(at)))?;
        let size = usize::try_from(whole.on_disk_size()).unwrap_or(usize::MAX);
        let (bytes, rest) = self.rest.split_at_checked(size).ok_or_else(|| {
            FormatError::truncated(format!("a block of {size} bytes ends past the section")).at(at)
        })?;
        let block = Block::decode(bytes, codec, self.decompressor, self.largest)
            .map_err(|error| error.shifted(at))?;
        self.rest = rest;
        self.offset = at.saturating_add(size as u64);
        Ok(block)
    }
}

/// An offset inside a payload says nothing about the file: it may be compressed. The block's start does.
fn in_payload(mut error: FormatError, block: u64) -> FormatError {
    error.offset = Some(block);
    error
}
