//! Small histories of all sorts, each compared with every cut that there is. The seed of a failure is in its message.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::Random;
use history::{
    ClockLevel, Clocks, Cut, Dependency, Descent, EntryId, FileEnd, History, Located, Sources, Starts,
    at_sequences, at_time, clock_level, frontier, trim,
};
use names::EncodedRegionName;

use crate::world::{Log, history, region, server, snapshot, sources, wal};

const DIGITS: [char; 4] = ['a', 'b', 'c', 'd'];

/// `a` was split into `b` and `c` (in half of the histories); `d` has nothing to do with them.
fn world(logs: Vec<Log>, split: bool) -> History {
    let descent = Descent { parents: vec![region('a')], children: vec![region('b'), region('c')] };
    History::new(Sources { descents: split.then_some(descent).into_iter().collect(), ..sources(logs) })
}

type Vector = BTreeMap<EncodedRegionName, u64>;

/// Every vector up to a limit.
fn vectors(limit: &Vector) -> Vec<Vector> {
    let mut all = vec![Vector::new()];
    for (region, last) in limit {
        all = all
            .into_iter()
            .flat_map(|vector| {
                (0..=*last).map(move |last| {
                    let mut vector = vector.clone();
                    vector.insert(*region, last);
                    vector
                })
            })
            .collect();
    }
    all
}

fn at(vector: &Vector, region: &EncodedRegionName) -> u64 {
    vector.get(region).copied().unwrap_or_default()
}

/// Children contribute only if their parents are whole.
fn is_lineal(history: &History, vector: &Vector) -> bool {
    vector.iter().filter(|(_, last)| **last > 0).all(|(child, _)| {
        let mut ancestors = history.lineages().ancestors(child).into_iter();
        ancestors.all(|parent| at(vector, &parent) >= history.last_of(&parent))
    })
}

/// It is one of them, and there is no greater.
fn assert_greatest(ours: &Cut, valid: &[Vector], what: &str) {
    let is_ours = |vector: &&Vector| vector.iter().all(|(region, last)| ours.last(region) == *last);
    assert!(valid.iter().any(|vector| is_ours(&vector)), "{what}: {:?} is none", ours.sequences());
    for vector in valid {
        let below = vector.iter().all(|(region, last)| *last <= ours.last(region));
        assert!(below, "{what}: {:?} is not above {vector:?}", ours.sequences());
    }
}

#[test]
fn a_trimmed_cut_is_the_greatest_in_which_every_effect_has_its_cause() {
    let (mut cut_down, mut stuck) = (0, 0);
    for seed in 0..4000 {
        let random = &mut Random::new(seed);
        let lengths = DIGITS.map(|_| random.below(5));
        let logs = DIGITS.iter().zip(lengths).map(|(digit, length)| wal("h", 1).edits(*digit, 1..=length, 1));
        let history = world(logs.collect(), seed % 2 == 0);
        let mut asked = Vector::new();
        for (digit, length) in DIGITS.iter().zip(lengths) {
            asked.insert(region(*digit), length - random.below(length.min(2) + 1));
        }
        let asked = at_sequences(&history, &Starts::default(), &asked);
        let held: Vec<(char, u64)> =
            ['a', 'd'].map(|digit| (digit, random.below(asked.last(&region(digit)) + 1))).to_vec();
        let starts = if seed % 3 == 0 { snapshot(&history, &held) } else { Starts::default() };
        let found = |random: &mut Random| match random.below(12) {
            0 => Located::Files,
            1 => Located::Nowhere,
            _ => {
                let index = random.below(4) as usize;
                let sequence = random.below(lengths[index].max(1)) + 1;
                Located::Entry(EntryId { region: region(DIGITS[index]), sequence })
            }
        };
        let dependencies: Vec<Dependency> = (0..random.below(7))
            .map(|_| Dependency { cause: found(random), effect: found(random) })
            .collect();
        let ours = trim(&history, &starts, &asked, &dependencies);

        let is_in = |found: Located, vector: &Vector| match found {
            Located::Entry(event) => event.sequence <= at(vector, &event.region),
            Located::Files => true,
            Located::Nowhere => false,
        };
        let can_go = |effect: Located| match effect {
            Located::Entry(event) => event.sequence > starts.held(&event.region),
            _ => false,
        };
        let limit: Vector = DIGITS.map(|digit| (region(digit), asked.last(&region(digit)))).into();
        let valid: Vec<Vector> = vectors(&limit)
            .into_iter()
            .filter(|vector| is_lineal(&history, vector))
            .filter(|vector| vector.iter().all(|(region, last)| *last >= starts.held(region)))
            .filter(|vector| {
                dependencies.iter().all(|Dependency { cause, effect }| {
                    !can_go(*effect) || !is_in(*effect, vector) || is_in(*cause, vector)
                })
            })
            .collect();
        assert_greatest(&ours.cut, &valid, &format!("seed {seed}, {dependencies:?}"));

        let last: Vector = DIGITS.map(|digit| (region(digit), ours.cut.last(&region(digit)))).into();
        let indexes = |wanted: &dyn Fn(&Dependency) -> bool| -> Vec<usize> {
            (0..dependencies.len()).filter(|index| wanted(&dependencies[*index])).collect()
        };
        let without = indexes(&|found| is_in(found.effect, &last) && !is_in(found.cause, &last));
        assert_eq!(ours.in_files, without, "seed {seed}");
        let gone = indexes(&|found| is_in(found.effect, &limit) && !is_in(found.effect, &last));
        assert_eq!(ours.trimmed, gone, "seed {seed}");
        cut_down += usize::from(ours.cut.sequences() != asked.sequences());
        stuck += usize::from(!without.is_empty());
    }
    println!("4000 histories; {cut_down} cuts were trimmed, in {stuck} an effect was in the files");
    assert!(cut_down > 1000 && stuck > 100);
}

