//! Paths of this machine as locations of stores.

use super::failure;
use crate::{Nesting, StoreError, StoreErrorKind, StorePath};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

/// An absolute path, as it was typed otherwise.
#[derive(Debug, Clone)]
pub struct LocalPath(PathBuf);

impl LocalPath {
    /// Makes a path absolute; else says what is wrong with it.
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        if path.is_empty() || path.contains('\0') {
            return Err("names no directory".to_owned());
        }
        std::path::absolute(path).map(Self).map_err(|error| error.to_string())
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }

    /// The path of a file below `/`, without `..`: a directory that does not exist is found out.
    pub(crate) fn below_root(&self) -> Result<StorePath, StoreError> {
        let (dir, name) = self.parent_and_name()?;
        let dir = dir.canonicalize().map_err(|error| failed(dir, &error))?;
        let dir = dir.to_str().ok_or_else(|| self.wrong("its path is not UTF-8"))?;
        StorePath::parse(dir.trim_start_matches('/'))?.join(name)
    }

    /// The directory that holds it, and its name there.
    pub(crate) fn parent_and_name(&self) -> Result<(&Path, &str), StoreError> {
        let name = self.0.file_name().ok_or_else(|| self.wrong("names no file"))?;
        let name = name.to_str().ok_or_else(|| self.wrong("its path is not UTF-8"))?;
        Ok((self.0.parent().unwrap_or(Path::new("/")), name))
    }

    pub(crate) fn relation(&self, other: &Self) -> Result<Nesting, StoreError> {
        let (one, other) = (Resolved::of(&self.0)?, Resolved::of(&other.0)?);
        Ok(match (one.is_at_or_below(&other), other.is_at_or_below(&one)) {
            (true, true) => Nesting::Same,
            (true, false) => Nesting::Inside,
            (false, true) => Nesting::Contains,
            (false, false) => Nesting::Apart,
        })
    }

    fn wrong(&self, what: &str) -> StoreError {
        let path = self.0.display().to_string();
        StoreError::new(StoreErrorKind::InvalidPath, "opening a store", path, what.to_owned())
    }
}

/// A path without links as far as it exists, and the directories on the way by device and inode.
struct Resolved {
    /// Device and inode of every directory from the last that exists up to `/`.
    existing: Vec<(u64, u64)>,
    /// What does not exist yet, below the first of those.
    missing: PathBuf,
}

impl Resolved {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let (existing, missing) = resolve(path, 0)?;
        let places = existing.ancestors().map(|dir| {
            fs::metadata(dir).map(|status| (status.dev(), status.ino())).map_err(|error| failed(dir, &error))
        });
        Ok(Self { existing: places.collect::<Result<_, _>>()?, missing })
    }

    fn is_at_or_below(&self, other: &Self) -> bool {
        let Some(place) = other.existing.first() else { return false };
        if other.missing.as_os_str().is_empty() {
            return self.existing.contains(place);
        }
        self.existing.first() == Some(place) && self.missing.starts_with(&other.missing)
    }
}

/// As many links as Linux follows.
const LINKS: usize = 40;

/// The deepest directory of a path that exists, without links, and the rest. A link to what does not exist is
/// followed, too: a file written there is made where it points to.
fn resolve(path: &Path, links: usize) -> Result<(PathBuf, PathBuf), StoreError> {
    let mut existing = PathBuf::from("/");
    let mut missing = PathBuf::new();
    let mut rest = path.components();
    while let Some(component) = rest.next() {
        match component {
            Component::ParentDir if missing.pop() => {}
            Component::ParentDir => drop(existing.pop()),
            Component::Normal(name) if !missing.as_os_str().is_empty() => missing.push(name),
            Component::Normal(name) => {
                let next = existing.join(name);
                match fs::symlink_metadata(&next) {
                    Ok(status) if status.is_symlink() => {
                        if links >= LINKS {
                            return Err(failed(&next, &rustix::io::Errno::LOOP.into()));
                        }
                        let target = fs::read_link(&next).map_err(|error| failed(&next, &error))?;
                        return resolve(&existing.join(target).join(rest.as_path()), links + 1);
                    }
                    Ok(_) => existing = next,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(name),
                    Err(error) => return Err(failed(&next, &error)),
                }
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok((existing, missing))
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    failure("looking at", path, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Location;
    use std::os::unix::fs::symlink;

    #[test]
    fn one_location_inside_another() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::create_dir_all(at("real/deep")).unwrap();
        symlink(at("real"), at("link")).unwrap();
        symlink("real/new", at("to-missing")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let relation = |one: &str, other: &str| Location::parse(one)?.relation(&Location::parse(other)?);
        let relation_of = |one: &str, other: &str| relation(&at(one), &at(other)).unwrap();
        assert_eq!(relation_of("real", "real/"), Nesting::Same);
        assert_eq!(relation_of("link", "real"), Nesting::Same);
        assert_eq!(relation_of("link/deep", "real"), Nesting::Inside);
        assert_eq!(relation_of("real", "link/deep/not/yet"), Nesting::Contains);
        assert_eq!(relation_of("real/x/y", "link/x"), Nesting::Inside);
        assert_eq!(relation_of("real/x", "real/xy"), Nesting::Apart);
        assert_eq!(relation_of("real", "realm"), Nesting::Apart);
        assert_eq!(relation_of("real/deep/../x", "real/x"), Nesting::Same);
        assert_eq!(relation_of("real/x", "real/deep"), Nesting::Apart);
        assert_eq!(relation_of("to-missing/a", "link/new"), Nesting::Inside);
        assert!(relation(&at("loop"), &at("real")).is_err());
        assert_eq!(relation("/", &at("real")).unwrap(), Nesting::Contains);
        let uri = format!("file://{}", at("real"));
        assert_eq!(relation(&uri, &at("real")).unwrap(), Nesting::Same);
    }
}
