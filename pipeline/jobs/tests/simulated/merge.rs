//! The merge of a cut's edits: each once, in the order of ids, from the exact start; and what a wrong one would give.

use crate::root::{context, convert, cut_options, put, untils};
use cuts::{OpenedCut, Until};
use fixtures::sim::{Cell, Cluster, Durability, Shape, SimSnapshot, StoredCell, Vector, raw_cells, simulate};
use fixtures::{Random, seeds};
use formats::cell::CellType;
use runtime::{Budget, Run, RunOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use steps::edits::{EditBounds, EditSource, LogOrder};
use store::{MemoryStore, Store};

/// An edit as the merge gives it: region, id, cell.
type Given = (String, u64, Cell);

fn open(cluster: &Cluster, store: &Arc<dyn Store>, snapshot: &str, until: Until) -> Option<OpenedCut> {
    let context = context(cluster);
    let run = Run::new(RunOptions {
        cpu_workers: 1,
        budget: Budget::new(context.memory),
        cancel: context.cancel,
        progress: context.progress,
    });
    cuts::open(&cut_options("memory:/", snapshot, until), store, &run.unwrap()).ok()
}

/// The ids of a region's edits, ascending.
fn ids_of(cluster: &Cluster, region: &str) -> Vec<u64> {
    let here = cluster.edits.iter().filter(|edit| cluster.regions[edit.region].name.as_str() == region);
    let mut ids: Vec<u64> = here.map(|edit| edit.sequence).collect();
    ids.sort_unstable();
    ids
}

/// How a merge may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mutant {
    /// By an id: seldom a difference, for the number of a flush belongs to no edit, and the next id to START_FLUSH.
    StartOneIdEarly,
    StartOneIdLate,
    /// By an edit.
    StartOneEditEarly,
    StartOneEditLate,
    EndOneEarly,
    EndOneLate,
    EverythingReplayed,
    RegionLost,
    DaughterLost,
    BatchLost,
    CopiesKept,
    TieOrder,
}

const MUTANTS: [Mutant; 12] = [
    Mutant::StartOneIdEarly,
    Mutant::StartOneIdLate,
    Mutant::StartOneEditEarly,
    Mutant::StartOneEditLate,
    Mutant::EndOneEarly,
    Mutant::EndOneLate,
    Mutant::EverythingReplayed,
    Mutant::RegionLost,
    Mutant::DaughterLost,
    Mutant::BatchLost,
    Mutant::CopiesKept,
    Mutant::TieOrder,
];

/// The edits of a cut, through the merge; wrongly if asked.
fn merged(
    cluster: &Cluster,
    store: &dyn Store,
    opened: &OpenedCut,
    mutant: Option<Mutant>,
    random: &mut Random,
) -> Vec<Given> {
    let replay = opened.replay.in_order();
    let lost = random.below(replay.len().max(1) as u64) as usize;
    let batches: Vec<_> = opened.batches.values().flatten().collect();
    let lost_batch = random.below(batches.len().max(1) as u64) as usize;
    let families = [b"f".to_vec(), b"g".to_vec()];
    let mut given = Vec::new();
    for (at, (name, region)) in replay.into_iter().enumerate() {
        let is_daughter = region.relation == history::Relation::Descendant;
        let is_lost = at == lost
            && (mutant == Some(Mutant::RegionLost) || (is_daughter && mutant == Some(Mutant::DaughterLost)));
        if is_lost {
            continue;
        }
        let after = families.iter().map(|family| (family.clone(), region.after(family)));
        let mut bounds =
            EditBounds { first: region.first(), through: region.through, after: after.collect() };
        change(&mut bounds, mutant, &ids_of(cluster, name.as_str()));
        let open = |path| catalog::open_batch(store, path).unwrap();
        let of_region = batches.iter().enumerate().filter(|(at, batch)| {
            batch.bounds.contains_key(name) && !(*at == lost_batch && mutant == Some(Mutant::BatchLost))
        });
        let stored: Vec<_> = of_region.map(|(_, batch)| open(&batch.wal.path)).collect();
        let sources = || stored.iter().map(|batch| EditSource { path: "batch", batch });
        if mutant == Some(Mutant::CopiesKept) {
            for source in sources() {
                take(LogOrder::new(name.as_str(), [source], bounds.clone(), usize::MAX), &mut given);
            }
        } else {
            take(LogOrder::new(name.as_str(), sources(), bounds, usize::MAX), &mut given);
        }
    }
    if mutant == Some(Mutant::TieOrder) {
        swap_a_tie(&mut given);
    }
    given
}

/// `ids` are those of the region's edits.
fn change(bounds: &mut EditBounds, mutant: Option<Mutant>, ids: &[u64]) {
    let before = |after: u64| ids.iter().copied().rfind(|id| *id <= after).map_or(after, |id| id - 1);
    let behind = |after: u64| ids.iter().copied().find(|id| *id > after).unwrap_or(after);
    match mutant {
        Some(Mutant::StartOneIdEarly) => {
            bounds.first = bounds.first.saturating_sub(1);
            bounds.after.iter_mut().for_each(|(_, after)| *after = after.saturating_sub(1));
        }
        Some(Mutant::StartOneIdLate) => bounds.after.iter_mut().for_each(|(_, after)| *after += 1),
        Some(Mutant::StartOneEditEarly) => {
            bounds.after.iter_mut().for_each(|(_, after)| *after = before(*after));
            bounds.first = bounds.after.iter().map(|(_, after)| after + 1).min().unwrap_or_default();
        }
        Some(Mutant::StartOneEditLate) => {
            bounds.after.iter_mut().for_each(|(_, after)| *after = behind(*after))
        }
        Some(Mutant::EndOneEarly) => bounds.through = bounds.through.saturating_sub(1),
        Some(Mutant::EndOneLate) => bounds.through += 1,
        Some(Mutant::EverythingReplayed) => {
            *bounds = EditBounds { through: bounds.through, ..EditBounds::all() }
        }
        _ => {}
    }
}

