//! Whereabouts: on which server a region was when its last known entry was written, and where hbase:meta says it
//! went.

use formats::wal::{EventType, Marker};
use names::{EncodedRegionName, ServerName};

use crate::region::Segment;
use crate::{Clocks, Closed, FileEnd, History, MarkerEntry, MetaLog, PlaceState, RegionHistory, RegionPlace};

/// Where the known entries of a region leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// No available WAL has an entry of it.
    Unseen,
    /// Open, on the server whose WAL this is: the file of its last entry.
    On { file: usize },
    /// Closed at this time, ms by the server's clock.
    Closed { since_ms: i64 },
}

/// The last of something that was found in a region's entries.
#[derive(Clone, Copy)]
struct Last {
    sequence: u64,
    file: usize,
    write_time: i64,
}

/// Where a region is, and the number with which it opened last, where known.
pub(crate) fn whereabouts(history: &History, region: &EncodedRegionName) -> (Whereabouts, Option<u64>) {
    let Some(entries) = history.region(region) else { return (Whereabouts::Unseen, None) };
    let opened = last(entries, |event| event == EventType::RegionOpen);
    let closed = last(entries, |event| event == EventType::RegionClose);
    let number = opened.and_then(|_| entries.last_open_number());
    let floor = opened.map_or(0, |opened| opened.sequence);
    let of_wal = |segment: &&Segment| {
        let file = entries.part(segment).map(|part| part.file);
        file.is_some_and(|file| history.files().get(file).is_some_and(|file| file.wal().is_some()))
    };
    let newest = entries.segments.iter().filter(of_wal).max_by_key(|segment| segment.run.last);
    let Some(file) = newest.and_then(|segment| entries.part(segment)).map(|part| part.file) else {
        // Recovered edits alone: the region was opened again with them, and nothing shows where.
        return (Whereabouts::Unseen, None);
    };
    let written = entries.last_edit_up_to(u64::MAX).unwrap_or_default();
    let closed = closed.filter(|closed| closed.sequence > floor && closed.sequence > written);
    if let Some(closed) = closed {
        return (Whereabouts::Closed { since_ms: closed.write_time }, number);
    }
    // Markers of an earlier life may have larger ids than the opening after a crash.
    let server = |file: usize| history.files().get(file).and_then(|file| file.server());
    let file = match opened {
        Some(opened) if server(opened.file) != server(file) => newest_on(history, entries, opened.file),
        _ => file,
    };
    (Whereabouts::On { file }, number)
}

/// The last file with an entry of a region that is from the server which opened it.
fn newest_on(history: &History, entries: &RegionHistory, opened: usize) -> usize {
    let first = |file: usize| history.borders.first_of(file);
    let on_server = entries.parts.iter().map(|part| part.file).filter(|file| first(*file) == first(opened));
    let created =
        |file: &usize| history.files().get(*file).and_then(|file| file.wal()).map(|name| name.created_ms);
    on_server.max_by_key(created).unwrap_or(opened)
}

fn last(entries: &RegionHistory, wanted: impl Fn(EventType) -> bool) -> Option<Last> {
    let found = entries.segments.iter().filter_map(|segment| {
        let entry = entries.marker(segment)?;
        let Marker::RegionEvent(event) = &entry.marker else { return None };
        let file = entries.part(segment)?.file;
        wanted(event.event_type).then_some(Last {
            sequence: entry.sequence,
            file,
            write_time: entry.write_time,
        })
    });
    found.max_by_key(|last| last.sequence)
}

/// The span in which everything that hbase:meta said is known, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MetaKnown {
    pub from_ms: i64,
    pub until: Closed,
}

