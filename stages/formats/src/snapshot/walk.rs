//! A manifest from the wire, region by region.

use super::manifest::{FamilyFiles, RegionManifest, StoreFile, StoreFileProto};
use crate::FormatError;
use crate::schema::{Reference, TableSchema, decode_region_info, decode_table_schema};
use crate::wire::{Fields, decode_message, required};
use names::{EncodedRegionName, FamilyName, StoreFileName, first_twice};

/// Decodes the schema of a `data.manifest` without decoding its regions. The fields before each region are looked
/// at, so a manifest that was cut short is found out here.
pub fn decode_manifest_schema(bytes: &[u8]) -> Result<TableSchema, FormatError> {
    let mut schema = None;
    for field in Fields::new(bytes, 0, "SnapshotDataManifest") {
        let field = field?;
        if field.number == 1 {
            if schema.is_some() {
                return Err(
                    FormatError::corrupt("SnapshotDataManifest has two table schemas").at(field.offset)
                );
            }
            let (message, offset) = field.bytes("SnapshotDataManifest: the table schema")?;
            schema = Some(decode_table_schema(message, offset)?);
        }
    }
    required(schema, "SnapshotDataManifest: the table schema", 0)
}

/// The regions of a `data.manifest` as they stand in it, each with its offset; one is decoded at a time. Ends after
/// the first error.
pub fn region_manifests(bytes: &[u8]) -> RegionManifests<'_> {
    RegionManifests { fields: Some(Fields::new(bytes, 0, "SnapshotDataManifest")) }
}

/// See [`region_manifests`].
pub struct RegionManifests<'a> {
    fields: Option<Fields<'a>>,
}

impl RegionManifests<'_> {
    fn advance(&mut self) -> Option<Result<(u64, RegionManifest), FormatError>> {
        for field in self.fields.as_mut()?.by_ref() {
            let field = match field {
                Ok(field) if field.number == 2 => field,
                Ok(_) => continue,
                Err(error) => return Some(Err(error)),
            };
            let region = field
                .bytes("SnapshotDataManifest: a region manifest")
                .and_then(|(message, offset)| Ok((offset, decode_region_manifest(message, offset)?)));
            return Some(region);
        }
        None
    }
}

impl Iterator for RegionManifests<'_> {
    type Item = Result<(u64, RegionManifest), FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if !matches!(next, Some(Ok(_))) {
            self.fields = None;
        }
        next
    }
}

/// Decodes a `SnapshotRegionManifest` that stands at `base` in its file: a part of `data.manifest`, or, while a
/// snapshot is being taken, a file `region-manifest.<encoded region>` (then `base` is 0).
pub fn decode_region_manifest(bytes: &[u8], base: u64) -> Result<RegionManifest, FormatError> {
    let mut region = None;
    let mut family_count = 0;
    for field in Fields::new(bytes, base, "SnapshotRegionManifest") {
        let field = field?;
        match field.number {
            2 => {
                let (message, offset) = field.bytes("SnapshotRegionManifest: the region info")?;
                if region.replace(decode_region_info(message, offset)?).is_some() {
                    return Err(
                        FormatError::corrupt("SnapshotRegionManifest has two region infos").at(offset)
                    );
                }
            }
            3 => family_count += 1,
            _ => {}
        }
    }
    let region = required(region, "SnapshotRegionManifest: the region info", base)?;
    let encoded = region.encoded_name();
    let mut families = Vec::with_capacity(family_count);
    for field in Fields::new(bytes, base, "SnapshotRegionManifest") {
        let field = field?;
        if field.number == 3 {
            let (message, offset) = field.bytes("SnapshotRegionManifest: the family files")?;
            let files = decode_family_files(message, offset).map_err(|error| in_region(&encoded, error))?;
            families.push(files);
        }
    }
    if let Some(twice) = first_twice(families.iter().map(|files| &files.family)) {
        let error = FormatError::corrupt(format!("column family {twice} is listed twice")).at(base);
        return Err(in_region(&encoded, error));
    }
    Ok(RegionManifest { region, encoded, families })
}

fn in_region(encoded: &EncodedRegionName, error: FormatError) -> FormatError {
    FormatError { what: format!("region {encoded}: {}", error.what), ..error }
}

fn decode_family_files(bytes: &[u8], base: u64) -> Result<FamilyFiles, FormatError> {
    let mut family = None;
    let mut file_count = 0;
    for field in Fields::new(bytes, base, "FamilyFiles") {
        let field = field?;
        match field.number {
            1 => {
                let (name, offset) = field.bytes("FamilyFiles: the family's name")?;
                family =
                    Some(FamilyName::parse_bytes(name).map_err(|error| FormatError::from(error).at(offset))?);
            }
            2 => file_count += 1,
            _ => {}
        }
    }
    let family = required(family, "FamilyFiles: the family's name", base)?;
    let mut store_files = Vec::with_capacity(file_count);
    for field in Fields::new(bytes, base, "FamilyFiles") {
        let field = field?;
        if field.number == 2 {
            let (message, offset) = field.bytes("FamilyFiles: a store file")?;
            let file = decode_store_file(message, offset).map_err(|error| FormatError {
                what: format!("column family {family}: {}", error.what),
                ..error
            })?;
            store_files.push(file);
        }
    }
    Ok(FamilyFiles { family, store_files })
}

fn decode_store_file(bytes: &[u8], base: u64) -> Result<StoreFile, FormatError> {
    let message: StoreFileProto = decode_message(bytes, base, "StoreFile")?;
    let name = required(message.name, "StoreFile: the name", base)?;
    let name = StoreFileName::parse(&name).map_err(|error| FormatError::from(error).at(base))?;
    let reference = match (message.reference, name.is_reference()) {
        (None, _) => None,
        (Some(reference), true) => Some(Box::new(Reference::from_proto(reference, base)?)),
        (Some(_), false) => {
            let what = format!("StoreFile: {name} has a Reference, but not the name of one");
            return Err(FormatError::corrupt(what).at(base));
        }
    };
    match message.file_size {
        Some(size) if i64::try_from(size).is_err() => {
            let what = format!("StoreFile: {name} has the negative size {}", size as i64);
            Err(FormatError::corrupt(what).at(base))
        }
        size => Ok(StoreFile { name, reference, size }),
    }
}
