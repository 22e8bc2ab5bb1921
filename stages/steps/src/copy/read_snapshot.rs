//! Reads a snapshot's two documents.

use crate::bytes::{failed_store, read_witnessed};
use formats::FormatError;
use formats::schema::{TableSchema, decode_cluster_id};
use formats::snapshot::{
    RegionManifest, SnapshotDescription, decode_manifest_schema, decode_snapshot_description,
    region_manifests,
};
use names::SnapshotName;
use names::root::{CLUSTER_ID, SNAPSHOTS};
use stage::Failure;
use store::{Kind, Store, StorePath, list_there, read_all, shown};

/// The document with the snapshot's name and table.
pub const DESCRIPTION: &str = ".snapshotinfo";
/// The document with its schema, regions and files.
pub const MANIFEST: &str = "data.manifest";

/// Far more than any real description.
const MAX_DESCRIPTION: u64 = 16 << 20;
/// HBase refuses a manifest above 64 MiB by default; a protobuf cannot be longer than 2 GiB.
const MAX_MANIFEST: u64 = 2 << 30;

/// A snapshot as its documents say it; the regions are decoded as they are asked for.
pub struct ReadSnapshot {
    /// `.snapshotinfo`, decoded.
    pub description: SnapshotDescription,
    /// `.snapshotinfo` as it is.
    pub description_bytes: Vec<u8>,
    /// The table's schema.
    pub schema: TableSchema,
    /// `data.manifest` as it is.
    pub manifest_bytes: Vec<u8>,
    /// Where the manifest lies, for messages.
    manifest_path: String,
}

impl ReadSnapshot {
    /// The regions and their files, one after the other.
    pub fn regions(&self) -> impl Iterator<Item = Result<RegionManifest, Failure>> {
        region_manifests(&self.manifest_bytes).map(|region| match region {
            Ok((_, region)) => Ok(region),
            Err(error) => Err(damaged(&self.manifest_path, &error)),
        })
    }
}

/// The path of a snapshot's directory.
pub fn snapshot_dir(name: &SnapshotName) -> Result<StorePath, Failure> {
    StorePath::root()
        .join_all([SNAPSHOTS, name.as_str()])
        .map_err(|error| Failure::usage(format!("{name} cannot be a snapshot's name: {}", error.what)))
}

/// Reads a snapshot of a root. Cluster state does not matter: what is in the documents counts.
pub fn read_snapshot(store: &dyn Store, name: &SnapshotName) -> Result<ReadSnapshot, Failure> {
    let dir = snapshot_dir(name)?;
    let description_bytes = match read_document(store, &join(&dir, DESCRIPTION)?, MAX_DESCRIPTION)? {
        None => return Err(no_such_snapshot(store, name, &dir)),
        Some(bytes) => bytes,
    };
    let place = |document: &str| shown(store, &format!("{dir}/{document}"));
    let description = decode_snapshot_description(&description_bytes)
        .map_err(|error| damaged(&place(DESCRIPTION), &error))?;
    description.check_layout().map_err(|error| {
        Failure::failed("reading the snapshot", place(DESCRIPTION), error).hint(
            "take the snapshot again on a cluster that writes the current layout (snapshot.format.version 2)",
        )
    })?;
    if description.name != *name {
        let wrong =
            format!("its directory is {name}, but inside it says that its name is {}", description.name);
        return Err(Failure::failed("reading the snapshot", place(DESCRIPTION), wrong)
            .hint("a snapshot's directory cannot be renamed by hand: give it its old name"));
    }
    let manifest_bytes = match read_document(store, &join(&dir, MANIFEST)?, MAX_MANIFEST)? {
        None => {
            return Err(Failure::failed(READING, place(MANIFEST), "does not exist")
                .hint("the snapshot is not complete, or of an old layout: take it again"));
        }
        Some(bytes) => bytes,
    };
    let manifest_path = place(MANIFEST);
    let schema = decode_manifest_schema(&manifest_bytes).map_err(|error| damaged(&manifest_path, &error))?;
    Ok(ReadSnapshot { description, description_bytes, schema, manifest_bytes, manifest_path })
}

