use super::{Inner, content::Content, tree::File};
use crate::{PartReceipt, Publish, StoreError, StoreErrorKind, StorePath, WritePart, WriteParts, WriteShape};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

const WRITING: &str = "writing";
const FINISHING: &str = "finishing";

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Unfinished {
    path: StorePath,
    shape: WriteShape,
    content: Arc<Content>,
}

/// A file being written.
pub(super) struct PartialFile {
    store: Arc<Inner>,
    file: Unfinished,
    token: String,
    /// Where parts must come in order: the one that may be written next (or, if unfinished, again).
    next: AtomicU32,
}

impl PartialFile {
    pub(super) fn create(store: Arc<Inner>, path: &StorePath, shape: WriteShape) -> Result<Self, StoreError> {
        shape.check(&format!("memory:/{path}"))?;
        if path.is_root() {
            return Err(store.at(WRITING, path)(super::tree::IS_ROOT));
        }
        let version = store.next_version();
        let content = Arc::new(Content::announced(shape.len, version));
        if store.abilities.directories {
            let file = File::new(Arc::clone(&content));
            store.tree().insert(path, file, Publish::Replace).map_err(store.at(WRITING, path))?;
        }
        let file = Unfinished { path: path.clone(), shape, content };
        let token = format!("t{version}");
        store.unfinished().insert(token.clone(), file.clone());
        Ok(Self { store, file, token, next: AtomicU32::new(0) })
    }

    pub(super) fn resume(
        store: Arc<Inner>,
        path: &StorePath,
        shape: WriteShape,
        token: &str,
    ) -> Result<Self, StoreError> {
        let file = store.unfinished().get(token).cloned();
        let same = file.filter(|file| file.path == *path && file.shape == shape && store.still_names(file));
        let gone = (StoreErrorKind::NotFound, "this is not the file that was begun: start it afresh");
        let file = same.ok_or_else(|| store.at("going on with", path)(gone))?;
        let next = AtomicU32::new(u32::MAX);
        Ok(Self { store, file, token: token.to_owned(), next })
    }

    fn wrong(&self, doing: &str, kind: StoreErrorKind, what: String) -> StoreError {
        StoreError::new(kind, doing, format!("memory:/{}", self.file.path), what)
    }
}

impl Inner {
    /// Whether, in a store that shows unfinished files, the name is still this file's.
    fn still_names(&self, file: &Unfinished) -> bool {
        let named = |tree: &super::Tree| matches!(tree.file(&file.path), Ok(at) if Arc::ptr_eq(&at.content, &file.content));
        !self.abilities.directories || named(&self.tree())
    }
}

impl WriteParts for PartialFile {
    fn token(&self) -> String {
        self.token.clone()
    }

    fn part(&self, index: u32) -> Result<Box<dyn WritePart + '_>, StoreError> {
        let parts = self.file.shape.parts();
        if u64::from(index) >= parts {
            let what = format!("there is no part {index} of {parts}");
            return Err(self.wrong(WRITING, StoreErrorKind::Other, what));
        }
        let (start, len) = self.file.shape.part(index);
        if !self.store.abilities.parallel_parts && index > self.next.load(Ordering::Acquire) {
            let what = format!("this store takes parts in order, and part {index} is not the next");
            return Err(self.wrong(WRITING, StoreErrorKind::Unsupported, what));
        }
        Ok(Box::new(Part { of: self, index, start, len, done: 0 }))
    }

    fn finish(&self, receipts: &[PartReceipt]) -> Result<(), StoreError> {
        let Unfinished { path, shape, content } = &self.file;
        let receipt = |index, len| receipt(&self.token, index, len);
        shape
            .check_receipts(receipts, receipt)
            .map_err(|what| self.wrong(FINISHING, StoreErrorKind::Other, what))?;
        if !self.store.abilities.directories {
            let file = File::durable(Arc::clone(content));
            let named = self.store.tree().insert(path, file, Publish::Replace);
            named.map_err(self.store.at(FINISHING, path))?;
        } else if !self.store.still_names(&self.file) {
            let what = "another file has taken its name meanwhile, or it was deleted".to_owned();
            return Err(self.wrong(FINISHING, StoreErrorKind::Other, what));
        }
        // Where an unfinished file has its name already, a finished one can be gone on with as well: as on a file system.
        if !self.store.abilities.directories {
            self.store.unfinished().remove(&self.token);
        }
        Ok(())
    }
}

/// A part's receipt, good for this file only: as an object store's ETag.
fn receipt(token: &str, index: u32, len: u64) -> PartReceipt {
    PartReceipt(format!("{token}:{index}:{len}"))
}

struct Part<'a> {
    of: &'a PartialFile,
    index: u32,
    start: u64,
    len: u64,
    done: u64,
}

impl WritePart for Part<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.len() as u64 > self.len - self.done {
            let what = format!("part {} is to have {} bytes, and more were given", self.index, self.len);
            return Err(self.of.wrong(WRITING, StoreErrorKind::Other, what));
        }
        let version = self.of.store.next_version();
        if !self.of.file.content.write(self.start + self.done, bytes, version) {
            let what = "there is no memory for it".to_owned();
            return Err(self.of.wrong(WRITING, StoreErrorKind::NoSpace, what));
        }
        self.done += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<PartReceipt, StoreError> {
        if self.done != self.len {
            let what = format!("part {} has {} bytes, not the {} announced", self.index, self.done, self.len);
            return Err(self.of.wrong(FINISHING, StoreErrorKind::Other, what));
        }
        self.of.next.fetch_max(self.index.saturating_add(1), Ordering::AcqRel);
        Ok(receipt(&self.of.token, self.index, self.len))
    }
}
