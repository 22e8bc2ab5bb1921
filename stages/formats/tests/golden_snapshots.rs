//! Every snapshot of the golden sets (whole roots of a real HBase beside the project) is read, tiles its table, leads
//! to files that are there with the length the manifest says, and is written back byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by a panic and says what it skips"
)]

use formats::snapshot::{self, DescriptionRewrite, RegionRole, Via};
use names::Place;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn golden() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or_else(beside, PathBuf::from);
    let golden = shared.join("golden");
    if golden.is_dir() {
        return Some(golden);
    }
    eprintln!("SKIPPED: no golden sets at {} (TIDEGATE_SHARED says where)", golden.display());
    None
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// (root, snapshot directory) of every snapshot.
fn snapshots(golden: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut all = Vec::new();
    for set in children(golden) {
        let root = set.join("root");
        for directory in children(&root.join(".hbase-snapshot")) {
            if !directory.ends_with(".tmp") {
                all.push((root.clone(), directory));
            }
        }
    }
    all
}

#[test]
fn every_snapshot_is_whole() {
    let Some(golden) = golden() else { return };
    let all = snapshots(&golden);
    assert!(all.len() >= 40, "only {} snapshots", all.len());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (root, directory) in all {
        let shown = directory.display();
        let described = std::fs::read(directory.join(".snapshotinfo")).unwrap();
        let description = snapshot::decode_snapshot_description(&described).unwrap();
        assert_eq!(snapshot::encode_snapshot_description(&description), described, "{shown}");
        description.check_layout().unwrap();
        let same = DescriptionRewrite { name: Some(description.name.clone()), table: None, reset_ttl: false };
        assert_eq!(snapshot::rewrite_description(&described, &same).unwrap(), described, "{shown}");
        assert!(directory.ends_with(description.name.as_str()));

        let bytes = std::fs::read(directory.join("data.manifest")).unwrap();
        let manifest = snapshot::decode_manifest(&bytes).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(manifest.faults(&description), [], "{shown}");
        assert!(snapshot::encode_manifest(&manifest) == bytes, "{shown}: written back differently");

        for region in &manifest.regions {
            for (family, file) in region.files() {
                let target = snapshot::resolve(&description.table, region, family, file);
                let places = Place::IN_ORDER.into_iter().map(|place| (place, target.path(place)));
                let found = places.into_iter().find(|(_, path)| root.join(path).is_file());
                let (place, path) = found.unwrap_or_else(|| panic!("{shown}: {} is nowhere", file.name));
                let length = std::fs::metadata(root.join(path)).unwrap().len();
                assert_eq!(target.size, Some(length), "{shown}: {}", file.name);
                for what in
                    [format!("{:?}", region.role()), format!("{:?}", target.via), format!("{place:?}")]
                {
                    *seen.entry(what).or_default() += 1;
                }
                if target.file.bulk_sequence_id().is_some() {
                    *seen.entry("bulk".to_owned()).or_default() += 1;
                }
                assert!(!target.clip_is_in_file());
            }
        }
    }
    println!("{seen:?}");
    // Otherwise the test proves less than it says.
    for what in [
        format!("{:?}", RegionRole::Rows),
        format!("{:?}", RegionRole::SplitParent),
        format!("{:?}", RegionRole::Mob),
        format!("{:?}", Via::Plain),
        format!("{:?}", Via::Link),
        format!("{:?}", Via::Reference),
        format!("{:?}", Place::Live),
        format!("{:?}", Place::Archive),
        "bulk".to_owned(),
    ] {
        assert!(seen.contains_key(&what), "no {what} in any golden set");
    }
}

#[test]
fn a_missing_region_or_a_wider_one_is_a_fault() {
    let Some(golden) = golden() else { return };
    let mut tried = 0;
    for (_, directory) in snapshots(&golden) {
        let described = std::fs::read(directory.join(".snapshotinfo")).unwrap();
        let description = snapshot::decode_snapshot_description(&described).unwrap();
        let bytes = std::fs::read(directory.join("data.manifest")).unwrap();
        let manifest = snapshot::decode_manifest(&bytes).unwrap();
        for at in 0..manifest.regions.len() {
            if manifest.regions[at].role() != RegionRole::Rows || manifest.regions.len() < 2 {
                continue;
            }
            tried += 1;
            let mut without = manifest.clone();
            without.regions.remove(at);
            assert!(
                !without.faults(&description).is_empty(),
                "{}: region {at} taken out",
                directory.display()
            );
            let mut twice = manifest.clone();
            twice.regions.push(manifest.regions[at].clone());
            assert!(!twice.faults(&description).is_empty(), "{}: region {at} twice", directory.display());
        }
    }
    assert!(tried > 100, "only {tried}");
}

#[test]
fn schemas_are_those_hbase_reports() {
    let Some(golden) = golden() else { return };
    let mut compared = 0;
    for (root, directory) in snapshots(&golden) {
        let meta = std::fs::read(root.join("../meta.json")).unwrap();
        let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
        let name = directory.file_name().unwrap().to_str().unwrap();
        let told = meta["snapshots"].as_array().unwrap().iter().find(|told| told["name"] == name);
        let told = &told.unwrap_or_else(|| panic!("{name} is not in meta.json"))["descriptor"];
        let schema =
            snapshot::decode_manifest_schema(&std::fs::read(directory.join("data.manifest")).unwrap())
                .unwrap();
        assert_eq!(told["name"], schema.table.to_string());
        let values = |attributes: &formats::schema::Attributes| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let pairs =
                attributes.0.iter().map(|(key, value)| (text(key), serde_json::Value::from(text(value))));
            serde_json::Value::Object(pairs.collect())
        };
        assert_eq!(told["values"], values(&schema.attributes), "{name}");
        let families = told["families"].as_array().unwrap();
        assert_eq!(families.len(), schema.families.len());
        for (told, family) in families.iter().zip(&schema.families) {
            assert_eq!(told["name"], family.name.to_string());
            assert_eq!(told["settings"], values(&family.attributes), "{name}: {}", family.name);
            let own = family.configuration.0.iter().map(|(key, value)| (key.clone(), value.clone().into()));
            assert_eq!(told["configuration"], serde_json::Value::Object(own.collect()));
            compared += 1;
        }
    }
    assert!(compared > 50, "only {compared}");
}
