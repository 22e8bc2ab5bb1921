use crate::StorePath;

/// What is done to a store: a method of [`Store`](crate::Store) or of one of its handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named after its method")]
pub enum Op {
    List,
    Metadata,
    Open,
    OpenUncached,
    /// [`ReadRanges::read_at`](crate::ReadRanges::read_at) of a file from `open`.
    Read,
    /// The same for a file from `open_uncached`.
    ReadUncached,
    /// [`ReadRanges::current`](crate::ReadRanges::current).
    Current,
    /// `write` without a token.
    Write,
    /// `write` with a token.
    Resume,
    /// [`WriteParts::part`](crate::WriteParts::part).
    Part,
    /// [`WritePart::write`](crate::WritePart::write).
    WritePart,
    /// [`WritePart::finish`](crate::WritePart::finish).
    FinishPart,
    /// [`WriteParts::finish`](crate::WriteParts::finish).
    Finish,
    Create,
    /// [`GrowingFile::write`](crate::GrowingFile::write).
    Grow,
    /// [`GrowingFile::finish`](crate::GrowingFile::finish).
    FinishGrowing,
    Put,
    SyncBatch,
    Rename,
    Exchange,
    AppendLog,
    /// [`AppendLog::append`](crate::AppendLog::append).
    Append,
    /// [`AppendLog::sync`](crate::AppendLog::sync).
    SyncLog,
    Delete,
    DeleteTree,
    CheckAttributes,
    SetAttributes,
    Checksum,
    Available,
}

/// One operation on a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub op: Op,
    /// The path; for a batch, the first.
    pub path: StorePath,
    /// The new path of a rename, the other one of an exchange.
    pub to: Option<StorePath>,
    /// Offset in the file, of reads and of writes in parts; else 0.
    pub offset: u64,
    /// Bytes to be read or written; the length announced to `write`; the number of paths of a batch.
    pub bytes: u64,
}

impl Operation {
    pub(crate) fn new(op: Op, path: &StorePath) -> Self {
        Self { op, path: path.clone(), to: None, offset: 0, bytes: 0 }
    }

    pub(crate) fn to(self, to: &StorePath) -> Self {
        Self { to: Some(to.clone()), ..self }
    }

    pub(crate) fn bytes(self, offset: u64, bytes: u64) -> Self {
        Self { offset, bytes, ..self }
    }

    /// Whether bytes of a file are read.
    pub fn is_read(&self) -> bool {
        matches!(self.op, Op::Read | Op::ReadUncached)
    }

    /// Whether bytes are written.
    pub fn is_write(&self) -> bool {
        matches!(self.op, Op::WritePart | Op::Grow | Op::Put | Op::Append)
    }
}
