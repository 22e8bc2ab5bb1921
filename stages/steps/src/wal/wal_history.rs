//! What was made from WALs, as the values from which a history is made.

use crate::wal::marker_rows::PLACE;
use columns::batch::BatchFile;
use columns::lineage::LineageRow;
use columns::markers::MarkerRow;
use columns::{ChunkReader, ReadError};
use formats::FormatError;
use history::{Descent, Entries, FileEnd, MarkerEntry, PlaceState, RegionPlace};
use names::{EncodedRegionName, ServerName, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// What a batch holds of a region.
#[derive(Debug, Clone, Default)]
pub struct RegionEntries {
    /// Its entries.
    pub entries: Entries,
    /// How many there are.
    pub count: u64,
    /// Whether ids go back in the WAL, which HBase never writes.
    pub goes_back: bool,
}

/// Reads which entries a batch has, region by region; no cells are read.
///
/// # Errors
/// The batch is damaged, or has a region with an invalid name.
pub fn read_entries<R: ChunkReader + Clone + 'static>(
    batch: &BatchFile<R>,
) -> Result<BTreeMap<EncodedRegionName, RegionEntries>, ReadError> {
    let mut regions = BTreeMap::new();
    for (name, groups) in batch.regions() {
        let parsed = EncodedRegionName::parse(name).map_err(|error| ReadError::Damaged(error.to_string()))?;
        let mut ids = Vec::new();
        batch.each_entry(groups, |sequence, write_time| ids.push((sequence, write_time)))?;
        ids.sort_unstable();
        let mut found = RegionEntries {
            goes_back: batch.marks().unordered.iter().any(|unordered| unordered == name),
            ..RegionEntries::default()
        };
        for (sequence, write_time) in ids {
            found.count += 1;
            // An id that is there twice is one whose WAL goes back, which the batch's marks say.
            let _ = found.entries.push_edit(sequence, write_time);
        }
        regions.insert(parsed, found);
    }
    Ok(regions)
}

/// A marker in the form that a history takes.
///
/// # Errors
/// HBase's descriptor in it is malformed.
pub fn marker_entry(row: &MarkerRow) -> Result<MarkerEntry, FormatError> {
    Ok(MarkerEntry { sequence: row.sequence, write_time: row.write_time, marker: row.marker()? })
}

/// How a file ended, by the name that `end_name` gives it.
#[must_use]
pub fn file_end(name: &str) -> FileEnd {
    match name {
        "closed" | "partial-trailer" => FileEnd::Closed,
        "unclosed" | "empty" => FileEnd::Unclosed,
        "torn" => FileEnd::Torn,
        _ => FileEnd::Damaged,
    }
}

/// Gathers what one WAL of hbase:meta says about where regions are: an entry's cells of one region make a
/// [`RegionPlace`].
#[derive(Debug, Default)]
pub struct Places {
    rows: BTreeMap<(u64, EncodedRegionName), Place>,
}

/// The cells of an entry that say where a region is.
#[derive(Debug, Default)]
struct Place {
    write_time: i64,
    state: Option<String>,
    assigned: Option<String>,
    address: Option<String>,
    start_code: Option<u64>,
    open_number: Option<u64>,
}

impl Places {
    /// Takes a cell of hbase:meta; anything that does not say where a region is, is skipped.
    pub fn add(&mut self, row: &LineageRow) {
        let Ok(region) = EncodedRegionName::parse(&row.region) else { return };
        let qualifier = row.qualifier.as_str();
        if row.cell_type != PUT || !PLACE.contains(&qualifier) {
            return;
        }
        let text = || std::str::from_utf8(&row.value).ok().map(str::to_owned);
        let number = || row.value.as_slice().try_into().ok().map(u64::from_be_bytes);
        let begun = || Place { write_time: row.write_time, ..Place::default() };
        let place = self.rows.entry((row.sequence, region)).or_insert_with(begun);
        match qualifier {
            "state" => place.state = text(),
            "sn" => place.assigned = text(),
            "server" => place.address = text(),
            "serverstartcode" => place.start_code = number(),
            "seqnumDuringOpen" => place.open_number = number(),
            _ => {}
        }
    }

    /// What they say.
    pub fn finish(self) -> impl Iterator<Item = RegionPlace> {
        self.rows.into_iter().map(|((sequence, region), place)| RegionPlace {
            region,
            sequence,
            write_time: place.write_time,
            state: match place.state.as_deref() {
                Some("OPEN") => PlaceState::Open,
                Some("OPENING") => PlaceState::Opening,
                // HBase 1 writes no state: a server and its number belong to an open region.
                None if place.open_number.is_some() => PlaceState::Open,
                _ => PlaceState::Other,
            },
            server: place.server(),
            open_number: place.open_number,
        })
    }
}

/// HBase's code of a Put.
const PUT: u8 = 4;

impl Place {
    fn server(&self) -> Option<ServerName> {
        let parts = self.address.as_deref().and_then(|address| address.rsplit_once(':')).zip(self.start_code);
        let opened =
            parts.and_then(|((host, port), start)| ServerName::parse(&format!("{host},{port},{start}")).ok());
        opened.or_else(|| ServerName::parse(self.assigned.as_deref()?).ok())
    }
}

/// The table in a region's whole name: `<table>,<start key>,<id>.<encoded>.`.
#[must_use]
pub fn table_of_region_name(row: &[u8]) -> Option<TableName> {
    let table = row.split(|byte| *byte == b',').next()?;
    TableName::parse(std::str::from_utf8(table).ok()?).ok()
}

/// Gathers the splits and merges of a table that WALs of hbase:meta record, in the order of the WALs.
#[derive(Debug, Default)]
pub struct Descents {
    /// Parent, and daughters by their qualifier: one entry of a split puts both, and later ones put them again.
    splits: BTreeMap<EncodedRegionName, BTreeSet<EncodedRegionName>>,
    /// Child, and the regions from which it was merged.
    merges: BTreeMap<EncodedRegionName, BTreeSet<EncodedRegionName>>,
}

impl Descents {
    /// Takes a cell of hbase:meta.
    pub fn add(&mut self, row: &LineageRow) {
        let names = || {
            let other = row.other.as_deref()?;
            Some((EncodedRegionName::parse(&row.region).ok()?, EncodedRegionName::parse(other).ok()?))
        };
        let Some((region, other)) = names() else { return };
        if row.qualifier.starts_with("split") {
            self.splits.entry(region).or_default().insert(other);
        } else if row.qualifier.starts_with("merge") {
            self.merges.entry(region).or_default().insert(other);
        }
    }

    /// What they say.
    #[must_use]
    pub fn finish(self) -> Vec<Descent> {
        let splits = self.splits.into_iter().map(|(parent, children)| Descent {
            parents: vec![parent],
            children: children.into_iter().collect(),
        });
        let merges = self.merges.into_iter().map(|(child, parents)| Descent {
            parents: parents.into_iter().collect(),
            children: vec![child],
        });
        splits.chain(merges).collect()
    }
}
