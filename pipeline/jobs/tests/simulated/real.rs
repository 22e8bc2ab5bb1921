//! Histories on the scale of a real cluster (`Shape::real`): cut and scan give one answer, and no wrong table comes with
//! a clean one.

use crate::root::{Truth, context, converted, cut_options, holds, lines, put};
use cuts::{CutOptions, Until};
use fixtures::sim::{Cluster, Entry, Reading, Shape, SimSnapshot, raw_cells, simulate, visible_cells};
use fixtures::{Random, seeds};
use jobs::scan::{CellForm, ScanOptions, Shown};
use stage::{FailureKind, Problems, Report, Stopped};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{MemoryStore, Store};

/// What a command says of a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// Exit code 0.
    Clean,
    /// Exit code 3, and of what kind the problems are.
    Problems(BTreeSet<String>),
    /// Exit code 4.
    Refused,
    /// Another failure.
    Failed(String),
}

fn kinds(problems: &Problems) -> BTreeSet<String> {
    let kind = |problem: &stage::Problem| {
        let text = problem.to_string();
        let words = text
            .split([' ', ',', ';', ':'])
            .filter(|word| word.len() > 2 && word.chars().all(|letter| letter.is_ascii_lowercase()));
        format!("{:?} {}", problem.kind, words.take(9).collect::<Vec<_>>().join(" "))
    };
    problems.kept().iter().map(kind).collect()
}

fn answer<T>(done: Result<Report<T>, Stopped>) -> Answer {
    match done {
        Ok(report) if report.problems.is_empty() => Answer::Clean,
        Ok(report) => Answer::Problems(kinds(&report.problems)),
        Err(stopped) if stopped.failure.kind == FailureKind::Refused => Answer::Refused,
        Err(stopped) => Answer::Failed(format!("{:?}", stopped.failure)),
    }
}

/// Converts a root's WALs into the root itself; returns what is reported about them.
fn convert(cluster: &Cluster, store: &Arc<dyn Store>) -> BTreeSet<String> {
    let mut kinds = kinds(&converted(cluster, store).problems);
    kinds.retain(|kind| !kind.contains("ends within an entry"));
    kinds
}

/// The options of a cut that accepts no gap.
fn strict(snapshot: &SimSnapshot, until: &Until) -> CutOptions {
    CutOptions { accept_gaps: None, ..cut_options("memory:/", &snapshot.name, until.clone()) }
}

fn scan(cluster: &Cluster, store: &Arc<dyn Store>, cut: CutOptions) -> (Answer, Vec<String>) {
    let options = ScanOptions {
        cut,
        table: None,
        shown: Shown::Raw,
        row: None,
        prefix: None,
        family: None,
        limit: None,
        now_ms: None,
        form: CellForm { table: false, sequence: true, hex: false },
        dictionaries: Vec::new(),
    };
    let mut out = Vec::new();
    let answer = answer(jobs::scan::run_in(store, &options, &context(cluster), &mut out));
    let text = String::from_utf8(out).unwrap();
    (answer, text.lines().map(crate::root::without_stored).collect())
}

/// What the table held; `None` if the snapshot's files hold more.
fn truth(cluster: &Cluster, snapshot: &SimSnapshot, until: &Until) -> Option<Truth> {
    let inside = |file, entry: &Entry| holds(cluster, until, file, entry);
    let ideal = cluster.ideal(&Reading::at_end(cluster), inside);
    let cells = cluster.held(snapshot, &ideal)?;
    let raw = raw_cells(&cells);
    let visible = visible_cells(&raw, cluster.tables[snapshot.table].versions);
    Some(Truth { raw, visible })
}

#[derive(Debug, Default)]
struct Counts {
    histories: usize,
    cuts: usize,
    right: usize,
    refused: usize,
    /// The table is another one, and both commands are content.
    wrong: (usize, BTreeSet<u64>),
    /// `cut` and `scan` do not agree.
    two_answers: (usize, BTreeSet<u64>),
    /// What is reported about whole histories, by kind: cuts, and histories.
    told: BTreeMap<String, (usize, BTreeSet<u64>)>,
    converting: BTreeMap<String, BTreeSet<u64>>,
}

#[test]
fn cut_and_scan_give_one_answer_and_no_wrong_table() {
    let mut counts = Counts::default();
    for seed in seeds(10) {
        let cluster = simulate(seed, &Shape::real(seed));
        let memory = MemoryStore::files();
        put(&cluster, &memory);
        let store: Arc<dyn Store> = Arc::new(memory);
        counts.histories += 1;
        for kind in convert(&cluster, &store) {
            counts.converting.entry(kind).or_default().insert(seed);
        }
        let random = &mut Random::new(seed);
        let length = cluster.ended - cluster.began;
        for snapshot in cluster.snapshots.iter().rev().take(3) {
            let time =
                Until::Time(((cluster.began + length / 3 + random.below(length * 2 / 3)) / 1000) as i64);
            for until in [Until::End, time] {
                let options = strict(snapshot, &until);
                let cut = answer(jobs::cut::run_in(&store, &options, &context(&cluster)));
                let (scanned, cells) = scan(&cluster, &store, options);
                counts.cuts += 1;
                if cut != scanned {
                    counts.two_answers.0 += 1;
                    counts.two_answers.1.insert(seed);
                }
                match &scanned {
                    Answer::Refused => counts.refused += 1,
                    Answer::Clean => {
                        let right =
                            truth(&cluster, snapshot, &until).is_some_and(|truth| cells == lines(&truth.raw));
                        if right {
                            counts.right += 1;
                        } else {
                            counts.wrong.0 += 1;
                            counts.wrong.1.insert(seed);
                        }
                    }
                    Answer::Problems(kinds) => {
                        for kind in kinds {
                            let told = counts.told.entry(kind.clone()).or_default();
                            told.0 += 1;
                            told.1.insert(seed);
                        }
                    }
                    Answer::Failed(failure) => panic!("seed {seed}, {}, {until}: {failure}", snapshot.name),
                }
            }
        }
    }
    eprintln!("{counts:#?}");
}
