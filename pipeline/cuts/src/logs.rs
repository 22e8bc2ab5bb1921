//! What a repository has of WALs, as the value from which a history is made.

use crate::READING;
use crate::read_log::{KnownBatch, ReadLog, WalToRead};
use catalog::{CatalogError, ListedWal, WalListing, layout};
use columns::lineage::LineageRow;
use formats::wal::Marker;
use history::{Descent, LogFile, RegionPlace, Sources};
use names::{EncodedRegionName, ServerName, TableName};
use runtime::{Run, units};
use stage::{Failure, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::bytes::failed_store;
use steps::wal::{Descents, Places, table_of_region_name};
use store::Store;

const LOOKING: &str = "looking for a bulk-loaded file";

/// What was made from WALs, for some tables.
#[derive(Default)]
pub(crate) struct ReadLogs {
    /// The input of a history.
    pub sources: Sources,
    /// The batches of each table that count, in the order of their WALs.
    pub batches: BTreeMap<TableName, Vec<KnownBatch>>,
    /// Files about which a problem was reported already.
    pub told: BTreeSet<String>,
    /// Regions of other tables that markers name.
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
        let failed = |error: CatalogError| error.failed(READING);
        let listed = catalog::latest(catalog::list_wals(self.store).map_err(failed)?);
        if listed.is_empty() {
            let wrong = "nothing has been converted yet: there are no batches";
            return Err(Failure::failed("reading the WALs of the repository", self.store.uri(), wrong)
                .hint("tidegate convert makes batches from WALs; --until snapshot needs none"));
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

    /// A batch whose WAL has no markers: its conversion did not finish.
    fn orphans(&self, listed: &[ListedWal], problems: &mut Problems) -> Result<(), Failure> {
        let known: BTreeSet<&str> = listed.iter().map(|wal| wal.wal().0).collect();
        for table in self.tables {
            let batches = catalog::list_batches(self.store, table.full_form());
            for batch in batches.map_err(|error| error.failed(READING))? {
                if !known.contains(batch.wal().0) {
                    problems.push(
                        Problem::new(
                            ProblemKind::Missing,
                            &batch.path,
                            "a batch whose WAL has no markers here",
                        )
                        .in_table(table.full_form())
                        .meaning(
                            "its conversion was interrupted, or the markers were deleted: it was skipped",
                        )
                        .hint("run convert again"),
                    );
                }
            }
        }
        Ok(())
    }

    /// What hbase:meta's WALs record: splits and merges, and where regions are.
    fn descents(&self, problems: &mut Problems) -> Result<(Vec<Descent>, Vec<RegionPlace>), Failure> {
        let failed = |error: CatalogError| error.failed(READING);
        let (mut descents, mut places) = (Descents::default(), Places::default());
        for wal in catalog::latest(catalog::list_lineages(self.store).map_err(failed)?) {
            let damaged = |what: String| {
                Problem::new(ProblemKind::Structure, &wal.path, what)
                    .meaning("splits and merges that only this WAL of hbase:meta records are not known")
                    .hint("delete this file and its markers: the next run of convert makes them again if the WAL is still there")
            };
            let lineage = match catalog::open_lineage(self.store, &wal.path) {
                Err(CatalogError::Damaged { what, .. }) => {
                    problems.push(damaged(what));
                    continue;
                }
                lineage => lineage.map_err(failed)?,
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
                        let there = path.map_or(Ok(false), |path| store::exists(self.store, &path));
                        let there = there.map_err(|error| failed_store(LOOKING, self.store, error))?;
                        if !there {
                            missing.insert((*name, file.clone()));
                        }
                    }
                }
            }
        }
        Ok(missing)
    }
}
