//! Restores tables at a cut: each becomes one native HBase snapshot, which `clone_snapshot` opens at once.
//!
//! A restore is an export whose manifest is made anew: the files of the base snapshot stay where they are, or are copied
//! and proved as an export does it; and it is published as an export is.

mod base;
mod leftovers;
mod naming;
mod options;
mod place;
mod plan;
mod prove;
mod report;
mod retable;

pub use options::RestoreOptions;
pub use report::{RestoreReport, RestoredTable};

use crate::export::{AddedFile, Begun, Delivery, ExportOptions, interrupted, unremembered, until_cancelled};
use crate::{Context, roots};
use catalog::{Repository, find_image};
use formats::name::SnapshotName;
use naming::Mapping;
use plan::{Base, TablePlan};
use prove::prove_manifest;
use runtime::Run;
use stage::{Failure, Problems, Report, Stopped};
use std::sync::Arc;
use steps::{Level, RANGE_LEN};
use store::{Relation, Store, StoreErrorKind};

/// Restores tables.
pub fn run(options: &RestoreOptions, context: &Context) -> Result<Report<RestoreReport>, Stopped> {
    let in_place = in_place(options)?;
    let source = roots::open_existing(&options.from)?;
    let target = until_cancelled(&roots::open(&options.to)?, context);
    let run = context.start()?;
    let plans = plans(options, (&source, &target), in_place, &run)?;
    let mut problems = Problems::default();
    let mut tables = Vec::new();
    for plan in &plans {
        let delivery = Delivery {
            options: &plan.options,
            context,
            source: &source,
            target: &target,
            run: &run,
            plan: &plan.export,
        };
        tables.push(match options.dry_run {
            true => RestoredTable::of_plan(plan),
            false => restore_table(plan, &delivery, &mut problems).map_err(interrupted)?,
        });
    }
    let report = RestoreReport {
        from: options.from.clone(),
        to: options.to.clone(),
        until: "snapshot".to_owned(),
        dry_run: options.dry_run,
        tables,
    };
    Ok(Report::new("restore", report, problems))
}

fn restore_table(
    plan: &TablePlan,
    delivery: &Delivery<'_>,
    problems: &mut Problems,
) -> Result<RestoredTable, Stopped> {
    if let Some((image, tally)) = delivery.already_there()? {
        return Ok(RestoredTable::already_there(plan, &image, tally));
    }
    let mut begun = delivery.begin()?;
    delivery.copy(&mut begun)?;
    let added = new_files(delivery, &mut begun)?;
    let manifest = retable::with_files(&plan.export.manifest, &added)?;
    prove_manifest(plan, &manifest, &added)?;
    begun.name_all(manifest)?;
    begun.state.added = added;
    place::place(
        delivery.target,
        &begun.partial,
        &mut begun.state.added,
        &plan.options.attributes,
        delivery.run,
    )?;
    let (image, state, found) = delivery.finish(begun)?;
    problems.append(found);
    Ok(RestoredTable::of_run(plan, &image, &state))
}

/// The files that a cut adds to those of the base: written, proved, and waiting for their names.
fn new_files(delivery: &Delivery<'_>, begun: &mut Begun<'_>) -> Result<Vec<AddedFile>, Stopped> {
    let mut added = Vec::new();
    for file in begun.written.drain(..).flat_map(|unit| unit.files) {
        if place::is_there(delivery.target.as_ref(), &begun.partial, &file)? {
            added.push(file);
        }
    }
    Ok(added)
}

/// Whether the files stay where they are, because source and target are one root.
fn in_place(options: &RestoreOptions) -> Result<bool, Failure> {
    match store::relation(&options.from, &options.to) {
        Ok(Relation::Same) => Ok(true),
        Ok(Relation::Apart | Relation::Inside) => Ok(false),
        Ok(Relation::Contains) => {
            Err(Failure::refused("restoring", &options.to, "the target lies inside the repository")
                .hint("give the repository itself, or a directory outside of it"))
        }
        Err(error) if error.kind == StoreErrorKind::Unsupported => Err(Failure::usage(error)),
        Err(error) => Err(Failure::failed("looking at the roots", &error.path, &error.what)),
    }
}

/// All plans before the first thing is written.
fn plans(
    options: &RestoreOptions,
    roots: (&Arc<dyn Store>, &Arc<dyn Store>),
    in_place: bool,
    run: &Run,
) -> Result<Vec<TablePlan>, Stopped> {
    let unread = |error| unremembered("opening the repository", &error);
    Repository::read(roots.0.as_ref()).map_err(unread)?;
    let mapping = Mapping::parse(&options.map)?;
    let snapshots = snapshots(options, roots.0.as_ref())?;
    let mut bases = Vec::new();
    for snapshot in &snapshots {
        bases.push(Base::read(snapshot, &mapping, roots.0, run)?);
    }
    let tables: Vec<_> = bases.iter().map(|base| base.table.clone()).collect();
    mapping.check_used(&tables)?;
    naming::refuse_twice("tables", &bases.iter().map(|base| base.target.clone()).collect::<Vec<_>>())?;
    let name = |base: &Base| naming::snapshot_name(&options.name, bases.len(), &base.target);
    let names = bases.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    naming::refuse_twice("snapshots", &names)?;
    let plan = |(base, name)| TablePlan::make(base, name, options, roots, in_place, run);
    bases.into_iter().zip(names).map(plan).collect()
}

/// The base snapshots: those that were named, and those of the images.
fn snapshots(options: &RestoreOptions, source: &dyn Store) -> Result<Vec<String>, Failure> {
    let mut snapshots = options.snapshots.clone();
    for id in &options.images {
        let unread = |error| unremembered("reading the repository's images", &error);
        let listed = find_image(source, id).map_err(unread)?.ok_or_else(|| {
            Failure::failed("reading the image", source.uri(), format!("there is no image {id}"))
                .hint("`tidegate image list` shows what there is")
        })?;
        let damaged = |what| Failure::failed("reading the image", &listed.dir, what);
        snapshots.push(listed.image.map_err(damaged)?.snapshot);
    }
    naming::refuse_twice("base snapshots", &snapshots)?;
    match snapshots.is_empty() {
        true => Err(Failure::usage("give --snapshot or --image: what to start from")),
        false => Ok(snapshots),
    }
}

fn export_options(options: &RestoreOptions, snapshot: &str, name: &SnapshotName) -> ExportOptions {
    ExportOptions {
        from: options.from.clone(),
        snapshot: snapshot.to_owned(),
        to: options.to.clone(),
        target: Some(name.to_string()),
        overwrite: false,
        level: Level::Blocks,
        workers: options.workers,
        bandwidth: None,
        attributes: options.attributes.clone(),
        reset_ttl: true,
        accept_holes: false,
        dry_run: options.dry_run,
        resume: true,
        range_len: RANGE_LEN,
    }
}
