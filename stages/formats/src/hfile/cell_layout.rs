use super::FileInfo;
use crate::encoding::{CellLayout, DataBlockEncoding};
use crate::{FormatError, Unsupported};

impl FileInfo {
    /// How the file's cells are laid out, for [`crate::encoding::BlockDecoder`].
    ///
    /// # Errors
    /// Unsupported for a data block encoding that HBase does not have (any more); Corrupt.
    pub fn cell_layout(&self) -> Result<CellLayout, FormatError> {
        let name = self.data_block_encoding()?;
        let encoding = DataBlockEncoding::from_name(name.as_bytes()).ok_or_else(|| unknown_encoding(name))?;
        Ok(CellLayout {
            encoding,
            has_tags: self.has_tags(),
            tags_compressed: self.tags_compressed()?,
            has_mvcc: self.has_memstore_ts()?,
        })
    }
}

fn unknown_encoding(name: &str) -> FormatError {
    match name {
        "PREFIX_TREE" => FormatError::unsupported(
            Unsupported::PrefixTree,
            "data block encoding PREFIX_TREE, of HBase 0.96 to 1.x: HBase 2 does not read it either",
        ),
        _ => FormatError::unsupported(
            Unsupported::Other,
            format!("data block encoding {name:?}, which HBase does not have"),
        ),
    }
}
