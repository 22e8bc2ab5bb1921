//! Writes the edits of a cut as HFiles for `completebulkload` (`BulkLoadHFilesTool`): one for each region and family.

use super::ReplayOptions;
use super::report::{HFilesReplayed, ReplayReport, TableReplayed};
use crate::restore::write::{CheckEdits, CheckedEdits};
use crate::roots;
use catalog::StoredParquet;
use cuts::EditPlan;
use cuts::{OpenedBase, OpenedCut};
use names::TableName;
use runtime::{Context, Run};
use stage::{Failure, Problems, Report, Stopped};
use std::collections::BTreeSet;
use std::sync::Arc;
use steps::bytes::failed_store;
use steps::edits::{NewFiles, WriteEdits};
use steps::hfile::CheckWritten;
use store::{Kind, Publish, Store, StoreErrorKind, StorePath};

const WRITING: &str = "writing HFiles for bulk loading";

/// Writes the files to a directory beside the target, which becomes the target once all of them were checked.
pub fn run(
    source: &Arc<dyn Store>,
    uri: &str,
    options: &ReplayOptions,
    context: &Context,
) -> Result<Report<ReplayReport>, Stopped> {
    let place = Place::free(uri)?;
    let run = context.start()?;
    let mut opened = cuts::open(&options.cut, source, &run)?;
    let mut problems = std::mem::take(&mut opened.problems);
    let mut report = ReplayReport::new(source.uri(), &options.to);
    report.hfiles = Some(HFilesReplayed::default());
    let mut loading = Loading {
        source,
        place: &place,
        options,
        opened: &opened,
        context,
        run: &run,
        problems: &mut problems,
        report,
        paths: Vec::new(),
        whole: true,
    };
    let worked = loading.all();
    let mut report = loading.report;
    let cleared = place.clear();
    let ended = worked.and_then(|published| {
        cleared?;
        report.published = published;
        report.took_ms = u64::try_from(context.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report)
    });
    Report::ended("replay", ended, problems)
}

/// The directory that is to be made, as its parent's store sees it.
struct Place {
    store: Arc<dyn Store>,
    target: StorePath,
    partial: StorePath,
    /// Whether an empty directory has the name.
    empty: bool,
}

impl Place {
    /// Refuses a target that has anything in it.
    fn free(uri: &str) -> Result<Self, Failure> {
        let (store, target) = roots::open_parent(uri)?;
        if !store.abilities().rename {
            return Err(Failure::refused(WRITING, uri, "this storage cannot rename a directory")
                .hint("write to HDFS or to a local directory, and copy it"));
        }
        let partial = format!(".{}.tidegate-partial", target.name());
        let partial = StorePath::root().join(&partial).map_err(Failure::usage)?;
        let failed = |error| failed_store(WRITING, store.as_ref(), error);
        let empty = match store.metadata(&target) {
            Err(error) if error.is_not_found() => false,
            Err(error) => return Err(failed(error)),
            Ok(found) if found.kind == Kind::Directory => {
                if !store.list(&target, None, 1).map_err(failed)?.entries.is_empty() {
                    return Err(taken(uri));
                }
                true
            }
            Ok(_) => return Err(taken(uri)),
        };
        let place = Self { store, target, partial, empty };
        // What an interrupted run left behind.
        place.clear()?;
        Ok(place)
    }

    fn failed(&self, error: store::StoreError) -> Failure {
        match error.kind {
            StoreErrorKind::AlreadyExists => taken(&error.path),
            _ => failed_store(WRITING, self.store.as_ref(), error),
        }
    }

    fn clear(&self) -> Result<(), Failure> {
        match self.store.delete_tree(&self.partial) {
            Err(error) if !error.is_not_found() => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    /// The directory of files that are whole.
    fn whole(&self) -> Result<StorePath, Failure> {
        self.partial.join("whole").map_err(Failure::usage)
    }

    /// Gives all files their names at once. An empty directory is replaced; renaming fails if it no longer is.
    fn publish(&self, below: &[Vec<String>]) -> Result<(), Failure> {
        if below.is_empty() {
            return Ok(());
        }
        let rule = if self.empty { Publish::Replace } else { Publish::IfAbsent };
        let renamed = self.store.rename(&self.whole()?, &self.target, rule);
        renamed.map_err(|error| self.failed(error))?;
        let path = |names: &Vec<String>| {
            self.target.join_all(names.iter().map(String::as_str)).map_err(Failure::usage)
        };
        let paths = below.iter().map(path).collect::<Result<Vec<_>, _>>()?;
        self.store.sync_batch(&paths).map_err(|error| self.failed(error))
    }
}

fn taken(uri: &str) -> Failure {
    Failure::refused(WRITING, uri, "something of this name exists already")
        .hint("give the name of a new directory, or remove it")
}

struct Loading<'a> {
    source: &'a Arc<dyn Store>,
    place: &'a Place,
    options: &'a ReplayOptions,
    opened: &'a OpenedCut,
    context: &'a Context,
    run: &'a Run,
    problems: &'a mut Problems,
    report: ReplayReport,
    /// The files that are whole, below the target.
    paths: Vec<Vec<String>>,
    /// Whether nothing was lost to damage.
    whole: bool,
}

impl Loading<'_> {
    /// Writes all tables; returns true if the files have their names.
    fn all(&mut self) -> Result<bool, Stopped> {
        for base in &self.opened.bases {
            refuse_new_versions(base)?;
        }
        for base in &self.opened.bases {
            self.table(base)?;
        }
        if self.whole {
            self.place.publish(&self.paths)?;
        }
        Ok(self.whole)
    }

