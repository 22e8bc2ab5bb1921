use super::plan::TablePlan;
use crate::export::{Counted, State, Tally};
use serde::Serialize;

/// What a restore did, or (with `dry_run`) would do.
#[derive(Debug, Clone, Serialize)]
pub struct RestoreReport {
    /// URI of the repository.
    pub from: String,
    /// URI of the root that was restored to.
    pub to: String,
    /// The cut, as it was asked for.
    pub until: String,
    /// Whether this is only the plan.
    pub dry_run: bool,
    /// By table, in the order of the base snapshots.
    pub tables: Vec<RestoredTable>,
}

/// What was done for one table.
#[derive(Debug, Clone, Serialize)]
pub struct RestoredTable {
    /// The table of the base snapshot, as `ns:name`.
    pub table: String,
    /// The table of the restored snapshot, as `ns:name`.
    pub restored_as: String,
    /// The base snapshot.
    pub base: String,
    /// The restored snapshot.
    pub snapshot: String,
    /// Digest of the plan.
    pub plan: String,
    /// The image that was written.
    pub image: Option<String>,
    /// Whether it was all there already, unchanged.
    pub already_there: bool,
    /// Regions that hold rows.
    pub regions: usize,
    /// All files of the base snapshot.
    pub base_files: Counted,
    /// Files that stayed where they are, or were there and unchanged: not read.
    pub reused: Counted,
    /// Files that this run copied.
    pub copied: Counted,
    /// Files that an interrupted run had finished.
    pub resumed: Counted,
    /// Files that were there and were read and found equal.
    pub compared: Counted,
    /// Files that were there with other bytes and were replaced.
    pub replaced: Counted,
    /// Bytes that this run read from the base snapshot's files.
    pub source_bytes_read: u64,
    /// What is not wrong but should be known.
    pub warnings: Vec<String>,
}

impl RestoredTable {
    /// Of a plan alone.
    pub(super) fn of_plan(plan: &TablePlan) -> Self {
        Self::new(plan, None, Tally::default())
    }

    /// Of a run that came to its end.
    pub(super) fn of_run(plan: &TablePlan, image: &str, state: &State) -> Self {
        Self::new(plan, Some(image), state.tally)
    }

    /// Of a table that was restored before.
    pub(super) fn already_there(plan: &TablePlan, image: &str, tally: Tally) -> Self {
        Self { already_there: true, ..Self::new(plan, Some(image), tally) }
    }

    fn new(plan: &TablePlan, image: Option<&str>, tally: Tally) -> Self {
        let export = &plan.export;
        Self {
            table: plan.table.full_form().to_owned(),
            restored_as: plan.names.table.full_form().to_owned(),
            base: export.snapshot.to_string(),
            snapshot: export.target.to_string(),
            plan: export.digest.clone(),
            image: image.map(str::to_owned),
            already_there: false,
            regions: plan.row_regions().count(),
            base_files: Counted { files: export.found.len() as u64, bytes: export.bytes() },
            copied: tally.copied.into(),
            resumed: tally.resumed.into(),
            reused: tally.reused.into(),
            compared: tally.compared.into(),
            replaced: tally.replaced.into(),
            source_bytes_read: tally.bytes_read,
            warnings: plan.warnings.clone(),
        }
    }
}
