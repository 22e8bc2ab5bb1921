//! Bulk loads before a crash whose ids a region has given again. Markers are in no recovered edits, so a region that
//! opens after a crash may open below the marker of a bulk load; what it writes then has the same ids, and is later.

use std::collections::BTreeMap;

use formats::wal::Marker;
use names::EncodedRegionName;

use crate::region::Segment;
use crate::store_list::added_files;
use crate::{FileState, History, RegionHistory};

/// Bulk loads that are in at whatever id a cut ends, by region and the ids of their markers: each with the last id of
/// what came before it.
pub(crate) type EarlierLoads = BTreeMap<EncodedRegionName, BTreeMap<u64, u64>>;

/// A bulk load before a crash, after which its region opened below its marker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EarlierLoad {
    /// The id of its marker.
    pub sequence: u64,
    /// Index of a file that has it.
    pub file: usize,
    /// When its marker was written, ms by its server's clock.
    pub write_time: i64,
    /// The last id that is known of what the region had before it.
    pub behind: u64,
    /// The REGION_OPEN below it.
    pub opened: u64,
}

/// The bulk loads of a region whose ids were given again.
pub(crate) fn earlier_loads(files: &[FileState], entries: &RegionHistory) -> Vec<EarlierLoad> {
    let found = entries.segments.iter().filter_map(|segment| {
        let load = entries.marker(segment).filter(|_| is_load(entries, segment))?;
        let number = |entry: &crate::MarkerEntry| entry.sequence.saturating_sub(1);
        let openings = || {
            entries
                .openings()
                .map(|(entry, event)| (entry, event.log_sequence_number.unwrap_or_else(|| number(entry))))
                .filter(|(_, number)| *number < load.sequence)
        };
        let server = |of: &Segment| files.get(entries.part(of)?.file)?.server();
        let own = server(segment);
        let of_own_server = |sequence: u64| {
            entries.segments.iter().filter(|of| of.run.first == sequence).any(|of| server(of) == own)
        };
        // The number with which the region had opened there: after a crash it opens with that or a larger one. An
        // opening with a smaller one was earlier, whatever its server's clock says.
        let before = openings()
            .filter(|(entry, _)| entry.write_time <= load.write_time && of_own_server(entry.sequence))
            .map(|(_, number)| number)
            .max()
            .unwrap_or_default();
        let again = openings()
            .filter(|(entry, number)| entry.write_time > load.write_time && *number >= before)
            .min_by_key(|(entry, number)| (*number, entry.write_time))?;
        Some(EarlierLoad {
            sequence: load.sequence,
            file: entries.part(segment)?.file,
            write_time: load.write_time,
            behind: entries.last_up_to(again.1),
            opened: again.0.sequence,
        })
    });
    found.collect()
}

impl RegionHistory {
    /// The entry up to which files that reach up to `held` hold everything. The number of a bulk load, to which its
    /// files reach, is smaller than the id of its entry. For one before a crash that id says nothing: `earlier` does.
    pub(crate) fn held_entry(
        &self,
        held: u64,
        earlier: impl Fn(u64) -> bool,
        holds: impl Fn(&str, u64) -> bool,
    ) -> u64 {
        let loads = self.markers().iter().filter(|entry| !earlier(entry.sequence));
        let loads = loads.filter(|entry| match &entry.marker {
            Marker::BulkLoad(load) => {
                let mut files = added_files(&entry.marker);
                let number = u64::try_from(load.bulkload_seq_num).ok().filter(|number| *number <= held);
                number.is_some_and(|number| files.any(|file| holds(file, number)))
            }
            _ => false,
        });
        loads.map(|entry| entry.sequence).max().map_or(held, |last| last.max(held))
    }
}

impl History {
    /// Whether a marker of a region is that of a bulk load whose id was given again: it counts by itself, whatever else has its
    /// id or a smaller one.
    pub(crate) fn is_earlier_load(&self, region: &EncodedRegionName, sequence: u64) -> bool {
        self.earlier_loads.get(region).is_some_and(|loads| loads.iter().any(|load| load.sequence == sequence))
    }

    /// The same for a segment, which may be something else that was given the id.
    pub(crate) fn is_of_earlier_load(
        &self,
        name: &EncodedRegionName,
        of: &RegionHistory,
        segment: &Segment,
    ) -> bool {
        is_load(of, segment) && self.is_earlier_load(name, segment.run.first)
    }
}

/// Whether a segment is the marker of a bulk load.
fn is_load(entries: &RegionHistory, segment: &Segment) -> bool {
    entries.marker(segment).is_some_and(|entry| matches!(entry.marker, Marker::BulkLoad(_)))
}

/// Those of all regions that are in a cut by their own time or file.
pub(crate) fn loads_in(
    history: &History,
    is_in: impl Fn(&EncodedRegionName, &EarlierLoad) -> bool,
) -> EarlierLoads {
    let mut loads = EarlierLoads::new();
    for (name, earlier) in &history.earlier_loads {
        for load in earlier.iter().filter(|load| is_in(name, load)) {
            loads.entry(*name).or_default().insert(load.sequence, load.behind);
        }
    }
    loads
}
