use crate::{Store, StoreError, StoreErrorKind};
use std::fmt;

/// A path below a store's root: segments joined by `/`, never empty, `.`, `..` or with a NUL or `/` in them, so that
/// a path cannot leave the root. The empty path is the root itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StorePath(String);

impl StorePath {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// A path from text; refuses segments that could leave the root.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let mut path = Self::root();
        for segment in text.split('/').filter(|_| !text.is_empty()) {
            path = path.join(segment)?;
        }
        Ok(path)
    }

    /// One segment further down; refuses one that is empty, `.`, `..` or has a `/` or NUL in it.
    pub fn join(&self, segment: &str) -> Result<Self, StoreError> {
        let bad = segment.is_empty() || segment == "." || segment == ".." || segment.contains(['/', '\0']);
        if bad {
            let what = format!("{segment:?} cannot be part of a path");
            return Err(StoreError::new(StoreErrorKind::InvalidPath, "naming a file", self.as_str(), what));
        }
        let joined = if self.0.is_empty() { segment.to_owned() } else { format!("{}/{segment}", self.0) };
        Ok(Self(joined))
    }

    /// Several segments further down.
    pub fn join_all<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Result<Self, StoreError> {
        segments.into_iter().try_fold(self.clone(), |path, segment| path.join(segment))
    }

    /// As text, without a leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole path with the store's URI in front, as messages show it.
    pub fn shown(&self, store: &dyn Store) -> String {
        shown(store, &self.0)
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the path leads down from this directory of the root.
    pub fn is_below(&self, directory: &str) -> bool {
        self.0.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The last segment; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The path without its last segment; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(self.0.rsplit_once('/').map_or_else(Self::root, |(parent, _)| Self(parent.to_owned())))
    }
}

/// The same of a path that may be none that a store takes.
pub fn shown(store: &dyn Store, path: &str) -> String {
    format!("{}/{path}", store.uri().trim_end_matches('/'))
}

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_the_root() {
        for bad in ["..", "a/../b", "a//b", "/a", "a/", ".", "a/\0"] {
            assert!(StorePath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(StorePath::root().join("a/b").is_err());
    }

    #[test]
    fn paths_join_and_part() {
        let path = StorePath::parse("archive/data").unwrap().join_all(["ns", "t"]).unwrap();
        assert_eq!(path.as_str(), "archive/data/ns/t");
        assert_eq!(path.name(), "t");
        assert_eq!(path.parent().unwrap().as_str(), "archive/data/ns");
        assert_eq!(StorePath::parse("a").unwrap().parent(), Some(StorePath::root()));
        assert_eq!(StorePath::root().parent(), None);
    }
}
