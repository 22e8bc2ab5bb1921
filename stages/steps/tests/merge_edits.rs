//! The edits of a region, from batches that hold them in pieces and more than once, against the simplest model: a map
//! by (sequence id, index), brought into the order of an HFile or left in that of the log.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use columns::Bytes;
use columns::WalMarks;
use columns::batch::{BatchEncoder, BatchFile, BatchMarks, CellArena, SortedCells, sort_arenas};
use formats::cell::{CellRef, CellType, compare_cells};
use proptest::prelude::*;
use std::collections::BTreeMap;
use steps::edits::{EditBounds, EditSource, LogOrder, MergeEdits, Wanted, compare_batches};
use steps::hfile::RowRange;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    row: Vec<u8>,
    family: &'static str,
    qualifier: Vec<u8>,
    timestamp: i64,
    cell_type: CellType,
    value: Vec<u8>,
}

impl Cell {
    fn of(&self, sequence: u64) -> CellRef<'_> {
        CellRef {
            row: &self.row,
            family: self.family.as_bytes(),
            qualifier: &self.qualifier,
            timestamp: self.timestamp,
            cell_type: self.cell_type,
            value: &self.value,
            tags: &[],
            sequence,
        }
    }
}

/// Sequence id, index, cell.
type Edit = (u64, u32, Cell);
type Entries = BTreeMap<u64, Vec<Cell>>;

fn cells() -> impl Strategy<Value = Cell> {
    let families = prop_oneof![Just("f"), Just("g"), Just("added")];
    let types = proptest::sample::select(CellType::ALL.to_vec());
    let row = prop_oneof![
        proptest::collection::vec(0u8..3, 0..3),
        Just(b"longrow-1".to_vec()),
        Just(b"longrow-12".to_vec())
    ];
    (row, families, proptest::collection::vec(0u8..2, 0..2), 0i64..4, types, any::<[u8; 2]>()).prop_map(
        |(row, family, qualifier, timestamp, cell_type, value)| Cell {
            row,
            family,
            qualifier,
            timestamp,
            cell_type,
            value: value.to_vec(),
        },
    )
}

fn entries() -> impl Strategy<Value = Entries> {
    proptest::collection::btree_map(1u64..60, proptest::collection::vec(cells(), 1..4), 0..30)
}

/// A batch with these entries; other regions stand before and after.
fn batch<'e>(entries: impl Iterator<Item = (&'e u64, &'e Vec<Cell>)>) -> BatchFile<Bytes> {
    let mut bytes = Vec::new();
    let wal = WalMarks { name: "wal".into(), bytes: 1, closed: true };
    let marks = BatchMarks { wal, table: "default:t".into(), unordered: Vec::new() };
    let mut encoder = BatchEncoder::new(&mut bytes, &marks, None).unwrap();
    let other = Cell {
        row: b"other".to_vec(),
        family: "f",
        qualifier: vec![],
        timestamp: 1,
        cell_type: CellType::Put,
        value: vec![],
    };
    let aside = |region| {
        let mut arena = CellArena::new(region, b"f");
        arena.push(&other.of(7), 0, 0);
        arena
    };
    encoder.push(&SortedCells::of(&aside("a"))).unwrap();
    let mut families: BTreeMap<&str, CellArena> = BTreeMap::new();
    for (sequence, cells) in entries {
        for (index, cell) in (0u32..).zip(cells) {
            let arena = families.entry(cell.family);
            let arena = arena.or_insert_with(|| CellArena::new("r", cell.family.as_bytes()));
            arena.push(&cell.of(*sequence), index, 1000 + *sequence as i64);
        }
    }
    for arena in families.into_values() {
        sort_arenas(&[arena], |group| encoder.push(&group)).unwrap();
    }
    encoder.push(&SortedCells::of(&aside("z"))).unwrap();
    encoder.finish().unwrap();
    BatchFile::new(Bytes::from(bytes)).unwrap()
}

fn bounds(first: u64, through: u64, after: &[(&str, u64)]) -> EditBounds {
    let after = after.iter().map(|(family, after)| (family.as_bytes().to_vec(), *after)).collect();
    EditBounds { first, through, after }
}

fn owned(edit: &columns::batch::BatchCell<'_>) -> Edit {
    let family = ["f", "g", "added"].into_iter().find(|family| family.as_bytes() == edit.cell.family);
    let cell = Cell {
        row: edit.cell.row.to_vec(),
        family: family.expect("one of ours"),
        qualifier: edit.cell.qualifier.to_vec(),
        timestamp: edit.cell.timestamp,
        cell_type: edit.cell.cell_type,
        value: edit.cell.value.to_vec(),
    };
    assert_eq!(edit.write_time, 1000 + edit.cell.sequence as i64);
    (edit.cell.sequence, edit.index, cell)
}

