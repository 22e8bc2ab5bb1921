//! Families that a snapshot's region does not have, of which WALs tell: they had been dropped, or were added later.

use std::collections::{BTreeMap, BTreeSet};

use names::FamilyName;

use crate::{RegionHistory, RegionStart};

/// Families that a snapshot's region does not have: what is known of them, up to where its files reach or to an opening
/// without them, is of ones that had been dropped. What is later is of ones that were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AbsentFamilies {
    /// The last opening without each, of those that some opening has.
    pub named: BTreeMap<FamilyName, u64>,
    /// The last opening, which no other family has.
    pub others: u64,
}

impl AbsentFamilies {
    /// Of a start that is not later than the snapshot. Openings count that may have been in front of it: one of a family that
    /// was added between a snapshot and an opening that may have been in front of it would have taken no time.
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
