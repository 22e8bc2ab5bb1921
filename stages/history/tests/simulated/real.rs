//! Histories on the scale of a real cluster, with what operators and servers do there: tables that are restored in
//! place, families that go and come, purges, old WALs that are cleaned away, copies of roots. A cut that is called
//! proved must hold what the table held.

use std::collections::BTreeSet;

use fixtures::sim::{
    Cluster, Durability, Entry, FileOf, Ideal, Mtimes, Reading, RemovalKind, Roll, Shape, SimSnapshot,
    StoredCell, simulate,
};
use fixtures::{Random, seeds};
use history::{
    Assumption, Certificate, Cut, Gap, GapClass, History, Refusal, Replay, Starts, at_end, at_marker,
    at_time, certify,
};
use names::WalKind;

use crate::feed::{self, Located};
use crate::tally::Tally;

/// What is asked of a history.
#[derive(Debug, Clone, Copy)]
pub enum Until<'a> {
    End,
    Time(i64),
    Marker(&'a Roll),
}

impl Until<'_> {
    fn cut(self, cluster: &Cluster, history: &History) -> Cut {
        match self {
            Self::End => at_end(history),
            Self::Time(time_ms) => at_time(history, time_ms, &feed::clocks(cluster)),
            Self::Marker(roll) => at_marker(history, &feed::marker(cluster, roll)),
        }
    }

    /// Whether an entry is inside.
    fn holds(self, cluster: &Cluster, file: FileOf, entry: &Entry) -> bool {
        match self {
            Self::End => true,
            Self::Time(time_ms) => entry.write_time <= time_ms,
            Self::Marker(roll) => cluster.is_before(roll, file),
        }
    }
}

/// The end, some times, and a roll of all servers that were there.
pub fn untils<'a>(cluster: &'a Cluster, claimed: u64, random: &mut Random) -> Vec<Until<'a>> {
    let mut untils = vec![Until::End];
    let length = claimed - cluster.began;
    untils.extend((0..3).map(|_| {
        let at = cluster.began + length / 4 + random.below(length * 3 / 4);
        Until::Time((at / 1000) as i64)
    }));
    let started = |roll: &&Roll| {
        let written =
            cluster.wals.iter().filter(|wal| wal.name.kind != WalKind::Meta && !wal.entries.is_empty());
        let all = written.map(|wal| wal.server).all(|server| roll.servers.contains_key(&server));
        roll.at > 0 && roll.at <= claimed && all
    };
    untils.extend(cluster.rolls.iter().filter(started).take(1).map(Until::Marker));
    untils
}

/// The cells of a cut on a snapshot, by the replay that a restore does.
fn content(
    cluster: &Cluster,
    files: &[Located],
    snapshot: &SimSnapshot,
    history: &History,
    starts: &Starts,
    cut: &Cut,
) -> BTreeSet<StoredCell> {
    let mut cells: BTreeSet<StoredCell> = cluster.in_files(snapshot).into_keys().collect();
    let replay = Replay::new(history, starts, cut);
    for entry in files.iter().flat_map(|file| &file.entries) {
        let Some(region) = entry.region.map(|region| &cluster.regions[region]) else { continue };
        let Some(replayed) = replay.regions().get(&region.name).filter(|_| region.table == snapshot.table)
        else {
            continue;
        };
        let Some((edit, of_entry)) = cluster.cells_of_entry(entry) else { continue };
        let (first, sequence) = (replayed.first(), entry.sequence);
        let taken = of_entry
            .into_iter()
            .filter(|cell| sequence >= first && replayed.takes(cell.family.as_bytes(), sequence));
        cells.extend(taken.map(|cell| StoredCell { cell, sequence, edit }));
    }
    let bulk: BTreeSet<&str> =
        replay.regions().values().flat_map(|region| &region.bulk).map(|file| file.file.as_str()).collect();
    let loaded = cluster.hfiles.iter().filter(|hfile| bulk.contains(hfile.name.as_str()));
    cells.extend(loaded.flat_map(|hfile| hfile.cells.clone()));
    cells
}

