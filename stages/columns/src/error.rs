use parquet::errors::ParquetError;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is wrong with Parquet bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not Parquet, or broken Parquet: cut short, changed, or crafted to do harm.
    #[error("damaged, or not a Parquet file: {0}")]
    Damaged(String),
    /// A Parquet file that something else wrote.
    #[error("not written by Tidegate: its key-value metadata lacks `{key}`")]
    Foreign {
        /// The key that all of our files have.
        key: &'static str,
    },
    /// One of our files, but with other content.
    #[error("holds `{found}`, not `{expected}`")]
    OtherContent {
        /// What the file says that it holds.
        found: String,
        /// What was looked for.
        expected: &'static str,
    },
    /// A file of a version that this program does not know.
    #[error("of schema version `{found}`; this program reads version {known}")]
    OtherVersion {
        /// What the file says.
        found: String,
        /// The version that is known.
        known: u32,
    },
    /// Its columns are not those of the version that it claims.
    #[error("its columns are not those of its schema version: {0}")]
    OtherColumns(String),
}

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output did not take the bytes.
    #[error("cannot write: {0}")]
    Output(#[source] std::io::Error),
    /// A row too large to be held in memory with others.
    #[error("the row of `{path}` has {bytes} bytes; at most {limit} are accepted")]
    RowTooLarge {
        /// The row's path.
        path: String,
        /// Its size in bytes.
        bytes: usize,
        /// The largest size that is accepted.
        limit: usize,
    },
    /// A file of more row groups than readers can number.
    #[error("more than {limit} row groups: the sequence ids of a region go back too often")]
    TooManyGroups {
        /// The largest number.
        limit: usize,
    },
    /// The Parquet encoder refused.
    #[error("cannot encode: {0}")]
    Encoding(String),
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
                Ok(error) => Self::Output(*error),
                Err(other) => Self::Encoding(other.to_string()),
            },
            other => Self::Encoding(other.to_string()),
        }
    }
}

impl From<arrow_schema::ArrowError> for WriteError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Encoding(error.to_string())
    }
}

/// Runs the Parquet decoder on bytes that may be hostile: where it panics, that is reported as damage.
pub(crate) fn decoding<T>(work: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(ReadError::Damaged(said(&*panic))))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the decoder gave up: {}", text.unwrap_or("no reason given"))
}

pub(crate) fn damaged(error: impl std::fmt::Display) -> ReadError {
    ReadError::Damaged(error.to_string())
}
