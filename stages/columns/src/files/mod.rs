//! The file list of an image: one row for each file, so that it can be proved and reused without reading it.
//!
//! Whatever a file list says is hostile until the caller has checked it: paths, lengths and names are passed on as they
//! are. A list is read whole or not trusted: compare its recorded digest before decoding it.

mod decoder;
mod encoder;
mod row;
mod schema;

pub use decoder::FileListDecoder;
pub use encoder::FileListEncoder;
pub use row::{FileRow, RangeDigest};
pub use schema::{CONTENT, VERSION};
