use super::{RegionManifest, decode_region_manifest, decode_snapshot_description, encode_region_manifest};
use crate::FormatError;
use crate::schema::{decode_table_schema, encode_table_schema};
use crate::wire::{Fields, put_bytes, put_varint};
use names::{SnapshotName, TableName};

const NAME: u32 = 1;
const TABLE: u32 = 2;
const TTL: u32 = 8;

/// What a copy of a snapshot changes in its description: its name and time to live, as ExportSnapshot does (`--target`
/// and `--reset-ttl`), and its table, where it is restored as another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DescriptionRewrite {
    /// The copy's name, if it is another.
    pub name: Option<SnapshotName>,
    /// The table it is of, if that is another.
    pub table: Option<TableName>,
    /// Sets the time to live to 0, for ever.
    pub reset_ttl: bool,
}

/// Edits a `.snapshotinfo` on the wire: all other fields stay byte for byte, known or not.
///
/// The manifest need not change for another name or time to live: it holds neither. For another table see
/// [`rewrite_manifest`].
pub fn rewrite_description(bytes: &[u8], rewrite: &DescriptionRewrite) -> Result<Vec<u8>, FormatError> {
    decode_snapshot_description(bytes)?;
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let mut ttl_to_come = rewrite.reset_ttl;
    for field in Fields::new(bytes, 0, "SnapshotDescription") {
        let field = field?;
        if ttl_to_come && field.number >= TTL {
            put_forever(&mut out);
            ttl_to_come = false;
        }
        match (field.number, &rewrite.name, &rewrite.table) {
            (NAME, Some(name), _) => put_bytes(&mut out, NAME, name.as_str().as_bytes()),
            (TABLE, _, Some(table)) => put_bytes(&mut out, TABLE, table.text_form().as_bytes()),
            (TTL, ..) if rewrite.reset_ttl => {}
            _ => out.extend_from_slice(field.raw),
        }
    }
    if ttl_to_come {
        put_forever(&mut out);
    }
    Ok(out)
}

/// Edits a `data.manifest` on the wire: the schema gets the other table's name if there is one, and each region
/// becomes what `edit` makes of it; where that is `None` the region stays byte for byte, including unknown fields.
pub fn rewrite_manifest(
    bytes: &[u8],
    table: Option<&TableName>,
    mut edit: impl FnMut(RegionManifest) -> Option<RegionManifest>,
) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    for field in Fields::new(bytes, 0, "SnapshotDataManifest") {
        let field = field?;
        match (field.number, table) {
            (1, Some(table)) => {
                let (message, offset) = field.bytes("SnapshotDataManifest: the table schema")?;
                let mut schema = decode_table_schema(message, offset)?;
                schema.table = table.clone();
                put_bytes(&mut out, 1, &encode_table_schema(&schema));
            }
            (2, _) => {
                let (message, offset) = field.bytes("SnapshotDataManifest: a region manifest")?;
                match edit(decode_region_manifest(message, offset)?) {
                    Some(region) => put_bytes(&mut out, 2, &encode_region_manifest(&region)),
                    None => out.extend_from_slice(field.raw),
                }
            }
            _ => out.extend_from_slice(field.raw),
        }
    }
    Ok(out)
}

fn put_forever(out: &mut Vec<u8>) {
    put_varint(out, u64::from(TTL) << 3);
    put_varint(out, 0);
}

#[cfg(test)]
mod tests {
    use super::super::{SnapshotDescription, SnapshotType, encode_snapshot_description};
    use super::*;
    use names::TableName;

    fn description() -> SnapshotDescription {
        let (name, table) = (SnapshotName::parse("s1").unwrap(), TableName::parse("t").unwrap());
        let description = SnapshotDescription::new(name, table, 5, SnapshotType::Flush);
        SnapshotDescription { ttl: Some(60), max_file_size: Some(9), ..description }
    }

    fn renamed(name: &str, reset_ttl: bool) -> DescriptionRewrite {
        DescriptionRewrite { name: Some(SnapshotName::parse(name).unwrap()), table: None, reset_ttl }
    }

    #[test]
    fn unknown_fields_survive_a_rename() {
        let mut bytes = encode_snapshot_description(&description());
        put_bytes(&mut bytes, 77, b"from the future");
        let out = rewrite_description(&bytes, &renamed("another", true)).unwrap();
        let read = decode_snapshot_description(&out).unwrap();
        assert_eq!((read.name.as_str(), read.ttl, read.max_file_size), ("another", Some(0), Some(9)));
        assert!(out.ends_with(b"from the future"));
        assert_eq!(rewrite_description(&bytes, &renamed("s1", false)).unwrap(), bytes);
        assert_eq!(rewrite_description(&bytes, &DescriptionRewrite::default()).unwrap(), bytes);
    }

    #[test]
    fn it_writes_what_hbase_would() {
        for ttl in [None, Some(60)] {
            for max_file_size in [None, Some(9)] {
                let before = SnapshotDescription { ttl, max_file_size, ..description() };
                let name = SnapshotName::parse("another-name").unwrap();
                let after = SnapshotDescription { name: name.clone(), ttl: Some(0), ..before.clone() };
                let rewrite = DescriptionRewrite { name: Some(name), table: None, reset_ttl: true };
                let out = rewrite_description(&encode_snapshot_description(&before), &rewrite).unwrap();
                assert_eq!(out, encode_snapshot_description(&after));
            }
        }
    }

    #[test]
    fn another_table_changes_nothing_else() {
        let table = TableName::parse("ns:other").unwrap();
        let rewrite = DescriptionRewrite { table: Some(table.clone()), ..DescriptionRewrite::default() };
        let out = rewrite_description(&encode_snapshot_description(&description()), &rewrite).unwrap();
        assert_eq!(out, encode_snapshot_description(&SnapshotDescription { table, ..description() }));
    }

    #[test]
    fn what_cannot_be_read_is_not_rewritten() {
        assert!(rewrite_description(b"", &renamed("s2", false)).is_err());
        let mut bytes = encode_snapshot_description(&description());
        bytes.pop();
        assert!(rewrite_description(&bytes, &renamed("s2", false)).is_err());
    }
}
