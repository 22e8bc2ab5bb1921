use super::{Inner, failed};
use crate::{GrowingFile, StoreError, StoreErrorKind};
use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
};

/// A file that grows under its name.
pub(super) struct WholeFile {
    path: PathBuf,
    file: File,
    len: u64,
}

impl WholeFile {
    /// A new file; what had the name before is unlinked, never written into, as somebody may be reading it.
    pub(super) fn create(store: &Inner, path: PathBuf) -> Result<Self, StoreError> {
        store.watch_errors();
        let file = match store.create_in_dirs(&path) {
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                fs::remove_file(&path).map_err(failed("replacing", &path))?;
                store.create_in_dirs(&path)?
            }
            made => made?,
        };
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
