use crate::{StoreError, StoreErrorKind};

/// What a store can do beyond reading and writing. Ask before the work begins; no call is made to find out.
///
/// Writing a file of unknown length is not among them: every store can ([`crate::Store::create`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Files and directories can be renamed in one step. If not, a file is copied within the store and its old name deleted,
    /// and a directory has to be written under its final name, with a document written last ([`crate::Store::put`]) that
    /// makes it count.
    pub rename: bool,
    /// Two names can be swapped in one step.
    pub exchange: bool,
    /// A file can grow: [`crate::Store::append_log`].
    pub append: bool,
    /// The store itself decides [`Publish::IfAbsent`]: of any number of writers at the same time one wins.
    pub conditional_put: bool,
    /// What was written of a file can be read before the file is finished.
    pub read_unfinished: bool,
    /// Parts of a file may be written at the same time and in any order.
    pub parallel_parts: bool,
    /// Directories are things of their own, not just prefixes.
    pub directories: bool,
    /// Owner, group and mode can be set.
    pub attributes: bool,
    /// Hadoop keeps checksums beside the files: `.NAME.crc` beside `NAME`.
    pub side_files: bool,
}

/// A file or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A directory, or a prefix that something lies under.
    Directory,
}

/// Tells without reading whether a file is still the one it was: size, mtime and inode of a file, the ETag or version
/// of an object. Opaque; compared whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity(pub String);

/// What is known of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// File or directory.
    pub kind: Kind,
    /// Length in bytes; 0 for a directory.
    pub len: u64,
    /// Tells whether it is still the same.
    pub identity: Identity,
    /// Last modification, milliseconds since the epoch, where known.
    pub modified_ms: Option<i64>,
    /// Owner, mode and the like.
    pub attributes: Attributes,
}

/// What a file has beside its bytes. `None`: not known, not kept by the store, or (when setting) left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// User that owns it, by name or number.
    pub owner: Option<String>,
    /// Group that owns it, by name or number.
    pub group: Option<String>,
    /// Permission bits, 0o7777 at most.
    pub mode: Option<u32>,
    /// HDFS: number of replicas.
    pub replication: Option<u16>,
    /// HDFS: name of the storage policy.
    pub storage_policy: Option<String>,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name within the directory.
    pub name: String,
    /// What is known of it.
    pub metadata: Metadata,
}

/// A piece of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In ascending order of name (bytes).
    pub entries: Vec<Entry>,
    /// Whether there is more after the last entry: ask again with its name.
    pub more: bool,
}

/// How two locations lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// Neither lies in the other.
    Apart,
    /// They are the same.
    Same,
    /// The first lies somewhere below the other.
    Inside,
    /// The other lies somewhere below the first.
    Contains,
}

/// How a name may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// Only if nothing has that name yet, else `AlreadyExists`; of two at once, one wins.
    IfAbsent,
    /// Whatever had that name before is replaced (for a directory: only an empty one).
    Replace,
}

/// How long a file being written is, and how it is cut into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteShape {
    /// Length of the file in bytes.
    pub len: u64,
    /// Length of every part but the last, which may be shorter. A file of length 0 has one empty part.
    pub part_len: u64,
}

impl WriteShape {
    /// A file in one part.
    pub fn whole(len: u64) -> Self {
        Self { len, part_len: len.max(1) }
    }

    /// How many parts there are.
    pub fn parts(&self) -> u64 {
        self.len.div_ceil(self.part_len.max(1)).max(1)
    }

    /// Offset and length of a part.
    pub fn part(&self, index: u32) -> (u64, u64) {
        let start = self.part_len.saturating_mul(u64::from(index)).min(self.len);
        (start, self.part_len.min(self.len - start))
    }
}

impl WriteShape {
    /// That there are parts, and no more than can be numbered; to be called where a write starts.
    pub(crate) fn check(&self, path: &str) -> Result<(), StoreError> {
        if self.part_len == 0 || u32::try_from(self.parts()).is_err() {
            let what = format!("{} bytes cannot be written in parts of {}", self.len, self.part_len);
            return Err(StoreError::new(StoreErrorKind::Other, "writing", path, what));
        }
        Ok(())
    }

    /// That there is one receipt of every part, in order; else what is wrong.
    pub(crate) fn check_receipts(
        &self,
        receipts: &[PartReceipt],
        receipt: impl Fn(u32, u64) -> PartReceipt,
    ) -> Result<(), String> {
        if receipts.len() as u64 != self.parts() {
            return Err(format!("{} receipts for {} parts", receipts.len(), self.parts()));
        }
        for (index, given) in (0u32..).zip(receipts) {
            let expected = receipt(index, self.part(index).1);
            if *given != expected {
                return Err(format!("{:?} is not the receipt of part {index} ({:?})", given.0, expected.0));
            }
        }
        Ok(())
    }
}

/// Says that a part was written; opaque (an object store's ETag), kept in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartReceipt(pub String);

/// A checksum that the store itself keeps of a whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreChecksum {
    /// How it is computed: `COMPOSITE-CRC32C`, `CRC64NVME`.
    pub algorithm: String,
    /// Its value in lowercase hexadecimal.
    pub value: String,
}
