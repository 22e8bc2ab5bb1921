//! Turns the edits that a cut puts on top of a snapshot into HFiles of the snapshot's regions.

use crate::edits::merge_edits::{EditBounds, EditSource, MergeEdits};
use crate::edits::region_router::RegionRouter;
use crate::edits::sort_cells::{SortCells, SortedCells};
use crate::hfile::StoreFileSettings;
use crate::hfile::{BulkFile, copy_bulk_file};
use crate::hfile::{HFileToWrite, WriteHFile, WrittenHFile};
use columns::ChunkReader;
use columns::batch::BatchFile;
use formats::cell::{CellRef, compare_cells};
use names::{EncodedRegionName, FamilyName};
use stage::{Bytes, Failure, Found, Map, Problems};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{Store, StorePath};

/// An opened batch, and the source regions of which it has edits.
pub struct OpenedBatch<R> {
    /// Its path, for messages.
    pub path: String,
    /// The batch.
    pub batch: BatchFile<R>,
    /// Regions whose edits are wanted from it.
    pub regions: BTreeSet<EncodedRegionName>,
}

/// What is wanted of a source region: a region of the snapshot, or one that came of it later.
#[derive(Debug, Clone)]
pub struct SourceRegion {
    /// Its encoded name.
    pub region: EncodedRegionName,
    /// Which of its edits.
    pub bounds: EditBounds,
    /// Bulk-loaded files inside the cut.
    pub bulk: Vec<BulkFile>,
}

/// Source regions that belong together, parents first: they share rows.
#[derive(Debug, Clone)]
pub struct EditsToWrite {
    /// Names the unit in the plan.
    pub unit: u32,
    /// The regions.
    pub regions: Vec<SourceRegion>,
}

impl Bytes for EditsToWrite {
    fn bytes(&self) -> usize {
        0
    }
}

/// The new files of a unit; they count once they have been checked.
pub struct WrittenEdits {
    /// Names the unit in the plan.
    pub unit: u32,
    /// The files, each with its family.
    pub files: Vec<(WrittenHFile, FamilyName)>,
    /// Cells of families that the restored table does not have.
    pub left_out: BTreeMap<String, u64>,
    /// Cells that came a second time.
    pub duplicates: u64,
    /// Markers that delete exactly one version.
    pub version_deletes: u64,
    /// Cells of [`NewFiles::BulkLoad`] that are in no file, because a later one has the same key.
    pub superseded: u64,
    /// What is wrong: the unit is not whole.
    pub problems: Problems,
}

impl Bytes for WrittenEdits {
    fn bytes(&self) -> usize {
        0
    }
}

/// A family of the restored table.
pub struct FamilyToWrite {
    /// Its name.
    pub name: FamilyName,
    /// How its files are written, without and with tags; or why they cannot be written.
    pub settings: Result<[StoreFileSettings; 2], Failure>,
}

/// What new files are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewFiles {
    /// To be named by a manifest: cells keep their sequence ids, and a store gets as many files as memory makes.
    Store,
    /// To be bulk loaded (`BulkLoadHFilesTool`). Every cell of such a file is read with one sequence id
    /// (`StoreFileScanner.setCurrentCell`), so of cells with one key only the latest is written, and a store gets one
    /// file; a store that memory cannot hold is refused.
    BulkLoad,
}

/// The step: merges the edits of source regions, routes them by row, sorts as many as memory allows, and writes each
/// sorted arena as one HFile of its region and family.
pub struct WriteEdits<'a, R> {
    /// Where batches and bulk-loaded files are.
    pub source: &'a dyn Store,
    /// Where files are written.
    pub target: &'a dyn Store,
    /// The directory for them.
    pub writing: StorePath,
    /// The batches.
    pub batches: &'a [Arc<OpenedBatch<R>>],
    /// The regions of the snapshot by rows.
    pub router: &'a RegionRouter,
    /// The names of the same regions in the restored table, in the router's order.
    pub targets: Vec<EncodedRegionName>,
    /// The restored table, as `ns:name`.
    pub table: String,
    /// Its families.
    pub families: &'a [FamilyToWrite],
    /// Bytes of memory for arenas, of each worker.
    pub memory: usize,
    /// `hfile.CREATE_TIME_TS` of the new files, ms.
    pub create_time: i64,
    /// What the files are for.
    pub form: NewFiles,
}

