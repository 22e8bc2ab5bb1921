//! What an export will do: a value, made without reading a byte of an HFile.

use super::ExportOptions;
use crate::Context;
use crate::snapshot_files::SnapshotFiles;
use catalog::ImageCut;
use formats::snapshot::{DescriptionRewrite, rewrite_description};
use names::{Place, SnapshotName};
use runtime::Run;
use stage::{Failure, FailureKind, Problem, ProblemKind, Problems, Stopped};
use steps::{FoundFile, ListedFile, ListedFiles, read_cluster_id};
use store::{Store, StoreError, StorePath, WriteShape};

/// What a run is for: it decides what messages say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A snapshot is copied as it is.
    Export,
    /// A snapshot is made of one and of edits.
    Restore,
}

impl Purpose {
    /// "exporting"
    pub fn doing(self) -> &'static str {
        match self {
            Self::Export => "exporting",
            Self::Restore => "restoring",
        }
    }

    /// What to do about a snapshot of that name that is there already.
    pub fn other_name(self) -> &'static str {
        match self {
            Self::Export => {
                "give --target for another name, or --overwrite to replace it once the new one is proved"
            }
            Self::Restore => "give --as another name, or delete the snapshot",
        }
    }
}

/// What is published in the target.
pub(crate) struct Documents {
    /// The snapshot's name there.
    pub target: SnapshotName,
    /// `.snapshotinfo`
    pub description: Vec<u8>,
    /// `data.manifest`
    pub manifest: Vec<u8>,
}

/// An export, worked out.
pub struct ExportPlan {
    /// What it is for.
    pub purpose: Purpose,
    /// The snapshot in the source.
    pub snapshot: SnapshotName,
    /// The snapshot in the target.
    pub target: SnapshotName,
    /// The table, as `ns:name`.
    pub table: String,
    /// When the snapshot was taken, milliseconds since the epoch; 0 if it does not say.
    pub created_ms: i64,
    /// The source cluster's id.
    pub cluster: Option<String>,
    /// `.snapshotinfo` as it will be in the target.
    pub description: Vec<u8>,
    /// `data.manifest` as it will be in the target. A restore that adds files announces it without them.
    pub manifest: Vec<u8>,
    /// Whether source and target are one root, in which the files stay where they are.
    pub in_place: bool,
    /// The files.
    pub listed: ListedFiles,
    /// Where each of them lies in the source.
    pub found: Vec<FoundFile>,
    /// Length of the ranges of long files.
    pub range_len: u64,
    /// What was found wrong and accepted.
    pub accepted: Problems,
    /// What is not wrong but should be known.
    pub warnings: Vec<String>,
    /// The cut that is restored, for the image.
    pub cut: Option<ImageCut>,
    /// BLAKE3 of all of this, in hexadecimal: names the run.
    pub digest: String,
}

impl ExportPlan {
    /// Makes the plan. What makes the snapshot unfit to be exported stops here.
    pub fn make(
        options: &ExportOptions,
        source: &dyn Store,
        context: &Context,
        run: &Run,
    ) -> Result<Self, Stopped> {
        let name = |text: &str| SnapshotName::parse(text).map_err(Failure::usage);
        let snapshot = name(&options.snapshot)?;
        let target = name(options.target.as_deref().unwrap_or(&options.snapshot))?;
        let mut files = SnapshotFiles::read(source, &snapshot, run)?;
        refuse_expired(&files, options, context)?;
        let accepted = judge(&files, options, source)?;
        let rewrite = DescriptionRewrite {
            name: (target != snapshot).then(|| target.clone()),
            table: None,
            reset_ttl: options.reset_ttl,
        };
        let description = rewrite_description(&files.snapshot.description_bytes, &rewrite)
            .map_err(|error| Failure::failed("renaming the snapshot", &options.snapshot, error))?;
        let manifest = std::mem::take(&mut files.snapshot.manifest_bytes);
        let documents = Documents { target, description, manifest };
        let mut plan = Self::of(files, documents, read_cluster_id(source)?, options, accepted);
        plan.digest = plan.digest_with(options, b"tidegate export 1");
        Ok(plan)
    }

