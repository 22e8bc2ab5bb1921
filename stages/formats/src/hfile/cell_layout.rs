use super::FileInfo;
use crate::FormatError;
use crate::encoding::{CellLayout, DataBlockEncoding};

impl FileInfo {
    /// How the file's cells are laid out, for [`crate::encoding::BlockDecoder`].
    ///
    /// # Errors
    /// Unsupported for a data block encoding that HBase does not have (any more); Corrupt.
    pub fn cell_layout(&self) -> Result<CellLayout, FormatError> {
        let name = self.data_block_encoding()?;
        let encoding = DataBlockEncoding::from_name(name.as_bytes())
            .ok_or_else(|| FormatError::unsupported(format!("data block encoding {name:?}")))?;
        Ok(CellLayout {
            encoding,
            has_tags: self.has_tags(),
            tags_compressed: self.tags_compressed()?,
            has_mvcc: self.has_memstore_ts()?,
        })
    }
}
