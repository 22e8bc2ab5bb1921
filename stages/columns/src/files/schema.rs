use arrow_schema::{DataType, Field, Fields, Schema};
use std::sync::Arc;

use crate::marks::Mark;

/// The value of the key `tidegate.content` in a file list.
pub const CONTENT: &str = "files";
/// The value of the key `tidegate.version`: raised when a column is added, removed or changes its meaning.
pub const VERSION: u32 = 1;

/// The columns, in their order.
pub(crate) fn schema() -> Schema {
    let range = DataType::Struct(range_fields());
    Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("source_path", DataType::Utf8, false),
        Field::new("len", DataType::UInt64, false),
        Field::new("crc32c", DataType::UInt32, true),
        Field::new("blake3", DataType::FixedSizeBinary(32), true),
        Field::new("ranges", DataType::List(Arc::new(Field::new("element", range, false))), false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("table", DataType::Utf8, false),
        Field::new("region", DataType::Utf8, false),
        Field::new("family", DataType::Utf8, false),
        Field::new("min_sequence", DataType::UInt64, true),
        Field::new("max_sequence", DataType::UInt64, true),
        Field::new("entries", DataType::UInt64, true),
        Field::new("encrypted", DataType::Boolean, false),
        Field::new("key_alias", DataType::Utf8, true),
        Field::new("blocks", DataType::UInt64, true),
        Field::new("checksum_type", DataType::Utf8, true),
        Field::new("identity", DataType::Utf8, false),
    ])
}

/// The columns of one range.
pub(crate) fn range_fields() -> Fields {
    Fields::from(vec![
        Field::new("offset", DataType::UInt64, false),
        Field::new("len", DataType::UInt64, false),
        Field::new("crc32c", DataType::UInt32, false),
        Field::new("blake3", DataType::FixedSizeBinary(32), false),
    ])
}

/// The metadata that marks a file as a file list of this version.
pub(crate) const MARK: Mark = Mark { content: CONTENT, version: VERSION };
