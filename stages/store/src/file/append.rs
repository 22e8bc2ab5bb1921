use super::{Inner, failed, failure};
use crate::{AppendLog, StoreError, StoreErrorKind, StorePath};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

const OPENING: &str = "opening for appending";
const APPENDING: &str = "appending to";

/// A file that this process alone appends to.
pub(super) struct AppendedFile {
    store: Arc<Inner>,
    below_root: StorePath,
    path: PathBuf,
    file: File,
    named_durably: bool,
}

impl AppendedFile {
    pub(super) fn open(store: Arc<Inner>, path: &StorePath) -> Result<Self, StoreError> {
        let below_root = path.clone();
        let path = store.path_below_root(OPENING, path)?;
        super::side::drop_side(&path)?;
        loop {
            let file = open_or_make(&store, &path)?;
            lock(&file, &path)?;
            // Between opening and locking it, another process may have ended its run and deleted it.
            if is_still(&path, &file)? {
                return Ok(Self { store, below_root, path, file, named_durably: false });
            }
        }
    }
}

fn open_or_make(store: &Inner, path: &Path) -> Result<File, StoreError> {
    let open = || OpenOptions::new().append(true).create(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            store.make_dirs_above(path)?;
            open().map_err(failed(OPENING, path))
        }
        opened => opened.map_err(failed(OPENING, path)),
    }
}

/// The lock is the open file's: it goes with the process, however that ends.
fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {
            let what = "another run has it open";
            Err(StoreError::new(StoreErrorKind::Busy, OPENING, path.display().to_string(), what))
        }
        locked => locked.map_err(failed(OPENING, path)),
    }
}

fn is_still(path: &Path, file: &File) -> Result<bool, StoreError> {
    let opened = file.metadata().map_err(failed(OPENING, path))?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failure(OPENING, path, &error)),
    }
}

impl AppendLog for AppendedFile {
    /// All of it or, as far as can be helped, none: what a full disk let through is cut off again.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let before = self.file.metadata().map_err(failed(APPENDING, &self.path))?.len();
        self.file.write_all(bytes).map_err(|error| {
            // A torn end is what a reader of a log must bear anyway.
            let _ = self.file.set_len(before);
            failure(APPENDING, &self.path, &error)
        })
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(failed("syncing", &self.path))?;
        if !self.named_durably {
            self.store.sync_dirs_above(&self.below_root)?;
            self.named_durably = true;
        }
        Ok(())
    }
}
