//! Write-ahead logs (`ProtobufWALStreamReader`, `ProtobufLogWriter`): `PWAL`, a header, entries, and, if the file was
//! closed, a trailer.
//!
//! A WAL has no checksum. Only its structure can be checked: a flipped bit in a value is read as HBase reads
//! it.

mod cells;
mod compression;
mod decoder;
mod dictionaries;
mod encoder;
mod entry;
mod header;
mod json;
mod key;
mod marker;
mod marker_encoding;
mod plain;
mod plausible;
mod proto;
mod salvage;

pub use cells::WalCells;
pub use decoder::{Step, WalDecoder, WalDecoderOptions, WalEnd, WalLimits};
pub use encoder::WalEncoder;
pub use entry::WalEntry;
pub use header::{CellLayout, WalHeader};
pub use json::encode_entry_json;
pub use key::{ClusterId, ExtendedAttribute, FamilyScope, WalKey, WalKeyFields};
pub use marker::{
    BulkLoadDescriptor, CompactionDescriptor, EventType, FlushAction, FlushDescriptor, METAFAMILY, Marker,
    RegionEventDescriptor, StoreDescriptor,
};
pub use salvage::{Lost, SalvageStep, WalSalvager};
