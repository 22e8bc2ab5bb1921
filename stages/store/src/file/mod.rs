//! Files below a directory of this machine.

mod accounts;
mod aligned;
mod append;
mod failure;
mod grow;
mod list;
mod location;
mod publish;
mod read;
mod side;
mod status;
mod sync;
mod write;

use crate::{
    Abilities, AppendLog, Attributes, Entry, GrowingFile, Metadata, Page, Publish, ReadRanges, Store,
    StoreChecksum, StoreError, StoreErrorKind, StorePath, WriteParts, WriteShape,
};
use accounts::Accounts;
pub use aligned::AlignedBuffer;
use failure::failed;
use failure::failure;
use list::{Listings, Rest};
pub use location::LocalPath;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// A directory of this machine as a store.
///
/// The root need not exist; the first file written makes it. A symbolic link is followed, also out of the root, as
/// HBase on Hadoop's `LocalFileSystem` follows it; a link that leads nowhere is not listed. A file being written is
/// seen under its final name; documents of [`Store::put`] are seen whole or not at all. A listing in several pages
/// shows the directory as it was at its first page, less what was deleted since.
#[derive(Debug, Clone)]
pub struct FileStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    accounts: OnceLock<Accounts>,
    listings: Mutex<Listings>,
    filesystem: sync::Filesystem,
}

impl FileStore {
    /// The store below an absolute directory.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root: PathBuf = root.into();
        if !root.is_absolute() {
            let what = "the root of a store is an absolute path";
            let path = root.display().to_string();
            return Err(StoreError::new(StoreErrorKind::InvalidPath, "opening a store", path, what));
        }
        let inner = Inner {
            root,
            accounts: OnceLock::new(),
            listings: Mutex::default(),
            filesystem: sync::Filesystem::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The directory that is the root.
    pub fn root(&self) -> &Path {
        &self.0.root
    }
}

impl Inner {
    fn path(&self, path: &StorePath) -> PathBuf {
        if path.is_root() { self.root.clone() } else { self.root.join(path.as_str()) }
    }

    /// The path of something that is written, renamed or deleted: not the root.
    fn path_below_root(&self, doing: &str, path: &StorePath) -> Result<PathBuf, StoreError> {
        if path.is_root() {
            let root = self.root.display().to_string();
            return Err(StoreError::new(
                StoreErrorKind::InvalidPath,
                doing,
                root,
                "this is the root of the store",
            ));
        }
        Ok(self.path(path))
    }

    fn accounts(&self) -> &Accounts {
        self.accounts.get_or_init(Accounts::of_this_machine)
    }

    fn listings(&self) -> MutexGuard<'_, Listings> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metadata_of(&self, status: &fs::Metadata) -> Metadata {
        status::metadata_of(status, self.accounts())
    }

    fn list(&self, dir: &Path, after: Option<&str>, limit: usize) -> Result<Page, StoreError> {
        let kept = after.and_then(|after| self.listings().take(dir, after));
        let mut rest = match kept {
            Some(rest) => rest,
            None => Rest::read(dir, after)?,
        };
        let mut entries = Vec::new();
        while entries.len() < limit {
            let Some((name, status)) = rest.next()? else { break };
            entries.push(Entry { name, metadata: self.metadata_of(&status) });
        }
        let more = rest.more();
        if more {
            self.listings().keep(rest);
        }
        Ok(Page { entries, more })
    }

    fn delete_tree(&self, dir: &Path) -> Result<(), StoreError> {
        let doing = "deleting a directory";
        let status = fs::symlink_metadata(dir).map_err(failed(doing, dir))?;
        if status.is_file() {
            return Err(failure(doing, dir, &io::Error::from(rustix::io::Errno::NOTDIR)));
        }
        fs::remove_dir_all(dir).map_err(failed(doing, dir))
    }

    /// Asks the nearest directory above the root that exists, as the root may be yet to be made.
    fn available(&self) -> Result<u64, StoreError> {
        let existing = self.root.ancestors().find(|dir| dir.exists()).unwrap_or(&self.root);
        let status = rustix::fs::statvfs(existing).map_err(failed("asking for free space", existing))?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }
}

impl Store for FileStore {
    fn uri(&self) -> String {
        format!("file://{}", self.0.root.display())
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            rename: true,
            exchange: true,
            append: true,
            conditional_put: true,
            read_unfinished: true,
            parallel_parts: true,
            directories: true,
            attributes: true,
            side_files: true,
        }
    }

    fn list(&self, dir: &StorePath, after: Option<&str>, limit: usize) -> Result<Page, StoreError> {
        self.0.list(&self.0.path(dir), after, limit)
    }

    fn metadata(&self, path: &StorePath) -> Result<Metadata, StoreError> {
        let path = self.0.path(path);
        let status = fs::metadata(&path).map_err(failed("looking at", &path))?;
        Ok(self.0.metadata_of(&status))
    }

    fn open(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError> {
        Ok(Box::new(read::CachedFile::open(Arc::clone(&self.0), path)?))
    }

    fn open_uncached(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError> {
        Ok(Box::new(read::UncachedFile::open(Arc::clone(&self.0), path)?))
    }

    fn write(
        &self,
        path: &StorePath,
        shape: WriteShape,
        resume: Option<&str>,
    ) -> Result<Box<dyn WriteParts>, StoreError> {
        let path = self.0.path_below_root("writing", path)?;
        side::drop_side(&path)?;
        Ok(Box::new(match resume {
            None => write::PartialFile::create(&self.0, path, shape)?,
            Some(token) => write::PartialFile::resume(path, shape, token)?,
        }))
    }

    fn create(&self, path: &StorePath) -> Result<Box<dyn GrowingFile>, StoreError> {
        let path = self.0.path_below_root("writing", path)?;
        side::drop_side(&path)?;
        Ok(Box::new(grow::WholeFile::create(&self.0, path)?))
    }

    fn put(&self, path: &StorePath, bytes: &[u8], rule: Publish) -> Result<(), StoreError> {
        self.0.put(path, bytes, rule)
    }

    fn sync_batch(&self, paths: &[StorePath]) -> Result<(), StoreError> {
        self.0.sync_batch(paths)
    }

    fn rename(&self, from: &StorePath, to: &StorePath, rule: Publish) -> Result<(), StoreError> {
        self.0.rename(from, to, rule)
    }

    fn exchange(&self, one: &StorePath, other: &StorePath) -> Result<(), StoreError> {
        self.0.exchange(one, other)
    }

    fn append_log(&self, path: &StorePath) -> Result<Box<dyn AppendLog>, StoreError> {
        Ok(Box::new(append::AppendedFile::open(Arc::clone(&self.0), path)?))
    }

    fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        let path = self.0.path_below_root("deleting", path)?;
        fs::remove_file(&path).map_err(failed("deleting", &path))?;
        side::drop_side(&path)
    }

    fn delete_tree(&self, dir: &StorePath) -> Result<(), StoreError> {
        self.0.delete_tree(&self.0.path_below_root("deleting a directory", dir)?)
    }

    fn check_attributes(&self, attributes: &Attributes) -> Result<(), StoreError> {
        self.0.accounts().check(&self.0.root, attributes).map(drop)
    }

    fn set_attributes(&self, path: &StorePath, attributes: &Attributes) -> Result<(), StoreError> {
        self.0.accounts().set(&self.0.path(path), attributes)
    }

    fn checksum(&self, path: &StorePath) -> Result<Option<StoreChecksum>, StoreError> {
        self.metadata(path).map(|_| None)
    }

    fn available(&self) -> Result<Option<u64>, StoreError> {
        self.0.available().map(Some)
    }
}
