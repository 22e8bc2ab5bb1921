//! Which region came from which, through splits and merges. A region that moves or is opened again after a crash
//! stays itself: its sequence ids continue.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::RegionEventDescriptor;
use names::{EncodedRegionName, StoreFileName, TableName};

use crate::{Descent, RegionHistory};

type Regions = BTreeSet<EncodedRegionName>;

/// Parents and children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineages {
    parents: BTreeMap<EncodedRegionName, Regions>,
    children: BTreeMap<EncodedRegionName, Regions>,
    contradictions: BTreeSet<(EncodedRegionName, EncodedRegionName)>,
}

impl Lineages {
    /// From what hbase:meta says, and from the References and links that a REGION_OPEN lists.
    #[must_use]
    pub(crate) fn new(descents: &[Descent], regions: &BTreeMap<EncodedRegionName, RegionHistory>) -> Self {
        let mut lineages = Self::default();
        for descent in descents {
            for child in &descent.children {
                for parent in &descent.parents {
                    lineages.add(*parent, *child);
                }
            }
        }
        for (child, history) in regions {
            for (_, open) in history.openings() {
                for parent in parents_shown(child, history.table(), open) {
                    lineages.add(parent, *child);
                }
            }
        }
        lineages
    }

    fn add(&mut self, parent: EncodedRegionName, child: EncodedRegionName) {
        if parent == child || self.ancestors(&parent).contains(&child) {
            self.contradictions.insert((parent, child));
            return;
        }
        self.parents.entry(child).or_default().insert(parent);
        self.children.entry(parent).or_default().insert(child);
    }

    /// The regions that it was split from, or merged from.
    pub fn parents(&self, region: &EncodedRegionName) -> impl Iterator<Item = &EncodedRegionName> {
        self.parents.get(region).into_iter().flatten()
    }

    /// The regions that it was split into, or merged into.
    pub fn children(&self, region: &EncodedRegionName) -> impl Iterator<Item = &EncodedRegionName> {
        self.children.get(region).into_iter().flatten()
    }

    /// Impossible pairs of parent and child, in which the child is the parent itself or one of its ancestors; they
    /// are left out.
    #[must_use]
    pub fn contradictions(&self) -> &BTreeSet<(EncodedRegionName, EncodedRegionName)> {
        &self.contradictions
    }

    /// Its parents, theirs, and so on.
    #[must_use]
    pub fn ancestors(&self, region: &EncodedRegionName) -> Regions {
        reach(&self.parents, region)
    }

    /// Its children, theirs, and so on.
    #[must_use]
    pub fn descendants(&self, region: &EncodedRegionName) -> Regions {
        reach(&self.children, region)
    }

    /// The given regions and the ones that have come of them.
    #[must_use]
    pub fn with_descendants<'a>(&self, regions: impl IntoIterator<Item = &'a EncodedRegionName>) -> Regions {
        let mut all = Regions::new();
        for region in regions {
            all.insert(*region);
            all.extend(self.descendants(region));
        }
        all
    }
}

fn reach(edges: &BTreeMap<EncodedRegionName, Regions>, from: &EncodedRegionName) -> Regions {
    let mut reached = Regions::new();
    let mut left = vec![*from];
    while let Some(region) = left.pop() {
        for next in edges.get(&region).into_iter().flatten() {
            if reached.insert(*next) {
                left.push(*next);
            }
        }
    }
    reached
}

/// All files that a region has opened with.
pub(crate) fn store_files(open: &RegionEventDescriptor) -> impl Iterator<Item = &String> {
    open.stores.iter().flat_map(|store| &store.store_file)
}

/// A Reference names its parent. A side of a split that takes a whole file gets a link to it instead; a link into
/// the region itself is what a restore leaves, one into another table what a clone does.
fn parents_shown(child: &EncodedRegionName, table: &TableName, open: &RegionEventDescriptor) -> Regions {
    store_files(open)
        .filter_map(|name| match StoreFileName::parse(name).ok()? {
            StoreFileName::Reference(reference) => Some(*reference.parent()),
            StoreFileName::Link(link) if link.table == *table => Some(link.region),
            _ => None,
        })
        .filter(|parent| parent != child)
        .collect()
}
