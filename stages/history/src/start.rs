//! Exact start: the sequence id right behind which the replay of a store starts.

use std::collections::{BTreeMap, BTreeSet};

use formats::name::{EncodedRegionName, FamilyName, TableName};
use formats::snapshot::SnapshotType;

use crate::Lineages;

/// Up to which id the edits of its store are in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSequence {
    /// `MAX_SEQ_ID_KEY` in its FileInfo, or `n` of `_SeqId_<n>_` in the name of one that was bulk loaded.
    UpTo(u64),
    /// It has none of both, or it is not readable (encrypted): the store cannot be replayed exactly.
    Unknown,
}

impl FileSequence {
    /// Of what the name and the FileInfo of a file say; HBase takes the name's number for a bulk-loaded file.
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
    /// Its regions.
    pub regions: Vec<SnapshotRegion>,
}

/// Where a store's start comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// From its files.
    Files,
    /// It has no files: from those of the region's other stores, since a FLUSH snapshot has flushed them all.
    Region,
    /// It has no files, and nothing else tells: everything is replayed.
    Everything,
}

/// Where the replay of a store starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStart {
    /// Edits with this id or a smaller one are in the files.
    pub after: u64,
    /// How that is known.
    pub from: StartFrom,
    /// How many of its files do not say up to which id they reach.
    pub unknown_files: usize,
}

/// Where the replay of a region starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionStart {
    /// Each store's own start.
    pub stores: BTreeMap<FamilyName, StoreStart>,
    /// Up to here every store's edits are in files.
    pub covered: u64,
    /// Up to here some store's edits are in files: a cut cannot leave them out.
    pub held: u64,
    /// The names of all its files.
    pub files: BTreeSet<String>,
    /// A time at which all of them were there, ms.
    pub taken_ms: Option<i64>,
}

/// Where a replay onto a snapshot (or several, of different tables) starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starts {
    regions: BTreeMap<EncodedRegionName, RegionStart>,
    /// Regions that had ended before: all of their edits are in the files of their descendants.
    ended: BTreeSet<EncodedRegionName>,
    /// The oldest region of each table, by its id.
    oldest: BTreeMap<TableName, u64>,
}

impl Starts {
    /// The starts of snapshots.
    #[must_use]
    pub fn new(snapshots: &[SnapshotStores], lineages: &Lineages) -> Self {
        let mut starts = Self::default();
        for snapshot in snapshots {
            for region in &snapshot.regions {
                starts.ended.extend(lineages.ancestors(&region.region));
                let oldest = starts.oldest.entry(snapshot.table.clone()).or_insert(region.region_id);
                *oldest = region.region_id.min(*oldest);
                starts.regions.insert(region.region, region_start(region, snapshot));
            }
        }
        // A split parent that a snapshot still shows among its regions has ended all the same.
        starts.regions.retain(|region, _| !starts.ended.contains(region));
        starts
    }

    /// The regions of the snapshots.
    #[must_use]
    pub fn regions(&self) -> &BTreeMap<EncodedRegionName, RegionStart> {
        &self.regions
    }

    /// The id of the oldest region of a table in the snapshots.
    pub(crate) fn oldest(&self, table: &TableName) -> Option<u64> {
        self.oldest.get(table).copied()
    }

    /// Regions that had ended before the snapshots: nothing of them is replayed.
    #[must_use]
    pub fn ended(&self) -> &BTreeSet<EncodedRegionName> {
        &self.ended
    }

    /// Behind which id the edits of a store are to be replayed. A region that began after the snapshot is replayed
    /// whole, and so is a family that was added after it.
    #[must_use]
    pub fn of_store(&self, region: &EncodedRegionName, family: &FamilyName) -> u64 {
        if self.ended.contains(region) {
            return u64::MAX;
        }
        let store = self.regions.get(region).and_then(|start| start.stores.get(family));
        store.map_or(0, |start| start.after)
    }

    /// Up to which id a cut cannot leave edits of a region out.
    #[must_use]
    pub fn held(&self, region: &EncodedRegionName) -> u64 {
        self.of_region(region, |start| start.held)
    }

    /// Up to which id every edit of a region is in files.
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

    /// Stores whose start is not their own files': to be reported.
    pub fn without_files(&self) -> impl Iterator<Item = (&EncodedRegionName, &FamilyName, &StoreStart)> {
        self.regions.iter().flat_map(|(region, start)| {
            let stores = start.stores.iter().filter(|(_, store)| store.from != StartFrom::Files);
            stores.map(move |(family, store)| (region, family, store))
        })
    }
}

