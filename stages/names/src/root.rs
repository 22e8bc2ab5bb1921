//! The layout of HBase's root directory (`HConstants`, `HFileArchiveUtil`, `SnapshotDescriptionUtils`, `MobUtils`).

/// The live store files: `data/<ns>/<table>/<region>/<family>/<file>`.
pub const DATA: &str = "data";
/// Below it lies a `data` of files that are no longer live, kept for snapshots and clones.
pub const ARCHIVE: &str = "archive";
/// Below it lies a `data` of live MOB files.
pub(crate) const MOB_DIR: &str = "mobdir";
/// What is in the making: below it lies a `data` of tables that are just being created.
pub const TEMPORARY: &str = ".tmp";
/// WALs that are being written or wait to be split, a directory for each server.
pub const WALS: &str = "WALs";
/// WALs that no region needs any more, until the cleaner takes them: flat, or a directory for each server
/// (`hbase.separate.oldlogdir.by.regionserver`).
pub const OLD_WALS: &str = "oldWALs";
/// Completed snapshots, a directory each; those in the making lie below its [`TEMPORARY`].
pub const SNAPSHOTS: &str = ".hbase-snapshot";
/// In a region's directory: what splitting WALs left for it.
pub const RECOVERED_EDITS: &str = "recovered.edits";
/// The cluster's id.
pub const CLUSTER_ID: &str = "hbase.id";
/// The version of this layout.
pub const LAYOUT_VERSION: &str = "hbase.version";
/// The suffix of a server's directory below [`WALS`] while its WALs are being split.
pub(crate) const SPLITTING: &str = "-splitting";
