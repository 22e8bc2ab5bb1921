use serde::{Deserialize, Serialize};
use std::fmt;

/// How much is verified; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every file exists and has the length it should have.
    List,
    /// Recorded digests agree.
    Sums,
    /// The chain of blocks holds and their checksums agree.
    Blocks,
    /// Every cell is decoded; order, counts and last key are what the file says.
    Cells,
}

impl Level {
    /// Parses its name in `image.json`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::List, Self::Sums, Self::Blocks, Self::Cells]
            .into_iter()
            .find(|level| level.to_string() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::List => "list",
            Self::Sums => "sums",
            Self::Blocks => "blocks",
            Self::Cells => "cells",
        })
    }
}
