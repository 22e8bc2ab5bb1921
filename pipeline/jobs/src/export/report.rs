use super::{ExportOptions, ExportPlan};
use delivery::{FileState, State, Tally};
use serde::Serialize;
use steps::hfile::Level;

/// What an export did, or (with `dry_run`) would do.
#[derive(Debug, Clone, Serialize)]
pub struct ExportReport {
    /// URI of the source root.
    pub from: String,
    /// URI of the target root.
    pub to: String,
    /// The snapshot in the source.
    pub snapshot: String,
    /// The snapshot in the target.
    pub target: String,
    /// The table, as `ns:name`.
    pub table: String,
    /// Digest of the plan.
    pub plan: String,
    /// The image that was written.
    pub image: Option<String>,
    /// Whether this is only the plan.
    pub dry_run: bool,
    /// Whether everything was there already, unchanged.
    pub already_there: bool,
    /// Regions that hold rows.
    pub regions: usize,
    /// All files of the snapshot, each once.
    pub files: Counted,
    /// Files that this run copied.
    pub copied: Counted,
    /// Files that an interrupted run had finished.
    pub resumed: Counted,
    /// Files that were there, known from an earlier image and unchanged: not read.
    pub reused: Counted,
    /// Files that were there and were read and found equal.
    pub compared: Counted,
    /// Files that were there with other bytes and were replaced.
    pub replaced: Counted,
    /// Stale files of checksums that Hadoop had kept beside files that were there already: removed.
    pub side_files_removed: u64,
    /// Bytes that this run read from the source's files.
    pub source_bytes_read: u64,
    /// What was proved of each file.
    pub verified: Level,
    /// Files whose blocks hold no checksums: their bytes are proved to be the source's, not to be undamaged.
    pub without_checksums: u64,
    /// Encrypted files: copied and their blocks verified; their cells cannot be read.
    pub encrypted: u64,
    /// Files that could not be looked into for another reason.
    pub not_looked_into: u64,
    /// What is not wrong but should be known.
    pub warnings: Vec<String>,
}

/// Files and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl From<(u64, u64)> for Counted {
    fn from((files, bytes): (u64, u64)) -> Self {
        Self { files, bytes }
    }
}

impl ExportReport {
    pub(super) fn of_plan(plan: &ExportPlan, options: &ExportOptions) -> Self {
        Self::new(plan, options, None, Tally::default())
    }

    pub(super) fn of_run(plan: &ExportPlan, options: &ExportOptions, image: &str, state: &State) -> Self {
        let mut report = Self::new(plan, options, Some(image), state.tally);
        report.verified = options.level.min(state.reached);
        for file in &state.files {
            if let FileState::Done(proof) = file {
                let contents = &proof.contents;
                report.without_checksums += u64::from(contents.without_checksums());
                report.encrypted += u64::from(contents.encrypted);
                report.not_looked_into += u64::from(contents.unread.is_some() && !contents.encrypted);
            }
        }
        report
    }

    pub(super) fn already_there(
        plan: &ExportPlan,
        options: &ExportOptions,
        image: &str,
        there: (Tally, Level),
    ) -> Self {
        let verified = options.level.min(there.1);
        Self { already_there: true, verified, ..Self::new(plan, options, Some(image), there.0) }
    }

    fn new(plan: &ExportPlan, options: &ExportOptions, image: Option<&str>, tally: Tally) -> Self {
        let ExportPlan { delivery: plan, regions, warnings } = plan;
        Self {
            from: options.from.clone(),
            to: options.to.clone(),
            snapshot: plan.snapshot.to_string(),
            target: plan.target.to_string(),
            table: plan.table.clone(),
            plan: plan.digest.clone(),
            image: image.map(str::to_owned),
            dry_run: options.dry_run,
            already_there: false,
            regions: *regions,
            files: Counted { files: plan.found.len() as u64, bytes: plan.bytes() },
            copied: tally.copied.into(),
            resumed: tally.resumed.into(),
            reused: tally.reused.into(),
            compared: tally.compared.into(),
            replaced: tally.replaced.into(),
            side_files_removed: tally.side_files_removed,
            source_bytes_read: tally.bytes_read,
            verified: options.level,
            without_checksums: 0,
            encrypted: 0,
            not_looked_into: 0,
            warnings: warnings.clone(),
        }
    }
}
