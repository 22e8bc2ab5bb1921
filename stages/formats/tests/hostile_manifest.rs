//! Manifests that an attacker, or a bad disk, may have written: a clear error with its place, never a path that leads
//! elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by a panic and says what it skips"
)]

use formats::schema::{Attributes, ColumnFamilySchema, Configuration, RegionInfo, TableSchema};
use formats::snapshot::*;
use formats::{FormatError, FormatErrorKind};
use names::{FamilyName, HFileName, StoreFileName, TableName};
use proptest::prelude::*;

/// A message from (field number, value) pairs.
fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, value) in fields {
        out.push(number << 3 | 2);
        let mut length = value.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(value);
    }
    out
}

fn table_name(namespace: &[u8], qualifier: &[u8]) -> Vec<u8> {
    message(&[(1, namespace), (2, qualifier)])
}

fn schema() -> Vec<u8> {
    message(&[(1, &table_name(b"default", b"t")), (3, &message(&[(1, b"f")]))])
}

fn region(table: &[u8]) -> Vec<u8> {
    [&[0x08, 7][..], &message(&[(2, table)])].concat()
}

/// A manifest of one region with one store file of one family.
fn manifest(table: &[u8], family: &[u8], file: &[u8]) -> Vec<u8> {
    let files = message(&[(1, family), (2, file)]);
    message(&[(1, &schema()), (2, &message(&[(2, &region(table)), (3, &files)]))])
}

fn refused(bytes: &[u8]) -> FormatError {
    decode_manifest(bytes).expect_err("a manifest that must be refused")
}

const T: (&[u8], &[u8]) = (b"default", b"t");
const HEX: &[u8] = b"eeb05a9523104818b24410e7797c9293";

#[test]
fn the_plain_one_is_accepted() {
    let bytes = manifest(&table_name(T.0, T.1), b"f", &message(&[(1, HEX)]));
    assert_eq!(decode_manifest(&bytes).unwrap().file_count(), 1);
}

#[test]
fn bad_names_are_refused_with_region_and_offset() {
    for bad in [
        &b".."[..],
        b"../../x",
        b"a/b",
        b"a\0b",
        b"",
        b"XYZ",
        b".tmp",
        b"t=..-ab",
        b"ab.cd",
        b"\xff",
        b"a b",
        b"-",
    ] {
        let bytes = manifest(&table_name(T.0, T.1), b"f", &message(&[(1, bad)]));
        let error = refused(&bytes);
        assert!(error.what.starts_with("region "), "{error}");
        assert!(error.what.contains("column family f"), "{error}");
        // The store file's message is the last thing in the bytes: tag, length, name.
        assert_eq!(error.offset, Some((bytes.len() - bad.len() - 2) as u64), "{error}");
    }
    for bad in [&b".."[..], b"a/b", b"", b".x", b"a\0", b"recovered.edits", b"\xff"] {
        assert!(refused(&manifest(&table_name(T.0, T.1), bad, &message(&[(1, HEX)]))).offset.is_some());
    }
    for (namespace, qualifier) in
        [(&b".."[..], &b"t"[..]), (b"a/b", b"t"), (b"n", b".."), (b"n", b""), (b"", b"t"), (b"n", b"\xff")]
    {
        assert!(
            refused(&manifest(&table_name(namespace, qualifier), b"f", &message(&[(1, HEX)])))
                .offset
                .is_some()
        );
    }
}

