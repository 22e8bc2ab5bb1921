use super::walk::{decode_manifest_schema, region_manifests};
use super::{ManifestFault, SnapshotDescription, check_tiling};
use crate::FormatError;
use crate::schema::{Reference, RegionInfo, TableSchema, encode_region_info, encode_table_schema, proto};
use crate::wire::put_bytes;
use names::{EncodedRegionName, FamilyName, StoreFileName};
use prost::Message;

/// A snapshot's manifest (`SnapshotDataManifest`): the table as it was, and all its regions and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotManifest {
    /// The table's schema.
    pub schema: TableSchema,
    /// Its regions, in no order.
    pub regions: Vec<RegionManifest>,
}

impl SnapshotManifest {
    /// How many store files all regions name.
    pub fn file_count(&self) -> usize {
        self.regions.iter().map(RegionManifest::file_count).sum()
    }

    /// What is wrong with the snapshot though its manifest can be read, in the order of the regions' start keys.
    pub fn faults(&self, description: &SnapshotDescription) -> Vec<ManifestFault> {
        let mut faults = Vec::new();
        if self.schema.table != description.table {
            faults.push(ManifestFault::OtherSchema {
                described: description.table.clone(),
                schema: self.schema.table.clone(),
            });
        }
        for region in self.regions.iter().filter(|region| region.region.table != description.table) {
            faults.push(ManifestFault::OtherTable {
                region: region.encoded,
                table: region.region.table.clone(),
            });
        }
        let mut names: Vec<_> = self.regions.iter().map(|region| region.encoded).collect();
        names.sort_unstable();
        names.dedup_by(|next, kept| {
            let same = next == kept;
            if same {
                faults.push(ManifestFault::RegionTwice { region: *kept });
            }
            same
        });
        faults.extend(check_tiling(&self.regions));
        faults
    }
}

/// A region of a snapshot and its files (`SnapshotRegionManifest`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionManifest {
    /// The region.
    pub region: RegionInfo,
    /// Its encoded name.
    pub encoded: EncodedRegionName,
    /// Its files, by family. A family without files may be there or not.
    pub families: Vec<FamilyFiles>,
}

/// What a region's files are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionRole {
    /// It holds rows of the table: its files (clipped where they are References) are the table's content.
    Rows,
    /// It was split: its files belong to the snapshot, because its daughters' References need them, but its rows are
    /// read from the daughters alone.
    SplitParent,
    /// The MOB pseudo-region: its files hold values that cells of other regions refer to.
    Mob,
    /// A replica of a region, without files of its own.
    Replica,
}

impl RegionManifest {
    /// A region with its files.
    pub fn new(region: RegionInfo, families: Vec<FamilyFiles>) -> Self {
        Self { encoded: region.encoded_name(), region, families }
    }

    /// What its files are for.
    pub fn role(&self) -> RegionRole {
        if self.region.is_split_parent() {
            RegionRole::SplitParent
        } else if self.region.is_mob_region() {
            RegionRole::Mob
        } else if self.region.replica_id != 0 {
            RegionRole::Replica
        } else {
            RegionRole::Rows
        }
    }

    /// How many store files it names.
    pub fn file_count(&self) -> usize {
        self.families.iter().map(|family| family.store_files.len()).sum()
    }

    /// Its files with their families.
    pub fn files(&self) -> impl Iterator<Item = (&FamilyName, &StoreFile)> {
        self.families
            .iter()
            .flat_map(|family| family.store_files.iter().map(move |file| (&family.family, file)))
    }
}

/// The files of one family of a region (`FamilyFiles`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyFiles {
    /// The family.
    pub family: FamilyName,
    /// Its files.
    pub store_files: Vec<StoreFile>,
}

/// A store file as a manifest names it (`SnapshotRegionManifest.StoreFile`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFile {
    /// Its name, which may be a link's or a Reference's.
    pub name: StoreFileName,
    /// Which part of the file it stands for, if it is a Reference.
    pub reference: Option<Box<Reference>>,
    /// Length in bytes of the file that holds the cells, also for links and References.
    pub size: Option<u64>,
}

/// Decodes a whole `data.manifest`. A family that the schema lacks is an error: HBase's clone of such a snapshot never
/// ends.
pub fn decode_manifest(bytes: &[u8]) -> Result<SnapshotManifest, FormatError> {
    let schema = decode_manifest_schema(bytes)?;
    let mut regions = Vec::new();
    for region in region_manifests(bytes) {
        let (offset, region) = region?;
        if let Some(unknown) = region.families.iter().find(|files| schema.family(&files.family).is_none()) {
            let what = format!(
                "region {}: column family {} is not in the schema of table {}",
                region.encoded, unknown.family, schema.table
            );
            return Err(FormatError::corrupt(what).at(offset));
        }
        regions.push(region);
    }
    Ok(SnapshotManifest { schema, regions })
}

/// Encodes a `data.manifest` as HBase does.
pub fn encode_manifest(manifest: &SnapshotManifest) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 1, &encode_table_schema(&manifest.schema));
    for region in &manifest.regions {
        put_bytes(&mut out, 2, &encode_region_manifest(region));
    }
    out
}

/// Encodes a `SnapshotRegionManifest` as HBase does: without a version.
pub fn encode_region_manifest(region: &RegionManifest) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 2, &encode_region_info(&region.region));
    for files in &region.families {
        let mut family = Vec::new();
        put_bytes(&mut family, 1, files.family.as_bytes());
        for file in &files.store_files {
            let message = StoreFileProto {
                name: Some(file.name.to_string()),
                reference: file.reference.as_ref().map(|reference| reference.to_proto()),
                file_size: file.size,
            };
            put_bytes(&mut family, 2, &message.encode_to_vec());
        }
        put_bytes(&mut out, 3, &family);
    }
    out
}

/// Snapshot.proto `SnapshotRegionManifest.StoreFile`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StoreFileProto {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub reference: Option<proto::Reference>,
    #[prost(uint64, optional, tag = "3")]
    pub file_size: Option<u64>,
}
