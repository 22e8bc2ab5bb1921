//! Files in memory: the model of every kind of storage, for tests.

mod append;
mod content;
mod grow;
mod power;
mod read;
mod tree;
mod write;

use crate::{
    Abilities, AppendLog, Attributes, GrowingFile, Kind, Metadata, Page, Publish, ReadRanges, Store,
    StoreChecksum, StoreError, StoreErrorKind, StorePath, WriteParts, WriteShape,
};
use content::Content;
pub use power::Lost;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tree::{File, Tree};

/// A store in memory. What it can do is chosen when it is made, so that it stands for a file system, for HDFS or for
/// an object store. Clones share their files.
///
/// Without directories it has conditional put and nothing of a file is seen before it is finished; a name that is a
/// file cannot be a prefix of other names as well.
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    abilities: Abilities,
    tree: Mutex<Tree>,
    /// Files that are being written, by token.
    unfinished: Mutex<HashMap<String, write::Unfinished>>,
    versions: AtomicU64,
}

impl MemoryStore {
    /// A store with these abilities.
    pub fn new(abilities: Abilities) -> Self {
        Self(Arc::new(Inner {
            abilities,
            tree: Mutex::new(Tree::new(abilities.directories)),
            unfinished: Mutex::default(),
            versions: AtomicU64::new(0),
        }))
    }

    /// The model of a file system.
    pub fn files() -> Self {
        Self::new(Abilities {
            rename: true,
            exchange: true,
            append: true,
            conditional_put: true,
            read_unfinished: true,
            parallel_parts: true,
            directories: true,
            attributes: true,
            side_files: false,
        })
    }

    /// The model of HDFS: names cannot be swapped, and the parts of a file are written in order and read when it is finished.
    pub fn hdfs() -> Self {
        Self::new(Abilities {
            exchange: false,
            read_unfinished: false,
            parallel_parts: false,
            ..Self::files().0.abilities
        })
    }

    /// The model of an object store.
    pub fn objects() -> Self {
        Self::new(Abilities {
            rename: false,
            exchange: false,
            append: false,
            conditional_put: true,
            read_unfinished: false,
            parallel_parts: true,
            directories: false,
            attributes: false,
            side_files: false,
        })
    }

    /// A file that has a length but no bytes, and takes as little memory as its name: a store of a million files.
    /// Reading it is an error.
    pub fn insert_hollow(&self, path: &StorePath, len: u64) -> Result<(), StoreError> {
        let content = Arc::new(Content::hollow(len, self.0.next_version()));
        self.0
            .tree()
            .insert(path, File::durable(content), Publish::Replace)
            .map_err(self.0.at("making", path))
    }

    /// A file with these bytes and this mtime.
    pub fn insert_modified(
        &self,
        path: &StorePath,
        bytes: impl Into<Vec<u8>>,
        modified_ms: i64,
    ) -> Result<(), StoreError> {
        let content = Arc::new(Content::whole(bytes.into(), self.0.next_version()));
        let mut file = File::durable(content);
        file.modified_ms = Some(modified_ms);
        self.0.tree().insert(path, file, Publish::Replace).map_err(self.0.at("making", path))
    }

    /// A file with these bytes.
    pub fn insert(&self, path: &StorePath, bytes: impl Into<Vec<u8>>) -> Result<(), StoreError> {
        self.0.insert(path, bytes.into(), Publish::Replace)
    }
}

impl Inner {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unfinished(&self) -> MutexGuard<'_, HashMap<String, write::Unfinished>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_version(&self) -> u64 {
        self.versions.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn insert(&self, path: &StorePath, bytes: Vec<u8>, rule: Publish) -> Result<(), StoreError> {
        let content = Arc::new(Content::whole(bytes, self.next_version()));
        self.tree().insert(path, File::durable(content), rule).map_err(self.at("publishing", path))
    }

    /// Adds to what is wrong what was being done, and to which path.
    fn at(&self, doing: &str, path: &StorePath) -> impl Fn(Wrong) -> StoreError {
        move |(kind, what)| StoreError::new(kind, doing, format!("memory:/{path}"), what)
    }

    /// Adds bytes at the end of a file.
    fn add(&self, doing: &str, path: &StorePath, content: &Content, bytes: &[u8]) -> Result<(), StoreError> {
        let written = content.write(content.len(), bytes, self.next_version());
        let no_room = (StoreErrorKind::NoSpace, "there is no memory for it");
        if written { Ok(()) } else { Err(self.at(doing, path)(no_room)) }
    }

