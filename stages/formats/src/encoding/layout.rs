/// How cells are laid out in data blocks. hbase-common's `DataBlockEncoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum DataBlockEncoding {
    /// Cells back to back, each whole.
    #[default]
    None,
    /// Keys without the prefix they share with the key before.
    Prefix,
    /// As PREFIX, with timestamps as differences and without the family.
    Diff,
    /// As DIFF, with equal values left out.
    FastDiff,
    /// Cells as without encoding, then the offset of each row.
    RowIndexV1,
}

impl DataBlockEncoding {
    /// All encodings.
    pub const ALL: [Self; 5] = [Self::None, Self::Prefix, Self::Diff, Self::FastDiff, Self::RowIndexV1];

    /// The name, as in file info DATA_BLOCK_ENCODING and in a family's attribute.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Prefix => "PREFIX",
            Self::Diff => "DIFF",
            Self::FastDiff => "FAST_DIFF",
            Self::RowIndexV1 => "ROW_INDEX_V1",
        }
    }

    /// The id at the start of an encoded data block.
    #[must_use]
    pub const fn id(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Prefix => 2,
            Self::Diff => 3,
            Self::FastDiff => 4,
            Self::RowIndexV1 => 7,
        }
    }

    /// The encoding with this name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name().as_bytes() == name)
    }

    /// The encoding with this id.
    #[must_use]
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.id() == id)
    }
}

/// How a file's cells are laid out: what its file info says of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellLayout {
    /// File info DATA_BLOCK_ENCODING; absent means NONE.
    pub encoding: DataBlockEncoding,
    /// Every cell has a length of tags: file info has `hfile.MAX_TAGS_LEN`.
    pub has_tags: bool,
    /// Tags are dictionary-compressed: file info `hfile.TAGS_COMPRESSED` is true. (HBase ignores it without an
    /// encoding and for ROW_INDEX_V1; so does this crate.)
    pub tags_compressed: bool,
    /// Every cell has a memstoreTS: file info `KEY_VALUE_VERSION` is 1.
    pub has_mvcc: bool,
}