#[test]
fn a_cut_by_time_is_the_greatest_whose_entries_were_all_written_by_then() {
    let mut held_back = 0;
    for seed in 0..2000 {
        let random = &mut Random::new(seed);
        let mut times: BTreeMap<(EncodedRegionName, u64), i64> = BTreeMap::new();
        let mut logs = Vec::new();
        for digit in DIGITS {
            let mut log = wal("h", 1);
            for sequence in 1..=random.below(4) {
                let time = random.below(6) as i64;
                log = log.edits(digit, [sequence], time);
                times.insert((region(digit), sequence), time);
            }
            logs.push(log);
        }
        let history = world(logs, seed % 2 == 0);
        let time_ms = random.below(6) as i64;
        let ours = at_time(&history, time_ms, &Clocks::default());
        let limit: Vector = history.regions().keys().map(|name| (*name, history.last_of(name))).collect();
        let by_then = |vector: &Vector| {
            let mut inside = times.iter().filter(|((region, sequence), _)| *sequence <= at(vector, region));
            inside.all(|(_, time)| *time <= time_ms)
        };
        let valid: Vec<Vector> = vectors(&limit)
            .into_iter()
            .filter(|vector| is_lineal(&history, vector) && by_then(vector))
            .collect();
        assert_greatest(&ours, &valid, &format!("seed {seed}, time {time_ms}"));
        held_back += ours.held_back.len();
    }
    println!("2000 histories; {held_back} regions were held back");
    assert!(held_back > 100);
}

/// Entries at true times, in microseconds, written by clocks that are wrong by up to `bound` ms and jump about. The
/// first ones of each region are in no WAL that is left.
fn skewed(random: &mut Random, bound: u64, gone: [u64; 4]) -> (History, Vec<(EntryId, u64)>) {
    let mut logs: Vec<Log> = ["h", "i", "j", "k"].map(|host| wal(host, 1).ends(FileEnd::Unclosed)).into();
    let mut sequences = [0; 4];
    let (mut now, mut events) = (1_000_000, Vec::new());
    for _ in 0..random.below(24) + 4 {
        now += random.below(3000) + 1;
        let index = random.below(4) as usize;
        sequences[index] += 1;
        let shown = now + random.below(2000 * bound + 1) - 1000 * bound;
        if sequences[index] > gone[index] {
            let log = logs.remove(index).edits(DIGITS[index], [sequences[index]], (shown / 1000) as i64);
            logs.insert(index, log);
        }
        events.push((EntryId { region: region(DIGITS[index]), sequence: sequences[index] }, now));
    }
    let mut sources = sources(logs);
    sources.dead_servers = ["h", "i", "j", "k"].map(|host| server(host, 1)).into();
    (History::new(sources), events)
}

