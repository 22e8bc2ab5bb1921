//! Exact start: the sequence id right after which the replay of a store starts.

use std::collections::{BTreeMap, BTreeSet};

use formats::snapshot::SnapshotType;
use formats::wal::{FlushAction, Marker};
use names::{EncodedRegionName, FamilyName, StoreFileName, TableName};

use crate::absent::AbsentFamilies;
use crate::before::{made_of, raise_to_closing, raise_to_opening, unexplained};
use crate::store_list::base_name;
use crate::{History, RegionHistory};

/// The id up to which a file holds the edits of its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSequence {
    /// `MAX_SEQ_ID_KEY` in its FileInfo, or `n` of `_SeqId_<n>_` in the name of one that was bulk loaded.
    UpTo(u64),
    /// It has neither, or it is not readable (encrypted): the store cannot be replayed exactly.
    Unknown,
}

impl FileSequence {
    /// Combines what the name and the FileInfo of a file say; for a bulk-loaded file HBase takes the name's number.
    #[must_use]
    pub fn of(bulk_sequence_id: Option<u64>, max_seq_id_key: Option<i64>) -> Self {
        let stored = max_seq_id_key.and_then(|id| u64::try_from(id).ok());
        bulk_sequence_id.or(stored).map_or(Self::Unknown, Self::UpTo)
    }
}

/// A file of a store in a snapshot's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its name: of the HFile, link or Reference.
    pub name: String,
    /// Up to where it reaches.
    pub sequence: FileSequence,
}

/// A region in a snapshot's manifest; a split parent (offline and split) and the MOB region are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRegion {
    /// The region.
    pub region: EncodedRegionName,
    /// When it was made, ms (`RegionInfo`).
    pub region_id: u64,
    /// The files of each store, and of the families that have none.
    pub stores: BTreeMap<FamilyName, Vec<SnapshotFile>>,
}

/// A snapshot of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotStores {
    /// The table.
    pub table: TableName,
    /// FLUSH, SKIPFLUSH or DISABLED.
    pub kind: SnapshotType,
    /// A time at which it was complete, ms: that of its manifest's file, say.
    pub taken_ms: Option<i64>,
    /// When it was asked for, ms by the master's clock (`creation_time`): no region had been looked at before.
    pub created_ms: Option<i64>,
    /// The time before which no edit that its files lack was written, ms by the master's clock: when the snapshot was
    /// asked for, if it flushes. Unknown for a SKIPFLUSH snapshot.
    pub since_ms: Option<i64>,
    /// Its regions.
    pub regions: Vec<SnapshotRegion>,
}

/// Where a store's start comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// From its files.
    Files,
    /// It has no files: from those of the region's other stores, since all were flushed before the files were listed
    /// (a FLUSH snapshot does that, and so does closing a region that is disabled).
    Region,
    /// From the opening of the region before the snapshot: all that it had then was in its files.
    Opening,
    /// It has no files, and nothing else shows its start: everything is replayed.
    Everything,
}

/// Where the replay of a store starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStart {
    /// Edits with this id or a smaller one are in the files.
    pub after: u64,
    /// How that is known.
    pub from: StartFrom,
    /// How many of its files do not say up to which id they reach, where no flush does either: the true start may be
    /// larger.
    pub unknown_files: usize,
}

/// Where the replay of a region starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionStart {
    /// Each store's own start.
    pub stores: BTreeMap<FamilyName, StoreStart>,
    /// The id up to which entries of families that the snapshot's region does not have are obsolete.
    pub absent: AbsentFamilies,
    /// The REGION_CLOSE before the snapshot, where its table was disabled.
    pub(crate) closed: Option<u64>,
    /// The id up to which every store's edits are in files.
    pub covered: u64,
    /// The id up to which some store's edits are in files: a cut cannot leave them out.
    pub held: u64,
    /// The names of all its files.
    pub files: BTreeSet<String>,
    /// These files, and those from which compactions have made them, where known.
    pub(crate) made_of: BTreeSet<String>,
    /// Up to where its own files reach.
    pub(crate) reach: u64,
    /// Up to where those files reach for which no available WAL shows what made them: they may hold anything up to
    /// there.
    pub(crate) unexplained: u64,
    /// A time at which all of them were there, ms.
    pub taken_ms: Option<i64>,
    /// When the snapshot was asked for, ms by the master's clock.
    pub created_ms: Option<i64>,
    /// The time before which no edit that the files lack was written, ms by the master's clock.
    pub since_ms: Option<i64>,
}

