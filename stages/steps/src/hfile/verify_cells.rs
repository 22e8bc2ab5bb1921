//! Decodes every cell of an HFile and compares the result with what the file says about itself.

use crate::bytes::ReadFault;
use crate::hfile::OpenedHFile;
use crate::hfile::read_blocks::ReadBlocks;
use formats::FormatError;
use formats::cell::{CellChecks, CellRef, Comparator};
use formats::compress::Decompressor;
use formats::encoding::BlockDecoder;
use formats::hfile::{Block, BlockHeader, BlockType, FileInfo, IndexBlock, LARGEST_BLOCK, key};
use std::cmp::Ordering;
use store::{ReadRanges, StoreError};

/// This many faults of one file are reported in full; after that they are all alike.
pub const MAX_FAULTS: usize = 100;

/// What decoding all cells showed.
#[derive(Debug, Default)]
pub struct VerifiedCells {
    /// How many cells were added.
    pub cells: u64,
    /// What is wrong, with offsets in the file.
    pub faults: Vec<FormatError>,
}

/// Decodes every cell. `opened` is what the file says about itself; an error is the storage's.
pub fn verify_cells(
    file: &dyn ReadRanges,
    opened: &OpenedHFile,
    decompressor: &mut Decompressor,
) -> Result<VerifiedCells, StoreError> {
    verify_cells_with(file, opened, decompressor, |_| ())
}

/// The same, and `each` is given every cell.
pub(crate) fn verify_cells_with(
    file: &dyn ReadRanges,
    opened: &OpenedHFile,
    decompressor: &mut Decompressor,
    each: impl FnMut(&CellRef<'_>),
) -> Result<VerifiedCells, StoreError> {
    let prepared = opened.cell_layout().and_then(|layout| Ok((layout, opened.comparator()?)));
    let (layout, comparator) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Ok(VerifiedCells { cells: 0, faults: vec![error] }),
    };
    let mut walk = Walk {
        opened,
        comparator,
        decoder: BlockDecoder::new(layout),
        checks: CellChecks::new(comparator),
        found: Vec::new(),
        indexed: Vec::new(),
        faults: Vec::new(),
        each,
    };
    let mut blocks = ReadBlocks::new(file, 0, opened.trailer.load_on_open_offset);
    let mut payload = Vec::new();
    loop {
        match blocks.next_block() {
            Ok(None) => break,
            Ok(Some((offset, bytes))) => walk.block(offset, bytes, decompressor, &mut payload),
            Err(ReadFault::Store(error)) => return Err(error),
            // Where a block's length is unknown, so is the next one's place.
            Err(ReadFault::Format(error)) => {
                walk.fault(error);
                break;
            }
        }
    }
    walk.compare();
    Ok(VerifiedCells { cells: walk.checks.count_of_cells(), faults: walk.faults })
}

/// A data block as the index or the file itself describes it.
struct DataBlock {
    offset: u64,
    size: u64,
    key: Vec<u8>,
}

struct Walk<'a, F> {
    opened: &'a OpenedHFile,
    comparator: Comparator,
    decoder: BlockDecoder,
    checks: CellChecks,
    /// The data blocks that were read, with their first keys.
    found: Vec<DataBlock>,
    /// The data blocks that leaf indexes name.
    indexed: Vec<DataBlock>,
    faults: Vec<FormatError>,
    each: F,
}

