//! The basis of a restore: the files of the base snapshot, as the repository recorded them.

use catalog::{CatalogError, FilesOfImage, list_images};
use delivery::{SnapshotFiles, verify_files};
use formats::compress::Dictionaries;
use formats::snapshot::{RegionManifest, RegionRole, resolve};
use names::FamilyName;
use runtime::Run;
use stage::{Failure, Problem, Problems};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use steps::bytes::{Blake3, FileSum};
use steps::copy::{FoundFile, ListedFile};
use steps::hfile::{FileToVerify, Level};
use store::{Store, StorePath};

/// What images record about a file.
struct Recorded {
    sum: FileSum,
    /// Whether an image knows the very file that is there.
    unchanged: bool,
}

/// Finds out which files are not those that images recorded. A file that was not touched since is not read; one that
/// was (as in a repository that was moved or copied) is read and its digests are compared.
pub fn changed_files(
    files: &SnapshotFiles,
    source: &Arc<dyn Store>,
    workers: usize,
    run: &Run,
) -> Result<Problems, Failure> {
    let mut there = HashMap::new();
    for (file, found) in files.listed.files.iter().zip(&files.found) {
        if let Some(found) = found {
            there.insert(files.listed.path(file, found.place).map_err(Failure::usage)?, (file, found));
        }
    }
    let recorded = recorded(source.as_ref(), &there)?;
    let directory = |file: &ListedFile| files.listed.directories.get(file.directory as usize);
    let mut touched = Vec::new();
    for (path, recorded) in recorded.into_iter().filter(|(_, recorded)| !recorded.unchanged) {
        let dir = there.get(&path).and_then(|(file, _)| directory(file));
        touched.push(FileToVerify {
            store: Arc::clone(source),
            path,
            len: Some(recorded.sum.len),
            recorded: Some(recorded.sum),
            region: dir.map(|dir| dir.region.to_string()),
            table: dir.map(|dir| dir.table.full_form().to_owned()),
        });
    }
    touched.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(verify_files(touched, Level::Sums, workers, Dictionaries::new(), run)?.problems)
}

fn recorded(
    source: &dyn Store,
    there: &HashMap<StorePath, (&ListedFile, &FoundFile)>,
) -> Result<HashMap<StorePath, Recorded>, Failure> {
    let unread = |error: CatalogError| error.failed("reading the repository's images");
    let mut recorded: HashMap<StorePath, Recorded> = HashMap::new();
    for listed in list_images(source).map_err(unread)? {
        // A damaged image says nothing; `image list` shows it.
        let Ok(rows) = FilesOfImage::of(source, &listed) else { continue };
        for row in rows.flatten().flatten() {
            let (Some(crc32c), Some(blake3)) = (row.crc32c, row.blake3) else { continue };
            let Ok(path) = StorePath::parse(&row.path) else { continue };
            let Some((_, found)) = there.get(&path) else { continue };
            let unchanged =
                row.len == found.len && steps::bytes::file_identity(&row.identity) == found.identity.0;
            let sum = FileSum { len: row.len, crc32c, blake3: Blake3(blake3) };
            // Where two images know a file the later one counts, unless one of them knows this very file.
            if !recorded.get(&path).is_some_and(|known| known.unchanged) {
                recorded.insert(path, Recorded { sum, unchanged });
            }
        }
    }
    Ok(recorded)
}

/// Says of each file that is missing or damaged which rows of which family are affected.
pub fn say_rows(files: &SnapshotFiles, problems: &Problems) -> Result<Problems, Failure> {
    let names: BTreeSet<&str> =
        problems.kept().iter().filter_map(|problem| problem.path.rsplit('/').next()).collect();
    let mut rows: HashMap<String, Vec<String>> = HashMap::new();
    for region in files.snapshot.regions() {
        let region = region?;
        for (family, file) in region.files() {
            let name = resolve(&files.snapshot.description.table, &region, family, file).file;
            if names.contains(name.as_str()) && region.role() != RegionRole::SplitParent {
                rows.entry(name.as_str().to_owned()).or_default().push(rows_of(&region, family));
            }
        }
    }
    let said = |problem: &Problem| {
        let affected = problem.path.rsplit('/').next().and_then(|name| rows.get(name));
        match affected {
            Some(affected) => problem.clone().meaning(format!("affects {}", affected.join("; "))),
            None => problem.clone(),
        }
    };
    Ok(problems.kept().iter().map(said).collect())
}

fn rows_of(region: &RegionManifest, family: &FamilyName) -> String {
    if region.role() == RegionRole::Mob {
        return format!("large values of family {family}, of any row");
    }
    let (start, end) = (&region.region.start_key, &region.region.end_key);
    let end = if end.is_empty() { "the end".to_owned() } else { format!("\"{}\"", end.escape_ascii()) };
    format!("family {family} of rows from \"{}\" to {end}", start.escape_ascii())
}