impl RegionStart {
    /// The id after which the edits of a family are to be replayed.
    #[must_use]
    pub fn of_store(&self, family: &FamilyName) -> u64 {
        let absent = || self.absent.named.get(family).copied().unwrap_or(self.absent.others);
        self.stores.get(family).map_or_else(absent, |store| store.after)
    }

    /// Whether what a file held is in the files: it is one of them, perhaps through a link or a Reference, or a
    /// compaction has made one of them from it.
    #[must_use]
    pub(crate) fn holds(&self, file: &str) -> bool {
        self.made_of.contains(base_name(file))
    }

    /// Families whose start is not known, because a file does not say up to which id it reaches.
    pub fn unknown(&self) -> impl Iterator<Item = (&FamilyName, &StoreStart)> {
        self.stores.iter().filter(|(_, store)| store.unknown_files > 0)
    }
}

/// What a snapshot says about its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableStart {
    /// The id of its oldest region.
    pub oldest: u64,
    /// When the snapshot was asked for, ms by the master's clock.
    pub created_ms: Option<i64>,
}

/// Where a replay onto a snapshot (or several, of different tables) starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starts {
    regions: BTreeMap<EncodedRegionName, RegionStart>,
    /// Regions that had ended before: all of their edits are in the files of their descendants.
    ended: BTreeSet<EncodedRegionName>,
    /// Their last ids: what has larger ones was written after `restore_snapshot` had brought them back.
    ends: BTreeMap<EncodedRegionName, u64>,
    tables: BTreeMap<TableName, TableStart>,
}

impl Starts {
    /// Finds the starts of snapshots; what WALs say about their files counts, too.
    #[must_use]
    pub fn new(snapshots: &[SnapshotStores], history: &History) -> Self {
        let mut starts = Self::default();
        let reaches = FlushedFiles::new(history);
        for snapshot in snapshots {
            for region in &snapshot.regions {
                starts.ended.extend(history.lineages().ancestors(&region.region));
                let start = TableStart { oldest: region.region_id, created_ms: snapshot.created_ms };
                let table = starts.tables.entry(snapshot.table.clone()).or_insert(start);
                table.oldest = region.region_id.min(table.oldest);
                let mut start = region_start(region, snapshot, &reaches);
                start.made_of = made_of(&start.files, history.region(&region.region));
                start.unexplained = unexplained(region, history.region(&region.region));
                if let Some(entries) = history.region(&region.region) {
                    let clock_ms = history.tolerances.clock_ms;
                    raise_to_opening(&mut start, entries, clock_ms);
                    if snapshot.kind == SnapshotType::Disabled {
                        raise_to_closing(&mut start, entries, clock_ms);
                    }
                    start.absent = AbsentFamilies::new(&start, entries, clock_ms);
                }
                starts.regions.insert(region.region, start);
            }
        }
        starts.end_earlier_children(history);
        starts.find_ends(history);
        // A split parent that a snapshot still shows among its regions has ended all the same.
        starts.regions.retain(|region, _| !starts.ended.contains(region));
        starts
    }

    /// Ancestors end with what they had before the regions that came of them.
    fn find_ends(&mut self, history: &History) {
        for region in &self.ended {
            let goes_on =
                |child: &&EncodedRegionName| self.ended.contains(*child) || self.regions.contains_key(*child);
            let children = history.lineages().children(region).filter(goes_on);
            if let Some(end) = children.map(|child| history.end_before(region, child)).max() {
                self.ends.insert(*region, end);
            }
        }
    }

    /// Regions that came of one which the snapshot shows again, before it was taken: `restore_snapshot` has put the parent in
    /// their place, so they had ended.
    fn end_earlier_children(&mut self, history: &History) {
        let mut ended = BTreeSet::new();
        for (region, start) in &self.regions {
            for child in history.lineages().children(region) {
                let Some(entries) = history.region(child) else { continue };
                let below = entries.first_open_number().is_some_and(|number| number <= start.held);
                let opened_ms = entries.first_opened_ms();
                if below || opened_ms.zip(start.created_ms).is_some_and(|(opened, created)| opened < created)
                {
                    ended.insert(*child);
                    ended.extend(history.lineages().descendants(child));
                }
            }
        }
        ended.retain(|region| !self.regions.contains_key(region));
        self.ended.extend(ended);
    }

