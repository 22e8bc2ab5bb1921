//! Ids that ran backwards: a region opened below edits that it had written before. A crash does not cause that, since
//! recovered edits are replayed and count (`HRegion.initialize`); a `restore_snapshot` does, where it makes the
//! region's directory anew. From then on ids are given a second time, and a cut, which names ids, cannot separate the
//! edits of the two lives.

use std::collections::BTreeMap;

use names::ServerName;

use crate::{Cut, History, IdRun, MarkerEntry, RegionHistory, Starts, StoreListBreak, StoreListBreakKind};

/// Edits, and the latest opening below them.
struct Overtaken<'a> {
    edits: IdRun,
    write_time: i64,
    opened: &'a MarkerEntry,
}

/// The openings below edits for which a cut would hold the wrong edits, or too few.
pub(crate) fn openings_below_edits(history: &History, starts: &Starts, cut: &Cut) -> Vec<StoreListBreak> {
    let of_snapshot = history.lineages().with_descendants(starts.regions().keys());
    let regions = history.regions().iter();
    let replayed =
        regions.filter(|(region, _)| of_snapshot.contains(region) && !starts.ended().contains(region));
    let mut breaks = Vec::new();
    for (region, entries) in replayed {
        let (covered, last) = (starts.covered(region), cut.last(region));
        let is_doubtful = |found: &Overtaken<'_>| {
            let is_replayed = found.edits.last > covered && found.edits.first <= last;
            // It ends before the opening, whose id excludes edits that are earlier.
            let is_left_out = cut.moment_ms.is_some_and(|moment| {
                found.edits.last > last && found.write_time <= moment && found.opened.write_time > moment
            });
            is_replayed || is_left_out
        };
        let found = overtaken(history, entries).into_iter().find(is_doubtful);
        breaks.extend(found.map(|Overtaken { edits, opened, .. }| {
            StoreListBreak::shown_by(region, opened, StoreListBreakKind::OpenedBelow { edits: edits.last })
        }));
    }
    breaks
}

/// Every run of edits that a region wrote before it opened below them.
fn overtaken<'a>(history: &History, entries: &'a RegionHistory) -> Vec<Overtaken<'a>> {
    let server = |file: usize| history.files().get(file).and_then(|file| file.server());
    let latest = latest_openings(entries, server);
    let mut found = Vec::new();
    for segment in entries.segments.iter().filter(|segment| segment.marker.is_none()) {
        let Some(part) = entries.part(segment) else { continue };
        part.each_time(segment.run, |edits, write_time| {
            let Some((_, (opened, of))) = latest.range(..edits.last).next_back() else { return };
            let slack = if *of == server(part.file) { 0 } else { history.tolerances.clock_ms };
            if opened.write_time.saturating_sub(slack) > write_time {
                found.push(Overtaken { edits, write_time, opened });
            }
        });
    }
    found
}

/// For each opening's number, the latest opening with that number or a smaller one, and its server.
fn latest_openings<'a, 'h>(
    entries: &'a RegionHistory,
    server: impl Fn(usize) -> Option<&'h ServerName>,
) -> BTreeMap<u64, (&'a MarkerEntry, Option<&'h ServerName>)> {
    let mut by_number: BTreeMap<u64, (&MarkerEntry, Option<&ServerName>)> = BTreeMap::new();
    for segment in &entries.segments {
        let (Some(entry), Some(part)) = (entries.marker(segment), entries.part(segment)) else { continue };
        let Some(number) = entry.open_number() else { continue };
        let latest = by_number.entry(number).or_insert((entry, server(part.file)));
        if latest.0.write_time < entry.write_time {
            *latest = (entry, server(part.file));
        }
    }
    let mut so_far: Option<(&MarkerEntry, Option<&ServerName>)> = None;
    for of in by_number.values_mut() {
        match so_far {
            Some(before) if before.0.write_time > of.0.write_time => *of = before,
            _ => so_far = Some(*of),
        }
    }
    by_number
}
