//! Gathers the cells of a WAL by table, region and family, in arenas the size of a row group.

use columns::TableTotals;
use columns::batch::CellArena;
use columns::lineage::LineageRow;
use columns::markers::MarkerRow;
use formats::cell::CellRef;
use formats::wal::{METAFAMILY, WalEntry};
use names::{EncodedRegionName, TableName};
use stage::{Problem, ProblemKind, Problems};
use std::collections::{BTreeSet, HashMap};

use crate::bytes::file_problem;
use crate::wal::marker_rows::{lineage_row, marker_row};

/// Which tables are wanted: all, or those named, as `ns:name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFilter(pub Option<BTreeSet<String>>);

impl TableFilter {
    /// Whether this one is wanted.
    #[must_use]
    pub fn wants(&self, table: &str) -> bool {
        self.0.as_ref().is_none_or(|wanted| wanted.contains(table))
    }
}

/// hbase:meta: used for lineage, never as data.
pub const META: &str = "hbase:meta";

/// The cells of one family of one region, in the order of the WAL.
#[derive(Debug)]
pub struct FamilyCells {
    /// The family.
    pub family: Vec<u8>,
    /// Arenas, all but the last full.
    pub arenas: Vec<CellArena>,
}

/// The cells of one region.
#[derive(Debug, Default)]
pub struct RegionCells {
    /// The table, as `ns:name`.
    pub table: String,
    /// Encoded name of the region.
    pub region: String,
    /// Its families.
    pub families: Vec<FamilyCells>,
    /// Entries and cells, held or not.
    pub entries: u64,
    /// Cells, held or not.
    pub cells: u64,
    /// Markers.
    pub markers: u64,
    /// The smallest and largest sequence id, including those of markers.
    pub sequences: Option<(u64, u64)>,
    /// Whether an id goes back.
    pub goes_back: bool,
    last_sequence: Option<u64>,
    wanted: bool,
    meta: bool,
}

/// What has been gathered of a WAL.
pub struct GatherCells {
    path: String,
    tables: TableFilter,
    /// Regions by table and name, as the WAL has them; a name that is none has no number.
    numbers: HashMap<Vec<u8>, Option<usize>>,
    name: Vec<u8>,
    /// The regions in the order in which they were met.
    pub regions: Vec<RegionCells>,
    /// Markers, in order.
    pub markers: Vec<MarkerRow>,
    /// What hbase:meta says about regions, in order.
    pub lineage: Vec<LineageRow>,
    /// All entries.
    pub entries: u64,
    /// The smallest and largest write time.
    pub write_time: Option<(i64, i64)>,
    /// What is wrong.
    pub problems: Problems,
    /// Bytes of memory that the cells take.
    held: usize,
    /// Bytes of memory that markers and lineage take.
    rows_held: usize,
}

impl GatherCells {
    /// Nothing yet. `path` is for messages.
    pub fn new(path: &str, tables: TableFilter) -> Self {
        Self {
            path: path.to_owned(),
            tables,
            numbers: HashMap::new(),
            name: Vec::new(),
            regions: Vec::new(),
            markers: Vec::new(),
            lineage: Vec::new(),
            entries: 0,
            write_time: None,
            problems: Problems::default(),
            held: 0,
            rows_held: 0,
        }
    }

    /// Bytes of memory that it holds, the cells' and the others'.
    pub fn held(&self) -> (usize, usize) {
        (self.held, self.rows_held)
    }

    /// Takes out the cells that are held, by table, region and family, in order.
    pub fn take_cells(&mut self) -> Vec<RegionCells> {
        self.held = 0;
        let with_cells = self.regions.iter_mut().filter(|region| !region.families.is_empty());
        let mut taken: Vec<RegionCells> = with_cells
            .map(|region| RegionCells {
                table: region.table.clone(),
                region: region.region.clone(),
                families: std::mem::take(&mut region.families),
                ..RegionCells::default()
            })
            .collect();
        taken.sort_by(|one, other| (&one.table, &one.region).cmp(&(&other.table, &other.region)));
        taken.iter_mut().for_each(|region| {
            region.families.sort_by(|one, other| one.family.cmp(&other.family));
        });
        taken
    }

    /// Takes an entry.
    #[inline]
    pub fn take(&mut self, entry: &WalEntry<'_>) {
        self.entries += 1;
        let time = entry.key.write_time;
        let (first, last) = self.write_time.get_or_insert((time, time));
        (*first, *last) = ((*first).min(time), (*last).max(time));
        let Some(number) = self.number_of(entry) else { return };
        if let Some(region) = self.regions.get_mut(number) {
            let sequence = entry.key.sequence;
            let (first, last) = region.sequences.get_or_insert((sequence, sequence));
            (*first, *last) = ((*first).min(sequence), (*last).max(sequence));
        }
        let Ok(mut cells) = entry.cells() else { return };
        if cells.next().is_some_and(|cell| cell.family == METAFAMILY) {
            return self.take_markers(entry, number);
        }
        let Some(region) = self.regions.get_mut(number) else { return };
        if region.meta {
            return self.take_lineage(entry, number);
        }
        if entry.key.cell_count == 0 {
            return;
        }
        region.entries += 1;
        region.cells += u64::from(entry.key.cell_count);
        let goes_back = region.last_sequence.filter(|last| *last >= entry.key.sequence);
        region.last_sequence = Some(entry.key.sequence);
        region.goes_back |= goes_back.is_some();
        if region.wanted {
            let grown = keep(region, entry);
            self.held = self.held.saturating_add(grown);
        }
        if let Some(last) = goes_back {
            self.note_going_back(entry, number, last);
        }
    }

