//! What is remembered in a repository: its format document, its images, what was made from WALs, and what a run has
//! finished.
//!
//! A repository is an HBase root; everything of Tidegate's own lies below `.tidegate/` (design: section 2).
//! [`Repository`] is the format document, [`Image`] a finished export or restore, [`WalListing`] what conversions saw
//! beside the WALs' bytes, [`Journal`] what a run has finished, [`time`] a time for people. Each document is small and
//! written whole, except the journal, which is only appended to and only needed to resume. Nothing here decodes a
//! format of HBase's.

mod declared;
mod document;
mod files;
mod image;
mod journal;
mod listing;
mod repository;
pub mod time;
mod wals;

pub use declared::{
    ClockDocument, CompletenessDocument, DependencyDocument, EditDocument, GapDocument, GapsDocument,
    MarkerDocument, RolledServer, decode_clocks, decode_dependency, decode_gaps, decode_marker,
    decode_sequences, read_marker,
};
pub use document::{CatalogError, decode_document, encode_document};
pub use files::{FilesOfImage, encode_files};
pub use image::{
    Image, ImageCut, ImageFiles, ImageRun, ImageSource, ListedImage, cut_of_snapshot, find_image,
    images_of_snapshot, list_images, read_image,
};
pub use journal::{Journal, Recovered};
pub use listing::WalListing;
pub use repository::{Repository, layout};
pub use wals::{
    BatchSum, ListedWal, StoredBatch, StoredParquet, latest, list_batch_tables, list_batches, list_lineages,
    list_wals, open_batch, open_batch_loosely, open_lineage, open_markers, read_batch_sum, read_wal_summary,
};