/// Reads a whole document; `None` if it does not exist. HBase gives it no checksum: where Hadoop keeps one it must
/// agree.
fn read_document(store: &dyn Store, path: &StorePath, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
    match read_witnessed(store, path, limit) {
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(failed_store(READING, store, error)),
        Ok((bytes, None)) => Ok(Some(bytes)),
        Ok((_, Some(problem))) => {
            let place = path.shown(store);
            let at = problem.offset.unwrap_or_default();
            let wrong = format!("at offset {at}: {}; {}", problem.what, problem.meaning);
            Err(Failure::failed(READING, place, wrong).hint(
                "bring the document and its .crc back from a copy; if a tool has written it past Hadoop, remove its .crc",
            ))
        }
    }
}

const READING: &str = "reading the snapshot";

/// The cluster's id from `hbase.id`; a root that an export made has none, and one that cannot be read is no reason to
/// stop.
pub fn read_cluster_id(store: &dyn Store) -> Result<Option<String>, Failure> {
    match read_all(store, &join(&StorePath::root(), CLUSTER_ID)?, MAX_DESCRIPTION) {
        Ok(bytes) => Ok(decode_cluster_id(&bytes).ok()),
        Err(_) => Ok(None),
    }
}

/// The names of a root's snapshots: the directories that may be one.
pub fn list_snapshots(store: &dyn Store) -> Result<Vec<String>, Failure> {
    let dir = join(&StorePath::root(), SNAPSHOTS)?;
    let entries = list_there(store, &dir)
        .map_err(|error| failed_store("listing snapshots", store, error))?
        .ok_or_else(|| {
        Failure::failed("listing snapshots", store.uri(), "has no `.hbase-snapshot` directory")
            .hint("is this the HBase root directory (hbase.rootdir)? Or no snapshot was ever taken")
    })?;
    let named = entries.into_iter().filter(|entry| entry.metadata.kind == Kind::Directory);
    Ok(named.map(|entry| entry.name).filter(|name| !name.starts_with('.')).collect())
}

fn no_such_snapshot(store: &dyn Store, name: &SnapshotName, dir: &StorePath) -> Failure {
    let mut names = match list_snapshots(store) {
        Ok(names) => names,
        Err(failure) => return failure,
    };
    if names.iter().any(|listed| listed == name.as_str()) {
        return without_description(store, dir);
    }
    names.retain(|name| has_description(store, name));
    let failure =
        Failure::failed("reading the snapshot", store.uri(), format!("there is no snapshot {name}"));
    match names.as_slice() {
        [] => failure.hint("there is no snapshot at all"),
        [last] => failure.hint(format!("there is only {last}")),
        names => failure.hint(format!("there are {}", shortened(names))),
    }
}

/// Tools that leave out files whose names begin with a dot copy only the manifest.
fn without_description(store: &dyn Store, dir: &StorePath) -> Failure {
    let place = dir.shown(store);
    let rest = join(dir, MANIFEST).is_ok_and(|manifest| store.metadata(&manifest).is_ok());
    let what = match rest {
        true => format!("the directory has no {DESCRIPTION} (dot files lost in a copy?)"),
        false => format!("the directory has no {DESCRIPTION}, and no {MANIFEST} either"),
    };
    Failure::failed(READING, place, what)
        .hint("bring the file back from where the directory was copied from: `cp DIR/*` leaves out what begins with a dot")
}

fn has_description(store: &dyn Store, name: &str) -> bool {
    let home = StorePath::root().join_all([SNAPSHOTS, name, DESCRIPTION]);
    home.is_ok_and(|path| store.metadata(&path).is_ok())
}

fn shortened(names: &[String]) -> String {
    let (shown, rest) = names.split_at(names.len().min(20));
    match rest.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn damaged(path: &str, error: &FormatError) -> Failure {
    Failure::failed("reading the snapshot", path, error)
        .hint("the document is damaged: take the snapshot again, or bring the document back from a copy")
}

fn join(dir: &StorePath, name: &str) -> Result<StorePath, Failure> {
    dir.join(name).map_err(Failure::usage)
}
