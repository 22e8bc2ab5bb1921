//! How many cuts came out how.

use std::collections::{BTreeMap, BTreeSet};

use crate::real::Verdict;

/// How many cuts, and the histories that they were of.
#[derive(Debug, Default, Clone)]
struct Times(usize, BTreeSet<u64>);

impl Times {
    fn add(&mut self, seed: u64) {
        self.0 += 1;
        self.1.insert(seed);
    }
}

/// How many cuts came out how.
#[derive(Debug, Default)]
pub struct Tally {
    histories: BTreeSet<u64>,
    cuts: usize,
    proved: usize,
    wrong: BTreeMap<&'static str, Times>,
    refused: BTreeMap<&'static str, Times>,
    told_right: BTreeMap<String, Times>,
    right_but_told: usize,
    told_wrong: usize,
}

impl Tally {
    pub fn count(&mut self, seed: u64, verdict: Verdict) {
        self.histories.insert(seed);
        self.cuts += 1;
        match verdict {
            Verdict::Proved => self.proved += 1,
            Verdict::Wrong(how) => self.wrong.entry(how).or_default().add(seed),
            Verdict::Refused(why) => self.refused.entry(why).or_default().add(seed),
            Verdict::Told(_, false) => self.told_wrong += 1,
            Verdict::Told(kinds, true) => {
                self.right_but_told += 1;
                kinds.into_iter().for_each(|kind| self.told_right.entry(kind).or_default().add(seed));
            }
        }
    }

    /// Cuts that are called proved and are not what the table held.
    pub fn wrong(&self) -> usize {
        self.wrong.values().map(|times| times.0).sum()
    }

    /// Cuts that a restore on top of the snapshot could be right for.
    pub fn whole(&self) -> usize {
        let rightly = self.refused.iter().filter(|(why, _)| why.contains("rightly"));
        self.cuts - rightly.map(|(_, times)| times.0).sum::<usize>() - self.told_wrong
    }

    /// Whole cuts that are called anything less, or refused without cause.
    pub fn false_alarms(&self) -> usize {
        let without_cause = |why: &str| why.contains("without cause") || why.contains("backwards");
        let refused = self.refused.iter().filter(|(why, _)| without_cause(why));
        self.right_but_told + refused.map(|(_, times)| times.0).sum::<usize>()
    }

    pub fn print(&self, what: &str) {
        let Self { histories, cuts, proved, told_wrong, right_but_told, .. } = self;
        eprintln!(
            "{what}: {} histories, {cuts} cuts; {proved} proved and right, {} proved and WRONG, {told_wrong} wrong \
             and told, {right_but_told} right and told",
            histories.len(),
            self.wrong()
        );
        let lines = |title: &str, times: Vec<(&str, &Times)>| {
            for (kind, Times(cuts, seeds)) in times {
                let first: Vec<&u64> = seeds.iter().take(8).collect();
                eprintln!("  {title}: {cuts:5} cuts of {:4} histories ({first:?} ...): {kind}", seeds.len());
            }
        };
        lines("wrong", self.wrong.iter().map(|(kind, times)| (*kind, times)).collect());
        lines("refused", self.refused.iter().map(|(kind, times)| (*kind, times)).collect());
        lines("told", self.told_right.iter().map(|(kind, times)| (kind.as_str(), times)).collect());
    }
}