    /// The regions of the snapshots.
    #[must_use]
    pub fn regions(&self) -> &BTreeMap<EncodedRegionName, RegionStart> {
        &self.regions
    }

    /// What a table's snapshot says about it.
    pub(crate) fn table(&self, table: &TableName) -> Option<&TableStart> {
        self.tables.get(table)
    }

    /// Regions that had ended before the snapshots: nothing of them is replayed.
    #[must_use]
    pub fn ended(&self) -> &BTreeSet<EncodedRegionName> {
        &self.ended
    }

    /// The id after which the edits of a store are to be replayed. A region that began after the snapshot is replayed
    /// whole, and so is a family that was added after it.
    #[must_use]
    pub fn of_store(&self, region: &EncodedRegionName, family: &FamilyName) -> u64 {
        if self.ended.contains(region) {
            return u64::MAX;
        }
        self.regions.get(region).map_or(0, |start| start.of_store(family))
    }

    /// The last id of a region that had ended, if it ended in one of the snapshot's regions.
    pub(crate) fn end(&self, region: &EncodedRegionName) -> Option<u64> {
        self.ends.get(region).copied()
    }

    /// The id up to which a cut cannot leave edits of a region out.
    #[must_use]
    pub fn held(&self, region: &EncodedRegionName) -> u64 {
        self.end(region).unwrap_or_else(|| self.of_region(region, |start| start.held))
    }

    /// The id up to which every edit of a region is in files.
    #[must_use]
    pub fn covered(&self, region: &EncodedRegionName) -> u64 {
        self.of_region(region, |start| start.covered)
    }

    fn of_region(&self, region: &EncodedRegionName, what: impl Fn(&RegionStart) -> u64) -> u64 {
        if self.ended.contains(region) {
            return u64::MAX;
        }
        self.regions.get(region).map_or(0, what)
    }

    /// Stores whose start does not come from their own files: to be reported.
    pub fn without_files(&self) -> impl Iterator<Item = (&EncodedRegionName, &FamilyName, &StoreStart)> {
        self.regions.iter().flat_map(|(region, start)| {
            let stores = start.stores.iter().filter(|(_, store)| store.from != StartFrom::Files);
            stores.map(move |(family, store)| (region, family, store))
        })
    }
}

/// Whether all stores were flushed before the files were listed. Closing a region, as disabling its table does, flushes it.
fn is_flushed(kind: SnapshotType) -> bool {
    matches!(kind, SnapshotType::Flush | SnapshotType::Disabled)
}

fn region_start(region: &SnapshotRegion, snapshot: &SnapshotStores, reaches: &FlushedFiles) -> RegionStart {
    let SnapshotStores { kind, taken_ms, created_ms, since_ms, .. } = *snapshot;
    let sequence = |file: &SnapshotFile| match file.sequence {
        FileSequence::UpTo(id) => Some(id),
        FileSequence::Unknown => reaches.up_to(&file.name),
    };
    let largest = |files: &[SnapshotFile]| files.iter().filter_map(sequence).max();
    let held = region.stores.values().filter_map(|files| largest(files)).max();
    let store = |files: &Vec<SnapshotFile>| {
        let unknown_files = files.iter().filter(|file| sequence(file).is_none()).count();
        let (after, from) = match (largest(files), held) {
            (Some(after), _) => (after, StartFrom::Files),
            (None, Some(held)) if is_flushed(kind) && files.is_empty() => (held, StartFrom::Region),
            (None, _) => (0, StartFrom::Everything),
        };
        StoreStart { after, from, unknown_files }
    };
    let stores: BTreeMap<_, _> =
        region.stores.iter().map(|(family, files)| (family.clone(), store(files))).collect();
    let held = held.unwrap_or_default();
    let covered = match is_flushed(kind) && stores.values().all(|store| store.unknown_files == 0) {
        true => held,
        false => stores.values().map(|store| store.after).min().unwrap_or_default(),
    };
    let files = region.stores.values().flatten().map(|file| file.name.clone()).collect();
    let absent = AbsentFamilies { named: BTreeMap::new(), others: held };
    let made_of = BTreeSet::new();
    RegionStart {
        stores,
        absent,
        closed: None,
        covered,
        held,
        files,
        made_of,
        reach: held,
        unexplained: held,
        taken_ms,
        created_ms,
        since_ms,
    }
}

