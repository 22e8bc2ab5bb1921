use super::plan::TablePlan;
use super::write::Written;
use crate::cut::CutReport;
use crate::export::Counted;
use cuts::Forecast;
use delivery::{AddedFile, State, Tally};
use serde::Serialize;
use std::collections::BTreeMap;

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
    /// What is proved about the cut; none for the snapshots alone.
    pub certificate: Option<CutReport>,
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
    /// Whether everything was there already, unchanged.
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
    /// New files with the edits of the cut, including those of interrupted runs.
    pub written: Counted,
    /// Cells in them.
    pub cells: u64,
    /// Cells that batches had twice; they are restored once.
    pub duplicates: u64,
    /// Markers among the edits that delete exactly one version: what HBase itself showed of such columns depended on when it
    /// flushed (docs/restore.md).
    pub version_deletes: u64,
    /// Cells of families that the base snapshot's schema does not have, by family: they are not in.
    pub left_out: BTreeMap<String, u64>,
    /// About how much there is to do; only where there are edits.
    pub forecast: Option<Forecast>,
    /// Bytes that this run read from the base snapshot's files.
    pub source_bytes_read: u64,
    /// What is not wrong but should be known.
    pub warnings: Vec<String>,
}

/// More new files than this in a store are worth a warning: HBase holds flushes back from 16 on
/// (`hbase.hstore.blockingStoreFiles`).
const MANY_FILES: usize = 10;

fn many_files(added: &[AddedFile]) -> Option<String> {
    let mut stores: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for file in added {
        *stores.entry((&file.region, &file.family)).or_default() += 1;
    }
    let most = stores.into_values().max().filter(|most| *most > MANY_FILES)?;
    Some(format!(
        "a store got {most} new files, as memory did not hold its edits at once: HBase may hold back flushes of a clone \
         until it has compacted them. Give more --memory for fewer files"
    ))
}

impl RestoredTable {
    /// The report of a plan alone.
    pub(super) fn of_plan(plan: &TablePlan) -> Self {
        Self::new(plan, None, Tally::default())
    }

    /// The report of a run that reached its end.
    pub(super) fn of_run(plan: &TablePlan, image: &str, state: &State, written: Written) -> Self {
        let Written { left_out, duplicates, version_deletes, .. } = written;
        let entries = |file: &AddedFile| file.proof.contents.entries.unwrap_or(0);
        let bytes = state.added.iter().map(|file| file.proof.sum.len).sum();
        let mut warnings = plan.warnings.clone();
        warnings.extend(many_files(&state.added));
        Self {
            warnings,
            written: Counted { files: state.added.len() as u64, bytes },
            cells: state.added.iter().map(entries).sum(),
            duplicates,
            version_deletes,
            left_out,
            ..Self::new(plan, Some(image), state.tally)
        }
    }

    /// The report of a table that was restored before.
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
            written: Counted::default(),
            cells: 0,
            duplicates: 0,
            version_deletes: 0,
            left_out: BTreeMap::new(),
            forecast: plan
                .edits
                .as_ref()
                .map(|edits| edits.forecast.with_copy(if export.in_place { 0 } else { export.bytes() })),
            source_bytes_read: tally.bytes_read,
            warnings: plan.warnings.clone(),
        }
    }
}
