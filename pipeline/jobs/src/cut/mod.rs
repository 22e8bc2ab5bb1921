//! Proves what can be proved about a cut, and reports it: the certificate.

mod report;

use crate::roots::open_existing;
use cuts::CutOptions;
use runtime::Context;
use stage::{Report, Stopped};
use std::sync::Arc;
use store::Store;

pub use report::{
    BaseReport, BeyondReport, BoundedReport, CompletenessReport, CutReport, DeclaredReport, FrontierReport,
    GapReport, GapsReport, GroupReport, HeldBackReport, RegionReport, ReplayedCut, StoreReport,
    assumption_text,
};

/// Proves what can be proved about a cut.
pub fn run(options: &CutOptions, context: &Context) -> Result<Report<CutReport>, Stopped> {
    let store = open_existing(&options.from)?;
    run_in(&store, options, context)
}

/// The same, in an open store.
pub fn run_in(
    store: &Arc<dyn Store>,
    options: &CutOptions,
    context: &Context,
) -> Result<Report<CutReport>, Stopped> {
    let run = context.start()?;
    let opened = cuts::open(options, store, &run)?;
    let report = CutReport::new(options, store.as_ref(), &opened);
    Ok(Report::new("cut", report, opened.problems))
}
