//! Keeps bulk-loaded files: their cells are in no WAL, and HBase's cleaner deletes them one day.

use super::publish::PublishWals;
use super::report::BulkCounts;
use catalog::layout;
use columns::markers::MarkerRow;
use delivery::Settling;
use names::{EncodedRegionName, FamilyName, FileName, NameError, Place, StoreDirectory, TableName};
use runtime::{Run, units};
use stage::{Failure, Problem, ProblemKind, Problems};
use std::collections::BTreeSet;
use steps::bytes::{failed_store, file_problem, look_where_hbase_looks, source_problem, store_file_paths};
use steps::copy::{CopyRanges, CopyUnit, ProveRanges, ProvedRange, RangeOfUnit, RangeToCopy};
use steps::hfile::block_problems;
use store::{Kind, Metadata, Publish, Store, StoreError, StoreErrorKind, StorePath, WriteShape};

/// A bulk-loaded file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedBulkFile {
    directory: StoreDirectory,
    file: FileName,
}

/// The files that a marker names. A name that HBase would not write is a problem.
pub fn files_of(marker: &MarkerRow, path: &StorePath, problems: &mut Problems) -> BTreeSet<NamedBulkFile> {
    let mut files = BTreeSet::new();
    for named in &marker.files {
        match file_of(marker, named) {
            Ok(file) => drop(files.insert(file)),
            Err(error) => problems.push(
                Problem::new(ProblemKind::Name, path, format!("a bulk load names {named:?}: {}", error.what))
                    .in_region(&marker.region)
                    .in_table(&marker.table),
            ),
        }
    }
    files
}

fn file_of(marker: &MarkerRow, named: &str) -> Result<NamedBulkFile, NameError> {
    let (family, file) = named.split_once('/').unwrap_or(("", named));
    let directory = StoreDirectory {
        table: TableName::parse(&marker.table)?,
        region: EncodedRegionName::parse(&marker.region)?,
        family: FamilyName::parse(family)?,
    };
    Ok(NamedBulkFile { directory, file: FileName::parse(file)? })
}

impl NamedBulkFile {
    fn kept(&self) -> Result<StorePath, Failure> {
        let StoreDirectory { table, region, family } = &self.directory;
        layout::bulk(table.full_form(), region.as_str(), family.as_str(), self.file.as_str())
            .map_err(Failure::usage)
    }

    /// Where it may lie in the source.
    fn paths(&self) -> Result<Vec<StorePath>, StoreError> {
        store_file_paths(&StorePath::root(), &self.directory, self.file.as_str(), &PLACES)
    }

    fn in_place(&self, problem: Problem) -> Problem {
        problem.in_region(self.directory.region).in_table(self.directory.table.full_form())
    }
}

/// Where a bulk-loaded file may lie.
const PLACES: [Place; 2] = [Place::Live, Place::Archive];

/// Copies bulk-loaded files into the repository.
pub struct KeepBulk<'a> {
    pub source: &'a dyn Store,
    pub publishing: &'a PublishWals<'a>,
    pub workers: usize,
    pub run: &'a Run,
}

