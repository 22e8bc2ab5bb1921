//! The only Arrow and Parquet crate: what Tidegate keeps as record batches.
//!
//! [`files`] is the file list of an image (`files.parquet`); [`batch`] the edits of one table in one WAL, to be
//! replayed; [`markers`] what a WAL says about its regions; [`lineage`] what a WAL of hbase:meta says about parents
//! and daughters. Rows become Parquet and Parquet rows; the caller decides where the bytes go or come from: an encoder
//! takes any [`std::io::Write`], a decoder any [`ChunkReader`].

pub mod batch;
mod error;
pub mod files;
pub mod lineage;
pub mod markers;
mod marks;
mod reading;
mod row_decoder;
mod table;
mod writing;

pub use bytes::Bytes;
pub use error::{ReadError, WriteError};
pub use marks::{TableTotals, WalMarks};
pub use parquet::errors::Result as ParquetResult;
pub use parquet::file::reader::{ChunkReader, Length};

/// The error of a [`ChunkReader`] that cannot read.
pub fn parquet_error(error: impl std::fmt::Display) -> parquet::errors::ParquetError {
    parquet::errors::ParquetError::General(error.to_string())
}
