//! Declared dependencies: a cut trimmed until every effect in it has its cause, and how many effects lack theirs.

use std::collections::{BTreeMap, BTreeSet};

use names::EncodedRegionName;

use crate::{Cut, History, Starts};

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The region.
    pub region: EncodedRegionName,
    /// The entry's sequence id.
    pub sequence: u64,
}

/// Where a declared edit was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Located {
    /// In this entry. Of several, the last for a cause and the first for an effect.
    Entry(EntryId),
    /// In the snapshot's files, and in no entry above its store's start.
    Files,
    /// Nowhere.
    Nowhere,
}

/// The effect must not be in without its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// What came first.
    pub cause: Located,
    /// What depends on it.
    pub effect: Located,
}

/// A cut that was trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed {
    /// The greatest cut below the one that was asked for in which every effect has its cause, but for those in the
    /// files.
    pub cut: Cut,
    /// Dependencies, by index, whose effect was in the requested cut and no longer is.
    pub trimmed: Vec<usize>,
    /// Dependencies, by index, whose effect is in the snapshot's files without its cause: each is a problem.
    pub in_files: Vec<usize>,
}

/// What makes something else fall out of the cut.
#[derive(Clone, Copy)]
struct Edge {
    /// The last id that the cause's region must have in.
    cause: u64,
    effect: EntryId,
}

/// Trims a cut. Takes time in proportion to the dependencies and regions, and to sort them.
#[must_use]
pub fn trim(history: &History, starts: &Starts, cut: &Cut, dependencies: &[Dependency]) -> Trimmed {
    let mut trimming = Trimming { history, starts, cut: cut.clone(), left: Vec::new() };
    let mut edges = lineage_edges(history, starts);
    for dependency in dependencies {
        match (dependency.cause, dependency.effect) {
            (Located::Entry(cause), Located::Entry(effect)) => {
                edges.entry(cause.region).or_default().push(Edge { cause: cause.sequence, effect });
            }
            (Located::Nowhere, Located::Entry(effect)) => trimming.take_out(effect),
            _ => {}
        }
    }
    for edges in edges.values_mut() {
        edges.sort_by_key(|edge| edge.cause);
    }
    trimming.left.extend(edges.keys());
    while let Some(region) = trimming.left.pop() {
        let Some(of_region) = edges.get_mut(&region) else { continue };
        let last = trimming.cut.last(&region);
        // What was taken off here never has to be looked at again: a cut only shrinks.
        while let Some(edge) = of_region.pop_if(|edge| edge.cause > last) {
            trimming.take_out(edge.effect);
        }
    }
    summary(cut, trimming.cut, dependencies)
}

struct Trimming<'a> {
    history: &'a History,
    starts: &'a Starts,
    cut: Cut,
    /// Regions whose last id has become smaller.
    left: Vec<EncodedRegionName>,
}

impl Trimming<'_> {
    fn take_out(&mut self, effect: EntryId) {
        let in_files = effect.sequence <= self.history.held(self.starts, &effect.region);
        if in_files || !self.cut.contains(&effect.region, effect.sequence) {
            return;
        }
        self.cut.last.insert(effect.region, effect.sequence.saturating_sub(1));
        self.left.push(effect.region);
    }
}

/// What became of each dependency.
fn summary(asked: &Cut, cut: Cut, dependencies: &[Dependency]) -> Trimmed {
    let is_in = |found: Located, cut: &Cut| match found {
        Located::Entry(event) => cut.contains(&event.region, event.sequence),
        Located::Files => true,
        Located::Nowhere => false,
    };
    let mut trimmed = Trimmed { cut, trimmed: Vec::new(), in_files: Vec::new() };
    for (index, Dependency { cause, effect }) in dependencies.iter().enumerate() {
        match (is_in(*effect, asked), is_in(*effect, &trimmed.cut)) {
            (true, false) => trimmed.trimmed.push(index),
            (_, true) if !is_in(*cause, &trimmed.cut) => trimmed.in_files.push(index),
            _ => {}
        }
    }
    trimmed
}

/// A child's first entry depends on its parents' last ones.
fn lineage_edges(history: &History, starts: &Starts) -> BTreeMap<EncodedRegionName, Vec<Edge>> {
    let mut edges: BTreeMap<EncodedRegionName, Vec<Edge>> = BTreeMap::new();
    for (child, entries) in history.regions() {
        let Some(first) = entries.first().filter(|_| !starts.regions().contains_key(child)) else { continue };
        let effect = EntryId { region: *child, sequence: first };
        for parent in history.lineages().ancestors(child) {
            let cause = history.end_before(&parent, child);
            if cause > 0 && !starts.ended().contains(&parent) {
                edges.entry(parent).or_default().push(Edge { cause, effect });
            }
        }
    }
    edges
}

/// Effects that are in, and lack their cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Violations {
    /// Entries that are in and are the effect of something.
    pub effects: u64,
    /// Those whose cause is not in.
    pub without_cause: u64,
    /// Those of which a cause, or the cause of a cause, and so on, is not in.
    pub without_ancestor: u64,
}

/// Counts what a set of entries lacks. The set need not be a cut: HBase's own, by files, is none.
#[must_use]
pub fn violations(dependencies: &[(EntryId, EntryId)], is_in: impl Fn(EntryId) -> bool) -> Violations {
    let mut effects_of: BTreeMap<EntryId, Vec<EntryId>> = BTreeMap::new();
    let (mut effects, mut direct) = (BTreeSet::new(), BTreeSet::new());
    for (cause, effect) in dependencies {
        effects_of.entry(*cause).or_default().push(*effect);
        if is_in(*effect) {
            effects.insert(*effect);
            if !is_in(*cause) {
                direct.insert(*effect);
            }
        }
    }
    // Everything after a cause that is out lacks it, whether what lies between is in or not.
    let mut reached: BTreeSet<EntryId> = BTreeSet::new();
    let mut left: Vec<EntryId> = effects_of.keys().copied().filter(|cause| !is_in(*cause)).collect();
    while let Some(event) = left.pop() {
        for effect in effects_of.get(&event).into_iter().flatten() {
            if reached.insert(*effect) {
                left.push(*effect);
            }
        }
    }
    let without_ancestor = reached.iter().filter(|event| is_in(**event)).count() as u64;
    Violations { effects: effects.len() as u64, without_cause: direct.len() as u64, without_ancestor }
}
