//! All files' entries, region by region in the order of their sequence ids, each id once.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::EventType;
use names::{EncodedRegionName, ServerName, WalName};

use crate::border::Borders;
use crate::given_again::{EarlierLoad, earlier_loads};
use crate::region::is_event;
use crate::{
    Descent, FileEnd, Lineages, LogFile, MarkerEntry, MetaLog, Origin, RegionHistory, RegionPlace, Sources,
    Starts, Tolerances,
};

/// A file without its entries.
#[derive(Debug, Clone)]
pub struct FileState {
    /// The path, to be shown.
    pub path: String,
    /// The sort of file.
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
    /// Whether every entry before the end is here.
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
    /// Puts the entries of all files into the order of their ids.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        let mut files = Vec::with_capacity(sources.files.len());
        let mut regions = BTreeMap::new();
        let (wals, recovered): (Vec<_>, Vec<_>) =
            sources.files.into_iter().partition(|file| matches!(file.origin, Origin::Wal(_)));
        for file in wals.into_iter().chain(recovered) {
            files.push(take(file, files.len(), &mut regions));
        }
        regions.values_mut().for_each(RegionHistory::sort);
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
        // A child opens above all that its parents have had; but for a single parent's ids only the time decides.
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

    /// The entry of a region up to which a cut cannot leave anything out, since the snapshots' files hold it.
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
        let region = regions.entry(name).or_insert_with(|| RegionHistory::new(log.table));
        last_write_ms = last_write_ms.max(region.take(index, log.entries));
    }
    let LogFile { path, origin, end, read_ms, closed_ms, archived_ms, growing, intact, .. } = file;
    FileState { path, origin, end, read_ms, closed_ms, archived_ms, growing, intact, last_write_ms }
}
