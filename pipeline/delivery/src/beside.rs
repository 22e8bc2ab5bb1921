//! What lies in the target's directories: one look at a directory is cheaper than two at each of its files.

use stage::Failure;
use std::collections::HashMap;
use steps::bytes::{failed_store, with_side};
use store::{Metadata, Store, StorePath, list_there};

/// Lists each directory once, if files are asked for in the order of their directories.
pub struct Beside<'a> {
    target: &'a dyn Store,
    dir: Option<StorePath>,
    entries: HashMap<String, Metadata>,
}

impl<'a> Beside<'a> {
    /// Nothing is looked at yet.
    pub fn new(target: &'a dyn Store) -> Self {
        Self { target, dir: None, entries: HashMap::new() }
    }

    /// What has this name, and its identity with that of the checksums that Hadoop keeps of it.
    pub fn find(&mut self, path: &StorePath) -> Result<Option<(&Metadata, String)>, Failure> {
        let dir = path.parent().unwrap_or_default();
        if self.dir.as_ref() != Some(&dir) {
            let failed = |error| failed_store("looking at the target", self.target, error);
            let entries = list_there(self.target, &dir).map_err(failed)?.unwrap_or_default();
            self.entries = entries.into_iter().map(|entry| (entry.name, entry.metadata)).collect();
            self.dir = Some(dir);
        }
        let Some(metadata) = self.entries.get(path.name()) else { return Ok(None) };
        let side = path.side_file().filter(|_| self.target.abilities().side_files);
        let side = side.and_then(|side| self.entries.get(side.name()));
        Ok(Some((metadata, with_side(&metadata.identity, side.map(|side| &side.identity)))))
    }
}
