//! Opening roots, and saying clearly when there is none.

use formats::sniff::FileKind;
use stage::Failure;
use std::num::NonZeroU64;
use std::sync::Arc;
use steps::bytes::{failed_store, kind_of, of_other_kind};
use store::{Bandwidth, Kind, Store, StoreErrorKind, StorePath, Throttle};

/// Opens a root that must exist.
pub fn open_existing(uri: &str) -> Result<Arc<dyn Store>, Failure> {
    let store = open(uri)?;
    match store.metadata(&StorePath::root()) {
        Ok(metadata) if metadata.kind == Kind::Directory => Ok(store),
        Ok(_) => Err(no_root(uri)),
        Err(error) if error.is_not_found() => Err(Failure::failed("opening the root", uri, "does not exist")
            .hint("give the HBase root directory (hbase.rootdir), the one that holds `.hbase-snapshot`")),
        Err(error) => Err(failed_store("opening the root", store.as_ref(), error)),
    }
}

/// A file where a root should be: what it is, and what reads it.
fn no_root(uri: &str) -> Failure {
    match kind_of(uri) {
        Some(kind) => of_other_kind("opening the root", uri, kind, "an HBase root directory"),
        None => Failure::failed("opening the root", uri, "is a file")
            .hint("give the HBase root directory (hbase.rootdir), the one that holds `.hbase-snapshot`"),
    }
}

/// Opens a root that may have to be made.
pub fn open(uri: &str) -> Result<Arc<dyn Store>, Failure> {
    let there =
        kind_of(uri).filter(|kind| !matches!(kind, FileKind::Directory | FileKind::Root | FileKind::Empty));
    if let Some(kind) = there {
        return Err(of_other_kind("opening the root", uri, kind, "an HBase root directory"));
    }
    store::open_store(uri).map_err(|error| match error.kind {
        StoreErrorKind::Unsupported | StoreErrorKind::InvalidPath => Failure::usage(error),
        _ => steps::bytes::failed_storage("opening the root", &error),
    })
}

/// The same store, writing at most so many bytes a second.
pub fn throttled(store: Arc<dyn Store>, bandwidth: Option<NonZeroU64>) -> Arc<dyn Store> {
    match bandwidth {
        Some(rate) => Arc::new(Throttle::new(store, Arc::new(Bandwidth::new(rate)))),
        None => store,
    }
}
