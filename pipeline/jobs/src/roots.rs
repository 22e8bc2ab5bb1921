//! Opening roots, and saying clearly when there is none.

use formats::sniff::FileKind;
use stage::Failure;
use std::num::NonZeroU64;
use std::sync::Arc;
use steps::bytes::{failed_store, sniff_file};
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

/// What a file is, if that is known.
fn kind_of(file: &str) -> Option<FileKind> {
    let (store, path) = store::open_containing(file).ok()?;
    sniff_file(store.as_ref(), &path).ok().filter(|kind| *kind != FileKind::Unknown)
}

fn of_other_kind(doing: &str, file: &str, kind: FileKind, wanted: &str) -> Failure {
    Failure::failed(doing, file, format!("is {kind}, not {wanted}")).hint(kind.hint())
}

/// Refuses a file that is known to be another thing than `wanted`, which has no sign of its own. Whether there is a file,
/// and whether it can be read, is left to whoever reads it.
///
/// # Errors
/// It is a directory, or a file that something else reads.
pub fn refuse_other_kind(doing: &str, file: &str, wanted: &str) -> Result<(), Failure> {
    // What comes out of a pipe comes once, and opening one may wait for ever.
    if std::fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Ok(());
    }
    match kind_of(file).filter(|kind| *kind != FileKind::Empty) {
        Some(kind) => Err(of_other_kind(doing, file, kind, wanted)),
        None => Ok(()),
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