    /// A plan that copies a snapshot's files and publishes these documents; it has no digest yet.
    pub(crate) fn of(
        files: SnapshotFiles,
        documents: Documents,
        cluster: Option<String>,
        options: &ExportOptions,
        accepted: Problems,
    ) -> Self {
        let SnapshotFiles { snapshot: read, listed, found, .. } = files;
        let Documents { target, description, manifest } = documents;
        Self {
            purpose: Purpose::Export,
            snapshot: read.description.name,
            target,
            table: read.description.table.full_form().to_owned(),
            created_ms: read.description.creation_time.unwrap_or(0),
            cluster,
            description,
            manifest,
            in_place: false,
            listed,
            found: found.into_iter().flatten().collect(),
            range_len: options.range_len,
            accepted,
            warnings: read.schema.refused_by_hbase_2(),
            cut: None,
            digest: String::new(),
        }
    }

    /// Names the run: the first digits of the digest.
    pub fn run_id(&self) -> &str {
        self.digest.get(..16).unwrap_or(&self.digest)
    }

    /// All bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.found.iter().map(|found| found.len).sum()
    }

    /// A file and where it lies in the source.
    pub fn file(&self, number: u32) -> Option<(&ListedFile, &FoundFile)> {
        self.listed.files.get(number as usize).zip(self.found.get(number as usize))
    }

    /// How a file is cut into ranges.
    pub fn shape(&self, found: &FoundFile) -> WriteShape {
        WriteShape { len: found.len, part_len: self.range_len }
    }

    /// Where a file goes in the target.
    pub fn target_path(&self, file: &ListedFile, found: &FoundFile) -> Result<StorePath, StoreError> {
        self.listed.path(file, if self.in_place { found.place } else { Place::Archive })
    }

    /// Where all files go in the target.
    pub fn target_paths(&self) -> Result<Vec<StorePath>, StoreError> {
        self.listed.files.iter().zip(&self.found).map(|(file, found)| self.target_path(file, found)).collect()
    }

    /// Two runs with the same digest do the same work and may go on with each other's. `work` stands for what the
    /// plan itself does not hold.
    pub fn digest_with(&self, options: &ExportOptions, work: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        add(work);
        add(options.from.as_bytes());
        add(self.target.as_str().as_bytes());
        add(&self.description);
        add(&self.manifest);
        add(format!("{:?} {:?} {}", options.level, options.attributes, self.range_len).as_bytes());
        for (file, found) in self.listed.files.iter().zip(&self.found) {
            add(file.name.as_str().as_bytes());
            add(found.identity.0.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn refuse_expired(files: &SnapshotFiles, options: &ExportOptions, context: &Context) -> Result<(), Failure> {
    let description = &files.snapshot.description;
    if !description.is_expired(context.now_ms) {
        return Ok(());
    }
    let at =
        description.expires_at().map_or_else(String::new, |ms| format!(" (at {})", crate::time::shown(ms)));
    Err(Failure::refused("exporting", &options.snapshot, format!("the snapshot has expired{at}"))
        .hint("HBase refuses to clone it and may delete it any moment; take a new snapshot"))
}

/// Stops at what makes a snapshot unfit; gives what is accepted.
pub(crate) fn judge(
    files: &SnapshotFiles,
    options: &ExportOptions,
    source: &dyn Store,
) -> Result<Problems, Stopped> {
    let place = format!("snapshot {} of {}", options.snapshot, source.uri());
    let (tiling, broken): (Vec<Problem>, Vec<Problem>) =
        files.faults.iter().cloned().partition(|problem| problem.kind == ProblemKind::Tiling);
    let stop = |kind, wrong: String, hint: &str, problems: Problems| {
        let failure = Failure::new(kind, "looking at the snapshot", &place, wrong).hint(hint);
        Err(Stopped { failure, problems })
    };
    if !broken.is_empty() {
        let hint = "HBase could not clone it: take the snapshot again";
        let wrong = "the manifest contradicts itself".to_owned();
        return stop(FailureKind::Failed, wrong, hint, broken.into_iter().collect());
    }
    if !tiling.is_empty() && !options.accept_holes {
        let hint = "repair the table (hbck2) and take the snapshot again, or give --accept-holes to export it as it is";
        let wrong = "the regions leave holes or overlap: a clone would be broken".to_owned();
        return stop(FailureKind::Refused, wrong, hint, tiling.into_iter().collect());
    }
    if !files.missing.is_empty() {
        let wrong = format!(
            "{} of {} files are missing, unreadable or have another length",
            files.missing.count(),
            files.listed.files.len()
        );
        let unread = files.missing.kept().iter().all(|problem| problem.kind == ProblemKind::Unreadable);
        let hint = match unread {
            true => "nothing was written; mend what the problems say, and run the same command again",
            false => "nothing was written; bring the files back into `archive`, or take a new snapshot",
        };
        return stop(FailureKind::Failed, wrong, hint, files.missing.clone());
    }
    Ok(tiling.into_iter().collect())
}
