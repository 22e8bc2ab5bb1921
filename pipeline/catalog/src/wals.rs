//! What was made from WALs: batches by table, markers, lineage.

use crate::repository::layout;
use crate::{CatalogError, document};
use columns::batch::BatchFile;
use columns::lineage::LineageDecoder;
use columns::markers::{MarkersDecoder, WalSummary};
use columns::{Bytes, ChunkReader, Length};
use parquet_io::ReadFrom;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{Kind, Metadata, ReadRanges, Store, StoreError, StorePath};

mod parquet_io {
    //! A file of a store, read from any offset on.

    use super::{Arc, ReadRanges};
    use std::io::{self, Read};

    /// Reads on from an offset.
    pub struct ReadFrom {
        pub file: Arc<dyn ReadRanges>,
        pub offset: u64,
    }

    impl Read for ReadFrom {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.file.read_at(self.offset, buffer).map_err(io::Error::other)?;
            self.offset += read as u64;
            Ok(read)
        }
    }
}

/// A file of a store, as Parquet's reader wants it.
#[derive(Clone)]
pub struct StoredParquet(Arc<dyn ReadRanges>);

impl Length for StoredParquet {
    fn len(&self) -> u64 {
        self.0.metadata().len
    }
}

impl ChunkReader for StoredParquet {
    type T = std::io::BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> columns::ParquetResult<Self::T> {
        let from = ReadFrom { file: Arc::clone(&self.0), offset: start };
        Ok(std::io::BufReader::with_capacity(1 << 16, from))
    }

    fn get_bytes(&self, start: u64, length: usize) -> columns::ParquetResult<Bytes> {
        // A length from a damaged footer allocates no more than the file has.
        let there = usize::try_from(self.len().saturating_sub(start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(there)];
        let read = self.0.read_at(start, &mut bytes).map_err(columns::parquet_error)?;
        match read == length {
            true => Ok(bytes.into()),
            false => Err(columns::parquet_error(format!("{length} bytes asked for, {read} there"))),
        }
    }
}

/// A batch of a repository.
pub type StoredBatch = BatchFile<StoredParquet>;

/// The name of a file that was made from a WAL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListedWal {
    /// Its file's name, without `.parquet` or `.markers.parquet`: the WAL's name, and of one that was not closed how
    /// far it had been read, `<wal>@<bytes>`.
    pub stem: String,
    /// Where it lies.
    pub path: StorePath,
}

impl ListedWal {
    /// The WAL's name, and how far it had been read if it was not closed.
    #[must_use]
    pub fn wal(&self) -> (&str, Option<u64>) {
        match self.stem.rsplit_once('@') {
            Some((name, bytes)) => match bytes.parse() {
                Ok(bytes) => (name, Some(bytes)),
                Err(_) => (&self.stem, None),
            },
            None => (&self.stem, None),
        }
    }
}

/// Only the last of several readings of one WAL counts: that of the closed file, or of the most bytes. All others hold
/// a prefix of what it holds. Returns those that count, in the order of their names.
#[must_use]
pub fn latest(mut listed: Vec<ListedWal>) -> Vec<ListedWal> {
    let age = |of: &ListedWal| of.wal().1.unwrap_or(u64::MAX);
    listed.sort_by(|one, other| (one.wal().0, age(other)).cmp(&(other.wal().0, age(one))));
    listed.dedup_by(|later, kept| later.wal().0 == kept.wal().0);
    listed
}

/// The WALs that have been converted, in order of their names; several readings of an open one are all listed, see
/// [`latest`].
pub fn list_wals(store: &dyn Store) -> Result<Vec<ListedWal>, CatalogError> {
    refuse_format_1(store)?;
    list(store, &layout::markers()?, ".markers.parquet")
}

/// Refuses batches that are not sorted: they lie where this version has nothing.
fn refuse_format_1(store: &dyn Store) -> Result<(), CatalogError> {
    let old = layout::markers_of_format_1()?;
    match list(store, &old, ".markers.parquet")?.first() {
        None => Ok(()),
        Some(_) => Err(CatalogError::OldBatches { path: old.to_string() }),
    }
}

/// The lineages, as [`list_wals`].
pub fn list_lineages(store: &dyn Store) -> Result<Vec<ListedWal>, CatalogError> {
    list(store, &layout::markers()?, ".lineage.parquet")
}

/// The batches of a table (`ns:name`), as [`list_wals`].
pub fn list_batches(store: &dyn Store, table: &str) -> Result<Vec<ListedWal>, CatalogError> {
    list(store, &layout::batches_of(table)?, ".parquet")
}

