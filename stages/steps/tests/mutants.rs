//! What the merge, the sort and the rules of visibility get wrong would be noticed: mutants of their results against a
//! small model of a store that keeps every cell and looks at all of them.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use formats::cell::{CellRef, CellType, compare_cells};
use formats::schema::{Attributes, ColumnFamilySchema, Configuration, TableSchema};
use names::{FamilyName, TableName};
use proptest::prelude::*;
use steps::scan::{Shown, Verdict, Visibility};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    row: u8,
    qualifier: Vec<u8>,
    timestamp: i64,
    cell_type: CellType,
    sequence: u64,
    value: u8,
}

impl Cell {
    fn of(&self) -> CellRef<'_> {
        CellRef {
            row: std::slice::from_ref(&self.row),
            family: b"f",
            qualifier: &self.qualifier,
            timestamp: self.timestamp,
            cell_type: self.cell_type,
            value: std::slice::from_ref(&self.value),
            tags: &[],
            sequence: self.sequence,
        }
    }
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let cell =
        (0u8..3, 0u8..3, 0i64..6, proptest::sample::select(CellType::ALL.to_vec()), 1u64..20, any::<u8>());
    let cell = cell.prop_map(|(row, qualifier, timestamp, cell_type, sequence, value)| {
        let of_family = matches!(cell_type, CellType::DeleteFamily | CellType::DeleteFamilyVersion);
        let qualifier = if of_family || qualifier == 0 { Vec::new() } else { vec![qualifier] };
        Cell { row, qualifier, timestamp, cell_type, sequence, value }
    });
    // As a log gives them: by id.
    proptest::collection::vec(cell, 0..40).prop_map(|mut cells| {
        cells.sort_by_key(|cell| cell.sequence);
        cells
    })
}

fn schema(settings: &[(&str, &str)]) -> TableSchema {
    let bytes = |text: &&str| text.as_bytes().to_vec();
    let attributes = settings.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
    TableSchema {
        table: TableName::parse("t").unwrap(),
        attributes: Attributes(Vec::new()),
        families: vec![ColumnFamilySchema {
            name: FamilyName::parse("f").unwrap(),
            attributes: Attributes(attributes),
            configuration: Configuration::default(),
        }],
        configuration: Configuration::default(),
    }
}

fn shown(cells: &[Cell], settings: &[(&str, &str)], shown: Shown, now_ms: i64) -> Vec<Cell> {
    // In the order of a store; of two cells that are equal the later one is there.
    let mut sorted: Vec<&Cell> = cells.iter().rev().collect();
    sorted.sort_by(|one, other| compare_cells(&one.of(), &other.of()));
    sorted.dedup_by(|later, kept| compare_cells(&later.of(), &kept.of()).is_eq());
    let mut visibility = Visibility::new(&schema(settings), shown, now_ms).unwrap();
    let visible = sorted.iter().map(|cell| cell.of()).filter(|cell| visibility.judge(cell) == Verdict::Shown);
    let owned = |cell: CellRef<'_>| Cell {
        row: cell.row[0],
        qualifier: cell.qualifier.to_vec(),
        timestamp: cell.timestamp,
        cell_type: cell.cell_type,
        sequence: cell.sequence,
        value: cell.value[0],
    };
    visible.map(owned).collect()
}

