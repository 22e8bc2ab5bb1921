use super::blocks::BlockSequence;
use crate::FormatError;
use crate::hfile::{BlockType, IndexEntry, MidKey, encode_non_root, encode_root};
use crate::varint::vlong_len;

/// HBase stops at this many levels.
const MOST_LEVELS: u32 = 16;

/// The data index while the file is written: `HFileBlockIndex.BlockIndexWriter`. Leaves are written between the data
/// blocks as they fill; a file with few blocks has no leaf and all entries in the root.
#[derive(Debug)]
pub(super) struct DataIndexEncoder {
    chunk_size: usize,
    min_entries: usize,
    leaf: IndexChunk,
    root: IndexChunk,
    /// For each root entry, how many data blocks it and those before it have.
    blocks_at: Vec<u64>,
    blocks: u64,
    uncompressed_size: u64,
}

/// What the trailer says about a whole data index.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenIndex {
    pub(super) root_offset: u64,
    pub(super) root_entries: u32,
    pub(super) levels: u32,
    pub(super) uncompressed_size: u64,
}

/// Entries of a future index block, and its size in both forms.
#[derive(Debug, Default)]
pub(super) struct IndexChunk {
    entries: Vec<(Vec<u8>, u64, u32)>,
    root_size: usize,
    entries_size: usize,
}

impl IndexChunk {
    pub(super) fn add(&mut self, key: &[u8], offset: u64, size: u32) {
        self.root_size += 12 + vlong_len(key.len() as i64) + key.len();
        self.entries_size += 12 + key.len();
        self.entries.push((key.to_vec(), offset, size));
    }

    fn non_root_size(&self) -> usize {
        4 + 4 * (self.entries.len() + 1) + self.entries_size
    }

    pub(super) fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = IndexEntry<'_>> {
        self.entries.iter().map(|(key, offset, size)| IndexEntry { offset: *offset, size: *size, key })
    }

    fn first_key(&self) -> &[u8] {
        self.entries.first().map_or(&[], |(key, _, _)| key)
    }
}

impl DataIndexEncoder {
    pub(super) fn new(chunk_size: usize, min_entries: usize) -> Self {
        Self {
            chunk_size,
            min_entries,
            leaf: IndexChunk::default(),
            root: IndexChunk::default(),
            blocks_at: Vec::new(),
            blocks: 0,
            uncompressed_size: 0,
        }
    }

    /// Adds a data block.
    pub(super) fn add(&mut self, key: &[u8], offset: u64, size: u32) {
        self.leaf.add(key, offset, size);
        self.blocks += 1;
    }

    /// Writes the leaf if it is full; at the end of the file, if there is any other.
    pub(super) fn write_ready_leaf(
        &mut self,
        at_the_end: bool,
        blocks: &mut BlockSequence,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let ready = if at_the_end {
            !self.root.entries.is_empty()
        } else {
            self.leaf.non_root_size() >= self.chunk_size
        };
        if ready && !self.leaf.entries.is_empty() { self.write_leaf(blocks, out) } else { Ok(()) }
    }

    fn write_leaf(&mut self, blocks: &mut BlockSequence, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let leaf = std::mem::take(&mut self.leaf);
        let payload = encode_non_root(leaf.iter())?;
        self.uncompressed_size += payload.len() as u64;
        let (offset, size) = blocks.write(BlockType::LeafIndex, &payload, out)?;
        self.root.add(leaf.first_key(), offset, size);
        self.blocks_at.push(self.blocks);
        Ok(())
    }

    /// Writes inner levels and the root. The last leaf has been written.
    pub(super) fn finish(
        mut self,
        blocks: &mut BlockSequence,
        out: &mut Vec<u8>,
    ) -> Result<WrittenIndex, FormatError> {
        let (mut levels, mut mid_key) = (1, None);
        if self.root.entries.is_empty() {
            self.root = std::mem::take(&mut self.leaf);
        } else {
            levels = 2;
            mid_key = self.mid_key();
        }
        while self.root.root_size > self.chunk_size
            && self.root.entries.len() > self.min_entries
            && levels < MOST_LEVELS
        {
            self.write_inner_level(blocks, out)?;
            levels += 1;
        }
        let payload = encode_root(self.root.iter(), mid_key);
        let (root_offset, _) = blocks.write_uncounted(BlockType::RootIndex, &payload, out)?;
        Ok(WrittenIndex {
            root_offset,
            root_entries: self.root.len(),
            levels,
            uncompressed_size: self.uncompressed_size + payload.len() as u64,
        })
    }

    /// The leaf, and the entry in it, of the file's middle data block.
    fn mid_key(&self) -> Option<MidKey> {
        let middle = self.blocks.checked_sub(1)? / 2;
        let at = self.blocks_at.partition_point(|blocks| *blocks <= middle);
        let before = at.checked_sub(1).and_then(|before| self.blocks_at.get(before)).copied().unwrap_or(0);
        let (_, leaf_offset, leaf_size) = self.root.entries.get(at)?;
        let entry = u32::try_from(middle.checked_sub(before)?).ok()?;
        Some(MidKey { leaf_offset: *leaf_offset, leaf_size: *leaf_size, entry })
    }

    /// Puts the root's entries into blocks below it; the root then points to those.
    fn write_inner_level(
        &mut self,
        blocks: &mut BlockSequence,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let level = std::mem::take(&mut self.root);
        let mut chunk = IndexChunk::default();
        for (number, (key, offset, size)) in level.entries.iter().enumerate() {
            chunk.add(key, *offset, *size);
            // HBase counts the entries of the level here, not those of the chunk.
            if number >= self.min_entries && chunk.root_size >= self.chunk_size {
                self.write_inner(std::mem::take(&mut chunk), blocks, out)?;
            }
        }
        if chunk.entries.is_empty() { Ok(()) } else { self.write_inner(chunk, blocks, out) }
    }

    fn write_inner(
        &mut self,
        chunk: IndexChunk,
        blocks: &mut BlockSequence,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let payload = encode_non_root(chunk.iter())?;
        self.uncompressed_size += payload.len() as u64;
        let (offset, size) = blocks.write_uncounted(BlockType::IntermediateIndex, &payload, out)?;
        self.root.add(chunk.first_key(), offset, size);
        Ok(())
    }
}
