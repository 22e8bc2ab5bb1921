use super::Target;
use catalog::layout;
use history::ReplayRegion;
use names::EncodedRegionName;
use serde::Serialize;
use std::collections::BTreeMap;

/// The outcome of a replay.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReplayReport {
    /// URI of the repository.
    pub from: String,
    /// Where edits went.
    pub to: String,
    /// Whether the whole stream was taken, and counts.
    pub published: bool,
    /// Entries.
    pub entries: u64,
    /// Their cells.
    pub cells: u64,
    /// Cells that came a second time and were dropped.
    pub duplicates: u64,
    /// HFiles that were written, of `hfiles:`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hfiles: Option<HFilesReplayed>,
    /// By table.
    pub tables: Vec<TableReplayed>,
    /// Batches without a recorded digest, in which a changed byte would go unnoticed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unproved_batches: Vec<String>,
    /// How long it took, ms.
    pub took_ms: u64,
}

/// What was written for completebulkload.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct HFilesReplayed {
    /// Files: one for each region and family that has edits.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Cells that they lack, because a later one has the same row, column, timestamp and type.
    pub superseded: u64,
}

/// What was replayed of a table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TableReplayed {
    /// The table, as `ns:name`.
    pub table: String,
    /// Entries.
    pub entries: u64,
    /// Their cells.
    pub cells: u64,
    /// The source regions, in the order in which they came.
    pub regions: Vec<RegionReplayed>,
    /// Cells of families that the snapshot's schema lacks (they are in the stream), by family.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_families: BTreeMap<String, u64>,
}

/// What was replayed of a source region.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RegionReplayed {
    /// Its encoded name.
    pub region: String,
    /// The last sequence id that is in.
    pub through: u64,
    /// Entries.
    pub entries: u64,
    /// Their cells.
    pub cells: u64,
    /// Cells that came a second time and were dropped.
    pub duplicates: u64,
    /// Bulk-loaded files inside the cut, by their paths in the repository: not in the stream.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bulk_files: Vec<String>,
}

impl ReplayReport {
    pub(super) fn new(from: String, to: &Target) -> Self {
        Self { from, to: to.to_string(), ..Self::default() }
    }

    pub(super) fn add(&mut self, table: TableReplayed) {
        self.entries += table.entries;
        self.cells += table.cells;
        self.duplicates += table.regions.iter().map(|region| region.duplicates).sum::<u64>();
        self.tables.push(table);
    }
}

impl TableReplayed {
    pub(super) fn add(&mut self, region: RegionReplayed) {
        self.entries += region.entries;
        self.cells += region.cells;
        self.regions.push(region);
    }
}

impl RegionReplayed {
    pub(super) fn new(name: &EncodedRegionName, region: &ReplayRegion) -> Self {
        let path = |family: &str, file: &str| {
            let path = layout::bulk(region.table.full_form(), name.as_str(), family, file);
            path.map_or_else(|_| file.to_owned(), |path| path.to_string())
        };
        let bulk = region.bulk.iter().map(|loaded| path(loaded.family.as_str(), &loaded.file));
        Self {
            region: name.to_string(),
            through: region.through,
            bulk_files: bulk.collect(),
            ..Self::default()
        }
    }
}
