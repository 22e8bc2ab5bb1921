use prost::Message;

use super::proto::{FileTrailerProto, WrappedKeyProto, decode_delimited};
use super::version::{HFileVersion, MAGIC};
use crate::cell::Comparator;
use crate::compress::Codec;
use crate::{FormatError, Unsupported};

/// Size of the trailer of an HFile of version 3, the longest: `FixedFileTrailer.getTrailerSize`.
pub const TRAILER_SIZE: usize = 4096;

/// The comparator name that every HBase from 1.x to 3.x accepts: what a writer should write.
pub const CELL_COMPARATOR: &str = "org.apache.hadoop.hbase.KeyValue$KVComparator";

/// The most index levels that are accepted; HBase's own writer has never been seen to make more than 3.
const MOST_INDEX_LEVELS: u32 = 10;

/// The last bytes of an HFile, 4,096 in version 3 and 212 in version 2: `FixedFileTrailer`. No checksum covers
/// them. Offsets are bytes from the start of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// The version of the file.
    pub version: HFileVersion,
    /// Where the file info block is.
    pub file_info_offset: u64,
    /// Where the section that is read on open begins: at the data root index block.
    pub load_on_open_offset: u64,
    /// Uncompressed size of the data index; informational.
    pub uncompressed_data_index_size: u64,
    /// Sum of all blocks' headers and uncompressed sizes, and this trailer; informational.
    pub total_uncompressed_bytes: u64,
    /// Entries of the data root index.
    pub data_index_count: u32,
    /// Entries of the meta root index.
    pub meta_index_count: u32,
    /// Cells in the file.
    pub entry_count: u64,
    /// Levels of the data index; 1 is the root alone.
    pub data_index_levels: u32,
    /// Offset of the first data block; none if the file has no cells.
    pub first_data_block_offset: Option<u64>,
    /// Offset of the last data block; none if the file has no cells.
    pub last_data_block_offset: Option<u64>,
    /// Class name of the comparator as it stands in the file; see [`Trailer::comparator`].
    pub comparator_class: Option<String>,
    /// How the blocks are compressed.
    pub codec: Codec,
    /// The data key, wrapped: a delimited `WrappedKey`. Its presence means that all blocks are encrypted.
    pub encryption_key: Option<Vec<u8>>,
}

/// A data key, encrypted by a master key that the file does not name: `WrappedKey` of `Encryption.proto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Cipher, "AES".
    pub algorithm: String,
    /// Length of the key in bytes.
    pub length: u32,
    /// The encrypted key.
    pub encrypted: Vec<u8>,
    /// Initialization vector.
    pub iv: Vec<u8>,
    /// Digest of the plain key, where there is one.
    pub hash: Option<Vec<u8>>,
    /// What the digest is; HBase's default is MD5.
    pub hash_algorithm: String,
}

impl WrappedKey {
    /// Decodes a length-prefixed `WrappedKey`, as HFile trailers and WAL headers hold it.
    ///
    /// # Errors
    /// Corrupt if it is no such message or names no algorithm.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let key: WrappedKeyProto = decode_delimited(bytes, "wrapped encryption key")?;
        let algorithm = key
            .algorithm
            .ok_or_else(|| FormatError::corrupt("the wrapped encryption key names no algorithm"))?;
        Ok(Self {
            algorithm,
            length: key.length.unwrap_or(0),
            encrypted: key.data.unwrap_or_default(),
            iv: key.iv.unwrap_or_default(),
            hash: key.hash,
            hash_algorithm: key.hash_algorithm.unwrap_or_else(|| "MD5".to_owned()),
        })
    }
}

