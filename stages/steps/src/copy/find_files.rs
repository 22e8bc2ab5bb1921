//! Finds where a snapshot's files lie now.

use crate::bytes::look_where_hbase_looks;
use crate::bytes::source_problem;
use crate::copy::{ListedFile, ListedFiles};
use names::Place;
use stage::{Bytes, Failure, Map, Problem, ProblemKind};
use std::ops::Range;
use store::{Identity, Kind, Store, StoreError};

/// Where a file lies, and what is known of it without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where.
    pub place: Place,
    /// Its length.
    pub len: u64,
    /// Shows whether it is still the same.
    pub identity: Identity,
}

/// Some of a snapshot's files, by their numbers.
pub struct FilesToFind(pub Range<usize>);

impl Bytes for FilesToFind {
    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// What was found of them, in their order.
pub struct FoundFiles {
    /// Which files.
    pub files: Range<usize>,
    /// Where they are, or why that is not known.
    pub found: Vec<Result<FoundFile, Problem>>,
}

impl Bytes for FoundFiles {
    fn bytes(&self) -> usize {
        self.files.len()
    }
}

/// The step: looks at the places where HBase looks, in its order, and once more if all miss, as a file may move from
/// one to another in between.
pub struct FindFiles<'a> {
    /// The root.
    pub store: &'a dyn Store,
    /// The files.
    pub listed: &'a ListedFiles,
    /// The places to look at.
    pub places: &'a [Place],
}

impl Map for FindFiles<'_> {
    type In = FilesToFind;
    type Out = FoundFiles;

    fn map(&self, FilesToFind(files): FilesToFind) -> Result<FoundFiles, Failure> {
        let asked = self.listed.files.get(files.clone()).unwrap_or_default();
        Ok(FoundFiles { files, found: asked.iter().map(|file| self.find(file)).collect() })
    }
}

impl FindFiles<'_> {
    fn find(&self, file: &ListedFile) -> Result<FoundFile, Problem> {
        match look_where_hbase_looks(self.places, |place| self.look(file, *place)) {
            Ok(Some((_, found))) => return self.check_len(file, found),
            Ok(None) => {}
            Err(error) => return Err(self.in_place(file, source_problem(&error))),
        }
        let first = self.places.first().copied().unwrap_or(Place::Live);
        let path =
            self.listed.path(file, first).map_or(file.name.as_str().to_owned(), |path| path.to_string());
        let problem =
            Problem::new(ProblemKind::Missing, path, "the file is in none of the places where HBase looks")
                .meaning("its cells are lost to this snapshot")
                .hint("bring the file back into `archive` from a copy, or take a new snapshot");
        Err(self.in_place(file, problem))
    }

    fn look(&self, file: &ListedFile, place: Place) -> Result<FoundFile, StoreError> {
        let metadata = self.store.metadata(&self.listed.path(file, place)?)?;
        match metadata.kind {
            Kind::File => Ok(FoundFile { place, len: metadata.len, identity: metadata.identity }),
            Kind::Directory => Err(StoreError::new(
                store::StoreErrorKind::WrongKind,
                "looking for a file",
                self.listed.path(file, place)?.as_str(),
                "is a directory",
            )),
        }
    }

    fn check_len(&self, file: &ListedFile, found: FoundFile) -> Result<FoundFile, Problem> {
        match file.len {
            Some(len) if len != found.len => {
                let path = self.listed.path(file, found.place).map_or(String::new(), |path| path.to_string());
                let what = format!("has {} bytes; the snapshot's manifest says {len}", found.len);
                let problem = Problem::new(ProblemKind::Length, path, what)
                    .meaning("HBase refuses to clone the snapshot")
                    .hint("bring the file back from a copy");
                Err(self.in_place(file, problem))
            }
            _ => Ok(found),
        }
    }

    fn in_place(&self, file: &ListedFile, problem: Problem) -> Problem {
        match self.listed.directories.get(file.directory as usize) {
            Some(dir) => problem.in_region(dir.region).in_table(dir.table.full_form()),
            None => problem,
        }
    }
}
