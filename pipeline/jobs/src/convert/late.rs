//! A conversion that comes late: HBase's log cleaner has deleted WALs that the snapshots of the repository need.

use super::plan::ConvertPlan;
use catalog::Image;
use catalog::time;
use history::Tolerances;
use names::{WalKind, WalName};
use stage::{Failure, Problem, ProblemKind};
use std::collections::{BTreeMap, BTreeSet};
use store::Store;

/// The WAL groups of which the repository has something.
pub fn known_groups(target: &dyn Store) -> Result<BTreeSet<String>, Failure> {
    let listed = catalog::list_wals(target).map_err(|error| error.failed(super::READING))?;
    let names = listed.iter().filter_map(|wal| WalName::parse(wal.wal().0).ok());
    Ok(names.map(|name| name.group().to_owned()).collect())
}

/// Servers whose WALs are met for the first time, and whose oldest one was opened after a snapshot of the repository was
/// taken, though they ran then.
pub fn came_late(
    target: &dyn Store,
    plan: &ConvertPlan,
    known: &BTreeSet<String>,
) -> Result<Vec<Problem>, Failure> {
    let images = catalog::list_images(target).map_err(|error| error.failed(super::READING))?;
    let images: Vec<&Image> = images.iter().filter_map(|listed| listed.image.as_ref().ok()).collect();
    let mut oldest: BTreeMap<String, WalName> = BTreeMap::new();
    for name in plan.wals.iter().filter_map(|wal| WalName::parse(&wal.name).ok()) {
        if name.kind != WalKind::Regions || known.contains(name.group()) {
            continue;
        }
        let of_group = oldest.entry(name.group().to_owned()).or_insert_with(|| name.clone());
        if name.created_ms < of_group.created_ms {
            *of_group = name;
        }
    }
    Ok(oldest.values().filter_map(|oldest| late(oldest, &images)).collect())
}

fn late(oldest: &WalName, images: &[&Image]) -> Option<Problem> {
    let opened = i64::try_from(oldest.created_ms).ok()?;
    let started = i64::try_from(oldest.server.start_code?).ok()?;
    if opened - started <= Tolerances::default().start_ms {
        return None;
    }
    let before =
        images.iter().filter(|image| image.source.created_ms >= started && image.source.created_ms < opened);
    let image = before.min_by_key(|image| image.source.created_ms)?;
    let what = format!(
        "the oldest available WAL of {} was opened at {}; snapshot {} was taken at {}, and the WALs in between are not there",
        oldest.server,
        time::shown(opened),
        image.snapshot,
        time::shown(image.source.created_ms)
    );
    Some(
        Problem::new(ProblemKind::Missing, oldest, what)
            .in_table(&image.table)
            .meaning("edits of that time may be missing from cuts on top of this snapshot; tidegate cut says from which")
            .hint(
                "HBase's log cleaner deletes WALs hbase.master.logcleaner.ttl after their closing (10 minutes): raise it above \
                 the time between two conversions, and take a snapshot after the first one",
            ),
    )
}
