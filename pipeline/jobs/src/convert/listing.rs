//! Remembers what no batch can say: which servers are dead, and when open WALs were read to their end.

use super::plan::ConvertPlan;
use catalog::{CatalogError, ListedWal, WalListing, layout};
use formats::wal::ServerName;
use stage::{Failure, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::WalPlace;
use store::Store;

/// Writes what this run has seen; to be called when it has converted all it can. `listed_ms` is a time before the
/// WALs were listed.
pub fn remember(
    target: &dyn Store,
    plan: &ConvertPlan,
    listed_ms: i64,
    problems: &mut Problems,
) -> Result<(), Failure> {
    let unread = |error| super::unread(target, error);
    let before = match WalListing::read(target) {
        Err(CatalogError::Damaged { path, what }) => {
            problems.push(
                Problem::new(ProblemKind::Structure, path, what)
                    .meaning("which servers died in earlier runs is forgotten; it was made anew"),
            );
            None
        }
        read => read.map_err(unread)?,
    };
    let mut listing = before.clone().unwrap_or_default();
    let listed = catalog::latest(catalog::list_wals(target).map_err(unread)?);
    let latest: BTreeMap<&str, &ListedWal> = listed.iter().map(|wal| (wal.wal().0, wal)).collect();
    // What an older reading of a WAL, or a WAL that was closed by now, has said, is of no more use.
    listing.read_ms.retain(|stem, _| listed.iter().any(|wal| wal.stem == *stem));
    let mut incomplete: BTreeSet<String> = BTreeSet::new();
    for wal in plan.wals.iter().filter(|wal| !wal.recovered_edits) {
        match whole(target, wal, latest.get(wal.name.as_str()).copied())? {
            Reading::Open(stem) => drop(listing.read_ms.insert(stem, listed_ms)),
            Reading::Closed => {}
            Reading::NotWhole => incomplete.extend(server_of(wal)),
        }
    }
    let servers = plan.wals.iter().filter_map(server_of);
    listing.dead.extend(servers.filter(|name| !plan.live.contains(name) && !incomplete.contains(name)));
    listing.live.clone_from(&plan.live);
    listing.listed_ms = listed_ms;
    if before.as_ref() == Some(&listing) {
        return Ok(());
    }
    listing.write(target).map_err(unread)
}

/// The server that wrote a WAL, as it is written everywhere.
fn server_of(wal: &WalPlace) -> Option<String> {
    let name = ServerName::parse(wal.server.as_deref()?).ok()?;
    Some(name.to_string())
}

/// Whether the repository has all of a WAL as it was listed.
enum Reading {
    Closed,
    /// It was not closed; so its batches are called.
    Open(String),
    NotWhole,
}

fn whole(target: &dyn Store, wal: &WalPlace, listed: Option<&ListedWal>) -> Result<Reading, Failure> {
    let Some(listed) = listed else { return Ok(Reading::NotWhole) };
    if listed.wal().1.is_none() {
        return Ok(Reading::Closed);
    }
    let path = layout::markers_of(&listed.stem).map_err(Failure::usage)?;
    Ok(match catalog::read_wal_summary(target, &path) {
        Ok(summary) if summary.length >= wal.length => Reading::Open(listed.stem.clone()),
        Ok(_) | Err(CatalogError::Damaged { .. }) => Reading::NotWhole,
        Err(error) => return Err(super::unread(target, error)),
    })
}
