//! Replay: what is to be put on top of a snapshot's files to get what a cut holds.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::Marker;
use names::{EncodedRegionName, FamilyName, TableName};

use crate::{Cut, History, RegionHistory, Relation, Starts, region_cuts};

/// A file that a bulk load brought inside the cut and that is not among the snapshot's files: its cells are in no WAL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkLoadedFile {
    /// The family.
    pub family: FamilyName,
    /// The file, as its marker names it.
    pub file: String,
    /// The sequence id of all of its cells (`bulkload_seq_num`).
    pub number: u64,
    /// The sequence id of its marker's entry: that is what a cut takes in or leaves out.
    pub sequence: u64,
}

/// What is replayed of a source region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRegion {
    /// The region's table.
    pub table: TableName,
    /// Whether it is one of the snapshot's regions, or came of them later.
    pub relation: Relation,
    /// The last sequence id that is in.
    pub through: u64,
    /// Edits up to this id are in the files, whatever their family: above it a cell's own family decides.
    pub covered: u64,
    /// The regions that it was split from or merged of and that are replayed, too: their edits come first.
    pub parents: BTreeSet<EncodedRegionName>,
    /// Bulk-loaded files, by the ids of their markers.
    pub bulk: Vec<BulkLoadedFile>,
    after: Vec<(FamilyName, u64)>,
    /// The start of families that are not named there.
    after_others: u64,
}

impl ReplayRegion {
    /// Edits of a family with this id or a smaller one are in the snapshot's files, or were dropped with it before.
    #[must_use]
    pub fn after(&self, family: &[u8]) -> u64 {
        self.after
            .iter()
            .find(|(known, _)| known.as_bytes() == family)
            .map_or(self.after_others, |(_, after)| *after)
    }

    /// Whether a cell is to be replayed, by its family and the sequence id of its entry.
    #[must_use]
    pub fn takes(&self, family: &[u8], sequence: u64) -> bool {
        sequence <= self.through && sequence > self.after(family)
    }

    /// The smallest id of which some family's edits are replayed: entries below it need not be read.
    #[must_use]
    pub fn first(&self) -> u64 {
        match self.relation {
            // A family that was added later has no start of its own, but no edit that is older than the files either.
            Relation::Snapshot => self.covered.saturating_add(1),
            _ => 1,
        }
    }
}

/// What is to be put on top of a snapshot's files to get what a cut holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    regions: BTreeMap<EncodedRegionName, ReplayRegion>,
}

impl Replay {
    /// Collects what a cut, trimmed and checked, holds above the starts.
    #[must_use]
    pub fn new(history: &History, starts: &Starts, cut: &Cut) -> Self {
        let mut regions = BTreeMap::new();
        for (name, region) in region_cuts(history, starts, cut) {
            let replayed = matches!(region.relation, Relation::Snapshot | Relation::Descendant);
            if !replayed {
                continue;
            }
            let start = starts.regions().get(&name);
            let stores = start.iter().flat_map(|start| &start.stores);
            let stores = stores.map(|(family, store)| (family.clone(), store.after));
            let absent = start.iter().flat_map(|start| &start.absent.named);
            let after = stores.chain(absent.map(|(family, after)| (family.clone(), *after)));
            let mut replay = ReplayRegion {
                table: region.table,
                relation: region.relation,
                through: region.last,
                covered: region.covered,
                parents: BTreeSet::new(),
                bulk: Vec::new(),
                after: after.collect(),
                after_others: start.map_or(0, |start| start.absent.others),
            };
            if let Some(entries) = history.region(&name) {
                replay.bulk = bulk_loaded(&name, entries, starts, cut);
            }
            if region.entries_in > 0 || !replay.bulk.is_empty() {
                regions.insert(name, replay);
            }
        }
        let names: BTreeSet<EncodedRegionName> = regions.keys().copied().collect();
        for (name, region) in &mut regions {
            region.parents = history.lineages().ancestors(name).intersection(&names).copied().collect();
        }
        Self { regions }
    }

    /// The source regions from which something is replayed, by name.
    #[must_use]
    pub fn regions(&self) -> &BTreeMap<EncodedRegionName, ReplayRegion> {
        &self.regions
    }

    /// The same, parents before the regions that came of them: in this order edits may be replayed one region after
    /// the other, each in the order of its sequence ids.
    #[must_use]
    pub fn in_order(&self) -> Vec<(&EncodedRegionName, &ReplayRegion)> {
        let mut regions: Vec<_> = self.regions.iter().collect();
        // Ancestors of an ancestor are its own, so whoever has more of them comes later.
        regions.sort_by_key(|(name, region)| (region.parents.len(), **name));
        regions
    }

    /// Whether nothing is replayed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }
}

/// The bulk-loaded files of a region inside the cut that are not in the snapshot's files.
fn bulk_loaded(
    name: &EncodedRegionName,
    entries: &RegionHistory,
    starts: &Starts,
    cut: &Cut,
) -> Vec<BulkLoadedFile> {
    let in_start = |file: &str| starts.regions().get(name).is_some_and(|start| start.holds(file));
    let mut files: Vec<BulkLoadedFile> = Vec::new();
    for entry in entries.markers().iter().filter(|entry| cut.contains_load(name, entry.sequence)) {
        let Marker::BulkLoad(load) = &entry.marker else { continue };
        let number = u64::try_from(load.bulkload_seq_num).unwrap_or_default();
        for store in &load.stores {
            let Ok(family) = FamilyName::parse_bytes(&store.family_name) else { continue };
            for file in &store.store_file {
                // A load takes its number before its file is there, so a snapshot may have files that reach beyond it
                // and not the file itself, nor what it was compacted into. That the snapshot came in between is proved
                // by the marker alone, which is written last: one whose entry the start takes in is of a load whose
                // file was compacted or removed before, whether a COMPACTION shows it or not.
                let in_files = entry.sequence <= starts.of_store(name, &family) || in_start(file);
                let again = files.iter().any(|known| known.sequence == entry.sequence && known.file == *file);
                if !in_files && !again {
                    let (file, family, sequence) = (file.clone(), family.clone(), entry.sequence);
                    files.push(BulkLoadedFile { family, file, number, sequence });
                }
            }
        }
    }
    files
}

/// The bulk-loaded files that a cut puts on top of the snapshots, each with its region.
pub(crate) fn bulk_files(
    history: &History,
    starts: &Starts,
    cut: &Cut,
) -> Vec<(EncodedRegionName, BulkLoadedFile)> {
    let replay = Replay::new(history, starts, cut).regions;
    replay
        .into_iter()
        .flat_map(|(name, region)| region.bulk.into_iter().map(move |file| (name, file)))
        .collect()
}
