use super::side::{drop_side, has_side};
use super::{Inner, failed, failure};
use crate::{Publish, StoreError, StoreErrorKind, StorePath};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::fd::AsRawFd,
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

const PUBLISHING: &str = "publishing";
const RENAMING: &str = "renaming";
const SWAPPING: &str = "swapping two names";

const SUFFIX: &str = ".tidegate-tmp";

/// Whether a file of this name is a document that was being written when its process died. Such a file is never
/// listed; it goes when its directory is deleted.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(SUFFIX)
}

/// A name that no other process and no other thread of this one takes; short, whatever the document is called.
fn temporary_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!(".{}-{number}-{}{SUFFIX}", process::id(), since.as_nanos())
}

impl Inner {
    pub(super) fn put(&self, path: &StorePath, bytes: &[u8], rule: Publish) -> Result<(), StoreError> {
        let to = self.path_below_root(PUBLISHING, path)?;
        let dir = to.parent().unwrap_or(&self.root);
        drop_side_for(&to, rule)?;
        if rule == Publish::IfAbsent
            || fs::symlink_metadata(&to).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            self.make_dirs_above(&to)?;
            match put_unnamed(dir, &to, bytes)? {
                Unnamed::Put => return self.sync_dirs_above(path),
                Unnamed::Taken if rule == Publish::IfAbsent => {
                    return Err(failure(PUBLISHING, &to, &Errno::EXIST.into()));
                }
                Unnamed::Taken | Unnamed::Unsupported => {}
            }
        }
        let temporary = dir.join(temporary_name());
        let made = self.create_in_dirs(&temporary)?;
        write_synced(made, bytes, &temporary).and_then(|()| take_name(&temporary, &to, rule)).inspect_err(
            |_| {
                // The error that counts is the one above; a leftover is not listed.
                let _ = fs::remove_file(&temporary);
            },
        )?;
        self.sync_dirs_above(path)
    }

    /// Makes a new file, and the directories above it if there are none.
    pub(super) fn create_in_dirs(&self, path: &Path) -> Result<File, StoreError> {
        let create = || OpenOptions::new().read(true).write(true).create_new(true).open(path);
        match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_dirs_above(path)?;
                create().map_err(failed("making a file", path))
            }
            made => made.map_err(failed("making a file", path)),
        }
    }

    /// A new file; what had the name before is unlinked, never written into, as somebody may be reading it.
    pub(super) fn create_anew(&self, path: &Path) -> Result<File, StoreError> {
        match self.create_in_dirs(path) {
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                fs::remove_file(path).map_err(failed("replacing", path))?;
                self.create_in_dirs(path)
            }
            made => made,
        }
    }

    /// Makes the directories above a path.
    pub(super) fn make_dirs_above(&self, path: &Path) -> Result<(), StoreError> {
        if !self.root.exists() {
            super::sync::make_root(&self.root)?;
        }
        let dir = path.parent().unwrap_or(&self.root);
        match fs::create_dir_all(dir) {
            // What is in the way is a file.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(failure("making a directory", dir, &Errno::NOTDIR.into()))
            }
            made => made.map_err(failed("making a directory", dir)),
        }
    }

    pub(super) fn rename(&self, from: &StorePath, to: &StorePath, rule: Publish) -> Result<(), StoreError> {
        let from = self.path_below_root(RENAMING, from)?;
        let to = self.path_below_root(RENAMING, to)?;
        drop_side_for(&to, rule)?;
        match take_name(&from, &to, rule) {
            Err(error) if error.is_not_found() => {
                fs::symlink_metadata(&from).map_err(failed(RENAMING, &from))?;
                self.make_dirs_above(&to)?;
                take_name(&from, &to, rule)?;
            }
            renamed => renamed?,
        }
        drop_side(&from)
    }

    pub(super) fn exchange(&self, one: &StorePath, other: &StorePath) -> Result<(), StoreError> {
        let one = self.path_below_root(SWAPPING, one)?;
        let other = self.path_below_root(SWAPPING, other)?;
        for path in [&one, &other] {
            fs::symlink_metadata(path).map_err(failed(SWAPPING, path))?;
        }
        drop_side(&one)?;
        drop_side(&other)?;
        match renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE) {
            // The file system does not know the flag, or one name lies inside the other.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let what = format!("cannot be swapped in one step with {}", other.display());
                let path = one.display().to_string();
                Err(StoreError::new(StoreErrorKind::Unsupported, SWAPPING, path, what))
            }
            swapped => swapped.map_err(failed(SWAPPING, &one)),
        }
    }
}

