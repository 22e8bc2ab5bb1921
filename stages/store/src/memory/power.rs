//! What a power cut takes: whatever was not synced.

use super::tree::{Dir, Node, Tree};
use super::{MemoryStore, Wrong};
use crate::StorePath;

/// How a power cut takes what was not synced. File systems do both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The file is not there any more.
    Files,
    /// The file is there, by its newest name and as long as it was, and its bytes are zeros.
    Bytes,
}

impl MemoryStore {
    /// The machine loses its power: what was written to files since they were last synced is lost, and files whose name was
    /// not synced since they got it may be. Files below `spared` happened to be on the medium. Says how many were lost;
    /// directories stay.
    pub fn lose_power(&self, lost: Lost, spared: Option<&StorePath>) -> usize {
        self.0.tree().lose_power(lost, spared)
    }
}

impl Tree {
    pub(super) fn sync(&mut self, path: &StorePath) -> Result<(), Wrong> {
        if let Node::File(file) = self.node_mut(path)? {
            file.content.sync();
            file.named_durably = true;
        }
        Ok(())
    }

    fn lose_power(&mut self, lost: Lost, spared: Option<&StorePath>) -> usize {
        match &mut self.root {
            Node::Dir(root) => lose_below(root, lost, &StorePath::root(), spared),
            Node::File(_) => 0,
        }
    }
}

fn lose_below(dir: &mut Dir, lost: Lost, path: &StorePath, spared: Option<&StorePath>) -> usize {
    if spared == Some(path) {
        return 0;
    }
    let mut taken = 0;
    dir.names.retain(|name, node| {
        let file = match node {
            Node::File(file) => file,
            Node::Dir(dir) => {
                taken += path.join(name).map_or(0, |path| lose_below(dir, lost, &path, spared));
                return true;
            }
        };
        let (bytes, name) = (!file.content.is_durable(), !file.named_durably);
        if bytes {
            file.content.forget();
        }
        let gone = lost == Lost::Files && (bytes || name);
        taken += usize::from(gone || bytes);
        !gone
    });
    taken
}