    fn table(&mut self, base: &OpenedBase) -> Result<(), Stopped> {
        let table = &base.stores.table;
        let (schema, regions) = (&base.files.snapshot.schema, &base.files.regions);
        let workers = self.options.cut.workers;
        let edits = EditPlan::of(self.opened, schema, regions, self.source, workers, self.run)?;
        self.report.unproved_batches.extend(edits.unproved.iter().cloned());
        let target = self.place.store.as_ref();
        let router = &edits.router;
        let step: WriteEdits<'_, StoredParquet> = WriteEdits {
            source: self.source.as_ref(),
            target,
            writing: self.place.partial.join("writing").map_err(Failure::usage)?,
            batches: &edits.batches,
            router,
            targets: (0..router.len()).filter_map(|number| router.name(number).copied()).collect(),
            table: table.full_form().to_owned(),
            families: &edits.families,
            create_time: self.context.now_ms,
            form: NewFiles::BulkLoad,
        };
        let check = CheckEdits(CheckWritten { store: target });
        let meter = self.run.meter("write HFiles", Some(edits.units.len() as u64), None);
        let mut replayed = TableReplayed { table: table.full_form().to_owned(), ..TableReplayed::default() };
        let mut stores = BTreeSet::new();
        // One region at a time: its edits have all the memory.
        let flow = self.run.flow(runtime::units(edits.units.clone()));
        let flow = flow.io(1, "write", &step).io(1, "check", &check);
        flow.unordered().each(|unit| {
            meter.advance(1, unit.files.iter().map(|(file, ..)| file.sum.len).sum());
            self.keep(unit, table, &mut replayed, &mut stores)
        })?;
        self.report.add(replayed);
        Ok(())
    }

    /// Moves the files of a unit to those that are whole, if nothing is wrong.
    fn keep(
        &mut self,
        unit: CheckedEdits,
        table: &TableName,
        replayed: &mut TableReplayed,
        stores: &mut BTreeSet<(String, String)>,
    ) -> Result<(), Failure> {
        for (family, cells) in unit.left_out {
            *replayed.unknown_families.entry(family).or_default() += cells;
        }
        self.report.duplicates += unit.duplicates;
        replayed.cells += unit.superseded;
        let mut counted = self.report.hfiles.unwrap_or_default();
        counted.superseded += unit.superseded;
        let mut problems = unit.problems;
        for (file, family, found) in unit.files {
            problems.extend(found);
            if !problems.is_empty() {
                continue;
            }
            if !stores.insert((file.asked.region.clone(), family.to_string())) {
                let what = format!(
                    "unrelated regions have edits of region {}, so it would get two files",
                    file.asked.region
                );
                return Err(Failure::refused(WRITING, table, what)
                    .hint("use restore: HBase could not know which of two bulk-loaded files is later"));
            }
            let below = self.below(table, &family.to_string(), file.name());
            let to =
                self.place.whole()?.join_all(below.iter().map(String::as_str)).map_err(Failure::usage)?;
            let renamed = self.place.store.rename(&file.asked.path, &to, Publish::IfAbsent);
            renamed.map_err(|error| self.place.failed(error))?;
            self.paths.push(below);
            (counted.files, counted.bytes) = (counted.files + 1, counted.bytes + file.sum.len);
            replayed.cells += file.cells;
        }
        self.report.hfiles = Some(counted);
        self.whole &= problems.is_empty();
        self.problems.append(problems);
        Ok(())
    }

    /// Where a file goes: as `BulkLoadHFilesTool` wants it for one table, or below its table's directory.
    fn below(&self, table: &TableName, family: &str, file: String) -> Vec<String> {
        let file = [family.to_owned(), file];
        match self.opened.bases.len() {
            1 => file.to_vec(),
            _ => {
                [table.namespace().to_owned(), table.qualifier().to_owned()].into_iter().chain(file).collect()
            }
        }
    }
}

/// In such families sequence ids decide what a marker masks, and a bulk load gives all cells the same one.
fn refuse_new_versions(base: &OpenedBase) -> Result<(), Failure> {
    let families = &base.files.snapshot.schema.families;
    let Some(family) = families.iter().find(|family| family.new_version_behavior()) else { return Ok(()) };
    let what = format!(
        "family {} has NEW_VERSION_BEHAVIOR: what a marker masks depends on sequence ids, which a bulk load replaces",
        family.name
    );
    Err(Failure::refused(WRITING, &base.stores.table, what).hint("use restore, which keeps sequence ids"))
}
