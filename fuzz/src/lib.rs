//! Entry points that take any bytes: each runs a decoder and asserts what must hold whatever the bytes are. A panic is
//! a finding. `tests/seeded.rs` drives them with seeded mutations of `corpus/<target>/`; cargo-fuzz can drive the same
//! functions (README).

mod hfile;
pub mod mutate;
mod wal;
pub mod watch;

pub use hfile::hfile;
pub use wal::{wal, walname};

use formats::schema::{self, TableInfoFileName, TrackFileName};
use formats::snapshot::{self, DescriptionRewrite};
use names::{
    BackReference, BackReferenceDirectory, EncodedRegionName, FamilyName, FileName, HFileLink, Namespace,
    Place, SnapshotName, StoreFileName, TableName,
};
use std::fmt::Display;

/// One entry point.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, also that of its corpus.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// All entry points; a new decoder adds a line here and a directory in `corpus/`.
pub const TARGETS: &[Target] = &[
    Target { name: "manifest", run: manifest },
    Target { name: "snapshotinfo", run: snapshotinfo },
    Target { name: "names", run: names },
    Target { name: "reference", run: reference },
    Target { name: "filelist", run: filelist },
    Target { name: "tableinfo", run: tableinfo },
    Target { name: "regioninfo", run: regioninfo },
    Target { name: "root", run: root },
    Target { name: "hfile", run: hfile },
    Target { name: "wal", run: wal },
    Target { name: "walname", run: walname },
];

/// A segment that stays in the directory where it is put.
fn assert_harmless(segment: &str) {
    let bad = segment.is_empty() || segment == "." || segment == ".." || segment.contains(['/', '\\', '\0']);
    assert!(!bad, "{segment:?} was accepted as part of a path");
}

/// `data.manifest`, and a region's part of it alone.
pub fn manifest(bytes: &[u8]) {
    let _ = snapshot::decode_region_manifest(bytes, 0);
    let Ok(manifest) = snapshot::decode_manifest(bytes) else { return };
    let streamed: Vec<_> =
        snapshot::region_manifests(bytes).filter_map(Result::ok).map(|(_, region)| region).collect();
    assert_eq!(streamed, manifest.regions);
    let written = snapshot::encode_manifest(&manifest);
    assert_eq!(snapshot::decode_manifest(&written).as_ref(), Ok(&manifest), "written back differently");
    let _ = snapshot::check_tiling(&manifest.regions);
    let _ = manifest.schema.to_string();
    for region in &manifest.regions {
        for (family, file) in region.files() {
            let target = snapshot::resolve(&manifest.schema.table, region, family, file);
            for place in Place::IN_ORDER {
                target.directory.segments(place, target.file.as_str()).for_each(assert_harmless);
            }
        }
    }
}

/// `.snapshotinfo`, its rewrites and what is judged by it.
pub fn snapshotinfo(bytes: &[u8]) {
    let Ok(description) = snapshot::decode_snapshot_description(bytes) else { return };
    assert_harmless(description.name.as_str());
    let _ = (description.check_layout(), description.is_expired(0), description.is_expired(i64::MAX));
    let written = snapshot::encode_snapshot_description(&description);
    assert_eq!(snapshot::decode_snapshot_description(&written).as_ref(), Ok(&description));
    let unchanged = snapshot::rewrite_description(bytes, &DescriptionRewrite::default());
    assert_eq!(unchanged.as_deref(), Ok(bytes));
    let forever =
        DescriptionRewrite { name: SnapshotName::parse("other").ok(), table: None, reset_ttl: true };
    let rewritten = snapshot::rewrite_description(bytes, &forever)
        .and_then(|bytes| snapshot::decode_snapshot_description(&bytes));
    assert!(rewritten.is_ok_and(|read| read.name.as_str() == "other" && read.ttl == Some(0)));
}

/// Every kind of name.
pub fn names(bytes: &[u8]) {
    let _ = (FamilyName::parse_bytes(bytes), TableName::parse_bytes(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    kept(text, StoreFileName::parse(text));
    kept(text, FileName::parse(text));
    kept(text, HFileLink::parse(text));
    kept(text, BackReference::parse(text));
    kept(text, BackReferenceDirectory::parse(text));
    kept(text, EncodedRegionName::parse(text));
    kept(text, FamilyName::parse(text));
    kept(text, SnapshotName::parse(text));
    kept(text, Namespace::parse(text));
    let _ = (TrackFileName::parse(text), TableInfoFileName::parse(text));
    if let Ok(table) = TableName::parse(text) {
        assert_harmless(table.namespace());
        assert_harmless(table.qualifier());
        assert_eq!(TableName::parse_link_form(&table.link_form()), Ok(table));
    }
}

/// What was accepted is written back as it was read, and is one path segment.
fn kept<T: Display, E>(text: &str, parsed: Result<T, E>) {
    if let Ok(name) = parsed {
        assert_eq!(name.to_string(), text);
        assert_harmless(text);
    }
}

/// The content of a Reference file.
pub fn reference(bytes: &[u8]) {
    if let Ok(reference) = schema::decode_reference(bytes) {
        assert!(reference.split_row().len() < reference.split_key.len());
        assert_eq!(schema::decode_reference(&schema::encode_reference(&reference)), Ok(reference));
    }
}

/// A track file of `.filelist`.
pub fn filelist(bytes: &[u8]) {
    // More can go wrong past a good checksum than before it.
    let _ = schema::decode_store_file_list(bytes);
    let message = bytes.get(4..bytes.len().saturating_sub(4)).unwrap_or_default();
    let _ = schema::decode_store_file_list(&with_checksum(message));
}

fn with_checksum(message: &[u8]) -> Vec<u8> {
    let checksum = !message.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    [&(message.len() as u32).to_be_bytes(), message, &checksum.to_be_bytes()].concat()
}

/// A `.tableinfo` file.
pub fn tableinfo(bytes: &[u8]) {
    let Ok(table) = schema::decode_table_info(bytes) else { return };
    assert_eq!(schema::decode_table_info(&schema::encode_table_info(&table)).as_ref(), Ok(&table));
    let _ = table.to_string();
    for family in &table.families {
        let _ = (family.versions(), family.time_to_live(), family.bloom_type(), family.keep_deleted_cells());
    }
}

/// A `.regioninfo` file, and the value in hbase:meta.
pub fn regioninfo(bytes: &[u8]) {
    let _ = schema::decode_region_info_value(bytes);
    if let Ok(region) = schema::decode_region_info_file(bytes) {
        assert_harmless(region.encoded_name().as_str());
        let written = schema::encode_region_info_file(&region);
        assert_eq!(schema::decode_region_info_file(&written), Ok(region));
    }
}

/// `hbase.id` and `hbase.version`.
pub fn root(bytes: &[u8]) {
    let _ = (schema::decode_cluster_id(bytes), schema::decode_file_system_version(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_made_here_is_taken() {
        // StoreFileList { timestamp: 1 }
        let list = schema::decode_store_file_list(&with_checksum(&[0x08, 0x01]));
        assert_eq!(list.map(|list| list.timestamp), Ok(1));
    }
}