/// In the order of an HFile, and how many came again.
fn merged(
    batches: &[BatchFile<Bytes>],
    bounds: &EditBounds,
    wanted: &Wanted<'_>,
) -> Result<(Vec<Edit>, u64), stage::Problem> {
    let sources = batches.iter().map(|batch| EditSource { path: "a batch", batch });
    let mut merge = MergeEdits::of_region("r", sources, bounds, wanted);
    let mut found = Vec::new();
    while merge.advance()? {
        found.push(owned(&merge.edit().expect("there is one")));
    }
    assert!(merge.edit().is_none() && !merge.advance()?);
    assert_eq!(merge.given(), found.len() as u64);
    Ok((found, merge.duplicates()))
}

/// In the order of the log.
fn logged(
    batches: &[BatchFile<Bytes>],
    bounds: EditBounds,
    memory: usize,
) -> Result<Vec<Edit>, stage::Problem> {
    let sources = batches.iter().map(|batch| EditSource { path: "a batch", batch });
    let mut log = LogOrder::new("r", sources, bounds, memory);
    let mut found = Vec::new();
    while log.advance()? {
        found.push(owned(&log.edit().expect("there is one")));
    }
    assert!(log.edit().is_none() && !log.advance()?);
    Ok(found)
}

/// The model: what is wanted, in the order of the log.
fn wanted_of(entries: &Entries, first: u64, through: u64, after: impl Fn(&str) -> u64) -> Vec<Edit> {
    entries
        .iter()
        .filter(|(sequence, _)| **sequence >= first && **sequence <= through)
        .flat_map(|(sequence, cells)| {
            (0u32..).zip(cells).map(move |(index, cell)| (*sequence, index, cell.clone()))
        })
        .filter(|(sequence, _, cell)| *sequence > after(cell.family))
        .collect()
}

/// The same in the order of an HFile; of one entry's cells with one key the last stays.
fn in_store(edits: &[Edit]) -> Vec<Edit> {
    let mut model: Vec<Edit> = Vec::new();
    for edit in edits {
        let key = |of: &Edit| {
            let cell = of.2.clone();
            (of.0, cell.row, cell.family, cell.qualifier, cell.timestamp, cell.cell_type)
        };
        model.retain(|known| key(known) != key(edit));
        model.push(edit.clone());
    }
    model.sort_by(|one, other| compare_cells(&one.2.of(one.0), &other.2.of(other.0)));
    model
}

