//! Restores tables at a cut: each becomes one native HBase snapshot, which `clone_snapshot` opens at once.
//!
//! A restore is an export whose manifest is made anew: the files of the base snapshot stay where they are, or are copied
//! and proved as in an export; and it is published like an export.

mod base;
mod leftovers;
mod naming;
mod options;
mod plan;
mod prove;
mod report;
mod retable;
pub(crate) mod write;

pub use cuts::Forecast;
pub use options::RestoreOptions;
pub use plan::Roots;
pub use report::{RestoreReport, RestoredTable};

use crate::cut::CutReport;
use crate::roots;
use catalog::{CatalogError, Repository, find_image};
use cuts::{Accepted, CutOptions, OpenedCut, Until};
use delivery::{Begun, Delivery, is_there, name_new_files, until_cancelled};
use naming::Mapping;
use plan::{Base, TablePlan};
use prove::prove_manifest;
use runtime::{Context, Run};
use stage::{Failure, Problems, Report, Stopped};
use store::Store;
use write::{Writing, Written};

/// Restores tables.
pub fn run(options: &RestoreOptions, context: &Context) -> Result<Report<RestoreReport>, Stopped> {
    let in_place = roots::are_one("restoring", &options.cut.from, &options.to)?;
    let source = roots::open_existing(&options.cut.from)?;
    run_between(options, Roots { source, target: roots::open(&options.to)?, in_place }, context)
}

/// Restores tables between open roots; the options' locations are for the report.
pub fn run_between(
    options: &RestoreOptions,
    mut roots: Roots,
    context: &Context,
) -> Result<Report<RestoreReport>, Stopped> {
    roots.target = until_cancelled(&roots.target, &context.cancel);
    let run = context.start()?;
    Restore { options, context, roots, run }.work()
}

struct Restore<'a> {
    options: &'a RestoreOptions,
    context: &'a Context,
    roots: Roots,
    run: Run,
}

