//! Turns the edits that a cut puts on top of a snapshot into HFiles of the snapshot's regions.

use crate::edits::merge_edits::{EditSource, MergeEdits};
use crate::edits::region_router::RegionRouter;
use crate::edits::wanted::{EditBounds, Wanted};
use crate::hfile::StoreFileSettings;
use crate::hfile::{BulkFile, CellFile, HFileCursor, RowRange, copy_bulk_file};
use crate::hfile::{HFileToWrite, WriteHFile, WrittenHFile};
use columns::ChunkReader;
use columns::batch::BatchFile;
use formats::cell::{CellRef, CellType};
use formats::compress::Dictionaries;
use names::{EncodedRegionName, FamilyName};
use stage::{Bytes, Failure, Found, Map, Problem, Problems};
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
    /// Bytes of memory that merging their runs takes, about.
    pub held: usize,
}

impl Bytes for EditsToWrite {
    fn bytes(&self) -> usize {
        self.held
    }
}

impl EditsToWrite {
    /// Estimates what merging these edits of some batches holds: of each run the rows of a small group, or a part of a large one
    /// and what decompresses its columns. One family is merged at a time.
    pub fn estimate<'b, R: ChunkReader + Clone + 'static>(
        &mut self,
        batches: impl Iterator<Item = &'b BatchFile<R>> + Clone,
    ) {
        const MOST: u64 = 2 << 20;
        let mut families: BTreeMap<&[u8], u64> = BTreeMap::new();
        for batch in batches {
            for region in &self.regions {
                let mut runs: BTreeMap<&[u8], u64> = BTreeMap::new();
                for group in batch.groups().get(batch.groups_of(region.region.as_str())).unwrap_or_default() {
                    let run = runs.entry(&group.family).or_default();
                    *run = group.weight.min(MOST).max(*run);
                }
                runs.into_iter().for_each(|(family, run)| *families.entry(family).or_default() += run);
            }
        }
        let most = families.into_values().max().unwrap_or_default();
        self.held = usize::try_from(most).unwrap_or(usize::MAX);
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
    /// To be named by a manifest: cells keep their sequence ids.
    Store,
    /// To be bulk loaded (`BulkLoadHFilesTool`). Every cell of such a file is read with one sequence id
    /// (`StoreFileScanner.setCurrentCell`), so of cells with one key only the latest is written.
    BulkLoad,
}

/// The step: merges the edits of source regions, family by family, and writes them as one HFile of each store whose rows
/// they are. Holds a part of each run and a block of a file, however much there is.
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
    /// `hfile.CREATE_TIME_TS` of the new files, ms.
    pub create_time: i64,
    /// What the files are for.
    pub form: NewFiles,
}

impl<R: ChunkReader + Clone + Sync + 'static> Map for WriteEdits<'_, R> {
    type In = EditsToWrite;
    type Out = WrittenEdits;

    fn map(&self, edits: EditsToWrite) -> Result<WrittenEdits, Failure> {
        let mut unit = Unit { step: self, written: WrittenEdits::new(edits.unit) };
        let done = unit.all(&edits.regions);
        let done = done.map_err(|wrong| wrong.placed(|problem| problem.in_table(&self.table)));
        unit.written.problems.keep(done)?;
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

/// A unit under way.
struct Unit<'a, R> {
    step: &'a WriteEdits<'a, R>,
    written: WrittenEdits,
}

/// A bulk-loaded file whose cells are merged with the edits.
struct LoadedCells<'s> {
    source: &'s SourceRegion,
    file: &'s BulkFile,
    opened: CellFile,
    rows: (Vec<u8>, Vec<u8>),
}

