//! Writing HFiles as `HFileWriterImpl` and `StoreFileWriter` do. The only general bloom filters that are written are
//! those of rows.

mod blocks;
mod bloom;
mod index;
mod midpoint;
mod store_file;

use std::cmp::Ordering;

use super::{BYTES_PER_CHECKSUM, BlockType, CELL_COMPARATOR, ChecksumType, FileInfo, HFileVersion, Trailer};
use crate::FormatError;
use crate::cell::{CellChecks, CellRef, CellType, Comparator, encode_key};
use crate::compress::Codec;
use crate::encoding::{BlockEncoder, CellLayout, DataBlockEncoding};
use blocks::BlockSequence;
use bloom::RowBloomEncoder;
use index::DataIndexEncoder;
use midpoint::separator;
use store_file::FileInfoCounts;

pub use store_file::StoreFileMetadata;

/// How an HFile is to be written: `HFileContext`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HFileContext {
    /// How cells lie in data blocks.
    pub layout: CellLayout,
    /// How blocks are compressed.
    pub codec: Codec,
    /// A data block ends once its cells take this many bytes: a family's BLOCKSIZE.
    pub block_size: usize,
    /// How checksums are computed.
    pub checksum_type: ChecksumType,
    /// How many bytes one checksum covers.
    pub bytes_per_checksum: u32,
    /// An index block ends once it has this many bytes: `hfile.index.block.max.size`.
    pub index_chunk_size: usize,
    /// An index is split into another level only above this many entries: `hfile.index.block.min.entries`.
    pub index_min_entries: usize,
    /// Whether a bloom filter of rows is written: a family's BLOOMFILTER is ROW.
    pub row_bloom: bool,
    /// Bytes of a bloom filter's chunk: `io.storefile.bloom.block.size`.
    pub bloom_chunk_size: usize,
    /// The order of the cells.
    pub comparator: Comparator,
}

impl Default for HFileContext {
    /// HBase's defaults, with sequence ids and without tags.
    fn default() -> Self {
        Self {
            layout: CellLayout { has_mvcc: true, ..CellLayout::default() },
            codec: Codec::None,
            block_size: 64 << 10,
            checksum_type: ChecksumType::Crc32C,
            bytes_per_checksum: BYTES_PER_CHECKSUM,
            index_chunk_size: 128 << 10,
            index_min_entries: 16,
            row_bloom: true,
            bloom_chunk_size: 128 << 10,
            comparator: Comparator::Cell,
        }
    }
}

/// A finished HFile.
#[derive(Debug, Clone)]
pub struct EncodedHFile {
    /// Length of the file in bytes.
    pub length: u64,
    /// What its cells show together.
    pub cells: CellChecks,
    /// Its file info.
    pub file_info: FileInfo,
    /// Its trailer.
    pub trailer: Trailer,
}

/// Encodes one HFile. Cells go in, in order; the file's bytes are appended to the `out` of each call, block by block:
/// the caller may write them anywhere and clear it between the calls. After an error the file is useless.
#[derive(Debug)]
pub struct HFileEncoder {
    context: HFileContext,
    cells: CellChecks,
    counts: FileInfoCounts,
    block: BlockEncoder,
    /// Index key of the block that is being filled.
    block_key: Vec<u8>,
    payload: Vec<u8>,
    blocks: BlockSequence,
    index: DataIndexEncoder,
    row_bloom: Option<RowBloomEncoder>,
    /// Rows with family deletes: HBase writes it whatever BLOOMFILTER is.
    delete_family_bloom: RowBloomEncoder,
    data_blocks: Option<(u64, u64)>,
}

impl HFileEncoder {
    /// An encoder of one file.
    #[must_use]
    pub fn new(context: HFileContext) -> Self {
        Self {
            cells: CellChecks::new(context.comparator),
            counts: FileInfoCounts::default(),
            block: BlockEncoder::new(context.layout),
            block_key: Vec::new(),
            payload: Vec::new(),
            blocks: BlockSequence::new(context.codec, context.checksum_type, context.bytes_per_checksum),
            index: DataIndexEncoder::new(context.index_chunk_size, context.index_min_entries),
            row_bloom: context.row_bloom.then(|| RowBloomEncoder::new(context.bloom_chunk_size)),
            delete_family_bloom: RowBloomEncoder::new(context.bloom_chunk_size),
            data_blocks: None,
            context,
        }
    }

