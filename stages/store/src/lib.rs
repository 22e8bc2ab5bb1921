//! Where bytes live.
//!
//! One trait, [`Store`], over everything that can hold an HBase root: files and memory now, HDFS and object stores
//! later. It is shaped by what the weakest of them can do: an object store has no rename and no directories, HDFS
//! writes only at the end of a file; on the other hand both can give a file's checksum. A store says in [`Abilities`]
//! what it can do; callers decide by that, never by the kind of store.
//!
//! [`FileStore`] and [`MemoryStore`] hold bytes; [`Throttle`], [`Recording`] and [`Faulty`] slow, record or break
//! another store. All calls block; an implementation that needs an async runtime hides it. No format of HBase's is
//! known here.

mod error;
mod faulty;
mod file;
mod location;
mod memory;
mod path;
mod recording;
mod side;
mod throttle;
mod types;
mod watched;

pub use error::{StoreError, StoreErrorKind};
pub use faulty::{Effect, Fault, Faults, Faulty};
pub use file::{AlignedBuffer, FileStore};
pub use location::{Location, connect, connect_around};
pub use memory::{Lost, MemoryStore};
pub use path::{StorePath, shown};
pub use recording::{Record, Recording};
pub use side::{SideFile, is_side_file};
pub use throttle::{Bandwidth, Clock, Throttle};
pub use types::{
    Abilities, Attributes, Entry, Identity, Kind, Metadata, Nesting, Page, PartReceipt, Publish,
    StoreChecksum, WriteShape,
};
pub use watched::{Op, Operation, Watch, Watched};

/// Storage below one root.
///
/// Where Hadoop keeps checksums beside files ([`Abilities::side_files`]), a name that gets new bytes, by any of these
/// calls, loses its side file first: there is no moment at which the two disagree.
pub trait Store: Send + Sync {
    /// The root's URI for messages; secrets are never in it.
    fn uri(&self) -> String;

    /// What this store can do.
    fn abilities(&self) -> Abilities;

    /// Up to `limit` entries of a directory in ascending order of name, those after `after`. A directory that does
    /// not exist is `NotFound` where directories exist, an empty page where they do not.
    fn list(&self, dir: &StorePath, after: Option<&str>, limit: usize) -> Result<Page, StoreError>;

    /// What is known of a file or directory without reading it.
    fn metadata(&self, path: &StorePath) -> Result<Metadata, StoreError>;

