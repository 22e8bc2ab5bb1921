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

    /// `.tidegate/batches/<ns>/<table>/<stem>.parquet`: the edits of a table in one WAL. Nothing else lies beside it but names
    /// that begin with `_`, so that the directory opens as one data set.
    pub fn batch(table: &str, stem: &str) -> Result<StorePath, StoreError> {
        batches_of(table)?.join(&format!("{}.parquet", file_name_of(stem)))
    }

    /// `_sums/<stem>.json`, beside a batch: its digests
    pub fn sum_of_batch(batch: &StorePath) -> Result<StorePath, StoreError> {
        let name = batch.name();
        let name = format!("{}.json", name.strip_suffix(".parquet").unwrap_or(name));
        batch.parent().unwrap_or_default().join("_sums")?.join(&name)
    }

    /// `.tidegate/batches/_markers`: files of WALs. (No namespace has such a name.)
    pub fn markers() -> Result<StorePath, StoreError> {
        batches()?.join("_markers")
    }

    /// `.tidegate/batches/markers`: where the first format had them.
    pub fn markers_of_format_1() -> Result<StorePath, StoreError> {
        batches()?.join("markers")
    }

    /// `.tidegate/batches/_markers/<stem>.markers.parquet`: the markers of a WAL, and what it holds
    pub fn markers_of(stem: &str) -> Result<StorePath, StoreError> {
        markers()?.join(&format!("{}.markers.parquet", file_name_of(stem)))
    }

    /// `.tidegate/batches/_markers/<stem>.lineage.parquet`: what a WAL of hbase:meta says of regions
    pub fn lineage_of(stem: &str) -> Result<StorePath, StoreError> {
        markers()?.join(&format!("{}.lineage.parquet", file_name_of(stem)))
    }

    /// The name of a file that was made from a WAL, whose own name has `%2C`: readers of Parquet decode a `%` in five ways, so
    /// there is none. `~` stands for `%2C`; `~x` for any other `%`, and `~y` for a `~`.
    pub fn file_name_of(stem: &str) -> String {
        let (mut name, mut rest) = (String::with_capacity(stem.len()), stem);
        while let Some(first) = rest.chars().next() {
            let after = rest.get(first.len_utf8()..).unwrap_or_default();
            match first {
                '%' if after.starts_with("2C")
                    && !after.get(2..).is_some_and(|next| next.starts_with(['x', 'y'])) =>
                {
                    name.push('~');
                    rest = after.get(2..).unwrap_or_default();
                    continue;
                }
                '%' => name.push_str("~x"),
                '~' => name.push_str("~y"),
                first => name.push(first),
            }
            rest = after;
        }
        name
    }

    /// The stem that [`file_name_of`] made a name of.
    pub fn stem_of(name: &str) -> String {
        let mut parts = name.split('~');
        let mut stem = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (stands_for, rest) = match (part.strip_prefix('x'), part.strip_prefix('y')) {
                (Some(rest), _) => ("%", rest),
                (_, Some(rest)) => ("~", rest),
                _ => ("%2C", part),
            };
            stem.push_str(stands_for);
            stem.push_str(rest);
        }
        stem
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

    #[test]
    fn names_of_wals_come_back_from_names_of_files() {
        let wal = "host.example.com%2C16020%2C1795214723178.host%2C1.regiongroup-0.1795214727936.meta@90";
        assert_eq!(
            layout::file_name_of(wal),
            "host.example.com~16020~1795214723178.host~1.regiongroup-0.1795214727936.meta@90"
        );
        for stem in
            [wal, "", "%", "~", "%2C", "a%2Cx", "a%2Cy~", "%%2C%3A", "~x~y", "%2C%2C%2c", "\u{fc}%2C\u{fc}"]
        {
            let name = layout::file_name_of(stem);
            assert!(!name.contains('%'), "{name}");
            assert_eq!(layout::stem_of(&name), stem, "{name}");
        }
    }
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
