//! What `cut` prints: the certificate with stable names.

use super::{CutOptions, OpenedCut};
use serde::Serialize;
use store::Store;

/// The certificate of a cut.
#[derive(Debug, Clone, Serialize)]
pub struct CutReport {
    /// URI of the repository.
    pub from: String,
}

impl CutReport {
    pub(super) fn new(_options: &CutOptions, store: &dyn Store, _opened: &OpenedCut) -> Self {
        Self { from: store.uri() }
    }
}
