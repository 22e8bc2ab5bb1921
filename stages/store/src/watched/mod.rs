//! Stores that somebody watches: to slow them down, to record what is done, or to break it.

mod handles;
mod operation;

use crate::{
    Abilities, AppendLog, Attributes, GrowingFile, Metadata, Page, Publish, ReadRanges, Store, StoreChecksum,
    StoreError, StorePath, WriteParts, WriteShape,
};
use handles::{Place, WatchedFile, WatchedGrowing, WatchedLog, WatchedParts};
pub use operation::{Op, Operation};
use std::{borrow::Cow, sync::Arc};

/// Sees every operation on a store, and may change what it does.
pub trait Watch: Send + Sync {
    /// Called before an operation; an error replaces it. `store` is the store itself, unwatched.
    fn before(&self, operation: &Operation, store: &dyn Store) -> Result<(), StoreError>;

    /// Called after a read of `read` bytes into the buffer; returns how many bytes to report.
    fn after_read(&self, _operation: &Operation, _buffer: &mut [u8], read: usize) -> usize {
        read
    }

    /// Returns the bytes to write instead of these.
    fn to_write<'a>(&self, _operation: &Operation, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        Cow::Borrowed(bytes)
    }

    /// Returns what to say of a file instead of this.
    fn metadata(&self, _operation: &Operation, metadata: Metadata) -> Metadata {
        metadata
    }
}

/// A store that is watched: see [`Throttle`](crate::Throttle), [`Recording`](crate::Recording) and
/// [`Faulty`](crate::Faulty).
pub struct Watched<W> {
    store: Arc<dyn Store>,
    by: Arc<W>,
}

impl<W: Watch + 'static> Watched<W> {
    /// The store as it looks to those who are watched. The watch can be shared by several stores.
    pub fn new(store: Arc<dyn Store>, by: Arc<W>) -> Self {
        Self { store, by }
    }

    fn before(&self, op: Op, path: &StorePath) -> Result<Operation, StoreError> {
        self.before_this(Operation::new(op, path))
    }

    fn before_this(&self, operation: Operation) -> Result<Operation, StoreError> {
        self.by.before(&operation, &*self.store)?;
        Ok(operation)
    }

    fn place(&self, path: &StorePath) -> Place {
        let by: Arc<dyn Watch> = Arc::<W>::clone(&self.by);
        Place { store: Arc::clone(&self.store), by, path: path.clone() }
    }
}

impl<W: Watch + 'static> Store for Watched<W> {
    fn uri(&self) -> String {
        self.store.uri()
    }

    fn abilities(&self) -> Abilities {
        self.store.abilities()
    }

    fn list(&self, dir: &StorePath, after: Option<&str>, limit: usize) -> Result<Page, StoreError> {
        self.before(Op::List, dir)?;
        self.store.list(dir, after, limit)
    }

    fn metadata(&self, path: &StorePath) -> Result<Metadata, StoreError> {
        let operation = self.before(Op::Metadata, path)?;
        Ok(self.by.metadata(&operation, self.store.metadata(path)?))
    }

    fn open(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError> {
        let operation = self.before(Op::Open, path)?;
        let file = self.store.open(path)?;
        Ok(Box::new(WatchedFile::new(self.place(path), file, &operation, Op::Read)))
    }

    fn open_uncached(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError> {
        let operation = self.before(Op::OpenUncached, path)?;
        let file = self.store.open_uncached(path)?;
        Ok(Box::new(WatchedFile::new(self.place(path), file, &operation, Op::ReadUncached)))
    }

    fn write(
        &self,
        path: &StorePath,
        shape: WriteShape,
        resume: Option<&str>,
    ) -> Result<Box<dyn WriteParts>, StoreError> {
        let op = if resume.is_some() { Op::Resume } else { Op::Write };
        self.before_this(Operation::new(op, path).bytes(0, shape.len))?;
        Ok(Box::new(WatchedParts::new(self.place(path), self.store.write(path, shape, resume)?, shape)))
    }

    fn create(&self, path: &StorePath) -> Result<Box<dyn GrowingFile>, StoreError> {
        self.before(Op::Create, path)?;
        Ok(Box::new(WatchedGrowing::new(self.place(path), self.store.create(path)?)))
    }

    fn put(&self, path: &StorePath, bytes: &[u8], rule: Publish) -> Result<(), StoreError> {
        let operation = self.before_this(Operation::new(Op::Put, path).bytes(0, bytes.len() as u64))?;
        self.store.put(path, &self.by.to_write(&operation, bytes), rule)
    }

    fn sync_batch(&self, paths: &[StorePath]) -> Result<(), StoreError> {
        let first = paths.first().cloned().unwrap_or_default();
        self.before_this(Operation::new(Op::SyncBatch, &first).bytes(0, paths.len() as u64))?;
        self.store.sync_batch(paths)
    }

    fn rename(&self, from: &StorePath, to: &StorePath, rule: Publish) -> Result<(), StoreError> {
        self.before_this(Operation::new(Op::Rename, from).to(to))?;
        self.store.rename(from, to, rule)
    }

    fn exchange(&self, one: &StorePath, other: &StorePath) -> Result<(), StoreError> {
        self.before_this(Operation::new(Op::Exchange, one).to(other))?;
        self.store.exchange(one, other)
    }

    fn append_log(&self, path: &StorePath) -> Result<Box<dyn AppendLog>, StoreError> {
        self.before(Op::AppendLog, path)?;
        Ok(Box::new(WatchedLog::new(self.place(path), self.store.append_log(path)?)))
    }

    fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        self.before(Op::Delete, path)?;
        self.store.delete(path)
    }

    fn delete_tree(&self, dir: &StorePath) -> Result<(), StoreError> {
        self.before(Op::DeleteTree, dir)?;
        self.store.delete_tree(dir)
    }

    fn check_attributes(&self, attributes: &Attributes) -> Result<(), StoreError> {
        self.before(Op::CheckAttributes, &StorePath::root())?;
        self.store.check_attributes(attributes)
    }

    fn set_attributes(&self, path: &StorePath, attributes: &Attributes) -> Result<(), StoreError> {
        self.before(Op::SetAttributes, path)?;
        self.store.set_attributes(path, attributes)
    }

    fn checksum(&self, path: &StorePath) -> Result<Option<StoreChecksum>, StoreError> {
        self.before(Op::Checksum, path)?;
        self.store.checksum(path)
    }

    fn available(&self) -> Result<Option<u64>, StoreError> {
        self.before(Op::Available, &StorePath::root())?;
        self.store.available()
    }
}
