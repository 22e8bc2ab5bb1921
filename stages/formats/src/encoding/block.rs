use super::current::Current;
use super::flat::RowOffsets;
use super::key_buffer::KeyBuffer;
use super::{CellLayout, DataBlockEncoding, diff, fast_diff, flat, prefix};
use crate::FormatError;
use crate::cell::CellRef;
use crate::dictionary::TagDecoder;
use crate::hfile::BlockType;
use crate::input::{Fault, Input};

/// Decodes the data blocks of one file, one after the other. It keeps its buffers, so that a cell costs no
/// allocation.
#[derive(Debug)]
pub struct BlockDecoder {
    layout: CellLayout,
    key: KeyBuffer,
    tags: Vec<u8>,
    tag_decoder: TagDecoder,
}

impl BlockDecoder {
    /// For the blocks of a file with this layout.
    #[must_use]
    pub fn new(layout: CellLayout) -> Self {
        Self { layout, key: KeyBuffer::default(), tags: Vec::new(), tag_decoder: TagDecoder::default() }
    }

    /// The layout that the file's cells have.
    #[must_use]
    pub fn layout(&self) -> CellLayout {
        self.layout
    }

    /// The cells of one block: `payload` is what follows the header, decrypted and decompressed; `block_type` is
    /// that of the header.
    ///
    /// # Errors
    /// The block is no data block; its encoding is not the one that the file names; or it is too short for what
    /// its encoding puts around the cells.
    pub fn cells<'a>(
        &'a mut self,
        payload: &'a [u8],
        block_type: BlockType,
    ) -> Result<BlockCells<'a>, FormatError> {
        self.key.clear();
        self.tags.clear();
        self.tag_decoder.clear();
        let encoding = self.layout.encoding;
        let expected = match encoding {
            DataBlockEncoding::None => BlockType::Data,
            _ => BlockType::EncodedData,
        };
        if block_type != expected {
            let (found, name) = (block_type.name(), encoding.name());
            let what = format!("{found} block as a data block of a file whose DATA_BLOCK_ENCODING is {name}");
            return Err(FormatError::corrupt(what).at(0));
        }
        let mut input = Input::new(payload);
        if block_type == BlockType::EncodedData {
            check_encoding_id(&mut input, encoding)?;
        }
        BlockCells::open(self, payload.len(), input).map_err(|fault| FormatError::from(fault).at(0))
    }
}

fn check_encoding_id(input: &mut Input<'_>, encoding: DataBlockEncoding) -> Result<(), FormatError> {
    let id = u16::from_be_bytes(input.array("the id of the block's encoding")?);
    if id == encoding.id() {
        return Ok(());
    }
    let found = DataBlockEncoding::from_id(id).map_or("unknown", DataBlockEncoding::name);
    let name = encoding.name();
    Err(FormatError::corrupt(format!("data block of encoding {id} ({found}) in a file that says {name}"))
        .at(0))
}

/// A cursor over the cells of one data block, in the order in which they are stored. It stands before the first cell
/// until [`BlockCells::advance`].
#[derive(Debug)]
pub struct BlockCells<'a> {
    decoder: &'a mut BlockDecoder,
    input: Input<'a>,
    current: Current<'a>,
    /// Where the cells end in the payload.
    end: usize,
    /// Where the cells start in the payload.
    start: usize,
    rows: RowOffsets<'a>,
    /// How many bytes PREFIX, DIFF and FAST_DIFF say the cells take unencoded, less those already read.
    unencoded_left: u64,
    failure: Option<FormatError>,
}

impl<'a> BlockCells<'a> {
    fn open(
        decoder: &'a mut BlockDecoder,
        payload_length: usize,
        mut input: Input<'a>,
    ) -> Result<Self, Fault> {
        let mut rows = RowOffsets::default();
        let mut unencoded_left = 0;
        let start = payload_length - input.len();
        match decoder.layout.encoding {
            DataBlockEncoding::None => {}
            DataBlockEncoding::RowIndexV1 => {
                let (cells, offsets) = RowOffsets::split(input.rest())?;
                (input, rows) = (Input::new(cells), offsets);
            }
            DataBlockEncoding::Prefix | DataBlockEncoding::FastDiff => {
                unencoded_left = input.length("the block's unencoded size")? as u64;
            }
            DataBlockEncoding::Diff => {
                unencoded_left = input.length("the block's unencoded size")? as u64;
                // A block without cells has no family either.
                if !input.is_empty() {
                    diff::decode_family(&mut input, &mut decoder.key)?;
                }
            }
        }
        let end = if decoder.layout.encoding == DataBlockEncoding::RowIndexV1 {
            start + input.len()
        } else {
            payload_length
        };
        let current = Current::none();
        Ok(Self { decoder, input, current, end, start, rows, unencoded_left, failure: None })
    }

