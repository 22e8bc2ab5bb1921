//! What a table is: its schema, its regions, and the small files beside the cells (`.tableinfo`, `.regioninfo`,
//! Reference files, `.filelist`, `hbase.id`, `hbase.version`).

mod attributes;
mod describe;
mod family;
mod file_list;
pub(crate) mod proto;
mod reference;
mod refused;
mod region_info;
mod root;
mod table;

pub use attributes::{Attributes, Configuration};
pub use family::{BloomType, ColumnFamilySchema, KeepDeletedCells};
pub use file_list::{
    StoreFileEntry, StoreFileList, TrackFileName, decode_store_file_list, newest_store_file_list,
};
pub use reference::{Range, Reference, decode_reference, encode_reference};
pub(crate) use region_info::decode_region_info;
pub use region_info::{
    RegionInfo, decode_region_info_file, decode_region_info_value, encode_region_info,
    encode_region_info_file,
};
pub use root::{decode_cluster_id, decode_file_system_version};
pub use table::{TableInfoFileName, TableSchema, decode_table_info, encode_table_info};
pub(crate) use table::{decode_table_schema, encode_table_schema};

use crate::FormatError;

/// The magic at the start of a file that holds one protobuf.
pub(crate) const PBUF: &[u8; 4] = b"PBUF";

/// The bytes after the `PBUF` magic.
fn strip_pbuf<'a>(bytes: &'a [u8], what: &str) -> Result<&'a [u8], FormatError> {
    if bytes.len() < PBUF.len() && PBUF.starts_with(bytes) {
        return Err(FormatError::truncated(format!("{what} ends within its first four bytes")).at(0));
    }
    bytes
        .strip_prefix(PBUF)
        .ok_or_else(|| FormatError::corrupt(format!("{what} does not start with PBUF")).at(0))
}

/// `PBUF` and a message.
fn with_pbuf(message: &[u8]) -> Vec<u8> {
    [PBUF.as_slice(), message].concat()
}