    fn unsupported(&self, doing: &str, path: &StorePath) -> StoreError {
        self.at(doing, path)((StoreErrorKind::Unsupported, "this store cannot do that"))
    }

    fn file(&self, doing: &str, path: &StorePath) -> Result<File, StoreError> {
        self.tree().file(path).cloned().map_err(self.at(doing, path))
    }
}

/// What is wrong, before it is said with which path.
type Wrong = (StoreErrorKind, &'static str);

impl Store for MemoryStore {
    fn uri(&self) -> String {
        "memory:/".to_owned()
    }

    fn abilities(&self) -> Abilities {
        self.0.abilities
    }

    fn list(&self, dir: &StorePath, after: Option<&str>, limit: usize) -> Result<Page, StoreError> {
        self.0.tree().list(dir, after, limit).map_err(self.0.at("listing", dir))
    }

    fn metadata(&self, path: &StorePath) -> Result<Metadata, StoreError> {
        self.0.tree().metadata(path).map_err(self.0.at("looking at", path))
    }

    fn open(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError> {
        Ok(Box::new(read::OpenFile::new(path, self.0.file("opening", path)?)))
    }

    fn open_uncached(&self, path: &StorePath) -> Result<Box<dyn ReadRanges>, StoreError> {
        self.open(path)
    }

    fn write(
        &self,
        path: &StorePath,
        shape: WriteShape,
        resume: Option<&str>,
    ) -> Result<Box<dyn WriteParts>, StoreError> {
        let store = Arc::clone(&self.0);
        Ok(Box::new(match resume {
            None => write::PartialFile::create(store, path, shape)?,
            Some(token) => write::PartialFile::resume(store, path, shape, token)?,
        }))
    }

    fn create(&self, path: &StorePath) -> Result<Box<dyn GrowingFile>, StoreError> {
        Ok(Box::new(grow::WholeFile::create(Arc::clone(&self.0), path)?))
    }

    fn put(&self, path: &StorePath, bytes: &[u8], rule: Publish) -> Result<(), StoreError> {
        self.0.insert(path, bytes.to_vec(), rule)
    }

    fn sync_batch(&self, paths: &[StorePath]) -> Result<(), StoreError> {
        paths.iter().try_for_each(|path| self.0.tree().sync(path).map_err(self.0.at("syncing", path)))
    }

    fn rename(&self, from: &StorePath, to: &StorePath, rule: Publish) -> Result<(), StoreError> {
        let at = self.0.at("renaming", from);
        if self.0.abilities.rename {
            return self.0.tree().rename(from, to, rule).map_err(at);
        }
        if self.metadata(from)?.kind == Kind::Directory {
            return Err(self.0.unsupported("renaming", from));
        }
        self.0.tree().rename_by_copy(from, to, rule, self.0.next_version()).map_err(at)
    }

    fn exchange(&self, one: &StorePath, other: &StorePath) -> Result<(), StoreError> {
        if !self.0.abilities.exchange {
            return Err(self.0.unsupported("swapping two names", one));
        }
        self.0.tree().exchange(one, other).map_err(self.0.at("swapping two names", one))
    }

    fn append_log(&self, path: &StorePath) -> Result<Box<dyn AppendLog>, StoreError> {
        if !self.0.abilities.append {
            return Err(self.0.unsupported("appending to", path));
        }
        Ok(Box::new(append::AppendedFile::open(Arc::clone(&self.0), path)?))
    }

    fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        self.0.tree().delete(path).map_err(self.0.at("deleting", path))
    }

    fn delete_tree(&self, dir: &StorePath) -> Result<(), StoreError> {
        self.0.tree().delete_tree(dir).map_err(self.0.at("deleting a directory", dir))
    }

    fn check_attributes(&self, _attributes: &Attributes) -> Result<(), StoreError> {
        Ok(())
    }

    fn set_attributes(&self, path: &StorePath, attributes: &Attributes) -> Result<(), StoreError> {
        if !self.0.abilities.attributes {
            return Err(self.0.unsupported("setting attributes", path));
        }
        let set = self.0.tree().set_attributes(path, attributes);
        set.map_err(self.0.at("setting attributes", path))
    }

    fn checksum(&self, path: &StorePath) -> Result<Option<StoreChecksum>, StoreError> {
        self.metadata(path).map(|_| None)
    }

    fn available(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
}