    /// Goes to the next cell; false after the last.
    ///
    /// # Errors
    /// The next cell cannot be decoded; the error's offset is that of the cell in the payload. Every later call fails
    /// the same way. After the last cell: the block's own count of bytes or rows does not agree with its cells.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, FormatError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let offset = self.end - self.input.len();
        let step = if self.input.is_empty() {
            self.finish().map(|()| false)
        } else {
            self.decode_cell(offset).map(|()| true)
        };
        step.map_err(|fault| self.fail(fault, offset))
    }

    /// The cell that the last [`BlockCells::advance`] went to. (Before the first: an empty Put.)
    #[inline]
    #[must_use]
    pub fn cell(&self) -> CellRef<'_> {
        let tags = if self.decoder.tags.is_empty() { self.current.tags } else { &self.decoder.tags };
        self.current.cell(self.key(), tags)
    }

    /// The KeyValue key of that cell.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self.decoder.layout.encoding {
            DataBlockEncoding::None | DataBlockEncoding::RowIndexV1 => self.current.flat_key,
            _ => self.decoder.key.bytes(),
        }
    }

    /// Where that cell starts in the payload.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.current.offset
    }

    #[cold]
    fn fail(&mut self, fault: Fault, offset: usize) -> FormatError {
        let failure = FormatError::from(fault).at(offset as u64);
        self.failure = Some(failure.clone());
        failure
    }

    #[inline]
    fn decode_cell(&mut self, offset: usize) -> Result<(), Fault> {
        self.current.offset = offset;
        let (input, key, current) = (&mut self.input, &mut self.decoder.key, &mut self.current);
        match self.decoder.layout.encoding {
            DataBlockEncoding::None => {
                flat::decode_key_value(input, current)?;
                self.decode_flat_tags()?;
                self.decode_sequence()
            }
            DataBlockEncoding::RowIndexV1 => self.decode_indexed_cell(offset),
            DataBlockEncoding::Prefix => {
                prefix::decode_key_value(input, key, current)?;
                self.decode_tags_and_sequence()
            }
            DataBlockEncoding::Diff => {
                diff::decode_key_value(input, key, current)?;
                self.decode_tags_and_sequence()
            }
            DataBlockEncoding::FastDiff => {
                fast_diff::decode_key_value(input, key, current)?;
                self.decode_tags_and_sequence()
            }
        }
    }

    fn decode_indexed_cell(&mut self, offset: usize) -> Result<(), Fault> {
        let (last_key, last_row_length) = (self.current.flat_key, self.current.row_length);
        flat::decode_key_value(&mut self.input, &mut self.current)?;
        let row = self.current.flat_key.get(..2 + self.current.row_length);
        if last_key.is_empty() || row != last_key.get(..2 + last_row_length) {
            self.rows.expect(offset - self.start)?;
        }
        self.decode_flat_tags()?;
        self.decode_sequence()
    }

    /// `[u16 length][tags]`.
    #[inline]
    fn decode_flat_tags(&mut self) -> Result<(), Fault> {
        if self.decoder.layout.has_tags {
            let length = u16::from_be_bytes(self.input.array("the length of a cell's tags")?);
            self.current.tags = self.input.take(usize::from(length), "the tags of a cell")?;
        }
        Ok(())
    }

    #[inline]
    fn decode_sequence(&mut self) -> Result<(), Fault> {
        if self.decoder.layout.has_mvcc {
            let sequence = self.input.vlong("the sequence id of a cell")?;
            self.current.sequence =
                u64::try_from(sequence).map_err(|_| Fault::Corrupt("the cell's sequence id is negative"))?;
        }
        Ok(())
    }

    /// `uvarint length` of the raw tags, then the tags, raw or compressed; then the sequence id.
    #[inline]
    fn decode_tags_and_sequence(&mut self) -> Result<(), Fault> {
        let mut size = 8 + self.decoder.key.bytes().len() as u64 + self.current.value.len() as u64;
        if self.decoder.layout.has_tags {
            size += 2 + self.decode_encoded_tags()? as u64;
        }
        let before = self.input.len();
        self.decode_sequence()?;
        size += (before - self.input.len()) as u64;
        // Checked cell by cell: cells that share long keys could otherwise say far more than the block holds.
        self.unencoded_left = self
            .unencoded_left
            .checked_sub(size)
            .ok_or(Fault::Corrupt("the cells are longer than the block's unencoded size"))?;
        Ok(())
    }

    fn decode_encoded_tags(&mut self) -> Result<usize, Fault> {
        let length = self.input.uvarint_length("the length of a cell's tags")?;
        if length > usize::from(u16::MAX) {
            return Err(Fault::Corrupt("a cell's tags are longer than 65535 bytes"));
        }
        self.decoder.tags.clear();
        self.current.tags = &[];
        if self.decoder.layout.tags_compressed {
            self.decoder.tag_decoder.decode_from(&mut self.input, length, &mut self.decoder.tags)?;
        } else {
            self.current.tags = self.input.take(length, "the tags of a cell")?;
        }
        Ok(length)
    }

    /// What must hold after the last cell.
    fn finish(&self) -> Result<(), Fault> {
        self.rows.finish()?;
        if self.unencoded_left == 0 {
            return Ok(());
        }
        Err(Fault::Corrupt("the cells are shorter than the block's unencoded size"))
    }
}