/// Before a name gets new bytes: a side file of the bytes before must not be found beside them, whenever the process is
/// killed. Where the name is taken and stays with its bytes, so does its side file.
fn drop_side_for(to: &Path, rule: Publish) -> Result<(), StoreError> {
    match rule {
        // Most files have none, and then it does not matter whether the name is taken.
        Publish::IfAbsent if !has_side(to) || fs::symlink_metadata(to).is_ok() => Ok(()),
        _ => drop_side(to),
    }
}

/// What became of a document that was to be put without a temporary name.
enum Unnamed {
    Put,
    /// Something has the name.
    Taken,
    /// This file system has no files without a name.
    Unsupported,
}

/// Writes a file that has no name until it is whole and synced: a process that dies leaves nothing behind.
fn put_unnamed(dir: &Path, to: &Path, bytes: &[u8]) -> Result<Unnamed, StoreError> {
    let (flags, mode) = (OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::from_raw_mode(0o666));
    let Ok(file) = rustix::fs::open(dir, flags, mode) else { return Ok(Unnamed::Unsupported) };
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    write_synced(File::from(file.try_clone().map_err(|error| failure(PUBLISHING, to, &error))?), bytes, to)?;
    match linkat(CWD, &open, CWD, to, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(Unnamed::Put),
        Err(Errno::EXIST) => Ok(Unnamed::Taken),
        // No /proc, or links are not to be had.
        Err(_) => Ok(Unnamed::Unsupported),
    }
}

fn write_synced(mut file: File, bytes: &[u8], path: &Path) -> Result<(), StoreError> {
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(PUBLISHING, path))
}

/// Renames under a rule. An error names the new path.
fn take_name(from: &Path, to: &Path, rule: Publish) -> Result<(), StoreError> {
    match rule {
        Publish::Replace => fs::rename(from, to).map_err(failed(RENAMING, to)),
        Publish::IfAbsent => match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => take_absent_name(from, to),
            renamed => renamed.map_err(failed(RENAMING, to)),
        },
    }
}

/// Renames where the file system has no `RENAME_NOREPLACE`: a hard link fails if the name is taken, and so does making
/// a directory, over which, empty, a directory can then be renamed. A crash in between leaves both names, or an empty
/// directory: never half a document.
fn take_absent_name(from: &Path, to: &Path) -> Result<(), StoreError> {
    let status = fs::symlink_metadata(from).map_err(failed(RENAMING, from))?;
    if status.is_dir() {
        let inside = to.starts_with(from);
        if inside {
            return Err(failure(RENAMING, to, &Errno::INVAL.into()));
        }
        fs::create_dir(to).map_err(failed(RENAMING, to))?;
        return fs::rename(from, to).map_err(failed(RENAMING, to));
    }
    fs::hard_link(from, to).map_err(failed(RENAMING, to))?;
    fs::remove_file(from).map_err(failed(RENAMING, from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_kernels_flag_a_taken_name_is_still_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| -> std::path::PathBuf { dir.path().join(name) };
        fs::write(path("a"), b"a").unwrap();
        fs::write(path("b"), b"b").unwrap();
        assert_eq!(take_absent_name(&path("a"), &path("b")).unwrap_err().kind, StoreErrorKind::AlreadyExists);
        assert_eq!(fs::read(path("b")).unwrap(), b"b");
        take_absent_name(&path("a"), &path("c")).unwrap();
        assert_eq!(fs::read(path("c")).unwrap(), b"a");
        assert!(!path("a").exists());

        fs::create_dir_all(path("d/inner")).unwrap();
        assert_eq!(take_absent_name(&path("d"), &path("b")).unwrap_err().kind, StoreErrorKind::AlreadyExists);
        assert_eq!(
            take_absent_name(&path("d"), &path("d/in")).unwrap_err().kind,
            StoreErrorKind::InvalidPath
        );
        take_absent_name(&path("d"), &path("e")).unwrap();
        assert!(path("e/inner").exists() && !path("d").exists());
    }
}
