//! Snapshots of the current layout (version 2): `.snapshotinfo` and `data.manifest`.
//!
//! A manifest names every region and store file of a table at one moment. It is decoded region by region
//! ([`region_manifests`]), so that one of a million files needs little memory; every name in it passes its grammar
//! first. What is wrong with the bytes is a [`FormatError`](crate::FormatError) with its offset; what is wrong with
//! the snapshot they describe (holes between regions, say) is a [`ManifestFault`], a value.

mod description;
mod fault;
mod manifest;
mod resolve;
mod retable;
mod rewrite;
mod tiling;
mod walk;

pub use description::{
    LAYOUT_VERSION, SnapshotDescription, SnapshotType, decode_snapshot_description,
    encode_snapshot_description,
};
pub use fault::ManifestFault;
pub use manifest::{
    FamilyFiles, RegionManifest, RegionRole, SnapshotManifest, StoreFile, decode_manifest, encode_manifest,
    encode_region_manifest,
};
pub use resolve::{StoreFileTarget, Via, resolve};
pub use retable::{manifest_of_table, region_of_table};
pub use rewrite::{DescriptionRewrite, rewrite_description, rewrite_manifest};
pub use tiling::check_tiling;
pub use walk::{RegionManifests, decode_manifest_schema, decode_region_manifest, region_manifests};
