//! Makes copies durable, many at a time.

use stage::{Failure, Map};
use std::sync::{Mutex, MutexGuard, PoisonError};
use steps::bytes::failed_store;
use steps::copy::CopiedUnit;
use store::{Store, StoreError, StorePath};

/// Syncs what was copied before it is read back. One sync serves all units that came while the one before was under
/// way: a store that syncs two groups at the same time has each of them wait for both.
pub struct Settling<'a> {
    target: &'a dyn Store,
    waiting: Mutex<Group>,
    /// Held during a sync.
    ended: Mutex<Ended>,
}

/// The files that the next sync is for.
#[derive(Default)]
struct Group {
    number: u64,
    paths: Vec<StorePath>,
}

/// What came of the syncs so far.
#[derive(Default)]
struct Ended {
    /// Groups with smaller numbers are durable.
    groups: u64,
    /// What was not written back is lost: nothing after a failed sync counts, as it may have been the file of any group.
    failed: Option<StoreError>,
}

impl<'a> Settling<'a> {
    /// Nothing waits yet.
    pub fn new(target: &'a dyn Store) -> Self {
        Self { target, waiting: Mutex::default(), ended: Mutex::default() }
    }

    /// Adds files to the group that waits, and returns its number.
    fn join(&self, paths: impl Iterator<Item = StorePath>) -> u64 {
        let mut waiting = lock(&self.waiting);
        waiting.paths.extend(paths);
        waiting.number
    }

    /// Ends the group that waits: what comes from now on is for the next sync.
    fn close(&self) -> Group {
        let mut waiting = lock(&self.waiting);
        let next = Group { number: waiting.number + 1, paths: Vec::new() };
        std::mem::replace(&mut *waiting, next)
    }

    /// Returns once these files are durable.
    fn settle(&self, paths: impl Iterator<Item = StorePath>) -> Result<(), StoreError> {
        let group = self.join(paths);
        let mut ended = lock(&self.ended);
        if let Some(error) = &ended.failed {
            return Err(error.clone());
        }
        if group < ended.groups {
            return Ok(());
        }
        let Group { number, mut paths } = self.close();
        // The ranges of a long file have one name.
        paths.sort_unstable();
        paths.dedup();
        let synced = self.target.sync_batch(&paths);
        ended.groups = number + 1;
        ended.failed = synced.as_ref().err().cloned();
        synced
    }
}

impl Map for Settling<'_> {
    type In = CopiedUnit;
    type Out = CopiedUnit;

    fn map(&self, unit: CopiedUnit) -> Result<CopiedUnit, Failure> {
        let copied = unit.ranges.iter().flat_map(|(_, copied)| copied);
        self.settle(copied.map(|copied| copied.asked.target.clone()))
            .map_err(|error| failed_store("making the copy durable", self.target, error))?;
        Ok(unit)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};
    use store::{Effect, Fault, Faults, Faulty, MemoryStore, Op, Operation, Publish, StoreErrorKind};

    fn path(number: usize) -> StorePath {
        StorePath::parse(&format!("f{number}")).unwrap()
    }

    fn store_with(faults: impl IntoIterator<Item = Fault>) -> Faulty {
        let (memory, all) = (MemoryStore::files(), Arc::new(Faults::default()));
        (0..9).for_each(|number| memory.put(&path(number), b"x", Publish::IfAbsent).unwrap());
        faults.into_iter().for_each(|fault| all.add(fault));
        Faulty::new(Arc::new(memory), all)
    }

    #[test]
    fn what_comes_during_a_sync_is_synced_by_the_next() {
        let (syncs, synced, begun) =
            (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
        let (seen, met) = (Arc::clone(&synced), Arc::clone(&begun));
        // The first sync lasts until all others wait.
        let watch = move |operation: &Operation| {
            if seen.fetch_add(operation.bytes as usize, Ordering::SeqCst) == 0 {
                met.wait();
                met.wait();
            }
        };
        let store = store_with([Fault::new(Effect::Call(Arc::new(watch))).on(Op::SyncBatch).always()]);
        let settling = Settling::new(&store);
        std::thread::scope(|scope| {
            let settle = |number| {
                settling.settle([path(number)].into_iter()).unwrap();
                syncs.fetch_add(1, Ordering::SeqCst);
            };
            scope.spawn(move || settle(0));
            begun.wait();
            (1..9).for_each(|number| drop(scope.spawn(move || settle(number))));
            while lock(&settling.waiting).paths.len() < 8 {
                std::thread::yield_now();
            }
            begun.wait();
        });
        assert_eq!((syncs.into_inner(), synced.load(Ordering::SeqCst)), (9, 9));
        assert_eq!(lock(&settling.ended).groups, 2, "one file, then eight together");
    }

    #[test]
    fn after_a_failed_sync_nothing_counts() {
        let store = store_with([Fault::new(Effect::Fail(StoreErrorKind::Other)).on(Op::SyncBatch)]);
        let settling = Settling::new(&store);
        for number in 0..2 {
            let error = settling.settle([path(number)].into_iter()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Other);
        }
    }
}
