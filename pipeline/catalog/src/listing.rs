//! What a conversion saw beside the WALs' bytes: which servers are dead, and when open WALs were read to their end.

use crate::repository::layout;
use crate::{CatalogError, decode_document, encode_document};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use store::{Publish, Store};

/// Longest document that is read: some hundred thousand WALs.
const MAX_LISTING: u64 = 64 << 20;

/// What conversions saw of the directories of WALs (`.tidegate/wals.json`). It is not part of any batch, since a batch
/// is a function of its WAL's bytes alone, and each run that reaches its end writes it anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalListing {
    /// Layout of this document.
    pub version: u32,
    /// When the newest run listed the WALs, milliseconds since the epoch by the clock of its machine.
    pub listed_ms: i64,
    /// Servers (`host,port,startcode`) with a directory under `WALs` then.
    pub live: BTreeSet<String>,
    /// Servers that had WALs and no directory under `WALs` in some run that converted all of these: they are dead, and
    /// what they had written is known.
    pub dead: BTreeSet<String>,
    /// WALs that were not closed (`<wal>@<bytes>`, as their batches are called): at this time the file had no more
    /// than that.
    pub read_ms: BTreeMap<String, i64>,
    /// When WALs that were closed had been written to last, milliseconds since the epoch by the clock of their file system, as
    /// seen by the first run that found them closed under `WALs`; by their names.
    #[serde(default)]
    pub closed_ms: BTreeMap<String, i64>,
    /// The same for WALs that were first found closed in `oldWALs`: when HBase had archived them.
    #[serde(default)]
    pub archived_ms: BTreeMap<String, i64>,
    /// WALs that end in the middle of an entry and were still growing (as their batches are called).
    #[serde(default)]
    pub growing: BTreeSet<String>,
    /// WALs without a trailer that lay in `oldWALs` and never held anything (as their batches are called).
    #[serde(default)]
    pub empty: BTreeSet<String>,
    /// When the root that was read last had been copied, if it was a copy; milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_ms: Option<i64>,
}

impl WalListing {
    const VERSION: u32 = 1;

    /// Writes it, replacing what was there.
    pub fn write(&self, store: &dyn Store) -> Result<(), CatalogError> {
        let document = Self { version: Self::VERSION, ..self.clone() };
        Ok(store.put(&layout::wal_listing()?, &encode_document(&document)?, Publish::Replace)?)
    }

    /// Reads it; `None` if no conversion has written one.
    pub fn read(store: &dyn Store) -> Result<Option<Self>, CatalogError> {
        let path = layout::wal_listing()?;
        let bytes = match store::read_all(store, &path, MAX_LISTING) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let listing: Self = decode_document(path.as_str(), &bytes)?;
        match listing.version {
            Self::VERSION => Ok(Some(listing)),
            other => Err(CatalogError::damaged(
                path,
                format!("of version {other}, this Tidegate reads version {}", Self::VERSION),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::MemoryStore;

    #[test]
    fn a_listing_is_read_back_and_a_damaged_one_refused() {
        let store = MemoryStore::files();
        assert_eq!(WalListing::read(&store).unwrap(), None);
        let listing = WalListing {
            version: WalListing::VERSION,
            listed_ms: 7,
            dead: BTreeSet::from(["host,1,2".to_owned()]),
            read_ms: BTreeMap::from([("host%2C1%2C3.4@500".to_owned(), 7)]),
            ..WalListing::default()
        };
        listing.write(&store).unwrap();
        assert_eq!(WalListing::read(&store).unwrap().as_ref(), Some(&listing));

        let path = layout::wal_listing().unwrap();
        let text = String::from_utf8(store::read_all(&store, &path, 1 << 20).unwrap()).unwrap();
        store.put(&path, text.replace("host,1,2", "host,1,9").as_bytes(), Publish::Replace).unwrap();
        assert!(WalListing::read(&store).unwrap_err().to_string().contains("checksum"));
    }
}