/// What is known of hbase:meta, on a cluster that was alive at a time (ms); `None` without a WAL of hbase:meta.
pub(crate) fn meta_known(history: &History, clocks: &Clocks, alive_ms: i64) -> Option<MetaKnown> {
    let first = history.meta.first()?;
    let mut from_ms = created(first.name.created_ms);
    for pair in history.meta.windows(2) {
        let [older, newer] = pair else { continue };
        let opened = created(newer.name.created_ms);
        let of_group = older.name.group() == newer.name.group();
        let early = |closed: i64| closed < opened - history.tolerances.skew_ms;
        let gone = of_group && older.end == FileEnd::Closed && older.closed_ms.is_some_and(early);
        if gone || older.end == FileEnd::Damaged {
            from_ms = opened;
        }
    }
    let last_of_group = |log: &&MetaLog| {
        !history.meta.iter().any(|other| {
            other.name.group() == log.name.group() && other.name.created_ms > log.name.created_ms
        })
    };
    // hbase:meta may return to a server that has kept its WAL open: the WAL with the newest name need not be the one
    // that is being written.
    let until = history
        .meta
        .iter()
        .filter(last_of_group)
        .map(|log| meta_until(history, clocks, log, alive_ms))
        .max()?;
    Some(MetaKnown { from_ms, until })
}

/// Up to when everything that hbase:meta said is known, while this was its group's newest WAL.
fn meta_until(history: &History, clocks: &Clocks, newest: &MetaLog, alive_ms: i64) -> Closed {
    let last_ms = newest.last_write_ms.unwrap_or(created(newest.name.created_ms));
    let is_dead = history.dead_servers.contains(&newest.name.server);
    // When a cluster is stopped, hbase:meta is closed last. Otherwise another server has opened it since.
    let was_stopped = || {
        newest.given_up && is_dead && history.is_dead() && last_ms >= alive_ms - history.tolerances.closing_ms
    };
    match newest.read_ms {
        _ if newest.end == FileEnd::Damaged => Closed::Until(last_ms),
        _ if was_stopped() => Closed::ForEver,
        Some(read_ms) if !newest.given_up && !is_dead && newest.end != FileEnd::Closed => {
            let slow = clocks.of(Some(&newest.name.server)).map_or(0, |error| error.low);
            Closed::Until(read_ms.saturating_add(slow).saturating_sub(1))
        }
        _ => Closed::Until(last_ms),
    }
}

pub(crate) fn created(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

impl History {
    /// Whether every known server is dead: nobody writes any more.
    fn is_dead(&self) -> bool {
        let servers = self.files().iter().filter_map(|file| file.server());
        servers
            .chain(self.meta.iter().map(|log| &log.name.server))
            .all(|server| self.dead_servers.contains(server))
    }

    /// Whether an opening is in an available WAL.
    pub(crate) fn has_opening(&self, region: &EncodedRegionName, server: &ServerName, number: u64) -> bool {
        self.region(region).is_some_and(|entries| {
            let mut opened =
                entries.openings().filter(|(_, event)| event.log_sequence_number == Some(number));
            opened.any(|(_, event)| event.server.as_ref().is_none_or(|opened| opened == server))
        })
    }

    /// The openings of a region that hbase:meta records, up to a time.
    pub(crate) fn openings_told(
        &self,
        region: &EncodedRegionName,
        until_ms: Option<i64>,
    ) -> impl Iterator<Item = (&RegionPlace, &ServerName)> {
        let within = move |place: &&RegionPlace| until_ms.is_none_or(|until| place.write_time <= until);
        let open = self.places(region).iter().filter(|place| place.state == PlaceState::Open).filter(within);
        open.filter_map(|place| Some((place, place.server.as_ref()?)))
    }
}

impl RegionHistory {
    /// The last id of an edit that is not above an id.
    pub(crate) fn last_edit_up_to(&self, sequence: u64) -> Option<u64> {
        let edits =
            self.segments.iter().filter(|segment| segment.marker.is_none() && segment.run.first <= sequence);
        edits.map(|segment| segment.run.last.min(sequence)).max()
    }

    /// The number of the last REGION_OPEN: numbers of openings only grow.
    pub(crate) fn last_open_number(&self) -> Option<u64> {
        self.markers().iter().filter_map(MarkerEntry::open_number).max()
    }
}
