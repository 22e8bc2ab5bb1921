//! Whole HFiles: read block by block, as a verifying reader does.

use std::fs;
use std::path::{Path, PathBuf};

use formats::FormatError;
use formats::cell::{CellChecks, CellRef};
use formats::compress::{Decompressor, Dictionaries};
use formats::encoding::BlockDecoder;
use formats::hfile::{BLOCK_HEADER_SIZE, Block, BlockHeader, BlockType, LARGEST_BLOCK, LoadOnOpen, Trailer};

use super::data;

/// A decompressor that knows the samples' zstd dictionary.
pub fn decompressor() -> Decompressor {
    let mut dictionaries = Dictionaries::new();
    dictionaries.add(&fs::read(data("zstd.dict")).unwrap()).unwrap();
    Decompressor::new(dictionaries)
}

/// A file and what is read on opening it.
pub struct HFile {
    pub bytes: Vec<u8>,
    pub trailer: Trailer,
    pub opened: LoadOnOpen,
}

impl HFile {
    pub fn open(bytes: Vec<u8>, decompressor: &mut Decompressor) -> Result<Self, FormatError> {
        let trailer = Trailer::decode(&bytes, bytes.len() as u64)?;
        let section = &bytes[trailer.load_on_open_offset as usize..bytes.len() - trailer.size()];
        let opened = LoadOnOpen::decode(section, &trailer, decompressor, LARGEST_BLOCK)?;
        Ok(Self { bytes, trailer, opened })
    }

    /// Every block before the section that is loaded on open, with its offset.
    pub fn blocks(&self, decompressor: &mut Decompressor) -> Result<Vec<(u64, Block)>, FormatError> {
        let (mut blocks, mut at) = (Vec::new(), 0);
        while at < self.trailer.load_on_open_offset as usize {
            let rest = &self.bytes[at..];
            let short = || FormatError::truncated("a block");
            let header = BlockHeader::decode(rest.first_chunk::<BLOCK_HEADER_SIZE>().ok_or_else(short)?)?;
            let whole = rest.get(..header.on_disk_size() as usize).ok_or_else(short)?;
            let block = Block::decode(whole, self.trailer.codec, decompressor, LARGEST_BLOCK)?;
            blocks.push((at as u64, block));
            at += whole.len();
        }
        Ok(blocks)
    }

    pub fn data_payloads(&self, decompressor: &mut Decompressor) -> Vec<Vec<u8>> {
        let blocks = self.blocks(decompressor).unwrap();
        let data = blocks.into_iter().filter(|(_, block)| block.header.block_type.is_data());
        data.map(|(_, block)| block.payload).collect()
    }

    /// Shows every cell; gives what they show together.
    pub fn cells(
        &self,
        decompressor: &mut Decompressor,
        mut see: impl FnMut(&CellRef<'_>),
    ) -> Result<CellChecks, FormatError> {
        let comparator = self
            .trailer
            .comparator()?
            .ok_or_else(|| FormatError::unsupported(formats::Unsupported::Comparator, "no cells"))?;
        let mut checks = CellChecks::new(comparator);
        let mut decoder = BlockDecoder::new(self.opened.file_info.cell_layout()?);
        for (_, block) in self.blocks(decompressor)? {
            let block_type = block.header.block_type;
            if matches!(block_type, BlockType::Data | BlockType::EncodedData) {
                let mut cells = decoder.cells(&block.payload, block_type)?;
                while cells.advance()? {
                    checks.add(&cells.cell())?;
                    see(&cells.cell());
                }
            }
        }
        Ok(checks)
    }
}

/// The golden sets, or none, visibly.
pub fn golden_sets(test: &str) -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(beside, PathBuf::from);
    let Ok(sets) = fs::read_dir(shared.join("golden")) else {
        eprintln!("SKIPPED: {test}: no golden sets in {}", shared.display());
        return Vec::new();
    };
    let mut sets: Vec<PathBuf> =
        sets.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    sets.sort();
    sets
}
