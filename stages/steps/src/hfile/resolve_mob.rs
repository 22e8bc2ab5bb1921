//! Reads the value of a cell that a MOB family keeps in a file of its own.

use crate::bytes::source_problem;
use crate::bytes::{look_where_hbase_looks, store_file_paths};
use crate::hfile::hfile_cursor::HFileCursor;
use crate::hfile::locate_cells::CellFile;
use crate::hfile::row_range::RowRange;
use formats::cell::{CellRef, tags};
use formats::compress::Dictionaries;
use formats::schema::RegionInfo;
use names::{EncodedRegionName, FamilyName, FileName, MobFileName, Place, StoreDirectory, TableName};
use stage::{Problem, ProblemKind};
use std::collections::HashMap;
use store::{Store, StorePath};

/// `TagType.MOB_REFERENCE_TAG_TYPE`: the value is the real one's length, and the name of the file it is in.
const REFERENCE_TAG: u8 = 5;
/// `TagType.MOB_TABLE_NAME_TAG_TYPE`: the table whose file it is.
const TABLE_TAG: u8 = 6;
/// This many files are kept open.
const OPEN_FILES: usize = 64;

/// Resolves references to MOB values (`HMobStore.resolve`).
pub struct ResolveMob<'a> {
    store: &'a dyn Store,
    dictionaries: &'a Dictionaries,
    files: HashMap<String, CellFile>,
    resolved: u64,
}

/// A value, and the tags stored with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MobValue {
    /// The value.
    pub value: Vec<u8>,
    /// The tags.
    pub tags: Vec<u8>,
}

impl<'a> ResolveMob<'a> {
    /// Looks for files in a root.
    pub fn new(store: &'a dyn Store, dictionaries: &'a Dictionaries) -> Self {
        Self { store, dictionaries, files: HashMap::new(), resolved: 0 }
    }

    /// How many values were read.
    #[must_use]
    pub fn resolved(&self) -> u64 {
        self.resolved
    }

    /// Whether a cell has its value elsewhere.
    #[must_use]
    pub fn is_reference(cell: &CellRef<'_>) -> bool {
        cell.cell_type == formats::cell::CellType::Put
            && tags(cell.tags).any(|tag| tag.tag_type == REFERENCE_TAG)
    }

    /// The value of a cell that [`ResolveMob::is_reference`] says has it elsewhere.
    ///
    /// # Errors
    /// The file is not there, or has no such cell.
    pub fn resolve(&mut self, cell: &CellRef<'_>) -> Result<MobValue, Problem> {
        let (name, path) = Self::place(cell)?;
        if !self.files.contains_key(&name) {
            if self.files.len() >= OPEN_FILES {
                self.files.clear();
            }
            let file = self.open(&path)?;
            self.files.insert(name.clone(), file);
        }
        let Some(file) = self.files.get(&name) else { return Err(lost(&path_text(&path), cell)) };
        let mut cells = HFileCursor::open(file, &RowRange::of_row(cell.row), self.dictionaries)?;
        while cells.advance()? {
            let Some(found) = cells.stored() else { break };
            if found.key() == cell.key() && (found.sequence <= cell.sequence || cell.sequence == 0) {
                self.resolved += 1;
                return Ok(MobValue { value: found.value.to_vec(), tags: found.tags.to_vec() });
            }
        }
        Err(lost(&file.path, cell))
    }

    /// The file's name, and where it may lie.
    fn place(cell: &CellRef<'_>) -> Result<(String, Vec<StorePath>), Problem> {
        let wrong = |what: &str| Problem::new(ProblemKind::Structure, cell.row.escape_ascii(), what);
        let name = cell.value.get(4..).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or_else(|| wrong("a reference to a MOB value without a file's name"))?;
        let file = MobFileName::parse(name).map_err(|error| wrong(&error.what))?;
        let table = tags(cell.tags).find(|tag| tag.tag_type == TABLE_TAG);
        let table = table.and_then(|tag| std::str::from_utf8(tag.value).ok());
        let table = table.ok_or_else(|| wrong("a reference to a MOB value without its table"))?;
        let table = TableName::parse(table).map_err(|error| wrong(&error.what))?;
        let family = FamilyName::parse_bytes(cell.family).map_err(|error| wrong(&error.what))?;
        let region = mob_region(&table);
        let paths = [Place::Mob, Place::Archive];
        let directory = StoreDirectory { table, region, family };
        let paths = store_file_paths(&StorePath::root(), &directory, file.as_str(), &paths);
        Ok((format!("{}/{}", region, file.as_str()), paths.map_err(|error| wrong(&error.what))?))
    }

    fn open(&self, paths: &[StorePath]) -> Result<CellFile, Problem> {
        let opened = look_where_hbase_looks(paths, |path| self.store.open(path));
        if let Some((path, reader)) = opened.map_err(|error| source_problem(&error))? {
            let name = FileName::parse(path.name()).ok();
            return Ok(CellFile { path: path.shown(self.store), reader, clip: None, name, leads_to: None });
        }
        let what = "a file of MOB values is neither in mobdir nor in the archive";
        Err(Problem::new(ProblemKind::Missing, path_text(paths), what)
            .meaning("the cells whose values are in it are left out")
            .hint("bring the file back from a copy, or export the snapshot again"))
    }
}

fn path_text(paths: &[StorePath]) -> String {
    paths.first().map(ToString::to_string).unwrap_or_default()
}

fn lost(path: &str, cell: &CellRef<'_>) -> Problem {
    let what = format!("has no value for row {}", cell.row.escape_ascii());
    Problem::new(ProblemKind::Cells, path, what).meaning("the cell is left out")
}

/// The region that owns a table's MOB files (`MobUtils.getMobRegionInfo`).
fn mob_region(table: &TableName) -> EncodedRegionName {
    let region = RegionInfo {
        table: table.clone(),
        start_key: b".mob".to_vec(),
        end_key: Vec::new(),
        region_id: 0,
        offline: false,
        split: false,
        replica_id: 0,
    };
    region.encoded_name()
}
