use std::collections::BTreeMap;
use std::sync::Arc;

use crate::FormatError;

/// zstd dictionaries by their id. A file does not name its dictionary; each zstd frame holds the id of the one it
/// needs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Dictionaries {
    by_id: BTreeMap<u32, Arc<[u8]>>,
}

impl Dictionaries {
    /// No dictionary.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the bytes of a dictionary (what a family's `hbase.io.compress.zstd.dictionary` points to) and
    /// gives its id.
    ///
    /// # Errors
    /// Corrupt if the bytes are no zstd dictionary with an id.
    pub fn add(&mut self, dictionary: &[u8]) -> Result<u32, FormatError> {
        let id = zstd::zstd_safe::get_dict_id_from_dict(dictionary)
            .ok_or_else(|| FormatError::corrupt("these bytes are no zstd dictionary with an id"))?
            .get();
        self.by_id.insert(id, Arc::from(dictionary));
        Ok(id)
    }

    pub(super) fn get(&self, id: u32) -> Option<&[u8]> {
        self.by_id.get(&id).map(AsRef::as_ref)
    }
}
