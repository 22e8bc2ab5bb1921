//! What an HFile says about itself, for people.

use crate::hfile::locate_cells::CellFile;
use crate::hfile::open_hfile::{OpenedHFile, open_whole};
use crate::hfile::verify_file::fault_problem;
use formats::FormatError;
use formats::cell::decode_key;
use formats::compress::Dictionaries;
use formats::hfile::{BloomFilter, FileInfo, LoadOnOpen, key};
use serde::Serialize;
use stage::{Problem, ProblemKind};
use std::collections::BTreeMap;

/// What an HFile says about itself: its trailer, file info, indexes and blooms.
#[derive(Debug, Clone, Serialize)]
pub struct HFileDescription {
    /// The file that was asked for.
    pub path: String,
    /// The file that holds the cells, if it is another one: what a link or reference leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
    /// Which rows of it are meant, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<String>,
    /// The version of its format, as major.minor: HBase 2 writes 3.3.
    pub version: String,
    /// Its length in bytes.
    pub len: u64,
    /// Cells.
    pub entries: u64,
    /// Compression codec.
    pub codec: String,
    /// Data block encoding.
    pub encoding: Option<String>,
    /// Levels of the data index; 1 is the root alone.
    pub index_levels: u32,
    /// Entries in the root of the data index.
    pub index_entries: u32,
    /// Bytes of all blocks uncompressed, as the trailer says.
    pub uncompressed_bytes: u64,
    /// The class that orders its keys.
    pub comparator: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Why it cannot be looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_looked_into: Option<String>,
    /// The sequence id that replaces each cell's own, if it was bulk loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_sequence: Option<u64>,
    /// The general bloom filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bloom: Option<BloomDescription>,
    /// The bloom filter of rows with family deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_family_bloom: Option<BloomDescription>,
    /// File info, with values shown by their type.
    pub file_info: BTreeMap<String, String>,
}

/// A bloom filter.
#[derive(Debug, Clone, Serialize)]
pub struct BloomDescription {
    /// Keys that it was given.
    pub keys: u64,
    /// Bytes of its bits.
    pub bytes: u64,
    /// Its pieces.
    pub chunks: u64,
    /// Hash functions.
    pub hashes: u32,
}

/// Describes an HFile.
pub fn describe_hfile(file: &CellFile) -> Result<HFileDescription, Problem> {
    let opened = open_whole(file.reader.as_ref()).map_err(|fault| fault_problem(&file.path, &fault))?;
    let loaded = opened.loaded.as_ref();
    let info = loaded.map(|loaded| &loaded.file_info).ok();
    let trailer = &opened.trailer;
    let bloom =
        |bloom: fn(&LoadOnOpen) -> Option<&BloomFilter>| loaded.ok().and_then(bloom).map(describe_bloom);
    Ok(HFileDescription {
        path: file.path.clone(),
        leads_to: file.leads_to.as_ref().map(|led| led.shown.clone()),
        clip: file
            .clip
            .as_ref()
            .map(|clip| format!("{:?} half, split at {}", clip.range, clip.split_row().escape_ascii())),
        version: trailer.version.to_string(),
        len: file.reader.metadata().len,
        entries: trailer.entry_count,
        codec: trailer.codec.to_string(),
        encoding: info.and_then(|info| info.data_block_encoding().ok()).map(str::to_owned),
        index_levels: trailer.data_index_levels,
        index_entries: trailer.data_index_count,
        uncompressed_bytes: trailer.total_uncompressed_bytes,
        comparator: trailer.comparator_class.clone(),
        encrypted: trailer.is_encrypted(),
        not_looked_into: loaded.err().map(ToString::to_string),
        bulk_sequence: bulk_sequence(file, &opened),
        bloom: bloom(|loaded| loaded.general_bloom.as_ref()),
        delete_family_bloom: bloom(|loaded| loaded.delete_family_bloom.as_ref()),
        file_info: info.map(describe_info).unwrap_or_default(),
    })
}

fn bulk_sequence(file: &CellFile, opened: &OpenedHFile) -> Option<u64> {
    file.effective_sequence(opened).ok().flatten()
}

fn describe_bloom(bloom: &BloomFilter) -> BloomDescription {
    BloomDescription {
        keys: bloom.key_count,
        bytes: bloom.total_byte_size,
        chunks: bloom.chunks.len() as u64,
        hashes: bloom.hash_count,
    }
}

fn describe_info(info: &FileInfo) -> BTreeMap<String, String> {
    let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| {
        let text = describe_value(info, key, value).unwrap_or_else(|_| value.escape_ascii().to_string());
        (key.escape_ascii().to_string(), text)
    };
    info.entries.iter().map(entry).collect()
}

/// A value, shown by its key's type; for an unknown key the bytes.
fn describe_value(info: &FileInfo, name: &[u8], value: &[u8]) -> Result<String, FormatError> {
    let bytes = || value.escape_ascii().to_string();
    let long = |name: &[u8]| Ok(info.long(name)?.map_or_else(bytes, |long| long.to_string()));
    let int = |name: &[u8]| Ok(info.int(name)?.map_or_else(bytes, |int| int.to_string()));
    match name {
        key::LASTKEY | b"hfile.KEY_OF_BIGGEST_CELL" => {
            let key = decode_key(value)?;
            Ok(format!(
                "{}/{}:{}/{}/{}",
                key.row.escape_ascii(),
                key.family.escape_ascii(),
                key.qualifier.escape_ascii(),
                key.timestamp,
                key.type_code
            ))
        }
        b"TIMERANGE" => Ok(info.time_range()?.map_or_else(bytes, |(from, to)| format!("{from} to {to}"))),
        b"MAX_SEQ_ID_KEY"
        | b"MAX_MEMSTORE_TS_KEY"
        | b"EARLIEST_PUT_TS"
        | b"hfile.CREATE_TIME_TS"
        | b"hfile.LEN_OF_BIGGEST_CELL"
        | b"DELETE_FAMILY_COUNT"
        | b"BULKLOAD_TIMESTAMP"
        | b"MOB_CELLS_COUNT" => long(name),
        b"hfile.AVG_KEY_LEN"
        | b"hfile.AVG_VALUE_LEN"
        | b"hfile.MAX_TAGS_LEN"
        | b"KEY_VALUE_VERSION"
        | b"BLOOM_FILTER_PARAM" => int(name),
        b"MAJOR_COMPACTION_KEY"
        | b"hfile.TAGS_COMPRESSED"
        | b"HISTORICAL"
        | b"EXCLUDE_FROM_MINOR_COMPACTION"
        | b"SKIP_RESET_SEQ_ID" => info.flag(name).map(|flag| flag.to_string()),
        _ => Ok(bytes()),
    }
}

/// Dictionaries from their files' bytes.
pub fn read_dictionaries(files: &[Vec<u8>]) -> Result<Dictionaries, Problem> {
    let mut dictionaries = Dictionaries::new();
    for (number, bytes) in files.iter().enumerate() {
        let path = format!("dictionary {}", number + 1);
        dictionaries.add(bytes).map_err(|error| Problem::new(ProblemKind::Structure, path, error))?;
    }
    Ok(dictionaries)
}