/// The tables that have batches, as `ns:name`.
pub fn list_batch_tables(store: &dyn Store) -> Result<Vec<String>, CatalogError> {
    let home = layout::batches()?;
    let mut tables = Vec::new();
    for namespace in document::directories(store, &home)?.into_iter().filter(|name| !name.starts_with('_')) {
        for table in document::directories(store, &home.join(&namespace)?)? {
            tables.push(format!("{namespace}:{table}"));
        }
    }
    Ok(tables)
}

/// What a converted WAL holds, and how it ended.
pub fn read_wal_summary(store: &dyn Store, path: &StorePath) -> Result<WalSummary, CatalogError> {
    Ok(open_markers(store, path)?.summary().clone())
}

/// Opens a batch.
pub fn open_batch(store: &dyn Store, path: &StorePath) -> Result<StoredBatch, CatalogError> {
    BatchFile::new(open(store, path)?).map_err(|error| CatalogError::damaged(path, error))
}

/// The same, but the file is open only during each read: for hundreds of batches at a time.
pub fn open_batch_loosely(store: &Arc<dyn Store>, path: &StorePath) -> Result<StoredBatch, CatalogError> {
    let metadata = store.metadata(path)?;
    let file = OpenedForEachRead { store: Arc::clone(store), path: path.clone(), metadata };
    BatchFile::new(StoredParquet(Arc::new(file))).map_err(|error| CatalogError::damaged(path, error))
}

struct OpenedForEachRead {
    store: Arc<dyn Store>,
    path: StorePath,
    metadata: Metadata,
}

impl ReadRanges for OpenedForEachRead {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        self.store.open(&self.path)?.read_at(offset, buffer)
    }

    fn current(&self) -> Result<Metadata, StoreError> {
        self.store.metadata(&self.path)
    }
}

/// Opens the markers of a WAL.
pub fn open_markers(store: &dyn Store, path: &StorePath) -> Result<MarkersDecoder, CatalogError> {
    MarkersDecoder::new(open(store, path)?).map_err(|error| CatalogError::damaged(path, error))
}

/// Opens the lineage of a WAL of hbase:meta.
pub fn open_lineage(store: &dyn Store, path: &StorePath) -> Result<LineageDecoder, CatalogError> {
    LineageDecoder::new(open(store, path)?).map_err(|error| CatalogError::damaged(path, error))
}

/// The digests of a batch. Parquet has none of its own here, and a changed byte would be a changed edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSum {
    /// Its length.
    pub len: u64,
    /// CRC32C of its bytes.
    pub crc32c: u32,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub blake3: String,
}

/// Longest such document that is read.
const MAX_SUM: u64 = 1 << 16;

/// The digests that were recorded for a batch; `None` if there are none.
pub fn read_batch_sum(store: &dyn Store, batch: &StorePath) -> Result<Option<BatchSum>, CatalogError> {
    let path = layout::sum_of_batch(batch)?;
    match store::read_all(store, &path, MAX_SUM) {
        Ok(bytes) => document::decode_document(path.as_str(), &bytes).map(Some),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn open(store: &dyn Store, path: &StorePath) -> Result<StoredParquet, CatalogError> {
    Ok(StoredParquet(Arc::from(store.open(path)?)))
}

fn list(store: &dyn Store, dir: &StorePath, suffix: &str) -> Result<Vec<ListedWal>, CatalogError> {
    let files = store::list_there(store, dir)?
        .unwrap_or_default()
        .into_iter()
        .filter(|entry| entry.metadata.kind == Kind::File);
    let listed = files.filter_map(|entry| {
        let stem = layout::stem_of(entry.name.strip_suffix(suffix)?);
        Some(dir.join(&entry.name).map(|path| ListedWal { stem, path }))
    });
    Ok(listed.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{MemoryStore, Publish};

    #[test]
    fn of_several_readings_of_an_open_wal_the_last_counts() {
        let store = MemoryStore::files();
        for name in ["b@90.parquet", "b@100.parquet", "a.parquet", "a@7.parquet", "x@y.parquet", "note.txt"] {
            let path = layout::batches_of("ns:t").unwrap().join(name).unwrap();
            store.put(&path, b"", Publish::Replace).unwrap();
        }
        let listed = list_batches(&store, "ns:t").unwrap();
        assert_eq!(listed.len(), 5);
        let stems: Vec<String> = latest(listed).into_iter().map(|wal| wal.stem).collect();
        assert_eq!(stems, ["a", "b@100", "x@y"]);
        assert_eq!(list_batch_tables(&store).unwrap(), ["ns:t"]);
        assert!(list_wals(&store).unwrap().is_empty());
        let path = layout::batch("ns:t", "a").unwrap();
        assert!(open_batch(&store, &path).err().unwrap().to_string().contains("not a Parquet file"));
    }
}
