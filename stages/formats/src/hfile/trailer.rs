use prost::Message;

use super::proto::{FileTrailerProto, WrappedKeyProto, decode_delimited};
use crate::cell::Comparator;
use crate::compress::Codec;
use crate::{FormatError, FormatErrorKind};

/// Size of the trailer of an HFile of version 3: `FixedFileTrailer.getTrailerSize`.
pub const TRAILER_SIZE: usize = 4096;

/// The comparator name that every HBase from 1.x to 3.x accepts: what a writer should write.
pub const CELL_COMPARATOR: &str = "org.apache.hadoop.hbase.KeyValue$KVComparator";

const MAGIC: [u8; 8] = *b"TRABLK\"$";
const MAJOR: u8 = 3;
const MINOR: u32 = 3;
/// The message ends before the version: what is left of the 4,096 bytes behind the magic.
const LONGEST_MESSAGE: usize = TRAILER_SIZE - MAGIC.len() - 4;
/// HBase's own writer has never been seen to make more than 3.
const MOST_INDEX_LEVELS: u32 = 10;

/// What the last 4,096 bytes of an HFile of version 3.3 say: `FixedFileTrailer`. No checksum covers them.
/// Offsets are bytes from the start of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
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
    /// Decodes a `WrappedKey` with its length in front, as HFile trailers and WAL headers hold it.
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
    /// Decodes the trailer from a file's last bytes (`tail`: at least its last 4,096; more is fine) and checks
    /// that its offsets are possible in a file of `file_len` bytes.
    ///
    /// # Errors
    /// Unsupported for a version other than 3.3, an unknown comparator or codec number; Truncated or Corrupt
    /// otherwise. Offsets of errors count from the start of the file.
    pub fn decode(tail: &[u8], file_len: u64) -> Result<Self, FormatError> {
        check_version(tail, file_len)?;
        let start = file_len.checked_sub(TRAILER_SIZE as u64);
        let (_, trailer) = tail
            .split_last_chunk::<TRAILER_SIZE>()
            .ok_or_else(|| FormatError::truncated("fewer bytes than an HFile trailer has"))?;
        let start = start.ok_or_else(|| FormatError::truncated("too short to be an HFile"))?;
        Self::decode_at(trailer, start).map_err(|error| error.at(start))
    }

    fn decode_at(trailer: &[u8; TRAILER_SIZE], start: u64) -> Result<Self, FormatError> {
        let message = trailer
            .strip_prefix(&MAGIC)
            .and_then(|rest| rest.get(..LONGEST_MESSAGE))
            .ok_or_else(|| FormatError::corrupt("HFile trailer: no trailer magic"))?;
        let proto: FileTrailerProto = decode_delimited(message, "HFile trailer")?;
        let trailer = Self::from_proto(proto)?;
        trailer.check(start)?;
        Ok(trailer)
    }

    fn from_proto(proto: FileTrailerProto) -> Result<Self, FormatError> {
        let ordinal = proto.compression_codec.unwrap_or(u32::from(Codec::None.ordinal()));
        let codec = Codec::from_ordinal(ordinal).ok_or_else(|| {
            FormatError::unsupported(format!("HFile trailer: unknown compression codec number {ordinal}"))
        })?;
        let needed = |field: Option<u64>, name: &str| {
            field.ok_or_else(|| FormatError::corrupt(format!("HFile trailer: {name} is missing")))
        };
        Ok(Self {
            file_info_offset: needed(proto.file_info_offset, "file_info_offset")?,
            load_on_open_offset: needed(proto.load_on_open_data_offset, "load_on_open_data_offset")?,
            uncompressed_data_index_size: proto.uncompressed_data_index_size.unwrap_or(0),
            total_uncompressed_bytes: proto.total_uncompressed_bytes.unwrap_or(0),
            data_index_count: proto.data_index_count.unwrap_or(0),
            meta_index_count: proto.meta_index_count.unwrap_or(0),
            entry_count: proto.entry_count.unwrap_or(0),
            data_index_levels: proto.num_data_index_levels.unwrap_or(1),
            // -1, a file without data blocks, stands as an unsigned number there.
            first_data_block_offset: proto.first_data_block_offset.filter(|offset| *offset != u64::MAX),
            last_data_block_offset: proto.last_data_block_offset.filter(|offset| *offset != u64::MAX),
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
        self.comparator().map(|_| ())
    }

    /// The order of the file's cells; none where its keys are no cells (`RawBytesComparator`).
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
            | "CellComparatorImpl$MetaCellComparator" => Ok(Some(Comparator::Meta)),
            "KeyValue$RawBytesComparator" => Ok(None),
            _ => Err(FormatError::unsupported(format!("HFile trailer: unknown comparator {class:?}"))),
        }
    }

    /// Whether all blocks are encrypted: then only copying and checksums work.
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

    /// Encodes the trailer as version 3.3, 4,096 bytes.
    ///
    /// # Errors
    /// TooLarge if comparator name and key leave it no room.
    pub fn encode(&self) -> Result<[u8; TRAILER_SIZE], FormatError> {
        let message = self.to_proto().encode_length_delimited_to_vec();
        let mut trailer = [0; TRAILER_SIZE];
        let padding = LONGEST_MESSAGE.checked_sub(message.len()).ok_or_else(|| {
            FormatError::too_large(format!("an HFile trailer has no room for {} bytes", message.len()))
        })?;
        let version = (MINOR << 24 | u32::from(MAJOR)).to_be_bytes();
        let bytes = MAGIC.into_iter().chain(message).chain(std::iter::repeat_n(0, padding)).chain(version);
        trailer.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
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

/// The last four bytes are the version: `minor << 24 | major`.
fn check_version(tail: &[u8], file_len: u64) -> Result<(), FormatError> {
    let Some((_, version)) = tail.split_last_chunk::<4>() else {
        return Err(FormatError::truncated("too short to be an HFile"));
    };
    let version = u32::from_be_bytes(*version);
    let (major, minor) = (version & 0x00ff_ffff, version >> 24);
    if major == u32::from(MAJOR) && minor == MINOR {
        return Ok(());
    }
    let (kind, text) = if (1..=9).contains(&major) {
        (FormatErrorKind::Unsupported, format!("HFile version {major}.{minor}: only 3.3 can be read"))
    } else {
        (FormatErrorKind::Corrupt, format!("no HFile: it ends in {version:08x}, which is no version"))
    };
    Err(FormatError::new(kind, text).at(file_len.saturating_sub(4)))
}
