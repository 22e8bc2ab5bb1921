use crate::{FileStore, Store, StoreError, StoreErrorKind, StorePath};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

const OPENING: &str = "opening a store";

/// Opens the store that a URI names: `file:///p`, `file:/p`, or a path, which may be relative.
///
/// As in Hadoop, nothing in a URI is percent-decoded. Nothing is looked at or made yet. What this version cannot do
/// is `Unsupported`.
pub fn open_store(uri: &str) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(FileStore::new(file_path(uri)?)?))
}

/// The store of everything around a file that a URI or path names, and the file's path there. What the file leads to
/// (a link's target, say) can then be found wherever it lies.
pub fn open_containing(uri: &str) -> Result<(Arc<dyn Store>, StorePath), StoreError> {
    let path = file_path(uri)?;
    let name = path.file_name().ok_or_else(|| {
        StoreError::new(StoreErrorKind::InvalidPath, OPENING, uri, "names no file".to_owned())
    })?;
    // `..` is gone after this, and a directory that does not exist is found out.
    let dir = path.parent().unwrap_or(Path::new("/"));
    let dir = dir.canonicalize().map_err(|error| failed(dir, &error))?;
    let whole = dir.join(name);
    let text = whole.to_str().ok_or_else(|| {
        StoreError::new(StoreErrorKind::InvalidPath, OPENING, uri, "its path is not UTF-8".to_owned())
    })?;
    Ok((Arc::new(FileStore::new("/")?), StorePath::parse(text.trim_start_matches('/'))?))
}

/// The absolute path that a URI names.
fn file_path(uri: &str) -> Result<PathBuf, StoreError> {
    let wrong = |kind, what: String| StoreError::new(kind, OPENING, uri, what);
    let path = match scheme(uri) {
        None => uri,
        Some(("file", rest)) => match rest.strip_prefix("//") {
            None => rest,
            Some(rest) if rest.starts_with('/') => rest,
            Some(rest) => {
                rest.strip_prefix("localhost").filter(|path| path.starts_with('/')).ok_or_else(|| {
                    let what = "names a host; a file URI is file:///path".to_owned();
                    wrong(StoreErrorKind::InvalidPath, what)
                })?
            }
        },
        Some((scheme, _)) => {
            let what = format!(
                "this version reads and writes local paths and file:// URIs only, not {scheme}: (a file of that \
                 name is written ./{scheme}:...)"
            );
            return Err(wrong(StoreErrorKind::Unsupported, what));
        }
    };
    if path.is_empty() || path.contains('\0') {
        return Err(wrong(StoreErrorKind::InvalidPath, "names no directory".to_owned()));
    }
    std::path::absolute(path).map_err(|error| wrong(StoreErrorKind::InvalidPath, error.to_string()))
}

/// Scheme and rest of what looks like a URI: `scheme:/...`.
fn scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (named && rest.starts_with('/')).then_some((scheme, rest))
}

/// How two locations lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Neither lies in the other.
    Apart,
    /// They are the same.
    Same,
    /// The first lies somewhere below the other.
    Inside,
    /// The other lies somewhere below the first.
    Contains,
}

/// How the location `one` lies to `other`: both as for [`open_store`], existing or not. Links and mounts are seen
/// through, so that one directory under two names is `Same`.
pub fn relation(one: &str, other: &str) -> Result<Relation, StoreError> {
    let one = Resolved::of(&file_path(one)?)?;
    let other = Resolved::of(&file_path(other)?)?;
    Ok(match (one.is_at_or_below(&other), other.is_at_or_below(&one)) {
        (true, true) => Relation::Same,
        (true, false) => Relation::Inside,
        (false, true) => Relation::Contains,
        (false, false) => Relation::Apart,
    })
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
    crate::file::failure("looking at", path, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn uris_of_files_and_paths() {
        for (uri, path) in [
            ("/a/b", "/a/b"),
            ("file:///a/b", "/a/b"),
            ("file:/a/b", "/a/b"),
            ("file://localhost/a", "/a"),
            ("file:///a%20b", "/a%20b"),
            ("/a/b/", "/a/b/"),
            ("/with:colon", "/with:colon"),
        ] {
            assert_eq!(file_path(uri).unwrap(), Path::new(path), "{uri}");
        }
        let here = std::env::current_dir().unwrap();
        assert_eq!(file_path("sub/dir").unwrap(), here.join("sub/dir"));
        assert_eq!(file_path("./s3:/x").unwrap(), here.join("s3:/x"));
        assert_eq!(file_path("a:b").unwrap(), here.join("a:b"));
    }

    #[test]
    fn what_this_version_cannot_open_says_what_it_can() {
        for uri in ["hdfs://ns/p", "s3://b/p", "gs://b", "abfs://c@a/p", "http://x/", "hdfs:/p"] {
            let error = open_store(uri).map(|store| store.uri()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Unsupported, "{uri}");
            assert!(error.to_string().contains("file://"), "{error}");
        }
        for uri in ["", "file://host/p", "file://", "file:///a\0"] {
            let error = open_store(uri).map(|store| store.uri()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::InvalidPath, "{uri}");
        }
        assert_eq!(open_store("file:/a").unwrap().uri(), "file:///a");
    }

    #[test]
    fn one_location_inside_another() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::create_dir_all(at("real/deep")).unwrap();
        symlink(at("real"), at("link")).unwrap();
        symlink("real/new", at("to-missing")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let relation_of = |one: &str, other: &str| relation(&at(one), &at(other)).unwrap();
        assert_eq!(relation_of("real", "real/"), Relation::Same);
        assert_eq!(relation_of("link", "real"), Relation::Same);
        assert_eq!(relation_of("link/deep", "real"), Relation::Inside);
        assert_eq!(relation_of("real", "link/deep/not/yet"), Relation::Contains);
        assert_eq!(relation_of("real/x/y", "link/x"), Relation::Inside);
        assert_eq!(relation_of("real/x", "real/xy"), Relation::Apart);
        assert_eq!(relation_of("real", "realm"), Relation::Apart);
        assert_eq!(relation_of("real/deep/../x", "real/x"), Relation::Same);
        assert_eq!(relation_of("real/x", "real/deep"), Relation::Apart);
        assert_eq!(relation_of("to-missing/a", "link/new"), Relation::Inside);
        assert!(relation(&at("loop"), &at("real")).is_err());
        assert_eq!(relation("/", &at("real")).unwrap(), Relation::Contains);
        let uri = format!("file://{}", at("real"));
        assert_eq!(relation(&uri, &at("real")).unwrap(), Relation::Same);
    }
}
