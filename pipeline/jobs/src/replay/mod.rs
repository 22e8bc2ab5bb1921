//! Streams the edits that a cut puts on top of a snapshot: region by region, parents before the regions that came of
//! them, each region's in the order of its sequence ids, each once.

mod hfiles;
mod report;
mod sink;

use crate::roots::open_existing;
use cuts::{CutOptions, OpenedCut};
use cuts::{TableEdits, verify_batches};
use history::ReplayRegion;
use names::{EncodedRegionName, TableName};
use report::{RegionReplayed, TableReplayed};
use runtime::{Context, Run};
use sink::EditSink;
use stage::{Failure, Problem, ProblemKind, Problems, Report, Stopped};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::Store;

pub use report::{HFilesReplayed, ReplayReport};
pub use sink::Target;

/// What is to be replayed, and where to.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// The snapshots, and the cut on top of them.
    pub cut: CutOptions,
    /// Where edits go.
    pub to: Target,
    /// Show families in hexadecimal (JSON Lines).
    pub hex: bool,
}

/// Replays a cut.
pub fn run(options: &ReplayOptions, context: &Context) -> Result<Report<ReplayReport>, Stopped> {
    let store = open_existing(&options.cut.from)?;
    run_in(&store, options, context)
}

/// The same from a store that is open.
pub fn run_in(
    store: &Arc<dyn Store>,
    options: &ReplayOptions,
    context: &Context,
) -> Result<Report<ReplayReport>, Stopped> {
    if let Target::HFiles(uri) = &options.to {
        return hfiles::run(store, uri, options, context);
    }
    let sink = EditSink::begin(&options.to, options.hex)?;
    let run = context.start()?;
    let mut opened = cuts::open(&options.cut, store, &run)?;
    let mut problems = std::mem::take(&mut opened.problems);
    let unproved = match prove(store, options, &opened, &run) {
        Ok(unproved) => unproved,
        Err(stopped) => return Err(Stopped::after(problems, stopped)),
    };
    let mut replaying = Replaying {
        opened: &opened,
        context,
        problems: &mut problems,
        report: ReplayReport::new(store.uri(), &options.to),
        whole: true,
    };
    let replayed = replaying.all(sink);
    let mut report = replaying.report;
    let ended = replayed.map(|published| {
        report.published = published;
        report.unproved_batches = unproved;
        report.took_ms = u64::try_from(context.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report
    });
    Report::ended("replay", ended, problems)
}

/// Holds batches against their recorded digests; gives those that have none.
fn prove(
    store: &Arc<dyn Store>,
    options: &ReplayOptions,
    opened: &OpenedCut,
    run: &Run,
) -> Result<Vec<String>, Stopped> {
    let mut unproved = Vec::new();
    for batches in opened.batches.values() {
        unproved.extend(verify_batches(Some(batches), store, options.cut.workers, run)?);
    }
    Ok(unproved)
}

struct Replaying<'a> {
    opened: &'a OpenedCut,
    context: &'a Context,
    problems: &'a mut Problems,
    report: ReplayReport,
    /// Whether nothing of the stream was lost to damage.
    whole: bool,
}

impl Replaying<'_> {
    /// Replays all tables; true if the sink has taken it all and made it count.
    fn all(&mut self, mut sink: EditSink) -> Result<bool, Failure> {
        for base in &self.opened.bases {
            let edits = TableEdits::of(self.opened, &base.files.snapshot.schema);
            let table = &base.stores.table;
            let mut replayed =
                TableReplayed { table: table.full_form().to_owned(), ..TableReplayed::default() };
            let mut unknown = BTreeMap::new();
            for (name, region) in self.opened.replay.in_order() {
                if region.table != *table {
                    continue;
                }
                let of_region = self.region(table, name, region, &edits, &mut sink, &mut unknown)?;
                replayed.add(of_region);
            }
            self.tell_bulk(&replayed);
            replayed.unknown_families = unknown;
            self.report.add(replayed);
        }
        if self.whole {
            sink.finish()?;
        }
        Ok(self.whole)
    }

    fn region(
        &mut self,
        table: &TableName,
        name: &EncodedRegionName,
        region: &ReplayRegion,
        edits: &TableEdits,
        sink: &mut EditSink,
        unknown: &mut BTreeMap<String, u64>,
    ) -> Result<RegionReplayed, Failure> {
        let mut merge = edits.of_region(name, region);
        let mut replayed = RegionReplayed::new(name, region);
        let mut last = None;
        loop {
            match merge.advance() {
                Ok(true) => {}
                Ok(false) => break,
                Err(problem) => {
                    self.whole = false;
                    self.problems.push(problem.in_table(table.full_form()));
                    break;
                }
            }
            let Some(edit) = merge.edit() else { break };
            let sequence = edit.cell.sequence;
            let is_first = last != Some(sequence);
            if is_first {
                last = Some(sequence);
                replayed.entries += 1;
                if replayed.entries.is_multiple_of(1024) && self.context.cancel.is_set() {
                    return Err(Failure::interrupted());
                }
            }
            if !edits.has_family(edit.cell.family) {
                *unknown.entry(edit.cell.family.escape_ascii().to_string()).or_default() += 1;
            }
            replayed.cells += 1;
            sink.take(table.full_form(), &edit, is_first)?;
        }
        replayed.duplicates = merge.duplicates();
        Ok(replayed)
    }

    /// Bulk-loaded files hold cells that are in no WAL, so they are not in the stream.
    fn tell_bulk(&mut self, replayed: &TableReplayed) {
        let files: u64 = replayed.regions.iter().map(|region| region.bulk_files.len() as u64).sum();
        if files > 0 {
            let what = format!(
                "{files} bulk-loaded files are in the cut; their cells are in no WAL, so not in the stream"
            );
            self.problems.push(
                Problem::new(ProblemKind::Warning, &self.report.to, what)
                    .in_table(&replayed.table)
                    .meaning("what is replayed lacks their cells")
                    .hint("the report names them; they lie in .tidegate/bulk of the repository: load them, too, or use restore"),
            );
        }
    }
}