impl Restore<'_> {
    fn work(&self) -> Result<Report<RestoreReport>, Stopped> {
        let unread = |error: CatalogError| error.failed("opening the repository");
        Repository::read(self.roots.source.as_ref()).map_err(unread)?;
        let mapping = Mapping::parse(&self.options.map)?;
        let mut cut = self.cut()?;
        let (bases, mut problems, certificate) = match &mut cut {
            None => {
                let bases = self.snapshots(&mapping)?;
                let problems = self.debts(&bases)?;
                (bases, problems, None)
            }
            Some(cut) => {
                let certificate = CutReport::new(&self.options.cut, self.roots.source.as_ref(), cut);
                let files = cut.bases.drain(..).map(|base| Base::of(base.files, &mapping));
                let bases = files.collect::<Result<Vec<_>, _>>()?;
                (bases, std::mem::take(&mut cut.problems), Some(certificate))
            }
        };
        let plans = self.plans(bases, &mapping, cut.as_ref())?;
        let mut tables = Vec::new();
        for plan in &plans {
            match self.table(plan, &mut problems) {
                Ok(table) => tables.push(table),
                Err(stopped) => return Err(Stopped::after(problems, stopped)),
            }
        }
        let report = RestoreReport {
            from: self.options.cut.from.clone(),
            to: self.options.to.clone(),
            until: self.options.cut.until.to_string(),
            dry_run: self.options.dry_run,
            tables,
            certificate,
        };
        Ok(Report::new("restore", report, problems))
    }

    /// What is not proved about the snapshots alone.
    fn debts(&self, bases: &[Base]) -> Result<Problems, Failure> {
        let CutOptions { accept_gaps, until, .. } = &self.options.cut;
        let names: Vec<String> = bases.iter().map(Base::name).collect();
        let accepted = Accepted::read(accept_gaps.as_ref(), &until.to_string(), &names)?;
        Ok(bases.iter().flat_map(|base| base.debts(&accepted)).collect())
    }

    /// The cut on top of the snapshots, unless it is the snapshots alone.
    fn cut(&self) -> Result<Option<OpenedCut>, Stopped> {
        match self.options.cut.until {
            Until::Snapshot => Ok(None),
            _ => cuts::open(&self.options.cut, &self.roots.source, &self.run).map(Some),
        }
    }

    fn table(&self, plan: &TablePlan, problems: &mut Problems) -> Result<RestoredTable, Stopped> {
        if self.options.dry_run {
            return Ok(RestoredTable::of_plan(plan));
        }
        let delivery = Delivery {
            terms: plan.terms,
            context: self.context,
            source: &self.roots.source,
            target: &self.roots.target,
            run: &self.run,
            plan: &plan.export,
        };
        if let Some((image, tally, _)) = delivery.already_there()? {
            return Ok(RestoredTable::already_there(plan, &image, tally));
        }
        let mut begun = delivery.begin()?;
        delivery.copy(&mut begun)?;
        let mut written = new_files(plan, &delivery, &mut begun)?;
        let manifest = retable::with_files(&plan.export.manifest, &written.files)?;
        prove_manifest(plan, &manifest, &written.files)?;
        begun.name_all(manifest)?;
        begun.state.added = std::mem::take(&mut written.files);
        let (target, attributes) = (delivery.target, &plan.export.aim.attributes);
        name_new_files(target, &begun.partial, &mut begun.state.added, attributes, &self.run)?;
        let (image, state, found) = delivery.finish(begun)?;
        problems.append(found);
        Ok(RestoredTable::of_run(plan, &image, &state, written))
    }

    /// Makes all plans before anything is written.
    fn plans(
        &self,
        bases: Vec<Base>,
        mapping: &Mapping,
        cut: Option<&OpenedCut>,
    ) -> Result<Vec<TablePlan>, Stopped> {
        let tables: Vec<_> = bases.iter().map(|base| base.table.clone()).collect();
        mapping.check_used(&tables)?;
        let targets: Vec<_> = bases.iter().map(|base| base.target.clone()).collect();
        naming::refuse_twice("tables", &targets)?;
        let name = |target| naming::snapshot_name(&self.options.name, targets.len(), target);
        let names = targets.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        naming::refuse_twice("snapshots", &names)?;
        let plan = |(base, name)| TablePlan::make(base, name, self.options, &self.roots, cut, &self.run);
        bases.into_iter().zip(names).map(plan).collect()
    }

    /// The base snapshots: those that were named, and those of the images.
    fn snapshots(&self, mapping: &Mapping) -> Result<Vec<Base>, Failure> {
        let source = self.roots.source.as_ref();
        let mut names = Vec::new();
        for base in &self.options.cut.bases {
            names.push(match base {
                cuts::Base::Snapshot(name) => name.clone(),
                cuts::Base::Image(id) => snapshot_of_image(source, id)?,
            });
        }
        naming::refuse_twice("base snapshots", &names)?;
        if names.is_empty() {
            return Err(Failure::usage("give --snapshot or --image: what to start from"));
        }
        let unread = |error: CatalogError| error.failed("reading the repository's images");
        let images = catalog::list_images(source).map_err(unread)?;
        names.iter().map(|name| Base::read(name, &images, mapping, source, &self.run)).collect()
    }
}

/// The files that a cut adds to those of the base: written, proved, and waiting for their names.
fn new_files(plan: &TablePlan, delivery: &Delivery<'_>, begun: &mut Begun<'_>) -> Result<Written, Stopped> {
    let mut earlier = Vec::new();
    for unit in std::mem::take(&mut begun.written) {
        let mut there = true;
        for file in &unit.files {
            there &= is_there(delivery.target.as_ref(), &begun.partial, file)?;
        }
        earlier.extend(there.then_some(unit));
    }
    match &plan.edits {
        None => Ok(Written::default()),
        Some(edits) => Writing { plan, edits, delivery }.write(begun, earlier),
    }
}

fn snapshot_of_image(source: &dyn Store, id: &str) -> Result<String, Failure> {
    let unread = |error: CatalogError| error.failed("reading the repository's images");
    let listed = find_image(source, id).map_err(unread)?.ok_or_else(|| {
        Failure::failed("reading the image", source.uri(), format!("there is no image {id}"))
            .hint("`tidegate image list` shows the images")
    })?;
    let damaged = |what| Failure::failed("reading the image", &listed.dir, what);
    Ok(listed.image.map_err(damaged)?.snapshot)
}