/// What came of a cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Refused, and why.
    Refused(&'static str),
    /// Not proved, and what was reported; whether the content is right all the same.
    Told(Vec<String>, bool),
    /// Proved, and right.
    Proved,
    /// Proved, and wrong: how.
    Wrong(&'static str),
}

/// One snapshot, one history, one question.
pub struct Question<'a> {
    pub cluster: &'a Cluster,
    /// What was read.
    pub reading: &'a Reading,
    /// What there had been to be read.
    pub whole: &'a Reading,
    pub snapshot: &'a SimSnapshot,
    pub until: Until<'a>,
}

impl Question<'_> {
    /// What the table held; `None` if the snapshot's files hold more, or what it held was taken away before the snapshot.
    pub fn truth(&self) -> (Ideal, Option<BTreeSet<StoredCell>>) {
        let inside = |file, entry: &Entry| self.until.holds(self.cluster, file, entry);
        let ideal = self.cluster.ideal(self.whole, inside);
        let held = self.cluster.held(self.snapshot, &ideal);
        let held = held.filter(|_| self.taken_away(&ideal) != Some(true));
        (ideal, held)
    }

    /// Whether the snapshot came after something had taken content away from the table that it held at the cut. Between that and
    /// the first entry after it, both answers are right.
    fn taken_away(&self, ideal: &Ideal) -> Option<bool> {
        let Self { cluster, snapshot, .. } = *self;
        let before = cluster.removals.iter().take(snapshot.removals);
        let mut later = before
            .filter(|removal| removal.table == snapshot.table && removal.at >= ideal.newest[snapshot.table])
            .filter(|removal| removal.had != removal.left);
        let removal = later.next()?;
        let bound = u64::from(cluster.clock_bound_ms) * 1000;
        let (from, to) = match self.until {
            Until::End => return None,
            Until::Time(time_ms) => (time_ms as u64 * 1000 - bound, time_ms as u64 * 1000 + bound),
            Until::Marker(roll) => (roll.created_ms as u64 * 1000 - bound, roll.at),
        };
        (removal.at >= from).then_some(removal.at > to)
    }

    pub fn verdict(&self, files: &[Located]) -> Verdict {
        let Self { cluster, snapshot, .. } = *self;
        let Ok(sources) = feed::sources_of_table(cluster, self.reading, files, snapshot.table) else {
            return Verdict::Refused("ids run backwards");
        };
        let history = History::new(sources);
        let starts = feed::starts(cluster, &history, &[snapshot]);
        let cut = self.until.cut(cluster, &history);
        let certificate = match certify(&history, &starts, &feed::clocks(cluster), &cut, &[]) {
            Ok(certificate) => certificate,
            Err(refusal) => {
                let refused = self.refused(&refusal);
                if is_alone() {
                    crate::explain::told(self, &format!("{refused:?} {refusal:?}"));
                }
                return refused;
            }
        };
        let ours = content(cluster, files, snapshot, &history, &starts, &certificate.cut);
        let (ideal, truth) = self.truth();
        let Some(truth) = truth else {
            return match told(&certificate) {
                told if told.is_empty() => {
                    if is_alone() {
                        crate::explain::told(self, "wrong, the files hold more or less");
                        crate::explain::regions(self, snapshot.regions.keys().copied());
                    }
                    Verdict::Wrong(match self.taken_away(&ideal) {
                        Some(_) => "the content was taken away before the snapshot",
                        None => "the snapshot's files hold more",
                    })
                }
                told => Verdict::Told(told, false),
            };
        };
        let mut told = told(&certificate);
        // Nothing in a copy shows when it was made: that it is the root itself is printed as an assumption.
        let is_taken_for_root = self.reading.stated.is_none() && self.reading.claimed > self.reading.listed;
        if is_taken_for_root && certificate.assumptions.contains(&Assumption::RootIsLive) {
            told.push("the root is live".to_owned());
        }
        match (ours == truth, told.is_empty()) {
            (true, true) => Verdict::Proved,
            (same, false) => {
                if is_alone() {
                    let bad = |gap: &&Gap| matches!(gap.class, GapClass::Missing | GapClass::Ambiguous);
                    let gaps: Vec<_> = certificate.completeness.gaps.iter().filter(bad).collect();
                    let findings = &certificate.completeness.findings;
                    crate::explain::told(self, &format!("{gaps:?} {findings:?}, right: {same}"));
                }
                Verdict::Told(told, same)
            }
            (false, true) => {
                if is_alone() {
                    crate::explain::difference(self, &ours, &truth, &ideal);
                }
                Verdict::Wrong(self.fault(&certificate.cut, &ours, &truth, &ideal))
            }
        }
    }

    fn refused(&self, refusal: &Refusal) -> Verdict {
        let (ideal, truth) = self.truth();
        Verdict::Refused(match refusal {
            Refusal::BelowStart { .. } if truth.is_none() || self.taken_away(&ideal).is_some() => {
                "below the start, rightly"
            }
            Refusal::BelowStart { .. } => "below the start, without cause",
            Refusal::BeyondFrontier { .. } => "beyond the frontier",
            Refusal::UnknownStart { .. } => "an unknown start, without cause",
            Refusal::Replaced(_) if self.cluster.removed_within(self.snapshot, &ideal).is_some() => {
                "replaced, rightly"
            }
            Refusal::Replaced(_) if self.taken_away(&ideal).is_some() => {
                "replaced before the snapshot, rightly"
            }
            Refusal::Replaced(_) => "replaced, without cause (18)",
        })
    }

    /// Which of the known faults it is.
    fn fault(
        &self,
        cut: &Cut,
        ours: &BTreeSet<StoredCell>,
        truth: &BTreeSet<StoredCell>,
        ideal: &Ideal,
    ) -> &'static str {
        let Self { cluster, snapshot, .. } = *self;
        let falls_out = |cell: &StoredCell| {
            let region = &cluster.regions[cluster.edits[cell.edit].region].name;
            cut.held_back.iter().any(|held_back| held_back.region == *region)
        };
        if truth.difference(ours).any(falls_out) {
            return "regions fall out, since a parent was restored later";
        }
        if let Some(removal) = cluster.removed_within(snapshot, ideal) {
            return match removal.kind {
                RemovalKind::Restored(_) => "a restore between snapshot and cut is not seen",
                RemovalKind::Truncated => "a truncate between snapshot and cut is not seen",
                RemovalKind::Dropped(_) => "a dropped family between snapshot and cut is not seen",
            };
        }
        let removals = cluster.removals.iter().take(snapshot.removals);
        let before = removals.rev().find(|removal| removal.table == snapshot.table);
        if let Some(cell) = ours.difference(truth).next() {
            let bulk = cluster.edits[cell.edit].durability == Durability::Bulk;
            let taken_away = before.filter(|removal| cell.edit < removal.edits);
            return match (bulk, taken_away.map(|removal| removal.kind)) {
                (true, Some(RemovalKind::Dropped(_))) => "a bulk load of a dropped family is back (20)",
                (true, Some(_)) => "a bulk load from before a restore is back (19)",
                (true, None) => "a purged bulk load is back (21)",
                (false, Some(_)) => "edits from before a restore are back (18)",
                (false, None) => "edits too many",
            };
        }
        let lost = truth.difference(ours).next();
        if lost.is_some_and(|cell| cluster.edits[cell.edit].durability == Durability::Bulk) {
            return "a bulk load is missing";
        }
        match lost.map(|cell| &cluster.regions[cluster.edits[cell.edit].region]) {
            Some(region) if !region.children.is_empty() => "edits of a parent are missing (16)",
            Some(_) => "edits are missing (09)",
            None => "nothing",
        }
    }
}

