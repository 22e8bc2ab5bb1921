//! The batches of a cut, opened once for all that looks into them.

use super::ReplayBatch;
use crate::convert::unread;
use catalog::{CatalogError, StoredBatch};
use history::ReplayRegion;
use names::{EncodedRegionName, TableName};
use stage::{Failure, Problem, ProblemKind};
use std::collections::BTreeMap;
use store::Store;

/// A batch, open if it can be read.
pub(super) struct ReadableBatch<'a> {
    pub of: &'a ReplayBatch,
    pub file: Option<StoredBatch>,
}

impl ReadableBatch<'_> {
    /// The row groups that have entries of a region between its first and its last one.
    pub fn groups(file: &StoredBatch, name: &EncodedRegionName, region: &ReplayRegion) -> Vec<usize> {
        let wanted = (0..).zip(file.groups()).filter(|(_, group)| {
            group.region == name.as_str()
                && group.first_sequence <= region.through
                && group.last_sequence >= region.first()
        });
        wanted.map(|(number, _)| number).collect()
    }
}

/// Batches that cannot be read, each told once.
#[derive(Default)]
pub(super) struct Unreadable(BTreeMap<String, Problem>);

impl Unreadable {
    /// Of a batch in the cut: whether its entries are those of another one is not known, and its edits are missing.
    pub fn tell(&mut self, batch: &ReplayBatch, what: impl std::fmt::Display) {
        let path = batch.wal.path.to_string();
        self.0.entry(path).or_insert_with_key(|path| {
            Problem::new(ProblemKind::Structure, path, what)
                .meaning("edits of this batch are in the cut and cannot be read")
                .hint("delete it and run convert again, if the WAL is still there")
        });
    }

    /// What a step says of a batch.
    pub fn take(&mut self, problem: Problem) {
        self.0.entry(problem.path.clone()).or_insert(problem);
    }

    /// A problem each.
    pub fn into_problems(self) -> impl Iterator<Item = Problem> {
        self.0.into_values()
    }
}

/// Opens the batches of each table.
pub(super) fn open_batches<'a>(
    store: &dyn Store,
    batches: &'a BTreeMap<TableName, Vec<ReplayBatch>>,
    unreadable: &mut Unreadable,
) -> Result<BTreeMap<&'a TableName, Vec<ReadableBatch<'a>>>, Failure> {
    let mut opened: BTreeMap<&TableName, Vec<ReadableBatch<'_>>> = BTreeMap::new();
    for (table, of) in batches.iter().flat_map(|(table, of)| of.iter().map(move |of| (table, of))) {
        let file = match catalog::open_batch(store, &of.wal.path) {
            Ok(file) => Some(file),
            Err(CatalogError::Damaged { what, .. }) => {
                unreadable.tell(of, what);
                None
            }
            Err(error) => return Err(unread(store, error)),
        };
        opened.entry(table).or_default().push(ReadableBatch { of, file });
    }
    Ok(opened)
}
