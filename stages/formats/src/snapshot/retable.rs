use super::{FamilyFiles, RegionManifest, StoreFile};
use crate::schema::RegionInfo;
use names::{EncodedRegionName, HFileLink, ReferenceName, StoreFileName, TableName};

/// A region of one table as a region of another, with the same rows, id and state. Its encoded name differs, because
/// that is made from the table's name, among others.
pub fn region_of_table(region: &RegionInfo, table: &TableName) -> RegionInfo {
    RegionInfo { table: table.clone(), ..region.clone() }
}

/// A region's manifest for another table, with names as HBase gives them when it clones (`RestoreSnapshotHelper`): the
/// files stay where they are, and links lead to them. `region_named` maps the old encoded name of a region of the old
/// table to its new one; HBase lets a region that the snapshot does not have keep its name.
pub fn manifest_of_table(
    manifest: RegionManifest,
    table: &TableName,
    region_named: impl Fn(&EncodedRegionName) -> EncodedRegionName,
) -> RegionManifest {
    let RegionManifest { region, encoded, families } = manifest;
    let link = |owner: &EncodedRegionName, name: &StoreFileName| HFileLink {
        table: region.table.clone(),
        region: *owner,
        file: name.file(),
    };
    let renamed = |file: StoreFile| {
        let name = match &file.name {
            StoreFileName::HFile(_) | StoreFileName::Mob(_) => {
                StoreFileName::Link(Box::new(link(&encoded, &file.name)))
            }
            StoreFileName::Link(there) => StoreFileName::Link(there.clone()),
            StoreFileName::Reference(reference) => {
                let to = reference.link().cloned();
                let to = to.unwrap_or_else(|| link(reference.parent(), &file.name));
                let parent = region_named(reference.parent());
                StoreFileName::Reference(Box::new(ReferenceName::to_link(to, parent)))
            }
        };
        StoreFile { name, ..file }
    };
    let files = |of: FamilyFiles| FamilyFiles {
        store_files: of.store_files.into_iter().map(renamed).collect(),
        ..of
    };
    let families = families.into_iter().map(files).collect();
    RegionManifest::new(region_of_table(&region, table), families)
}

#[cfg(test)]
mod tests {
    use super::super::{Via, resolve};
    use super::*;
    use crate::schema::{Range, Reference};
    use names::FamilyName;

    const FILE: &str = "ef816aeefabe4d57984a4f9ef6560b79";
    const PARENT: &str = "1a7d398bb05f785cd819c86760542558";

    #[test]
    fn every_entry_leads_to_the_same_file_as_before() {
        let (old, new) = (TableName::parse("t").unwrap(), TableName::parse("ns:other").unwrap());
        let region = RegionInfo {
            table: old.clone(),
            start_key: b"a".to_vec(),
            end_key: Vec::new(),
            region_id: 7,
            offline: false,
            split: false,
            replica_id: 0,
        };
        let half = Some(Box::new(Reference::at_row(b"m", Range::Top).unwrap()));
        let file = |name: String, reference: &Option<Box<Reference>>| StoreFile {
            name: StoreFileName::parse(&name).unwrap(),
            reference: reference.clone(),
            size: Some(9),
        };
        let store_files = vec![
            file(FILE.into(), &None),
            file(format!("{FILE}_SeqId_4_"), &None),
            file(format!("x={PARENT}-{FILE}"), &None),
            file(format!("{FILE}.{PARENT}"), &half),
            file(format!("ns=x={PARENT}-{FILE}.{PARENT}"), &half),
        ];
        let family = FamilyName::parse("f").unwrap();
        let before = RegionManifest::new(region, vec![FamilyFiles { family: family.clone(), store_files }]);
        let named = EncodedRegionName::parse("dda19dbc54ee008ecb6569e7596eb12f").unwrap();
        let after = manifest_of_table(before.clone(), &new, |_| named);
        assert_ne!(after.encoded, before.encoded);
        assert_eq!(after.encoded, after.region.encoded_name());
        for ((_, was), (_, is)) in before.files().zip(after.files()) {
            let was_at = resolve(&old, &before, &family, was);
            let is_at = resolve(&new, &after, &family, is);
            assert_eq!(is_at.directory, was_at.directory, "{}", is.name);
            assert_eq!((&is_at.file, &is_at.clip, is_at.size), (&was_at.file, &was_at.clip, was_at.size));
            assert!(matches!(is_at.via, Via::Link | Via::ReferenceToLink), "{}", is.name);
        }
        let names: Vec<String> = after.files().map(|(_, file)| file.name.to_string()).collect();
        assert_eq!(names[0], format!("t={}-{FILE}", before.encoded));
        assert_eq!(names[3], format!("t={PARENT}-{FILE}.{named}"));
    }
}