/// Whether one history is looked at alone.
fn is_alone() -> bool {
    std::env::var_os("TIDEGATE_SEED").is_some()
}

/// What is not proved, by kind.
pub fn told(certificate: &Certificate) -> Vec<String> {
    let completeness = &certificate.completeness;
    if completeness.is_proved() && certificate.cut.unplaced.is_empty() {
        return Vec::new();
    }
    let bad = |gap: &&history::Gap| matches!(gap.class, GapClass::Missing | GapClass::Ambiguous);
    let gaps = completeness.gaps.iter().filter(bad);
    let gaps = gaps.map(|gap| format!("{:?}: {:?}", gap.class, gap.cause));
    let findings = completeness.findings.iter().map(|finding| {
        let text = format!("{finding:?}");
        text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    });
    let unplaced = certificate.cut.unplaced.iter().map(|_| "unplaced".to_owned());
    let kinds: BTreeSet<String> = gaps.chain(findings).chain(unplaced).collect();
    if kinds.is_empty() { vec!["not proved".to_owned()] } else { kinds.into_iter().collect() }
}

/// The snapshots that a history is asked on: of each table the last, and another.
pub fn bases(cluster: &Cluster, listed: u64, random: &mut Random) -> Vec<usize> {
    let mut bases = BTreeSet::new();
    for table in 0..cluster.tables.len() {
        let of_table = |index: &usize| {
            cluster.snapshots[*index].table == table && cluster.snapshots[*index].at <= listed
        };
        let of_table: Vec<usize> = (0..cluster.snapshots.len()).filter(of_table).collect();
        bases.extend(of_table.last());
        if !of_table.is_empty() {
            bases.insert(of_table[random.below(of_table.len() as u64) as usize]);
        }
    }
    bases.into_iter().collect()
}