    /// The regions of a table whose ids go back, by name.
    pub fn unordered(&self) -> BTreeSet<(String, String)> {
        let back = self.regions.iter().filter(|region| region.goes_back);
        back.map(|region| (region.table.clone(), region.region.clone())).collect()
    }

    /// What there is of each table, in order.
    pub fn totals(&self) -> Vec<TableTotals> {
        let mut tables: std::collections::BTreeMap<&str, TableTotals> = std::collections::BTreeMap::new();
        for region in self.regions.iter().filter(|region| region.entries > 0) {
            let totals = tables.entry(&region.table).or_default();
            totals.table.clone_from(&region.table);
            totals.regions += 1;
            totals.entries += region.entries;
            totals.cells += region.cells;
        }
        tables.into_values().collect()
    }

    #[inline]
    fn number_of(&mut self, entry: &WalEntry<'_>) -> Option<usize> {
        self.name.clear();
        self.name.extend_from_slice(entry.key.table);
        self.name.push(0);
        self.name.extend_from_slice(entry.key.region);
        match self.numbers.get(self.name.as_slice()) {
            Some(number) => *number,
            None => self.add_region(entry),
        }
    }

    #[cold]
    fn add_region(&mut self, entry: &WalEntry<'_>) -> Option<usize> {
        let number = match (entry.key.table_name(), entry.key.region_name()) {
            (Ok(table), Ok(region)) => {
                self.regions.push(self.region(&table, &region));
                Some(self.regions.len() - 1)
            }
            (Err(error), _) | (_, Err(error)) => {
                let problem = Problem::new(ProblemKind::Name, &self.path, error.what).at(entry.offset);
                self.problems.push(
                    problem
                        .meaning("entries of this region are left out: HBase does not write such a name")
                        .hint("the WAL is damaged there: bring the file back from a replica"),
                );
                None
            }
        };
        self.numbers.insert(self.name.clone(), number);
        number
    }

    fn region(&self, table: &TableName, region: &EncodedRegionName) -> RegionCells {
        let (table, region) = (table.full_form().to_owned(), region.to_string());
        let meta = table == META;
        let wanted = !meta && self.tables.wants(&table);
        RegionCells { table, region, wanted, meta, ..RegionCells::default() }
    }

    #[cold]
    fn note_going_back(&mut self, entry: &WalEntry<'_>, number: usize, last: u64) {
        let what =
            format!("the entry has sequence id {}, after {last} of the same region", entry.key.sequence);
        let problem = Problem::new(ProblemKind::Structure, &self.path, what).at(entry.offset);
        let problem = problem.meaning("HBase never writes ids that go back; the batch keeps both entries");
        self.problems.push(self.in_region(problem, number));
    }

    fn in_region(&self, problem: Problem, number: usize) -> Problem {
        match self.regions.get(number) {
            Some(region) => problem.in_region(&region.region).in_table(&region.table),
            None => problem,
        }
    }

    fn take_markers(&mut self, entry: &WalEntry<'_>, number: usize) {
        let Ok(cells) = entry.cells() else { return };
        for (index, cell) in (0u32..).zip(cells) {
            let Some(region) = self.regions.get_mut(number) else { return };
            region.markers += 1;
            let (row, fault) = marker_row(entry, index, &cell, &region.table, &region.region);
            if let Some(error) = fault {
                let problem = file_problem(&self.path, &error).at(entry.offset);
                self.problems.push(self.in_region(problem, number));
            }
            self.rows_held += row.bytes();
            self.markers.push(row);
        }
    }

    fn take_lineage(&mut self, entry: &WalEntry<'_>, number: usize) {
        let Ok(cells) = entry.cells() else { return };
        for (index, cell) in (0u32..).zip(cells) {
            let Some((row, fault)) = lineage_row(entry, index, &cell) else { continue };
            if let Some(error) = fault {
                let problem = file_problem(&self.path, &error).at(entry.offset);
                self.problems.push(self.in_region(problem, number));
            }
            self.rows_held += row.bytes();
            self.lineage.push(row);
        }
    }
}

/// Puts an entry's cells into the last arenas of their families, or new ones; gives the bytes that this took.
#[inline]
fn keep(region: &mut RegionCells, entry: &WalEntry<'_>) -> usize {
    let Ok(cells) = entry.cells() else { return 0 };
    let RegionCells { families, region: name, .. } = region;
    let (mut grown, mut at) = (0, 0);
    for (index, cell) in (0u32..).zip(cells) {
        let known = families.get(at).is_some_and(|of| of.family == cell.family);
        if !known {
            at = number_of_family(families, cell.family);
        }
        let Some(FamilyCells { arenas, .. }) = families.get_mut(at) else { return grown };
        if arenas.last().is_none_or(CellArena::is_full) {
            let next = arenas.last().map_or_else(|| CellArena::new(name, cell.family), CellArena::following);
            grown += next.bytes();
            arenas.push(next);
        }
        let Some(arena) = arenas.last_mut() else { return grown };
        let before = arena.bytes();
        arena.push(&CellRef { sequence: entry.key.sequence, ..cell }, index, entry.key.write_time);
        grown += arena.bytes().saturating_sub(before);
    }
    grown
}

#[cold]
fn number_of_family(families: &mut Vec<FamilyCells>, family: &[u8]) -> usize {
    families.iter().position(|known| known.family == family).unwrap_or_else(|| {
        families.push(FamilyCells { family: family.to_vec(), arenas: Vec::new() });
        families.len() - 1
    })
}
