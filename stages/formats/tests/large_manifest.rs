//! A manifest of a million files in 20,000 regions: read in little memory. Alone in its binary, because the peak of the
//! whole process is what is measured.

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
use formats::snapshot::{
    FamilyFiles, RegionManifest, SnapshotManifest, StoreFile, check_tiling, decode_manifest, encode_manifest,
    encode_region_manifest, region_manifests,
};
use names::{FamilyName, HFileName, StoreFileName, TableName};

const REGIONS: u64 = 20_000;
const FILES_A_REGION: u64 = 50;

fn schema() -> TableSchema {
    let family = ColumnFamilySchema {
        name: FamilyName::parse("f").unwrap(),
        attributes: Attributes::default(),
        configuration: Configuration::default(),
    };
    TableSchema {
        table: TableName::parse("ns:big").unwrap(),
        attributes: Attributes::default(),
        families: vec![family],
        configuration: Configuration::default(),
    }
}

fn region(number: u64) -> RegionManifest {
    let key = |number: u64| {
        if number == 0 || number == REGIONS { Vec::new() } else { format!("r{number:08}").into_bytes() }
    };
    let file = |file: u64| StoreFile {
        name: StoreFileName::HFile(
            HFileName::parse(&format!("{:032x}", number * FILES_A_REGION + file)).unwrap(),
        ),
        reference: None,
        size: Some(1 << 30),
    };
    let region = RegionInfo {
        table: TableName::parse("ns:big").unwrap(),
        start_key: key(number),
        end_key: key(number + 1),
        region_id: 1_795_211_501_137,
        offline: false,
        split: false,
        replica_id: 0,
    };
    let store_files = (0..FILES_A_REGION).map(file).collect();
    RegionManifest::new(region, vec![FamilyFiles { family: FamilyName::parse("f").unwrap(), store_files }])
}

/// The most memory this process ever had, in bytes; `None` where /proc does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn a_million_files_need_less_than_400_bytes_each() {
    let mut bytes = encode_manifest(&SnapshotManifest { schema: schema(), regions: Vec::new() });
    for number in 0..REGIONS {
        let message = encode_region_manifest(&region(number));
        bytes.push(0x12);
        let mut length = message.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(&message);
    }
    let before = peak();
    let streamed: usize = region_manifests(&bytes).map(|region| region.unwrap().1.file_count()).sum();
    assert_eq!(streamed, 1_000_000);
    let after_stream = peak();
    let manifest = decode_manifest(&bytes).unwrap();
    assert_eq!(manifest.file_count(), 1_000_000);
    assert_eq!(check_tiling(&manifest.regions), []);
    match (before, after_stream, peak()) {
        (Some(before), Some(streamed), Some(whole)) => {
            println!(
                "manifest {} bytes; streamed +{}, whole +{} bytes",
                bytes.len(),
                streamed - before,
                whole - before
            );
            assert!(
                streamed - before < 16 << 20,
                "one region at a time, but {} bytes more",
                streamed - before
            );
            assert!(whole - before < 400_000_000, "{} bytes more", whole - before);
        }
        _ => eprintln!("SKIPPED: /proc/self/status does not say the peak memory"),
    }
}
