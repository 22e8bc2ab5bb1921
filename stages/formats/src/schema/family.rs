use super::attributes::unreadable;
use super::{Attributes, Configuration, proto};
use crate::FormatError;
use crate::wire::required;
use names::FamilyName;

/// Which keys the Bloom filters of a family's files hold (`BLOOMFILTER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BloomType {
    /// None are written.
    None,
    /// Rows.
    Row,
    /// Rows with qualifiers.
    RowCol,
    /// Prefixes of rows, of a fixed length.
    RowPrefixFixedLength,
}

/// Whether deleted cells stay until they expire (`KEEP_DELETED_CELLS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepDeletedCells {
    /// A delete takes its cells away for good.
    False,
    /// Deleted cells are kept as versions are.
    True,
    /// Deleted cells are kept until their time to live is over.
    Ttl,
}

/// A column family as its table describes it (`ColumnFamilyDescriptor`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnFamilySchema {
    /// Its name.
    pub name: FamilyName,
    /// The attributes that HBase knows, and any others that somebody set.
    pub attributes: Attributes,
    /// Configuration of its own.
    pub configuration: Configuration,
}

impl ColumnFamilySchema {
    /// How many versions of a cell are kept (`VERSIONS`, default 1).
    pub fn versions(&self) -> Result<i32, FormatError> {
        self.attributes.parsed("VERSIONS", "a number", 1)
    }

    /// How many versions are kept beyond the time to live (`MIN_VERSIONS`, default 0).
    pub fn min_versions(&self) -> Result<i32, FormatError> {
        self.attributes.parsed("MIN_VERSIONS", "a number", 0)
    }

    /// The time to live of a cell in seconds (`TTL`); `None` is for ever, which HBase writes as 2147483647 and also
    /// reads from -1.
    pub fn time_to_live(&self) -> Result<Option<i32>, FormatError> {
        let seconds = self.attributes.parsed("TTL", "a number of seconds", i32::MAX)?;
        Ok(Some(seconds).filter(|&seconds| seconds != i32::MAX && seconds != -1))
    }

    /// The size from which a block is closed, in bytes (`BLOCKSIZE`, default 65536).
    pub fn block_size(&self) -> Result<i32, FormatError> {
        self.attributes.parsed("BLOCKSIZE", "a number of bytes", 65_536)
    }

    /// The codec of new files, in upper case (`COMPRESSION`, default NONE).
    pub fn compression(&self) -> Result<String, FormatError> {
        self.upper_case("COMPRESSION")
    }

    /// The data block encoding of new files, in upper case (`DATA_BLOCK_ENCODING`, default NONE).
    pub fn data_block_encoding(&self) -> Result<String, FormatError> {
        self.upper_case("DATA_BLOCK_ENCODING")
    }

    /// The index block encoding of new files, in upper case (`INDEX_BLOCK_ENCODING`, default NONE).
    pub fn index_block_encoding(&self) -> Result<String, FormatError> {
        self.upper_case("INDEX_BLOCK_ENCODING")
    }

    fn upper_case(&self, key: &str) -> Result<String, FormatError> {
        Ok(self.attributes.text(key)?.unwrap_or("NONE").to_ascii_uppercase())
    }

    /// Whether tags are compressed in encoded blocks (`COMPRESS_TAGS`, default true).
    pub fn compress_tags(&self) -> bool {
        self.attributes.flag("COMPRESS_TAGS", true)
    }

    /// Which Bloom filters new files get (`BLOOMFILTER`, default ROW).
    pub fn bloom_type(&self) -> Result<BloomType, FormatError> {
        match self.attributes.text("BLOOMFILTER")?.unwrap_or("ROW").to_ascii_uppercase().as_str() {
            "NONE" => Ok(BloomType::None),
            "ROW" => Ok(BloomType::Row),
            "ROWCOL" => Ok(BloomType::RowCol),
            "ROWPREFIX_FIXED_LENGTH" => Ok(BloomType::RowPrefixFixedLength),
            other => Err(unreadable("BLOOMFILTER", other.as_bytes(), "a kind of Bloom filter")),
        }
    }

    /// Whether deleted cells are kept (`KEEP_DELETED_CELLS`, default FALSE).
    pub fn keep_deleted_cells(&self) -> Result<KeepDeletedCells, FormatError> {
        match self.attributes.text("KEEP_DELETED_CELLS")?.unwrap_or("FALSE").to_ascii_uppercase().as_str() {
            "FALSE" => Ok(KeepDeletedCells::False),
            "TRUE" => Ok(KeepDeletedCells::True),
            "TTL" => Ok(KeepDeletedCells::Ttl),
            other => Err(unreadable("KEEP_DELETED_CELLS", other.as_bytes(), "FALSE, TRUE or TTL")),
        }
    }

    /// Whether sequence ids decide what a delete masks (`NEW_VERSION_BEHAVIOR`, default false).
    pub fn new_version_behavior(&self) -> bool {
        self.attributes.flag("NEW_VERSION_BEHAVIOR", false)
    }

    /// Whether large values go to MOB files (`IS_MOB`, default false).
    pub fn is_mob(&self) -> bool {
        self.attributes.flag("IS_MOB", false)
    }

    /// The size in bytes above which a value goes to a MOB file (`MOB_THRESHOLD`, default 102400).
    pub fn mob_threshold(&self) -> Result<i64, FormatError> {
        self.attributes.parsed("MOB_THRESHOLD", "a number of bytes", 102_400)
    }

    /// Whether edits are replicated: 0 no, 1 yes (`REPLICATION_SCOPE`, default 0).
    pub fn replication_scope(&self) -> Result<i32, FormatError> {
        self.attributes.parsed("REPLICATION_SCOPE", "a number", 0)
    }

    /// Whether the block cache favours the family (`IN_MEMORY`, default false).
    pub fn in_memory(&self) -> bool {
        self.attributes.flag("IN_MEMORY", false)
    }

    /// The cipher of new files (`ENCRYPTION`), if they are encrypted.
    pub fn encryption(&self) -> Result<Option<&str>, FormatError> {
        self.attributes.text("ENCRYPTION")
    }

    /// The family's own data key, a `WrappedKey` (`ENCRYPTION_KEY`). Never to be shown.
    pub fn encryption_key(&self) -> Option<&[u8]> {
        self.attributes.get("ENCRYPTION_KEY")
    }

    pub(super) fn decode(message: proto::ColumnFamilySchema) -> Result<Self, FormatError> {
        let name = required(message.name, "ColumnFamilySchema: the name", 0)?;
        let name = FamilyName::parse_bytes(&name)?;
        let what = format!("column family {name}");
        Ok(Self {
            attributes: Attributes::decode(message.attributes, &what)?,
            configuration: Configuration::decode(message.configuration, &what)?,
            name,
        })
    }

    pub(super) fn to_proto(&self) -> proto::ColumnFamilySchema {
        proto::ColumnFamilySchema {
            name: Some(self.name.as_bytes().to_vec()),
            attributes: self.attributes.to_proto(),
            configuration: self.configuration.to_proto(),
        }
    }
}
