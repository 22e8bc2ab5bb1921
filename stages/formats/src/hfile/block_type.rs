/// What a block is: `BlockType`. Named by the first 8 bytes of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum BlockType {
    /// Cells.
    Data,
    /// Cells in a data block encoding.
    EncodedData,
    /// Leaf of a data index of several levels.
    LeafIndex,
    /// Part of a bloom filter.
    BloomChunk,
    /// A meta block; its name is in the meta index.
    Meta,
    /// Inner node of a data index of three or more levels.
    IntermediateIndex,
    /// Root of the data index, or the meta index.
    RootIndex,
    /// The file info.
    FileInfo,
    /// The description of the general bloom filter.
    GeneralBloomMeta,
    /// The description of the bloom filter of rows with family deletes.
    DeleteFamilyBloomMeta,
}

impl BlockType {
    /// All types, in the order in which they can stand in a file.
    pub const ALL: [Self; 10] = [
        Self::Data,
        Self::EncodedData,
        Self::LeafIndex,
        Self::BloomChunk,
        Self::Meta,
        Self::IntermediateIndex,
        Self::RootIndex,
        Self::FileInfo,
        Self::GeneralBloomMeta,
        Self::DeleteFamilyBloomMeta,
    ];

    /// The 8 bytes that begin the header.
    #[must_use]
    pub const fn magic(self) -> [u8; 8] {
        match self {
            Self::Data => *b"DATABLK*",
            Self::EncodedData => *b"DATABLKE",
            Self::LeafIndex => *b"IDXLEAF2",
            Self::BloomChunk => *b"BLMFBLK2",
            Self::Meta => *b"METABLKc",
            Self::IntermediateIndex => *b"IDXINTE2",
            Self::RootIndex => *b"IDXROOT2",
            Self::FileInfo => *b"FILEINF2",
            Self::GeneralBloomMeta => *b"BLMFMET2",
            Self::DeleteFamilyBloomMeta => *b"DFBLMET2",
        }
    }

    /// The type that these 8 bytes name.
    #[must_use]
    pub fn from_magic(magic: [u8; 8]) -> Option<Self> {
        Self::ALL.into_iter().find(|block_type| block_type.magic() == magic)
    }

    /// HBase's name of the type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "DATA",
            Self::EncodedData => "ENCODED_DATA",
            Self::LeafIndex => "LEAF_INDEX",
            Self::BloomChunk => "BLOOM_CHUNK",
            Self::Meta => "META",
            Self::IntermediateIndex => "INTERMEDIATE_INDEX",
            Self::RootIndex => "ROOT_INDEX",
            Self::FileInfo => "FILE_INFO",
            Self::GeneralBloomMeta => "GENERAL_BLOOM_META",
            Self::DeleteFamilyBloomMeta => "DELETE_FAMILY_BLOOM_META",
        }
    }

    /// Whether it holds cells, encoded or not.
    #[must_use]
    pub const fn is_data(self) -> bool {
        matches!(self, Self::Data | Self::EncodedData)
    }
}
