//! Streams the edits that a cut puts on top of a snapshot: region by region, parents before the regions that came of
//! them, each region's in the order of its sequence ids, each once.

mod edits;
mod hfiles;
mod report;
mod sink;

use crate::roots::open_existing;
use cuts::{CutOptions, OpenedCut};
use cuts::{TableEdits, verify_batches};
use edits::{ReplayEdits, Told};
use runtime::{Context, Run};
use sink::EditSink;
use stage::{Report, Stopped};
use std::sync::Arc;
use store::Store;

pub use report::{HFilesReplayed, ReplayReport};
pub use sink::Target;

/// Buffers of lines in flight: enough that reading and writing overlap.
const BUFFERS: usize = 4;

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

/// The same, from an open store.
pub fn run_in(
    store: &Arc<dyn Store>,
    options: &ReplayOptions,
    context: &Context,
) -> Result<Report<ReplayReport>, Stopped> {
    if let Target::HFiles(uri) = &options.to {
        return hfiles::run(store, uri, options, context);
    }
    let sink = EditSink::begin(&options.to)?;
    let run = context.start()?;
    let mut opened = cuts::open(&options.cut, store, &run)?;
    let problems = std::mem::take(&mut opened.problems);
    let unproved = match prove(store, options, &opened, &run) {
        Ok(unproved) => unproved,
        Err(stopped) => return Err(Stopped::after(problems, stopped)),
    };
    let tables: Vec<TableEdits> =
        opened.bases.iter().map(|base| TableEdits::of(&opened, &base.files.snapshot.schema)).collect();
    let mut told = Told { report: ReplayReport::new(store.uri(), &options.to), problems };
    let edits = ReplayEdits::new(
        &opened,
        &tables,
        sink.lines(options.hex),
        context.memory / 2,
        &mut told,
        run.cancel(),
    );
    let replayed = run.flow(edits).window(BUFFERS).ordered().into_sink(sink);
    let Told { mut report, problems } = told;
    let ended = replayed.map(|published| {
        report.published = published;
        report.unproved_batches = unproved;
        report.took_ms = u64::try_from(context.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report
    });
    Report::ended("replay", ended, problems)
}

/// Compares batches with their recorded digests; returns those that have none.
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
