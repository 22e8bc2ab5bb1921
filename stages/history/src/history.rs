//! All files' entries, region by region in the order of their sequence ids, each id once.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::{EventType, Marker, RegionEventDescriptor};
use names::{EncodedRegionName, ServerName, TableName, WalName};

use crate::border::Borders;
use crate::given_again::{EarlierLoad, earlier_loads};
use crate::{
    Descent, FileEnd, Lineages, LogFile, MarkerEntry, MetaLog, Origin, RegionPlace, Run, Sources, Starts,
    Tolerances,
};

/// A file without its entries.
#[derive(Debug, Clone)]
pub struct FileState {
    /// The path, to be shown.
    pub path: String,
    /// What sort of file.
    pub origin: Origin,
    /// How it ended.
    pub end: FileEnd,
    /// When its end was read, ms by the reader's clock.
    pub read_ms: Option<i64>,
    /// When it was last written to, ms by the clock of its file system.
    pub closed_ms: Option<i64>,
    /// When it was archived, ms by that clock: it had been closed by then.
    pub archived_ms: Option<i64>,
    /// Whether it was still growing when its end was read.
    pub growing: bool,
    /// Whether every entry in front of the end is here.
    pub intact: bool,
    /// The newest write time in it.
    pub last_write_ms: Option<i64>,
}

impl FileState {
    /// The WAL's name, if it is one.
    #[must_use]
    pub fn wal(&self) -> Option<&WalName> {
        match &self.origin {
            Origin::Wal(name) => Some(name),
            Origin::RecoveredEdits => None,
        }
    }

    /// The server that wrote it, if that is known.
    #[must_use]
    pub fn server(&self) -> Option<&ServerName> {
        self.wal().map(|name| &name.server)
    }
}

/// Ids of one file that follow each other: edits, or one marker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub run: Run,
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
    pub run: Run,
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

    /// When the region opened for the first time that is known, ms by its server's clock.
    pub(crate) fn first_opened_ms(&self) -> Option<i64> {
        self.openings().next().map(|(entry, _)| entry.write_time)
    }

    /// The number with which the region opened for the first time that is known.
    pub(crate) fn first_open_number(&self) -> Option<u64> {
        self.openings().find_map(|(_, event)| event.log_sequence_number)
    }

    /// The first id that is known and above `sequence`.
    #[must_use]
    pub(crate) fn first_above(&self, sequence: u64) -> Option<u64> {
        let above = self.segments.iter().filter(|segment| segment.run.last > sequence);
        above.map(|segment| segment.run.first.max(sequence + 1)).min()
    }

    /// The markers of all files by id; a file that was copied gives its own again.
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

    /// Every id once, with its write time. A bulk load has its own turn even if its id was given again to something
    /// else: after a crash the ids of markers are.
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
            let fresh = Run { first, last: segment.run.last };
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
    pub fn each_time(&self, run: Run, mut visit: impl FnMut(Run, i64)) {
        let from = self.times.partition_point(|(sequence, _)| *sequence <= run.first).saturating_sub(1);
        let mut times = self.times.get(from..).unwrap_or_default().iter().peekable();
        while let Some((sequence, write_time)) = times.next() {
            let first = run.first.max(*sequence);
            let last = times.peek().map_or(run.last, |(next, _)| run.last.min(next - 1));
            if first > run.last {
                break;
            }
            if first <= last {
                visit(Run { first, last }, *write_time);
            }
        }
    }
}

/// Everything that is known, ready to be asked.
#[derive(Debug, Clone)]
pub struct History {
    files: Vec<FileState>,
    regions: BTreeMap<EncodedRegionName, RegionHistory>,
    lineages: Lineages,
    pub(crate) dead_servers: BTreeSet<ServerName>,
    pub(crate) missing_bulk_files: BTreeSet<(EncodedRegionName, String)>,
    pub(crate) descents: Vec<Descent>,
    pub(crate) meta: Vec<MetaLog>,
    places: BTreeMap<EncodedRegionName, Vec<RegionPlace>>,
    pub(crate) listed_ms: Option<i64>,
    pub(crate) copied_ms: Option<i64>,
    pub(crate) tolerances: Tolerances,
    pub(crate) borders: Borders,
    pub(crate) earlier_loads: BTreeMap<EncodedRegionName, Vec<EarlierLoad>>,
}

