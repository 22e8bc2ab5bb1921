//! What all files hold of a region, in the order of its sequence ids.

use formats::wal::{EventType, Marker, RegionEventDescriptor};
use names::TableName;

use crate::{Entries, IdRun, MarkerEntry};

/// Ids of one file that follow each other: edits, or one marker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub run: IdRun,
    /// Index of the part.
    pub part: u32,
    /// Index of the marker, if it is one.
    pub marker: Option<u32>,
}

/// Write times of one file's edits of one region.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Index of the file.
    pub file: usize,
    times: Vec<(u64, i64)>,
}

impl Part {
    /// The first edit written after `time`.
    pub fn first_after(&self, time: i64) -> Option<u64> {
        self.times.iter().find(|(_, write_time)| *write_time > time).map(|(sequence, _)| *sequence)
    }
}

/// Edits of one write time, or a marker; no id is in two of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch<'a> {
    pub run: IdRun,
    pub write_time: i64,
    /// Index of the file.
    pub file: usize,
    pub marker: Option<&'a Marker>,
}

impl Stretch<'_> {
    /// Whether it changes what a table holds.
    pub fn is_edit(&self) -> bool {
        matches!(self.marker, None | Some(Marker::BulkLoad(_)))
    }

    /// How many of its ids are up to `last`, and how many above.
    pub fn split_at(&self, last: u64) -> (u64, u64) {
        let up_to = (last.min(self.run.last) + 1).saturating_sub(self.run.first);
        (up_to, self.run.len() - up_to)
    }
}

/// What all files hold of a region.
#[derive(Debug, Clone)]
pub struct RegionHistory {
    table: TableName,
    pub(crate) parts: Vec<Part>,
    /// By first id; edits before a marker of the same id.
    pub(crate) segments: Vec<Segment>,
    markers: Vec<MarkerEntry>,
    last: Option<u64>,
}

impl RegionHistory {
    /// Starts a region of which nothing is known yet.
    pub(crate) fn new(table: TableName) -> Self {
        Self { table, parts: Vec::new(), segments: Vec::new(), markers: Vec::new(), last: None }
    }

    /// Takes the entries of one file; returns the newest write time among them. Call [`Self::sort`] when all are taken.
    pub(crate) fn take(&mut self, file: usize, entries: Entries) -> Option<i64> {
        let (edits, times, markers) = entries.into_parts();
        let newest = times.iter().map(|(_, time)| *time).chain(markers.iter().map(|entry| entry.write_time));
        let newest = newest.max();
        let part = self.parts.len() as u32;
        self.parts.push(Part { file, times });
        self.segments.extend(edits.into_iter().map(|run| Segment { run, part, marker: None }));
        for entry in markers {
            let run = IdRun { first: entry.sequence, last: entry.sequence };
            self.segments.push(Segment { run, part, marker: Some(self.markers.len() as u32) });
            self.markers.push(entry);
        }
        newest
    }

