use arrow_schema::{DataType, Field, Fields, Schema};
use parquet::file::metadata::{FileMetaData, KeyValue};
use std::sync::Arc;

use crate::ReadError;

/// What the key `tidegate.content` says in a file list.
pub const CONTENT: &str = "files";
/// What the key `tidegate.version` says: raised when a column is added, removed or changes its meaning.
pub const VERSION: u32 = 1;

const CONTENT_KEY: &str = "tidegate.content";
const VERSION_KEY: &str = "tidegate.version";

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

/// What marks a file as a file list of this version.
pub(crate) fn marks() -> Vec<KeyValue> {
    vec![
        KeyValue::new(CONTENT_KEY.to_owned(), CONTENT.to_owned()),
        KeyValue::new(VERSION_KEY.to_owned(), VERSION.to_string()),
    ]
}

/// Whether the file says that it is a file list of this version.
pub(crate) fn check_marks(metadata: &FileMetaData) -> Result<(), ReadError> {
    let mark = |key: &'static str| {
        let marks = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let found = marks.iter().find(|mark| mark.key == key).and_then(|mark| mark.value.clone());
        found.ok_or(ReadError::Foreign { key })
    };
    let content = mark(CONTENT_KEY)?;
    if content != CONTENT {
        return Err(ReadError::OtherContent { found: content, expected: CONTENT });
    }
    let version = mark(VERSION_KEY)?;
    if version != VERSION.to_string() {
        return Err(ReadError::OtherVersion { found: version, known: VERSION });
    }
    Ok(())
}

/// Whether the file has exactly our columns.
pub(crate) fn check_columns(found: &Schema) -> Result<(), ReadError> {
    let expected = schema();
    for (found, expected) in found.fields().iter().zip(expected.fields()) {
        if found.name() != expected.name() || found.is_nullable() != expected.is_nullable() {
            return Err(ReadError::OtherColumns(format!("`{}` where `{}` belongs", found, expected)));
        }
        if found.data_type() != expected.data_type() {
            let (name, found, expected) = (found.name(), found.data_type(), expected.data_type());
            return Err(ReadError::OtherColumns(format!("`{name}` is {found}, not {expected}")));
        }
    }
    match (found.fields().len(), expected.fields().len()) {
        (found, expected) if found == expected => Ok(()),
        (found, expected) => Err(ReadError::OtherColumns(format!("{found} columns where {expected} belong"))),
    }
}
