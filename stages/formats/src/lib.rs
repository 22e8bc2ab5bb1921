//! HBase on disk: pure codecs between bytes and values.
//!
//! Nothing in here does I/O or knows a path, a thread or a clock: bytes go in, values come out, or a
//! [`FormatError`] that says what is wrong and at which offset. Every length that comes from the bytes is checked
//! before it is used; nothing is allocated by it beyond a stated cap.

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
