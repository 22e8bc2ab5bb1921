use crate::hfile::HFileVersion;
use std::fmt;

/// The sort of fault that the bytes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatErrorKind {
    /// There are fewer bytes than the structure needs.
    Truncated,
    /// The bytes do not have the structure they should have.
    Corrupt,
    /// A checksum does not agree with the bytes.
    Checksum,
    /// A length or count is above what is accepted.
    TooLarge,
    /// Nothing is known to be wrong, but it is of a kind that cannot be read (yet): the text names it.
    Unsupported(Unsupported),
}

/// The kind of thing that seems whole and cannot be read: what to do about it depends on this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// Encrypted, and no key is available.
    Encrypted,
    /// Compressed with a codec that is not read.
    Codec,
    /// Compressed with a zstd dictionary that was not given.
    Dictionary,
    /// The data block encoding `PREFIX_TREE` of HBase 1.
    PrefixTree,
    /// An HFile of a version that HBase 2 does not read either.
    OldHFile(HFileVersion),
    /// A WAL of HBase 0.94 and before.
    OldWal,
    /// What old releases of Phoenix put into WALs in place of a cell.
    IndexedKeyValue,
    /// Keys in an order that is not HBase's.
    Comparator,
    /// Something else, or something that no HBase has.
    Other,
}

/// What is wrong with bytes, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FormatError {
    /// What sort of fault.
    pub kind: FormatErrorKind,
    /// Offset of the fault: from the start of the file once a caller that knows it has called
    /// [`FormatError::shifted`], before that from the start of the bytes that were given.
    pub offset: Option<u64>,
    /// What is wrong, with the structure's name in HBase's words.
    pub what: String,
}

impl FormatError {
    /// An error of the given kind, without a place.
    pub fn new(kind: FormatErrorKind, what: impl Into<String>) -> Self {
        Self { kind, offset: None, what: what.into() }
    }

    /// The bytes do not have the structure they should have.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::new(FormatErrorKind::Corrupt, what)
    }

    /// There are too few bytes.
    pub fn truncated(what: impl Into<String>) -> Self {
        Self::new(FormatErrorKind::Truncated, what)
    }

    /// A checksum does not agree.
    pub fn checksum(what: impl Into<String>) -> Self {
        Self::new(FormatErrorKind::Checksum, what)
    }

    /// A length or count is above what is accepted.
    pub fn too_large(what: impl Into<String>) -> Self {
        Self::new(FormatErrorKind::TooLarge, what)
    }

    /// It is of a kind that cannot be read.
    pub fn unsupported(sort: Unsupported, what: impl Into<String>) -> Self {
        Self::new(FormatErrorKind::Unsupported(sort), what)
    }

    /// Whether nothing is known to be wrong: it is of a kind that cannot be read.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.kind, FormatErrorKind::Unsupported(_))
    }

    /// The same error at an offset; an offset that is already there stays.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset.get_or_insert(offset);
        self
    }

    /// The same error seen from further out: `base` is where the bytes that were given start.
    #[must_use]
    pub fn shifted(mut self, base: u64) -> Self {
        self.offset = Some(self.offset.unwrap_or(0).saturating_add(base));
        self
    }
}

/// A name that breaks its grammar.
impl From<names::NameError> for FormatError {
    fn from(error: names::NameError) -> Self {
        Self::corrupt(error.what)
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} (offset {offset})", self.what),
            None => f.write_str(&self.what),
        }
    }
}
