//! Turns WAL files into replayable batches.
//!
//! A batch is a pure function of its WAL, so there is no journal: what is published is done, and the same command
//! does the rest. A WAL's markers are published last and say that all of it is done.

mod bulk;
mod clear_text;
mod conflicts;
mod large;
mod late;
mod listing;
mod plan;
mod publish;
mod report;

use crate::roots::{self, open_existing};
use bulk::{KeepBulk, NamedBulkFile, files_of};
use catalog::{CatalogError, Repository, layout};
use conflicts::find_conflicts;
use large::LargeWal;
use plan::ConvertPlan;
use publish::{PublishWals, PublishedWal};
use runtime::Context;
use runtime::{Run, units};
use stage::{Failure, Problem, ProblemKind, Problems, Report, Stopped};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use steps::bytes::failed_store;
use steps::wal::{EncodeWal, GatherWal, SpillRuns, WalPlace, WalToGather};
use store::{AppendLog, Store};

pub use report::{BulkCounts, ConvertReport, PlannedWal, TableCounts, WalCounts, Written};

/// What is to be converted.
#[derive(Debug, Clone)]
pub struct ConvertOptions {
    /// The HBase root.
    pub from: String,
    /// Where WALs lie if not there (`hbase.wal.dir`).
    pub wal_root: Option<String>,
    /// The repository.
    pub to: String,
    /// Only these tables; all if empty.
    pub tables: Vec<String>,
    /// How many WALs are read at the same time.
    pub workers: usize,
    /// Whether encrypted WALs may become batches in clear text.
    pub allow_clear_text: bool,
    /// When the root was copied, ms, if it is a copy: nothing is known of what was written later.
    pub copied_at_ms: Option<i64>,
    /// Whether only the plan is made.
    pub dry_run: bool,
}

/// Converts what is not converted yet.
pub fn run(options: &ConvertOptions, context: &Context) -> Result<Report<ConvertReport>, Stopped> {
    let source = open_existing(&options.from)?;
    let wal_root = options.wal_root.as_deref().map(open_existing).transpose()?;
    roots::are_one("converting", &options.from, &options.to)?;
    let target = roots::open(&options.to)?;
    run_between(options, source, wal_root, &target, context)
}

/// The same, between open stores; the options' locations are for the report.
pub fn run_between(
    options: &ConvertOptions,
    source: Arc<dyn Store>,
    wal_root: Option<Arc<dyn Store>>,
    target: &Arc<dyn Store>,
    context: &Context,
) -> Result<Report<ConvertReport>, Stopped> {
    if let Some(copied) = options.copied_at_ms.filter(|copied| *copied > context.now_ms) {
        let wrong = format!("--copied-at {} is in the future", catalog::time::shown(copied));
        return Err(Failure::usage(wrong).into());
    }
    if options.copied_at_ms.is_some_and(|copied| copied <= 0) {
        return Err(Failure::usage("--copied-at is no time at which a root can have been copied").into());
    }
    let mut plan = ConvertPlan::make(options, source, wal_root)?;
    let mut problems = std::mem::take(&mut plan.problems);
    problems.extend(plan.looks_like_a_copy(options, context.now_ms));
    let mut report = ConvertReport {
        from: options.from.clone(),
        wal_root: options.wal_root.clone().unwrap_or_else(|| options.from.clone()),
        to: options.to.clone(),
        dry_run: options.dry_run,
        ..ConvertReport::default()
    };
    report.wals.found = plan.wals.len() as u64;
    report.wals.passed_over = plan.passed_over;
    report.wals.renamed = plan.names.renamed;
    report.wals.unordered = plan.names.unordered;
    report.wals.side_files = plan.names.side_files;
    let before = problems.count();
    let mut todo = plan.unconverted(target.as_ref(), &mut problems)?;
    report.wals.already = (plan.wals.len() - todo.len()) as u64 - (problems.count() - before);
    clear_text::refuse_encrypted(&mut todo, options, &mut problems)?;
    report.wals.failed = (plan.wals.len() - todo.len()) as u64 - report.wals.already;
    report.in_clear_text = clear_text::encrypted_families(&plan, &todo, options, &mut problems)?;
    if options.dry_run {
        let planned = |wal: &WalPlace| PlannedWal { path: wal.shown(), bytes: wal.length };
        report.planned = todo.iter().map(planned).collect();
        return Ok(Report::new("convert", report, problems));
    }
    let run = context.start()?;
    let work = Converting { options, context, plan: &plan, target, run: &run };
    let worked = work.all(todo, &mut report, &mut problems);
    Report::ended("convert", worked.map(|()| report), problems)
}

