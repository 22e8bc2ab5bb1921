//! The edits of a region, from batches that hold them in pieces and more than once, against the simplest model: a map
//! by (sequence id, index).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use columns::Bytes;
use columns::WalMarks;
use columns::batch::{BatchEncoder, BatchFile, BatchMarks, CellArena};
use formats::cell::{CellRef, CellType, compare_cells};
use proptest::prelude::*;
use std::collections::BTreeMap;
use steps::edits::{EditBounds, EditSource, MergeEdits, SortCells};

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

/// A batch with these entries, cut into row groups of `group` entries; another region stands before and after.
fn batch<'e>(entries: impl Iterator<Item = (&'e u64, &'e Vec<Cell>)>, group: usize) -> BatchFile<Bytes> {
    let mut bytes = Vec::new();
    let wal = WalMarks { name: "wal".into(), bytes: 1, closed: true };
    let marks = BatchMarks { wal, table: "default:t".into() };
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
        let mut arena = CellArena::new(region);
        arena.push_entry(7, 0, [other.of(7)].into_iter());
        arena
    };
    encoder.push(aside("a")).unwrap();
    let mut arena = CellArena::new("r");
    for (number, (sequence, cells)) in entries.enumerate() {
        if number % group == 0 {
            encoder.push(std::mem::replace(&mut arena, CellArena::new("r"))).unwrap();
        }
        arena.push_entry(*sequence, 1000 + *sequence as i64, cells.iter().map(|cell| cell.of(*sequence)));
    }
    encoder.push(arena).unwrap();
    encoder.push(aside("z")).unwrap();
    encoder.finish().unwrap();
    BatchFile::new(Bytes::from(bytes)).unwrap()
}

fn bounds(first: u64, through: u64, after: &[(&str, u64)]) -> EditBounds {
    let after = after.iter().map(|(family, after)| (family.as_bytes().to_vec(), *after)).collect();
    EditBounds { first, through, after }
}

fn merged(batches: &[BatchFile<Bytes>], bounds: EditBounds) -> Result<(Vec<Edit>, u64), stage::Problem> {
    let sources = batches.iter().map(|batch| EditSource { path: "a batch", batch });
    let mut merge = MergeEdits::new("r", sources, bounds);
    let mut found = Vec::new();
    while merge.advance()? {
        let edit = merge.edit().expect("there is one");
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
        found.push((edit.cell.sequence, edit.index, cell));
    }
    assert!(merge.edit().is_none() && !merge.advance()?);
    Ok((found, merge.duplicates()))
}

/// Splits entries over batches; each goes to one at least.
fn spread(entries: &Entries, places: &[u8], batches: u8, group: usize) -> Vec<BatchFile<Bytes>> {
    let is_in = |number: usize, which: u8| {
        let mask = places.get(number % places.len().max(1)).copied().unwrap_or_default();
        mask & (1 << which) != 0 || (mask & ((1 << batches) - 1) == 0 && which == 0)
    };
    let of = |which: u8| {
        let own = entries.iter().enumerate().filter(move |(number, _)| is_in(*number, which));
        batch(own.map(|(_, entry)| entry), group)
    };
    (0..batches).map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_edit_comes_once_and_in_order(
        entries in entries(),
        places in proptest::collection::vec(any::<u8>(), 1..20),
        batches in 1u8..5,
        group in 1usize..6,
        (first, through, f, g) in (0u64..30, 20u64..70, 0u64..40, 0u64..40),
    ) {
        let files = spread(&entries, &places, batches, group);
        let (found, _) = merged(&files, bounds(first, through, &[("f", f), ("g", g)])).unwrap();
        let after = |family: &str| match family { "f" => f, "g" => g, _ => 0 };
        let expected: Vec<Edit> = entries
            .iter()
            .filter(|(sequence, _)| **sequence >= first && **sequence <= through)
            .flat_map(|(sequence, cells)| {
                (0u32..).zip(cells).map(move |(index, cell)| (*sequence, index, cell.clone()))
            })
            .filter(|(sequence, _, cell)| *sequence > after(cell.family))
            .collect();
        prop_assert_eq!(found, expected);
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
            false => cells[0].value.push(1),
            true => cells.last_mut().unwrap().timestamp += 100,
        }
        let mut files = spread(&entries, &places, 2, 3);
        let one = [(&sequence, &changed[&sequence])];
        files.push(batch(one.into_iter(), 1));
        let problem = merged(&files, EditBounds::all()).unwrap_err();
        prop_assert!(problem.what.contains(&format!("id {sequence} with other cells")), "{problem}");
        // After the cut it does not matter.
        prop_assert!(merged(&files, bounds(0, sequence - 1, &[])).is_ok());
    }

    #[test]
    fn sorted_cells_are_in_the_order_of_an_hfile(entries in entries()) {
        let mut sort = SortCells::new(usize::MAX);
        let mut model: Vec<(u64, Cell)> = Vec::new();
        for (sequence, cells) in &entries {
            for cell in cells {
                sort.push(&cell.of(*sequence));
                let same = |known: &(u64, Cell)| {
                    let key = (&known.1.row, known.1.family, &known.1.qualifier, known.1.timestamp, known.1.cell_type);
                    known.0 == *sequence
                        && key == (&cell.row, cell.family, &cell.qualifier, cell.timestamp, cell.cell_type)
                };
                model.retain(|known| !same(known));
                model.push((*sequence, cell.clone()));
            }
        }
        let came = sort.len();
        model.sort_by(|one, other| compare_cells(&one.1.of(one.0), &other.1.of(other.0)));
        let sorted = sort.sort();
        let expected: Vec<CellRef<'_>> = model.iter().map(|(sequence, cell)| cell.of(*sequence)).collect();
        prop_assert_eq!(sorted.iter().collect::<Vec<_>>(), expected.clone());
        prop_assert_eq!(sorted.replaced(), (came - sorted.len()) as u64);
        for cell in &expected {
            let place = sorted.seek(cell.row);
            prop_assert_eq!(sorted.get(place).map(|found| found.row), Some(cell.row));
            prop_assert!(place == 0 || sorted.get(place - 1).is_some_and(|before| before.row < cell.row));
        }
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
    let twice = [batch(entries.iter(), 1), batch(entries.iter(), 9), batch(entries.iter().skip(1), 9)];
    let (found, duplicates) = merged(&twice, EditBounds::all()).unwrap();
    assert_eq!((found.len(), duplicates), (3, 4));
}
