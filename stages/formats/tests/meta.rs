//! Small metadata files that a real HBase wrote (`tests/data/meta/ORIGIN.md`) are read as what they are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by a panic and says what it skips"
)]

use formats::schema::{self, BloomType, KeepDeletedCells, Range};
use formats::snapshot::{
    self, DescriptionRewrite, RegionRole, SnapshotDescription, SnapshotManifest, SnapshotType,
    StoreFileTarget, Via,
};
use names::Place;
use names::{EncodedRegionName, SnapshotName, TableName};

fn read(path: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/meta/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn snapshot(name: &str) -> (SnapshotDescription, SnapshotManifest) {
    let description =
        snapshot::decode_snapshot_description(&read(&format!("snapshot-{name}/snapshotinfo"))).unwrap();
    let manifest = snapshot::decode_manifest(&read(&format!("snapshot-{name}/data.manifest"))).unwrap();
    assert_eq!(description.check_layout(), Ok(()));
    assert_eq!(manifest.faults(&description), [], "{name}");
    (description, manifest)
}

/// Every file of a snapshot with its region's role.
fn targets(name: &str) -> Vec<(RegionRole, StoreFileTarget)> {
    let (description, manifest) = snapshot(name);
    let mut all = Vec::new();
    for region in &manifest.regions {
        for (family, file) in region.files() {
            all.push((region.role(), snapshot::resolve(&description.table, region, family, file)));
        }
    }
    all
}

#[test]
fn a_snapshot_with_mob() {
    let (description, manifest) = snapshot("s1");
    assert_eq!(description.name.as_str(), "s1");
    assert_eq!(description.table, TableName::parse("ns1:t2").unwrap());
    assert_eq!(description.creation_time, Some(1_795_211_494_854));
    assert_eq!((description.snapshot_type(), description.ttl), (SnapshotType::Flush, Some(0)));
    let roles: Vec<_> = manifest.regions.iter().map(|region| region.role()).collect();
    assert_eq!(roles, [RegionRole::Rows, RegionRole::Rows, RegionRole::Mob]);
    let paths: Vec<_> = targets("s1").iter().map(|(role, target)| (*role, target.path(Place::Mob))).collect();
    let mob = names::mob_region_name(&description.table);
    assert!(paths.contains(&(
        RegionRole::Mob,
        format!("mobdir/data/ns1/t2/{mob}/mob/6f8f57715090da2632453988d9a1501b202611203c72ce2cecdb4dd8802b4febfdac9863_a52b92d17fe1f247252a26449b096ae9")
    )));
}

#[test]
fn a_schema_has_its_attributes() {
    let schema = schema::decode_table_info(&read("tableinfo-ns1-t2")).unwrap();
    assert_eq!(schema, snapshot("s1").1.schema);
    assert_eq!(schema.store_file_tracker().unwrap(), Some("DEFAULT"));
    assert_eq!(schema.attributes.get("mykey"), Some(&b"myval"[..]));
    let [cf, mob] = schema.families.as_slice() else { panic!("two families") };
    assert_eq!((cf.name.as_str(), mob.name.as_str()), ("cf", "mob"));
    assert_eq!((cf.versions(), cf.min_versions(), cf.time_to_live()), (Ok(3), Ok(0), Ok(None)));
    assert_eq!(
        (cf.compression().unwrap().as_str(), cf.data_block_encoding().unwrap().as_str()),
        ("NONE", "FAST_DIFF")
    );
    assert_eq!(cf.replication_scope(), Ok(1));
    assert_eq!(cf.block_size(), Ok(65_536));
    assert_eq!((cf.bloom_type(), cf.keep_deleted_cells()), (Ok(BloomType::Row), Ok(KeepDeletedCells::False)));
    assert_eq!(cf.configuration.get("hbase.hstore.x"), Some("1"));
    assert!(!cf.is_mob() && !cf.new_version_behavior() && !cf.in_memory());
    assert!(mob.is_mob() && schema.has_mob());
    assert_eq!(mob.mob_threshold(), Ok(100));
    assert_eq!((cf.encryption(), cf.encryption_key()), (Ok(None), None));
    assert_eq!(schema::encode_table_info(&schema), read("tableinfo-ns1-t2"));
}

#[test]
fn a_schema_is_described_as_the_shell_does() {
    let shown = snapshot("s1").1.schema.to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(
        lines[0],
        "'ns1:t2', {TABLE_ATTRIBUTES => {METADATA => {'hbase.store.file-tracker.impl' => 'DEFAULT', 'mykey' => 'myval'}}}"
    );
    assert_eq!(
        lines[1],
        "{NAME => 'cf', INDEX_BLOCK_ENCODING => 'NONE', VERSIONS => '3', KEEP_DELETED_CELLS => 'FALSE', \
         DATA_BLOCK_ENCODING => 'FAST_DIFF', TTL => 'FOREVER', MIN_VERSIONS => '0', REPLICATION_SCOPE => '1', \
         BLOOMFILTER => 'ROW', IN_MEMORY => 'false', COMPRESSION => 'NONE', BLOCKCACHE => 'true', \
         BLOCKSIZE => '65536 B (64KB)', CONFIGURATION => {'hbase.hstore.x' => '1'}}"
    );
}

#[test]
fn a_split_has_a_parent_and_two_halves() {
    let all = targets("s_t1_split");
    let (parent, halves): (Vec<_>, Vec<_>) =
        all.iter().partition(|(role, _)| *role == RegionRole::SplitParent);
    let [(_, whole)] = parent.as_slice() else { panic!("one file of the parent") };
    assert_eq!((whole.via, &whole.clip), (Via::Plain, &None));
    let mut ranges = Vec::new();
    for (role, half) in &halves {
        assert_eq!((*role, half.via), (RegionRole::Rows, Via::Reference));
        assert_eq!(
            (&half.directory, &half.file),
            (&whole.directory, &whole.file),
            "both halves are of the parent's file"
        );
        let clip = half.clip.as_ref().unwrap();
        assert_eq!(clip.split_row(), b"r01000");
        assert_eq!(half.size, whole.size);
        ranges.push(clip.range);
    }
    ranges.sort_by_key(|range| *range == Range::Top);
    assert_eq!(ranges, [Range::Bottom, Range::Top]);
    let paths = Place::IN_ORDER.map(|place| whole.path(place));
    let rest = format!("default/t1/{}/cf/{}", whole.directory.region, whole.file);
    assert_eq!(
        paths,
        ["data", "archive/data", ".tmp/data", "mobdir/data"].map(|place| format!("{place}/{rest}"))
    );
}

#[test]
fn links_lead_to_the_first_table() {
    let linked = targets("s_clone1");
    assert!(!linked.is_empty());
    for (_, target) in linked {
        assert_eq!(target.via, Via::Link);
        assert_ne!(target.directory.table, TableName::parse("ns1:clone1").unwrap());
    }
    let clone2 = targets("s_clone2");
    let through: Vec<_> = clone2.iter().filter(|(_, target)| target.via == Via::ReferenceToLink).collect();
    assert_eq!(through.len(), 2);
    for (_, target) in through {
        assert_eq!(
            target.path(Place::Archive),
            "archive/data/default/t1/1a7d398bb05f785cd819c86760542558/cf/ef816aeefabe4d57984a4f9ef6560b79"
        );
        assert_eq!(target.clip.as_ref().unwrap().split_row(), b"r01000");
        assert_eq!(target.size, Some(81_640));
    }
}

#[test]
fn what_was_made_by_hand_and_accepted_is_read() {
    for name in ["syn_min", "syn_rec"] {
        let (description, manifest) = snapshot(name);
        assert!(manifest.file_count() > 0, "{name}");
        assert_eq!(description.snapshot_type(), SnapshotType::Flush, "the default");
    }
    assert_eq!(snapshot("syn_min").0.creation_time, None);
}

#[test]
fn a_region_directory_names_its_region() {
    let bytes = read("regioninfo-t1-27ba5a77");
    let region = schema::decode_region_info_file(&bytes).unwrap();
    assert_eq!(region.encoded_name(), EncodedRegionName::parse("27ba5a77c0798fa39313e7f9cf0b0793").unwrap());
    assert_eq!(region.region_name(), b"t1,r01000,1795211501137");
    assert_eq!(schema::encode_region_info_file(&region), bytes);
    for length in 0..bytes.len() {
        assert!(schema::decode_region_info_file(&bytes[..length]).is_err(), "cut to {length}");
    }
    let value = [b"PBUF".as_slice(), &schema::encode_region_info(&region)].concat();
    assert_eq!(schema::decode_region_info_value(&value).unwrap(), region);
    assert!(schema::decode_region_info_file(&value).is_err(), "in a file it is delimited");
}

#[test]
fn a_reference_file_says_which_half() {
    let bytes = read("reference-t1-top");
    let reference = schema::decode_reference(&bytes).unwrap();
    assert_eq!((reference.range, reference.split_row()), (Range::Top, &b"r01000"[..]));
    assert_eq!(schema::encode_reference(&reference), bytes);
    assert_eq!(schema::Reference::at_row(b"r01000", Range::Top).unwrap(), reference);
}

#[test]
fn a_track_file_lists_what_counts() {
    let bytes = read("filelist-f1");
    let list = schema::decode_store_file_list(&bytes).unwrap();
    assert_eq!(list.files.len(), 3);
    assert_eq!(list.files[2].name.file().bulk_sequence_id(), Some(50));
    assert_eq!(list.files[0].size, 5529);
    for length in 0..bytes.len() {
        let error = schema::decode_store_file_list(&bytes[..length]).unwrap_err();
        assert_eq!(
            error.kind,
            formats::FormatErrorKind::Truncated,
            "cut to {length}: HBase takes the other list"
        );
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(schema::decode_store_file_list(&flipped).is_err(), "a flip at {at} is not seen");
    }
}

#[test]
fn the_root_has_an_id_and_a_version() {
    assert_eq!(schema::decode_cluster_id(&read("root-hbase.id")).unwrap().len(), 36);
    assert_eq!(schema::decode_file_system_version(&read("root-hbase.version")).unwrap(), "8");
}

#[test]
fn a_rename_changes_nothing_but_the_name() {
    for name in ["s1", "s_t1_split", "s_clone1", "s_clone2", "syn_min", "syn_rec"] {
        let bytes = read(&format!("snapshot-{name}/snapshotinfo"));
        let description = snapshot::decode_snapshot_description(&bytes).unwrap();
        let to = |name| DescriptionRewrite { name: Some(name), ..DescriptionRewrite::default() };
        assert_eq!(snapshot::rewrite_description(&bytes, &to(description.name.clone())).unwrap(), bytes);
        let other = SnapshotName::parse("a-longer-name.2").unwrap();
        let renamed = snapshot::rewrite_description(&bytes, &to(other.clone())).unwrap();
        let expected = SnapshotDescription { name: other, ..description };
        assert_eq!(snapshot::decode_snapshot_description(&renamed).unwrap(), expected);
    }
}
