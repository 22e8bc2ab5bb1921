//! The files of a region, opened for their cells.

use catalog::layout;
use formats::compress::Dictionaries;
use formats::snapshot::{RegionManifest, resolve};
use history::BulkLoadedFile;
use names::{EncodedRegionName, FamilyName, FileName, Place, TableName};
use stage::{Problem, ProblemKind};
use steps::bytes::{look_where_hbase_looks, source_problem, store_file_paths};
use steps::hfile::{CellFile, HFileCursor, RowRange};
use store::{Store, StorePath};

/// The files that hold a region's cells.
pub struct RegionFiles {
    files: Vec<CellFile>,
}

impl RegionFiles {
    /// Finds and opens a region's files.
    ///
    /// # Errors
    /// One is missing.
    pub fn open(
        store: &dyn Store,
        table: &TableName,
        region: &RegionManifest,
        wanted: Option<&[u8]>,
    ) -> Result<Self, Problem> {
        let mut files = Vec::new();
        for (family, file) in region.files() {
            if wanted.is_some_and(|wanted| wanted != family.as_bytes()) {
                continue;
            }
            let target = resolve(table, region, family, file);
            let (root, name) = (StorePath::root(), target.file.as_str());
            let paths = store_file_paths(&root, &target.directory, name, &Place::IN_ORDER);
            let paths = paths.map_err(|error| source_problem(&error))?;
            let mut opened = open_first(store, &paths, Some(target.file.clone()))?;
            if target.clip_is_in_file() {
                let what = format!("the manifest does not say which part of it {} stands for", file.name);
                return Err(Problem::new(ProblemKind::Unsupported, &opened.path, what));
            }
            opened.clip = target.clip;
            files.push(opened);
        }
        Ok(Self { files })
    }

    /// Adds a file that a bulk load brought inside the cut.
    pub fn add_bulk(
        &mut self,
        store: &dyn Store,
        table: &TableName,
        region: &EncodedRegionName,
        loaded: &BulkLoadedFile,
    ) -> Result<(), Problem> {
        let family: &FamilyName = &loaded.family;
        let path = layout::bulk(table.full_form(), region.as_str(), family.as_str(), &loaded.file);
        let name = FileName::parse(&loaded.file).ok();
        let path = path.map_err(|error| source_problem(&error))?;
        self.files.push(open_first(store, &[path], name)?);
        Ok(())
    }

    /// Cursors over rows of all of them, in the order in which HBase ranks a store's files.
    pub fn cursors(
        &self,
        rows: &RowRange,
        dictionaries: &Dictionaries,
    ) -> Result<Vec<HFileCursor<'_>>, Problem> {
        let mut cursors = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let cursor = HFileCursor::open(file, rows, dictionaries)?;
            cursors.push((cursor.rank()?, cursor));
        }
        cursors.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(cursors.into_iter().map(|(_, cursor)| cursor).collect())
    }
}

fn open_first(store: &dyn Store, paths: &[StorePath], name: Option<FileName>) -> Result<CellFile, Problem> {
    let opened = look_where_hbase_looks(paths, |path| store.open(path));
    match opened.map_err(|error| source_problem(&error))? {
        Some((path, reader)) => {
            Ok(CellFile { path: path.shown(store), reader, clip: None, name, leads_to: None })
        }
        None => {
            let shown = paths.last().map(ToString::to_string).unwrap_or_default();
            Err(Problem::new(
                ProblemKind::Missing,
                shown,
                "the file is in none of the places where it may be",
            )
            .hint("bring the file back from a copy, or export the snapshot again"))
        }
    }
}
