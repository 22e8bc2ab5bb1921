//! Opening roots, and saying clearly when there is none.

use formats::sniff::FileKind;
use stage::Failure;
use std::num::NonZeroU64;
use std::sync::Arc;
use steps::bytes::{failed_store, kind_of, of_other_kind};
use store::{Bandwidth, Kind, Location, Nesting, Store, StoreError, StoreErrorKind, StorePath, Throttle};

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

/// The failure for a file where a root should be: what it is, and what reads it.
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
    store::connect(uri).map_err(unopened)
}

/// Opens the store of what a location lies in, for a directory that is to be made there.
pub fn open_parent(uri: &str) -> Result<(Arc<dyn Store>, StorePath), Failure> {
    Location::parse(uri).and_then(|location| location.connect_parent()).map_err(unopened)
}

/// Says whether source and target are one root; refuses a target that lies inside of the source.
pub fn are_one(doing: &str, from: &str, to: &str) -> Result<bool, Failure> {
    let relation = Location::parse(from).and_then(|from| from.relation(&Location::parse(to)?));
    match relation.map_err(unopened)? {
        Nesting::Same => Ok(true),
        Nesting::Apart | Nesting::Inside => Ok(false),
        Nesting::Contains => Err(Failure::refused(doing, to, "the target lies inside the source")
            .hint("give a directory outside of the source root")),
    }
}

fn unopened(error: StoreError) -> Failure {
    match error.kind {
        StoreErrorKind::Unsupported | StoreErrorKind::InvalidPath => Failure::usage(error),
        _ => steps::bytes::failed_storage("opening the root", &error),
    }
}

/// The same store, writing at most this many bytes a second.
pub fn throttled(store: Arc<dyn Store>, bandwidth: Option<NonZeroU64>) -> Arc<dyn Store> {
    match bandwidth {
        Some(rate) => Arc::new(Throttle::new(store, Arc::new(Bandwidth::new(rate)))),
        None => store,
    }
}
