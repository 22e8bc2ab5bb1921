//! Copies a snapshot to another root, proves every byte, and publishes it.
//!
//! The order of writes is what makes it safe (ARCHITECTURE.md, "The crash story"): the manifest to
//! `.hbase-snapshot/.tmp`, the files to `.tidegate/partial`, proof, the files to `archive`, the list of files, the
//! snapshot, the image.

mod copy;
mod image;
mod options;
mod plan;
mod publish;
mod record;
mod report;
mod state;
mod units;

pub use options::ExportOptions;
pub use plan::ExportPlan;
pub use report::{Counted, ExportReport};

use crate::verifying::verify_files;
use crate::{Context, roots};
use catalog::{Journal, Recovered, Repository, layout};
use copy::Copying;
use formats::compress::Dictionaries;
use publish::{Publishing, There};
use record::Record;
use runtime::{Cancel, Run};
use stage::{Failure, Problems, Report, Stopped};
use state::{FileState, State};
use std::sync::{Arc, Mutex, PoisonError};
use steps::{FileToVerify, FoundFile, Level, ListedFile, failed_storage, failed_store};
use store::{
    Attributes, Op, Operation, Relation, Store, StoreError, StoreErrorKind, StorePath, Watch, Watched,
};

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
    let until_cancelled = Arc::new(UntilCancelled(context.cancel.clone()));
    let target: Arc<dyn Store> = Arc::new(Watched::new(Arc::clone(target), until_cancelled));
    let plan = ExportPlan::make(options, source.as_ref(), context, &run)?;
    if options.dry_run {
        let problems = plan.accepted.clone();
        return Ok(Report::new("export", ExportReport::of_plan(&plan, options), problems));
    }
    Export { options, context, source, target: &target, run: &run, plan: &plan }.work().map_err(|stopped| {
        match stopped.failure.wrong == INTERRUPTED {
            true => Stopped { failure: Failure::interrupted(), ..stopped },
            false => stopped,
        }
    })
}

const INTERRUPTED: &str = "the export was interrupted";

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

struct Export<'a> {
    options: &'a ExportOptions,
    context: &'a Context,
    source: &'a Arc<dyn Store>,
    target: &'a Arc<dyn Store>,
    run: &'a Run,
    plan: &'a ExportPlan,
}

