use crate::FormatError;
use crate::cell::{CellChecks, CellRef, CellType, encode_key};
use crate::encoding::{CellLayout, DataBlockEncoding};
use crate::hfile::{FileInfo, key};

/// What a store file says besides what follows from its cells: `StoreFileWriter.appendMetadata`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreFileMetadata {
    /// MAX_SEQ_ID_KEY: the sequence id up to which the region's store is persisted with this file. `None`: the file
    /// does not say.
    pub max_sequence_id: Option<u64>,
    /// MAJOR_COMPACTION_KEY.
    pub major_compaction: bool,
    /// `hfile.CREATE_TIME_TS`, ms.
    pub create_time: i64,
    /// More entries, as they are to stand in the file; none of those that follow from the cells or stand above.
    pub more: FileInfo,
}

/// Sums and extremes of the cells that only file info needs.
#[derive(Debug, Default)]
pub(super) struct FileInfoCounts {
    key_bytes: u64,
    value_bytes: u64,
    biggest: u64,
    biggest_key: Vec<u8>,
    deletes_older: bool,
}

impl FileInfoCounts {
    pub(super) fn add(&mut self, cell: &CellRef<'_>) {
        let key = cell.key();
        let key_length = key.encoded_len() as u64;
        self.key_bytes += key_length;
        self.value_bytes += cell.value.len() as u64;
        let tags = if cell.tags.is_empty() { 0 } else { 2 + cell.tags.len() as u64 };
        // As `PrivateCellUtil.estimatedSerializedSizeOf`: a length, the KeyValue, its tags.
        let size = 4 + 8 + key_length + cell.value.len() as u64 + tags;
        if size > self.biggest {
            self.biggest = size;
            self.biggest_key.clear();
            // The block has just encoded this key, so it can be encoded.
            let _ = encode_key(&key, &mut self.biggest_key);
        }
        self.deletes_older |= matches!(cell.cell_type, CellType::DeleteColumn | CellType::DeleteFamily);
    }

    /// All that the file says about itself.
    pub(super) fn file_info(
        &self,
        cells: &CellChecks,
        layout: CellLayout,
        last_bloom_key: Option<&[u8]>,
        metadata: &StoreFileMetadata,
    ) -> Result<FileInfo, FormatError> {
        let mut info = FileInfo::default();
        self.set_cells(&mut info, cells, layout);
        info.set(key::CREATE_TIME_TS, metadata.create_time.to_be_bytes());
        info.set(key::MAJOR_COMPACTION, [if metadata.major_compaction { 0xff } else { 0 }]);
        // Names of the files that were compacted into this one: the magic alone is none.
        info.set(key::COMPACTION_EVENT, *b"PBUF");
        if let Some(sequence) = metadata.max_sequence_id {
            info.set(key::MAX_SEQ_ID, sequence.to_be_bytes());
        }
        if let Some(last_bloom_key) = last_bloom_key {
            info.set(key::BLOOM_FILTER_TYPE, *b"ROW");
            info.set(key::LAST_BLOOM_KEY, last_bloom_key);
        }
        for (key, value) in &metadata.more.entries {
            if info.entries.insert(key.clone(), value.clone()).is_some() {
                let key = key.escape_ascii();
                return Err(FormatError::corrupt(format!("file info {key} is not for the caller to set")));
            }
        }
        Ok(info)
    }

    fn set_cells(&self, info: &mut FileInfo, cells: &CellChecks, layout: CellLayout) {
        let average = |sum: u64| (sum.checked_div(cells.count_of_cells()).unwrap_or(0) as i32).to_be_bytes();
        info.set(key::AVG_KEY_LEN, average(self.key_bytes));
        info.set(key::AVG_VALUE_LEN, average(self.value_bytes));
        info.set(key::DELETE_FAMILY_COUNT, cells.delete_families().to_be_bytes());
        info.set(key::EARLIEST_PUT_TS, cells.earliest_put().unwrap_or(i64::MAX).to_be_bytes());
        if let Some((min, max)) = cells.timestamps() {
            // A delete of all that is older reaches back to 0 (`TimeRangeTracker.includeTimestamp`).
            let min = if self.deletes_older { 0 } else { min };
            info.set(key::TIMERANGE, [min.to_be_bytes(), max.to_be_bytes()].concat());
            info.set(key::LASTKEY, cells.last_key());
            info.set(key::KEY_OF_BIGGEST_CELL, self.biggest_key.clone());
            info.set(key::LEN_OF_BIGGEST_CELL, self.biggest.to_be_bytes());
        }
        if layout.has_mvcc {
            info.set(key::KEY_VALUE_VERSION, 1_i32.to_be_bytes());
            info.set(key::MAX_MEMSTORE_TS, cells.max_sequence().unwrap_or(0).to_be_bytes());
        }
        let encoded = layout.encoding != DataBlockEncoding::None;
        if layout.has_tags {
            info.set(key::MAX_TAGS_LEN, (cells.max_tags_length() as i32).to_be_bytes());
            info.set(key::TAGS_COMPRESSED, [if encoded && layout.tags_compressed { 0xff } else { 0 }]);
        }
        if encoded {
            info.set(key::DATA_BLOCK_ENCODING, layout.encoding.name());
        }
    }
}
