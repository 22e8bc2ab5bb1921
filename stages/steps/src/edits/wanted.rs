//! Which edits are wanted.

use crate::hfile::RowRange;

/// Which edits of a region are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditBounds {
    /// No edits of any family with a smaller id are wanted: they are not even read.
    pub first: u64,
    /// The last id that is wanted: the cut.
    pub through: u64,
    /// Up to which id the edits of a family are in files already (exact start). Families that are not named have none
    /// there.
    pub after: Vec<(Vec<u8>, u64)>,
}

impl EditBounds {
    /// Every edit.
    #[must_use]
    pub fn all() -> Self {
        Self { first: 0, through: u64::MAX, after: Vec::new() }
    }

    /// The smallest id that is wanted of a family.
    pub(super) fn first_of(&self, family: &[u8]) -> u64 {
        let after = self.after.iter().find(|(known, _)| known == family);
        after.map_or(self.first, |(_, after)| self.first.max(after.saturating_add(1)))
    }
}

/// Which cells are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Of this family; of every one if there is none.
    pub family: Option<&'a [u8]>,
    /// Of these rows.
    pub rows: RowRange,
    /// Whether cells are wanted, too, whose place a later cell of the same entry takes: the log has them, a store has not.
    pub replaced: bool,
}
