use super::{FileName, HFileLink, HFileName, MobFileName, ReferenceName};
use crate::NameError;
use std::fmt;

/// The name of an entry of a store: what a manifest or a family directory may hold (`StoreFileInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StoreFileName {
    /// A file of the region itself.
    HFile(HFileName),
    /// A MOB file of the table's MOB region.
    Mob(MobFileName),
    /// A stand-in for a file of another region or table.
    Link(Box<HFileLink>),
    /// Part of a parent region's file.
    Reference(Box<ReferenceName>),
}

impl StoreFileName {
    /// Reads a name of any of the four kinds.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // A table's name may hold dots, so in a link only a dot after the last `=` makes a Reference.
        if text.rsplit('=').next().is_some_and(|last| last.contains('.')) {
            return ReferenceName::parse(text).map(|name| Self::Reference(Box::new(name)));
        }
        if text.contains('=') {
            return HFileLink::parse(text).map(|link| Self::Link(Box::new(link)));
        }
        Ok(match FileName::parse(text)? {
            FileName::HFile(name) => Self::HFile(name),
            FileName::Mob(name) => Self::Mob(name),
        })
    }

    /// The file that holds the cells, at the end of any link and Reference.
    pub fn file(&self) -> FileName {
        match self {
            Self::HFile(name) => FileName::HFile(name.clone()),
            Self::Mob(name) => FileName::Mob(name.clone()),
            Self::Link(link) => link.file.clone(),
            Self::Reference(name) => name.file().clone(),
        }
    }

    /// Whether this is a Reference.
    pub fn is_reference(&self) -> bool {
        matches!(self, Self::Reference(_))
    }
}

impl fmt::Display for StoreFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HFile(name) => name.fmt(f),
            Self::Mob(name) => name.fmt(f),
            Self::Link(link) => link.fmt(f),
            Self::Reference(name) => name.fmt(f),
        }
    }
}
