//! Cuts: for each region the last sequence id that is in.

mod check;
mod marker;

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::Marker;
use names::EncodedRegionName;

pub use check::{BelowStart, Earliest, Refusal, check};
pub use marker::{RollMarker, Unplaced, at_marker};

use crate::given_again::{EarlierLoads, loads_in};
use crate::region::Stretch;
use crate::{Clocks, History, Starts};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The snapshot's files alone: nothing is replayed.
    Snapshot,
    /// A marker, by name.
    Marker(String),
    /// A time, ms.
    Time(i64),
    /// The ids themselves.
    Sequences,
    /// Everything that can be read.
    End,
}

/// A region that began with the end of others, and is left out because one of those is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// The region.
    pub region: EncodedRegionName,
    /// The region it came of that is not whole in the cut.
    pub parent: EncodedRegionName,
}

/// Ids that were asked for and of which nothing is known: no entry of the region has an id this large, and no file
/// of the snapshot reaches this far. A SKIP_WAL write
/// or the flush of an empty memstore may have taken them, or entries are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// The region.
    pub region: EncodedRegionName,
    /// The last id that was asked for.
    pub asked: u64,
    /// The last id that is known.
    pub known: u64,
}

/// For each region the last sequence id that is in; a region that is not named is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What was asked for.
    pub asked: Asked,
    pub(crate) last: BTreeMap<EncodedRegionName, u64>,
    /// Bulk loads before a crash that are in, though ids up to theirs were given again to what is later.
    pub(crate) loads: EarlierLoads,
    /// The moment that was asked for, ms, if it was a moment: what lies in files alone is judged by it.
    pub(crate) moment_ms: Option<i64>,
    /// The time after which nothing that was written is in, ms, where that is known: for a marker, until when servers
    /// were still being rolled.
    pub(crate) until_ms: Option<i64>,
    /// Regions that are left out because of their parents.
    pub held_back: Vec<HeldBack>,
    /// Ids that were asked for and are not known.
    pub beyond: Vec<Beyond>,
    /// Problems of a marker: WALs that it does not place on one side or the other. They are out.
    pub unplaced: Vec<Unplaced>,
}

impl Cut {
    /// Makes a cut of a vector; children contribute only if their parents are whole.
    fn new(asked: Asked, last: BTreeMap<EncodedRegionName, u64>, history: &History) -> Self {
        let mut cut = Self {
            asked,
            last,
            loads: EarlierLoads::new(),
            moment_ms: None,
            until_ms: None,
            held_back: Vec::new(),
            beyond: Vec::new(),
            unplaced: Vec::new(),
        };
        cut.hold_children_back(history);
        cut
    }

    /// The last id of a region that is in; 0 if nothing is.
    #[must_use]
    pub fn last(&self, region: &EncodedRegionName) -> u64 {
        self.last.get(region).copied().unwrap_or_default()
    }

    /// The vector.
    #[must_use]
    pub fn sequences(&self) -> &BTreeMap<EncodedRegionName, u64> {
        &self.last
    }

    /// Whether an entry is in.
    #[must_use]
    pub fn contains(&self, region: &EncodedRegionName, sequence: u64) -> bool {
        sequence <= self.last(region)
    }

    /// Whether the bulk load with this id is in. One before a crash is if all that its region had before it is.
    #[must_use]
    pub fn contains_load(&self, region: &EncodedRegionName, sequence: u64) -> bool {
        let behind = || self.loads.get(region).and_then(|loads| loads.get(&sequence));
        let has_all = |behind: &u64| self.last.get(region).is_some_and(|last| behind <= last);
        self.contains(region, sequence) || behind().is_some_and(has_all)
    }

    /// How many ids of a stretch are in, and how many out.
    pub(crate) fn split(&self, region: &EncodedRegionName, stretch: &Stretch<'_>) -> (u64, u64) {
        match stretch.marker {
            Some(Marker::BulkLoad(_)) if self.contains_load(region, stretch.run.first) => (1, 0),
            _ => stretch.split_at(self.last(region)),
        }
    }

    /// Whether every entry of a region that is known is in.
    #[must_use]
    pub fn is_whole(&self, region: &EncodedRegionName, history: &History) -> bool {
        self.last(region) >= history.last_of(region)
    }

