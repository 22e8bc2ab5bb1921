//! Writes one HFile from cells that come in order, and hashes it on the way.

use crate::bytes::BUFFER_LEN;
use crate::bytes::failed_store;
use crate::bytes::{FileSum, RangeHasher};
use crate::hfile::cell_sum::CellSum;
use crate::hfile::store_file_settings::StoreFileSettings;
use formats::FormatError;
use formats::cell::{CellRef, decode_key};
use formats::hfile::{EncodedHFile, FileInfo, HFileEncoder, StoreFileMetadata, key};
use stage::{Bytes, Failure};
use store::{GrowingFile, Store, StorePath};

const WRITING: &str = "writing an HFile";

/// `HStoreFile.NULL_VALUE`, as MOB_FILE_REFS of a file that refers to no MOB file. Without it HBase does not clean
/// any MOB file of the family.
const NO_MOB_FILES: &[u8] = &[0];

/// A file to be written.
#[derive(Debug, Clone)]
pub struct HFileToWrite {
    /// Where it goes: a name of its own, to which nothing else is written in the meantime. What is there is replaced.
    pub path: StorePath,
    /// The encoded name of the region that it is for.
    pub region: String,
    /// The table, as `ns:name`.
    pub table: String,
    /// MAX_SEQ_ID_KEY: the store is persisted up to here. No cell may have a larger sequence id. If there is none, it becomes
    /// the largest of the cells.
    pub max_sequence_id: Option<u64>,
    /// `hfile.CREATE_TIME_TS`, ms. The same cells and the same time give the same bytes.
    pub create_time: i64,
    /// More entries of the file info, such as those of files that are to be bulk loaded.
    pub more: FileInfo,
}

/// A file that was written. It counts only once [`crate::hfile::CheckWritten`] has found nothing wrong.
#[derive(Debug, Clone)]
pub struct WrittenHFile {
    /// What was asked for.
    pub asked: HFileToWrite,
    /// Length and digests of the bytes as they were made.
    pub sum: FileSum,
    /// How many cells it has.
    pub cells: u64,
    /// The `CellSum` of the cells as they came.
    pub cell_sum: u64,
    /// The smallest and the largest sequence id of a cell.
    pub sequences: Option<(u64, u64)>,
    /// The row of the first cell; empty if there is none.
    pub first_row: Vec<u8>,
    /// The row of the last cell; empty if there is none.
    pub last_row: Vec<u8>,
    /// The name that it already had, if it is a copy of a bulk-loaded file.
    pub given_name: Option<String>,
}

impl WrittenHFile {
    /// The name that it should get: the one that it had, or 32 hexadecimal digits made from its bytes, so that writing
    /// it again gives the same file.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(name) = &self.given_name {
            return name.clone();
        }
        let mut name = self.sum.blake3.to_string();
        name.truncate(32);
        name
    }
}

impl Bytes for WrittenHFile {
    fn bytes(&self) -> usize {
        0
    }
}

/// The step: a file that is being written. There can be any number at a time; each holds a block, a chunk of its
/// bloom filter, its index, and up to 1 MiB that is not written yet.
pub struct WriteHFile<'a> {
    store: &'a dyn Store,
    asked: HFileToWrite,
    is_mob: bool,
    encoder: HFileEncoder,
    out: Vec<u8>,
    file: Box<dyn GrowingFile>,
    hasher: RangeHasher,
    cell_sum: CellSum,
    least_sequence: u64,
}

impl<'a> WriteHFile<'a> {
    /// Starts a file.
    ///
    /// # Errors
    /// The store's.
    pub fn begin(
        store: &'a dyn Store,
        settings: &StoreFileSettings,
        asked: HFileToWrite,
    ) -> Result<Self, Failure> {
        Ok(Self {
            file: store.create(&asked.path).map_err(|error| failed_store(WRITING, store, error))?,
            store,
            asked,
            is_mob: settings.is_mob,
            encoder: HFileEncoder::new(settings.context.clone()),
            out: Vec::with_capacity(BUFFER_LEN),
            hasher: RangeHasher::new(0, true),
            cell_sum: CellSum::default(),
            least_sequence: u64::MAX,
        })
    }

    /// Appends the next cell.
    ///
    /// # Errors
    /// The cell is out of order, or an HFile cannot hold it; or the store's error.
    #[inline]
    pub fn append(&mut self, cell: &CellRef<'_>) -> Result<(), Failure> {
        if let Err(error) = self.encoder.append(cell, &mut self.out) {
            return Err(self.unencodable(&error));
        }
        self.cell_sum.add(cell);
        self.least_sequence = self.least_sequence.min(cell.sequence);
        if self.out.len() < BUFFER_LEN { Ok(()) } else { self.write_out() }
    }

    /// How many cells have been added.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.encoder.cells().count_of_cells()
    }

    /// How long the file is so far, without the block that is being filled.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.encoder.position()
    }

    /// Whether it has no cell yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells() == 0
    }

    /// Ends the file. It is durable only after [`Store::sync_batch`], which [`crate::hfile::CheckWritten`] calls for many
    /// files at once.
    ///
    /// # Errors
    /// A cell has a sequence id above the file's; the store's.
    pub fn finish(mut self) -> Result<WrittenHFile, Failure> {
        let max_sequence = self.encoder.cells().max_sequence();
        let said = *self.asked.max_sequence_id.get_or_insert(max_sequence.unwrap_or(0));
        if let Some(sequence) = max_sequence.filter(|sequence| *sequence > said) {
            let what = format!("a cell has sequence id {sequence}, the file says that it ends at {said}");
            return Err(Failure::failed(WRITING, &self.asked.path, what));
        }
        let encoder = std::mem::replace(&mut self.encoder, HFileEncoder::new(Default::default()));
        let encoded = encoder.finish(&self.metadata(), &mut self.out);
        let encoded = encoded.map_err(|error| self.unencodable(&error))?;
        self.write_out()?;
        self.file.finish().map_err(|error| failed_store(WRITING, self.store, error))?;
        let row = |key: &[u8]| decode_key(key).map(|key| key.row.to_vec()).unwrap_or_default();
        let EncodedHFile { cells, .. } = encoded;
        let sum = self.hasher.finish();
        Ok(WrittenHFile {
            sum: FileSum { len: sum.len, crc32c: sum.crc32c, blake3: sum.blake3 },
            cells: cells.count_of_cells(),
            cell_sum: self.cell_sum.finish(),
            sequences: max_sequence.map(|largest| (self.least_sequence, largest)),
            first_row: row(cells.first_key()),
            last_row: row(&cells.last_key()),
            given_name: None,
            asked: self.asked,
        })
    }

    fn metadata(&self) -> StoreFileMetadata {
        let mut more = self.asked.more.clone();
        if self.is_mob {
            more.set(key::MOB_CELLS_COUNT, 0_i64.to_be_bytes());
            more.set(key::MOB_FILE_REFS, NO_MOB_FILES);
        }
        StoreFileMetadata {
            max_sequence_id: self.asked.max_sequence_id,
            major_compaction: false,
            create_time: self.asked.create_time,
            more,
        }
    }

    fn write_out(&mut self) -> Result<(), Failure> {
        self.hasher.update(&self.out);
        let written = self.file.write(&self.out);
        self.out.clear();
        written.map_err(|error| failed_store(WRITING, self.store, error))
    }

    #[cold]
    fn unencodable(&self, error: &FormatError) -> Failure {
        Failure::failed(WRITING, &self.asked.path, error)
    }
}
