//! Prints an HFile's cells as JSON Lines.

use crate::ReadFault;
use crate::failing::source_problem;
use crate::locate_cells::CellFile;
use crate::open_hfile::{OpenedHFile, open_hfile};
use crate::read_blocks::{ReadBlocks, read_block};
use crate::verify_hfile::fault_problem;
use formats::FormatError;
use formats::cell::{CellRef, Comparator, JsonForm, KeyRef, encode_json, encode_key};
use formats::compress::{Decompressor, Dictionaries};
use formats::encoding::BlockDecoder;
use formats::hfile::{Block, BlockType, IndexBlock, LARGEST_BLOCK};
use formats::schema::Range;
use stage::Problem;
use std::cmp::Ordering;
use std::io::{self, Write};
use std::ops::ControlFlow;
use store::ReadRanges;

/// Written at a time.
const OUT_LEN: usize = 1 << 16;

/// Which cells are printed, and how.
#[derive(Debug, Clone, Default)]
pub struct CatOptions {
    /// Also print sequence ids.
    pub sequence: bool,
    /// Print families in hexadecimal.
    pub hex: bool,
    /// Only this row.
    pub row: Option<Vec<u8>>,
    /// Only this family.
    pub family: Option<Vec<u8>>,
}

/// Prints cells; keeps count over several files.
pub struct CatHFile<'a> {
    options: &'a CatOptions,
    decompressor: Decompressor,
    out: &'a mut dyn Write,
    line: Vec<u8>,
    /// Cells that may still be printed.
    left: u64,
    printed: u64,
}

/// Why printing stopped.
enum Stop {
    Fault(ReadFault),
    Out(io::Error),
}

impl From<ReadFault> for Stop {
    fn from(fault: ReadFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<FormatError> for Stop {
    fn from(error: FormatError) -> Self {
        Self::Fault(error.into())
    }
}

impl<'a> CatHFile<'a> {
    /// Prints to `out` at most `limit` cells.
    pub fn new(
        options: &'a CatOptions,
        limit: Option<u64>,
        dictionaries: &Dictionaries,
        out: &'a mut dyn Write,
    ) -> Self {
        let decompressor = Decompressor::new(dictionaries.clone());
        Self { options, decompressor, out, line: Vec::new(), left: limit.unwrap_or(u64::MAX), printed: 0 }
    }

    /// How many cells were printed.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Whether no more cells are wanted.
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Prints a file's cells in its order. Damage is a problem, and the cells in front of it are printed; an error is
    /// that of `out`.
    pub fn cat(&mut self, file: &CellFile) -> io::Result<Result<(), Problem>> {
        let printed = self.print(file);
        self.out.write_all(&self.line)?;
        self.line.clear();
        match printed {
            Ok(()) => Ok(Ok(())),
            Err(Stop::Fault(fault)) => Ok(Err(fault_problem(&file.path, &fault))),
            Err(Stop::Out(error)) => Err(error),
        }
    }

    fn print(&mut self, file: &CellFile) -> Result<(), Stop> {
        let reader = file.reader.as_ref();
        let opened = open_hfile(reader, &mut self.decompressor).map_err(ReadFault::from)??;
        let comparator = opened.comparator()?;
        let mut decoder = BlockDecoder::new(opened.cell_layout()?);
        let sequence = file.effective_sequence(&opened)?;
        let start = match &self.options.row {
            Some(row) => seek_row(reader, &opened, comparator, row, &mut self.decompressor)?,
            None => 0,
        };
        let mut blocks = ReadBlocks::new(reader, start, opened.trailer.load_on_open_offset);
        let mut payload = Vec::new();
        while let Some((offset, bytes)) = blocks.next_block()? {
            let codec = opened.trailer.codec;
            let in_file = |error: FormatError| ReadFault::Format(error.shifted(offset));
            let header =
                Block::decode_into(bytes, codec, &mut self.decompressor, LARGEST_BLOCK, &mut payload)
                    .map_err(in_file)?;
            let encoded = header.block_type == BlockType::EncodedData;
            if !encoded && header.block_type != BlockType::Data {
                continue;
            }
            let at_block = |mut error: FormatError| {
                error.offset = Some(offset);
                ReadFault::Format(error)
            };
            let mut cells = decoder.cells(&payload, header.block_type).map_err(at_block)?;
            while cells.advance().map_err(at_block)? {
                if self.cell(&cells.cell(), file, comparator, sequence)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn cell(
        &mut self,
        cell: &CellRef<'_>,
        file: &CellFile,
        comparator: Comparator,
        sequence: Option<u64>,
    ) -> Result<ControlFlow<()>, Stop> {
        if let Some(row) = &self.options.row {
            match comparator.compare_rows(cell.row, row) {
                Ordering::Less => return Ok(ControlFlow::Continue(())),
                Ordering::Greater => return Ok(ControlFlow::Break(())),
                Ordering::Equal => {}
            }
        }
        if let Some(clip) = &file.clip {
            let below = comparator.compare_rows(cell.row, clip.split_row()) == Ordering::Less;
            match (clip.range, below) {
                (Range::Top, true) => return Ok(ControlFlow::Continue(())),
                (Range::Bottom, false) => return Ok(ControlFlow::Break(())),
                _ => {}
            }
        }
        if self.options.family.as_ref().is_some_and(|family| family != cell.family) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.left == 0 {
            return Ok(ControlFlow::Break(()));
        }
        let seq = sequence.unwrap_or(cell.sequence);
        let form = JsonForm { sequence: self.options.sequence.then_some(seq), hex_family: self.options.hex };
        encode_json(cell, form, &mut self.line)?;
        self.line.push(b'\n');
        self.left -= 1;
        self.printed += 1;
        if self.line.len() >= OUT_LEN {
            self.out.write_all(&self.line).map_err(Stop::Out)?;
            self.line.clear();
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The offset of the data block in which the row's first cell is, or would be, found through the index.
fn seek_row(
    file: &dyn ReadRanges,
    opened: &OpenedHFile,
    comparator: Comparator,
    row: &[u8],
    decompressor: &mut Decompressor,
) -> Result<u64, ReadFault> {
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

/// Opens a file for its cells; what cannot be opened is a problem.
pub fn open_cells(file: &CellFile, dictionaries: &Dictionaries) -> Result<OpenedHFile, Problem> {
    let mut decompressor = Decompressor::new(dictionaries.clone());
    match open_hfile(file.reader.as_ref(), &mut decompressor) {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(error)) => Err(fault_problem(&file.path, &error.into())),
        Err(error) => Err(source_problem(&error)),
    }
}
