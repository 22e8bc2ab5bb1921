use formats::FormatError;
use store::StoreError;

/// Why a file could not be read further: its storage failed, or its bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFault {
    /// The storage failed.
    Store(StoreError),
    /// The bytes are wrong.
    Format(FormatError),
}

impl ReadFault {
    /// What is wrong with the bytes; a storage that failed stays an error.
    pub fn format(self) -> Result<FormatError, StoreError> {
        match self {
            Self::Format(error) => Ok(error),
            Self::Store(error) => Err(error),
        }
    }
}

impl From<StoreError> for ReadFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FormatError> for ReadFault {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}
