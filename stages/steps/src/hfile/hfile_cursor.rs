//! Goes through an HFile's cells, or those of a range of rows.

use crate::bytes::ReadFault;
use crate::hfile::cell_buffer::CellBuffer;
use crate::hfile::locate_cells::CellFile;
use crate::hfile::open_hfile::{OpenedHFile, open_hfile};
use crate::hfile::read_blocks::{ReadBlocks, read_block};
use crate::hfile::row_range::RowRange;
use crate::hfile::verify_file::fault_problem;
use formats::FormatError;
use formats::cell::{CellRef, KeyRef, encode_key};
use formats::compress::{Decompressor, Dictionaries};
use formats::encoding::BlockDecoder;
use formats::hfile::{Block, BlockType, IndexBlock, LARGEST_BLOCK};
use formats::schema::Range;
use names::FileName;
use stage::Problem;
use std::cmp::Reverse;
use store::ReadRanges;

/// A cursor over the cells of a file in their order, a block at a time; it stands before the first until
/// [`HFileCursor::advance`].
pub struct HFileCursor<'a> {
    file: &'a CellFile,
    opened: OpenedHFile,
    decompressor: Decompressor,
    decoder: BlockDecoder,
    blocks: ReadBlocks<'a>,
    /// The rows that are wanted.
    range: RowRange,
    /// The sequence id that each cell has, if not its own.
    sequence: Option<u64>,
    payload: Vec<u8>,
    /// The wanted cells of the current block; `next` is the one after the cursor's.
    cells: CellBuffer,
    next: usize,
    /// What comes after them.
    ending: Ending,
}

enum Ending {
    Blocks,
    End,
    Fault(ReadFault),
}

/// The order of a store's files: `StoreFileComparators.SEQ_ID`. Of two cells that are equal, including their sequence
/// ids, the one of the larger rank counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileRank {
    sequence: i64,
    size: Reverse<u64>,
    loaded: i64,
    name: String,
}

impl<'a> HFileCursor<'a> {
    /// Opens a file and finds where the rows begin. What a Reference leaves out is not shown.
    ///
    /// # Errors
    /// It cannot be opened or looked into.
    pub fn open(file: &'a CellFile, rows: &RowRange, dictionaries: &Dictionaries) -> Result<Self, Problem> {
        Self::opened(file, rows, dictionaries).map_err(|fault| fault_problem(&file.path, &fault))
    }

    fn opened(file: &'a CellFile, rows: &RowRange, dictionaries: &Dictionaries) -> Result<Self, ReadFault> {
        let mut decompressor = Decompressor::new(dictionaries.clone());
        let reader = file.reader.as_ref();
        let opened = open_hfile(reader, &mut decompressor)?;
        let decoder = BlockDecoder::new(opened.cell_layout()?);
        let range = match &file.clip {
            Some(clip) => rows.within(&RowRange::of_reference(clip)),
            None => rows.clone(),
        };
        let start = match range.start.as_slice() {
            [] => 0,
            row => seek_row(reader, &opened, row, &mut decompressor)?,
        };
        Ok(Self {
            file,
            sequence: file.effective_sequence(&opened)?,
            blocks: ReadBlocks::new(reader, start, opened.trailer.load_on_open_offset),
            ending: if range.is_empty() { Ending::End } else { Ending::Blocks },
            opened,
            decompressor,
            decoder,
            range,
            payload: Vec::new(),
            cells: CellBuffer::default(),
            next: 0,
        })
    }

    /// What the file says about itself.
    #[must_use]
    pub fn file(&self) -> &OpenedHFile {
        &self.opened
    }

    /// Where HBase ranks the file among those of its store.
    ///
    /// # Errors
    /// The file info is damaged.
    pub fn rank(&self) -> Result<FileRank, Problem> {
        let wrong = |error: FormatError| fault_problem(&self.file.path, &error.into());
        let rank = || {
            let info = &self.opened.loaded.as_ref().map_err(Clone::clone)?.file_info;
            let name = self.file.name.as_ref();
            let is_top = self.file.clip.as_ref().is_some_and(|clip| clip.range == Range::Top);
            let sequence = match name.and_then(FileName::bulk_sequence_id) {
                Some(id) => i64::try_from(id).unwrap_or(i64::MAX),
                None => info.max_sequence_id()?.unwrap_or(-1).saturating_add(i64::from(is_top)),
            };
            let size = Reverse(self.file.reader.metadata().len);
            let name = name.map_or(self.file.path.as_str(), FileName::as_str).to_owned();
            Ok(FileRank { sequence, size, loaded: info.bulk_load_time()?.unwrap_or(i64::MAX), name })
        };
        rank().map_err(wrong)
    }