/// The same by looking at every pair: a Put is shown unless a marker of its row masks it, a later one has its place, or
/// enough newer versions are there.
fn model(cells: &[Cell], versions: usize, min_versions: usize, oldest: i64) -> Vec<Cell> {
    let same_place = |one: &Cell, other: &Cell| {
        (one.row, &one.qualifier, one.timestamp, one.cell_type)
            == (other.row, &other.qualifier, other.timestamp, other.cell_type)
    };
    let is_replaced = |at: usize| cells.iter().skip(at + 1).any(|later| same_place(later, &cells[at]));
    let expired = |cell: &Cell| min_versions == 0 && cell.timestamp < oldest;
    let is_masked = |put: &Cell| {
        cells.iter().filter(|marker| marker.row == put.row && !expired(marker)).any(|marker| {
            match marker.cell_type {
                CellType::Put => false,
                CellType::Delete => marker.qualifier == put.qualifier && marker.timestamp == put.timestamp,
                CellType::DeleteColumn => {
                    marker.qualifier == put.qualifier && marker.timestamp >= put.timestamp
                }
                CellType::DeleteFamily => marker.timestamp >= put.timestamp,
                CellType::DeleteFamilyVersion => marker.timestamp == put.timestamp,
            }
        })
    };
    let puts = cells.iter().enumerate().filter(|(_, cell)| cell.cell_type == CellType::Put);
    let puts = puts.filter(|(at, _)| !is_replaced(*at)).map(|(_, cell)| cell);
    let alive: Vec<&Cell> = puts.filter(|put| !is_masked(put)).collect();
    let mut shown: Vec<Cell> = Vec::new();
    for put in &alive {
        let newer = alive.iter().filter(|other| {
            (other.row, &other.qualifier) == (put.row, &put.qualifier) && other.timestamp > put.timestamp
        });
        let rank = newer.count();
        if rank < versions && (rank < min_versions || put.timestamp >= oldest) {
            shown.push((*put).clone());
        }
    }
    shown.sort_by(|one, other| compare_cells(&one.of(), &other.of()));
    shown
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_shown_is_what_looking_at_every_pair_shows(
        cells in cells(),
        versions in 1usize..4,
        min_versions in 0usize..3,
        ttl in prop_oneof![Just(None), (1i64..4).prop_map(Some)],
    ) {
        let min_versions = min_versions.min(versions);
        // Timestamps are 0 to 5; at 6 seconds a TTL of n seconds leaves those of 6 - n seconds and later.
        let cells: Vec<Cell> = cells.into_iter().map(|cell| Cell { timestamp: cell.timestamp * 1000, ..cell }).collect();
        let (versions_text, min_text) = (versions.to_string(), min_versions.to_string());
        let ttl_text = ttl.unwrap_or(i64::from(i32::MAX)).to_string();
        let settings = [("VERSIONS", &*versions_text), ("MIN_VERSIONS", &*min_text), ("TTL", &*ttl_text)];
        let oldest = ttl.map_or(i64::MIN, |seconds| 6000 - seconds * 1000);
        let all = shown(&cells, &settings, Shown::AllVersions, 6000);
        prop_assert_eq!(&all, &model(&cells, versions, min_versions, oldest));
        let newest = shown(&cells, &settings, Shown::Newest, 6000);
        prop_assert_eq!(newest, model(&cells, 1, min_versions, oldest));
    }
}

/// Mutants of the order and of the log that the model notices in some of these few cases.
#[test]
fn mutants_are_noticed() {
    let cell = |timestamp, cell_type, sequence, value| Cell {
        row: 1,
        qualifier: vec![1],
        timestamp,
        cell_type,
        sequence,
        value,
    };
    let (put, delete) = (CellType::Put, CellType::DeleteColumn);
    let logs = [
        vec![cell(5, put, 1, 1), cell(5, put, 2, 2)],
        vec![cell(5, put, 3, 1), cell(5, put, 3, 2)],
        vec![cell(5, put, 1, 1), cell(5, delete, 2, 0), cell(6, put, 3, 3)],
        vec![cell(4, put, 1, 1), cell(5, put, 2, 2), cell(6, put, 3, 3)],
        vec![cell(7, put, 1, 1), cell(6, put, 2, 2)],
    ];
    let settings = [("VERSIONS", "2")];
    let right: Vec<_> = logs.iter().map(|log| shown(log, &settings, Shown::AllVersions, 9)).collect();
    let expected: Vec<_> = logs.iter().map(|log| model(log, 2, 0, i64::MIN)).collect();
    assert_eq!(right, expected);
    type Mutant = fn(&mut Vec<Cell>);
    let mutants: [(&str, Mutant); 5] = [
        ("ties the wrong way round", |log| log.reverse()),
        ("ids the wrong way round", |log| log.iter_mut().for_each(|cell| cell.sequence = 9 - cell.sequence)),
        ("the last edit is lost", |log| drop(log.pop())),
        ("the first edit is lost", |log| drop(log.remove(0))),
        ("edits above the first id only", |log| log.retain(|cell| cell.sequence > 2)),
    ];
    for (what, mutant) in mutants {
        let differs = logs.iter().zip(&expected).any(|(log, expected)| {
            let mut log = log.clone();
            mutant(&mut log);
            // Ids are only compared with each other, so values are what counts.
            let values =
                |cells: &[Cell]| cells.iter().map(|cell| (cell.timestamp, cell.value)).collect::<Vec<_>>();
            values(&shown(&log, &settings, Shown::AllVersions, 9)) != values(expected)
        });
        assert!(differs, "{what}");
    }
}
