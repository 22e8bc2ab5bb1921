use super::tree::File;
use crate::{Metadata, ReadRanges, StoreError, StoreErrorKind, StorePath};

/// A file open for reading; it stays what it is if its name goes to another.
pub(super) struct OpenFile {
    path: StorePath,
    file: File,
    metadata: Metadata,
}

impl OpenFile {
    pub(super) fn new(path: &StorePath, file: File) -> Self {
        Self { path: path.clone(), metadata: file.metadata(), file }
    }
}

impl ReadRanges for OpenFile {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        self.file.content.read(offset, buffer).ok_or_else(|| {
            let what = "this file has a length but no bytes: it is there to be listed, not to be read";
            StoreError::new(StoreErrorKind::Unsupported, "reading", format!("memory:/{}", self.path), what)
        })
    }

    fn current(&self) -> Result<Metadata, StoreError> {
        Ok(self.file.metadata())
    }
}
