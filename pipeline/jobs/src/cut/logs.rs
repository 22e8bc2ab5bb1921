//! What a repository has of WALs, as the value that a history is made of.

use crate::convert::unread;
use catalog::{CatalogError, ListedWal, WalListing, layout};
use columns::TableTotals;
use columns::lineage::LineageRow;
use columns::markers::{MarkerRow, WalSummary};
use formats::wal::Marker;
use history::{
    Descent, Entries, FileEnd, LogFile, MarkerEntry, MetaLog, Origin, RegionLog, RegionPlace, Sources,
};
use names::{EncodedRegionName, ServerName, TableName, WalKind, WalName, is_unordered_name};
use runtime::{Run, units};
use stage::{Bytes, Failure, Map, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::bytes::failed_store;
use steps::wal::{Descents, META, Places, file_end, marker_entry, read_entries, table_of_region_name};
use store::{Store, StorePath};

/// A batch, and the first and last id of each region in it.
#[derive(Debug, Clone)]
pub(crate) struct KnownBatch {
    /// The WAL that it was made from.
    pub wal: ListedWal,
    /// First and last id by region.
    pub regions: BTreeMap<EncodedRegionName, (u64, u64)>,
}

/// What was made from WALs, as far as some tables go.
#[derive(Default)]
pub(crate) struct ReadLogs {
    /// What a history is made of.
    pub sources: Sources,
    /// The batches of each table that count, in the order of their WALs.
    pub batches: BTreeMap<TableName, Vec<KnownBatch>>,
    /// Files of which a problem was told already.
    pub told: BTreeSet<String>,
    /// Regions of other tables, as far as markers tell of them.
    pub others: BTreeSet<EncodedRegionName>,
}

/// Reads what was made from WALs: markers, lineage, and of batches the entries' ids and times.
pub(crate) struct ReadSources<'a> {
    pub store: &'a dyn Store,
    pub tables: &'a BTreeSet<TableName>,
    pub workers: usize,
    pub run: &'a Run,
}

impl ReadSources<'_> {
    /// All WALs of the repository.
    pub fn read(&self, problems: &mut Problems) -> Result<ReadLogs, Failure> {
        let unread = |error| unread(self.store, error);
        let listed = catalog::latest(catalog::list_wals(self.store).map_err(unread)?);
        if listed.is_empty() {
            let wrong = "nothing was converted yet: it has no batches";
            return Err(Failure::failed("reading the WALs of the repository", self.store.uri(), wrong)
                .hint("tidegate convert makes batches of WALs; --until snapshot needs none"));
        }
        let listing = WalListing::read(self.store);
        let listing = listing.unwrap_or_else(|error| {
            problems.push(
                Problem::new(
                    ProblemKind::Structure,
                    layout::wal_listing().map_or(String::new(), |path| path.to_string()),
                    error,
                )
                .meaning(
                    "it is not known which servers are dead and when open WALs were read: less can be proved",
                )
                .hint("delete this file and run convert again"),
            );
            None
        });
        let listing = listing.unwrap_or_default();
        self.orphans(&listed, problems)?;
        let mut logs = ReadLogs::default();
        let read = ReadLog { store: self.store, tables: self.tables, listing: &listing };
        let meter = self.run.meter("read batches", Some(listed.len() as u64), None);
        let flow =
            self.run.flow(units(listed.into_iter().map(WalToRead))).io(self.workers, "read batches", &read);
        flow.ordered().each(|log| {
            meter.advance(1, 0);
            if !log.problems.is_empty() {
                logs.told.extend(log.file.as_ref().map(|file| file.path.clone()));
            }
            problems.append(log.problems);
            logs.sources.files.extend(log.file);
            logs.sources.meta.extend(log.meta);
            logs.others.extend(log.others);
            for (table, batch) in log.batches {
                logs.batches.entry(table).or_default().push(batch);
            }
            Ok(())
        })?;
        (logs.sources.descents, logs.sources.places) = self.descents(problems)?;
        logs.sources.listed_ms = Some(listing.listed_ms).filter(|listed| *listed > 0);
        logs.sources.copied_ms = listing.copied_ms;
        logs.sources.dead_servers =
            listing.dead.iter().filter_map(|name| ServerName::parse(name).ok()).collect();
        logs.sources.missing_bulk_files = self.missing_bulk_files(&logs.sources.files)?;
        Ok(logs)
    }

    /// A batch whose WAL has no markers: its conversion has not come to its end.
    fn orphans(&self, listed: &[ListedWal], problems: &mut Problems) -> Result<(), Failure> {
        let known: BTreeSet<&str> = listed.iter().map(|wal| wal.wal().0).collect();
        for table in self.tables {
            let batches = catalog::list_batches(self.store, table.full_form());
            for batch in batches.map_err(|error| unread(self.store, error))? {
                if !known.contains(batch.wal().0) {
                    problems.push(
                        Problem::new(
                            ProblemKind::Missing,
                            &batch.path,
                            "a batch whose WAL has no markers here",
                        )
                        .in_table(table.full_form())
                        .meaning(
                            "its conversion was interrupted, or the markers were deleted: it was passed over",
                        )
                        .hint("run convert again"),
                    );
                }
            }
        }
        Ok(())
    }

    /// What hbase:meta's WALs tell: splits and merges, and where regions are.
    fn descents(&self, problems: &mut Problems) -> Result<(Vec<Descent>, Vec<RegionPlace>), Failure> {
        let unread = |error| unread(self.store, error);
        let (mut descents, mut places) = (Descents::default(), Places::default());
        for wal in catalog::latest(catalog::list_lineages(self.store).map_err(unread)?) {
            let damaged = |what: String| {
                Problem::new(ProblemKind::Structure, &wal.path, what)
                    .meaning("splits and merges that only this WAL of hbase:meta tells are not known")
                    .hint("delete this file and its markers: the next run of convert makes them again if the WAL is still there")
            };
            let lineage = match catalog::open_lineage(self.store, &wal.path) {
                Err(CatalogError::Damaged { what, .. }) => {
                    problems.push(damaged(what));
                    continue;
                }
                lineage => lineage.map_err(unread)?,
            };
            for rows in lineage {
                let rows = match rows {
                    Ok(rows) => rows,
                    Err(error) => {
                        problems.push(damaged(error.to_string()));
                        break;
                    }
                };
                let wanted = |row: &&LineageRow| {
                    table_of_region_name(&row.row).is_some_and(|table| self.tables.contains(&table))
                };
                for row in rows.iter().filter(wanted) {
                    descents.add(row);
                    places.add(row);
                }
            }
        }
        Ok((descents.finish(), places.finish().collect()))
    }

    /// Bulk-loaded files that markers name and that the repository does not keep.
    fn missing_bulk_files(
        &self,
        files: &[LogFile],
    ) -> Result<BTreeSet<(EncodedRegionName, String)>, Failure> {
        let mut missing = BTreeSet::new();
        let regions = files.iter().flat_map(|file| &file.regions);
        for (name, log) in regions {
            for entry in log.entries.markers() {
                let Marker::BulkLoad(load) = &entry.marker else { continue };
                for store in &load.stores {
                    let family = String::from_utf8_lossy(&store.family_name);
                    for file in &store.store_file {
                        let path = layout::bulk(log.table.full_form(), name.as_str(), &family, file);
                        let there = path.map_or(Ok(false), |path| self.exists(&path))?;
                        if !there {
                            missing.insert((*name, file.clone()));
                        }
                    }
                }
            }
        }
        Ok(missing)
    }

    fn exists(&self, path: &StorePath) -> Result<bool, Failure> {
        match self.store.metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(failed_store("looking for a bulk-loaded file", self.store, error)),
        }
    }
}