    /// Opens a file for ranged reads. The handle stays valid if the file is renamed in the meantime, where the store
    /// allows.
    fn open(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError>;

    /// Opens a file for reading *from the medium*: not from a cache that still holds what was just written.
    /// Call it after [`Store::sync_batch`].
    fn open_uncached(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError>;

    /// Starts or, with `resume` (a token of an earlier [`WriteParts::token`]), resumes writing a file in
    /// parts. Directories above it are made. Without `resume` what was there under this path is replaced; a token
    /// that no longer names anything is `NotFound`: start afresh.
    fn write(
        &self,
        path: &StorePath,
        shape: WriteShape,
        resume: Option<&str>,
    ) -> Result<Box<dyn WriteParts>, StoreError>;

    /// Creates a file whose length is not known yet, to be written from front to back. Directories above it are made, and what was
    /// there under this path is replaced. Where directories exist the file grows under its name; an object is there only when it
    /// is whole.
    fn create(&self, path: &StorePath) -> Result<Box<dyn GrowingFile>, StoreError>;

    /// Writes a small document durably (synced before it returns) so that a reader sees all of it or none.
    fn put(&self, path: &StorePath, bytes: &[u8], rule: Publish) -> Result<(), StoreError>;

    /// Makes everything written to these files, and their names, durable. One call for many files.
    fn sync_batch(&self, paths: &[StorePath]) -> Result<(), StoreError>;

    /// Renames a file or directory, which keeps its identity; directories above the new name are made. Durable after the
    /// next [`Store::sync_batch`] that names the new path.
    ///
    /// Where [`Abilities::rename`] is false, a file is copied within the store, with another identity, and its old name is
    /// deleted afterwards: the new name holds all of the file or nothing, and a killed process may leave both names. A
    /// directory is `Unsupported` there.
    fn rename(&self, from: &StorePath, to: &StorePath, rule: Publish) -> Result<(), StoreError>;

    /// Swaps two names (directories or files) so that at every moment both exist; durable like a rename. `Unsupported`
    /// where [`Abilities::exchange`] is false.
    fn exchange(&self, one: &StorePath, other: &StorePath) -> Result<(), StoreError>;

    /// Opens a file for appending, or makes it. What one [`AppendLog::append`] call wrote survives the death of the
    /// process. Only one process can have it open, where the store can detect that (a file lock that ends with its
    /// process): the second gets `Busy`. `Unsupported` where [`Abilities::append`] is false.
    fn append_log(&self, path: &StorePath) -> Result<Box<dyn AppendLog>, StoreError>;

    /// Deletes a file. `NotFound` if there is none.
    fn delete(&self, path: &StorePath) -> Result<(), StoreError>;

    /// Deletes a directory and all below it. `NotFound` if there is none.
    fn delete_tree(&self, dir: &StorePath) -> Result<(), StoreError>;

    /// Whether these attributes could be set, as far as is known without a file: an owner that does not exist, say.
    fn check_attributes(&self, attributes: &Attributes) -> Result<(), StoreError>;

    /// Sets those attributes that are `Some`.
    fn set_attributes(&self, path: &StorePath, attributes: &Attributes) -> Result<(), StoreError>;

    /// The checksum that the store itself keeps of a file, if it keeps one.
    fn checksum(&self, path: &StorePath) -> Result<Option<StoreChecksum>, StoreError>;

    /// Bytes that can still be written, where that is known.
    fn available(&self) -> Result<Option<u64>, StoreError>;
}

/// A file open for ranged reads, from any number of threads.
pub trait ReadRanges: Send + Sync {
    /// The file as it was when it was opened.
    fn metadata(&self) -> &Metadata;

    /// Fills the buffer from an offset; returns the bytes read, fewer than asked only at the end of the
    /// file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError>;

    /// The file as it is now, to see whether it changed while it was read.
    fn current(&self) -> Result<Metadata, StoreError>;
}

/// A file being written in parts, from any number of threads, a part a thread.
pub trait WriteParts: Send + Sync {
    /// What a later run needs to resume this file.
    fn token(&self) -> String;

    /// Starts writing (again) one part of the shape, from its beginning.
    fn part(&self, index: u32) -> Result<Box<dyn WritePart + '_>, StoreError>;

    /// Ends the file. `receipts` holds one of every part, in order, from this or an earlier run.
    fn finish(&self, receipts: &[PartReceipt]) -> Result<(), StoreError>;
}

/// One part being written, in order.
pub trait WritePart: Send {
    /// Adds bytes to the part.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Ends the part; the receipt is needed to finish the file. It outlives the death of the process; the death of
    /// the machine only after [`Store::sync_batch`], so that what is resumed is read back like all the rest.
    fn finish(self: Box<Self>) -> Result<PartReceipt, StoreError>;
}

/// A file that is written from front to back, without its length being known in advance.
pub trait GrowingFile: Send {
    /// Adds bytes at the end.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Ends the file and says how long it is. Durable after the next [`Store::sync_batch`] that names it.
    fn finish(self: Box<Self>) -> Result<u64, StoreError>;
}

/// A file open for appending: a journal, which the next run after a killed one continues.
pub trait AppendLog: Send {
    /// Adds bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes what was added durable.
    fn sync(&mut self) -> Result<(), StoreError>;
}

/// The whole of a small file; one above `limit` bytes is an error.
pub fn read_all(store: &dyn Store, path: &StorePath, limit: u64) -> Result<Vec<u8>, StoreError> {
    let file = store.open(path)?;
    let len = file.metadata().len;
    if len > limit {
        let what = format!("has {len} bytes, more than the {limit} expected of such a file");
        return Err(StoreError::new(StoreErrorKind::Other, "reading", path.as_str(), what));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Whether there is a file or directory of that name. What cannot be looked at is an error, not absent.
pub fn exists(store: &dyn Store, path: &StorePath) -> Result<bool, StoreError> {
    match store.metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// All entries of a directory; `None` if there is no such directory. Where a directory is only a prefix of names, none is
/// there without entries: a wrong path must not look like an empty one.
pub fn list_there(store: &dyn Store, dir: &StorePath) -> Result<Option<Vec<Entry>>, StoreError> {
    match list_all(store, dir) {
        Ok(entries) => Ok(Some(entries).filter(|all| !all.is_empty() || store.abilities().directories)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// All entries of a directory.
pub fn list_all(store: &dyn Store, dir: &StorePath) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = store.list(dir, entries.last().map(|entry| entry.name.as_str()), 10_000)?;
        let more = page.more && !page.entries.is_empty();
        entries.extend(page.entries);
        if !more {
            return Ok(entries);
        }
    }
}