    /// Takes regions out whose ancestors are not whole, oldest first. A parent that `restore_snapshot` has brought back
    /// continues with larger ids, which do not concern its earlier children.
    fn hold_children_back(&mut self, history: &History) {
        let mut broken: Vec<(EncodedRegionName, EncodedRegionName)> = Vec::new();
        for parent in history.regions().keys() {
            for child in history.lineages().children(parent) {
                if self.last(parent) < history.end_before(parent, child) {
                    broken.push((*parent, *child));
                }
            }
        }
        let mut seen: BTreeSet<EncodedRegionName> = BTreeSet::new();
        while let Some((parent, child)) = broken.pop() {
            let held = self.last.remove(&child).is_some_and(|last| last > 0);
            if held && history.region(&child).is_some() {
                self.held_back.push(HeldBack { region: child, parent });
            }
            if seen.insert(child) {
                broken.extend(history.lineages().children(&child).map(|grandchild| (child, *grandchild)));
            }
        }
        self.held_back.sort_by_key(|held| (held.region, held.parent));
    }
}

/// The snapshot's files alone. The vector says up to where they reach.
#[must_use]
pub fn at_snapshot(history: &History, starts: &Starts) -> Cut {
    let ended = starts.ended().iter().map(|region| (*region, history.last_of(region)));
    let held = starts.regions().keys().map(|region| (*region, history.held(starts, region)));
    let last = held.chain(ended).collect();
    Cut {
        asked: Asked::Snapshot,
        last,
        loads: EarlierLoads::new(),
        moment_ms: None,
        until_ms: None,
        held_back: Vec::new(),
        beyond: Vec::new(),
        unplaced: Vec::new(),
    }
}

/// Everything that can be read.
#[must_use]
pub fn at_end(history: &History) -> Cut {
    let last = history.regions().keys().map(|region| (*region, history.last_of(region))).collect();
    let loads = loads_in(history, |_, _| true);
    Cut { loads, ..Cut::new(Asked::End, last, history) }
}

/// In each lineage, the longest prefix whose entries all have a write time up to `time_ms` (by the clocks of their
/// servers, where those are known).
#[must_use]
pub fn at_time(history: &History, time_ms: i64, clocks: &Clocks) -> Cut {
    let shown: Vec<i64> = history.files().iter().map(|file| clocks.shown(file.server(), time_ms)).collect();
    let limit = |file: usize| shown.get(file).copied().unwrap_or(time_ms);
    let mut last = BTreeMap::new();
    for (name, region) in history.regions() {
        let edits = region.parts.iter().filter_map(|part| part.first_after(limit(part.file)));
        // A bulk load before a crash counts by its own time, whatever else has its id.
        let segments =
            region.segments.iter().filter(|segment| !history.is_of_earlier_load(name, region, segment));
        let markers = segments.filter_map(|segment| {
            let late = region.marker(segment)?.write_time > limit(region.part(segment)?.file);
            late.then_some(segment.run.first)
        });
        // A copied entry has the time of its WAL in both files.
        let first_late = edits.chain(markers).min().unwrap_or(u64::MAX);
        last.insert(*name, region.last_up_to(first_late.saturating_sub(1)));
    }
    let loads = loads_in(history, |_, load| load.write_time <= limit(load.file));
    let moment_ms = Some(time_ms);
    Cut { loads, moment_ms, until_ms: moment_ms, ..Cut::new(Asked::Time(time_ms), last, history) }
}

/// The ids as given, with every ancestor of a named region whole.
#[must_use]
pub fn at_sequences(history: &History, starts: &Starts, vector: &BTreeMap<EncodedRegionName, u64>) -> Cut {
    let (mut last, mut beyond) = (BTreeMap::new(), Vec::new());
    let ancestors: BTreeSet<EncodedRegionName> = vector
        .iter()
        .filter(|(_, asked)| **asked > 0)
        .flat_map(|(region, _)| history.lineages().ancestors(region))
        .filter(|region| !vector.contains_key(region))
        .collect();
    for region in ancestors {
        last.insert(region, history.last_of(&region));
    }
    for (region, asked) in vector {
        let known = history.last_of(region).max(starts.covered(region));
        if *asked > known {
            beyond.push(Beyond { region: *region, asked: *asked, known });
        }
        last.insert(*region, *asked);
    }
    let loads = loads_in(history, |name, load| last.get(name).is_some_and(|last| load.opened <= *last));
    Cut { beyond, loads, ..Cut::new(Asked::Sequences, last, history) }
}
