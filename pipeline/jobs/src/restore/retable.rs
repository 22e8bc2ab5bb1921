//! The base snapshot's manifest, rewritten for the restored table.

use delivery::AddedFile;
use formats::FormatError;
use formats::snapshot::{
    FamilyFiles, RegionManifest, StoreFile, manifest_of_table, region_manifests, region_of_table,
    rewrite_manifest,
};
use names::{EncodedRegionName, FamilyName, StoreFileName, TableName};
use stage::Failure;
use std::collections::HashMap;

/// The names of a table's regions in the restored table.
#[derive(Debug, Clone)]
pub struct RegionNames {
    /// The restored table.
    pub table: TableName,
    /// By the encoded names in the base snapshot; empty if the table keeps its name, and so do its regions.
    renamed: HashMap<EncodedRegionName, EncodedRegionName>,
}

impl RegionNames {
    /// Makes them for a manifest of `from` that is restored as `to`.
    pub fn of(manifest: &[u8], from: &TableName, to: &TableName) -> Result<Self, Failure> {
        let mut renamed = HashMap::new();
        if from != to {
            for region in region_manifests(manifest) {
                let (_, region) =
                    region.map_err(|error| Failure::failed("reading the manifest", from, error))?;
                renamed.insert(region.encoded, region_of_table(&region.region, to).encoded_name());
            }
        }
        Ok(Self { table: to.clone(), renamed })
    }

    /// The name of a region in the restored table.
    pub fn target_of(&self, region: &EncodedRegionName) -> EncodedRegionName {
        self.renamed.get(region).copied().unwrap_or(*region)
    }

    /// The manifest of the restored table, without files that are still to be written.
    pub fn manifest(&self, base: &[u8]) -> Result<Vec<u8>, Failure> {
        let table = (!self.renamed.is_empty()).then_some(&self.table);
        rewrite_manifest(base, table, |region| {
            table.map(|table| manifest_of_table(region, table, |name| self.target_of(name)))
        })
        .map_err(|error| Failure::failed("making the manifest", &self.table, error))
    }
}

/// The manifest with new files beside those of the base.
pub fn with_files(manifest: &[u8], added: &[AddedFile]) -> Result<Vec<u8>, Failure> {
    let mut by_region: HashMap<&str, Vec<&AddedFile>> = HashMap::new();
    for file in added {
        by_region.entry(&file.region).or_default().push(file);
    }
    let failed = |error| Failure::failed("making the manifest", "the new files", error);
    let mut wrong = None;
    let out = rewrite_manifest(manifest, None, |mut region| {
        for file in by_region.remove(region.encoded.as_str())? {
            if let Err(error) = add_file(&mut region, file) {
                wrong = Some(error);
            }
        }
        Some(region)
    });
    match (wrong, by_region.keys().next()) {
        (Some(error), _) => Err(failed(error)),
        (None, Some(region)) => {
            let wrong = format!("there is no region {region} in the base snapshot");
            Err(Failure::failed("making the manifest", "the new files", wrong))
        }
        (None, None) => out.map_err(failed),
    }
}

fn add_file(region: &mut RegionManifest, file: &AddedFile) -> Result<(), FormatError> {
    let family = FamilyName::parse(&file.family)?;
    let name = StoreFileName::parse(&file.name)?;
    let new = StoreFile { name, reference: None, size: Some(file.proof.sum.len) };
    match region.families.iter_mut().find(|files| files.family == family) {
        Some(files) => files.store_files.push(new),
        None => region.families.push(FamilyFiles { family, store_files: vec![new] }),
    }
    Ok(())
}
