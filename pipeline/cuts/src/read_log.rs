//! The step that reads what was made from one WAL: its markers, and which entries its batches have.

use crate::READING;
use catalog::{CatalogError, ListedWal, StoredParquet, WalListing, layout};
use columns::TableTotals;
use columns::batch::BatchFile;
use columns::markers::{MarkerRow, WalSummary};
use history::{Entries, FileEnd, LogFile, MarkerEntry, MetaLog, Origin, RegionLog};
use names::{EncodedRegionName, TableName, WalKind, WalName, is_unordered_name};
use stage::{Bytes, Failure, Map, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::bytes::failed_store;
use steps::wal::{META, file_end, marker_entry, read_entries};
use store::Store;

/// A batch, and the first and last id of each region in it.
#[derive(Debug, Clone)]
pub(crate) struct KnownBatch {
    /// The WAL that it was made from.
    pub wal: ListedWal,
    /// First and last id by region.
    pub regions: BTreeMap<EncodedRegionName, (u64, u64)>,
}

/// A marker, and where it belongs.
type PlacedMarker = (TableName, EncodedRegionName, MarkerEntry);

/// A WAL from which something was made.
pub(crate) struct WalToRead(pub ListedWal);

impl Bytes for WalToRead {
    fn bytes(&self) -> usize {
        0
    }
}

/// What was made from one WAL.
#[derive(Default)]
pub(crate) struct Log {
    /// `None` if it does not matter here (hbase:meta, replication).
    pub file: Option<LogFile>,
    /// A WAL of hbase:meta.
    pub meta: Option<MetaLog>,
    pub batches: Vec<(TableName, KnownBatch)>,
    /// Regions of tables that do not matter here.
    pub others: BTreeSet<EncodedRegionName>,
    pub problems: Problems,
}

impl Bytes for Log {
    fn bytes(&self) -> usize {
        let regions = self.file.iter().flat_map(|file| file.regions.values());
        regions.map(|log| log.entries.bytes()).sum()
    }
}

/// The step: reads what was made from one WAL.
pub(crate) struct ReadLog<'a> {
    pub store: &'a dyn Store,
    pub tables: &'a BTreeSet<TableName>,
    pub listing: &'a WalListing,
}

impl Map for ReadLog<'_> {
    type In = WalToRead;
    type Out = Log;

    fn map(&self, WalToRead(wal): WalToRead) -> Result<Log, Failure> {
        let mut log = Log::default();
        if let Some(name) = meta_name(&wal) {
            log.meta = self.meta_log(&wal, name, &mut log.problems)?;
            return Ok(log);
        }
        let Some(origin) = origin(&wal, &mut log.problems) else { return Ok(log) };
        let mut file = LogFile {
            path: wal.wal().0.to_owned(),
            origin,
            end: FileEnd::Damaged,
            read_ms: self.listing.read_ms.get(&wal.stem).copied(),
            closed_ms: self.listing.closed_ms.get(wal.wal().0).copied(),
            archived_ms: self.listing.archived_ms.get(wal.wal().0).copied(),
            growing: self.listing.growing.contains(&wal.stem),
            intact: true,
            regions: BTreeMap::new(),
        };
        let read = self.markers(&wal, &mut log.others, &mut log.problems)?;
        if let Some((summary, markers)) = read {
            file.end = self.end_of(&wal, &summary);
            let wanted =
                |totals: &&TableTotals| self.tables.iter().find(|table| table.full_form() == totals.table);
            for totals in &summary.tables {
                let Some(table) = wanted(&totals) else { continue };
                match self.batch(&wal, table, totals, &summary, &mut file, &mut log.problems)? {
                    Some(batch) => log.batches.push((table.clone(), batch)),
                    // Its entries are not known.
                    None => file.intact = false,
                }
            }
            for (table, region, entry) in markers {
                if let Err(error) = region_log(&mut file, &table, region).entries.push_marker(entry) {
                    let problem = Problem::new(ProblemKind::Structure, &wal.path, error);
                    log.problems.push(problem.in_region(region).in_table(table.full_form()));
                }
            }
        }
        log.file = Some(file);
        Ok(log)
    }
}