fn take(mut merge: LogOrder<'_, catalog::StoredParquet>, given: &mut Vec<Given>) {
    loop {
        match merge.advance() {
            Ok(true) => {}
            Ok(false) => return,
            Err(problem) => panic!("{problem}"),
        }
        let edit = merge.edit().unwrap();
        let family = if edit.cell.family == b"f" { "f" } else { "g" };
        let cell = Cell {
            row: edit.cell.row.to_vec(),
            family,
            qualifier: edit.cell.qualifier.to_vec(),
            timestamp: edit.cell.timestamp,
            cell_type: edit.cell.cell_type,
            value: edit.cell.value.to_vec(),
        };
        given.push((edit.region.to_owned(), edit.cell.sequence, cell));
    }
}

/// Two puts of one key change places, and so the one that wins.
fn swap_a_tie(given: &mut [Given]) {
    let key = |cell: &Cell| (cell.row.clone(), cell.family, cell.qualifier.clone(), cell.timestamp);
    let mut seen = BTreeMap::new();
    for at in 0..given.len() {
        let (_, _, cell) = &given[at];
        if cell.cell_type != CellType::Put {
            continue;
        }
        if let Some(before) = seen.insert(key(cell), at) {
            let value = std::mem::take(&mut given[before].2.value);
            given[before].2.value = std::mem::replace(&mut given[at].2.value, value);
            return;
        }
    }
}

/// The edits that are in the cut and not in the snapshot's files.
fn expected(cluster: &Cluster, snapshot: &SimSnapshot, vector: &Vector) -> Vec<Given> {
    let files = cluster.in_files(snapshot);
    let cells = cluster.restored(snapshot, vector).unwrap();
    let replayed = cells.iter().filter(|cell| !files.contains_key(cell));
    let logged = replayed.filter(|cell| cluster.edits[cell.edit].durability == Durability::Logged);
    let region = |cell: &StoredCell| cluster.regions[cluster.edits[cell.edit].region].name.to_string();
    let mut given: Vec<Given> = logged.map(|cell| (region(cell), cell.sequence, cell.cell.clone())).collect();
    given.sort();
    given
}

/// What a raw scan would show of these on top of the files.
fn content(cluster: &Cluster, snapshot: &SimSnapshot, given: &[Given]) -> Vec<fixtures::sim::TableCell> {
    let mut cells: Vec<StoredCell> = cluster.in_files(snapshot).into_keys().collect();
    cells.extend(given.iter().map(|(_, sequence, cell)| StoredCell {
        cell: cell.clone(),
        sequence: *sequence,
        edit: 0,
    }));
    raw_cells(&cells)
}

#[test]
fn every_edit_comes_once_and_a_wrong_merge_is_noticed() {
    let mut counts: BTreeMap<Mutant, (usize, usize)> = BTreeMap::new();
    let mut cuts = 0;
    for seed in seeds(20) {
        let cluster = simulate(seed, &Shape::of(seed));
        let memory = if seed % 2 == 0 { MemoryStore::files() } else { MemoryStore::objects() };
        put(&cluster, &memory);
        let store: Arc<dyn Store> = Arc::new(memory);
        convert(&cluster, &store, &format!("seed {seed}"));
        let names = cluster.region_names();
        let random = &mut Random::new(seed);
        for snapshot in cluster.snapshots.iter().take(2) {
            for until in untils(&cluster, random).into_iter().filter(|until| *until != Until::Snapshot) {
                let what = format!("seed {seed}, snapshot {}, until {until}", snapshot.name);
                let Some(opened) = open(&cluster, &store, &snapshot.name, until) else { continue };
                let sequences = opened.certificate.cut.sequences().iter();
                let vector: Vector =
                    sequences.filter_map(|(name, last)| Some((*names.get(name.as_str())?, *last))).collect();
                let given = merged(&cluster, store.as_ref(), &opened, None, random);
                let mut sorted = given.clone();
                sorted.sort();
                let expected = expected(&cluster, snapshot, &vector);
                assert_eq!(sorted, expected, "{what}");
                let ascending = given.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 <= pair[1].1);
                assert!(ascending, "{what}: not in the order of ids");
                cuts += 1;
                let right = content(&cluster, snapshot, &given);
                for mutant in MUTANTS {
                    let wrong = merged(&cluster, store.as_ref(), &opened, Some(mutant), random);
                    let mut sorted = wrong.clone();
                    sorted.sort();
                    let (noticed, shown) = counts.entry(mutant).or_default();
                    *noticed += usize::from(sorted != expected);
                    *shown += usize::from(content(&cluster, snapshot, &wrong) != right);
                    // What a scan would show as wrong is never given as right.
                    assert!(
                        sorted != expected || content(&cluster, snapshot, &wrong) == right,
                        "{what}: {mutant:?}"
                    );
                }
            }
        }
    }
    eprintln!("{cuts} cuts; wrong merges: noticed / of these, a raw scan shows it");
    for (mutant, (noticed, shown)) in &counts {
        eprintln!("{noticed:6} {shown:6}  {mutant:?}");
    }
    let by_id = |mutant: &Mutant| matches!(mutant, Mutant::StartOneIdEarly | Mutant::StartOneIdLate);
    let dead: Vec<_> =
        counts.iter().filter(|(mutant, (noticed, _))| *noticed == 0 && !by_id(mutant)).collect();
    assert!(seeds(20).end < 20 || dead.is_empty(), "never a difference: {dead:?}");
}
