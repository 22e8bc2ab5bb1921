//! The messages of markers (WAL.proto). Everything is optional here: what HBase requires is checked when a message
//! becomes a value.

use prost::Message;

use crate::schema::proto::TableName;

#[derive(Clone, PartialEq, Message)]
pub(super) struct StoreDescriptor {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub family_name: Option<Vec<u8>>,
    #[prost(string, optional, tag = "2")]
    pub store_home_dir: Option<String>,
    #[prost(string, repeated, tag = "3")]
    pub store_file: Vec<String>,
    #[prost(uint64, optional, tag = "4")]
    pub store_file_size_bytes: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ServerName {
    #[prost(string, optional, tag = "1")]
    pub host_name: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub port: Option<u32>,
    #[prost(uint64, optional, tag = "3")]
    pub start_code: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RegionEventDescriptor {
    #[prost(uint32, optional, tag = "1")]
    pub event_type: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub table_name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub encoded_region_name: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "4")]
    pub log_sequence_number: Option<u64>,
    #[prost(message, repeated, tag = "5")]
    pub stores: Vec<StoreDescriptor>,
    #[prost(message, optional, tag = "6")]
    pub server: Option<ServerName>,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub region_name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FlushDescriptor {
    #[prost(uint32, optional, tag = "1")]
    pub action: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub table_name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub encoded_region_name: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "4")]
    pub flush_sequence_number: Option<u64>,
    /// `StoreFlushDescriptor` has the first three fields of `StoreDescriptor`.
    #[prost(message, repeated, tag = "5")]
    pub store_flushes: Vec<StoreDescriptor>,
    #[prost(bytes = "vec", optional, tag = "6")]
    pub region_name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CompactionDescriptor {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub table_name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub encoded_region_name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub family_name: Option<Vec<u8>>,
    #[prost(string, repeated, tag = "4")]
    pub compaction_input: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    pub compaction_output: Vec<String>,
    #[prost(string, optional, tag = "6")]
    pub store_home_dir: Option<String>,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub region_name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BulkLoadDescriptor {
    #[prost(message, optional, tag = "1")]
    pub table_name: Option<TableName>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub encoded_region_name: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "3")]
    pub stores: Vec<StoreDescriptor>,
    #[prost(int64, optional, tag = "4")]
    pub bulkload_seq_num: Option<i64>,
    #[prost(string, repeated, tag = "5")]
    pub cluster_ids: Vec<String>,
    #[prost(bool, optional, tag = "6")]
    pub replicate: Option<bool>,
}