fn ask(
    cluster: &Cluster,
    reading: &Reading,
    whole: &Reading,
    random: &mut Random,
    mut take: impl FnMut(Until<'_>, Verdict),
) {
    let files = feed::found(cluster, reading);
    for base in bases(cluster, reading.listed, random) {
        for until in untils(cluster, cluster.ended, random) {
            let snapshot = &cluster.snapshots[base];
            let question = Question { cluster, reading, whole, snapshot, until };
            take(until, question.verdict(&files));
        }
    }
}

#[test]
fn a_proved_cut_is_what_the_table_held() {
    let mut tally = Tally::default();
    for seed in seeds(200) {
        let cluster = simulate(seed, &Shape::real(seed));
        let reading = Reading::at_end(&cluster);
        let random = &mut Random::new(seed);
        ask(&cluster, &reading, &reading, random, |_, verdict| tally.count(seed, verdict));
    }
    tally.print("read whole");
    let (alarms, whole) = (tally.false_alarms(), tally.whole());
    eprintln!("false alarms: {alarms} of {whole} whole cuts");
    assert_eq!(tally.wrong(), 0);
    assert!(alarms * 50 <= whole, "{alarms} false alarms of {whole}");
}

#[test]
fn who_comes_late_is_reported() {
    let mut tally = Tally::default();
    for seed in seeds(200) {
        let cluster = simulate(seed, &Shape::real(seed));
        let random = &mut Random::new(seed ^ 0x1a7e);
        let whole = Reading::at_end(&cluster);
        let length = cluster.ended - cluster.began;
        let first = cluster.began + length / 3 + random.below(length / 2);
        let reading = Reading::late(&cluster, first, length / 20 + random.below(length / 4));
        if reading.files.len() == whole.files.len() {
            continue;
        }
        ask(&cluster, &reading, &whole, random, |_, verdict| tally.count(seed, verdict));
    }
    tally.print("old WALs are gone");
    assert_eq!(tally.wrong(), 0);
}

/// A week, ms.
const WEEK: u64 = 7 * 24 * 3600 * 1_000_000;

/// Times up to the true end, asked of a copy that was made before and is read a week later.
fn ask_a_copy(seed: u64, is_stated: bool, tally: &mut Tally) {
    let cluster = simulate(seed, &Shape::real(seed));
    let random = &mut Random::new(seed ^ 0xc0b7);
    let length = cluster.ended - cluster.began;
    let copied = cluster.began + length / 2 + random.below(length / 3);
    let mtimes = if random.below(2) == 0 { Mtimes::Kept } else { Mtimes::OfTheCopy };
    let mut reading = Reading::copied(&cluster, copied, cluster.ended + WEEK, mtimes);
    reading.stated = is_stated.then_some(copied);
    let whole = Reading::at_end(&cluster);
    ask(&cluster, &reading, &whole, random, |until, verdict| {
        // The end of a copy is all that can be read.
        if !matches!(until, Until::End) {
            tally.count(seed, verdict);
        }
    });
}

#[test]
fn a_copy_is_not_taken_for_the_root() {
    for is_stated in [false, true] {
        let mut tally = Tally::default();
        seeds(200).for_each(|seed| ask_a_copy(seed, is_stated, &mut tally));
        tally.print(if is_stated { "copies of roots, known as such" } else { "copies of roots" });
        assert_eq!(tally.wrong(), 0);
    }
}
