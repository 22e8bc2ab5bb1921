use crate::roots;
use catalog::time;
use delivery::SnapshotFiles;
use formats::snapshot::{RegionRole, SnapshotDescription, SnapshotType};
use names::{FileName, Place, SnapshotName};
use runtime::Context;
use serde::Serialize;
use stage::{Failure, Problem, ProblemKind, Problems, Report};
use std::collections::BTreeMap;
use steps::copy::{list_snapshots, read_snapshot};
use store::Store;

/// A snapshot in a list.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotSummary {
    /// Its name.
    pub name: String,
    /// The table, as `ns:name`.
    pub table: String,
    /// When it was taken, as `2026-11-20T10:00:00Z`; empty if it does not say.
    pub created: String,
    /// The same, milliseconds since the epoch.
    pub created_ms: Option<i64>,
    /// `FLUSH`, `SKIPFLUSH` or `DISABLED`.
    pub kind: &'static str,
    /// Seconds to live; 0 is for ever.
    pub ttl_seconds: i64,
    /// Whether it has expired.
    pub expired: bool,
    /// Regions that hold rows.
    pub regions: u64,
    /// Store files, as the manifest lists them.
    pub files: u64,
    /// Their bytes, where the manifest gives them.
    pub bytes: u64,
}

/// The snapshots of a root.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotsReport {
    /// URI of the root.
    pub root: String,
    /// In order of their names.
    pub snapshots: Vec<SnapshotSummary>,
}

/// Lists the snapshots of a root. One that cannot be read is a problem.
pub fn list(from: &str, context: &Context) -> Result<Report<SnapshotsReport>, Failure> {
    let store = roots::open_existing(from)?;
    let mut problems = Problems::default();
    let mut snapshots = Vec::new();
    for name in list_snapshots(store.as_ref())? {
        match summary(store.as_ref(), &name, context) {
            Ok(summary) => snapshots.push(summary),
            Err(failure) => problems.push(
                Problem::new(ProblemKind::Structure, format!("{} ({name})", failure.subject), &failure.wrong)
                    .hint(failure.hint.unwrap_or_default()),
            ),
        }
    }
    Ok(Report::new("snapshot list", SnapshotsReport { root: store.uri(), snapshots }, problems))
}

fn summary(store: &dyn Store, name: &str, context: &Context) -> Result<SnapshotSummary, Failure> {
    let snapshot = read_snapshot(store, &SnapshotName::parse(name).map_err(Failure::usage)?)?;
    let (mut regions, mut files, mut bytes) = (0, 0, 0);
    for region in snapshot.regions() {
        let region = region?;
        regions += u64::from(region.role() == RegionRole::Rows);
        for (_, file) in region.files() {
            files += 1;
            bytes += file.size.unwrap_or(0);
        }
    }
    Ok(summary_of(&snapshot.description, regions, files, bytes, context))
}

fn summary_of(
    description: &SnapshotDescription,
    regions: u64,
    files: u64,
    bytes: u64,
    context: &Context,
) -> SnapshotSummary {
    SnapshotSummary {
        name: description.name.to_string(),
        table: description.table.full_form().to_owned(),
        created: description.creation_time.map(time::shown).unwrap_or_default(),
        created_ms: description.creation_time,
        kind: match description.snapshot_type() {
            SnapshotType::Disabled => "DISABLED",
            SnapshotType::Flush => "FLUSH",
            SnapshotType::SkipFlush => "SKIPFLUSH",
        },
        ttl_seconds: description.ttl.unwrap_or(0),
        expired: description.is_expired(context.now_ms),
        regions,
        files,
        bytes,
    }
}

/// What a snapshot holds.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotReport {
    /// URI of the root.
    pub root: String,
    /// The snapshot; `files` and `bytes` count each file once.
    #[serde(flatten)]
    pub summary: SnapshotSummary,
    /// Regions that were split and are there because their daughters' files refer to theirs.
    pub split_parents: u64,
    /// Where the files are and how the manifest leads to them.
    pub stats: SnapshotStats,
    /// The table's schema as the HBase shell would describe it.
    pub schema: String,
    /// Every file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_list: Vec<FileEntry>,
}

