use std::collections::BTreeMap;

use prost::Message;

use super::BloomType;
use super::proto::{BytesBytesPair, FileInfoProto, TimeRangeTracker, decode_delimited};
use crate::{FormatError, Unsupported};

const MAGIC: &[u8] = b"PBUF";

/// What a file says about itself, by key: `HFileInfo`. Values stay as they are in the file; the methods read them.
/// A missing key is `None`; a value of the wrong length is an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileInfo {
    /// All entries, including those of unknown meaning.
    pub entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// HBase's keys: `HFileInfo`, `HStoreFile`, `BloomFilterFactory`.
pub mod key {
    /// Average length of a cell's key, int. Every file has it.
    pub const AVG_KEY_LEN: &[u8] = b"hfile.AVG_KEY_LEN";
    /// Average length of a value, int. Every file has it.
    pub const AVG_VALUE_LEN: &[u8] = b"hfile.AVG_VALUE_LEN";
    /// Key of the last cell. Every file with cells has it.
    pub const LASTKEY: &[u8] = b"hfile.LASTKEY";
    /// When the file was made, ms, long.
    pub const CREATE_TIME_TS: &[u8] = b"hfile.CREATE_TIME_TS";
    /// Longest tags of a cell, int; its presence means that every cell has a length of tags.
    pub const MAX_TAGS_LEN: &[u8] = b"hfile.MAX_TAGS_LEN";
    /// Whether tags are compressed by dictionary, boolean.
    pub const TAGS_COMPRESSED: &[u8] = b"hfile.TAGS_COMPRESSED";
    /// Key of the largest cell.
    pub const KEY_OF_BIGGEST_CELL: &[u8] = b"hfile.KEY_OF_BIGGEST_CELL";
    /// Size of the largest cell, long.
    pub const LEN_OF_BIGGEST_CELL: &[u8] = b"hfile.LEN_OF_BIGGEST_CELL";
    /// int; 1 means that every cell has a memstoreTS.
    pub const KEY_VALUE_VERSION: &[u8] = b"KEY_VALUE_VERSION";
    /// Largest memstoreTS of a cell, long.
    pub const MAX_MEMSTORE_TS: &[u8] = b"MAX_MEMSTORE_TS_KEY";
    /// Name of the data block encoding; absent is NONE.
    pub const DATA_BLOCK_ENCODING: &[u8] = b"DATA_BLOCK_ENCODING";
    /// Name of the index block encoding; absent is NONE.
    pub const INDEX_BLOCK_ENCODING: &[u8] = b"INDEX_BLOCK_ENCODING";
    /// Largest sequence id that the file persists, long.
    pub const MAX_SEQ_ID: &[u8] = b"MAX_SEQ_ID_KEY";
    /// Smallest and largest timestamp.
    pub const TIMERANGE: &[u8] = b"TIMERANGE";
    /// Smallest timestamp of a put, long.
    pub const EARLIEST_PUT_TS: &[u8] = b"EARLIEST_PUT_TS";
    /// Whether a major compaction made the file, boolean.
    pub const MAJOR_COMPACTION: &[u8] = b"MAJOR_COMPACTION_KEY";
    /// Names of the files that were compacted into this one.
    pub const COMPACTION_EVENT: &[u8] = b"COMPACTION_EVENT_KEY";
    /// Type of the general bloom filter.
    pub const BLOOM_FILTER_TYPE: &[u8] = b"BLOOM_FILTER_TYPE";
    /// Length of the row prefix of a ROWPREFIX_FIXED_LENGTH bloom filter, int.
    pub const BLOOM_FILTER_PARAM: &[u8] = b"BLOOM_FILTER_PARAM";
    /// Last key put into the general bloom filter.
    pub const LAST_BLOOM_KEY: &[u8] = b"LAST_BLOOM_KEY";
    /// How many cells delete a family, long.
    pub const DELETE_FAMILY_COUNT: &[u8] = b"DELETE_FAMILY_COUNT";
    /// Whether the file holds only old versions, boolean.
    pub const HISTORICAL: &[u8] = b"HISTORICAL";
    /// When the file was bulk loaded, ms, long; its presence means that it was.
    pub const BULKLOAD_TIME: &[u8] = b"BULKLOAD_TIMESTAMP";
    /// What made a bulk-loaded file, text.
    pub const BULKLOAD_TASK: &[u8] = b"BULKLOAD_SOURCE_TASK";
    /// Whether minor compactions leave the file out, boolean.
    pub const EXCLUDE_FROM_MINOR_COMPACTION: &[u8] = b"EXCLUDE_FROM_MINOR_COMPACTION";
    /// Whether a bulk-loaded file's cells keep their sequence ids, boolean.
    pub const SKIP_RESET_SEQ_ID: &[u8] = b"SKIP_RESET_SEQ_ID";
    /// How many cells refer to a MOB file, long.
    pub const MOB_CELLS_COUNT: &[u8] = b"MOB_CELLS_COUNT";
    /// Which MOB files are referred to.
    pub const MOB_FILE_REFS: &[u8] = b"MOB_FILE_REFS";
}