impl<F: FnMut(&CellRef<'_>)> Walk<'_, F> {
    fn fault(&mut self, error: FormatError) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(error);
        }
    }

    fn block(&mut self, offset: u64, bytes: &[u8], decompressor: &mut Decompressor, payload: &mut Vec<u8>) {
        let codec = self.opened.trailer.codec;
        let decoded = Block::decode_into(bytes, codec, decompressor, LARGEST_BLOCK, payload);
        let result = match decoded {
            Err(error) => Err(error.shifted(offset)),
            Ok(header) => self.payload(offset, &header, payload).map_err(|mut error| {
                // Inside a payload offsets say nothing about the file; the block's place does.
                error.what = match error.offset {
                    Some(at) => format!("{} (at {at} of the decoded block)", error.what),
                    None => error.what,
                };
                error.offset = Some(offset);
                error
            }),
        };
        if let Err(error) = result {
            self.fault(error);
        }
    }

    fn payload(&mut self, offset: u64, header: &BlockHeader, payload: &[u8]) -> Result<(), FormatError> {
        match header.block_type {
            BlockType::Data | BlockType::EncodedData => self.cells(offset, header, payload),
            BlockType::LeafIndex => {
                let index = IndexBlock::decode_non_root(payload)?;
                index.check_children(offset)?;
                self.indexed.extend(data_blocks(&index));
                Ok(())
            }
            BlockType::IntermediateIndex => IndexBlock::decode_non_root(payload)?.check_children(offset),
            _ => Ok(()),
        }
    }

    fn cells(&mut self, offset: u64, header: &BlockHeader, payload: &[u8]) -> Result<(), FormatError> {
        let mut cells = self.decoder.cells(payload, header.block_type)?;
        let mut first = true;
        let mut verdict = Ok(());
        while cells.advance()? {
            if first {
                self.found.push(DataBlock { offset, size: header.on_disk_size(), key: cells.key().to_vec() });
                first = false;
            }
            let at = cells.offset() as u64;
            let cell = cells.cell();
            (self.each)(&cell);
            let added = self.checks.add(&cell);
            verdict = verdict.and(added.map_err(|error| error.at(at)));
        }
        if first {
            return Err(FormatError::corrupt("a data block without cells"));
        }
        verdict
    }

    fn compare(&mut self) {
        let Ok(loaded) = &self.opened.loaded else { return };
        if self.opened.trailer.data_index_levels <= 1 {
            self.indexed = data_blocks(&loaded.data_index).collect();
        }
        let mut faults = self.index_faults();
        faults.extend(self.said_faults(&loaded.file_info).unwrap_or_else(|error| vec![error]));
        faults.into_iter().for_each(|error| self.fault(error));
    }

    /// The index must know exactly the data blocks that are there, with keys that lead to them.
    fn index_faults(&self) -> Vec<FormatError> {
        if self.indexed.len() != self.found.len() {
            let what = format!(
                "the index knows {} data blocks, the file has {} that can be read",
                self.indexed.len(),
                self.found.len()
            );
            return vec![FormatError::corrupt(what).at(self.opened.trailer.load_on_open_offset)];
        }
        let wrong = self.indexed.iter().zip(&self.found).filter_map(|(indexed, found)| {
            let same = (indexed.offset, indexed.size) == (found.offset, found.size);
            let leads = self.comparator.compare_keys(&indexed.key, &found.key) != Ordering::Greater;
            let what = match (same, leads) {
                (true, true) => return None,
                (false, _) => {
                    format!("the index names a block of {} bytes at {}", indexed.size, indexed.offset)
                }
                (true, false) => "the index gives this block a key after its first cell".to_owned(),
            };
            Some(FormatError::corrupt(what).at(found.offset))
        });
        wrong.take(MAX_FAULTS).collect()
    }

    /// What trailer and file info say about the cells must be true.
    fn said_faults(&self, info: &FileInfo) -> Result<Vec<FormatError>, FormatError> {
        let checks = &self.checks;
        let mut faults = Vec::new();
        let mut expect = |holds: bool, what: String| {
            if !holds {
                faults.push(FormatError::corrupt(what).at(self.opened.trailer.file_info_offset));
            }
        };
        let (said, came) = (self.opened.trailer.entry_count, checks.count_of_cells());
        expect(said == came, format!("the trailer says {said} cells, the file has {came}"));
        if came > 0 {
            let last = info.last_key() == Some(checks.last_key().as_slice());
            expect(last, "the last cell's key is not hfile.LASTKEY".to_owned());
        }
        if let (Some((from, to)), Some((min, max))) = (info.time_range()?, checks.timestamps()) {
            let what =
                format!("TIMERANGE is {from} to {to}, cells have {min} to {max}: scans by time miss some");
            expect(from <= min && max <= to, what);
        }
        if let (Some(said), Some(came)) = (info.max_memstore_ts()?, checks.max_sequence()) {
            let what = format!("MAX_MEMSTORE_TS_KEY is {said}, a cell has sequence id {came}");
            expect(u64::try_from(said).is_ok_and(|said| came <= said), what);
        }
        if let Some(said) = info.long(key::DELETE_FAMILY_COUNT)? {
            let came = checks.delete_families();
            expect(
                u64::try_from(said) == Ok(came),
                format!("DELETE_FAMILY_COUNT is {said}, the file has {came}"),
            );
        }
        Ok(faults)
    }
}

fn data_blocks(index: &IndexBlock) -> impl Iterator<Item = DataBlock> {
    let block = |entry: formats::hfile::IndexEntry<'_>| DataBlock {
        offset: entry.offset,
        size: u64::from(entry.size),
        key: entry.key.to_vec(),
    };
    index.iter().map(block)
}