impl<R: ChunkReader + Clone + Sync + 'static> Map for WriteEdits<'_, R> {
    type In = EditsToWrite;
    type Out = WrittenEdits;

    fn map(&self, edits: EditsToWrite) -> Result<WrittenEdits, Failure> {
        let mut unit = Unit {
            step: self,
            written: WrittenEdits::new(edits.unit),
            stores: BTreeMap::new(),
            held: 0,
            last: 0,
        };
        for region in &edits.regions {
            let taken = unit.region(region);
            let taken = taken.map_err(|wrong| wrong.placed(|problem| problem.in_table(&self.table)));
            if unit.written.problems.keep(taken)?.is_none() {
                return Ok(unit.written);
            }
        }
        while !unit.stores.is_empty() {
            unit.write_largest()?;
        }
        Ok(unit.written)
    }
}

impl WrittenEdits {
    fn new(unit: u32) -> Self {
        Self {
            unit,
            files: Vec::new(),
            left_out: BTreeMap::new(),
            duplicates: 0,
            version_deletes: 0,
            superseded: 0,
            problems: Problems::default(),
        }
    }
}

/// A unit under way: arenas by the numbers of region and family.
struct Unit<'a, R> {
    step: &'a WriteEdits<'a, R>,
    written: WrittenEdits,
    stores: BTreeMap<(usize, usize), SortCells>,
    /// Bytes that the arenas hold.
    held: usize,
    /// The region that the row before went to.
    last: usize,
}

impl<R: ChunkReader + Clone + Sync + 'static> Unit<'_, R> {
    /// Takes all that is wanted of a region.
    fn region(&mut self, source: &SourceRegion) -> Found<()> {
        for file in &source.bulk {
            let taken = self.bulk(file, source);
            taken.map_err(|wrong| wrong.placed(|problem| problem.in_region(source.region)))?;
        }
        let batches = self.step.batches.iter().filter(|batch| batch.regions.contains(&source.region));
        let sources = batches.map(|batch| EditSource { path: &batch.path, batch: &batch.batch });
        let mut merge = MergeEdits::new(source.region.as_str(), sources, source.bounds.clone());
        while merge.advance()? {
            if let Some(edit) = merge.edit() {
                self.take(&edit.cell)?;
            }
        }
        self.written.duplicates += merge.duplicates();
        Ok(())
    }

    /// A bulk-loaded file becomes a file of the region that has all its rows; else, and where a store gets one file,
    /// its cells are edits with its id.
    fn bulk(&mut self, file: &BulkFile, source: &SourceRegion) -> Found<()> {
        let step = self.step;
        let opened = file.open(step.source)?;
        let Some(family) = step.families.iter().find(|family| family.name == file.family) else {
            *self.written.left_out.entry(file.family.to_string()).or_default() += opened.cell_count();
            return Ok(());
        };
        let (first, last) = (step.router.route(&opened.first_row), step.router.route(&opened.last_row));
        if let (Some(region), true, NewFiles::Store) = (first, first == last, step.form) {
            let asked = self.file(region, file.number, &format!("{}-{}", source.region, file.name));
            let written = copy_bulk_file(&opened, step.target, asked?)?;
            let given_name = Some(file.name.as_str().to_owned());
            self.written.files.push((WrittenHFile { given_name, ..written }, family.name.clone()));
            return Ok(());
        }
        let mut taken = Ok(());
        let seen = opened.each(|cell| {
            if taken.is_ok() {
                taken = self.take(&CellRef { sequence: file.number, ..*cell });
            }
        });
        taken?;
        Ok(seen?)
    }