impl Trailer {
    /// Decodes the trailer from a file's last bytes (`tail`: at least its last 4,096, or all of a shorter file; more is
    /// fine) and checks that its offsets are possible in a file of `file_len` bytes.
    ///
    /// # Errors
    /// Unsupported for a version that HBase 2 does not read or an unknown codec number; Truncated or Corrupt
    /// otherwise. Offsets of errors count from the start of the file.
    pub fn decode(tail: &[u8], file_len: u64) -> Result<Self, FormatError> {
        let version = HFileVersion::read(tail, file_len)?;
        let size = version.trailer_size().unwrap_or(TRAILER_SIZE);
        let start = file_len.checked_sub(size as u64);
        let trailer = tail.len().checked_sub(size).and_then(|start| tail.get(start..));
        let trailer =
            trailer.ok_or_else(|| FormatError::truncated("fewer bytes than an HFile trailer has"))?;
        let start = start.ok_or_else(|| FormatError::truncated("too short to be an HFile"))?;
        Self::decode_at(version, trailer, start).map_err(|error| error.at(start))
    }

    fn decode_at(version: HFileVersion, trailer: &[u8], start: u64) -> Result<Self, FormatError> {
        let message = trailer
            .strip_prefix(&MAGIC)
            .and_then(|rest| rest.split_last_chunk::<4>())
            .map(|(message, _)| message)
            .ok_or_else(|| FormatError::corrupt("HFile trailer: no trailer magic"))?;
        let proto: FileTrailerProto = decode_delimited(message, "HFile trailer")?;
        let trailer = Self::from_proto(version, proto)?;
        trailer.check(start)?;
        Ok(trailer)
    }

    fn from_proto(version: HFileVersion, proto: FileTrailerProto) -> Result<Self, FormatError> {
        let ordinal = proto.compression_codec.unwrap_or(u32::from(Codec::None.ordinal()));
        let codec = Codec::from_ordinal(ordinal).ok_or_else(|| {
            FormatError::unsupported(
                Unsupported::Codec,
                format!("HFile trailer: unknown compression codec number {ordinal}"),
            )
        })?;
        let needed = |field: Option<u64>, name: &str| {
            field.ok_or_else(|| FormatError::corrupt(format!("HFile trailer: {name} is missing")))
        };
        // -1, for a file without data blocks, is stored as an unsigned number there. Hudi's writer leaves the last one
        // at 0 if there is none.
        let first = proto.first_data_block_offset.filter(|offset| *offset != u64::MAX);
        let is_empty = first.is_none() && proto.entry_count.unwrap_or(0) == 0;
        let last =
            proto.last_data_block_offset.filter(|offset| *offset != u64::MAX && !(is_empty && *offset == 0));
        Ok(Self {
            version,
            file_info_offset: needed(proto.file_info_offset, "file_info_offset")?,
            load_on_open_offset: needed(proto.load_on_open_data_offset, "load_on_open_data_offset")?,
            uncompressed_data_index_size: proto.uncompressed_data_index_size.unwrap_or(0),
            total_uncompressed_bytes: proto.total_uncompressed_bytes.unwrap_or(0),
            data_index_count: proto.data_index_count.unwrap_or(0),
            meta_index_count: proto.meta_index_count.unwrap_or(0),
            entry_count: proto.entry_count.unwrap_or(0),
            data_index_levels: proto.num_data_index_levels.unwrap_or(1),
            first_data_block_offset: first,
            last_data_block_offset: last,
            comparator_class: proto.comparator_class_name,
            codec,
            encryption_key: proto.encryption_key,
        })
    }

    /// `end`: where the blocks end and the trailer starts.
    fn check(&self, end: u64) -> Result<(), FormatError> {
        let corrupt = |what: String| Err(FormatError::corrupt(format!("HFile trailer: {what}")));
        let (open, info) = (self.load_on_open_offset, self.file_info_offset);
        if open > info || info >= end {
            return corrupt(format!(
                "file info at {info}, section to load at {open}, but the blocks end at {end}"
            ));
        }
        match (self.first_data_block_offset, self.last_data_block_offset) {
            (Some(first), Some(last)) if first > last || last >= open => {
                return corrupt(format!("data blocks from {first} to {last}, but the index is at {open}"));
            }
            (None, Some(_)) | (Some(_), None) => {
                return corrupt("only one of first and last data block is there".to_owned());
            }
            (None, None) if self.entry_count > 0 => {
                return corrupt(format!("{} cells but no data block", self.entry_count));
            }
            _ => {}
        }
        if !(1..=MOST_INDEX_LEVELS).contains(&self.data_index_levels) {
            return corrupt(format!("{} index levels", self.data_index_levels));
        }
        // HBase keeps these in an int.
        if self.data_index_count.max(self.meta_index_count) > i32::MAX as u32 {
            return corrupt("a negative count of index entries".to_owned());
        }
        Ok(())
    }