/// A marker, and where it belongs.
type PlacedMarker = (TableName, EncodedRegionName, MarkerEntry);

struct WalToRead(ListedWal);

impl Bytes for WalToRead {
    fn bytes(&self) -> usize {
        0
    }
}

/// What was made from one WAL.
#[derive(Default)]
struct Log {
    /// `None`: it is of no concern (hbase:meta, replication).
    file: Option<LogFile>,
    /// Of hbase:meta.
    meta: Option<MetaLog>,
    batches: Vec<(TableName, KnownBatch)>,
    /// Regions of tables that are of no concern.
    others: BTreeSet<EncodedRegionName>,
    problems: Problems,
}

impl Bytes for Log {
    fn bytes(&self) -> usize {
        let regions = self.file.iter().flat_map(|file| file.regions.values());
        regions.map(|log| log.entries.bytes()).sum()
    }
}

/// The step: reads what was made from one WAL.
struct ReadLog<'a> {
    store: &'a dyn Store,
    tables: &'a BTreeSet<TableName>,
    listing: &'a WalListing,
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

/// What sort of file a WAL is; those that hold no edits of tables are passed over.
fn origin(wal: &ListedWal, problems: &mut Problems) -> Option<Origin> {
    match WalName::parse(wal.wal().0) {
        Ok(name) => {
            let of_tables = matches!(name.kind, WalKind::Regions | WalKind::SyncReplication);
            of_tables.then_some(Origin::Wal(name))
        }
        // Nothing says what came before it or after: its entries are taken as those of recovered edits are.
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
    /// How a WAL ended. One in which nothing ever was and that lies in `oldWALs` is whole.
    fn end_of(&self, wal: &ListedWal, summary: &WalSummary) -> FileEnd {
        match self.listing.empty.contains(&wal.stem) && summary.entries == 0 {
            true => FileEnd::Closed,
            false => file_end(&summary.end),
        }
    }

    /// A WAL of hbase:meta; `None` if what was made of it cannot be read.
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
                .meaning("what the WAL says of its regions is not known")
                .hint("delete this file: the next run of convert makes it again if the WAL is still there")
        };
        let markers = match catalog::open_markers(self.store, &wal.path) {
            Err(CatalogError::Damaged { what, .. }) => {
                problems.push(damaged(what));
                return Ok(None);
            }
            markers => markers.map_err(|error| unread(self.store, error))?,
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
                problems.push(problem.meaning("the marker was passed over"));
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
                .meaning("the edits of this WAL are not in the cut: it is as if they were lost")
                .hint("delete this batch: the next run of convert makes it again if the WAL is still there")
        };
        let batch = match catalog::open_batch(self.store, &path) {
            Err(CatalogError::Store(error)) if error.is_not_found() => {
                let what = format!("there is no batch, though the WAL has {} entries", totals.entries);
                let hint = "run convert again, for this table, too (--table)";
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
            Ok(batch) => batch,
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
            if let Some(error) = &region.not_ascending {
                let problem = Problem::new(ProblemKind::Structure, &known.wal.path, error);
                problems.push(problem.in_region(name).in_table(table.full_form()));
            }
            let bounds = batch.groups().iter().filter(|group| group.region == name.as_str());
            let first = bounds.clone().map(|group| group.first_sequence).min();
            let last = bounds.map(|group| group.last_sequence).max();
            known.regions.extend(first.zip(last).map(|bounds| (name, bounds)));
            region_log(file, table, name).entries = region.entries;
        }
        Ok(Some(known))
    }
}

fn region_log<'f>(file: &'f mut LogFile, table: &TableName, region: EncodedRegionName) -> &'f mut RegionLog {
    file.regions
        .entry(region)
        .or_insert_with(|| RegionLog { table: table.clone(), entries: Entries::default() })
}
