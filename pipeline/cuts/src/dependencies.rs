//! Declared dependencies: the document, and where its edits are.

use crate::READING;
use crate::bases::OpenedBase;
use crate::read_log::KnownBatch;
use crate::region_files::RegionFiles;
use crate::until::{read_file, unusable};
use catalog::{CatalogError, DependencyDocument, EditDocument};
use formats::cell::CellType;
use formats::compress::Dictionaries;
use formats::snapshot::{RegionManifest, RegionRole};
use history::{Dependency, Located};
use names::TableName;
use runtime::{Run, units};
use stage::{Bytes, Failure, Map, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet};
use steps::bytes::failed_store;
use steps::edits::{EditToFind, EntriesOfEdit, FindEdits, FoundEdit};
use steps::hfile::RowRange;
use store::{Store, StorePath};

/// Dependencies of the cut's tables, and where their edits are.
#[derive(Default)]
pub(crate) struct DeclaredEdits {
    /// Cause and effect, where they were found.
    pub dependencies: Vec<Dependency>,
    /// The line of each.
    pub lines: Vec<usize>,
    /// How many concern other tables.
    pub outside: u64,
}

/// Reads a file of dependencies and finds what it names.
pub(crate) struct ReadDependencies<'a> {
    pub store: &'a dyn Store,
    pub bases: &'a [OpenedBase],
    pub batches: &'a BTreeMap<TableName, Vec<KnownBatch>>,
    pub workers: usize,
    pub run: &'a Run,
}

/// The edits of one table that are looked for: in turn cause and effect of a dependency.
#[derive(Default)]
struct Wanted {
    edits: Vec<EditToFind>,
    /// Of each edit the entries that hold it.
    found: Vec<Option<EntriesOfEdit>>,
    in_files: BTreeSet<usize>,
}

/// An edit of a dependency: its table, and its number there.
type Place = (TableName, usize);

