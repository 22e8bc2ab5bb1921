//! The batches of a cut, opened once for everything that looks into them.

use crate::READING;
use crate::read_log::KnownBatch;
use catalog::{CatalogError, ListedWal, StoredBatch, StoredParquet};
use history::Replay;
use names::{EncodedRegionName, TableName};
use stage::{Failure, Problem, ProblemKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use steps::edits::OpenedBatch;
use store::Store;

/// How many batches stay open; if there are more, each is opened for each read, as a process may have only some
/// hundreds of files open.
const KEPT_OPEN: usize = 128;

/// A batch from which something is replayed.
#[derive(Clone)]
pub struct Batch {
    /// Where it lies, and from which WAL it was made.
    pub wal: ListedWal,
    /// The first and last id that it has of each source region, between start and end of the replay.
    pub bounds: BTreeMap<EncodedRegionName, (u64, u64)>,
    /// The open batch; `None` if it cannot be read, which a problem says.
    pub opened: Option<Arc<OpenedBatch<StoredParquet>>>,
}

impl Batch {
    /// Its file, if it can be read.
    pub(crate) fn file(&self) -> Option<&StoredBatch> {
        self.opened.as_ref().map(|opened| &opened.batch)
    }
}

/// Batches that cannot be read, each reported once.
#[derive(Default)]
pub(crate) struct Unreadable(BTreeMap<String, Problem>);

impl Unreadable {
    /// A problem with a batch in the cut: whether another one has its entries is not known, and its edits are missing.
    pub fn tell(&mut self, wal: &ListedWal, what: impl std::fmt::Display) {
        let path = wal.path.to_string();
        self.0.entry(path).or_insert_with_key(|path| {
            Problem::new(ProblemKind::Structure, path, what)
                .meaning("edits of this batch are in the cut and cannot be read")
                .hint("delete it and run convert again, if the WAL is still there")
        });
    }

    /// What a step says about a batch.
    pub fn take(&mut self, problem: Problem) {
        self.0.entry(problem.path.clone()).or_insert(problem);
    }

    /// A problem each.
    pub fn into_problems(self) -> impl Iterator<Item = Problem> {
        self.0.into_values()
    }
}

/// Opens the batches that have something to be replayed.
pub(crate) fn open_batches(
    store: &Arc<dyn Store>,
    known: BTreeMap<TableName, Vec<KnownBatch>>,
    replay: &Replay,
    unreadable: &mut Unreadable,
) -> Result<BTreeMap<TableName, Vec<Batch>>, Failure> {
    let are_few = known.values().map(Vec::len).sum::<usize>() <= KEPT_OPEN;
    let mut opened: BTreeMap<TableName, Vec<Batch>> = BTreeMap::new();
    for (table, batches) in known {
        for batch in batches {
            let bounds = replayed(&batch, replay);
            if !bounds.is_empty() {
                let file = match are_few {
                    true => catalog::open_batch(store.as_ref(), &batch.wal.path),
                    false => catalog::open_batch_loosely(store, &batch.wal.path),
                };
                let batch = open(store.as_ref(), (batch.wal, file), bounds, unreadable)?;
                opened.entry(table.clone()).or_default().push(batch);
            }
        }
    }
    Ok(opened)
}

/// What a batch has of the regions of a replay.
fn replayed(batch: &KnownBatch, replay: &Replay) -> BTreeMap<EncodedRegionName, (u64, u64)> {
    let overlaps = |(name, (first, last)): &(&EncodedRegionName, &(u64, u64))| {
        let region = replay.regions().get(*name);
        region.is_some_and(|region| *first <= region.through && *last >= region.first())
    };
    batch.regions.iter().filter(overlaps).map(|(name, bounds)| (*name, *bounds)).collect()
}

fn open(
    store: &dyn Store,
    (wal, file): (ListedWal, Result<StoredBatch, CatalogError>),
    bounds: BTreeMap<EncodedRegionName, (u64, u64)>,
    unreadable: &mut Unreadable,
) -> Result<Batch, Failure> {
    let opened = match file {
        Ok(batch) => {
            let (path, regions) = (wal.path.shown(store), bounds.keys().copied().collect());
            Some(Arc::new(OpenedBatch { path, batch, regions }))
        }
        Err(CatalogError::Damaged { what, .. }) => {
            unreadable.tell(&wal, what);
            None
        }
        Err(error) => return Err(error.failed(READING)),
    };
    Ok(Batch { wal, bounds, opened })
}