/// Where a snapshot's files are and how its manifest leads to them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SnapshotStats {
    /// Files that the live table still has, and their bytes.
    pub live_files: u64,
    /// See `live_files`.
    pub live_bytes: u64,
    /// Files that are only in the archive: what the snapshot costs.
    pub archived_files: u64,
    /// See `archived_files`.
    pub archived_bytes: u64,
    /// MOB files, wherever they are.
    pub mob_files: u64,
    /// See `mob_files`.
    pub mob_bytes: u64,
    /// Files that are missing, unreadable or of another length.
    pub missing_files: u64,
    /// Entries of the manifest that are links.
    pub links: u64,
    /// Entries of the manifest that are references to a parent region's file.
    pub references: u64,
    /// By family.
    pub families: Vec<FamilyStats>,
}

/// The files of a family.
#[derive(Debug, Clone, Serialize)]
pub struct FamilyStats {
    /// The family.
    pub family: String,
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One file of a snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct FileEntry {
    /// Where it is, below the root; if it is missing, where it was looked for first.
    pub path: String,
    /// Its length; that of the manifest if it is missing.
    pub len: Option<u64>,
    /// `data`, `archive`, `tmp` or `mob`; none if it is missing.
    pub place: Option<&'static str>,
}

/// Describes a snapshot; its files are looked for, not read.
pub fn info(
    from: &str,
    name: &str,
    with_files: bool,
    context: &Context,
) -> Result<Report<SnapshotReport>, Failure> {
    let store = roots::open_existing(from)?;
    let run = context.start()?;
    let name = SnapshotName::parse(name).map_err(Failure::usage)?;
    let files = SnapshotFiles::read(store.as_ref(), &name, &run)?;
    let stats = stats_of(&files);
    let bytes = stats.live_bytes + stats.archived_bytes;
    let regions = files.row_regions() as u64;
    let parents = files.regions.iter().filter(|region| region.role() == RegionRole::SplitParent);
    let report = SnapshotReport {
        root: store.uri(),
        summary: summary_of(
            &files.snapshot.description,
            regions,
            files.listed.files.len() as u64,
            bytes,
            context,
        ),
        split_parents: parents.count() as u64,
        stats,
        schema: files.snapshot.schema.to_string(),
        file_list: if with_files { file_list(&files)? } else { Vec::new() },
    };
    let mut problems: Problems = files.faults.into_iter().collect();
    problems.append(files.missing);
    Ok(Report::new("snapshot info", report, problems))
}

fn stats_of(files: &SnapshotFiles) -> SnapshotStats {
    let [_, links, references, references_to_links] = files.entries;
    let mut stats =
        SnapshotStats { links, references: references + references_to_links, ..SnapshotStats::default() };
    let mut families: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (file, found) in files.listed.files.iter().zip(&files.found) {
        let Some(found) = found else {
            stats.missing_files += 1;
            continue;
        };
        let (count, bytes) = match found.place {
            Place::Archive => (&mut stats.archived_files, &mut stats.archived_bytes),
            Place::Live | Place::Temporary | Place::Mob => (&mut stats.live_files, &mut stats.live_bytes),
        };
        *count += 1;
        *bytes += found.len;
        if matches!(file.name, FileName::Mob(_)) {
            stats.mob_files += 1;
            stats.mob_bytes += found.len;
        }
        if let Some(dir) = files.listed.directories.get(file.directory as usize) {
            let family = families.entry(dir.family.as_str()).or_default();
            family.0 += 1;
            family.1 += found.len;
        }
    }
    let family = |(family, (files, bytes)): (&str, (u64, u64))| FamilyStats {
        family: family.to_owned(),
        files,
        bytes,
    };
    stats.families = families.into_iter().map(family).collect();
    stats
}

fn file_list(files: &SnapshotFiles) -> Result<Vec<FileEntry>, Failure> {
    let entry = |(file, found): (&steps::copy::ListedFile, &Option<steps::copy::FoundFile>)| {
        let place = found.as_ref().map(|found| found.place);
        let path = files.listed.path(file, place.unwrap_or(Place::Live)).map_err(Failure::usage)?;
        Ok(FileEntry {
            path: path.to_string(),
            len: found.as_ref().map(|found| found.len).or(file.len),
            place: place.map(|place| match place {
                Place::Live => "data",
                Place::Archive => "archive",
                Place::Temporary => "tmp",
                Place::Mob => "mob",
            }),
        })
    };
    files.listed.files.iter().zip(&files.found).map(entry).collect()
}