/// What a run was doing when a document of the repository could not be read.
const READING: &str = "reading the repository";

/// The largest share of the memory that the cells of one WAL may take: two are in flight, one being read and one encoded. Of half a
/// gigabyte this is more than a WAL of the size at which HBase rolls takes, so that none of those is written aside.
const SHARES: usize = 3;
/// The most memory that a byte of a WAL ever needs.
const EXPANSION: usize = 4;
/// What the smallest WAL may take.
const LEAST: usize = 1 << 20;

struct Converting<'a> {
    options: &'a ConvertOptions,
    context: &'a Context,
    plan: &'a ConvertPlan,
    target: &'a Arc<dyn Store>,
    run: &'a Run,
}

/// What this run has made, for the steps that follow.
#[derive(Default)]
struct New {
    /// Stems of new batches, by table.
    batches: BTreeMap<String, BTreeSet<String>>,
    /// WALs whose cells do not fit into memory.
    large: Vec<PublishedWal>,
    /// The newest write time of all, ms.
    written_ms: Option<i64>,
}

impl Converting<'_> {
    fn all(
        &self,
        todo: Vec<WalPlace>,
        report: &mut ConvertReport,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let target = self.target.as_ref();
        let seed = format!("{} {}", self.options.to, self.context.now_ms);
        Repository::open_or_create(target, &seed).map_err(|error| error.failed(READING))?;
        let _alone = alone(target)?;
        let partial = layout::partial("convert").map_err(Failure::usage)?;
        let clear = || match target.delete_tree(&partial) {
            Err(error) if !error.is_not_found() => {
                Err(failed_store("removing unfinished files", target, error))
            }
            _ => Ok(()),
        };
        clear()?;
        let publishing = PublishWals { target, partial: partial.clone(), next: AtomicU64::new(0) };
        let mut new = New::default();
        let known = late::known_groups(target)?;
        self.convert(todo, &publishing, &mut new, report, problems)?;
        for wal in std::mem::take(&mut new.large) {
            self.convert_large(wal, &publishing, &mut new, report, problems)?;
        }
        problems.extend(late::came_late(target, self.plan, &known)?);
        problems.extend(new.written_ms.and_then(|written| self.written_after_copy(written)));
        let copied = self.options.copied_at_ms;
        let seen =
            listing::Seen { listed_ms: copied.unwrap_or(self.context.now_ms), is_copy: copied.is_some() };
        listing::remember(target, self.plan, seen, problems)?;
        for (table, stems) in &new.batches {
            find_conflicts(target, table, stems, problems)?;
        }
        let files = self.bulk_files(problems)?;
        let (source, workers) = (self.plan.source.as_ref(), self.options.workers);
        let keep = KeepBulk { source, publishing: &publishing, workers, run: self.run };
        report.bulk = keep.keep(&files, problems)?;
        clear()
    }

    /// Reads, encodes and publishes WALs, several at the same time.
    fn convert(
        &self,
        todo: Vec<WalPlace>,
        publishing: &PublishWals<'_>,
        new: &mut New,
        report: &mut ConvertReport,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let bytes = todo.iter().map(|wal| wal.length).sum();
        let meter = self.run.meter("convert", Some(todo.len() as u64), Some(bytes));
        let share = self.context.memory / SHARES;
        let to_decode = |wal: WalPlace| {
            let bytes = usize::try_from(wal.length).unwrap_or(usize::MAX);
            let most = bytes.saturating_mul(EXPANSION).saturating_add(LEAST);
            WalToGather { memory: most.min(share), wal }
        };
        let spill = SpillRuns::new(self.target.as_ref(), publishing.partial.clone());
        let decode = GatherWal { tables: &self.plan.tables, spill: &spill };
        let flow = self.run.flow(units(todo.into_iter().map(to_decode)));
        let flow = flow.io(self.options.workers, "read", &decode).cpu("encode", &EncodeWal);
        flow.io(self.options.workers, "publish", publishing).ordered().each(|mut wal| {
            meter.advance(1, wal.asked.wal.length);
            report.bytes_read += wal.bytes_read;
            problems.append(std::mem::take(&mut wal.problems));
            match wal.too_large {
                Some(_) => new.large.push(wal),
                None => self.count(&wal, new, report),
            }
            Ok(())
        })
    }

    fn convert_large(
        &self,
        mut wal: PublishedWal,
        publishing: &PublishWals<'_>,
        new: &mut New,
        report: &mut ConvertReport,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let Some((content, files)) = wal.too_large.take() else { return Ok(()) };
        let _meter = self.run.meter("convert a large WAL", None, None);
        let done = LargeWal { publishing, run: self.run }.convert(content, &files)?;
        if !done.problems.is_empty() {
            wal.summary = None;
        }
        problems.append(done.problems);
        wal.tally = done.tally;
        self.count(&wal, new, report);
        Ok(())
    }

    /// A copy has nothing that was written after it was made.
    fn written_after_copy(&self, written_ms: i64) -> Option<Problem> {
        let copied = self.options.copied_at_ms.filter(|copied| *copied < written_ms)?;
        let shown = catalog::time::shown;
        let what = format!("has entries of {}, and --copied-at says {}", shown(written_ms), shown(copied));
        Some(
            Problem::new(ProblemKind::Warning, self.plan.source.uri(), what)
                .meaning("the copy is newer than --copied-at says: cuts go no further than that time")
                .hint("give the time at which the copy began, and convert again"),
        )
    }

    fn count(&self, wal: &PublishedWal, new: &mut New, report: &mut ConvertReport) {
        report.written.add(&wal.tally);
        let written = wal.summary.as_ref().and_then(|summary| summary.write_time).map(|(_, last)| last);
        new.written_ms = new.written_ms.max(written);
        let Some(summary) = &wal.summary else {
            report.wals.failed += 1;
            return;
        };
        if wal.tally.batches + wal.tally.others == 0 {
            report.wals.already += 1;
            return;
        }
        report.wals.converted += 1;
        let is_empty = summary.entries == 0;
        report.wals.open += u64::from(!summary.wal.closed && !is_empty);
        report.wals.empty += u64::from(is_empty);
        for of in summary
            .tables
            .iter()
            .filter(|of| of.table != steps::wal::META && self.plan.tables.wants(&of.table))
        {
            let counts = report.tables.entry(of.table.clone()).or_default();
            counts.entries += of.entries;
            counts.cells += of.cells;
            new.batches.entry(of.table.clone()).or_default().insert(summary.wal.stem());
        }
    }

    /// The bulk-loaded files that the markers of all planned WALs name, including those converted before, so that what
    /// could not be copied then is tried again.
    fn bulk_files(&self, problems: &mut Problems) -> Result<BTreeSet<NamedBulkFile>, Failure> {
        let target = self.target.as_ref();
        let names: BTreeSet<&str> = self.plan.wals.iter().map(|wal| wal.name.as_str()).collect();
        let listed = catalog::latest(catalog::list_wals(target).map_err(|error| error.failed(READING))?);
        let mut files = BTreeSet::new();
        for wal in listed.iter().filter(|listed| names.contains(listed.wal().0)) {
            let markers = match catalog::open_markers(target, &wal.path) {
                Ok(markers) => markers,
                Err(CatalogError::Damaged { path, what }) => {
                    problems.push(Problem::new(ProblemKind::Structure, path, what));
                    continue;
                }
                Err(error) => return Err(error.failed(READING)),
            };
            for rows in markers {
                let rows = match rows {
                    Ok(rows) => rows,
                    Err(error) => {
                        problems.push(Problem::new(ProblemKind::Structure, &wal.path, error));
                        break;
                    }
                };
                let loads =
                    rows.iter().filter(|row| row.kind == "bulk_load" && self.plan.tables.wants(&row.table));
                loads.for_each(|row| files.extend(files_of(row, &wal.path, problems)));
            }
        }
        Ok(files)
    }
}

/// Held while converting: only one run converts into a repository at a time, where the storage can detect that.
fn alone(target: &dyn Store) -> Result<Option<Box<dyn AppendLog>>, Failure> {
    let path = layout::journal("convert").map_err(Failure::usage)?;
    let log = target.abilities().append.then(|| target.append_log(&path)).transpose();
    log.map_err(|error| failed_store("beginning to convert", target, error))
}
