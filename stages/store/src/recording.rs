use crate::{Op, Operation, Store, StoreError, Watch, Watched};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store that remembers what was done to it, so that a test can say "a second run reads nothing".
pub type Recording = Watched<Record>;

/// What was done to a store, in order: what failed too.
#[derive(Debug, Default)]
pub struct Record(Mutex<Vec<Operation>>);

impl Record {
    /// Everything so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.lock().clone()
    }

    /// Everything so far; the record is empty after that.
    pub fn take(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.lock())
    }

    /// How often something was done.
    pub fn count(&self, op: Op) -> usize {
        self.lock().iter().filter(|operation| operation.op == op).count()
    }

    /// Bytes asked for from files whose path has this text in it.
    pub fn bytes_read(&self, path: &str) -> u64 {
        self.sum(path, Operation::is_read)
    }

    /// Bytes written to files whose path has this text in it.
    pub fn bytes_written(&self, path: &str) -> u64 {
        self.sum(path, Operation::is_write)
    }

    fn sum(&self, path: &str, which: impl Fn(&Operation) -> bool) -> u64 {
        let operations = self.lock();
        let matching = operations.iter().filter(|one| which(one) && one.path.as_str().contains(path));
        matching.map(|operation| operation.bytes).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Operation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Record {
    fn before(&self, operation: &Operation, _store: &dyn Store) -> Result<(), StoreError> {
        self.lock().push(operation.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStore, Publish, StorePath, WriteShape, read_all};
    use std::sync::Arc;

    #[test]
    fn what_was_done_is_on_record() {
        let record = Arc::new(Record::default());
        let store = Recording::new(Arc::new(MemoryStore::files()), Arc::clone(&record));
        let path = |text| StorePath::parse(text).unwrap();
        store.put(&path("d/a"), b"12345", Publish::IfAbsent).unwrap();
        let writing = store.write(&path("d/b"), WriteShape { len: 5, part_len: 3 }, None).unwrap();
        let mut part = writing.part(1).unwrap();
        part.write(b"4").unwrap();
        part.write(b"5").unwrap();
        part.finish().unwrap();
        read_all(&store, &path("d/a"), 10).unwrap();
        assert!(store.delete(&path("d/none")).is_err());

        assert_eq!(record.bytes_written("a"), 5);
        assert_eq!(record.bytes_written("d/"), 7);
        assert_eq!(record.bytes_read("d/a"), 5);
        assert_eq!(record.bytes_read("d/b"), 0);
        assert_eq!(record.count(Op::Delete), 1);
        let operations = record.take();
        let last_write = operations.iter().rfind(|operation| operation.op == Op::WritePart).unwrap();
        assert_eq!((last_write.offset, last_write.bytes), (4, 1));
        assert!(record.operations().is_empty());
    }
}
