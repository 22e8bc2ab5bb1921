//! Copies a snapshot to another root, proves every byte, and publishes it.
//!
//! The order of writes is what makes it safe (ARCHITECTURE.md, "The crash story"): the manifest to
//! `.hbase-snapshot/.tmp`, the files to `.tidegate/partial`, proof, the files to `archive`, the list of files, the
//! snapshot, the image.

mod copy;
mod delivery;
mod image;
mod options;
mod plan;
mod publish;
mod record;
mod report;
mod state;
mod units;

pub(crate) use delivery::{Begun, Delivery};
pub(crate) use plan::{Documents, Purpose, judge};
pub(crate) use record::{Record, WrittenRecord};
pub(crate) use state::{AddedFile, State, Tally};

pub use options::ExportOptions;
pub use plan::ExportPlan;
pub use report::{Counted, ExportReport};

use crate::{Context, roots};
use publish::{Publishing, There};
use runtime::Cancel;
use stage::{Failure, Report, Stopped};
use std::sync::Arc;
use steps::failed_storage;
use store::{Op, Operation, Relation, Store, StoreError, StoreErrorKind, Watch, Watched};

/// Exports a snapshot.
pub fn run(options: &ExportOptions, context: &Context) -> Result<Report<ExportReport>, Stopped> {
    check_options(options)?;
    let source = roots::open_existing(&options.from)?;
    let target = roots::throttled(roots::open(&options.to)?, options.bandwidth);
    run_between(options, &source, &target, context)
}

/// Exports a snapshot between two open roots.
pub fn run_between(
    options: &ExportOptions,
    source: &Arc<dyn Store>,
    target: &Arc<dyn Store>,
    context: &Context,
) -> Result<Report<ExportReport>, Stopped> {
    let run = context.start()?;
    let target = until_cancelled(target, context);
    let plan = ExportPlan::make(options, source.as_ref(), context, &run)?;
    if options.dry_run {
        let problems = plan.accepted.clone();
        return Ok(Report::new("export", ExportReport::of_plan(&plan, options), problems));
    }
    Delivery { options, context, source, target: &target, run: &run, plan: &plan }
        .export()
        .map_err(interrupted)
}

/// The same store, on which a write in the middle of a file ends when the run is cancelled.
pub(crate) fn until_cancelled(target: &Arc<dyn Store>, context: &Context) -> Arc<dyn Store> {
    Arc::new(Watched::new(Arc::clone(target), Arc::new(UntilCancelled(context.cancel.clone()))))
}

/// A write that ended like that is no failure of the store.
pub(crate) fn interrupted(stopped: Stopped) -> Stopped {
    match stopped.failure.wrong == INTERRUPTED {
        true => Stopped { failure: Failure::interrupted(), ..stopped },
        false => stopped,
    }
}

const INTERRUPTED: &str = "the run was interrupted";

/// Ends a copy in the middle of a range, which at a low bandwidth may take minutes.
struct UntilCancelled(Cancel);

impl Watch for UntilCancelled {
    fn before(&self, operation: &Operation, _store: &dyn Store) -> Result<(), StoreError> {
        match operation.op == Op::WritePart && self.0.is_set() {
            true => {
                let path = operation.path.as_str();
                Err(StoreError::new(StoreErrorKind::Other, "writing", path, INTERRUPTED))
            }
            false => Ok(()),
        }
    }
}

fn check_options(options: &ExportOptions) -> Result<(), Failure> {
    if !options.range_len.is_power_of_two() || options.range_len < 1 << 16 {
        return Err(Failure::usage("--range-size must be a power of two and at least 64KiB"));
    }
    let hint = "give a directory outside of the source root";
    match store::relation(&options.from, &options.to) {
        Ok(Relation::Same) => {
            Err(Failure::refused("exporting", &options.to, "the target is the source").hint(hint))
        }
        Ok(Relation::Contains) => {
            Err(Failure::refused("exporting", &options.to, "the target lies inside the source").hint(hint))
        }
        Ok(Relation::Apart | Relation::Inside) => Ok(()),
        Err(error) if error.kind == StoreErrorKind::Unsupported => Err(Failure::usage(error)),
        Err(error) => Err(Failure::failed("looking at the roots", &error.path, &error.what)),
    }
}

/// A failure of the repository's own documents.
pub(crate) fn unremembered(doing: &str, error: &catalog::CatalogError) -> Failure {
    match error {
        catalog::CatalogError::Store(error) => failed_storage(doing, error),
        catalog::CatalogError::Damaged { path, what } => Failure::failed(doing, path, what)
            .hint("the document is damaged or foreign: bring it back from a copy, or choose another target"),
    }
}
