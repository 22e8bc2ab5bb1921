//! A snapshot and where its files are: the start of exporting, verifying and describing one.

use formats::snapshot::{RegionManifest, RegionRole};
use names::{Place, SnapshotName};
use runtime::{Run, units};
use stage::{Failure, Problem, Problems};
use std::ops::Range;
use steps::copy::{
    FilesToFind, FindFiles, FoundFile, ListedFiles, ListedSnapshot, MANIFEST, ReadSnapshot, list_files,
    read_snapshot,
};
use store::Store;

/// How many files are looked for in one unit.
const FILES_A_UNIT: usize = 500;
/// How many units are looked for at the same time, as storage may be far away.
const FINDERS: usize = 4;

/// A snapshot and where its files lie.
pub struct SnapshotFiles {
    /// Its documents.
    pub snapshot: ReadSnapshot,
    /// Its files.
    pub listed: ListedFiles,
    /// Its regions in the manifest's order, without their files.
    pub regions: Vec<RegionManifest>,
    /// Entries of the manifest by how they lead to their file: plain, link, reference, reference to a link.
    pub entries: [u64; 4],
    /// Where each of them lies; `None` if it is missing or has another length.
    pub found: Vec<Option<FoundFile>>,
    /// What is wrong with the manifest.
    pub faults: Vec<Problem>,
    /// What is wrong with the files.
    pub missing: Problems,
}

impl SnapshotFiles {
    /// Reads a snapshot's documents and looks for its files; their bytes are not touched.
    pub fn read(store: &dyn Store, name: &SnapshotName, run: &Run) -> Result<Self, Failure> {
        let snapshot = read_snapshot(store, name)?;
        let path = steps::copy::snapshot_dir(name)?.join(MANIFEST).map_err(Failure::usage)?.shown(store);
        let ListedSnapshot { files: listed, regions, entries, faults } = list_files(&snapshot, &path)?;
        let mut missing = Problems::default();
        let found = find(store, &listed, &Place::IN_ORDER, run, &mut missing)?;
        Ok(Self { snapshot, listed, regions, entries, found, faults, missing })
    }

    /// How many regions hold rows.
    pub fn row_regions(&self) -> usize {
        self.regions.iter().filter(|region| region.role() == RegionRole::Rows).count()
    }
}

/// Looks for files at some places; what is not there as it should be is a problem.
pub fn find(
    store: &dyn Store,
    listed: &ListedFiles,
    places: &[Place],
    run: &Run,
    missing: &mut Problems,
) -> Result<Vec<Option<FoundFile>>, Failure> {
    let total = listed.files.len();
    let meter = run.meter("look for files", Some(total as u64), None);
    let finder = FindFiles { store, listed, places };
    let mut found = Vec::with_capacity(total);
    let chunks = (0..total).step_by(FILES_A_UNIT).map(|start| FilesToFind(chunk(start, total)));
    run.flow(units(chunks)).io(FINDERS, "look for files", &finder).ordered().each(|unit| {
        meter.advance(unit.files.len() as u64, 0);
        found.extend(unit.found.into_iter().map(|file| file.map_err(|problem| missing.push(problem)).ok()));
        Ok(())
    })?;
    Ok(found)
}

fn chunk(start: usize, total: usize) -> Range<usize> {
    start..(start + FILES_A_UNIT).min(total)
}
