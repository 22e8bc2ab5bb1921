use std::fmt;

/// Why a store could not do what was asked, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// There is nothing under that path.
    NotFound,
    /// There is something under that path already.
    AlreadyExists,
    /// A directory where a file is needed, or the other way round.
    WrongKind,
    /// Not allowed.
    PermissionDenied,
    /// No room (or quota) left.
    NoSpace,
    /// The storage is read-only.
    ReadOnly,
    /// The path is not one that a store takes.
    InvalidPath,
    /// This store cannot do that.
    Unsupported,
    /// Another process has it open and it can have only one.
    Busy,
    /// It may work if tried again.
    Transient,
    /// The run was told to stop.
    Interrupted,
    /// Anything else.
    Other,
}

impl StoreErrorKind {
    /// What can be done about it, where that is known.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::NoSpace => Some("make room, then run the same command again: it goes on where it stopped"),
            Self::PermissionDenied => {
                Some("run as a user that may do this (often `hbase`), or change the modes")
            }
            Self::ReadOnly => Some("the storage is mounted read-only: choose another target or remount it"),
            Self::Busy => Some("another run has it open: wait for it or stop it"),
            Self::Transient => Some("run the same command again: it goes on where it stopped"),
            _ => None,
        }
    }
}

/// What a store could not do, to which path, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct StoreError {
    /// What a caller can act on.
    pub kind: StoreErrorKind,
    /// What was being done: "opening".
    pub doing: String,
    /// The path, with the store's URI in front where the store knows it.
    pub path: String,
    /// What went wrong, in the storage's own words.
    pub what: String,
}

impl StoreError {
    /// An error.
    pub fn new(
        kind: StoreErrorKind,
        doing: impl Into<String>,
        path: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self { kind, doing: doing.into(), path: path.into(), what: what.into() }
    }

    /// Whether there is nothing under that path.
    pub fn is_not_found(&self) -> bool {
        self.kind == StoreErrorKind::NotFound
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.doing, self.path, self.what)
    }
}