impl Export<'_> {
    fn work(&self) -> Result<Report<ExportReport>, Stopped> {
        if let Some(report) = self.already_there()? {
            return Ok(report);
        }
        if self.options.attributes != Attributes::default() && !self.target.abilities().attributes {
            let wrong = format!("{} keeps no owner, group or mode", self.target.uri());
            return Err(Failure::usage(wrong).into());
        }
        let publishing = Publishing::new(self.target.as_ref(), self.plan, self.options)?;
        let there = publishing.there()?;
        let run_id = self.plan.run_id();
        let journal_path = layout::journal(run_id).map_err(Failure::usage)?;
        // A snapshot that is ours with a journal that is ours: a run was killed between publishing and its image.
        let ours = there == There::Ours && self.target.metadata(&journal_path).is_ok();
        // Where nothing can be renamed such a run leaves one or both documents, and perhaps no journal.
        let begun = there != There::Other && !self.target.abilities().rename;
        if there != There::Nothing && !ours && !begun && !self.options.overwrite {
            return Err(publishing.exists().into());
        }
        let announcing = self.run.meter("look at the target and announce", None, None);
        self.prepare(&journal_path)?;
        let (journal, recovered) =
            Journal::open::<Record>(self.target.as_ref(), &journal_path).map_err(busy)?;
        let mut state = self.recover(recovered)?;
        self.check_room(&state)?;
        publishing.announce()?;
        drop(announcing);

        let mut problems = self.plan.accepted.clone();
        let partial = layout::partial(run_id).map_err(Failure::usage)?;
        let journal = Mutex::new(journal);
        let copying = Copying {
            options: self.options,
            plan: self.plan,
            source: self.source.as_ref(),
            target: self.target.as_ref(),
            partial: &partial,
            journal: &journal,
            run: self.run,
        };
        let worked = copying.work(&mut state, &mut problems);
        if let Err(failure) = worked {
            return Err(Stopped { failure, problems });
        }
        self.stop_at_damage(&state, &mut problems)?;
        let publication = self.run.meter("publish", None, None);
        self.make_durable(&journal)?;
        let image = image::write_list(self.plan, &state, self.target.as_ref())?;
        publishing.publish()?;
        image::write_image(self, &state, &image)?;
        drop(publication);
        drop(journal);
        self.clear_away(&journal_path, &partial);
        let report = ExportReport::of_run(self.plan, self.options, &image.id, &state);
        Ok(Report::new("export", report, problems))
    }

    /// The report of an export that is there already, whole and unchanged; no file is read for it.
    fn already_there(&self) -> Result<Option<Report<ExportReport>>, Failure> {
        let Some(tally) = image::unchanged(self.plan, self.options, self.target.as_ref())? else {
            return Ok(None);
        };
        // A run that was killed after it had written the image left these behind.
        let run_id = self.plan.run_id();
        let journal = layout::journal(run_id).map_err(Failure::usage)?;
        if self.target.metadata(&journal).is_ok() {
            self.clear_away(&journal, &layout::partial(run_id).map_err(Failure::usage)?);
        }
        let id = image::id_of(self.plan);
        let report = ExportReport::already_there(self.plan, self.options, &id, tally);
        Ok(Some(Report::new("export", report, self.plan.accepted.clone())))
    }

    fn prepare(&self, journal_path: &StorePath) -> Result<(), Failure> {
        let seed = format!("{} {} {}", self.plan.digest, self.context.now_ms, std::process::id());
        Repository::open_or_create(self.target.as_ref(), &seed)
            .map_err(|error| unremembered("opening the repository", &error))?;
        if self.options.resume {
            return Ok(());
        }
        let partial = layout::partial(self.plan.run_id()).map_err(Failure::usage)?;
        for gone in [self.target.delete(journal_path), self.target.delete_tree(&partial)] {
            match gone {
                Err(error) if !error.is_not_found() => {
                    return Err(failed_store("forgetting an interrupted run", self.target.as_ref(), error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn recover(&self, recovered: Recovered<Record>) -> Result<State, Failure> {
        if !recovered.records.is_empty() {
            self.run.note(&format!(
                "going on with an interrupted run ({} entries in its journal)",
                recovered.records.len()
            ));
        }
        let target = self.target.as_ref();
        let mut state = State::recover(self.plan, recovered.records, target)?;
        image::reuse(self.plan, self.options, target, &mut state)?;
        Ok(state)
    }

    /// A full disk is better known before than after.
    fn check_room(&self, state: &State) -> Result<(), Failure> {
        let room = self
            .target
            .available()
            .map_err(|error| failed_store("looking for room", self.target.as_ref(), error))?;
        let copied: u64 = state.copied.values().map(|range| range.len).sum();
        let to_copy = self.plan.found.iter().zip(&state.files);
        let to_copy =
            to_copy.filter(|(_, state)| matches!(state, FileState::ToCopy { .. })).map(|(file, _)| file.len);
        let needed = to_copy.sum::<u64>().saturating_sub(copied);
        match room {
            Some(room) if room < needed => {
                let wrong = format!("{needed} bytes are to be copied, {room} are free");
                Err(Failure::failed("looking for room", self.target.uri(), wrong)
                    .hint("make room, or choose another target; nothing was copied"))
            }
            _ => Ok(()),
        }
    }

    fn stop_at_damage(&self, state: &State, problems: &mut Problems) -> Result<(), Stopped> {
        let failed = state.numbers(|state| matches!(state, FileState::Failed)).len();
        if failed == 0 && self.options.level >= Level::Cells {
            let verified = verify_files(
                self.files_to_verify()?,
                Level::Cells,
                self.options.workers,
                Dictionaries::new(),
                self.run,
            )?;
            if !verified.problems.is_empty() {
                problems.append(verified.problems);
                return Err(self.damaged("cells are not what the files say of them", problems));
            }
        }
        match failed {
            0 => Ok(()),
            failed => {
                let wrong =
                    format!("{failed} of {} files are damaged or could not be read", self.plan.found.len());
                Err(self.damaged(&wrong, problems))
            }
        }
    }

    fn files_to_verify(&self) -> Result<Vec<FileToVerify>, Failure> {
        let file = |(file, found): (&ListedFile, &FoundFile)| {
            let dir = self.plan.listed.directories.get(file.directory as usize);
            Ok(FileToVerify {
                store: Arc::clone(self.target),
                path: self.plan.target_path(file).map_err(Failure::usage)?,
                len: Some(found.len),
                recorded: None,
                region: dir.map(|dir| dir.region.to_string()),
                table: dir.map(|dir| dir.table.full_form().to_owned()),
            })
        };
        self.plan.listed.files.iter().zip(&self.plan.found).map(file).collect()
    }

    fn damaged(&self, wrong: &str, problems: &mut Problems) -> Stopped {
        let failure = Failure::failed("exporting", format!("snapshot {}", self.plan.snapshot), wrong).hint(
            "nothing was published; bring the files back from a copy and run the same command again, or give a lower \
             --verify level to export damage as it is",
        );
        Stopped { failure, problems: std::mem::take(problems) }
    }

    /// The files' names, and what the journal says of them.
    fn make_durable(&self, journal: &Mutex<Journal>) -> Result<(), Failure> {
        let failed = |error| failed_store("making the files durable", self.target.as_ref(), error);
        let paths = self.plan.listed.files.iter().map(|file| self.plan.target_path(file));
        let paths = paths.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        self.target.sync_batch(&paths).map_err(failed)?;
        journal.lock().unwrap_or_else(PoisonError::into_inner).sync().map_err(failed)
    }

    /// What only an interrupted run would need. Left-overs do no harm.
    fn clear_away(&self, journal_path: &StorePath, partial: &StorePath) {
        let gone = [self.target.delete_tree(partial), self.target.delete(journal_path)];
        for error in gone.into_iter().filter_map(Result::err).filter(|error| !error.is_not_found()) {
            self.run.note(&format!("left behind: {error}"));
        }
    }
}

fn busy(error: catalog::CatalogError) -> Failure {
    match error {
        catalog::CatalogError::Store(error) if error.kind == StoreErrorKind::Busy => {
            Failure::refused("exporting", &error.path, "another run is doing this very export")
                .hint("wait for it, or stop it")
        }
        error => unremembered("opening the journal", &error),
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
