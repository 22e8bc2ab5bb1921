//! The protobuf messages of an HFile (`HFile.proto`, `Encryption.proto`, `HBase.proto`), only what is needed.

use prost::Message;

use crate::FormatError;

/// `FileTrailerProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FileTrailerProto {
    #[prost(uint64, optional, tag = "1")]
    pub(super) file_info_offset: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) load_on_open_data_offset: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) uncompressed_data_index_size: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    pub(super) total_uncompressed_bytes: Option<u64>,
    #[prost(uint32, optional, tag = "5")]
    pub(super) data_index_count: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    pub(super) meta_index_count: Option<u32>,
    #[prost(uint64, optional, tag = "7")]
    pub(super) entry_count: Option<u64>,
    #[prost(uint32, optional, tag = "8")]
    pub(super) num_data_index_levels: Option<u32>,
    #[prost(uint64, optional, tag = "9")]
    pub(super) first_data_block_offset: Option<u64>,
    #[prost(uint64, optional, tag = "10")]
    pub(super) last_data_block_offset: Option<u64>,
    #[prost(string, optional, tag = "11")]
    pub(super) comparator_class_name: Option<String>,
    #[prost(uint32, optional, tag = "12")]
    pub(super) compression_codec: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "13")]
    pub(super) encryption_key: Option<Vec<u8>>,
}

/// `WrappedKey`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WrappedKeyProto {
    #[prost(string, optional, tag = "1")]
    pub(super) algorithm: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub(super) length: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(super) data: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(super) iv: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub(super) hash: Option<Vec<u8>>,
    #[prost(string, optional, tag = "6")]
    pub(super) hash_algorithm: Option<String>,
}

/// `FileInfoProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FileInfoProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) map_entry: Vec<BytesBytesPair>,
}

/// `BytesBytesPair`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BytesBytesPair {
    #[prost(bytes = "vec", tag = "1", required)]
    pub(super) first: Vec<u8>,
    #[prost(bytes = "vec", tag = "2", required)]
    pub(super) second: Vec<u8>,
}

/// `TimeRangeTracker`, as older files hold it in TIMERANGE.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TimeRangeTracker {
    #[prost(uint64, optional, tag = "1")]
    pub(super) from: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) to: Option<u64>,
}

/// Decodes a length-prefixed message (`writeDelimitedTo`); the caller deals with what follows it.
pub(super) fn decode_delimited<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, FormatError> {
    M::decode_length_delimited(bytes).map_err(|error| FormatError::corrupt(format!("{what}: {error}")))
}