    /// How many bytes of the file have been handed out.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.blocks.position()
    }

    /// What the cells so far show together.
    #[must_use]
    pub fn cells(&self) -> &CellChecks {
        &self.cells
    }

    /// Appends one cell.
    ///
    /// # Errors
    /// The cell does not belong after the last ([`CellChecks::add`]), or cannot be encoded
    /// ([`BlockEncoder::append`]); Unsupported if the codec is not written.
    pub fn append(&mut self, cell: &CellRef<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let order = self.cells.check(cell)?;
        self.add_to_blooms(cell);
        // Cells with one key stay in one block, whatever their sequence ids, as HBase seeks by key.
        let full = self.block.unencoded_len().max(self.block.encoded_len()) >= self.context.block_size;
        if order != Some(Ordering::Equal) && full {
            self.finish_block(out)?;
            self.write_inline_blocks(false, out)?;
        }
        if self.block.is_empty() {
            self.begin_block(cell)?;
        }
        self.block.append(cell)?;
        self.counts.add(cell);
        self.cells.count(cell)
    }

    /// Writes what is left, the index, the file info and the trailer.
    ///
    /// # Errors
    /// As for [`HFileEncoder::append`]; Corrupt if `metadata` has a key that only the encoder may set.
    pub fn finish(
        mut self,
        metadata: &StoreFileMetadata,
        out: &mut Vec<u8>,
    ) -> Result<EncodedHFile, FormatError> {
        self.finish_block(out)?;
        self.write_inline_blocks(true, out)?;
        let index = self.index.finish(&mut self.blocks, out)?;
        self.blocks.write(BlockType::RootIndex, &[], out)?;
        let last_bloom_key = self.row_bloom.as_ref().and_then(RowBloomEncoder::last_row);
        let file_info = self.counts.file_info(&self.cells, self.context.layout, last_bloom_key, metadata)?;
        let file_info_offset = self.blocks.position();
        self.blocks.write(BlockType::FileInfo, &file_info.encode(), out)?;
        if let Some(bloom) = &self.row_bloom {
            bloom.write_meta(BlockType::GeneralBloomMeta, &mut self.blocks, out)?;
        }
        self.delete_family_bloom.write_meta(BlockType::DeleteFamilyBloomMeta, &mut self.blocks, out)?;
        let comparator_class = match self.context.comparator {
            Comparator::Cell => CELL_COMPARATOR,
            Comparator::Meta => "org.apache.hadoop.hbase.KeyValue$MetaComparator",
        };
        let trailer = Trailer {
            version: HFileVersion::WRITTEN,
            file_info_offset,
            load_on_open_offset: index.root_offset,
            uncompressed_data_index_size: index.uncompressed_size,
            total_uncompressed_bytes: self.blocks.total_uncompressed(),
            data_index_count: index.root_entries,
            meta_index_count: 0,
            entry_count: self.cells.count_of_cells(),
            data_index_levels: index.levels,
            first_data_block_offset: self.data_blocks.map(|(first, _)| first),
            last_data_block_offset: self.data_blocks.map(|(_, last)| last),
            comparator_class: Some(comparator_class.to_owned()),
            codec: self.context.codec,
            encryption_key: None,
        };
        let bytes = trailer.encode()?;
        out.extend_from_slice(&bytes);
        let length = self.blocks.position() + bytes.len() as u64;
        Ok(EncodedHFile { length, cells: self.cells, file_info, trailer })
    }

    /// The block's index key lies between the last cell of the block before and this one.
    fn begin_block(&mut self, cell: &CellRef<'_>) -> Result<(), FormatError> {
        self.block_key.clear();
        match (self.cells.last(), self.context.comparator) {
            (Some(last), Comparator::Cell) => separator(&last, &cell.key(), &mut self.block_key),
            _ => encode_key(&cell.key(), &mut self.block_key),
        }
    }

    fn finish_block(&mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let encoded = self.context.layout.encoding != DataBlockEncoding::None;
        let block_type = if encoded { BlockType::EncodedData } else { BlockType::Data };
        self.payload.clear();
        self.block.finish(&mut self.payload);
        let (offset, size) = self.blocks.write(block_type, &self.payload, out)?;
        let first = self.data_blocks.map_or(offset, |(first, _)| first);
        self.data_blocks = Some((first, offset));
        self.index.add(&self.block_key, offset, size);
        Ok(())
    }

    fn add_to_blooms(&mut self, cell: &CellRef<'_>) {
        if let Some(bloom) = &mut self.row_bloom {
            bloom.add(cell.row);
        }
        if matches!(cell.cell_type, CellType::DeleteFamily | CellType::DeleteFamilyVersion) {
            self.delete_family_bloom.add(cell.row);
        }
    }

    /// What is written between data blocks: a leaf of the index, chunks of the blooms.
    fn write_inline_blocks(&mut self, at_the_end: bool, out: &mut Vec<u8>) -> Result<(), FormatError> {
        self.index.write_ready_leaf(at_the_end, &mut self.blocks, out)?;
        if let Some(bloom) = &mut self.row_bloom {
            bloom.write_chunks(at_the_end, &mut self.blocks, out)?;
        }
        self.delete_family_bloom.write_chunks(at_the_end, &mut self.blocks, out)
    }
}
