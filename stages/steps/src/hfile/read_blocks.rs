//! Reads a file's blocks, one after another or one by its place.

use crate::bytes::BUFFER_LEN;
use crate::bytes::ReadFault;
use formats::FormatError;
use formats::hfile::{BLOCK_HEADER_SIZE, BlockHeader, LARGEST_BLOCK};
use store::ReadRanges;

/// The bytes of whole blocks of a file, in file order, read ahead in pieces.
pub struct ReadBlocks<'a> {
    file: &'a dyn ReadRanges,
    /// Bytes read ahead; those before `used` belong to blocks that were handed out.
    ahead: Vec<u8>,
    used: usize,
    /// Offset in the file of the next block.
    offset: u64,
    end: u64,
}

impl<'a> ReadBlocks<'a> {
    /// The blocks from `start`, where one begins, to `end`, where one ends.
    pub fn new(file: &'a dyn ReadRanges, start: u64, end: u64) -> Self {
        Self { file, ahead: Vec::new(), used: 0, offset: start, end }
    }

    /// The next block's offset and bytes; `None` at the end. Checks only what is needed to know its length.
    pub fn next_block(&mut self) -> Result<Option<(u64, &[u8])>, ReadFault> {
        let at = self.offset;
        if at >= self.end {
            return Ok(None);
        }
        self.fill(BLOCK_HEADER_SIZE)?;
        let len = block_len(self.ahead.get(self.used..).unwrap_or_default(), at, self.end)?;
        self.fill(len)?;
        let block = self.ahead.get(self.used..self.used + len).ok_or_else(|| cut_short(at))?;
        self.used += len;
        self.offset += len as u64;
        Ok(Some((at, block)))
    }

    /// Makes sure that `wanted` bytes are read ahead, if the file has them.
    fn fill(&mut self, wanted: usize) -> Result<(), ReadFault> {
        let have = self.ahead.len() - self.used;
        if have >= wanted {
            return Ok(());
        }
        self.ahead.drain(..self.used);
        self.used = 0;
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        let len = wanted.max(BUFFER_LEN).min(left);
        self.ahead.resize(len, 0);
        let more = self.ahead.get_mut(have..).unwrap_or_default();
        let read = self.file.read_at(self.offset + have as u64, more)?;
        self.ahead.truncate(have + read);
        Ok(())
    }
}

/// The bytes of the block at `offset`, which an index says has `size` bytes.
pub fn read_block(file: &dyn ReadRanges, offset: u64, size: u32, end: u64) -> Result<Vec<u8>, ReadFault> {
    if u64::from(size) > end.saturating_sub(offset) {
        return Err(FormatError::corrupt(format!("the index gives a block {size} bytes here"))
            .at(offset)
            .into());
    }
    let bytes = crate::bytes::read_span(file, offset, offset + u64::from(size))?;
    let len = block_len(&bytes, offset, end)?;
    match bytes.len() == len {
        true => Ok(bytes),
        false => {
            let what = format!("the index gives the block here {size} bytes, the block itself says {len}");
            Err(FormatError::corrupt(what).at(offset).into())
        }
    }
}

fn block_len(bytes: &[u8], offset: u64, end: u64) -> Result<usize, FormatError> {
    let header = bytes.first_chunk().ok_or_else(|| cut_short(offset))?;
    let header = BlockHeader::decode(header).map_err(|error| error.shifted(offset))?;
    header.check_place(offset, end).map_err(|error| error.at(offset))?;
    match usize::try_from(header.on_disk_size()) {
        Ok(len) if len <= LARGEST_BLOCK => Ok(len),
        _ => Err(FormatError::too_large(format!("a block of {} bytes", header.on_disk_size())).at(offset)),
    }
}

fn cut_short(offset: u64) -> FormatError {
    FormatError::truncated("the file ends inside a block").at(offset)
}