    /// Sorts segments and markers by id.
    pub(crate) fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.markers.len()).collect();
        let old = std::mem::take(&mut self.markers);
        order.sort_by_key(|index| old.get(*index).map(|entry| entry.sequence));
        let mut places = vec![0; order.len()];
        for (new, index) in order.iter().enumerate() {
            if let Some(place) = places.get_mut(*index) {
                *place = new as u32;
            }
        }
        self.markers = order.iter().filter_map(|index| old.get(*index).cloned()).collect();
        for segment in &mut self.segments {
            segment.marker = segment.marker.and_then(|index| places.get(index as usize).copied());
        }
        self.last = self.segments.iter().map(|segment| segment.run.last).max();
        self.segments.sort_by_key(|segment| (segment.run.first, segment.marker.is_some(), segment.part));
    }

    /// The region's table.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The first id that is known.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.segments.first().map(|segment| segment.run.first)
    }

    /// The last id that is known.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// The last id that is known and not above `sequence`; 0 if there is none.
    #[must_use]
    pub fn last_up_to(&self, sequence: u64) -> u64 {
        let below = self.segments.iter().take_while(|segment| segment.run.first <= sequence);
        below.map(|segment| segment.run.last.min(sequence)).max().unwrap_or_default()
    }

    /// Its REGION_OPENs, by id.
    pub(crate) fn openings(&self) -> impl Iterator<Item = (&MarkerEntry, &RegionEventDescriptor)> {
        self.markers.iter().filter_map(|entry| match &entry.marker {
            Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen => Some((entry, event)),
            _ => None,
        })
    }

    /// When the region's first known opening was, ms by its server's clock.
    pub(crate) fn first_opened_ms(&self) -> Option<i64> {
        self.openings().next().map(|(entry, _)| entry.write_time)
    }

    /// The number of the region's first known opening.
    pub(crate) fn first_open_number(&self) -> Option<u64> {
        self.markers.iter().find_map(MarkerEntry::open_number)
    }

    /// The first id that is known and above `sequence`.
    #[must_use]
    pub(crate) fn first_above(&self, sequence: u64) -> Option<u64> {
        let above = self.segments.iter().filter(|segment| segment.run.last > sequence);
        above.map(|segment| segment.run.first.max(sequence + 1)).min()
    }

    /// The markers of all files by id; those of a copied file come again.
    #[must_use]
    pub fn markers(&self) -> &[MarkerEntry] {
        &self.markers
    }

    pub(crate) fn marker(&self, segment: &Segment) -> Option<&MarkerEntry> {
        self.markers.get(segment.marker? as usize)
    }

    pub(crate) fn part(&self, segment: &Segment) -> Option<&Part> {
        self.parts.get(segment.part as usize)
    }

    /// Every id once, with its write time. A bulk load comes separately even if its id was given again to something
    /// else, as happens to ids of markers after a crash.
    pub(crate) fn each_stretch<'a>(&'a self, mut visit: impl FnMut(Stretch<'a>)) {
        let mut covered = None;
        let mut last_load: Option<&MarkerEntry> = None;
        for segment in &self.segments {
            if let Some(entry) =
                self.marker(segment).filter(|entry| matches!(entry.marker, Marker::BulkLoad(_)))
            {
                let Some(part) = self.part(segment) else { continue };
                if last_load.replace(entry) != Some(entry) {
                    let (run, write_time) = (segment.run, entry.write_time);
                    visit(Stretch { run, write_time, file: part.file, marker: Some(&entry.marker) });
                }
                continue;
            }
            let first = covered.map_or(segment.run.first, |last: u64| segment.run.first.max(last + 1));
            let fresh = IdRun { first, last: segment.run.last };
            let Some(part) = self.part(segment) else { continue };
            if fresh.is_empty() {
                continue;
            }
            covered = Some(fresh.last);
            match self.marker(segment) {
                Some(entry) => visit(Stretch {
                    run: fresh,
                    write_time: entry.write_time,
                    file: part.file,
                    marker: Some(&entry.marker),
                }),
                None => part.each_time(fresh, |run, write_time| {
                    visit(Stretch { run, write_time, file: part.file, marker: None });
                }),
            }
        }
    }
}

impl Part {
    /// The pieces of `run` that have one write time.
    pub fn each_time(&self, run: IdRun, mut visit: impl FnMut(IdRun, i64)) {
        let from = self.times.partition_point(|(sequence, _)| *sequence <= run.first).saturating_sub(1);
        let mut times = self.times.get(from..).unwrap_or_default().iter().peekable();
        while let Some((sequence, write_time)) = times.next() {
            let first = run.first.max(*sequence);
            let last = times.peek().map_or(run.last, |(next, _)| run.last.min(next - 1));
            if first > run.last {
                break;
            }
            if first <= last {
                visit(IdRun { first, last }, *write_time);
            }
        }
    }
}

/// Whether a marker is of this event of its region.
pub(crate) fn is_event(marker: &Marker, wanted: EventType) -> bool {
    matches!(marker, Marker::RegionEvent(event) if event.event_type == wanted)
}