impl ReadDependencies<'_> {
    /// All dependencies of a file.
    pub fn read(&self, file: &str, problems: &mut Problems) -> Result<DeclaredEdits, Failure> {
        let bytes = read_file("reading the dependencies", file)?;
        let mut tables: BTreeMap<TableName, Wanted> = BTreeMap::new();
        tables.extend(self.bases.iter().map(|base| (base.stores.table.clone(), Wanted::default())));
        let (mut declared, mut places) = (DeclaredEdits::default(), Vec::new());
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let at = format!("{file}, line {number}");
            let document =
                catalog::decode_dependency(&at, line).map_err(|error| unusable("dependencies", error))?;
            match of_document(&document, &mut tables, &at)? {
                Some(place) => {
                    places.push(place);
                    declared.lines.push(number);
                }
                None => declared.outside += 1,
            }
        }
        for (table, wanted) in &mut tables {
            self.find_in_batches(table, wanted, problems)?;
            self.find_in_files(table, wanted, problems)?;
        }
        for ((cause, effect), line) in places.iter().zip(&declared.lines) {
            let cause = found(&tables, cause, |entries| entries.last);
            if cause == Located::Nowhere {
                problems.push(nowhere(file, *line));
            }
            let effect = found(&tables, effect, |entries| entries.first);
            declared.dependencies.push(Dependency { cause, effect });
        }
        Ok(declared)
    }

    fn find_in_batches(
        &self,
        table: &TableName,
        wanted: &mut Wanted,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        wanted.found = vec![None; wanted.edits.len()];
        let Some(batches) = self.batches.get(table).filter(|_| !wanted.edits.is_empty()) else {
            return Ok(());
        };
        let find = FindInBatch { store: self.store, find: FindEdits::new(&wanted.edits) };
        let paths = batches.iter().map(|batch| BatchToSearch(batch.wal.path.clone()));
        let meter = self.run.meter("find dependencies", Some(batches.len() as u64), None);
        let all = &mut wanted.found;
        self.run.flow(units(paths)).io(self.workers, "find dependencies", &find).ordered().each(|batch| {
            meter.advance(1, 0);
            problems.extend(batch.problem);
            for (number, entry) in batch.found {
                let Some(known) = all.get_mut(number) else { continue };
                let entry = EntriesOfEdit::of(entry);
                *known = Some(known.map_or(entry, |known| known.with(entry)));
            }
            Ok(())
        })
    }

    /// Looks in the snapshot's files for what no batch has: one row of one family at a time.
    fn find_in_files(
        &self,
        table: &TableName,
        wanted: &mut Wanted,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let found = wanted.found.iter().enumerate();
        let left: Vec<usize> =
            found.filter(|(_, entries)| entries.is_none()).map(|(number, _)| number).collect();
        let Some(base) = self.bases.iter().find(|base| base.stores.table == *table) else { return Ok(()) };
        if left.is_empty() {
            return Ok(());
        }
        for region in base.files.snapshot.regions() {
            let region = region?;
            if region.role() != RegionRole::Rows {
                continue;
            }
            let looked = self.find_in_region(table, &region, &left, wanted);
            problems.extend(looked.err().map(|problem| problem.in_region(region.encoded)));
        }
        Ok(())
    }

    fn find_in_region(
        &self,
        table: &TableName,
        region: &RegionManifest,
        left: &[usize],
        wanted: &mut Wanted,
    ) -> Result<(), Problem> {
        let rows = RowRange::of_keys(&region.region.start_key, &region.region.end_key);
        let mut by_family: BTreeMap<&[u8], Vec<(usize, &EditToFind)>> = BTreeMap::new();
        for number in left {
            if let Some(edit) = wanted.edits.get(*number).filter(|edit| rows.contains(&edit.row)) {
                by_family.entry(&edit.family).or_default().push((*number, edit));
            }
        }
        for (family, edits) in by_family {
            let files = RegionFiles::open(self.store, table, region, Some(family))?;
            for (number, edit) in edits {
                for mut cursor in files.cursors(&RowRange::of_row(&edit.row), &Dictionaries::new())? {
                    while cursor.advance()? {
                        if cursor.cell().is_some_and(|cell| edit.is_stored_as(&cell)) {
                            wanted.in_files.insert(number);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn found(
    tables: &BTreeMap<TableName, Wanted>,
    (table, number): &Place,
    which: impl Fn(&EntriesOfEdit) -> history::EntryId,
) -> Located {
    let Some(wanted) = tables.get(table) else { return Located::Nowhere };
    match wanted.found.get(*number) {
        Some(Some(entries)) => Located::Entry(which(entries)),
        _ if wanted.in_files.contains(number) => Located::Files,
        _ => Located::Nowhere,
    }
}

fn nowhere(file: &str, line: usize) -> Problem {
    Problem::new(ProblemKind::Missing, file, format!("line {line}: the cause is in no WAL and in no file of the snapshot"))
        .meaning("it counts as left out, and its effect is taken out if possible")
        .hint("check whether the line names it correctly; it may also lie in a WAL that was not converted, or in a bulk-loaded file")
}

/// Both edits, if both tables are in the cut.
fn of_document(
    document: &DependencyDocument,
    tables: &mut BTreeMap<TableName, Wanted>,
    at: &str,
) -> Result<Option<(Place, Place)>, Failure> {
    let (cause, effect) = (edit(&document.cause, at)?, edit(&document.effect, at)?);
    if !tables.contains_key(&cause.0) || !tables.contains_key(&effect.0) {
        return Ok(None);
    }
    let mut place = |(table, edit): (TableName, EditToFind)| {
        let edits = &mut tables.entry(table.clone()).or_default().edits;
        edits.push(edit);
        (table, edits.len() - 1)
    };
    Ok(Some((place(cause), place(effect))))
}

fn edit(document: &EditDocument, at: &str) -> Result<(TableName, EditToFind), Failure> {
    let wrong = |what: String| {
        Failure::usage(format!("{at}: {what}")).hint("docs/consistency.md shows what it looks like")
    };
    let table = TableName::parse(&document.table).map_err(|error| wrong(error.to_string()))?;
    let bytes = |name: &str, hex: &str| {
        decode_hex(hex).ok_or_else(|| wrong(format!("{name} {hex:?} is not hexadecimal")))
    };
    let cell_type = match document.kind.as_deref() {
        None => None,
        Some(name) => Some(
            CellType::ALL
                .into_iter()
                .find(|known| known.name() == name)
                .ok_or_else(|| wrong(format!("{name:?} is not a cell type")))?,
        ),
    };
    let edit = EditToFind {
        row: bytes("row", &document.row)?,
        family: document.family.as_bytes().to_vec(),
        qualifier: bytes("qualifier", &document.qualifier)?,
        timestamp: document.ts,
        cell_type,
        sequence: document.sequence,
    };
    Ok((table, edit))
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|digit| digit as u8);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

struct BatchToSearch(StorePath);

impl Bytes for BatchToSearch {
    fn bytes(&self) -> usize {
        0
    }
}

#[derive(Default)]
struct SearchedBatch {
    found: Vec<FoundEdit>,
    problem: Option<Problem>,
}

impl Bytes for SearchedBatch {
    fn bytes(&self) -> usize {
        self.found.len() * size_of::<FoundEdit>()
    }
}

/// The step: looks for edits in one batch.
struct FindInBatch<'a> {
    store: &'a dyn Store,
    find: FindEdits<'a>,
}

impl Map for FindInBatch<'_> {
    type In = BatchToSearch;
    type Out = SearchedBatch;

    fn map(&self, BatchToSearch(path): BatchToSearch) -> Result<SearchedBatch, Failure> {
        let damaged = |what: String| SearchedBatch {
            problem: Some(
                Problem::new(ProblemKind::Structure, &path, what).meaning("edits in it were not found"),
            ),
            ..SearchedBatch::default()
        };
        let batch = match catalog::open_batch(self.store, &path) {
            Ok(batch) => batch,
            Err(CatalogError::Damaged { what, .. }) => return Ok(damaged(what)),
            Err(CatalogError::Store(error)) if error.is_not_found() => {
                return Err(failed_store("reading a batch", self.store, error));
            }
            Err(error) => return Err(error.failed(READING)),
        };
        Ok(match self.find.in_batch(&batch) {
            Ok(found) => SearchedBatch { found, problem: None },
            Err(error) => damaged(error.to_string()),
        })
    }
}