    /// The size of the trailer itself: the blocks end this many bytes before the file does.
    #[must_use]
    pub fn size(&self) -> usize {
        self.version.trailer_size().unwrap_or(TRAILER_SIZE)
    }

    /// The order of the file's cells; `None` where its keys are not those of cells (`RawBytesComparator`).
    ///
    /// # Errors
    /// Unsupported, naming it, for a comparator that HBase does not know as a store's.
    pub fn comparator(&self) -> Result<Option<Comparator>, FormatError> {
        let Some(class) = &self.comparator_class else { return Ok(Some(Comparator::Cell)) };
        match class.strip_prefix("org.apache.hadoop.hbase.").unwrap_or_default() {
            "KeyValue$KVComparator"
            | "KeyValue$KeyComparator"
            | "CellComparator"
            | "CellComparatorImpl"
            | "InnerStoreCellComparator" => Ok(Some(Comparator::Cell)),
            "KeyValue$MetaComparator"
            | "KeyValue$MetaKeyComparator"
            | "MetaCellComparator"
            | "CellComparator$MetaCellComparator"
            | "CellComparatorImpl$MetaCellComparator" => Ok(Some(Comparator::Meta)),
            "KeyValue$RawBytesComparator" | "util.Bytes$ByteArrayComparator" => Ok(None),
            _ => Err(FormatError::unsupported(
                Unsupported::Comparator,
                format!("comparator {class:?}, which HBase does not have: another writer's file"),
            )),
        }
    }

    /// Whether all blocks are encrypted: then they can only be copied and their checksums verified.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encryption_key.is_some()
    }

    /// The file's wrapped data key, if it is encrypted.
    ///
    /// # Errors
    /// Corrupt if the trailer's key is no `WrappedKey`.
    pub fn wrapped_key(&self) -> Result<Option<WrappedKey>, FormatError> {
        self.encryption_key.as_deref().map(WrappedKey::decode).transpose()
    }

    /// Encodes the trailer in the form of its version.
    ///
    /// # Errors
    /// TooLarge if comparator name and key leave it no room.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        let mut trailer = MAGIC.to_vec();
        trailer.append(&mut self.to_proto().encode_length_delimited_to_vec());
        let padded = self.size() - 4;
        if trailer.len() > padded {
            let text = format!("an HFile trailer has no room for {} bytes", trailer.len());
            return Err(FormatError::too_large(text));
        }
        trailer.resize(padded, 0);
        let HFileVersion { major, minor } = self.version;
        trailer.extend((u32::from(minor) << 24 | major).to_be_bytes());
        Ok(trailer)
    }

    fn to_proto(&self) -> FileTrailerProto {
        FileTrailerProto {
            file_info_offset: Some(self.file_info_offset),
            load_on_open_data_offset: Some(self.load_on_open_offset),
            uncompressed_data_index_size: Some(self.uncompressed_data_index_size),
            total_uncompressed_bytes: Some(self.total_uncompressed_bytes),
            data_index_count: Some(self.data_index_count),
            meta_index_count: Some(self.meta_index_count),
            entry_count: Some(self.entry_count),
            num_data_index_levels: Some(self.data_index_levels),
            first_data_block_offset: Some(self.first_data_block_offset.unwrap_or(u64::MAX)),
            last_data_block_offset: Some(self.last_data_block_offset.unwrap_or(u64::MAX)),
            comparator_class_name: self.comparator_class.clone(),
            compression_codec: Some(u32::from(self.codec.ordinal())),
            encryption_key: self.encryption_key.clone(),
        }
    }
}
