//! Reads a table at a cut in place: the snapshot's files, and the edits on top of them, by HBase's own rules for
//! what a scan shows. Nothing is written.

mod region;

use crate::roots::open_existing;
use catalog::time;
use cuts::CutOptions;
use cuts::{TableEdits, base_of, verify_batches};
use formats::compress::Dictionaries;
use formats::snapshot::{RegionManifest, RegionRole};
use region::{Ended, ScanRegion};
use runtime::{Context, Run};
use serde::Serialize;
use stage::{Failure, Problems, Report, Stopped};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use steps::edits::RegionRouter;
use steps::hfile::{ResolveMob, RowRange};
use steps::scan::{PrintCells, Visibility};
use store::Store;

pub use steps::scan::{CellForm, Shown};

/// What is to be read, and how it is shown.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// The snapshot, and the cut on top of it.
    pub cut: CutOptions,
    /// The table, as `ns:name`; may be left out if there is only one.
    pub table: Option<String>,
    /// Newest versions, all, or raw.
    pub shown: Shown,
    /// Only this row.
    pub row: Option<Vec<u8>>,
    /// Only rows that begin with this.
    pub prefix: Option<Vec<u8>>,
    /// Only this family.
    pub family: Option<Vec<u8>>,
    /// At most this many rows.
    pub limit: Option<u64>,
    /// The time at which times to live are judged, ms; `None`: now.
    pub now_ms: Option<i64>,
    /// How cells are printed.
    pub form: CellForm,
    /// Dictionaries of files that are compressed with one (zstd).
    pub dictionaries: Vec<Vec<u8>>,
}

impl ScanOptions {
    fn rows(&self) -> RowRange {
        let row = self.row.as_deref().map_or_else(RowRange::default, RowRange::of_row);
        row.within(&self.prefix.as_deref().map_or_else(RowRange::default, RowRange::of_prefix))
    }
}

/// The outcome of a scan.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ScanReport {
    /// URI of the repository.
    pub from: String,
    /// The snapshot.
    pub snapshot: String,
    /// The table.
    pub table: String,
    /// The time at which times to live were judged, ms.
    pub now_ms: i64,
    /// The same for people.
    pub now: String,
    /// Regions that were read.
    pub regions: u64,
    /// Rows of which cells were printed.
    pub rows: u64,
    /// Cells that were printed.
    pub cells: u64,
    /// Cells that were read from files and edits.
    pub read: u64,
    /// Edits that came from batches.
    pub edits: u64,
    /// Markers that delete exactly one version: what HBase itself showed of such columns depends on when it flushed.
    pub version_deletes: u64,
    /// MOB values that were read from their files.
    pub mob_values: u64,
    /// Cells of families that the snapshot's schema lacks, left out, by family.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_families: BTreeMap<String, u64>,
    /// Batches that were not compared with a digest: none was recorded, or only some rows were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unproved_batches: Vec<String>,
    /// How long it took, ms.
    pub took_ms: u64,
}

/// Prints a table's cells at a cut to `out`. It is no failure if nobody listens any more.
pub fn run(
    options: &ScanOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Report<ScanReport>, Stopped> {
    let store = open_existing(&options.cut.from)?;
    run_in(&store, options, context, out)
}

/// The same, in an open store.
pub fn run_in(
    store: &Arc<dyn Store>,
    options: &ScanOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Report<ScanReport>, Stopped> {
    let run = context.start()?;
    let mut opened = cuts::open(&options.cut, store, &run)?;
    let mut problems = std::mem::take(&mut opened.problems);
    let scanning = Scanning { options, context, store, opened: &opened };
    let proved = scanning.prove(&run);
    let scanned = proved.and_then(|unproved| Ok(scanning.scan(unproved, &mut problems, out)?));
    Report::ended("scan", scanned, problems)
}

struct Scanning<'a> {
    options: &'a ScanOptions,
    context: &'a Context,
    store: &'a Arc<dyn Store>,
    opened: &'a cuts::OpenedCut,
}

impl Scanning<'_> {
    /// Compares the table's batches with their recorded digests; returns those that were not compared. A request for
    /// only some rows does not wait for this.
    fn prove(&self, run: &Run) -> Result<Vec<String>, Stopped> {
        let base = base_of(self.opened, self.options.table.as_deref())?;
        let batches = self.opened.batches.get(&base.stores.table);
        if self.options.rows() != RowRange::default() {
            return Ok(batches.into_iter().flatten().map(|batch| batch.wal.path.to_string()).collect());
        }
        verify_batches(batches, self.store, self.options.cut.workers, run)
    }

    fn scan(
        &self,
        unproved_batches: Vec<String>,
        problems: &mut Problems,
        out: &mut dyn Write,
    ) -> Result<ScanReport, Failure> {
        let (options, store) = (self.options, self.store.as_ref());
        let base = base_of(self.opened, options.table.as_deref())?;
        let snapshot = &base.files.snapshot;
        let schema = &snapshot.schema;
        let now_ms = options.now_ms.unwrap_or(self.context.now_ms);
        let unreadable = |error| Failure::failed("reading the families' settings", &schema.table, error);
        let visibility = Visibility::new(schema, options.shown, now_ms).map_err(unreadable)?;
        let dictionaries = dictionaries_of(&options.dictionaries)?;
        let edits = TableEdits::of(self.opened, schema);
        let regions = regions_in_order(snapshot.regions())?;
        let router = RegionRouter::new(&regions);
        let mut report = ScanReport {
            from: store.uri(),
            snapshot: snapshot.description.name.to_string(),
            table: schema.table.full_form().to_owned(),
            now_ms,
            now: time::shown(now_ms),
            unproved_batches,
            ..ScanReport::default()
        };
        let mut scan = ScanRegion {
            store,
            table: &snapshot.description.table,
            edits: &edits,
            replay: &self.opened.replay,
            lineages: self.opened.history.lineages(),
            router: &router,
            dictionaries: &dictionaries,
            family: options.family.as_deref(),
            limit: options.limit.unwrap_or(u64::MAX),
            cancel: &self.context.cancel,
            visibility,
            mob: ResolveMob::new(store, &dictionaries),
            print: PrintCells::new(options.form, &snapshot.description.table, out),
            report: &mut report,
            problems,
        };
        let (rows, mut ended) = (options.rows(), Ended::Whole);
        for region in &regions {
            let range = RowRange::of_keys(&region.region.start_key, &region.region.end_key).within(&rows);
            if range.is_empty() {
                continue;
            }
            ended = scan.region(region, range)?;
            if ended == Ended::Enough {
                break;
            }
        }
        if ended == Ended::Whole {
            scan.uncovered(&regions, &rows)?;
        }
        scan.finish()?;
        report.took_ms = u64::try_from(self.context.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report)
    }
}

/// The regions that hold rows, in the order of their start keys.
fn regions_in_order(
    regions: impl Iterator<Item = Result<RegionManifest, Failure>>,
) -> Result<Vec<RegionManifest>, Failure> {
    let mut regions: Vec<RegionManifest> = regions.collect::<Result<_, _>>()?;
    regions.retain(|region| region.role() == RegionRole::Rows);
    regions.sort_by(|one, other| one.region.start_key.cmp(&other.region.start_key));
    Ok(regions)
}

fn dictionaries_of(dictionaries: &[Vec<u8>]) -> Result<Dictionaries, Failure> {
    steps::hfile::read_dictionaries(dictionaries)
        .map_err(|problem| Failure::failed("reading the zstd dictionary", &problem.path, &problem.what))
}
