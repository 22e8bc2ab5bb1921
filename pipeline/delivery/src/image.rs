//! The image of an export: the list of its files and the document that makes it count; and what earlier images say
//! about files that are in the target already.

use crate::DeliveryPlan;
use crate::beside::Beside;
use crate::new_files::AddedFile;
use crate::publish::{Publishing, There, is_on_medium};
use crate::state::{FileState, State, Tally, add};
use catalog::time;
use catalog::{
    CatalogError, FilesOfImage, Image, ImageFiles, ImageRun, ImageSource, encode_files, layout, list_images,
    read_image,
};
use columns::files::{FileRow, RangeDigest};
use names::FileName;
use stage::Failure;
use std::collections::HashMap;
use steps::bytes::{
    Blake3, FileSum, RangeSum, drop_stale_side, failed_store, file_identity, identity_with_side, settle_side,
};
use steps::copy::{Contents, Proof};
use steps::hfile::Level;
use store::{Publish, Store, StorePath};

const DOING: &str = "writing the image";

/// The list of files as it was written.
pub struct Written {
    /// The image's id.
    pub id: String,
    dir: StorePath,
    list_blake3: String,
}

/// A delivery that reached its end.
pub struct EndedDelivery<'a> {
    /// Where the files came from.
    pub source: &'a dyn Store,
    /// Where they are.
    pub target: &'a dyn Store,
    /// The digest of the manifest that was published.
    pub manifest: Blake3,
    /// When, milliseconds since the epoch.
    pub at_ms: i64,
}

/// Names the image of a plan: the same plan gives the same image, whenever it is run.
pub fn id_of(plan: &DeliveryPlan) -> String {
    let digest = plan.digest.get(..8).unwrap_or_default();
    format!("{}-{}-{digest}", time::compact(plan.created_ms), plan.target)
}

fn dir_of(plan: &DeliveryPlan) -> Result<StorePath, Failure> {
    let dir =
        layout::images().and_then(|dir| dir.join_all([time::month(plan.created_ms).as_str(), &id_of(plan)]));
    dir.map_err(Failure::usage)
}

/// Whether the export was done before and nothing has changed since: the image is there, the snapshot is, and every
/// file is still the one that was proved. Reads no file except one beside which Hadoop has put checksums since. Also
/// returns the level to which it was verified.
pub fn unchanged(plan: &DeliveryPlan, target: &dyn Store) -> Result<Option<(Tally, Level)>, Failure> {
    let dir = dir_of(plan)?;
    let image = match read_image(target, &dir) {
        Ok(image) if image.plan == plan.digest => image,
        Ok(_) => return Ok(None),
        Err(CatalogError::Store(error)) if error.is_not_found() => return Ok(None),
        // It is written anew.
        Err(CatalogError::Damaged { .. }) => return Ok(None),
        Err(error) => return Err(error.failed("reading the image of an earlier export")),
    };
    let mut publishing = Publishing::new(target, plan, false)?;
    if let Some(digest) = Blake3::from_hex(&image.manifest_blake3) {
        publishing.adopt(digest)?;
    }
    if publishing.there()? != There::Ours {
        return Ok(None);
    }
    publishing.drop_stale_sides()?;
    let unread = |error: CatalogError| error.failed("reading the image of an earlier export");
    let (mut tally, mut rows) = (Tally::default(), 0);
    let files = match FilesOfImage::open(target, &dir, &image) {
        Err(CatalogError::Damaged { .. }) => return Ok(None),
        files => files.map_err(unread)?,
    };
    let mut beside = Beside::new(target);
    for batch in files {
        for row in batch.map_err(unread)? {
            if is_still(&mut beside, target, &row, &mut tally)?.is_none() {
                return Ok(None);
            }
            add(&mut tally.reused, row.len);
            rows += 1;
        }
    }
    let verified = Level::from_name(&image.verified).unwrap_or(Level::List);
    Ok((rows == image.files.count).then_some((tally, verified)))
}

/// The identity of a file and of its checksums, if it is the one that an image knows. Checksums that Hadoop keeps of it
/// and that the image does not know are removed if they are stale.
fn is_still(
    beside: &mut Beside<'_>,
    target: &dyn Store,
    row: &FileRow,
    tally: &mut Tally,
) -> Result<Option<String>, Failure> {
    let path = StorePath::parse(&row.path).map_err(Failure::usage)?;
    let Some((metadata, identity)) = beside.find(&path)? else { return Ok(None) };
    if metadata.len != row.len || metadata.identity.0 != file_identity(&row.identity) {
        return Ok(None);
    }
    if identity == row.identity {
        return Ok(Some(identity));
    }
    let failed = |error| failed_store(LOOKING, target, error);
    tally.side_files_removed += u64::from(settle_side(target, &path).map_err(failed)?);
    identity_with_side(target, &path, &metadata.identity).map(Some).map_err(failed)
}

