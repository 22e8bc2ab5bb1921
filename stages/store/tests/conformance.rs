//! What every store must do, run over every store, every mode of the model, and every wrapper.
//!
//! A new store joins by one line at the end of this file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a panic is how a test fails"
)]

#[path = "conformance/append.rs"]
mod append;
#[path = "conformance/deleting.rs"]
mod deleting;
#[path = "conformance/growing.rs"]
mod growing;
#[path = "conformance/listing.rs"]
mod listing;
#[path = "conformance/publishing.rs"]
mod publishing;
#[path = "conformance/random.rs"]
mod random;
#[path = "conformance/reading.rs"]
mod reading;
#[path = "conformance/renaming.rs"]
mod renaming;
#[path = "conformance/writing.rs"]
mod writing;

use std::{num::NonZeroU64, sync::Arc};
use store::{
    Bandwidth, Faults, FileStore, MemoryStore, PartReceipt, Publish, Record, Store, StoreError,
    StoreErrorKind, StorePath, Watch, Watched, WriteShape, read_all,
};
use tempfile::TempDir;

/// A fresh, empty store, and what must live as long.
struct Subject {
    store: Arc<dyn Store>,
    _dir: Option<TempDir>,
}

impl Subject {
    fn of(store: impl Store + 'static) -> Self {
        Self { store: Arc::new(store), _dir: None }
    }

    /// A directory that does not exist yet.
    fn files() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path().join("new/root")).unwrap();
        Self { store: Arc::new(store), _dir: Some(dir) }
    }

    /// A file system in memory, where the machine has one: it may lack direct I/O and allocation.
    fn files_in_memory() -> Self {
        let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
            eprintln!("SKIPPED: no file system in memory at /dev/shm; the usual one is tested once more");
            return Self::files();
        };
        let store = FileStore::new(dir.path()).unwrap();
        Self { store: Arc::new(store), _dir: Some(dir) }
    }

    /// Files seen through somebody who watches and leaves them alone.
    fn watched(by: impl Watch + 'static) -> Self {
        let Self { store, _dir } = Self::files();
        Self { store: Arc::new(Watched::new(store, Arc::new(by))), _dir }
    }
}

fn path(text: &str) -> StorePath {
    StorePath::parse(text).unwrap()
}

fn read(store: &dyn Store, at: &str) -> Vec<u8> {
    read_all(store, &path(at), 1 << 30).unwrap()
}

fn put(store: &dyn Store, at: &str, bytes: &[u8]) {
    store.put(&path(at), bytes, Publish::Replace).unwrap();
}

/// Writes a file in parts, in order.
fn write(store: &dyn Store, at: &StorePath, bytes: &[u8], part_len: u64) -> Result<(), StoreError> {
    let shape = WriteShape { len: bytes.len() as u64, part_len };
    let writing = store.write(at, shape, None)?;
    let receipts = (0..shape.parts() as u32).map(|index| write_part(&*writing, shape, index, bytes));
    let receipts = receipts.collect::<Result<Vec<_>, _>>()?;
    writing.finish(&receipts)
}

/// Writes one part of these bytes, in pieces.
fn write_part(
    writing: &dyn store::WriteParts,
    shape: WriteShape,
    index: u32,
    bytes: &[u8],
) -> Result<PartReceipt, StoreError> {
    let (start, len) = shape.part(index);
    let mut part = writing.part(index)?;
    for piece in bytes[start as usize..(start + len) as usize].chunks(1000) {
        part.write(piece)?;
    }
    part.finish()
}

#[track_caller]
fn assert_kind<T>(result: Result<T, StoreError>, kind: StoreErrorKind) {
    match result {
        Ok(_) => panic!("it worked, and should have been {kind:?}"),
        Err(error) => assert_eq!(error.kind, kind, "{error}"),
    }
}

/// Bytes that differ from place to place.
fn some_bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 + n / 251) as u8).collect()
}

macro_rules! conforms {
    ($($store:ident: $make:expr;)*) => { $(mod $store {
        use super::*;
        conforms!(@cases $make;
            listing::pages_are_in_order_and_complete,
            listing::a_page_goes_on_behind_a_name_that_is_gone,
            listing::a_directory_that_is_not_there,
            listing::ten_thousand_names_in_small_pages,
            listing::hostile_names_are_just_names,
            reading::ranges_at_the_edges,
            reading::an_open_file_stays_what_it_is,
            reading::from_the_medium_at_any_offset_and_length,
            reading::what_is_not_a_file,
            reading::identity_changes_with_the_bytes,
            writing::in_parts_in_any_order,
            writing::parts_at_the_same_time,
            writing::goes_on_with_a_token,
            writing::a_token_of_another_file_is_not_taken,
            writing::an_empty_file,
            writing::replaces_what_was_there,
            writing::refuses_what_does_not_fit_the_shape,
            writing::impossible_shapes,
            publishing::if_absent_and_replace,
            publishing::of_two_at_once_one_wins,
            publishing::a_reader_sees_one_or_the_other,
            publishing::syncing_few_and_many,
            renaming::a_file,
            renaming::files_and_directories,
            renaming::over_what_is_there,
            renaming::of_two_renames_one_wins,
            renaming::swapping,
            deleting::files_and_trees,
            deleting::the_root_is_not_touched,
            deleting::attributes,
            append::adds_at_the_end_and_is_alone,
            growing::is_whole_when_it_is_finished,
            growing::replaces_what_was_there_and_leaves_its_readers_alone,
            random::agrees_with_a_map,
        );
    })* };
    (@cases $make:expr; $($module:ident::$case:ident,)*) => { $(
        #[test]
        fn $case() {
            let subject: Subject = $make;
            super::$module::$case(&*subject.store);
        }
    )* };
}

conforms! {
    file: Subject::files();
    file_in_memory: Subject::files_in_memory();
    memory_as_files: Subject::of(MemoryStore::files());
    memory_as_objects: Subject::of(MemoryStore::objects());
    memory_as_hdfs: Subject::of(MemoryStore::hdfs());
    throttle: Subject::watched(Bandwidth::new(NonZeroU64::MAX));
    recording: Subject::watched(Record::default());
    faulty: Subject::watched(Faults::default());
}
