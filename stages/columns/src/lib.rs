//! The only Arrow and Parquet crate: what Tidegate keeps as record batches.
//!
//! [`files`] is the file list of an image (`files.parquet`). It turns rows into Parquet and back; where the bytes go
//! or come from is the caller's business: an encoder takes any [`std::io::Write`], a decoder any [`ChunkReader`].

mod error;
pub mod files;

pub use bytes::Bytes;
pub use error::{ReadError, WriteError};
pub use parquet::file::reader::{ChunkReader, Length};
