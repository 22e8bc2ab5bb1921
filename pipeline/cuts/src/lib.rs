//! What a cut holds, whether it can be made, and what is proved of it: the certificate, and the base that restoring,
//! replaying and scanning stand on. Writes nothing and knows no job.

mod accepted;
mod bases;
mod batch;
mod debts;
mod dependencies;
mod edit_plan;
mod entries;
mod families;
mod findings;
mod logs;
mod read_log;
mod region_files;
mod table_edits;
mod until;

use bases::OpenBases;
use batch::{Unreadable, open_batches};
use catalog::ImageCut;
use dependencies::{DeclaredEdits, ReadDependencies};
use findings::{problems_of, refused, unplaced, without_clocks_of_runs};
use history::{Certificate, Gap, History, Replay, Sources, Starts, certify};
use logs::{ReadLogs, ReadSources};
use names::TableName;
use runtime::Run;
use stage::{Failure, FailureKind, Problem, Problems, Stopped};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::Store;
use table_edits::verify_paths;
use until::Asking;

pub use accepted::{AcceptGaps, Accepted, NamedGap};
pub use bases::{Base, OpenedBase};
pub use batch::Batch;
pub use debts::Debts;
pub use edit_plan::{EditPlan, Forecast};
pub use region_files::RegionFiles;
pub use table_edits::{TableEdits, base_of, verify_batches};

pub use until::Until;

/// What a run was doing when a document of the repository could not be read.
const READING: &str = "reading the repository";

/// Where a cut is asked for, and what is known besides the repository.
#[derive(Debug, Clone)]
pub struct CutOptions {
    /// The repository: an HBase root with `.tidegate`.
    pub from: String,
    /// What it is put on top of: snapshots of different tables, at least one.
    pub bases: Vec<Base>,
    /// Where it is.
    pub until: Until,
    /// A file of dependencies (JSON Lines) by which it is trimmed.
    pub dependencies: Option<String>,
    /// The most by which any server's clock is wrong, ms.
    pub clock_bound_ms: Option<u32>,
    /// A file that says how wrong the servers' clocks may be.
    pub clocks: Option<String>,
    /// Gaps in which nothing is known to be lost.
    pub accept_gaps: Option<AcceptGaps>,
    /// Whether cells of families that a base does not have are left out without a problem.
    pub leave_out_families: bool,
    /// How many files are read at the same time.
    pub workers: usize,
}

/// A cut that can be made: the snapshots it is on top of, and what is to be put there.
pub struct OpenedCut {
    /// The snapshots, in the order of the options.
    pub bases: Vec<OpenedBase>,
    /// What is replayed.
    pub replay: Replay,
    /// The batches that hold it, by table, in the order of their WALs. Entries may be in several of them.
    pub batches: BTreeMap<TableName, Vec<Batch>>,
    /// What was proved.
    pub certificate: Certificate,
    /// What is wrong: with the snapshots, with what was made from WALs, and with the cut.
    pub problems: Problems,
    /// Dependencies of other tables than the snapshots'.
    pub outside: u64,
    /// Everything that is known of WALs.
    pub history: History,
    /// Where replays start.
    pub starts: Starts,
    /// Gaps that were accepted, of those that the certificate has.
    pub accepted: Vec<Gap>,
    /// What is not proved about it, or about the snapshots that it stands on.
    pub debts: Debts,
    /// The cut, as it is typed.
    pub until: String,
}

impl OpenedCut {
    /// What an image records about the cut at which it was restored.
    pub fn for_image(&self) -> ImageCut {
        let Debts { accepted_gaps, unproved } = self.debts.clone();
        ImageCut {
            until: self.until.clone(),
            clock: self.certificate.clock.name().to_owned(),
            proved: self.debts.is_empty(),
            accepted_gaps,
            unproved,
        }
    }
}

/// Opens snapshots and what was made from WALs, and certifies the cut that is asked for.
///
/// # Errors
/// Refused if the cut cannot be made: it says which cut can. Otherwise something could not be read.
pub fn open(options: &CutOptions, store: &Arc<dyn Store>, run: &Run) -> Result<OpenedCut, Stopped> {
    let mut problems = Problems::default();
    let opening = Opening { options, store, run };
    let bases = match opening.bases(&mut problems) {
        Ok(bases) => bases,
        Err(failure) => return Err(Stopped::after(problems, failure)),
    };
    let tables: BTreeSet<TableName> = bases.iter().map(|base| base.stores.table.clone()).collect();
    match opening.open(bases, &tables, &mut problems) {
        Ok(opened) => Ok(OpenedCut { problems, ..opened }),
        Err(failure) if failure.kind == FailureKind::Refused => {
            opening.refuse_damage(&tables)?;
            Err(Stopped::after(problems, failure))
        }
        Err(failure) => Err(Stopped::after(problems, failure)),
    }
}

struct Opening<'a> {
    options: &'a CutOptions,
    store: &'a Arc<dyn Store>,
    run: &'a Run,
}