fn region_start(region: &SnapshotRegion, snapshot: &SnapshotStores) -> RegionStart {
    let SnapshotStores { kind, taken_ms, .. } = *snapshot;
    let largest = |files: &[SnapshotFile]| {
        let known = files.iter().filter_map(|file| match &file.sequence {
            FileSequence::UpTo(id) => Some(*id),
            FileSequence::Unknown => None,
        });
        known.max()
    };
    let held = region.stores.values().filter_map(|files| largest(files)).max();
    let store = |files: &Vec<SnapshotFile>| {
        let unknown_files = files.iter().filter(|file| file.sequence == FileSequence::Unknown).count();
        let (after, from) = match (largest(files), held) {
            (Some(after), _) => (after, StartFrom::Files),
            (None, Some(held)) if kind == SnapshotType::Flush => (held, StartFrom::Region),
            (None, _) => (0, StartFrom::Everything),
        };
        StoreStart { after, from, unknown_files }
    };
    let stores: BTreeMap<_, _> =
        region.stores.iter().map(|(family, files)| (family.clone(), store(files))).collect();
    let held = held.unwrap_or_default();
    let smallest = stores.values().map(|store| store.after).min().unwrap_or_default();
    let covered = if kind == SnapshotType::Flush { held } else { smallest };
    let files = region.stores.values().flatten().map(|file| file.name.clone()).collect();
    RegionStart { stores, covered, held, files, taken_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: char) -> EncodedRegionName {
        EncodedRegionName::parse(&name.to_string().repeat(32)).unwrap()
    }

    fn snapshot(kind: SnapshotType, stores: &[(&str, &[FileSequence])]) -> SnapshotStores {
        let file = |sequence: &FileSequence| SnapshotFile { name: "f".into(), sequence: *sequence };
        let stores = stores
            .iter()
            .map(|(family, files)| (FamilyName::parse(family).unwrap(), files.iter().map(file).collect()));
        let region = SnapshotRegion { region: region('a'), region_id: 1, stores: stores.collect() };
        SnapshotStores { table: TableName::parse("t").unwrap(), kind, taken_ms: None, regions: vec![region] }
    }

    fn after(starts: &Starts, family: &str) -> u64 {
        starts.of_store(&region('a'), &FamilyName::parse(family).unwrap())
    }

    #[test]
    fn a_store_starts_behind_the_largest_of_its_files() {
        let bulk = FileSequence::of(Some(50), Some(3));
        let plain = FileSequence::of(None, Some(47));
        let stores: [(&str, &[FileSequence]); 3] = [("f", &[plain, bulk]), ("g", &[plain]), ("h", &[])];
        let starts = Starts::new(&[snapshot(SnapshotType::Flush, &stores)], &Lineages::default());
        assert_eq!([after(&starts, "f"), after(&starts, "g"), after(&starts, "h")], [50, 47, 50]);
        assert_eq!(after(&starts, "added"), 0);
        assert_eq!((starts.covered(&region('a')), starts.held(&region('a'))), (50, 50));
        assert_eq!(starts.without_files().count(), 1);
    }

    #[test]
    fn without_a_flush_an_empty_store_takes_everything() {
        let stores: [(&str, &[FileSequence]); 2] = [("f", &[FileSequence::UpTo(47)]), ("h", &[])];
        for kind in [SnapshotType::SkipFlush, SnapshotType::Disabled] {
            let starts = Starts::new(&[snapshot(kind, &stores)], &Lineages::default());
            assert_eq!([after(&starts, "f"), after(&starts, "h")], [47, 0]);
            assert_eq!((starts.covered(&region('a')), starts.held(&region('a'))), (0, 47));
            let (_, _, store) = starts.without_files().next().unwrap();
            assert_eq!(store.from, StartFrom::Everything);
        }
    }

    #[test]
    fn a_file_that_does_not_say_is_counted() {
        let unknown = FileSequence::of(None, Some(-1));
        let stores: [(&str, &[FileSequence]); 1] = [("f", &[unknown, FileSequence::UpTo(4)])];
        let starts = Starts::new(&[snapshot(SnapshotType::Flush, &stores)], &Lineages::default());
        let start = starts.regions().get(&region('a')).unwrap();
        assert_eq!(start.stores.values().map(|store| store.unknown_files).sum::<usize>(), 1);
    }
}