    #[inline]
    fn take(&mut self, cell: &CellRef<'_>) -> Result<(), Failure> {
        let step = self.step;
        let Some(region) = step.router.route_near(cell.row, self.last) else {
            let row = cell.row.escape_ascii();
            return Err(Failure::failed(
                "routing edits",
                &step.table,
                format!("no region covers row \"{row}\""),
            )
            .hint("the regions of the base snapshot leave holes: take another snapshot"));
        };
        self.last = region;
        let named = |family: &FamilyToWrite| family.name.as_bytes() == cell.family;
        let Some(family) = step.families.iter().position(named) else {
            let name = String::from_utf8_lossy(cell.family).into_owned();
            *self.written.left_out.entry(name).or_default() += 1;
            return Ok(());
        };
        self.written.version_deletes += u64::from(cell.cell_type.deletes_one_version());
        let store = self.stores.entry((region, family)).or_insert_with(|| SortCells::new(step.memory));
        let before = store.bytes();
        let full = store.push(cell);
        self.held += store.bytes() - before;
        match (full || self.held >= step.memory, step.form) {
            (false, _) => Ok(()),
            (true, NewFiles::Store) => self.write_largest(),
            (true, NewFiles::BulkLoad) => Err(self.too_many()),
        }
    }

    /// Writes the arena that holds most.
    fn write_largest(&mut self) -> Result<(), Failure> {
        let largest = self.stores.iter().max_by_key(|(_, store)| store.bytes()).map(|(place, _)| *place);
        let Some((region, family)) = largest else { return Ok(()) };
        let Some(store) = self.stores.remove(&(region, family)) else { return Ok(()) };
        let Some(of) = self.step.families.get(family) else { return Ok(()) };
        self.held -= store.bytes();
        let sorted = store.sort();
        let (mut max_sequence, mut has_tags) = (0, false);
        for cell in sorted.iter() {
            max_sequence = max_sequence.max(cell.sequence);
            has_tags |= !cell.tags.is_empty();
        }
        if self.step.form == NewFiles::BulkLoad {
            max_sequence = 0;
        }
        let [plain, tagged] = of.settings.as_ref().map_err(Clone::clone)?;
        let asked = self.file(region, max_sequence, &format!("{}", self.written.files.len()))?;
        let settings = if has_tags { tagged } else { plain };
        let mut file = WriteHFile::begin(self.step.target, settings, asked)?;
        match self.step.form {
            NewFiles::Store => sorted.iter().try_for_each(|cell| file.append(&cell))?,
            NewFiles::BulkLoad => self.written.superseded += append_latest(&sorted, &mut file)?,
        }
        self.written.files.push((file.finish()?, of.name.clone()));
        Ok(())
    }

    #[cold]
    fn too_many(&self) -> Failure {
        let what = "the edits of a region and of those that came of it do not fit into memory, and a store gets one \
                    file, because HBase could not tell which of two bulk-loaded files is later";
        Failure::refused("sorting edits for bulk loading", &self.step.table, what)
            .hint("give a larger --memory, half of which holds edits, or use restore, which needs less")
    }

    fn file(&self, region: usize, max_sequence_id: u64, name: &str) -> Result<HFileToWrite, Failure> {
        let step = self.step;
        let name = format!("{}-{name}", self.written.unit);
        Ok(HFileToWrite {
            path: step.writing.join(&name).map_err(Failure::usage)?,
            region: step.targets.get(region).map_or(String::new(), ToString::to_string),
            table: step.table.clone(),
            max_sequence_id,
            create_time: step.create_time,
            more: Default::default(),
        })
    }
}

/// Appends the first of the cells with one key, which is the latest, without its sequence id; returns how many others
/// there were.
fn append_latest(sorted: &SortedCells, file: &mut WriteHFile<'_>) -> Result<u64, Failure> {
    let mut superseded = sorted.replaced();
    let mut before: Option<CellRef<'_>> = None;
    for cell in sorted.iter() {
        let cell = CellRef { sequence: 0, ..cell };
        if before.is_some_and(|before| compare_cells(&before, &cell) == Ordering::Equal) {
            superseded += 1;
            continue;
        }
        file.append(&cell)?;
        before = Some(cell);
    }
    Ok(superseded)
}
