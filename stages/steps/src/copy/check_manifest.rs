//! The last check of a manifest before it is published: a clone of a bad snapshot cannot be undone.

use formats::FormatError;
use formats::snapshot::{SnapshotManifest, decode_manifest, decode_snapshot_description, resolve};
use names::{SnapshotName, TableName};
use std::collections::BTreeSet;

/// A snapshot that was made, and what it must be.
#[derive(Debug)]
pub struct MadeSnapshot<'a> {
    /// Its name.
    pub name: &'a SnapshotName,
    /// Its table.
    pub table: &'a TableName,
    /// `.snapshotinfo`.
    pub description: &'a [u8],
    /// `data.manifest`.
    pub manifest: &'a [u8],
}

/// The path by which a manifest and a plan are compared: `table/region/family/file`.
#[must_use]
pub fn path_in_manifest(parts: [&str; 4]) -> String {
    parts.join("/")
}

/// What is wrong with a manifest, a line each: that HBase could not clone it, that its regions do not tile the key space, or that
/// it leads to other files than those that are wanted.
///
/// # Errors
/// It cannot be decoded.
pub fn manifest_faults(
    made: &MadeSnapshot<'_>,
    wanted: &BTreeSet<String>,
) -> Result<Vec<String>, FormatError> {
    let description = decode_snapshot_description(made.description)?;
    let decoded = decode_manifest(made.manifest)?;
    let mut wrong: Vec<String> = decoded.faults(&description).iter().map(ToString::to_string).collect();
    if description.name != *made.name || description.table != *made.table {
        wrong.push("the description is another snapshot's".into());
    }
    let reached = reached(&decoded);
    wrong.extend(wanted.difference(&reached).take(5).map(|path| format!("it does not lead to {path}")));
    wrong.extend(reached.difference(wanted).take(5).map(|path| format!("it leads to {path}")));
    Ok(wrong)
}

fn reached(manifest: &SnapshotManifest) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for region in &manifest.regions {
        for (family, file) in region.files() {
            let to = resolve(&manifest.schema.table, region, family, file);
            paths.insert(path_in_manifest([
                to.directory.table.full_form(),
                to.directory.region.as_str(),
                to.directory.family.as_str(),
                to.file.as_str(),
            ]));
        }
    }
    paths
}
