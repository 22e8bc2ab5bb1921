use crate::{CatalogError, decode_document, encode_document};
use serde::{Deserialize, Serialize};
use store::{Publish, Store, StorePath};

/// The newest layout of `.tidegate/` that this version reads and the one it writes.
const VERSION: u32 = 1;

/// Where things lie in a repository.
pub mod layout {
    use store::{StoreError, StorePath};

    /// `.tidegate`
    pub fn home() -> Result<StorePath, StoreError> {
        StorePath::parse(".tidegate")
    }

    /// `.tidegate/format.json`
    pub fn format() -> Result<StorePath, StoreError> {
        home()?.join("format.json")
    }

    /// `.tidegate/images`
    pub fn images() -> Result<StorePath, StoreError> {
        home()?.join("images")
    }

    /// `.tidegate/journal/<run>.jsonl`
    pub fn journal(run: &str) -> Result<StorePath, StoreError> {
        home()?.join("journal")?.join(&format!("{run}.jsonl"))
    }

    /// `.tidegate/batches`
    pub fn batches() -> Result<StorePath, StoreError> {
        home()?.join("batches")
    }

    /// `.tidegate/batches/<ns>/<table>`, of a table `ns:name`
    pub fn batches_of(table: &str) -> Result<StorePath, StoreError> {
        let (namespace, name) = table.split_once(':').unwrap_or(("default", table));
        batches()?.join_all([namespace, name])
    }

    /// `.tidegate/batches/<ns>/<table>/<stem>.parquet`: the edits of a table in one WAL
    pub fn batch(table: &str, stem: &str) -> Result<StorePath, StoreError> {
        batches_of(table)?.join(&format!("{stem}.parquet"))
    }

    /// `<batch>.sum.json`, beside a batch: its digests
    pub fn sum_of_batch(batch: &StorePath) -> Result<StorePath, StoreError> {
        let name = format!("{}.sum.json", batch.name());
        batch.parent().unwrap_or_default().join(&name)
    }

    /// `.tidegate/batches/markers`: files of WALs. (A namespace may have this name: its tables are directories in
    /// there.)
    pub fn markers() -> Result<StorePath, StoreError> {
        batches()?.join("markers")
    }

    /// `.tidegate/batches/markers/<stem>.markers.parquet`: the markers of a WAL, and what it holds
    pub fn markers_of(stem: &str) -> Result<StorePath, StoreError> {
        markers()?.join(&format!("{stem}.markers.parquet"))
    }

    /// `.tidegate/batches/markers/<stem>.lineage.parquet`: what a WAL of hbase:meta says of regions
    pub fn lineage_of(stem: &str) -> Result<StorePath, StoreError> {
        markers()?.join(&format!("{stem}.lineage.parquet"))
    }

    /// `.tidegate/wals.json`: what conversions saw beside the WALs' bytes
    pub fn wal_listing() -> Result<StorePath, StoreError> {
        home()?.join("wals.json")
    }

    /// `.tidegate/markers/<name>.json`: a marker of a roll of all servers' WALs
    pub fn marker(name: &str) -> Result<StorePath, StoreError> {
        home()?.join("markers")?.join(&format!("{name}.json"))
    }

    /// `.tidegate/bulk/<ns>/<table>/<region>/<family>/<file>`: a bulk-loaded file that a marker names
    pub fn bulk(table: &str, region: &str, family: &str, file: &str) -> Result<StorePath, StoreError> {
        let (namespace, name) = table.split_once(':').unwrap_or(("default", table));
        home()?.join_all(["bulk", namespace, name, region, family, file])
    }

    /// `.tidegate/partial/<run>`: files that are being written, not proved yet. Not below `archive/`: there a live
    /// cluster's cleaner deletes what has no HFile's name.
    pub fn partial(run: &str) -> Result<StorePath, StoreError> {
        home()?.join("partial")?.join(run)
    }
}

/// `.tidegate/format.json`: says that a root is a repository, and which layout it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Layout of `.tidegate/`.
    pub version: u32,
    /// Distinguishes this repository from others.
    pub id: String,
}

impl Repository {
    /// Reads `format.json`; `None` where the root is not a repository. A newer layout is an error.
    pub fn read(store: &dyn Store) -> Result<Option<Self>, CatalogError> {
        let path = layout::format()?;
        let bytes = match store::read_all(store, &path, 1 << 20) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let repository: Self = decode_document(path.as_str(), &bytes)?;
        if repository.version > VERSION {
            let what = format!(
                "the repository has layout version {}, this Tidegate reads up to {VERSION}: use a newer one",
                repository.version
            );
            return Err(CatalogError::damaged(path, what));
        }
        Ok(Some(repository))
    }

    /// Reads `format.json`, and writes it first if there is none. `seed` is anything that differs from one repository
    /// to the next.
    pub fn open_or_create(store: &dyn Store, seed: &str) -> Result<Self, CatalogError> {
        if let Some(repository) = Self::read(store)? {
            return Ok(repository);
        }
        let id = blake3::hash(seed.as_bytes()).to_hex().chars().take(32).collect();
        let path: StorePath = layout::format()?;
        match store.put(&path, &encode_document(&Self { version: VERSION, id })?, Publish::IfAbsent) {
            Ok(()) => {}
            Err(error) if error.kind == store::StoreErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let read = Self::read(store);
        if let Err(CatalogError::Damaged { .. }) = read {
            // The medium did not return what was written. Nothing depends on it yet: it is made anew next time.
            store.delete(&path)?;
        }
        read?.ok_or_else(|| CatalogError::damaged(path, "vanished right after it was written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::MemoryStore;

    #[test]
    fn a_repository_keeps_its_id_and_a_newer_one_is_refused() {
        let store = MemoryStore::files();
        assert!(Repository::read(&store).unwrap().is_none());
        let made = Repository::open_or_create(&store, "now").unwrap();
        assert_eq!(Repository::open_or_create(&store, "later").unwrap(), made);

        let newer = Repository { version: VERSION + 1, id: made.id };
        let bytes = encode_document(&newer).unwrap();
        store.put(&layout::format().unwrap(), &bytes, Publish::Replace).unwrap();
        assert!(Repository::read(&store).unwrap_err().to_string().contains("newer"));
    }
}
