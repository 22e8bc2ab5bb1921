use runtime::Cancel;
use std::sync::Arc;
use store::{Op, Operation, Store, StoreError, StoreErrorKind, Watch, Watched};

/// The same store, on which a write in the middle of a file ends when the run is cancelled: at a low bandwidth a range may
/// take minutes.
pub fn until_cancelled(target: &Arc<dyn Store>, cancel: &Cancel) -> Arc<dyn Store> {
    Arc::new(Watched::new(Arc::clone(target), Arc::new(UntilCancelled(cancel.clone()))))
}

struct UntilCancelled(Cancel);

impl Watch for UntilCancelled {
    fn before(&self, operation: &Operation, _store: &dyn Store) -> Result<(), StoreError> {
        match operation.op == Op::WritePart && self.0.is_set() {
            true => {
                let path = operation.path.as_str();
                Err(StoreError::new(StoreErrorKind::Interrupted, "writing", path, "the run was interrupted"))
            }
            false => Ok(()),
        }
    }
}
