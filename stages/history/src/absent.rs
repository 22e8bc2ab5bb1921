//! Families that WALs name and a snapshot's region does not have: they had been dropped, or were added later.

use std::collections::{BTreeMap, BTreeSet};

use names::FamilyName;

use crate::{RegionHistory, RegionStart};

/// Families that a snapshot's region does not have. What is known of them up to where its files reach, or to an opening
/// without them, belongs to families that had been dropped; what is later belongs to families that were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AbsentFamilies {
    /// The last opening without each family, of those that some opening has.
    pub named: BTreeMap<FamilyName, u64>,
    /// The last opening, which no other family has.
    pub others: u64,
}

impl AbsentFamilies {
    /// For a start that is not later than the snapshot. Openings that may have been before it count: a family would
    /// have to be added between the snapshot and such an opening, in no time.
    pub(crate) fn new(start: &RegionStart, entries: &RegionHistory, clock_ms: i64) -> Self {
        let mut absent = Self { named: BTreeMap::new(), others: start.held };
        let late_ms = start.created_ms.map(|created| created.saturating_add(clock_ms));
        for (entry, event) in entries.openings().filter(|(_, event)| !event.stores.is_empty()) {
            let listed =
                event.stores.iter().filter_map(|store| FamilyName::parse_bytes(&store.family_name).ok());
            let listed: BTreeSet<FamilyName> = listed.collect();
            for family in listed.iter().filter(|family| !start.stores.contains_key(*family)) {
                absent.named.entry(family.clone()).or_insert(absent.others);
            }
            if late_ms.is_none_or(|late| entry.write_time > late) {
                continue;
            }
            let missed = absent.named.iter_mut().filter(|(family, _)| !listed.contains(*family));
            missed.for_each(|(_, after)| *after = entry.sequence.max(*after));
            absent.others = entry.sequence.max(absent.others);
        }
        absent
    }
}
