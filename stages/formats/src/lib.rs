//! HBase on disk: pure codecs between bytes and values.
//!
//! [`hfile`] is the container of a store file, [`encoding`] lays out the cells in its data blocks, [`cell`] is a cell
//! with its key and order; [`wal`] is the write-ahead log; [`snapshot`] holds the documents of a snapshot, [`schema`]
//! the tables, regions and small files of a root; [`compress`] and [`varint`] serve all of them; [`sniff`] says what a
//! file is.
//!
//! Nothing in here does I/O or knows a path, a thread or a clock: bytes go in, values come out, or a [`FormatError`]
//! that says what is wrong and at which offset. Every length that comes from the bytes is checked before it is used;
//! nothing is allocated by it beyond a stated cap.

pub mod cell;
pub mod compress;
mod cursor;
mod dictionary;
pub mod encoding;
mod error;
pub mod hfile;
mod input;
pub mod schema;
pub mod snapshot;
pub mod sniff;
pub mod varint;
pub mod wal;
mod wire;

pub use error::{FormatError, FormatErrorKind, Unsupported};
