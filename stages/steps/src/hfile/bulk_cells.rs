//! A bulk-loaded file inside a cut: copied whole, or read cell by cell.

use crate::bytes::BUFFER_LEN;
use crate::bytes::{FileSum, RangeHasher};
use crate::bytes::{failed_store, file_problem, source_problem};
use crate::hfile::cell_sum::CellSum;
use crate::hfile::locate_cells::CellFile;
use crate::hfile::open_hfile::{OpenedHFile, open_whole};
use crate::hfile::verify_cells::verify_cells_with;
use crate::hfile::verify_file::fault_problem;
use crate::hfile::write_hfile::{HFileToWrite, WrittenHFile};
use formats::cell::{CellRef, decode_key};
use formats::compress::Decompressor;
use names::{FamilyName, FileName};
use stage::{Found, Problem};
use store::{ReadRanges, Store, StorePath};

/// A bulk-loaded file inside a cut.
#[derive(Debug, Clone)]
pub struct BulkFile {
    /// Where the repository keeps it.
    pub path: StorePath,
    /// Its family.
    pub family: FamilyName,
    /// Its name in a store: `<hfile>_SeqId_<n>_`.
    pub name: FileName,
    /// The sequence id of all of its cells.
    pub number: u64,
}

/// A bulk-loaded file that was opened.
pub struct OpenedBulkFile {
    file: Box<dyn ReadRanges>,
    opened: OpenedHFile,
    path: StorePath,
    number: u64,
    /// Row of its first cell.
    pub first_row: Vec<u8>,
    /// Row of its last cell.
    pub last_row: Vec<u8>,
}

impl BulkFile {
    /// Opens it; what cannot be opened is a problem.
    pub fn open(&self, source: &dyn Store) -> Result<OpenedBulkFile, Problem> {
        let file = source.open(&self.path).map_err(|error| source_problem(&error))?;
        let damaged = |error: &formats::FormatError| file_problem(self.path.as_str(), error);
        let opened = open_whole(file.as_ref()).map_err(|fault| fault_problem(self.path.as_str(), &fault))?;
        let loaded = opened.loaded.as_ref().map_err(damaged)?;
        let row = |key: Option<&[u8]>| {
            key.map_or(Ok(Vec::new()), |key| decode_key(key).map(|key| key.row.to_vec()))
        };
        let last_row = row(loaded.file_info.last_key()).map_err(|error| damaged(&error))?;
        // The root index starts with the first key of the file, whatever its levels.
        let first = loaded.data_index.get(0).map(|entry| entry.key);
        let first_row = row(first).map_err(|error| damaged(&error))?;
        let (path, number) = (self.path.clone(), self.number);
        Ok(OpenedBulkFile { first_row, last_row, file, opened, path, number })
    }
}

impl OpenedBulkFile {
    /// How many cells it has, by its trailer.
    pub fn cell_count(&self) -> u64 {
        self.opened.trailer.entry_count
    }

    /// The file as a cursor takes it, with its name in a store, which tells the sequence id of its cells.
    pub(crate) fn into_cell_file(self, name: FileName) -> CellFile {
        let path = self.path.to_string();
        CellFile { path, reader: self.file, clip: None, name: Some(name), leads_to: None }
    }

    fn cells(&self, each: impl FnMut(&CellRef<'_>)) -> Result<u64, Problem> {
        let mut decompressor = Decompressor::default();
        let seen = verify_cells_with(self.file.as_ref(), &self.opened, &mut decompressor, each);
        let seen = seen.map_err(|error| source_problem(&error))?;
        match seen.faults.first() {
            None => Ok(seen.cells),
            Some(error) => Err(file_problem(self.path.as_str(), error)),
        }
    }
}

/// Copies a bulk-loaded file byte for byte.
pub fn copy_bulk_file(bulk: &OpenedBulkFile, target: &dyn Store, asked: HFileToWrite) -> Found<WrittenHFile> {
    let mut cell_sum = CellSum::default();
    let cells = bulk.cells(|cell| cell_sum.add(cell))?;
    let unwritten = |error| failed_store("copying a bulk-loaded file", target, error);
    let mut copy = target.create(&asked.path).map_err(unwritten)?;
    let (mut hasher, mut buffer, mut offset) = (RangeHasher::new(0, true), vec![0; BUFFER_LEN], 0);
    loop {
        let read = bulk.file.read_at(offset, &mut buffer).map_err(|error| source_problem(&error))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        copy.write(bytes).map_err(unwritten)?;
        offset += read as u64;
    }
    copy.finish().map_err(unwritten)?;
    let sum = hasher.finish();
    Ok(WrittenHFile {
        sum: FileSum { len: sum.len, crc32c: sum.crc32c, blake3: sum.blake3 },
        cells,
        cell_sum: cell_sum.finish(),
        sequences: Some((bulk.number, bulk.number)),
        first_row: bulk.first_row.clone(),
        last_row: bulk.last_row.clone(),
        given_name: None,
        asked,
    })
}