const LOOKING: &str = "looking at the target";

/// Files in the target that an earlier image knows and that have not changed need not be read again.
pub fn reuse(plan: &DeliveryPlan, target: &dyn Store, state: &mut State) -> Result<(), Failure> {
    let mut wanted = HashMap::new();
    for number in state.numbers(|state| matches!(state, FileState::ToCompare | FileState::InPlace)) {
        if let Some((file, found)) = plan.file(number) {
            let path = plan.target_path(file, found).map_err(Failure::usage)?;
            wanted.insert(path.as_str().to_owned(), (number, found.len));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let unread = |error: CatalogError| error.failed("reading the repository's images");
    for listed in list_images(target).map_err(unread)? {
        // A damaged image says nothing; `image list` shows it.
        let Ok(files) = FilesOfImage::of(target, &listed) else { continue };
        let proved = listed.image.as_ref().ok().and_then(|image| Level::from_name(&image.verified));
        if proved.is_none_or(|level| level < plan.aim.level) {
            continue;
        }
        let mut beside = Beside::new(target);
        for row in files.flatten().flatten() {
            let Some(&(number, len)) = wanted.get(&row.path) else { continue };
            if row.len == len
                && let Some(identity) = is_still(&mut beside, target, &row, &mut state.tally)?
                && let Some(proof) = proof_of(&row)
            {
                let proof = Proof { identity, ..proof };
                wanted.remove(&row.path);
                if !plan.in_place {
                    add(&mut state.tally.reused, len);
                }
                state.set(number, FileState::Done(Box::new(proof)));
            }
        }
    }
    Ok(())
}

fn proof_of(row: &FileRow) -> Option<Proof> {
    let sum =
        |range: &RangeDigest| RangeSum { len: range.len, crc32c: range.crc32c, blake3: Blake3(range.blake3) };
    Some(Proof {
        sum: FileSum { len: row.len, crc32c: row.crc32c?, blake3: Blake3(row.blake3?) },
        ranges: row.ranges.iter().map(sum).collect(),
        contents: Contents {
            blocks: row.blocks,
            checksum_type: row.checksum_type.clone(),
            entries: row.entries,
            max_sequence: row.max_sequence,
            encrypted: row.encrypted,
            unread: None,
        },
        identity: row.identity.clone(),
    })
}

/// Writes the list of the image's files and reads it back.
pub fn write_list(plan: &DeliveryPlan, state: &State, target: &dyn Store) -> Result<Written, Failure> {
    let mut added =
        state.added.iter().map(row_of_added).collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    added.sort_by(|one, other| one.path.cmp(&other.path));
    let mut added = added.into_iter().peekable();
    let rows = (0..).zip(&state.files).map(|(number, state)| row_of(plan, number, state));
    let mut rows = rows.peekable();
    // Both are in the order of their paths, and so is the list.
    let merged = std::iter::from_fn(|| match (rows.peek(), added.peek()) {
        (Some(Ok(row)), Some(new)) if new.path < row.path => added.next().map(Ok),
        (None, _) => added.next().map(Ok),
        _ => rows.next(),
    });
    let bytes = encode_files(merged).map_err(|error: CatalogError| error.failed(DOING))?;
    let dir = dir_of(plan)?;
    put_and_read_back(target, &dir, "files.parquet", &bytes)?;
    Ok(Written { id: id_of(plan), dir, list_blake3: blake3::hash(&bytes).to_hex().to_string() })
}

fn row_of(plan: &DeliveryPlan, number: u32, state: &FileState) -> Result<FileRow, CatalogError> {
    let unproved = || CatalogError::Damaged { path: format!("file {number}"), what: "is not proved".into() };
    let (file, found) = plan.file(number).ok_or_else(unproved)?;
    let dir = plan.listed.directories.get(file.directory as usize).ok_or_else(unproved)?;
    let unread = FileRow {
        path: plan.target_path(file, found)?.to_string(),
        source_path: plan.listed.path(file, found.place)?.to_string(),
        len: found.len,
        kind: kind_of(&file.name).to_owned(),
        table: dir.table.full_form().to_owned(),
        region: dir.region.to_string(),
        family: dir.family.to_string(),
        identity: found.identity.0.clone(),
        ..FileRow::default()
    };
    match state {
        FileState::Done(proof) => Ok(with_proof(unread, proof)),
        FileState::InPlace => Ok(unread),
        _ => Err(unproved()),
    }
}

fn row_of_added(file: &AddedFile) -> Result<FileRow, store::StoreError> {
    let path = file.path()?.to_string();
    let row = FileRow {
        source_path: path.clone(),
        path,
        kind: "hfile".to_owned(),
        table: file.table.clone(),
        region: file.region.clone(),
        family: file.family.clone(),
        ..FileRow::default()
    };
    Ok(with_proof(row, &file.proof))
}

fn with_proof(row: FileRow, proof: &Proof) -> FileRow {
    let Proof { sum, ranges, contents, identity } = proof;
    let mut offset = 0;
    let ranges = ranges.iter().map(|range| {
        let start = offset;
        offset += range.len;
        RangeDigest { offset: start, len: range.len, crc32c: range.crc32c, blake3: range.blake3.0 }
    });
    FileRow {
        len: sum.len,
        crc32c: Some(sum.crc32c),
        blake3: Some(sum.blake3.0),
        ranges: ranges.collect(),
        max_sequence: contents.max_sequence,
        entries: contents.entries,
        encrypted: contents.encrypted,
        blocks: contents.blocks,
        checksum_type: contents.checksum_type.clone(),
        identity: identity.clone(),
        ..row
    }
}

fn kind_of(name: &FileName) -> &'static str {
    match name {
        FileName::HFile(_) => "hfile",
        FileName::Mob(_) => "mob",
    }
}

/// Writes the document that makes the image count.
pub fn write_image(
    plan: &DeliveryPlan,
    state: &State,
    written: &Written,
    ended: &EndedDelivery<'_>,
) -> Result<(), Failure> {
    let proofs = state.files.iter().zip(&plan.found).map(|(state, found)| match state {
        FileState::Done(proof) => (found.len, Some(&**proof)),
        _ => (found.len, None),
    });
    let proofs = proofs.chain(state.added.iter().map(|file| (file.proof.sum.len, Some(&file.proof))));
    let mut files = ImageFiles {
        count: 0,
        bytes: 0,
        without_checksums: 0,
        encrypted: 0,
        list_blake3: written.list_blake3.clone(),
    };
    for (len, proof) in proofs {
        files.count += 1;
        files.bytes += len;
        files.without_checksums += u64::from(proof.is_some_and(|proof| proof.contents.without_checksums()));
        files.encrypted += u64::from(proof.is_some_and(|proof| proof.contents.encrypted));
    }
    let image = Image {
        version: Image::VERSION,
        id: written.id.clone(),
        plan: plan.digest.clone(),
        source: ImageSource {
            uri: ended.source.uri(),
            cluster: plan.cluster.clone(),
            snapshot: plan.snapshot.to_string(),
            created_ms: plan.created_ms,
        },
        snapshot: plan.target.to_string(),
        table: plan.table.clone(),
        manifest_blake3: ended.manifest.to_string(),
        files,
        verified: plan.aim.level.min(state.reached).to_string(),
        cut: plan.cut.clone(),
        run: ImageRun {
            id: plan.run_id().to_owned(),
            finished_ms: ended.at_ms,
            tidegate: env!("CARGO_PKG_VERSION").to_owned(),
        },
    };
    let bytes = image.encode().map_err(|error: CatalogError| error.failed(DOING))?;
    put_and_read_back(ended.target, &written.dir, "image.json", &bytes)
}

fn put_and_read_back(target: &dyn Store, dir: &StorePath, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error| failed_store(DOING, target, error);
    let path = dir.join(name).map_err(failed)?;
    if is_on_medium(target, &path, bytes).is_ok_and(|there| there) {
        drop_stale_side(target, &path, bytes).map_err(failed)?;
        return Ok(()); // an interrupted run has written it
    }
    target.put(&path, bytes, Publish::Replace).map_err(failed)?;
    match is_on_medium(target, &path, bytes).map_err(failed)? {
        true => Ok(()),
        false => Err(Failure::failed(DOING, path, "the medium does not return what was written")
            .hint("check the target's disks")),
    }
}