impl<'a, R: ChunkReader + Clone + Sync + 'static> Unit<'a, R> {
    fn all(&mut self, regions: &[SourceRegion]) -> Found<()> {
        let mut loaded = Vec::new();
        for source in regions {
            for file in &source.bulk {
                let taken = self.bulk(file, source);
                let in_region = |problem: Problem| problem.in_region(source.region);
                loaded.extend(taken.map_err(|wrong| wrong.placed(in_region))?);
            }
        }
        for family in self.families(regions, &loaded) {
            self.family(&family, regions, &loaded)?;
        }
        Ok(())
    }

    /// The families of which there are cells.
    fn families(&self, regions: &[SourceRegion], loaded: &[LoadedCells<'_>]) -> BTreeSet<Vec<u8>> {
        let of_region = |batch: &OpenedBatch<R>, source: &SourceRegion| {
            let groups = batch.batch.groups_of(source.region.as_str());
            groups
                .filter_map(|number| Some(batch.batch.groups().get(number)?.family.clone()))
                .collect::<Vec<_>>()
        };
        let pairs = regions.iter().flat_map(|source| self.batches(source).map(move |batch| (batch, source)));
        let of_batches = pairs.flat_map(|(batch, source)| of_region(batch, source));
        of_batches.chain(loaded.iter().map(|of| of.file.family.as_bytes().to_vec())).collect()
    }

    fn batches(&self, source: &SourceRegion) -> impl Iterator<Item = &'a OpenedBatch<R>> + use<'a, R> {
        let region = source.region;
        self.step.batches.iter().map(AsRef::as_ref).filter(move |batch| batch.regions.contains(&region))
    }

    /// A bulk-loaded file becomes a file of the region that has all its rows; else, and where files are for bulk loading,
    /// its cells are edits with its id.
    fn bulk<'s>(&mut self, file: &'s BulkFile, source: &'s SourceRegion) -> Found<Option<LoadedCells<'s>>> {
        let step = self.step;
        let opened = file.open(step.source)?;
        let Some(family) = step.families.iter().find(|family| family.name == file.family) else {
            *self.written.left_out.entry(file.family.to_string()).or_default() += opened.cell_count();
            return Ok(None);
        };
        let (first, last) = (step.router.route(&opened.first_row), step.router.route(&opened.last_row));
        if let (Some(region), true, NewFiles::Store) = (first, first == last, step.form) {
            let asked = self.file(region, Some(file.number), &format!("{}-{}", source.region, file.name));
            let written = copy_bulk_file(&opened, step.target, asked?)?;
            let given_name = Some(file.name.as_str().to_owned());
            self.written.files.push((WrittenHFile { given_name, ..written }, family.name.clone()));
            return Ok(None);
        }
        let rows = (opened.first_row.clone(), opened.last_row.clone());
        Ok(Some(LoadedCells { source, file, opened: opened.into_cell_file(file.name.clone()), rows }))
    }

    /// Merges the cells of a family, and writes a file for each region that they belong to: rows ascend, so one file is ended
    /// before the next begins.
    fn family(&mut self, family: &[u8], regions: &[SourceRegion], loaded: &[LoadedCells<'_>]) -> Found<()> {
        let (mut merge, dictionaries) = (MergeEdits::new(), Dictionaries::new());
        let wanted = Wanted { family: Some(family), ..Wanted::default() };
        for source in regions {
            let sources = self.batches(source).map(|of| EditSource { path: &of.path, batch: &of.batch });
            merge.add_region(source.region.as_str(), sources, &source.bounds, &wanted);
        }
        for of in loaded.iter().filter(|of| of.file.family.as_bytes() == family) {
            let cursor = HFileCursor::open(&of.opened, &RowRange::default(), &dictionaries)?;
            merge.add_file(of.source.region.as_str(), cursor, (&of.rows.0, &of.rows.1));
        }
        let known = self.step.families.iter().find(|known| known.name.as_bytes() == family);
        match known {
            Some(known) => self.stores(known, &mut merge)?,
            None => {
                let name = String::from_utf8_lossy(family).into_owned();
                while merge.advance()? {
                    *self.written.left_out.entry(name.clone()).or_default() += 1;
                }
            }
        }
        self.written.duplicates += merge.duplicates();
        Ok(())
    }

    fn stores(&mut self, family: &FamilyToWrite, merge: &mut MergeEdits<'_, R>) -> Found<()> {
        let has_tags = merge.may_have_tags();
        let mut store: Option<NewStore<'a>> = None;
        let mut near = 0;
        while merge.advance()? {
            let Some(edit) = merge.edit() else { break };
            let region = self.region_of(edit.cell.row, near)?;
            near = region;
            if store.as_ref().is_none_or(|store| store.region != region) {
                self.end(store.take(), family)?;
                store = Some(self.begin(region, family, has_tags)?);
            }
            if let Some(store) = &mut store {
                store.append(&edit.cell)?;
            }
        }
        Ok(self.end(store, family)?)
    }

    #[inline]
    fn region_of(&self, row: &[u8], near: usize) -> Result<usize, Failure> {
        self.step.router.route_near(row, near).ok_or_else(|| {
            let wrong = format!("no region covers row \"{}\"", row.escape_ascii());
            Failure::failed("routing edits", &self.step.table, wrong)
                .hint("the regions of the base snapshot leave holes: take another snapshot")
        })
    }

    fn begin(&self, region: usize, family: &FamilyToWrite, has_tags: bool) -> Result<NewStore<'a>, Failure> {
        let [plain, tagged] = family.settings.as_ref().map_err(Clone::clone)?;
        let settings = if has_tags { tagged } else { plain };
        let max_sequence_id = (self.step.form == NewFiles::BulkLoad).then_some(0);
        let asked = self.file(region, max_sequence_id, &self.written.files.len().to_string())?;
        Ok(NewStore {
            region,
            file: WriteHFile::begin(self.step.target, settings, asked)?,
            form: self.step.form,
            version_deletes: 0,
            superseded: 0,
            last: LastKey::default(),
        })
    }

    fn end(&mut self, store: Option<NewStore<'a>>, family: &FamilyToWrite) -> Result<(), Failure> {
        let Some(store) = store else { return Ok(()) };
        self.written.version_deletes += store.version_deletes;
        self.written.superseded += store.superseded;
        self.written.files.push((store.file.finish()?, family.name.clone()));
        Ok(())
    }

    fn file(&self, region: usize, max_sequence_id: Option<u64>, name: &str) -> Result<HFileToWrite, Failure> {
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

/// The new file of a store.
struct NewStore<'a> {
    region: usize,
    file: WriteHFile<'a>,
    form: NewFiles,
    version_deletes: u64,
    superseded: u64,
    last: LastKey,
}

impl NewStore<'_> {
    #[inline]
    fn append(&mut self, cell: &CellRef<'_>) -> Result<(), Failure> {
        if self.form == NewFiles::BulkLoad {
            if !self.last.is_another(cell) {
                self.superseded += 1;
                return Ok(());
            }
            self.version_deletes += u64::from(cell.cell_type.deletes_one_version());
            return self.file.append(&CellRef { sequence: 0, ..*cell });
        }
        self.version_deletes += u64::from(cell.cell_type.deletes_one_version());
        self.file.append(cell)
    }
}

/// The key of the cell before.
#[derive(Default)]
struct LastKey {
    row: Vec<u8>,
    qualifier: Vec<u8>,
    rest: Option<(i64, CellType)>,
}

impl LastKey {
    /// Whether a cell has another key, sequence ids aside; it is the last one then.
    fn is_another(&mut self, cell: &CellRef<'_>) -> bool {
        let rest = Some((cell.timestamp, cell.cell_type));
        if self.rest == rest && self.row == cell.row && self.qualifier == cell.qualifier {
            return false;
        }
        self.rest = rest;
        for (to, from) in [(&mut self.row, cell.row), (&mut self.qualifier, cell.qualifier)] {
            to.clear();
            to.extend_from_slice(from);
        }
        true
    }
}