/// Splits entries over batches; each goes to one at least.
fn spread(entries: &Entries, places: &[u8], batches: u8) -> Vec<BatchFile<Bytes>> {
    let is_in = |number: usize, which: u8| {
        let mask = places.get(number % places.len().max(1)).copied().unwrap_or_default();
        mask & (1 << which) != 0 || (mask & ((1 << batches) - 1) == 0 && which == 0)
    };
    let of = |which: u8| {
        let own = entries.iter().enumerate().filter(move |(number, _)| is_in(*number, which));
        batch(own.map(|(_, entry)| entry))
    };
    (0..batches).map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_edit_comes_once_and_in_order(
        entries in entries(),
        places in proptest::collection::vec(any::<u8>(), 1..20),
        batches in 1u8..6,
        (first, through, f, g) in (0u64..30, 20u64..70, 0u64..40, 0u64..40),
        (start, end) in (proptest::collection::vec(0u8..3, 0..2), proptest::option::of(proptest::collection::vec(0u8..3, 0..3))),
    ) {
        let files = spread(&entries, &places, batches);
        let bounds = bounds(first, through, &[("f", f), ("g", g)]);
        let after = |family: &str| match family { "f" => f, "g" => g, _ => 0 };
        let expected = wanted_of(&entries, first, through, after);
        let (found, _) = merged(&files, &bounds, &Wanted::default()).unwrap();
        prop_assert_eq!(found, in_store(&expected));
        let family = Wanted { family: Some(b"g"), ..Wanted::default() };
        let of_family: Vec<Edit> = expected.iter().filter(|edit| edit.2.family == "g").cloned().collect();
        prop_assert_eq!(merged(&files, &bounds, &family).unwrap().0, in_store(&of_family));
        let rows = RowRange { start, end };
        let of_rows: Vec<Edit> = expected.iter().filter(|edit| rows.holds(&edit.2.row)).cloned().collect();
        let within = Wanted { rows, ..Wanted::default() };
        prop_assert_eq!(merged(&files, &bounds, &within).unwrap().0, in_store(&of_rows));
        prop_assert_eq!(logged(&files, bounds, usize::MAX).unwrap(), expected);
    }

    #[test]
    fn one_entry_with_two_contents_is_never_chosen_from(
        entries in entries(),
        places in proptest::collection::vec(any::<u8>(), 1..20),
        which in any::<prop::sample::Index>(),
        last in any::<bool>(),
    ) {
        prop_assume!(!entries.is_empty());
        let mut changed = entries.clone();
        let sequence = *entries.keys().nth(which.index(entries.len())).unwrap();
        let cells = changed.get_mut(&sequence).unwrap();
        match last {
            // Of cells with one key the last is the one that is looked at.
            false => cells.last_mut().unwrap().value.push(1),
            true => cells.last_mut().unwrap().timestamp += 100,
        }
        let files = spread(&entries, &places, 2);
        let other = batch([(&sequence, &changed[&sequence])].into_iter());
        let conflicts = files.iter().map(|file| compare_batches(file, &other, "r", (0, u64::MAX)).unwrap());
        let found: Vec<u64> = conflicts.flatten().map(|conflict| conflict.sequence).collect();
        prop_assert!(!found.is_empty() && found.iter().all(|id| *id == sequence), "{found:?}");
        // After the cut it does not matter.
        let before = files.iter().map(|file| compare_batches(file, &other, "r", (0, sequence - 1)).unwrap());
        prop_assert!(before.flatten().next().is_none());
        let all: Vec<BatchFile<Bytes>> = files.into_iter().chain([other]).collect();
        if !last {
            let problem = merged(&all, &EditBounds::all(), &Wanted::default()).unwrap_err();
            prop_assert!(problem.what.contains(&format!("id {sequence} with other cells")), "{problem}");
        }
        prop_assert!(merged(&all, &bounds(0, sequence - 1, &[]), &Wanted::default()).is_ok());
    }

    /// Recovered edits hold a part of an entry: the cells of the stores that had not been flushed, numbered anew.
    #[test]
    fn a_part_of_an_entry_is_no_conflict(entries in entries(), family in prop::sample::select(vec!["f", "g", "added"])) {
        let part: Entries = entries
            .iter()
            .map(|(id, cells)| (*id, cells.iter().filter(|cell| cell.family == family).cloned().collect()))
            .filter(|(_, cells): &(u64, Vec<Cell>)| !cells.is_empty())
            .collect();
        let files = [batch(part.iter()), batch(entries.iter())];
        prop_assert_eq!(compare_batches(&files[0], &files[1], "r", (0, u64::MAX)).unwrap(), None);
        let expected = wanted_of(&entries, 0, u64::MAX, |_| 0);
        let (found, duplicates) = merged(&files, &EditBounds::all(), &Wanted::default()).unwrap();
        prop_assert_eq!(found, in_store(&expected));
        prop_assert_eq!(duplicates, part.values().map(Vec::len).sum::<usize>() as u64);
        prop_assert_eq!(logged(&files, EditBounds::all(), usize::MAX).unwrap(), expected);
    }
}

#[test]
fn what_comes_twice_is_counted() {
    let cell = |value: &[u8]| Cell {
        row: b"r".to_vec(),
        family: "f",
        qualifier: vec![],
        timestamp: 1,
        cell_type: CellType::Put,
        value: value.to_vec(),
    };
    let entries: Entries = [(5, vec![cell(b"a"), cell(b"b")]), (6, vec![cell(b"c")])].into();
    let twice = [batch(entries.iter()), batch(entries.iter()), batch(entries.iter().skip(1))];
    let (found, duplicates) = merged(&twice, &EditBounds::all(), &Wanted::default()).unwrap();
    assert_eq!((found.len(), duplicates), (2, 4));
    let (all, _) =
        merged(&twice, &EditBounds::all(), &Wanted { replaced: true, ..Wanted::default() }).unwrap();
    assert_eq!(all.len(), 3);
}

#[test]
fn the_order_of_the_log_does_not_depend_on_memory() {
    let cell = |row: u64, len: usize| Cell {
        row: format!("{:04}", row * 37 % 101).into_bytes(),
        family: "f",
        qualifier: vec![],
        timestamp: 1,
        cell_type: CellType::Put,
        value: vec![7; len],
    };
    let entries: Entries = (1..60).map(|id| (id, vec![cell(id, 300 << 10), cell(id + 1, 1)])).collect();
    let files = [batch(entries.iter())];
    let expected = wanted_of(&entries, 0, u64::MAX, |_| 0);
    assert!(logged(&files, EditBounds::all(), usize::MAX).unwrap() == expected);
    assert!(logged(&files, EditBounds::all(), 3 << 20).unwrap() == expected);
    let large: Entries = [(4, vec![cell(1, 3 << 20), cell(2, 3 << 20)])].into();
    let problem = logged(&[batch(large.iter())], EditBounds::all(), 3 << 20).unwrap_err();
    assert!(problem.what.contains("id 4 needs more memory"), "{problem}");
}
