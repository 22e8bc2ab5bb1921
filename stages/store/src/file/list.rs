use super::{failed, failure};
use crate::{StoreError, StoreErrorKind};
use std::{collections::VecDeque, fs, io, os::unix::ffi::OsStrExt, path::Path, path::PathBuf};

/// Names kept of one directory at most. A larger one is read again each time these are used up, so that a listing of
/// any length takes bounded memory and little more than one pass.
const WINDOW: usize = 1 << 18;

/// Listings that can be continued at the same time, before the oldest is forgotten (and read anew).
const KEPT: usize = 8;

/// The names that a page did not take, for the page that asks for what follows it.
///
/// A listing in several pages so shows the directory as it was at its first page, less what was deleted since.
#[derive(Debug, Default)]
pub(super) struct Listings(VecDeque<Rest>);

#[derive(Debug)]
pub(super) struct Rest {
    dir: PathBuf,
    /// Last name that was looked at.
    after: String,
    /// Names after it, the first one last.
    names: Vec<String>,
    /// Whether the directory has more names after those.
    more: bool,
}

impl Listings {
    /// Takes out the listing that stopped at this name.
    pub(super) fn take(&mut self, dir: &Path, after: &str) -> Option<Rest> {
        let at = self.0.iter().position(|rest| rest.after == after && rest.dir == dir)?;
        self.0.remove(at)
    }

    /// Keeps a listing that is not at its end.
    pub(super) fn keep(&mut self, rest: Rest) {
        // One that stopped at the same name earlier, and was never gone on with, is out of date.
        self.0.retain(|kept| kept.after != rest.after || kept.dir != rest.dir);
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(rest);
    }
}

impl Rest {
    /// Reads the names after `after` anew.
    pub(super) fn read(dir: &Path, after: Option<&str>) -> Result<Self, StoreError> {
        Self::read_window(dir, after, WINDOW)
    }

    fn read_window(dir: &Path, after: Option<&str>, window: usize) -> Result<Self, StoreError> {
        let mut smallest = Smallest { names: Vec::new(), window, more: false };
        let entries = fs::read_dir(dir).map_err(failed(DOING, dir))?;
        for entry in entries {
            let name = entry.map_err(failed(DOING, dir))?.file_name();
            let Some(name) = name.to_str() else {
                let what = format!("the name {:?} is not UTF-8", name.as_bytes().escape_ascii().to_string());
                let path = dir.display().to_string();
                return Err(StoreError::new(StoreErrorKind::InvalidPath, DOING, path, what));
            };
            if after.is_none_or(|after| name > after) && !super::publish::is_temporary(name) {
                smallest.add(name.to_owned());
            }
        }
        let (names, more) = smallest.finish();
        Ok(Self { dir: dir.to_owned(), after: after.unwrap_or_default().to_owned(), names, more })
    }

    /// The next name, and with it what `stat` says of it. A name that is gone by now, or a link to nothing, is
    /// passed over, as Hadoop's local file system does.
    pub(super) fn next(&mut self) -> Result<Option<(String, fs::Metadata)>, StoreError> {
        loop {
            let Some(name) = self.names.pop() else {
                if !self.more {
                    return Ok(None);
                }
                *self = Self::read(&self.dir, Some(&self.after))?;
                continue;
            };
            self.after.clone_from(&name);
            let path = self.dir.join(&name);
            match fs::metadata(&path) {
                Ok(status) => return Ok(Some((name, status))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failure(DOING, &path, &error)),
            }
        }
    }

    /// Whether there may be more.
    pub(super) fn more(&self) -> bool {
        self.more || !self.names.is_empty()
    }
}

const DOING: &str = "listing";

/// The smallest names of a directory, in memory for twice the window at most.
struct Smallest {
    names: Vec<String>,
    window: usize,
    more: bool,
}

impl Smallest {
    fn add(&mut self, name: String) {
        self.names.push(name);
        if self.names.len() >= self.window.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.names.len() > self.window {
            self.names.select_nth_unstable(self.window);
            self.names.truncate(self.window);
            self.more = true;
        }
    }

    /// The names, the first one last, and whether there are more than these.
    fn finish(mut self) -> (Vec<String>, bool) {
        self.cut();
        self.names.sort_unstable_by(|a, b| b.cmp(a));
        (self.names, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_larger_than_the_window_is_listed_in_several_passes() {
        let dir = tempfile::tempdir().unwrap();
        let expected: Vec<String> = (0..500).map(|n| format!("{:04}", n * 7919 % 5000)).collect();
        for name in &expected {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        let mut sorted = expected;
        sorted.sort();
        let mut listed = Vec::new();
        let mut rest = Rest::read_window(dir.path(), None, 64).unwrap();
        loop {
            listed.extend(rest.names.iter().rev().cloned());
            if !rest.more {
                break;
            }
            rest = Rest::read_window(dir.path(), listed.last().map(String::as_str), 64).unwrap();
            assert!(rest.names.len() <= 64);
        }
        assert_eq!(listed, sorted);
    }
}
