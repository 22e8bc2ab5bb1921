use crate::marks::{Mark, value};
use crate::{ReadError, WalMarks};
use arrow_schema::{DataType, Field, Schema};
use parquet::file::metadata::{FileMetaData, KeyValue};

/// The value of the key `tidegate.content`.
pub const CONTENT: &str = "batch";
/// The value of the key `tidegate.version`: raised when a column is added, removed or changes its meaning, and when the
/// same edits would give other bytes.
pub const VERSION: u32 = 2;

const TABLE: &str = "tidegate.table";
const UNORDERED: &str = "tidegate.unordered";

pub(super) const MARK: Mark = Mark { content: CONTENT, version: VERSION };

/// What a batch was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchMarks {
    /// The WAL.
    pub wal: WalMarks,
    /// The table, as `ns:name`.
    pub table: String,
    /// Regions whose sequence ids go back in the WAL, which HBase never writes, by their encoded names.
    pub unordered: Vec<String>,
}

impl BatchMarks {
    pub(super) fn encode(&self) -> Vec<KeyValue> {
        let mut marks = MARK.encode();
        self.wal.encode(&mut marks);
        marks.push(KeyValue::new(TABLE.to_owned(), self.table.clone()));
        if !self.unordered.is_empty() {
            marks.push(KeyValue::new(UNORDERED.to_owned(), self.unordered.join(",")));
        }
        marks
    }

    pub(super) fn decode(metadata: &FileMetaData) -> Result<Self, ReadError> {
        MARK.check(metadata)?;
        let unordered =
            value(metadata, UNORDERED).unwrap_or_default().split(',').filter(|name| !name.is_empty());
        Ok(Self {
            wal: WalMarks::decode(metadata)?,
            table: value(metadata, TABLE)?.to_owned(),
            unordered: unordered.map(str::to_owned).collect(),
        })
    }
}

/// The columns as they are written.
pub(super) fn schema() -> Schema {
    columns(|of| DataType::Dictionary(Box::new(DataType::Int32), Box::new(of)))
}

/// The columns as they are read here: without dictionaries, which only Arrow's own copy of the schema records.
pub(super) fn plain_schema() -> Schema {
    columns(|of| of)
}

fn columns(dictionary: impl Fn(DataType) -> DataType) -> Schema {
    Schema::new(vec![
        Field::new("region", dictionary(DataType::Utf8), false),
        Field::new("sequence", DataType::UInt64, false),
        Field::new("index", DataType::UInt32, false),
        Field::new("row", DataType::Binary, false),
        Field::new("family", dictionary(DataType::Binary), false),
        Field::new("qualifier", DataType::Binary, false),
        Field::new("timestamp", DataType::Int64, false),
        Field::new("type", DataType::UInt8, false),
        Field::new("value", DataType::Binary, false),
        Field::new("tags", DataType::Binary, true),
        Field::new("write_time", DataType::Int64, false),
        Field::new("origin", dictionary(DataType::Utf8), true),
    ])
}
