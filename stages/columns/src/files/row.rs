/// One file of an image. `None`: not known, or does not apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileRow {
    /// Path relative to the root of the repository.
    pub path: String,
    /// Path that it was copied from.
    pub source_path: String,
    /// Length in bytes.
    pub len: u64,
    /// CRC32C of the file.
    pub crc32c: Option<u32>,
    /// BLAKE3 of the file.
    pub blake3: Option<[u8; 32]>,
    /// Digests of the ranges that it was copied in, ascending.
    pub ranges: Vec<RangeDigest>,
    /// What it is: `hfile`, `mob`, ...
    pub kind: String,
    /// Table, as `ns:name`; empty if it belongs to none.
    pub table: String,
    /// Encoded name of the region; empty if it belongs to none.
    pub region: String,
    /// Column family; empty if it belongs to none.
    pub family: String,
    /// Smallest sequence id of its cells.
    pub min_sequence: Option<u64>,
    /// Largest sequence id of its cells.
    pub max_sequence: Option<u64>,
    /// Cells in it.
    pub entries: Option<u64>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Alias of the key that it is encrypted with.
    pub key_alias: Option<String>,
    /// Blocks in it.
    pub blocks: Option<u64>,
    /// Its block checksums: `NULL`, `CRC32` or `CRC32C`.
    pub checksum_type: Option<String>,
    /// The store's identity of the copy, which shows without reading whether it is still the same.
    pub identity: String,
}

/// The digests of one range of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeDigest {
    /// Where it starts, in bytes from the start of the file.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
    /// CRC32C of its bytes.
    pub crc32c: u32,
    /// Its BLAKE3 subtree value (chaining value, not a hash of its own).
    pub blake3: [u8; 32],
}

impl FileRow {
    /// Bytes of memory that it holds, about.
    pub(crate) fn weight(&self) -> usize {
        let texts = [&self.path, &self.source_path, &self.kind, &self.table, &self.region, &self.family];
        let others = [self.key_alias.as_ref(), self.checksum_type.as_ref(), Some(&self.identity)];
        let text: usize = texts.into_iter().chain(others.into_iter().flatten()).map(String::len).sum();
        size_of::<Self>() + text + self.ranges.len() * size_of::<RangeDigest>()
    }
}
