//! The files of a snapshot, each once.

use crate::copy::ReadSnapshot;
use formats::snapshot::{ManifestFault, RegionManifest, SnapshotManifest, Via, resolve};
use names::{FileName, Place, StoreDirectory};
use stage::{Failure, Problem, ProblemKind};
use std::collections::HashMap;
use store::{StoreError, StorePath};

/// One file that a snapshot needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedFile {
    /// Which of [`ListedFiles::directories`] it belongs to.
    pub directory: u32,
    /// Its name.
    pub name: FileName,
    /// Its length by the manifest.
    pub len: Option<u64>,
}

/// The files of a snapshot, each once, however many entries of its manifest lead to it.
pub struct ListedFiles {
    /// The stores that own the files, in order.
    pub directories: Vec<StoreDirectory>,
    /// The files, in order of directory and name.
    pub files: Vec<ListedFile>,
}

/// What a snapshot's manifest says.
pub struct ListedSnapshot {
    /// The files.
    pub files: ListedFiles,
    /// The regions in the manifest's order; their files are not in here any more.
    pub regions: Vec<RegionManifest>,
    /// Entries of the manifest by how they lead to their file: plain, link, reference, reference to a link.
    pub entries: [u64; 4],
    /// What is wrong with the manifest though it can be read.
    pub faults: Vec<Problem>,
}

impl ListedFiles {
    /// The path of a file at one of the places where HBase looks for it.
    pub fn path(&self, file: &ListedFile, place: Place) -> Result<StorePath, StoreError> {
        let name = file.name.as_str();
        match self.directories.get(file.directory as usize) {
            None => StorePath::root().join_all(place.prefix().iter().copied().chain([name])),
            Some(directory) => StorePath::root().join_all(directory.segments(place, name)),
        }
    }
}

/// Lists the files of a snapshot.
pub fn list_files(snapshot: &ReadSnapshot, path: &str) -> Result<ListedSnapshot, Failure> {
    let mut listing = Listing::default();
    for region in snapshot.regions() {
        listing.region(snapshot, region?, path);
    }
    Ok(listing.finish(snapshot, path))
}

#[derive(Default)]
struct Listing {
    numbers: HashMap<StoreDirectory, u32>,
    files: Vec<ListedFile>,
    regions: Vec<RegionManifest>,
    entries: [u64; 4],
    faults: Vec<Problem>,
}

impl Listing {
    fn region(&mut self, snapshot: &ReadSnapshot, mut region: RegionManifest, path: &str) {
        let families = std::mem::take(&mut region.families);
        for family in &families {
            if snapshot.schema.family(&family.family).is_none() && !family.store_files.is_empty() {
                let what = format!("files of family {}, which the schema does not have", family.family);
                self.faults.push(
                    Problem::new(ProblemKind::Structure, path, what)
                        .in_region(region.encoded)
                        .meaning("HBase would try for ever to clone this snapshot"),
                );
            }
            for file in &family.store_files {
                let target = resolve(&snapshot.description.table, &region, &family.family, file);
                let (number, via) = (self.number_of(target.directory), target.via);
                self.files.push(ListedFile { directory: number, name: target.file, len: target.size });
                if let Some(entries) = self.entries.get_mut(via_number(via)) {
                    *entries += 1;
                }
            }
        }
        self.regions.push(region);
    }

    fn number_of(&mut self, directory: StoreDirectory) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(directory).or_insert(next)
    }

    fn finish(self, snapshot: &ReadSnapshot, path: &str) -> ListedSnapshot {
        let Self { numbers, mut files, regions, entries, mut faults } = self;
        let directories = in_order(numbers, &mut files);
        files.sort_unstable();
        drop_repeats(&mut files, path, &mut faults);
        let manifest = SnapshotManifest { schema: snapshot.schema.clone(), regions };
        faults.extend(
            manifest.faults(&snapshot.description).iter().map(|fault| fault_problem(fault, snapshot, path)),
        );
        let files = ListedFiles { directories, files };
        ListedSnapshot { files, regions: manifest.regions, entries, faults }
    }
}

fn via_number(via: Via) -> usize {
    match via {
        Via::Plain => 0,
        Via::Link => 1,
        Via::Reference => 2,
        Via::ReferenceToLink => 3,
    }
}

/// Sorts the directories and gives the files their new numbers, so that a plan does not depend on the manifest's
/// order.
fn in_order(numbers: HashMap<StoreDirectory, u32>, files: &mut [ListedFile]) -> Vec<StoreDirectory> {
    let mut directories: Vec<(StoreDirectory, u32)> = numbers.into_iter().collect();
    directories.sort_unstable();
    let mut new_number = vec![0; directories.len()];
    for (new, (_, old)) in directories.iter().enumerate() {
        if let Some(number) = new_number.get_mut(*old as usize) {
            *number = new as u32;
        }
    }
    for file in files {
        file.directory = new_number.get(file.directory as usize).copied().unwrap_or(u32::MAX);
    }
    directories.into_iter().map(|(directory, _)| directory).collect()
}

/// Leaves each file once. Two entries that give it different lengths cannot both be right.
fn drop_repeats(files: &mut Vec<ListedFile>, path: &str, faults: &mut Vec<Problem>) {
    files.dedup_by(|next, kept| {
        if (next.directory, &next.name) != (kept.directory, &kept.name) {
            return false;
        }
        if let (Some(one), Some(other)) = (kept.len, next.len)
            && one != other
        {
            let what =
                format!("the manifest gives file {} two lengths, {one} and {other}", kept.name.as_str());
            faults.push(Problem::new(ProblemKind::Length, path, what));
        }
        kept.len = kept.len.or(next.len);
        true
    });
}

fn fault_problem(fault: &ManifestFault, snapshot: &ReadSnapshot, path: &str) -> Problem {
    let kind = if fault.is_tiling() { ProblemKind::Tiling } else { ProblemKind::Structure };
    let mut problem = Problem::new(kind, path, fault).in_table(snapshot.description.table.full_form());
    problem.region = fault.region().map(ToString::to_string);
    match fault.is_tiling() {
        true => problem
            .meaning("a clone of this snapshot is broken, and HBase clones it silently")
            .hint("repair the table (hbck2) and take the snapshot again"),
        false => problem.meaning("HBase cannot clone this snapshot"),
    }
}