impl KeepBulk<'_> {
    /// Copies what is not kept yet; every byte is read back, every block verified.
    pub fn keep(
        &self,
        files: &BTreeSet<NamedBulkFile>,
        problems: &mut Problems,
    ) -> Result<BulkCounts, Failure> {
        let mut counts = BulkCounts { named: files.len() as u64, ..BulkCounts::default() };
        let (mut copies, mut places) = (Vec::new(), Vec::new());
        for file in files {
            let kept = file.kept()?;
            if self.publishing.exists(&kept)? {
                counts.already += 1;
                continue;
            }
            match self.find(file) {
                Ok((source, metadata)) => {
                    copies.push(self.unit(file, source, metadata, places.len())?);
                    places.push((file, kept));
                }
                Err(problem) => {
                    counts.failed += 1;
                    problems.push(file.in_place(problem));
                }
            }
        }
        self.copy(copies, &places, &mut counts, problems)?;
        Ok(counts)
    }

    /// Where it is now; it may move to the archive between two looks.
    fn find(&self, file: &NamedBulkFile) -> Result<(StorePath, Metadata), Problem> {
        let found = file.paths().and_then(|paths| look_where_hbase_looks(&paths, |path| self.look(path)));
        if let Some(found) = found.map_err(|error| source_problem(&error))? {
            return Ok(found);
        }
        let shown = file.directory.path(Place::Live, file.file.as_str());
        Err(Problem::new(
            ProblemKind::Missing,
            shown,
            "a bulk-loaded file is neither in `data` nor in `archive`",
        )
        .meaning("its cells are in no WAL: a replay lacks them, unless a snapshot taken since has them")
        .hint("run convert before HBase's cleaner does (hbase.master.hfilecleaner.ttl)"))
    }

    fn look(&self, path: &StorePath) -> Result<Metadata, StoreError> {
        let metadata = self.source.metadata(path)?;
        match metadata.kind {
            Kind::File => Ok(metadata),
            Kind::Directory => {
                let doing = "looking for a bulk-loaded file";
                Err(StoreError::new(StoreErrorKind::NotFound, doing, path.as_str(), "is a directory"))
            }
        }
    }

    fn unit(
        &self,
        file: &NamedBulkFile,
        source: StorePath,
        metadata: Metadata,
        number: usize,
    ) -> Result<CopyUnit, Failure> {
        let moved_to = file.paths().map_err(Failure::usage)?;
        let asked = RangeToCopy {
            file: u32::try_from(number).map_err(Failure::usage)?,
            range: 0,
            source,
            moved_to,
            identity: metadata.identity,
            target: self.publishing.partial_path()?,
            shape: WriteShape::whole(metadata.len),
            parts: None,
        };
        Ok(CopyUnit { ranges: vec![RangeOfUnit::Copy(asked)] })
    }

    fn copy(
        &self,
        copies: Vec<CopyUnit>,
        places: &[(&NamedBulkFile, StorePath)],
        counts: &mut BulkCounts,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let target = self.publishing.target;
        let meter = self.run.meter("keep bulk-loaded files", Some(copies.len() as u64), None);
        let copy = CopyRanges { source: self.source, target, verify_sums: true, verify_blocks: true };
        let settle = Settling::new(target);
        let prove = ProveRanges { target, verify_blocks: true };
        let flow = self.run.flow(units(copies)).io(self.workers, "copy", &copy);
        let flow = flow.io(self.workers, "sync", &settle).io(self.workers, "prove", &prove);
        flow.unordered().each(|unit| {
            for (number, range) in unit.ranges {
                meter.advance(1, 0);
                let Some((file, kept)) = places.get(number as usize) else { continue };
                let found = match range {
                    Ok(proved) => self.place(proved, kept, counts)?,
                    Err(problem) => vec![problem],
                };
                counts.failed += u64::from(!found.is_empty());
                problems.extend(found.into_iter().map(|problem| file.in_place(problem)));
            }
            Ok(())
        })
    }

    /// Gives a copy its name, unless it is damaged.
    fn place(
        &self,
        proved: ProvedRange,
        kept: &StorePath,
        counts: &mut BulkCounts,
    ) -> Result<Vec<Problem>, Failure> {
        let target = self.publishing.target;
        let source = proved.copied.asked.source.to_string();
        if !proved.agrees {
            return Err(Failure::failed(
                "reading the copy back",
                kept,
                "the medium does not return what was written",
            )
            .hint("check the target's disks; nothing of this file was published"));
        }
        let mut found: Vec<Problem> = proved.copied.walked.iter().flat_map(block_problems).collect();
        if let Err(error) = &proved.contents
            && found.is_empty()
        {
            found.push(file_problem("", error));
        }
        if !found.is_empty() {
            let meaning = "the bulk-loaded file is damaged and was not kept";
            let of_source = |mut problem: Problem| {
                problem.path.clone_from(&source);
                problem.meaning(meaning)
            };
            return Ok(found.into_iter().map(of_source).collect());
        }
        let failed = |error| failed_store("giving the copy its name", target, error);
        target.rename(&proved.copied.asked.target, kept, Publish::IfAbsent).map_err(failed)?;
        target.sync_batch(std::slice::from_ref(kept)).map_err(failed)?;
        counts.copied += 1;
        counts.copied_bytes += proved.copied.sum.len;
        Ok(found)
    }
}
