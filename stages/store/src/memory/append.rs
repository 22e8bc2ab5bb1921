use super::{Inner, content::Content, tree::File};
use crate::{AppendLog, Publish, StoreError, StoreErrorKind, StorePath};
use std::sync::Arc;

/// A file that one holder at a time appends to.
pub(super) struct AppendedFile {
    store: Arc<Inner>,
    path: StorePath,
    content: Arc<Content>,
}

impl AppendedFile {
    pub(super) fn open(store: Arc<Inner>, path: &StorePath) -> Result<Self, StoreError> {
        let doing = "opening for appending";
        let version = store.next_version();
        let mut tree = store.tree();
        let file = match tree.file(path) {
            Ok(file) => file.clone(),
            Err((StoreErrorKind::NotFound, _)) => {
                let file = File::new(Arc::new(Content::whole(Vec::new(), version)));
                tree.insert(path, file.clone(), Publish::IfAbsent).map_err(store.at(doing, path))?;
                file
            }
            Err(wrong) => return Err(store.at(doing, path)(wrong)),
        };
        drop(tree);
        if !file.content.lock_for_append() {
            return Err(store.at(doing, path)((StoreErrorKind::Busy, "another run has it open")));
        }
        Ok(Self { store, path: path.clone(), content: file.content })
    }
}

impl AppendLog for AppendedFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.store.add("appending to", &self.path, &self.content, bytes)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.store.tree().sync(&self.path).map_err(self.store.at("syncing", &self.path))
    }
}

impl Drop for AppendedFile {
    fn drop(&mut self) {
        self.content.unlock_for_append();
    }
}