impl Opening<'_> {
    fn bases(&self, problems: &mut Problems) -> Result<Vec<OpenedBase>, Failure> {
        let Self { options, store, run } = *self;
        until::refuse_other_files(options)?;
        OpenBases { store: store.as_ref(), workers: options.workers, run }.open(&options.bases, problems)
    }

    fn open(
        &self,
        bases: Vec<OpenedBase>,
        tables: &BTreeSet<TableName>,
        problems: &mut Problems,
    ) -> Result<OpenedCut, Failure> {
        let Self { options, store: opened_in, run } = *self;
        let store = opened_in.as_ref();
        let workers = options.workers;
        let clocks = until::clocks(options.clock_bound_ms, options.clocks.as_deref())?;
        let ReadLogs { mut sources, batches, told, others } = match options.until {
            Until::Snapshot => ReadLogs::default(),
            _ => ReadSources { store, tables, workers, run }.read(problems)?,
        };
        sources.descents.extend(bases.iter().flat_map(|base| base.descents.iter().cloned()));
        let names: Vec<String> =
            bases.iter().map(|base| base.files.snapshot.description.name.to_string()).collect();
        let until = options.until.to_string();
        let accepted = Accepted::read(options.accept_gaps.as_ref(), &until, &names)?;
        problems.extend(bases.iter().flat_map(|base| base.debt_problems(&accepted)));
        let of_bases = bases.iter().flat_map(|base| &base.debts.accepted_gaps);
        let accepted = accepted.on(of_bases.filter_map(|gap| gap.parse().ok()).collect());
        let (history, starts) = dated(sources, &bases);
        // The snapshot alone is whole, whatever is known of its files.
        if options.until != Until::Snapshot {
            problems.extend(bases::unreached(&bases, &starts));
        }
        let asked = Asking { history: &history, starts: &starts, clocks: &clocks, others: &others, store };
        let asked = asked.cut_at(&options.until)?;
        let read = ReadDependencies { store, bases: &bases, batches: &batches, workers, run };
        let declared = match &options.dependencies {
            Some(file) => read.read(file, problems)?,
            None => DeclaredEdits::default(),
        };
        let certificate = certify(&history, &starts, &clocks, &asked, &declared.dependencies);
        let certificate = certificate.map_err(|refusal| {
            // A server that the marker does not list may be why too little is in.
            problems.extend(unplaced(&asked));
            refused(&without_clocks_of_runs(refusal, &bases), &bases, store)
        })?;
        let replay = Replay::new(&history, &starts, &certificate.cut);
        let mut unreadable = Unreadable::default();
        let batches = open_batches(opened_in, batches, &replay, &mut unreadable)?;
        problems.extend(self.look_into(&batches, &bases, &replay, unreadable)?);
        problems.extend(problems_of(&certificate, &accepted, &told, &declared.lines));
        let mut debts = Debts::of_certificate(&certificate, &accepted);
        bases.iter().for_each(|base| debts.add(&base.debts));
        let accepted =
            certificate.completeness.gaps.iter().filter(|gap| accepted.has(gap)).copied().collect();
        let (problems, outside) = (Problems::default(), declared.outside);
        Ok(OpenedCut {
            bases,
            replay,
            batches,
            certificate,
            problems,
            outside,
            history,
            starts,
            accepted,
            debts,
            until,
        })
    }

    /// Ends with the batches that are damaged, if there are any: a changed byte in one may be why the cut is refused, as ids that
    /// seem to go back.
    fn refuse_damage(&self, tables: &BTreeSet<TableName>) -> Result<(), Stopped> {
        let listed = |table: &TableName| catalog::list_batches(self.store.as_ref(), table.full_form());
        let batches: Result<Vec<_>, _> = tables.iter().map(listed).collect();
        let batches = batches.map_err(|error| error.failed(READING))?;
        let paths = batches.into_iter().flatten().map(|batch| batch.path);
        verify_paths(paths, self.store, self.options.workers, self.run).map(|_| ())
    }

    /// Looks into the batches of a cut: two that disagree are refused; what cannot be read or has no family in its base
    /// is reported.
    fn look_into(
        &self,
        opened: &BTreeMap<TableName, Vec<Batch>>,
        bases: &[OpenedBase],
        replay: &Replay,
        mut unreadable: Unreadable,
    ) -> Result<Vec<Problem>, Failure> {
        for (table, batches) in opened {
            entries::refuse_conflicts(table, batches, replay, &mut unreadable)?;
        }
        let mut left_out = Vec::new();
        for base in bases.iter().map(|base| &base.files.snapshot) {
            let (schema, name) = (&base.schema, base.description.name.as_str());
            let batches = opened.get(&schema.table).map(Vec::as_slice).unwrap_or_default();
            left_out.extend(families::left_out(schema, name, batches, replay, &mut unreadable));
        }
        let accepted = self.options.leave_out_families;
        Ok(unreadable.into_problems().chain(left_out.into_iter().filter(|_| !accepted)).collect())
    }
}

/// The history of all files, and where replays start in it.
fn dated(sources: Sources, bases: &[OpenedBase]) -> (History, Starts) {
    let history = History::new(sources);
    let stores: Vec<_> = bases.iter().map(|base| base.stores.clone()).collect();
    let starts = Starts::new(&stores, &history);
    (history, starts)
}