impl History {
    /// Brings the entries of all files into the order of their ids.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        let mut files = Vec::with_capacity(sources.files.len());
        let mut regions = BTreeMap::new();
        let (wals, recovered): (Vec<_>, Vec<_>) =
            sources.files.into_iter().partition(|file| matches!(file.origin, Origin::Wal(_)));
        for file in wals.into_iter().chain(recovered) {
            files.push(take(file, files.len(), &mut regions));
        }
        for region in regions.values_mut() {
            sort(region);
        }
        let earlier = |(name, entries): (&EncodedRegionName, _)| (*name, earlier_loads(&files, entries));
        let earlier_loads = regions.iter().map(earlier).filter(|(_, loads)| !loads.is_empty()).collect();
        let lineages = Lineages::new(&sources.descents, &regions);
        let mut history = Self {
            files,
            regions,
            lineages,
            dead_servers: sources.dead_servers,
            missing_bulk_files: sources.missing_bulk_files,
            descents: sources.descents,
            meta: by_age(sources.meta),
            places: by_region(sources.places),
            listed_ms: sources.listed_ms,
            copied_ms: sources.copied_ms,
            tolerances: sources.tolerances,
            borders: Borders::default(),
            earlier_loads,
        };
        history.borders = Borders::new(&history);
        history
    }

    /// What hbase:meta says of where a region is, in the order of its entries.
    pub(crate) fn places(&self, region: &EncodedRegionName) -> &[RegionPlace] {
        self.places.get(region).map_or(&[], Vec::as_slice)
    }

    /// The files, WALs first.
    #[must_use]
    pub fn files(&self) -> &[FileState] {
        &self.files
    }

    /// The regions that have entries.
    #[must_use]
    pub fn regions(&self) -> &BTreeMap<EncodedRegionName, RegionHistory> {
        &self.regions
    }

    /// One region.
    #[must_use]
    pub fn region(&self, region: &EncodedRegionName) -> Option<&RegionHistory> {
        self.regions.get(region)
    }

    /// Which region came from which.
    #[must_use]
    pub fn lineages(&self) -> &Lineages {
        &self.lineages
    }

    /// The last id that is known of a region; 0 if none is.
    #[must_use]
    pub fn last_of(&self, region: &EncodedRegionName) -> u64 {
        self.regions.get(region).and_then(RegionHistory::last).unwrap_or_default()
    }

    /// The last id of a parent before a region came of it: that of its REGION_CLOSE. What has larger ids it got after
    /// `restore_snapshot` had brought it back. 0 if nothing of it is known.
    #[must_use]
    pub(crate) fn end_before(&self, parent: &EncodedRegionName, child: &EncodedRegionName) -> u64 {
        let last = self.last_of(parent);
        let Some(entries) = self.regions.get(parent) else { return last };
        let Some(child) = self.regions.get(child) else { return last };
        let Some(opened_ms) = child.first_opened_ms() else { return last };
        // A child opens above all that its parents have had; but for its own parent's ids alone only time tells.
        let number = child.first_open_number().unwrap_or(u64::MAX);
        let late_ms = opened_ms.saturating_add(self.tolerances.clock_ms);
        let is_again = |entry: &&MarkerEntry| {
            is_event(&entry.marker, EventType::RegionOpen)
                && (entry.sequence > number || entry.write_time > late_ms)
        };
        let Some(again) = entries.markers().iter().find(is_again) else { return last };
        let closed = entries.markers().iter().filter(|entry| is_event(&entry.marker, EventType::RegionClose));
        let before = closed.map(|entry| entry.sequence).filter(|sequence| *sequence < again.sequence);
        before.max().unwrap_or_else(|| entries.last_up_to(again.sequence - 1))
    }

    /// Up to which entry of a region a cut cannot leave anything out, since the snapshots' files hold it.
    #[must_use]
    pub fn held(&self, starts: &Starts, region: &EncodedRegionName) -> u64 {
        let held = starts.held(region);
        let start = starts.regions().get(region);
        let holds =
            |file: &str, number| start.is_none_or(|start| start.holds(file) || number <= start.unexplained);
        let earlier = |sequence| self.is_earlier_load(region, sequence);
        self.regions.get(region).map_or(held, |entries| entries.held_entry(held, earlier, holds))
    }

    /// The WALs of each group, oldest first, as indexes of [`History::files`].
    #[must_use]
    pub fn groups(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
        for (index, file) in self.files.iter().enumerate() {
            if let Some(name) = file.wal() {
                groups.entry(name.group()).or_default().push((name.created_ms, index));
            }
        }
        let sorted = |mut files: Vec<(u64, usize)>| {
            files.sort_unstable();
            files.into_iter().map(|(_, index)| index).collect()
        };
        groups.into_iter().map(|(group, files)| (group, sorted(files))).collect()
    }
}

