use super::{RegionManifest, StoreFile};
use crate::schema::Reference;
use names::{FamilyName, FileName, Place, StoreDirectory, StoreFileName, TableName};

/// How a manifest's entry leads to its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// It is the file.
    Plain,
    /// Through an HFileLink.
    Link,
    /// Through a Reference to a parent region's file.
    Reference,
    /// Through a Reference to a parent region's HFileLink.
    ReferenceToLink,
}

/// The file that holds the cells of a manifest's entry, whatever leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFileTarget {
    /// The table, region and family that own it; a link or Reference never leads to another family.
    pub directory: StoreDirectory,
    /// Its name.
    pub file: FileName,
    /// How the entry led here.
    pub via: Via,
    /// The part of it that the entry stands for; `None` is the whole, or, for a Reference whose manifest entry lacks it
    /// ([`StoreFileTarget::clip_is_in_file`]), not yet known.
    pub clip: Option<Reference>,
    /// The length that the manifest gives it, in bytes.
    pub size: Option<u64>,
}

impl StoreFileTarget {
    /// The path of the file at one of the four places, relative to HBase's root.
    pub fn path(&self, place: Place) -> String {
        self.directory.path(place, self.file.as_str())
    }

    /// Whether the clip stands only in the Reference file itself, as in manifests of old versions.
    pub fn clip_is_in_file(&self) -> bool {
        matches!(self.via, Via::Reference | Via::ReferenceToLink) && self.clip.is_none()
    }
}

/// Finds the file that an entry of a region's family stands for, as HBase does
/// (`SnapshotReferenceUtil.verifyStoreFile`, `StoreFileInfo.getReferredToFile`). It is pure: the caller looks up which
/// of the places holds the file. `table` is that of the snapshot's description. One hop for a link or a Reference, two
/// for a Reference to a link.
pub fn resolve(
    table: &TableName,
    region: &RegionManifest,
    family: &FamilyName,
    file: &StoreFile,
) -> StoreFileTarget {
    let own = StoreDirectory { table: table.clone(), region: region.encoded, family: family.clone() };
    let via = match &file.name {
        StoreFileName::HFile(_) | StoreFileName::Mob(_) => Via::Plain,
        StoreFileName::Link(_) => Via::Link,
        StoreFileName::Reference(reference) if reference.link().is_some() => Via::ReferenceToLink,
        StoreFileName::Reference(_) => Via::Reference,
    };
    let name = file.name.file();
    // HBase takes a link to a MOB file for a file of its own when it writes a manifest: the length is the link's, 0.
    let unknown = via == Via::Link && matches!(name, FileName::Mob(_)) && file.size == Some(0);
    StoreFileTarget {
        directory: own.leads_to(&file.name),
        file: name,
        via,
        clip: file.reference.as_deref().cloned(),
        size: file.size.filter(|_| !unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::RegionInfo;

    const MOB: &str = "6f8f57715090da2632453988d9a1501b202611203c72ce2cecdb4dd8802b4febfdac9863_a52b92d17fe1f247252a26449b096ae9";

    fn target(name: &str, size: u64) -> StoreFileTarget {
        let table = TableName::parse("clone").unwrap();
        let region = RegionInfo {
            table: table.clone(),
            start_key: b".mob".to_vec(),
            end_key: Vec::new(),
            region_id: 0,
            offline: false,
            split: false,
            replica_id: 0,
        };
        let file = StoreFile { name: StoreFileName::parse(name).unwrap(), reference: None, size: Some(size) };
        let family = FamilyName::parse("f").unwrap();
        resolve(&table, &RegionManifest::new(region, Vec::new()), &family, &file)
    }

    #[test]
    fn a_link_to_a_mob_file_leads_to_the_source_whatever_length_hbase_noted() {
        let link = format!("ns=t=1a7d398bb05f785cd819c86760542558-{MOB}");
        let found = target(&link, 0);
        assert_eq!(
            found.path(Place::Mob),
            format!("mobdir/data/ns/t/1a7d398bb05f785cd819c86760542558/f/{MOB}")
        );
        assert_eq!((found.via, found.size), (Via::Link, None));
        assert_eq!(target(&link, 5).size, Some(5));
        assert_eq!(target(MOB, 0).size, Some(0), "a MOB file of its own that is empty is not excused");
    }

    #[test]
    fn a_reference_without_its_half_says_so() {
        let reference = target("ef816aeefabe4d57984a4f9ef6560b79.dda19dbc54ee008ecb6569e7596eb12f", 9);
        assert_eq!(reference.directory.region.as_str(), "dda19dbc54ee008ecb6569e7596eb12f");
        assert!(reference.clip_is_in_file());
        assert!(!target(MOB, 9).clip_is_in_file());
    }
}