#[test]
fn under_bounded_clocks_an_effect_without_its_cause_is_among_the_uncertain() {
    let (mut broken, mut proved, mut undated) = (0, 0, 0);
    for seed in 0..6000 {
        let random = &mut Random::new(seed);
        let bound = random.below(8);
        // In a third of the histories the first WALs are gone, and a snapshot holds what was in them.
        let gone = if seed % 3 == 0 { DIGITS.map(|_| random.below(6)) } else { [0; 4] };
        let (history, events) = skewed(random, bound, gone);
        let held: Vec<(char, u64)> = DIGITS.into_iter().zip(gone).filter(|(_, gone)| *gone > 0).collect();
        let starts = snapshot(&history, &held);
        let clocks = Clocks::within(bound as u32);
        let mut cut = if seed % 2 == 0 {
            at_time(&history, 1000 + random.below(40) as i64, &clocks)
        } else {
            let any = DIGITS.map(|digit| (region(digit), random.below(8)));
            at_sequences(&history, &starts, &any.into())
        };
        // No cut is below the start.
        let vector = DIGITS.map(|digit| {
            let region = region(digit);
            (region, cut.last(&region).max(starts.held(&region)))
        });
        cut = at_sequences(&history, &starts, &vector.into());
        // At worst everything depends on everything that was written before it.
        let mut pairs = Vec::new();
        for (at, (effect, _)) in events.iter().enumerate() {
            pairs.extend(events[..at].iter().map(|(cause, _)| (*cause, *effect)));
        }
        let is_in = |event: EntryId| cut.contains(&event.region, event.sequence);
        let is_dated = |event: &EntryId| event.sequence > starts.held(&event.region);
        let broken_pairs: Vec<(EntryId, EntryId)> =
            pairs.into_iter().filter(|(cause, effect)| is_in(*effect) && !is_in(*cause)).collect();
        let effects: BTreeSet<EntryId> = broken_pairs.iter().map(|(_, effect)| *effect).collect();
        let causes: BTreeSet<EntryId> = broken_pairs.iter().map(|(cause, _)| *cause).collect();
        let dated = effects.iter().filter(|effect| is_dated(effect)).count() as u64;
        let level = clock_level(&history, &starts, &cut, &clocks, &frontier(&history, &clocks));
        let ClockLevel::Bounded { uncertain_in, uncertain_out, undated_regions } = level else {
            panic!("{level:?}")
        };
        assert!(dated <= uncertain_in, "seed {seed}: {effects:?}, {level:?}");
        assert!(causes.len() as u64 <= uncertain_out, "seed {seed}: {causes:?}, {level:?}");
        assert!(effects.len() as u64 == dated || undated_regions > 0, "seed {seed}: {effects:?}, {level:?}");
        broken += usize::from(!effects.is_empty());
        undated += usize::from(effects.len() as u64 > dated);
        proved += usize::from(uncertain_in == 0 && undated_regions == 0);
    }
    println!(
        "6000 histories; {broken} cuts break causality ({undated} by undated effects), {proved} are proved not to"
    );
    assert!(broken > 500 && proved > 500 && undated > 50);
}

#[test]
fn a_million_dependencies_are_trimmed_without_a_second_look() {
    let length = 250_000;
    let history = history(DIGITS.map(|digit| wal("h", 1).edits(digit, 1..=length, 1)));
    // A chain that goes from region to region; its first node is left out, so that all of it falls.
    let events: Vec<EntryId> = (1..=length)
        .flat_map(|sequence| DIGITS.map(|digit| EntryId { region: region(digit), sequence }))
        .collect();
    let chain: Vec<Dependency> = events
        .windows(2)
        .map(|pair| Dependency { cause: Located::Entry(pair[0]), effect: Located::Entry(pair[1]) })
        .collect();
    let mut asked: Vector = DIGITS.map(|digit| (region(digit), length)).into();
    asked.insert(region('a'), 0);
    let asked = at_sequences(&history, &Starts::default(), &asked);
    let ours = trim(&history, &Starts::default(), &asked, &chain);
    assert!(DIGITS.iter().all(|digit| ours.cut.last(&region(*digit)) == 0));
    // In each group of four only the node in `a` was out at the beginning.
    assert_eq!(ours.trimmed.len(), 750_000);
}