/// Whether a marker is of this event of its region.
pub(crate) fn is_event(marker: &Marker, wanted: EventType) -> bool {
    matches!(marker, Marker::RegionEvent(event) if event.event_type == wanted)
}

fn by_age(mut meta: Vec<MetaLog>) -> Vec<MetaLog> {
    meta.sort_by_key(|log| log.name.created_ms);
    meta
}

fn by_region(places: Vec<RegionPlace>) -> BTreeMap<EncodedRegionName, Vec<RegionPlace>> {
    let mut regions: BTreeMap<EncodedRegionName, Vec<RegionPlace>> = BTreeMap::new();
    for place in places {
        regions.entry(place.region).or_default().push(place);
    }
    regions.values_mut().for_each(|places| places.sort_by_key(|place| place.sequence));
    regions
}

/// Takes the entries out of a file.
fn take(file: LogFile, index: usize, regions: &mut BTreeMap<EncodedRegionName, RegionHistory>) -> FileState {
    let mut last_write_ms = None;
    for (name, log) in file.regions {
        let region = regions.entry(name).or_insert_with(|| RegionHistory {
            table: log.table,
            parts: Vec::new(),
            segments: Vec::new(),
            markers: Vec::new(),
            last: None,
        });
        let (edits, times, markers) = log.entries.into_parts();
        let newest = times.iter().map(|(_, time)| *time).chain(markers.iter().map(|entry| entry.write_time));
        last_write_ms = last_write_ms.max(newest.max());
        let part = region.parts.len() as u32;
        region.parts.push(Part { file: index, times });
        region.segments.extend(edits.into_iter().map(|run| Segment { run, part, marker: None }));
        for entry in markers {
            let run = Run { first: entry.sequence, last: entry.sequence };
            region.segments.push(Segment { run, part, marker: Some(region.markers.len() as u32) });
            region.markers.push(entry);
        }
    }
    let LogFile { path, origin, end, read_ms, closed_ms, archived_ms, growing, intact, .. } = file;
    FileState { path, origin, end, read_ms, closed_ms, archived_ms, growing, intact, last_write_ms }
}

/// Sorts segments and markers by id.
fn sort(region: &mut RegionHistory) {
    let mut order: Vec<usize> = (0..region.markers.len()).collect();
    let old = std::mem::take(&mut region.markers);
    order.sort_by_key(|index| old.get(*index).map(|entry| entry.sequence));
    let mut places = vec![0; order.len()];
    for (new, index) in order.iter().enumerate() {
        if let Some(place) = places.get_mut(*index) {
            *place = new as u32;
        }
    }
    region.markers = order.iter().filter_map(|index| old.get(*index).cloned()).collect();
    for segment in &mut region.segments {
        segment.marker = segment.marker.and_then(|index| places.get(index as usize).copied());
    }
    region.last = region.segments.iter().map(|segment| segment.run.last).max();
    region.segments.sort_by_key(|segment| (segment.run.first, segment.marker.is_some(), segment.part));
}
