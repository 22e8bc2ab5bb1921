use crate::file::LocalPath;
use crate::{FileStore, Nesting, Store, StoreError, StoreErrorKind, StorePath};
use std::sync::Arc;

const OPENING: &str = "opening a store";

/// What a URI or path names, parsed once: all that depends on the kind of storage is decided here, by a match on this.
///
/// `file:///p`, `file:/p` and paths, which may be relative, are local. As in Hadoop, nothing in a URI is
/// percent-decoded. Nothing is looked at or made.
#[derive(Debug, Clone)]
pub enum Location {
    /// On this machine.
    Local(LocalPath),
}

impl Location {
    /// Parses a URI or path. What this version cannot open is `Unsupported`.
    pub fn parse(uri: &str) -> Result<Self, StoreError> {
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
        LocalPath::parse(path).map(Self::Local).map_err(|what| wrong(StoreErrorKind::InvalidPath, what))
    }

    /// Opens the store of everything below this location.
    pub fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        match self {
            Self::Local(path) => Ok(Arc::new(FileStore::new(path.as_path())?)),
        }
    }

    /// Opens the store of everything around this location, which names a file, and gives the file's path there: what the
    /// file leads to (a link's target, say) can then be found wherever it lies.
    pub fn connect_around(&self) -> Result<(Arc<dyn Store>, StorePath), StoreError> {
        match self {
            Self::Local(path) => Ok((Arc::new(FileStore::new("/")?), path.below_root()?)),
        }
    }

    /// Opens the store of the directory in which this location lies, existing or not, and gives its path there.
    pub fn connect_parent(&self) -> Result<(Arc<dyn Store>, StorePath), StoreError> {
        match self {
            Self::Local(path) => {
                let (parent, name) = path.parent_and_name()?;
                Ok((Arc::new(FileStore::new(parent)?), StorePath::root().join(name)?))
            }
        }
    }

    /// Says how this location lies to another, both existing or not. Links and mounts are seen through, so that one
    /// directory under two names is `Same`.
    pub fn relation(&self, other: &Self) -> Result<Nesting, StoreError> {
        match (self, other) {
            (Self::Local(one), Self::Local(other)) => one.relation(other),
        }
    }
}

/// Opens the store that a URI names, see [`Location`].
pub fn connect(uri: &str) -> Result<Arc<dyn Store>, StoreError> {
    Location::parse(uri)?.connect()
}

/// Opens the store around the file that a URI names, see [`Location::connect_around`].
pub fn connect_around(uri: &str) -> Result<(Arc<dyn Store>, StorePath), StoreError> {
    Location::parse(uri)?.connect_around()
}

/// Scheme and rest of what looks like a URI: `scheme:/...`.
fn scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (named && rest.starts_with('/')).then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn local(uri: &str) -> std::path::PathBuf {
        let Location::Local(path) = Location::parse(uri).unwrap();
        path.as_path().to_owned()
    }

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
            assert_eq!(local(uri), Path::new(path), "{uri}");
        }
        let here = std::env::current_dir().unwrap();
        assert_eq!(local("sub/dir"), here.join("sub/dir"));
        assert_eq!(local("./s3:/x"), here.join("s3:/x"));
        assert_eq!(local("a:b"), here.join("a:b"));
    }

    #[test]
    fn what_this_version_cannot_open_says_what_it_can() {
        for uri in ["hdfs://ns/p", "s3://b/p", "gs://b", "abfs://c@a/p", "http://x/", "hdfs:/p"] {
            let error = connect(uri).map(|store| store.uri()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Unsupported, "{uri}");
            assert!(error.to_string().contains("file://"), "{error}");
        }
        for uri in ["", "file://host/p", "file://", "file:///a\0"] {
            let error = connect(uri).map(|store| store.uri()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::InvalidPath, "{uri}");
        }
        assert_eq!(connect("file:/a").unwrap().uri(), "file:///a");
    }
}
