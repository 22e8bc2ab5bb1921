use super::{Inner, failed};
use crate::{GrowingFile, StoreError};
use std::{fs::File, io::Write, path::PathBuf};

/// A file that grows under its name.
pub(super) struct WholeFile {
    path: PathBuf,
    file: File,
    len: u64,
}

impl WholeFile {
    /// A new file in place of what had the name before.
    pub(super) fn create(store: &Inner, path: PathBuf) -> Result<Self, StoreError> {
        store.watch_errors();
        let file = store.create_anew(&path)?;
        Ok(Self { path, file, len: 0 })
    }
}

impl GrowingFile for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(failed("writing", &self.path))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<u64, StoreError> {
        Ok(self.len)
    }
}
