//! Records what no batch can say: which servers are dead, when open WALs were read to their end, and when closed ones
//! had been closed.

use super::plan::ConvertPlan;
use catalog::{CatalogError, ListedWal, WalListing, layout};
use names::ServerName;
use names::root::OLD_WALS;
use stage::{Failure, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::Duration;
use steps::bytes::failed_store;
use steps::wal::WalPlace;
use store::{Metadata, Store};

/// When the WALs were listed, and whether that is the time of a copy.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// A time before the WALs were listed; for a copy, the time of the copy. Milliseconds since the epoch.
    pub listed_ms: i64,
    /// Whether what was read is a copy.
    pub is_copy: bool,
}

/// Records what this run has seen; to be called when it has converted all it can.
pub fn remember(
    target: &dyn Store,
    plan: &ConvertPlan,
    seen: Seen,
    problems: &mut Problems,
) -> Result<(), Failure> {
    let unread = |error: catalog::CatalogError| error.failed(super::READING);
    let before = match WalListing::read(target) {
        Err(CatalogError::Damaged { path, what }) => {
            problems.push(
                Problem::new(ProblemKind::Structure, path, what)
                    .meaning("it was made anew, without the servers that died in earlier runs"),
            );
            None
        }
        read => read.map_err(unread)?,
    };
    let mut listing = before.clone().unwrap_or_default();
    let listed = catalog::latest(catalog::list_wals(target).map_err(unread)?);
    forget(&mut listing, &listed);
    let is_older = listing.listed_ms > seen.listed_ms;
    if is_older && seen.is_copy {
        problems.push(older_copy(plan, listing.listed_ms, seen.listed_ms));
    }
    let incomplete =
        Looking { target, plan, listed_ms: seen.listed_ms, listed: &listed }.all(&mut listing)?;
    let servers = plan.wals.iter().filter_map(server_of);
    listing.dead.extend(servers.filter(|name| !plan.live.contains(name) && !incomplete.contains(name)));
    if !is_older {
        listing.live.clone_from(&plan.live);
        listing.listed_ms = seen.listed_ms;
        listing.copied_ms = seen.is_copy.then_some(seen.listed_ms);
    }
    if before.as_ref() == Some(&listing) {
        return Ok(());
    }
    listing.write(target).map_err(unread)
}

/// What an older reading of a WAL said, or a reading of one that is now closed, is of no use any more.
fn forget(listing: &mut WalListing, listed: &[ListedWal]) {
    let is_known = |stem: &String| listed.iter().any(|wal| wal.stem == *stem);
    listing.read_ms.retain(|stem, _| is_known(stem));
    listing.growing.retain(is_known);
    listing.empty.retain(is_known);
}

fn older_copy(plan: &ConvertPlan, known_ms: i64, listed_ms: i64) -> Problem {
    let time = catalog::time::shown;
    let what = format!(
        "the copy is of {}, and the repository has been read up to {}",
        time(listed_ms),
        time(known_ms)
    );
    Problem::new(ProblemKind::Warning, plan.source.uri(), what)
        .meaning("its WALs were converted; which servers live, and up to when WALs are known, is unchanged")
        .hint("convert copies of one root in the order of their times")
}

struct Looking<'a> {
    target: &'a dyn Store,
    plan: &'a ConvertPlan,
    listed_ms: i64,
    listed: &'a [ListedWal],
}

impl Looking<'_> {
    /// Looks at every listed WAL; returns the servers of those that the repository does not have whole.
    fn all(&self, listing: &mut WalListing) -> Result<BTreeSet<String>, Failure> {
        let latest: BTreeMap<&str, &ListedWal> = self.listed.iter().map(|wal| (wal.wal().0, wal)).collect();
        let mut incomplete: BTreeSet<String> = BTreeSet::new();
        for wal in self.plan.wals.iter().filter(|wal| !wal.recovered_edits) {
            match self.whole(wal, latest.get(wal.name.as_str()).copied())? {
                Reading::Open { stem, entries, torn } => self.open(wal, stem, entries, torn, listing)?,
                Reading::Closed => closed(wal, listing)?,
                Reading::NotWhole => incomplete.extend(server_of(wal)),
            }
        }
        Ok(incomplete)
    }

    fn open(
        &self,
        wal: &WalPlace,
        stem: String,
        entries: u64,
        torn: bool,
        listing: &mut WalListing,
    ) -> Result<(), Failure> {
        if entries == 0 && self.plan.archived.contains(&wal.name) {
            listing.empty.insert(stem.clone());
        }
        if torn && grows(wal)? {
            listing.growing.insert(stem.clone());
        }
        let known = listing.read_ms.entry(stem).or_insert(self.listed_ms);
        *known = self.listed_ms.max(*known);
        Ok(())
    }

    fn whole(&self, wal: &WalPlace, listed: Option<&ListedWal>) -> Result<Reading, Failure> {
        let Some(listed) = listed else { return Ok(Reading::NotWhole) };
        if listed.wal().1.is_none() {
            return Ok(Reading::Closed);
        }
        let path = layout::markers_of(&listed.stem).map_err(Failure::usage)?;
        Ok(match catalog::read_wal_summary(self.target, &path) {
            Ok(summary) if summary.length >= wal.length => {
                let (stem, entries) = (listed.stem.clone(), summary.entries);
                Reading::Open { stem, entries, torn: summary.end == "torn" }
            }
            Ok(_) | Err(CatalogError::Damaged { .. }) => Reading::NotWhole,
            Err(error) => return Err(error.failed(super::READING)),
        })
    }
}

/// The server that wrote a WAL, as it is written everywhere.
fn server_of(wal: &WalPlace) -> Option<String> {
    let name = ServerName::parse(wal.server.as_deref()?).ok()?;
    Some(name.to_string())
}

/// Whether the repository has all of a WAL as it was listed.
enum Reading {
    Closed,
    /// It was not closed; how its batches are called, how many entries it has, and whether it ends within one.
    Open {
        stem: String,
        entries: u64,
        torn: bool,
    },
    NotWhole,
}

/// Records when a WAL was closed, or archived if that comes first.
fn closed(wal: &WalPlace, listing: &mut WalListing) -> Result<(), Failure> {
    if listing.closed_ms.contains_key(&wal.name) || listing.archived_ms.contains_key(&wal.name) {
        return Ok(());
    }
    if let Some((metadata, is_archived)) = found_now(wal)? {
        let times = if is_archived { &mut listing.archived_ms } else { &mut listing.closed_ms };
        times.extend(metadata.modified_ms.map(|modified_ms| (wal.name.clone(), modified_ms)));
    }
    Ok(())
}

/// What is known of a WAL's file now, wherever HBase has moved it, and whether that is `oldWALs`.
fn found_now(wal: &WalPlace) -> Result<Option<(Metadata, bool)>, Failure> {
    for place in &wal.places {
        match wal.store.metadata(place) {
            Ok(metadata) => return Ok(Some((metadata, place.is_below(OLD_WALS)))),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(failed_store("looking at a WAL", wal.store.as_ref(), error)),
        }
    }
    Ok(None)
}

/// How often, and at what interval, a file that ends within an entry is looked at.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(100);

/// Whether a file that ends within an entry is still being written: then the entry was on its way.
fn grows(wal: &WalPlace) -> Result<bool, Failure> {
    for look in 0..LOOKS {
        if look > 0 {
            sleep(BETWEEN);
        }
        if found_now(wal)?.is_some_and(|(metadata, _)| metadata.len > wal.length) {
            return Ok(true);
        }
    }
    Ok(false)
}
