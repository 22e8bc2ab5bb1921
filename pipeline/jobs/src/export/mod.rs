//! Copies a snapshot to another root, proves every byte, and publishes it ([`delivery`]).

mod options;
mod plan;
mod report;

pub(crate) use plan::judge;

pub use options::ExportOptions;
pub use plan::ExportPlan;
pub use report::{Counted, ExportReport};

use crate::roots;
use delivery::{Delivery, DeliveryPlan, until_cancelled};
use runtime::Context;
use stage::{Failure, Problem, ProblemKind, Report, Stopped};
use std::sync::Arc;
use steps::hfile::Level;
use store::Store;

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
    let target = until_cancelled(target, &context.cancel);
    let plan = ExportPlan::make(options, source.as_ref(), context, &run)?;
    if options.dry_run {
        let problems = plan.delivery.accepted.clone();
        return Ok(Report::new("export", ExportReport::of_plan(&plan, options), problems));
    }
    let delivery = Delivery {
        terms: options.terms(),
        context,
        source,
        target: &target,
        run: &run,
        plan: &plan.delivery,
    };
    deliver(&plan, options, &delivery)
}

/// An export from its beginning to its end.
fn deliver(
    plan: &ExportPlan,
    options: &ExportOptions,
    delivery: &Delivery<'_>,
) -> Result<Report<ExportReport>, Stopped> {
    if let Some((image, tally, verified)) = delivery.already_there()? {
        let report = ExportReport::already_there(plan, options, &image, (tally, verified));
        let mut problems = plan.delivery.accepted.clone();
        problems.extend(level_of_before(delivery, &image, verified));
        return Ok(Report::new("export", report, problems));
    }
    let mut begun = delivery.begin()?;
    delivery.copy(&mut begun)?;
    let (image, state, problems) = delivery.finish(begun)?;
    Ok(Report::new("export", ExportReport::of_run(plan, options, &image, &state), problems))
}

/// A warning where the run that made an image could not verify as much as was asked for.
fn level_of_before(delivery: &Delivery<'_>, image: &str, verified: Level) -> Option<Problem> {
    let DeliveryPlan { aim, .. } = delivery.plan;
    let asked = aim.level;
    let what = format!("image {image} is verified only up to level {verified}, {asked} was asked for");
    let problem = Problem::new(ProblemKind::Unsupported, delivery.target.uri(), what);
    let problem = problem.hint("see which files and why: tidegate snapshot verify --level cells");
    (verified < asked).then_some(problem)
}

fn check_options(options: &ExportOptions) -> Result<(), Failure> {
    if !options.range_len.is_power_of_two() || options.range_len < 1 << 16 {
        return Err(Failure::usage("--range-size must be a power of two and at least 64KiB"));
    }
    match roots::are_one("exporting", &options.from, &options.to)? {
        true => Err(Failure::refused("exporting", &options.to, "the target is the source")
            .hint("give a directory outside the source root")),
        false => Ok(()),
    }
}