impl FileInfo {
    /// Decodes the payload of a FILE_INFO block.
    ///
    /// # Errors
    /// Unsupported without the protobuf magic (files from before HBase 0.96); Corrupt if it is no `FileInfoProto`.
    pub fn decode(payload: &[u8]) -> Result<Self, FormatError> {
        let message = payload.strip_prefix(MAGIC).ok_or_else(|| {
            FormatError::unsupported(Unsupported::Other, "file info: not a protobuf (PBUF)").at(0)
        })?;
        let proto: FileInfoProto =
            decode_delimited(message, "file info").map_err(|error| error.at(MAGIC.len() as u64))?;
        let entries = proto.map_entry.into_iter().map(|pair| (pair.first, pair.second)).collect();
        Ok(Self { entries })
    }

    /// Encodes the payload of a FILE_INFO block: entries sorted by key, as HBase does.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let pair = |(first, second): (&Vec<u8>, &Vec<u8>)| BytesBytesPair {
            first: first.clone(),
            second: second.clone(),
        };
        let proto = FileInfoProto { map_entry: self.entries.iter().map(pair).collect() };
        let mut payload = MAGIC.to_vec();
        payload.append(&mut proto.encode_length_delimited_to_vec());
        payload
    }

    /// The value of a key (see [`key`]).
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(Vec::as_slice)
    }

    /// Puts in a value, as bytes.
    pub fn set(&mut self, key: &[u8], value: impl Into<Vec<u8>>) {
        self.entries.insert(key.to_vec(), value.into());
    }

    /// The value of a key that is a Java int.
    ///
    /// # Errors
    /// Corrupt if it does not have 4 bytes.
    pub fn int(&self, key: &[u8]) -> Result<Option<i32>, FormatError> {
        self.fixed(key, "int").map(|value| value.map(i32::from_be_bytes))
    }

    /// The value of a key that is a Java long.
    ///
    /// # Errors
    /// Corrupt if it does not have 8 bytes.
    pub fn long(&self, key: &[u8]) -> Result<Option<i64>, FormatError> {
        self.fixed(key, "long").map(|value| value.map(i64::from_be_bytes))
    }

    /// The value of a key that is a boolean; false if it is not there.
    ///
    /// # Errors
    /// Corrupt if it is not one byte long.
    pub fn flag(&self, key: &[u8]) -> Result<bool, FormatError> {
        self.fixed(key, "boolean").map(|value| value.is_some_and(|[byte]| byte != 0))
    }

    fn fixed<const N: usize>(&self, key: &[u8], what: &str) -> Result<Option<[u8; N]>, FormatError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.try_into().map(Some).map_err(|_| {
            let (key, length) = (key.escape_ascii(), value.len());
            FormatError::corrupt(format!("file info: {key} has {length} bytes, a {what} has {N}"))
        })
    }

    fn text(&self, key: &[u8]) -> Result<Option<&str>, FormatError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        std::str::from_utf8(value)
            .map(Some)
            .map_err(|_| FormatError::corrupt(format!("file info: {} is not text", key.escape_ascii())))
    }

    /// Largest sequence id that the file persists; for a bulk-loaded file its name decides first (`_SeqId_n_`).
    ///
    /// # Errors
    /// Corrupt.
    pub fn max_sequence_id(&self) -> Result<Option<i64>, FormatError> {
        self.long(key::MAX_SEQ_ID)
    }

    /// Whether every cell of the file has a memstoreTS (its sequence id).
    ///
    /// # Errors
    /// Corrupt.
    pub fn has_memstore_ts(&self) -> Result<bool, FormatError> {
        Ok(self.int(key::KEY_VALUE_VERSION)? == Some(1))
    }

    /// Largest memstoreTS of the cells.
    ///
    /// # Errors
    /// Corrupt.
    pub fn max_memstore_ts(&self) -> Result<Option<i64>, FormatError> {
        self.long(key::MAX_MEMSTORE_TS)
    }

    /// Whether every cell has a length of tags.
    #[must_use]
    pub fn has_tags(&self) -> bool {
        self.get(key::MAX_TAGS_LEN).is_some()
    }

    /// Whether the file says that tags are compressed by dictionary (ROW_INDEX_V1 ignores that).
    ///
    /// # Errors
    /// Corrupt.
    pub fn tags_compressed(&self) -> Result<bool, FormatError> {
        self.flag(key::TAGS_COMPRESSED)
    }

    /// Name of the data block encoding; "NONE" if the file names none.
    ///
    /// # Errors
    /// Corrupt if it is not text.
    pub fn data_block_encoding(&self) -> Result<&str, FormatError> {
        Ok(self.text(key::DATA_BLOCK_ENCODING)?.unwrap_or("NONE"))
    }

    /// Refuses an encoded index (PREFIX_TREE), which HBase can write but not read.
    ///
    /// # Errors
    /// Unsupported, naming it.
    pub fn check_index_block_encoding(&self) -> Result<(), FormatError> {
        match self.text(key::INDEX_BLOCK_ENCODING)? {
            None | Some("NONE") => Ok(()),
            Some(name) => {
                Err(FormatError::unsupported(Unsupported::Other, format!("index block encoding {name}")))
            }
        }
    }

    /// Key of the last cell.
    #[must_use]
    pub fn last_key(&self) -> Option<&[u8]> {
        self.get(key::LASTKEY)
    }

    /// Smallest and largest timestamp of the cells; none means all times.
    ///
    /// # Errors
    /// Corrupt if it is neither two longs nor a `TimeRangeTracker`.
    pub fn time_range(&self) -> Result<Option<(i64, i64)>, FormatError> {
        let Some(value) = self.get(key::TIMERANGE) else { return Ok(None) };
        if let Some(message) = value.strip_prefix(MAGIC) {
            let range = TimeRangeTracker::decode(message)
                .map_err(|error| FormatError::corrupt(format!("file info: TIMERANGE: {error}")))?;
            // HBase's int64 are stored as uint64 there.
            let from = range.from.map_or(0, u64::cast_signed);
            return Ok(Some((from, range.to.map_or(i64::MAX, u64::cast_signed))));
        }
        // HBase 1 writes its whole buffer, 32 bytes; nobody reads what follows the two longs.
        let Some(longs) = value.first_chunk::<16>() else {
            let text = format!("file info: TIMERANGE has {} bytes, two longs have 16", value.len());
            return Err(FormatError::corrupt(text));
        };
        let both = u128::from_be_bytes(*longs);
        Ok(Some((((both >> 64) as u64).cast_signed(), (both as u64).cast_signed())))
    }

    /// Type of the general bloom filter; none if the file has none.
    ///
    /// # Errors
    /// Unsupported for a type that HBase does not have; Corrupt.
    pub fn bloom_type(&self) -> Result<Option<BloomType>, FormatError> {
        let prefix = self.int(key::BLOOM_FILTER_PARAM)?;
        match self.text(key::BLOOM_FILTER_TYPE)? {
            None | Some("NONE") => Ok(None),
            Some("ROW") => Ok(Some(BloomType::Row)),
            Some("ROWCOL") => Ok(Some(BloomType::RowColumn)),
            Some("ROWPREFIX_FIXED_LENGTH") => match prefix.and_then(|length| usize::try_from(length).ok()) {
                Some(length) => Ok(Some(BloomType::RowPrefix(length))),
                None => Err(FormatError::corrupt("file info: no prefix length for ROWPREFIX_FIXED_LENGTH")),
            },
            Some(name) => {
                Err(FormatError::unsupported(Unsupported::Other, format!("bloom filter type {name}")))
            }
        }
    }

    /// When the file was bulk loaded, in ms; none if it was not (a `_SeqId_n_` in its name says so too).
    ///
    /// # Errors
    /// Corrupt.
    pub fn bulk_load_time(&self) -> Result<Option<i64>, FormatError> {
        self.long(key::BULKLOAD_TIME)
    }

    /// Whether a bulk-loaded file's cells keep their sequence ids.
    ///
    /// # Errors
    /// Corrupt.
    pub fn skip_reset_sequence_id(&self) -> Result<bool, FormatError> {
        self.flag(key::SKIP_RESET_SEQ_ID)
    }

    /// Checks that everything is there that HBase needs to open the file's region.
    ///
    /// # Errors
    /// Corrupt, naming the missing key.
    pub fn check_mandatory(&self, entry_count: u64) -> Result<(), FormatError> {
        let missing = |key: &[u8]| {
            let key = key.escape_ascii();
            Err(FormatError::corrupt(format!("file info: {key} is missing: HBase cannot open the file")))
        };
        for key in [key::AVG_KEY_LEN, key::AVG_VALUE_LEN] {
            if self.int(key)?.is_none() {
                return missing(key);
            }
        }
        if entry_count > 0 && self.last_key().is_none() {
            return missing(key::LASTKEY);
        }
        if self.has_memstore_ts()? && self.max_memstore_ts()?.is_none() {
            return missing(key::MAX_MEMSTORE_TS);
        }
        Ok(())
    }
}