    /// Goes to the next cell; false at the end.
    ///
    /// # Errors
    /// The file is damaged here; the cells before have been shown.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, Problem> {
        self.next += 1;
        while self.next > self.cells.len() {
            match &self.ending {
                Ending::Blocks => {}
                Ending::End => return Ok(false),
                Ending::Fault(fault) => return Err(fault_problem(&self.file.path, fault)),
            }
            self.cells.clear();
            self.next = 1;
            self.ending = self.read_cells().unwrap_or_else(Ending::Fault);
        }
        Ok(true)
    }

    /// The cell, with the sequence id that HBase reads for it.
    #[inline]
    #[must_use]
    pub fn cell(&self) -> Option<CellRef<'_>> {
        let cell = self.stored()?;
        Some(CellRef { sequence: self.sequence.unwrap_or(cell.sequence), ..cell })
    }

    /// The cell, with the sequence id that is stored.
    #[inline]
    #[must_use]
    pub fn stored(&self) -> Option<CellRef<'_>> {
        self.cells.get(self.next.checked_sub(1)?)
    }

    /// Takes the cells of the next block that has some.
    fn read_cells(&mut self) -> Result<Ending, ReadFault> {
        let codec = self.opened.trailer.codec;
        let comparator = self.opened.comparator()?;
        let RowRange { start, end } = &self.range;
        let is_before = |row: &[u8]| !start.is_empty() && comparator.compare_rows(row, start).is_lt();
        let is_behind =
            |row: &[u8]| end.as_ref().is_some_and(|end| comparator.compare_rows(row, end).is_ge());
        while let Some((offset, bytes)) = self.blocks.next_block()? {
            let header =
                Block::decode_into(bytes, codec, &mut self.decompressor, LARGEST_BLOCK, &mut self.payload)
                    .map_err(|error| error.shifted(offset))?;
            if !matches!(header.block_type, BlockType::Data | BlockType::EncodedData) {
                continue;
            }
            let at_block = |mut error: FormatError| {
                error.offset = Some(offset);
                error
            };
            let mut cells = self.decoder.cells(&self.payload, header.block_type).map_err(at_block)?;
            loop {
                match cells.advance() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => return Ok(Ending::Fault(at_block(error).into())),
                }
                let cell = cells.cell();
                if is_behind(cell.row) {
                    return Ok(Ending::End);
                }
                if !is_before(cell.row) {
                    self.cells.push(&cell);
                }
            }
            if !self.cells.is_empty() {
                return Ok(Ending::Blocks);
            }
        }
        Ok(Ending::End)
    }
}

/// The offset of the data block in which the row's first cell is, or would be, found through the index.
fn seek_row(
    file: &dyn ReadRanges,
    opened: &OpenedHFile,
    row: &[u8],
    decompressor: &mut Decompressor,
) -> Result<u64, ReadFault> {
    let comparator = opened.comparator()?;
    let loaded = opened.loaded.as_ref().map_err(Clone::clone)?;
    let mut sought = Vec::new();
    let first = KeyRef { row, family: b"", qualifier: b"", timestamp: i64::MAX, type_code: u8::MAX };
    encode_key(&first, &mut sought)?;
    let child = |index: &IndexBlock| {
        let number = index.seek(|key| comparator.compare_keys(key, &sought)).unwrap_or(0);
        index.get(number).map(|entry| (entry.offset, entry.size))
    };
    let mut found = child(&loaded.data_index);
    let mut limit = opened.trailer.load_on_open_offset;
    for _ in 1..opened.trailer.data_index_levels {
        let Some((offset, size)) = found else { break };
        let bytes = read_block(file, offset, size, limit)?;
        let block = Block::decode(&bytes, opened.trailer.codec, decompressor, LARGEST_BLOCK)
            .map_err(|error| error.shifted(offset))?;
        let index = IndexBlock::decode_non_root(&block.payload).map_err(|error| error.at(offset))?;
        index.check_children(offset).map_err(|error| error.at(offset))?;
        // Every child lies before its parent, so the descent ends.
        limit = offset;
        found = child(&index);
    }
    Ok(found.map_or(0, |(offset, _)| offset))
}
