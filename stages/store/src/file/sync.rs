use super::{Inner, failed};
use crate::{StoreError, StorePath};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

const SYNCING: &str = "syncing";

/// Up to this many files are synced one by one; for more, one `syncfs` is cheaper although it also writes what others
/// have in the cache.
const ONE_BY_ONE: usize = 8;

/// The root, opened before the first file is written: `syncfs` then reports every write-back error since, also one
/// that happened long before the call.
#[derive(Debug, Default)]
pub(super) struct Filesystem(OnceLock<File>);

impl Inner {
    /// To be called before anything is written.
    pub(super) fn watch_errors(&self) {
        if self.filesystem.0.get().is_none()
            && let Ok(root) = File::open(&self.root)
        {
            // Two threads may race for it: either handle will do.
            let _ = self.filesystem.0.set(root);
        }
    }

    pub(super) fn sync_batch(&self, paths: &[StorePath]) -> Result<(), StoreError> {
        if paths.len() > ONE_BY_ONE {
            return self.sync_filesystems(paths);
        }
        let mut dirs = BTreeSet::new();
        for path in paths {
            sync_one(&self.path(path))?;
            self.dirs_above(path, &mut dirs);
        }
        // Deepest first, so that a name is never durable before what it names.
        dirs.iter().rev().try_for_each(|dir| sync_one(dir))
    }

    /// Makes the name of a file durable, and those of the directories above it.
    pub(super) fn sync_dirs_above(&self, path: &StorePath) -> Result<(), StoreError> {
        let mut dirs = BTreeSet::new();
        self.dirs_above(path, &mut dirs);
        dirs.iter().rev().try_for_each(|dir| sync_one(dir))
    }

    fn dirs_above(&self, path: &StorePath, dirs: &mut BTreeSet<PathBuf>) {
        let mut above = path.parent();
        while let Some(dir) = above {
            if !dirs.insert(self.path(&dir)) {
                break;
            }
            above = dir.parent();
        }
    }

    /// Syncs every file system that one of the files or directories lies on: mostly one, more if something is
    /// mounted below the root or linked to from there.
    fn sync_filesystems(&self, paths: &[StorePath]) -> Result<(), StoreError> {
        let mut devices = BTreeMap::new();
        let mut dirs = BTreeSet::new();
        for path in paths {
            self.dirs_above(path, &mut dirs);
            let path = self.path(path);
            devices.entry(device(&path)?).or_insert(path);
        }
        for dir in dirs {
            devices.entry(device(&dir)?).or_insert(dir);
        }
        let root = self.filesystem.0.get();
        let root_device = root.and_then(|root| root.metadata().ok()).map(|status| status.dev());
        for (device, path) in devices {
            let synced = match root.filter(|_| root_device == Some(device)) {
                Some(root) => rustix::fs::syncfs(root),
                None => rustix::fs::syncfs(File::open(&path).map_err(failed(SYNCING, &path))?),
            };
            synced.map_err(failed(SYNCING, &path))?;
        }
        Ok(())
    }
}

fn device(path: &Path) -> Result<u64, StoreError> {
    fs::metadata(path).map(|status| status.dev()).map_err(failed(SYNCING, path))
}

fn sync_one(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed(SYNCING, path))
}

/// Makes the root, and the directories above it that do not exist, durably: a later sync looks below the root only.
pub(super) fn make_root(root: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> = root.ancestors().take_while(|dir| !dir.exists()).collect();
    fs::create_dir_all(root).map_err(failed("making a directory", root))?;
    missing.iter().rev().filter_map(|dir| dir.parent()).try_for_each(sync_one)
}