/// The id up to which files reach, as WALs show it: a flush's number is MAX_SEQ_ID_KEY of its files.
struct FlushedFiles<'a>(BTreeMap<&'a str, u64>);

impl<'a> FlushedFiles<'a> {
    fn new(history: &'a History) -> Self {
        let markers = history.regions().values().flat_map(RegionHistory::markers);
        let commits = markers.filter_map(|entry| match &entry.marker {
            Marker::Flush(flush) if flush.action == FlushAction::CommitFlush => {
                Some((flush, flush.flush_sequence_number?))
            }
            _ => None,
        });
        let files = commits.flat_map(|(flush, number)| {
            let names = flush.store_flushes.iter().flat_map(|store| &store.store_file);
            names.map(move |name| (base_name(name), number))
        });
        Self(files.collect())
    }

    /// The sequence of a file, perhaps through a link or a Reference.
    fn up_to(&self, name: &str) -> Option<u64> {
        let parsed = StoreFileName::parse(name).ok()?;
        self.0.get(parsed.file().as_str()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;

    fn region(name: char) -> EncodedRegionName {
        EncodedRegionName::parse(&name.to_string().repeat(32)).unwrap()
    }

    fn snapshot(kind: SnapshotType, stores: &[(&str, &[FileSequence])]) -> SnapshotStores {
        let file = |sequence: &FileSequence| SnapshotFile { name: "f".into(), sequence: *sequence };
        let stores = stores
            .iter()
            .map(|(family, files)| (FamilyName::parse(family).unwrap(), files.iter().map(file).collect()));
        let region = SnapshotRegion { region: region('a'), region_id: 1, stores: stores.collect() };
        SnapshotStores {
            table: TableName::parse("t").unwrap(),
            kind,
            taken_ms: None,
            created_ms: None,
            since_ms: None,
            regions: vec![region],
        }
    }

    fn after(starts: &Starts, family: &str) -> u64 {
        starts.of_store(&region('a'), &FamilyName::parse(family).unwrap())
    }

    #[test]
    fn a_store_starts_behind_the_largest_of_its_files() {
        let bulk = FileSequence::of(Some(50), Some(3));
        let plain = FileSequence::of(None, Some(47));
        let stores: [(&str, &[FileSequence]); 3] = [("f", &[plain, bulk]), ("g", &[plain]), ("h", &[])];
        let starts =
            Starts::new(&[snapshot(SnapshotType::Flush, &stores)], &History::new(Sources::default()));
        assert_eq!([after(&starts, "f"), after(&starts, "g"), after(&starts, "h")], [50, 47, 50]);
        // A family that was added later has nothing that is older than the files.
        assert_eq!(after(&starts, "added"), 50);
        assert_eq!((starts.covered(&region('a')), starts.held(&region('a'))), (50, 50));
        assert_eq!(starts.without_files().count(), 1);
    }

    #[test]
    fn without_a_flush_an_empty_store_takes_everything() {
        let stores: [(&str, &[FileSequence]); 2] = [("f", &[FileSequence::UpTo(47)]), ("h", &[])];
        let starts =
            Starts::new(&[snapshot(SnapshotType::SkipFlush, &stores)], &History::new(Sources::default()));
        assert_eq!([after(&starts, "f"), after(&starts, "h")], [47, 0]);
        assert_eq!((starts.covered(&region('a')), starts.held(&region('a'))), (0, 47));
        let (_, _, store) = starts.without_files().next().unwrap();
        assert_eq!(store.from, StartFrom::Everything);
    }

    #[test]
    fn a_file_that_does_not_say_is_counted() {
        let unknown = FileSequence::of(None, Some(-1));
        let stores: [(&str, &[FileSequence]); 1] = [("f", &[unknown, FileSequence::UpTo(4)])];
        let starts =
            Starts::new(&[snapshot(SnapshotType::Flush, &stores)], &History::new(Sources::default()));
        let start = starts.regions().get(&region('a')).unwrap();
        assert_eq!(start.stores.values().map(|store| store.unknown_files).sum::<usize>(), 1);
    }
}
