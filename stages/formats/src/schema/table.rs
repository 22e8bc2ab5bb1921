use super::{Attributes, ColumnFamilySchema, Configuration, proto, strip_pbuf, with_pbuf};
use crate::FormatError;
use crate::wire::{decode_message, required};
use names::{FamilyName, TableName, first_twice};
use prost::Message;
use std::fmt;

/// A table's description (`TableDescriptor`): the first part of a manifest, and the content of `.tableinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// The table.
    pub table: TableName,
    /// The attributes that HBase knows, and any others that somebody set.
    pub attributes: Attributes,
    /// Its column families.
    pub families: Vec<ColumnFamilySchema>,
    /// Configuration of its own.
    pub configuration: Configuration,
}

impl TableSchema {
    /// A family by its name.
    pub fn family(&self, name: &FamilyName) -> Option<&ColumnFamilySchema> {
        self.families.iter().find(|family| &family.name == name)
    }

    /// The store file tracker that the table asks for (`hbase.store.file-tracker.impl`), as it stands.
    pub fn store_file_tracker(&self) -> Result<Option<&str>, FormatError> {
        const KEY: &str = "hbase.store.file-tracker.impl";
        Ok(self.attributes.text(KEY)?.or_else(|| self.configuration.get(KEY)))
    }

    /// How many replicas each region has (`REGION_REPLICATION`, default 1).
    pub fn region_replication(&self) -> Result<i32, FormatError> {
        self.attributes.parsed("REGION_REPLICATION", "a number", 1)
    }

    /// The size in bytes above which a region is split (`MAX_FILESIZE`), if the table says so.
    pub fn max_file_size(&self) -> Result<Option<i64>, FormatError> {
        let size = self.attributes.parsed("MAX_FILESIZE", "a number of bytes", -1)?;
        Ok(Some(size).filter(|&size| size >= 0))
    }

    /// Whether the table takes no writes (`READONLY`, default false).
    pub fn is_read_only(&self) -> bool {
        self.attributes.flag("READONLY", false)
    }

    /// Whether any family keeps large values in MOB files.
    pub fn has_mob(&self) -> bool {
        self.families.iter().any(ColumnFamilySchema::is_mob)
    }

    pub(crate) fn to_proto(&self) -> proto::TableSchema {
        proto::TableSchema {
            table_name: Some(proto_table_name(&self.table)),
            attributes: self.attributes.to_proto(),
            column_families: self.families.iter().map(ColumnFamilySchema::to_proto).collect(),
            configuration: self.configuration.to_proto(),
        }
    }
}

/// Decodes a `TableSchema` message that stands at `base` in its file.
pub fn decode_table_schema(bytes: &[u8], base: u64) -> Result<TableSchema, FormatError> {
    let message: proto::TableSchema = decode_message(bytes, base, "TableSchema")?;
    decode(message).map_err(|error| FormatError {
        what: format!("TableSchema: {}", error.what),
        offset: Some(base),
        ..error
    })
}

fn decode(message: proto::TableSchema) -> Result<TableSchema, FormatError> {
    let table = table_name(required(message.table_name, "the table's name", 0)?)?;
    let families: Vec<_> =
        message.column_families.into_iter().map(ColumnFamilySchema::decode).collect::<Result<_, _>>()?;
    if let Some(twice) = first_twice(families.iter().map(|family| &family.name)) {
        return Err(FormatError::corrupt(format!("column family {twice} is described twice")));
    }
    let what = format!("table {table}");
    let attributes = Attributes::decode(message.attributes, &what)?;
    let configuration = Configuration::decode(message.configuration, &what)?;
    Ok(TableSchema { table, attributes, families, configuration })
}

/// Encodes a `TableSchema` message as HBase does.
pub fn encode_table_schema(schema: &TableSchema) -> Vec<u8> {
    schema.to_proto().encode_to_vec()
}

/// Decodes a `.tableinfo` file: `PBUF` and a `TableSchema` (`util.FSTableDescriptors`).
pub fn decode_table_info(bytes: &[u8]) -> Result<TableSchema, FormatError> {
    decode_table_schema(strip_pbuf(bytes, ".tableinfo")?, 4)
}

/// Encodes a `.tableinfo` file.
pub fn encode_table_info(schema: &TableSchema) -> Vec<u8> {
    with_pbuf(&encode_table_schema(schema))
}

/// A `TableName` message as a name.
pub(crate) fn table_name(message: proto::TableName) -> Result<TableName, FormatError> {
    let text = |bytes: Option<Vec<u8>>, what: &str| {
        let bytes = required(bytes, &format!("TableName: the {what}"), 0)?;
        String::from_utf8(bytes)
            .map_err(|_| FormatError::corrupt(format!("TableName: the {what} is not UTF-8")))
    };
    Ok(TableName::new(&text(message.namespace, "namespace")?, &text(message.qualifier, "qualifier")?)?)
}

/// A name as a `TableName` message.
pub(crate) fn proto_table_name(table: &TableName) -> proto::TableName {
    proto::TableName {
        namespace: Some(table.namespace().as_bytes().to_vec()),
        qualifier: Some(table.qualifier().as_bytes().to_vec()),
    }
}

/// The name of a `.tableinfo` file: `.tableinfo.<sequence, 10 digits>.<length>`; old ones lack the length, or both.
/// If a directory has several, the one that sorts highest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableInfoFileName {
    /// How often the schema was written.
    pub sequence: Option<u32>,
    /// The length of the file in bytes.
    pub length: Option<u64>,
}

impl TableInfoFileName {
    /// Parses the name; `None` if it is another file's.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(".tableinfo")?;
        let mut parts = rest
            .split('.')
            .skip(1)
            .map(|part| part.parse::<u64>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit())));
        let (sequence, length) = (parts.next(), parts.next());
        let tidy = parts.next().is_none() && (rest.is_empty() || rest.starts_with('.'));
        let sequence = sequence.map(|number| number.and_then(|number| u32::try_from(number).ok()));
        match (tidy, sequence, length) {
            (true, None, None) => Some(Self { sequence: None, length: None }),
            (true, Some(Some(sequence)), None) => Some(Self { sequence: Some(sequence), length: None }),
            (true, Some(Some(sequence)), Some(Some(length))) => {
                Some(Self { sequence: Some(sequence), length: Some(length) })
            }
            _ => None,
        }
    }
}

impl fmt::Display for TableInfoFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(".tableinfo")?;
        if let Some(sequence) = self.sequence {
            write!(f, ".{sequence:010}")?;
        }
        self.length.map_or(Ok(()), |length| write!(f, ".{length}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_table_info_name_sorts_last() {
        let name = TableInfoFileName::parse(".tableinfo.0000000001.1189").unwrap();
        assert_eq!(name, TableInfoFileName { sequence: Some(1), length: Some(1189) });
        assert_eq!(name.to_string(), ".tableinfo.0000000001.1189");
        assert!(name < TableInfoFileName::parse(".tableinfo.0000000002").unwrap());
        assert!(TableInfoFileName::parse(".tableinfo").unwrap() < name);
        for bad in
            ["", ".tableinfox", ".tableinfo.", ".tableinfo.1.2.3", ".tableinfo.+1", ".tableinfo.x", ".tmp"]
        {
            assert_eq!(TableInfoFileName::parse(bad), None, "{bad:?}");
        }
    }
}
