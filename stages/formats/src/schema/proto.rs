//! The messages of HBase.proto, FS.proto, ClusterId.proto and StoreFileTracker.proto that describe schemas and regions.
//! Everything is optional here: what HBase requires is checked, with a place, when a message becomes a value.

/// HBase.proto `TableName`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TableName {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub namespace: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub qualifier: Option<Vec<u8>>,
}

/// HBase.proto `BytesBytesPair`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BytesBytesPair {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub first: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub second: Option<Vec<u8>>,
}

/// HBase.proto `NameStringPair`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NameStringPair {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// HBase.proto `ColumnFamilySchema`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ColumnFamilySchema {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub name: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "2")]
    pub attributes: Vec<BytesBytesPair>,
    #[prost(message, repeated, tag = "3")]
    pub configuration: Vec<NameStringPair>,
}

/// HBase.proto `TableSchema`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TableSchema {
    #[prost(message, optional, tag = "1")]
    pub table_name: Option<TableName>,
    #[prost(message, repeated, tag = "2")]
    pub attributes: Vec<BytesBytesPair>,
    #[prost(message, repeated, tag = "3")]
    pub column_families: Vec<ColumnFamilySchema>,
    #[prost(message, repeated, tag = "4")]
    pub configuration: Vec<NameStringPair>,
}

/// HBase.proto `RegionInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RegionInfo {
    #[prost(uint64, optional, tag = "1")]
    pub region_id: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub table_name: Option<TableName>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub start_key: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub end_key: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "5")]
    pub offline: Option<bool>,
    #[prost(bool, optional, tag = "6")]
    pub split: Option<bool>,
    #[prost(int32, optional, tag = "7")]
    pub replica_id: Option<i32>,
}

/// FS.proto `Reference`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Reference {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub splitkey: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub range: Option<i32>,
}

/// FS.proto `HBaseVersionFileContent` and ClusterId.proto `ClusterId`: one text.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OneText {
    #[prost(string, optional, tag = "1")]
    pub text: Option<String>,
}

/// StoreFileTracker.proto `StoreFileEntry`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StoreFileEntry {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    pub size: Option<u64>,
}

/// StoreFileTracker.proto `StoreFileList`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StoreFileList {
    #[prost(uint64, optional, tag = "1")]
    pub timestamp: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    pub store_file: Vec<StoreFileEntry>,
    #[prost(uint64, optional, tag = "3")]
    pub version: Option<u64>,
}