/// The name of a WAL of hbase:meta.
fn meta_name(wal: &ListedWal) -> Option<WalName> {
    WalName::parse(wal.wal().0).ok().filter(|name| name.kind == WalKind::Meta)
}

/// What sort of file a WAL is; those that hold no edits of tables are skipped.
fn origin(wal: &ListedWal, problems: &mut Problems) -> Option<Origin> {
    match WalName::parse(wal.wal().0) {
        Ok(name) => {
            let of_tables = matches!(name.kind, WalKind::Regions | WalKind::SyncReplication);
            of_tables.then_some(Origin::Wal(name))
        }
        // Nothing says what came before it or after: its entries are treated like those of recovered edits.
        Err(_) if is_unordered_name(wal.wal().0) => Some(Origin::RecoveredEdits),
        // `<region>-<n>`
        Err(error) => match wal.wal().0.split_once('-') {
            Some((region, _)) if EncodedRegionName::parse(region).is_ok() => Some(Origin::RecoveredEdits),
            _ => {
                problems.push(Problem::new(ProblemKind::Name, &wal.path, error.what));
                None
            }
        },
    }
}

impl ReadLog<'_> {
    /// How a WAL ended. One that never held anything and lies in `oldWALs` is whole.
    fn end_of(&self, wal: &ListedWal, summary: &WalSummary) -> FileEnd {
        match self.listing.empty.contains(&wal.stem) && summary.entries == 0 {
            true => FileEnd::Closed,
            false => file_end(&summary.end),
        }
    }

    /// A WAL of hbase:meta; `None` if what was made from it cannot be read.
    fn meta_log(
        &self,
        wal: &ListedWal,
        name: WalName,
        problems: &mut Problems,
    ) -> Result<Option<MetaLog>, Failure> {
        let mut given_up = false;
        let summary = self.each_marker(wal, problems, |row, _| {
            if row.table == META && row.kind == "region_event" {
                given_up = row.action.as_deref() == Some("REGION_CLOSE");
            }
        })?;
        Ok(summary.map(|summary| MetaLog {
            path: wal.wal().0.to_owned(),
            name,
            end: self.end_of(wal, &summary),
            read_ms: self.listing.read_ms.get(&wal.stem).copied(),
            closed_ms: self.listing.closed_ms.get(wal.wal().0).copied(),
            last_write_ms: summary.write_time.map(|(_, last)| last),
            given_up,
        }))
    }

    /// What the WAL holds, and the markers of the wanted tables; `None` if that is damaged.
    fn markers(
        &self,
        wal: &ListedWal,
        others: &mut BTreeSet<EncodedRegionName>,
        problems: &mut Problems,
    ) -> Result<Option<(WalSummary, Vec<PlacedMarker>)>, Failure> {
        let mut found = Vec::new();
        let summary = self.each_marker(wal, problems, |row, problems| {
            if !self.tables.iter().any(|table| table.full_form() == row.table) {
                others.extend(EncodedRegionName::parse(&row.region));
            }
            found.extend(self.marker(wal, row, problems));
        })?;
        Ok(summary.map(|summary| (summary, found)))
    }

    /// Goes through the markers of a WAL; `None` if they are damaged.
    fn each_marker(
        &self,
        wal: &ListedWal,
        problems: &mut Problems,
        mut take: impl FnMut(&MarkerRow, &mut Problems),
    ) -> Result<Option<WalSummary>, Failure> {
        let damaged = |what: String| {
            Problem::new(ProblemKind::Structure, &wal.path, what)
                .meaning("what the WAL says about its regions is not known")
                .hint("delete this file: the next run of convert makes it again if the WAL is still there")
        };
        let markers = match catalog::open_markers(self.store, &wal.path) {
            Err(CatalogError::Damaged { what, .. }) => {
                problems.push(damaged(what));
                return Ok(None);
            }
            markers => markers.map_err(|error| error.failed(READING))?,
        };
        let summary = markers.summary().clone();
        for rows in markers {
            match rows {
                Ok(rows) => rows.iter().for_each(|row| take(row, problems)),
                Err(error) => {
                    problems.push(damaged(error.to_string()));
                    return Ok(None);
                }
            }
        }
        Ok(Some(summary))
    }

    fn marker(&self, wal: &ListedWal, row: &MarkerRow, problems: &mut Problems) -> Option<PlacedMarker> {
        let table = self.tables.iter().find(|table| table.full_form() == row.table)?;
        let read = EncodedRegionName::parse(&row.region)
            .map_err(formats::FormatError::from)
            .and_then(|region| Ok((region, marker_entry(row)?)));
        match read {
            Ok((region, entry)) => Some((table.clone(), region, entry)),
            Err(error) => {
                let problem = Problem::new(ProblemKind::Structure, &wal.path, error.what);
                let problem = problem.in_region(&row.region).in_table(&row.table);
                problems.push(problem.meaning("the marker was skipped"));
                None
            }
        }
    }

    /// Takes the entries of a table; `None` if its batch cannot be used.
    fn batch(
        &self,
        wal: &ListedWal,
        table: &TableName,
        totals: &TableTotals,
        summary: &WalSummary,
        file: &mut LogFile,
        problems: &mut Problems,
    ) -> Result<Option<KnownBatch>, Failure> {
        let path = layout::batch(table.full_form(), &wal.stem).map_err(Failure::usage)?;
        let unusable = |kind: ProblemKind, what: String| {
            Problem::new(kind, &path, what)
                .in_table(table.full_form())
                .meaning("the edits of this WAL are not in the cut, as if they were lost")
                .hint("delete this batch: the next run of convert makes it again if the WAL is still there")
        };
        let batch = match catalog::open_batch(self.store, &path) {
            Err(CatalogError::Store(error)) if error.is_not_found() => {
                let what = format!("there is no batch, though the WAL has {} entries", totals.entries);
                let hint = "run convert again, including this table (--table)";
                problems.push(unusable(ProblemKind::Missing, what).hint(hint));
                return Ok(None);
            }
            Err(CatalogError::Store(error)) => {
                return Err(failed_store("reading a batch", self.store, error));
            }
            Err(CatalogError::Damaged { what, .. }) => {
                problems.push(unusable(ProblemKind::Structure, what));
                return Ok(None);
            }
            batch => batch.map_err(|error| error.failed(READING))?,
        };
        let marks = batch.marks();
        if marks.table != table.full_form() || marks.wal != summary.wal {
            let what = format!("it was made from {} and holds table {}", marks.wal.stem(), marks.table);
            problems.push(unusable(ProblemKind::Name, what));
            return Ok(None);
        }
        let regions = match read_entries(&batch) {
            Ok(regions) => regions,
            Err(error) => {
                problems.push(unusable(ProblemKind::Structure, error.to_string()));
                return Ok(None);
            }
        };
        let entries: u64 = regions.values().map(|region| region.count).sum();
        if (entries, batch.rows()) != (totals.entries, totals.cells) {
            let what = format!(
                "has {entries} entries of {} cells; the WAL has {} of {}",
                batch.rows(),
                totals.entries,
                totals.cells
            );
            problems.push(unusable(ProblemKind::Length, what));
            return Ok(None);
        }
        let mut known =
            KnownBatch { wal: ListedWal { stem: wal.stem.clone(), path }, regions: BTreeMap::new() };
        for (name, region) in regions {
            if region.goes_back {
                let what = "sequence ids of the region go back in this WAL, which HBase never writes";
                let problem = Problem::new(ProblemKind::Structure, &known.wal.path, what);
                problems.push(problem.in_region(name).in_table(table.full_form()));
            }
            known.regions.extend(bounds_of(&batch, name).map(|bounds| (name, bounds)));
            region_log(file, table, name).entries = region.entries;
        }
        Ok(Some(known))
    }
}

/// The first and the last sequence id that a batch has of a region.
fn bounds_of(batch: &BatchFile<StoredParquet>, region: EncodedRegionName) -> Option<(u64, u64)> {
    let groups = batch.groups().get(batch.groups_of(region.as_str()))?.iter();
    let first = groups.clone().map(|group| group.first_sequence).min();
    first.zip(groups.map(|group| group.last_sequence).max())
}

fn region_log<'f>(file: &'f mut LogFile, table: &TableName, region: EncodedRegionName) -> &'f mut RegionLog {
    file.regions
        .entry(region)
        .or_insert_with(|| RegionLog { table: table.clone(), entries: Entries::default() })
}
