//! Which WALs there are, and which of them are still to be converted: worked out from names and lengths.

use super::ConvertOptions;
use super::publish::LOOKING;
use catalog::{CatalogError, ListedWal, layout};
use names::root::{ARCHIVE, DATA, OLD_WALS, RECOVERED_EDITS, WALS};
use names::{
    EncodedRegionName, RecoveredEditsName, ServerName, TableName, WalKind, WalName, is_side_file,
    places_of_wal, unordered_name,
};
use stage::{Failure, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use steps::bytes::{ReadFault, failed_store, source_problem};
use steps::wal::{TableFilter, WalPlace};
use store::{Entry, Kind, Store, StoreError, StorePath, shown};

/// How many names differ from those that HBase gives.
#[derive(Debug, Clone, Copy, Default)]
pub struct NameCounts {
    /// WALs that are known by a name other than their file's, which was decoded, or lacks the server.
    pub renamed: u64,
    /// WALs whose names have no server or no time.
    pub unordered: u64,
    /// Files that are not WALs: side files of Hadoop and other tools, and unfinished copies.
    pub side_files: u64,
}

/// What is to be converted.
pub struct ConvertPlan {
    /// The root: HFiles, and recovered edits.
    pub source: Arc<dyn Store>,
    /// The tables that are wanted.
    pub tables: TableFilter,
    /// All WALs and recovered edits, in order of their names.
    pub wals: Vec<WalPlace>,
    /// Files that hold no edits of users: the master's own WALs, recovered edits still being written.
    pub passed_over: u64,
    /// The names of files beside WALs.
    pub names: NameCounts,
    /// Servers (`host,port,startcode`) with a directory under `WALs`, including one that is being split.
    pub live: BTreeSet<String>,
    /// WALs that lie in `oldWALs`, by name: HBase no longer writes them.
    pub archived: BTreeSet<String>,
    /// When the newest of the WALs under `WALs` was written to, ms by the clock of its file system.
    pub newest_ms: Option<i64>,
    /// What was found wrong.
    pub problems: Problems,
}

/// A live cluster writes to some WAL at least this often: each is rolled once an hour
/// (`hbase.regionserver.logroll.period`).
const DAY_MS: i64 = 24 * 3_600_000;

impl ConvertPlan {
    /// Servers seem to live, but none has written for a day: it may be a copy, and then it is not known up to now.
    pub fn looks_like_a_copy(&self, options: &ConvertOptions, now_ms: i64) -> Option<Problem> {
        let newest = self.newest_ms.filter(|newest| !self.live.is_empty() && now_ms - newest > DAY_MS)?;
        let what = format!("no WAL of a living server was written to since {}", catalog::time::shown(newest));
        let problem = Problem::new(ProblemKind::Warning, self.source.uri(), what)
            .meaning(
                "if this is a copy of a root, what was written after the copy is assumed not to have been written",
            )
            .hint("give --copied-at TIME, when the copy began; the cluster may be down, too");
        options.copied_at_ms.is_none().then_some(problem)
    }

    /// Lists the WALs of a root, and of a root of WALs if there is one. No WAL is read.
    pub fn make(
        options: &ConvertOptions,
        source: Arc<dyn Store>,
        wal_root: Option<Arc<dyn Store>>,
    ) -> Result<Self, Failure> {
        let tables = table_filter(&options.tables)?;
        let mut listing = Listing::default();
        listing.wals(wal_root.as_ref().unwrap_or(&source))?;
        listing.recovered_edits(&source, &tables)?;
        if let Some(wal_root) = &wal_root {
            listing.recovered_edits(wal_root, &tables)?;
        }
        listing.renamed();
        let Listing { wals, passed_over, names, live, archived, newest_ms, problems, .. } = listing;
        let wals = wals.into_values().collect();
        Ok(Self { source, tables, wals, passed_over, names, live, archived, newest_ms, problems })
    }

    /// The planned WALs that are not converted yet; one that is there under its name with another length is a
    /// problem.
    pub fn unconverted(&self, target: &dyn Store, problems: &mut Problems) -> Result<Vec<WalPlace>, Failure> {
        let unread = |error: catalog::CatalogError| error.failed(super::READING);
        let listed = catalog::list_wals(target).map_err(unread)?;
        let stems: BTreeMap<String, ListedWal> =
            listed.into_iter().map(|wal| (wal.stem.clone(), wal)).collect();
        let mut left = Vec::new();
        for wal in &self.wals {
            let open = stems.get(&format!("{}@{}", wal.name, wal.length));
            let Some(listed) = stems.get(&wal.name).or(open) else {
                left.push(wal.clone());
                continue;
            };
            let summary = match catalog::read_wal_summary(target, &listed.path) {
                Ok(summary) => summary,
                Err(error) => {
                    let meaning = "the WAL counts as converted, but its markers cannot be read";
                    let problem = match error {
                        CatalogError::Store(error) => source_problem(&error),
                        error => Problem::new(ProblemKind::Unreadable, &listed.path, error)
                            .hint("delete this file: the next run makes it again"),
                    };
                    problems.push(problem.meaning(meaning));
                    continue;
                }
            };
            if summary.length != wal.length {
                let what =
                    format!("has {} bytes; it was converted when it had {}", wal.length, summary.length);
                problems.push(
                    Problem::new(ProblemKind::Length, wal.shown(), what)
                        .meaning("a closed WAL does not change: these are two files of the same name")
                        .hint("check where the file comes from; its batches were left as they are"),
                );
                continue;
            }
            let wanted = summary
                .tables
                .iter()
                .filter(|of| of.table != steps::wal::META && self.tables.wants(&of.table));
            let mut missing = false;
            for table in wanted {
                let path = layout::batch(&table.table, &listed.stem).map_err(Failure::usage)?;
                missing |=
                    !store::exists(target, &path).map_err(|error| failed_store(LOOKING, target, error))?;
            }
            if missing {
                left.push(wal.clone());
            }
        }
        Ok(left)
    }
}

/// The tables that were asked for, by their full names.
fn table_filter(tables: &[String]) -> Result<TableFilter, Failure> {
    if tables.is_empty() {
        return Ok(TableFilter(None));
    }
    let full = |text: &String| {
        TableName::parse(text)
            .map(|table| table.full_form().to_owned())
            .map_err(|error| Failure::usage(error.what))
    };
    Ok(TableFilter(Some(tables.iter().map(full).collect::<Result<BTreeSet<_>, _>>()?)))
}

#[derive(Default)]
struct Listing {
    wals: BTreeMap<String, WalPlace>,
    passed_over: u64,
    names: NameCounts,
    /// WALs that are named by their server's directory and their time, with the names that they should have, and those
    /// that they get if another file has these.
    in_directories: Vec<(WalName, WalPlace)>,
    live: BTreeSet<String>,
    archived: BTreeSet<String>,
    newest_ms: Option<i64>,
    problems: Problems,
}

impl Listing {
    /// `WALs` before `oldWALs`: what moves in between is found in one of them.
    fn wals(&mut self, store: &Arc<dyn Store>) -> Result<(), Failure> {
        let live = list(store.as_ref(), WALS)?;
        let old = list(store.as_ref(), OLD_WALS)?;
        if live.is_none() && old.is_none() {
            let wrong = "there is neither `WALs` nor `oldWALs`";
            return Err(Failure::failed("looking for WALs", store.uri(), wrong)
                .hint("give the HBase root directory, and --wal-root if hbase.wal.dir differs"));
        }
        for (top, entries) in [(WALS, live), (OLD_WALS, old)] {
            for entry in entries.unwrap_or_default() {
                match entry.metadata.kind {
                    Kind::Directory => self.server_directory(store, top, &entry.name)?,
                    Kind::File => self.wal(store, &[top], &entry),
                }
            }
        }
        Ok(())
    }

    fn server_directory(&mut self, store: &Arc<dyn Store>, top: &str, name: &str) -> Result<(), Failure> {
        if is_side_file(name) {
            self.names.side_files += 1;
            return Ok(());
        }
        let server = ServerName::parse(name);
        if let (Ok(server), WALS) = (&server, top) {
            self.live.insert(server.to_string());
        }
        let dir = format!("{top}/{name}");
        if server.is_err() {
            self.strange_directory(store, &dir, "is not a region server's directory: host,port,startcode");
            return Ok(());
        }
        for entry in list(store.as_ref(), &dir)?.unwrap_or_default() {
            match entry.metadata.kind {
                Kind::File => self.wal(store, &[top, name], &entry),
                Kind::Directory if is_side_file(&entry.name) => self.names.side_files += 1,
                Kind::Directory => {
                    let within = format!("{dir}/{}", entry.name);
                    self.strange_directory(store, &within, "is a directory inside a region server's");
                }
            }
        }
        Ok(())
    }

    fn strange_directory(&mut self, store: &Arc<dyn Store>, dir: &str, what: &str) {
        let path = shown(store.as_ref(), dir);
        self.problems.push(Problem::new(ProblemKind::Warning, path, what).meaning("it was skipped"));
    }

    fn wal(&mut self, store: &Arc<dyn Store>, dir: &[&str], entry: &Entry) {
        if is_side_file(&entry.name) {
            self.names.side_files += 1;
            return;
        }
        if dir.first() != Some(&OLD_WALS) {
            self.newest_ms = self.newest_ms.max(entry.metadata.modified_ms);
        }
        match WalName::parse(&entry.name) {
            Ok(name) if name.kind == WalKind::MasterLocal => self.passed_over += 1,
            Ok(name) => {
                self.names.renamed += u64::from(name.as_str() != entry.name);
                let wal = place(store, dir, entry, name.to_string(), Some(&name.server));
                self.add(wal);
            }
            Err(error) => self.oddly_named(store, dir, entry, &error.what),
        }
    }

    /// Whatever begins like a WAL is one, whatever its name: that only groups and orders.
    fn oddly_named(&mut self, store: &Arc<dyn Store>, dir: &[&str], entry: &Entry, what: &str) {
        let server = dir.last().and_then(|name| ServerName::parse(name).ok());
        let wal = place(store, dir, entry, unordered_name(server.as_ref(), &entry.name), server.as_ref());
        if entry.metadata.len == 0 {
            self.passed_over += 1;
            return;
        }
        match begins_as_wal(&wal) {
            Err(problem) => self.problems.push(problem.meaning("it was skipped")),
            Ok(false) => self.problems.push(
                Problem::new(
                    ProblemKind::Warning,
                    wal.shown(),
                    format!("{what}, and it does not begin like one"),
                )
                .meaning("it was skipped")
                .hint("move it to another directory"),
            ),
            Ok(true) => match server.and_then(|server| WalName::in_directory_of(&server, &entry.name)) {
                Some(name) => self.in_directories.push((name, wal)),
                None => self.unordered(wal),
            },
        }
    }

    fn unordered(&mut self, wal: WalPlace) {
        self.names.unordered += 1;
        self.add(wal);
    }

    /// Gives WALs that lack their server the names that they should have, now that all others are known.
    fn renamed(&mut self) {
        for (name, wal) in std::mem::take(&mut self.in_directories) {
            match self.wals.contains_key(name.as_str()) {
                true => self.unordered(wal),
                false => {
                    self.names.renamed += 1;
                    self.add(WalPlace { name: name.to_string(), ..wal });
                }
            }
        }
    }

    /// Found twice: it moved while we looked, or a copy was left behind. A WAL only grows, so the longer one has all.
    fn add(&mut self, wal: WalPlace) {
        if wal.places.first().is_some_and(|place| place.is_below(OLD_WALS)) {
            self.archived.insert(wal.name.clone());
        }
        match self.wals.get(&wal.name) {
            Some(known) if known.length > wal.length => {}
            _ => drop(self.wals.insert(wal.name.clone(), wal)),
        }
    }

    /// `[archive/]data/<ns>/<table>/<region>/recovered.edits/<n>`
    fn recovered_edits(&mut self, store: &Arc<dyn Store>, tables: &TableFilter) -> Result<(), Failure> {
        for top in [DATA.to_owned(), format!("{ARCHIVE}/{DATA}")] {
            for namespace in directories(store.as_ref(), &top)? {
                let of_namespace = format!("{top}/{namespace}");
                for table in directories(store.as_ref(), &of_namespace)? {
                    let Ok(name) = TableName::new(&namespace, &table) else { continue };
                    if !tables.wants(name.full_form()) {
                        continue;
                    }
                    for region in directories(store.as_ref(), &format!("{of_namespace}/{table}"))? {
                        if EncodedRegionName::parse(&region).is_ok() {
                            self.region(store, &format!("{of_namespace}/{table}/{region}"), &region)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn region(&mut self, store: &Arc<dyn Store>, dir: &str, region: &str) -> Result<(), Failure> {
        let dir = format!("{dir}/{RECOVERED_EDITS}");
        for entry in list(store.as_ref(), &dir)?.unwrap_or_default() {
            match RecoveredEditsName::parse(&entry.name) {
                Ok(RecoveredEditsName::Edits(_)) => self.edits(store, &dir, region, &entry),
                Ok(RecoveredEditsName::Temporary(_)) => self.passed_over += 1,
                Ok(RecoveredEditsName::SequenceId(_)) => {}
                Err(_) if is_side_file(&entry.name) => self.names.side_files += 1,
                Err(error) => {
                    let path = shown(store.as_ref(), &format!("{dir}/{}", entry.name));
                    let problem = Problem::new(ProblemKind::Warning, path, error.what);
                    self.problems.push(problem.meaning("it was skipped"));
                }
            }
        }
        Ok(())
    }

    fn edits(&mut self, store: &Arc<dyn Store>, dir: &str, region: &str, entry: &Entry) {
        let name = format!("{region}-{}", entry.name);
        // The region's files move into the archive with it.
        let archived = format!("{ARCHIVE}/{dir}/{}", entry.name);
        let places = [format!("{dir}/{}", entry.name), archived];
        let wal = WalPlace {
            store: Arc::clone(store),
            name: name.clone(),
            places: places.iter().filter_map(|place| StorePath::parse(place).ok()).collect(),
            length: entry.metadata.len,
            recovered_edits: true,
            server: None,
        };
        match self.wals.get(&name) {
            Some(known) if known.length != wal.length => {
                let what = format!("another file of recovered edits has its name: {}", known.shown());
                self.problems
                    .push(Problem::new(ProblemKind::Length, wal.shown(), what).meaning("it was skipped"));
            }
            Some(_) => {}
            None => drop(self.wals.insert(name, wal)),
        }
    }
}

/// A WAL where it was found, and where HBase may have moved it since.
fn place(
    store: &Arc<dyn Store>,
    dir: &[&str],
    entry: &Entry,
    name: String,
    server: Option<&ServerName>,
) -> WalPlace {
    let found = dir.iter().copied().chain([entry.name.as_str()]).map(str::to_owned).collect();
    let mut places: Vec<StorePath> = Vec::new();
    for segments in std::iter::once(found).chain(places_of_wal(server, &entry.name)) {
        if let Ok(place) = StorePath::root().join_all(segments.iter().map(String::as_str))
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    let (store, length, server) = (Arc::clone(store), entry.metadata.len, server.map(ToString::to_string));
    WalPlace { store, name, places, length, recovered_edits: false, server }
}

fn begins_as_wal(wal: &WalPlace) -> Result<bool, Problem> {
    let file =
        steps::wal::open_wal(wal.store.as_ref(), &wal.places).map_err(|error| source_problem(&error))?;
    match steps::wal::read_wal_header(&*file) {
        Ok(_) => Ok(true),
        Err(ReadFault::Format(_)) => Ok(false),
        Err(ReadFault::Store(error)) => Err(source_problem(&error)),
    }
}

/// The entries of a directory; `None` if it does not exist.
fn list(store: &dyn Store, dir: &str) -> Result<Option<Vec<Entry>>, Failure> {
    let failed = |error: StoreError| failed_store("looking for WALs", store, error);
    let path = StorePath::parse(dir).map_err(failed)?;
    match store::list_there(store, &path) {
        Ok(entries) => Ok(entries),
        // A file where a directory may be: not ours.
        Err(error) if error.kind == store::StoreErrorKind::WrongKind => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn directories(store: &dyn Store, dir: &str) -> Result<Vec<String>, Failure> {
    let entries = list(store, dir)?.unwrap_or_default().into_iter();
    Ok(entries.filter(|entry| entry.metadata.kind == Kind::Directory).map(|entry| entry.name).collect())
}

/// What is wrong with the encrypted WALs.
pub fn encrypted(wals: &mut Vec<WalPlace>, problems: &mut Problems) -> Vec<String> {
    let mut found = Vec::new();
    wals.retain(|wal| {
        let file = steps::wal::open_wal(wal.store.as_ref(), &wal.places);
        let header = file.map(|file| steps::wal::read_wal_header(&*file).ok().flatten());
        match header {
            Ok(Some(header)) if header.encryption_key.is_some() => {
                found.push(wal.shown());
                false
            }
            Ok(_) => true,
            // Vanished: reading it says so.
            Err(error) if error.is_not_found() => true,
            Err(error) => {
                problems.push(source_problem(&error).meaning("the WAL was not converted"));
                false
            }
        }
    });
    found
}
