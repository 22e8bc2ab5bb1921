use super::{Inner, content::Content, tree::File};
use crate::{GrowingFile, Publish, StoreError, StorePath};
use std::sync::Arc;

/// A file that grows: where directories exist under its name, else out of sight until it is finished.
pub(super) struct WholeFile {
    store: Arc<Inner>,
    path: StorePath,
    content: Arc<Content>,
}

impl WholeFile {
    pub(super) fn create(store: Arc<Inner>, path: &StorePath) -> Result<Self, StoreError> {
        if path.is_root() {
            return Err(store.at("writing", path)(super::tree::IS_ROOT));
        }
        let content = Arc::new(Content::whole(Vec::new(), store.next_version()));
        let file = Self { store, path: path.clone(), content };
        if file.store.abilities.directories {
            file.publish(File::new(Arc::clone(&file.content)))?;
        }
        Ok(file)
    }

    fn publish(&self, file: File) -> Result<(), StoreError> {
        let published = self.store.tree().insert(&self.path, file, Publish::Replace);
        published.map_err(self.store.at("writing", &self.path))
    }
}

impl GrowingFile for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.store.add("writing", &self.path, &self.content, bytes)
    }

    fn finish(self: Box<Self>) -> Result<u64, StoreError> {
        if !self.store.abilities.directories {
            self.publish(File::durable(Arc::clone(&self.content)))?;
        }
        Ok(self.content.len())
    }
}