#[test]
fn negative_and_huge_numbers_are_refused() {
    let mut negative = message(&[(1, HEX)]);
    negative.extend_from_slice(&[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    let error = refused(&manifest(&table_name(T.0, T.1), b"f", &negative));
    assert!(error.what.contains("negative size -1"), "{error}");

    let mut huge = schema();
    huge.splice(0..0, [0x0a, huge.len() as u8]);
    let at = huge.len() as u64;
    huge.extend_from_slice(&[0x12, 0x80, 0x80, 0x80, 0x80, 0x08]);
    let error = refused(&huge);
    assert_eq!((error.kind, error.offset), (FormatErrorKind::Corrupt, Some(at)));
    assert!(error.what.contains("2 GiB"), "{error}");
    let end = huge.len() - 1;
    huge[end] = 0x07;
    assert_eq!(refused(&huge).kind, FormatErrorKind::Truncated);
}

#[test]
fn a_family_that_the_schema_lacks_is_refused() {
    let error = refused(&manifest(&table_name(T.0, T.1), b"g", &message(&[(1, HEX)])));
    assert!(error.what.contains("column family g is not in the schema"), "{error}");
}

#[test]
fn what_stands_twice_or_contradicts_itself_is_refused() {
    let (table, files) = (region(&table_name(T.0, T.1)), message(&[(1, b"f")]));
    let said = |fields: &[(u8, &[u8])]| refused(&message(fields)).what;
    let two = message(&[(2, &table), (3, &files), (3, &files)]);
    assert!(said(&[(1, &schema()), (2, &two)]).contains("column family f is listed twice"));
    let two = message(&[(2, &table), (2, &table)]);
    assert!(said(&[(1, &schema()), (2, &two)]).contains("two region infos"));
    assert!(said(&[(1, &schema()), (1, &schema())]).contains("two table schemas"));
    let family = message(&[(1, b"f")]);
    let twice = message(&[(1, &table_name(T.0, T.1)), (3, &family), (3, &family)]);
    assert!(said(&[(1, &twice)]).contains("column family f is described twice"));
    assert!(said(&[(2, &message(&[(2, &table)]))]).contains("table schema is missing"));

    let half = [&message(&[(1, b"\0\x01r\0\x7f\xff\xff\xff\xff\xff\xff\xff\xff")])[..], &[0x10, 0]].concat();
    let plain = manifest(&table_name(T.0, T.1), b"f", &message(&[(1, HEX), (2, &half)]));
    assert!(refused(&plain).what.contains("not the name of one"));
}

#[test]
fn every_cut_is_refused_or_ends_at_a_border() {
    let bytes = encode_manifest(&many_regions(3));
    let mut whole = 0;
    for length in 0..bytes.len() {
        match decode_manifest(&bytes[..length]) {
            Ok(manifest) => {
                whole += 1;
                assert!(
                    !check_tiling(&manifest.regions).is_empty(),
                    "a cut between two regions leaves a hole"
                );
            }
            Err(error) => {
                assert!(error.kind == FormatErrorKind::Truncated || length == 0, "{length}: {error}")
            }
        }
    }
    assert_eq!(whole, 3, "after the schema and after two of three regions");
}

#[test]
fn deep_nesting_is_only_bytes() {
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        deep = message(&[(1, &deep)]);
        if deep.len() > 60_000 {
            break;
        }
    }
    assert!(decode_manifest(&message(&[(1, &schema()), (2, &deep)])).is_err());
    assert!(decode_manifest(&message(&[(1, &deep)])).is_err());
    let users = message(&[(1, b"s"), (2, b"t"), (7, &deep)]);
    assert!(decode_snapshot_description(&users).is_ok(), "opaque bytes are not looked into");
}

fn many_regions(count: u32) -> SnapshotManifest {
    let table = TableName::parse("t").unwrap();
    let family = FamilyName::parse("f").unwrap();
    let key =
        |number: u32| if number == 0 || number == count { Vec::new() } else { number.to_be_bytes().to_vec() };
    let region = |number: u32| {
        let region = RegionInfo {
            table: table.clone(),
            start_key: key(number),
            end_key: key(number + 1),
            region_id: 1,
            offline: false,
            split: false,
            replica_id: 0,
        };
        let name = StoreFileName::HFile(HFileName::parse(&format!("{number:032x}")).unwrap());
        let file = StoreFile { name, reference: None, size: None };
        RegionManifest::new(region, vec![FamilyFiles { family: family.clone(), store_files: vec![file] }])
    };
    let described = ColumnFamilySchema {
        name: family.clone(),
        attributes: Attributes::default(),
        configuration: Configuration::default(),
    };
    SnapshotManifest {
        schema: TableSchema {
            table: table.clone(),
            attributes: Attributes::default(),
            families: vec![described],
            configuration: Configuration::default(),
        },
        regions: (0..count).map(region).collect(),
    }
}

#[test]
fn a_hundred_thousand_regions_are_no_trouble() {
    let manifest = many_regions(100_000);
    let read = decode_manifest(&encode_manifest(&manifest)).unwrap();
    assert_eq!(read.regions.len(), 100_000);
    assert_eq!(check_tiling(&read.regions), []);
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_manifest(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_manifest(&bytes);
        let _ = decode_snapshot_description(&bytes);
        let _ = decode_region_manifest(&bytes, 0);
    }
}
