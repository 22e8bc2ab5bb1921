//! The key-value metadata by which our files are known, and what they came from.

use crate::ReadError;
use crate::error::damaged;
use arrow_schema::Schema;
use parquet::file::metadata::{FileMetaData, KeyValue};

const CONTENT: &str = "tidegate.content";
const VERSION: &str = "tidegate.version";
const WAL: &str = "tidegate.wal";
const BYTES: &str = "tidegate.wal.bytes";
const CLOSED: &str = "tidegate.wal.closed";

/// Key and value that say what a file holds, and in which version of its schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) content: &'static str,
    pub(crate) version: u32,
}

impl Mark {
    pub(crate) fn encode(self) -> Vec<KeyValue> {
        vec![
            KeyValue::new(CONTENT.to_owned(), self.content.to_owned()),
            KeyValue::new(VERSION.to_owned(), self.version.to_string()),
        ]
    }

    /// Checks that the file says that it is this.
    pub(crate) fn check(self, metadata: &FileMetaData) -> Result<(), ReadError> {
        let found = value(metadata, CONTENT)?;
        if found != self.content {
            return Err(ReadError::OtherContent { found: found.to_owned(), expected: self.content });
        }
        let found = value(metadata, VERSION)?;
        if found != self.version.to_string() {
            return Err(ReadError::OtherVersion { found: found.to_owned(), known: self.version });
        }
        Ok(())
    }
}

/// The value of a key that each of our files of this kind has.
pub(crate) fn value<'m>(metadata: &'m FileMetaData, key: &'static str) -> Result<&'m str, ReadError> {
    let marks = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
    let found = marks.iter().find(|mark| mark.key == key).and_then(|mark| mark.value.as_deref());
    found.ok_or(ReadError::Foreign { key })
}

/// The same for a value that is a number or a boolean.
pub(crate) fn parsed<T: std::str::FromStr>(
    metadata: &FileMetaData,
    key: &'static str,
) -> Result<T, ReadError> {
    let text = value(metadata, key)?;
    text.parse().map_err(|_| damaged(format!("{key} is {text:?}")))
}

/// The WAL that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WalMarks {
    /// Name of its file; of recovered edits `<encoded region>-<n>`. Without directories: HBase moves WALs.
    pub name: String,
    /// How many of its bytes are in here: up to the end of the last whole entry, or of the file if it was closed.
    pub bytes: u64,
    /// Whether it was closed, so that nothing can follow.
    pub closed: bool,
}

impl WalMarks {
    /// The name of the files made from it, without `.parquet`: the WAL's name, and of a WAL that was not
    /// closed how far it had been read: `<wal>@<bytes>`.
    #[must_use]
    pub fn stem(&self) -> String {
        match self.closed {
            true => self.name.clone(),
            false => format!("{}@{}", self.name, self.bytes),
        }
    }

    pub(crate) fn encode(&self, marks: &mut Vec<KeyValue>) {
        marks.push(KeyValue::new(WAL.to_owned(), self.name.clone()));
        marks.push(KeyValue::new(BYTES.to_owned(), self.bytes.to_string()));
        marks.push(KeyValue::new(CLOSED.to_owned(), self.closed.to_string()));
    }

    pub(crate) fn decode(metadata: &FileMetaData) -> Result<Self, ReadError> {
        Ok(Self {
            name: value(metadata, WAL)?.to_owned(),
            bytes: parsed(metadata, BYTES)?,
            closed: parsed(metadata, CLOSED)?,
        })
    }
}

/// What a WAL holds of one table, markers left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableTotals {
    /// The table, as `ns:name`.
    pub table: String,
    /// Regions with edits.
    pub regions: u64,
    /// Entries with edits.
    pub entries: u64,
    /// Cells.
    pub cells: u64,
}

impl TableTotals {
    /// A line for each table; a table's name has no tabs.
    pub(crate) fn encode(all: &[Self]) -> String {
        let line = |of: &Self| format!("{}\t{}\t{}\t{}\n", of.table, of.regions, of.entries, of.cells);
        all.iter().map(line).collect()
    }

    pub(crate) fn decode(text: &str) -> Result<Vec<Self>, ReadError> {
        text.lines()
            .map(|line| Self::of_line(line).ok_or_else(|| damaged(format!("{line:?} is no table"))))
            .collect()
    }

    fn of_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let table = fields.next()?.to_owned();
        let mut number = || fields.next()?.parse().ok();
        Some(Self { table, regions: number()?, entries: number()?, cells: number()? })
    }
}

/// Whether a file has exactly these columns.
pub(crate) fn check_columns(found: &Schema, expected: &Schema) -> Result<(), ReadError> {
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
