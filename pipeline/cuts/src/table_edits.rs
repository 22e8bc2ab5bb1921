//! The edits of a table that are replayed, region by region, from batches.

use crate::{Batch, OpenedCut};
use catalog::{BatchSum, CatalogError, StoredParquet};
use delivery::verify_files;
use formats::compress::Dictionaries;
use formats::schema::TableSchema;
use history::ReplayRegion;
use names::{EncodedRegionName, TableName};
use runtime::Run;
use stage::{Failure, Problem, Stopped};
use std::sync::Arc;
use steps::bytes::{Blake3, FileSum};
use steps::edits::{EditBounds, EditSource, LogOrder, MergeEdits, OpenedBatch, Wanted};
use steps::hfile::{FileToVerify, Level};
use store::{Store, StorePath};

/// The batches of a table that are replayed.
pub struct TableEdits {
    batches: Vec<Arc<OpenedBatch<StoredParquet>>>,
    families: Vec<Vec<u8>>,
}

impl TableEdits {
    /// Takes those of a table of a cut; batches that cannot be read are left out, as a problem of the cut says.
    pub fn of(cut: &OpenedCut, schema: &TableSchema) -> Self {
        let known = cut.batches.get(&schema.table).into_iter().flatten();
        let batches = known.filter_map(|batch| batch.opened.clone()).collect();
        let families = schema.families.iter().map(|family| family.name.as_bytes().to_vec()).collect();
        Self { batches, families }
    }

    /// Whether the snapshot's table has this family.
    #[inline]
    pub fn has_family(&self, family: &[u8]) -> bool {
        self.families.iter().any(|known| known == family)
    }

    /// The edits of a source region that are in the cut and in no file of the snapshot, in the order of the log.
    pub fn of_region(
        &self,
        name: &EncodedRegionName,
        region: &ReplayRegion,
        memory: usize,
    ) -> LogOrder<'_, StoredParquet> {
        LogOrder::new(name.as_str(), self.sources(name), self.bounds(region), memory)
    }

    /// Adds the same to a merge by key.
    pub fn add_to<'a>(
        &'a self,
        merge: &mut MergeEdits<'a, StoredParquet>,
        name: &EncodedRegionName,
        region: &ReplayRegion,
        wanted: &Wanted<'_>,
    ) {
        merge.add_region(name.as_str(), self.sources(name), &self.bounds(region), wanted);
    }

    fn sources(&self, name: &EncodedRegionName) -> impl Iterator<Item = EditSource<'_, StoredParquet>> {
        let batches = self.batches.iter().filter(|batch| batch.regions.contains(name));
        batches.map(|of| EditSource { path: &of.path, batch: &of.batch })
    }

    fn bounds(&self, region: &ReplayRegion) -> EditBounds {
        let after = self.families.iter().map(|family| (family.clone(), region.after(family)));
        EditBounds { first: region.first(), through: region.through, after: after.collect() }
    }
}

/// The base of a cut for this table; without a name, for the only one.
pub fn base_of<'a>(opened: &'a OpenedCut, table: Option<&str>) -> Result<&'a crate::OpenedBase, Failure> {
    let tables = || {
        let all: Vec<&str> = opened.bases.iter().map(|base| base.stores.table.full_form()).collect();
        all.join(", ")
    };
    let Some(table) = table else {
        return match opened.bases.as_slice() {
            [base] => Ok(base),
            _ => Err(Failure::usage(format!("--table is needed: the snapshots are of {}", tables()))),
        };
    };
    let name = TableName::parse(table).map_err(Failure::usage)?;
    opened.bases.iter().find(|base| base.stores.table == name).ok_or_else(|| {
        Failure::failed("looking for the table", &name, "is not in the snapshot")
            .hint(format!("what was given is of {}", tables()))
    })
}

/// Compares the batches with their recorded digests; returns those that have none. Parquet would not notice a changed
/// byte inside a page.
pub fn verify_batches(
    batches: Option<&Vec<Batch>>,
    source: &Arc<dyn Store>,
    workers: usize,
    run: &Run,
) -> Result<Vec<String>, Stopped> {
    let paths = batches.into_iter().flatten().map(|batch| batch.wal.path.clone());
    verify_paths(paths, source, workers, run)
}

/// The same, for batches that are not open.
pub(crate) fn verify_paths(
    paths: impl Iterator<Item = StorePath>,
    source: &Arc<dyn Store>,
    workers: usize,
    run: &Run,
) -> Result<Vec<String>, Stopped> {
    let (mut files, mut unproved) = (Vec::new(), Vec::new());
    for path in paths {
        let recorded = catalog::read_batch_sum(source.as_ref(), &path)
            .map_err(|error: CatalogError| error.failed("reading a batch's digests"))?;
        let sum = recorded.and_then(|sum| Some((Blake3::from_hex(&sum.blake3)?, sum)));
        let Some((blake3, BatchSum { len, crc32c, .. })) = sum else {
            unproved.push(path.to_string());
            continue;
        };
        let recorded = Some(FileSum { len, crc32c, blake3 });
        let store = Arc::clone(source);
        files.push(FileToVerify { store, path, len: Some(len), recorded, region: None, table: None });
    }
    let found = verify_files(files, Level::Sums, workers, Dictionaries::new(), run)?.problems;
    if found.is_empty() {
        return Ok(unproved);
    }
    let explained = |problem: &Problem| {
        let meaning = "the batch is not the one that was made from the WAL: its edits cannot be trusted";
        let hint = "delete it and run convert again, if the WAL is still there";
        problem.clone().meaning(meaning).hint(hint)
    };
    let wrong = format!("{} batches are damaged", found.count());
    let failure = Failure::failed("verifying batches", source.uri(), wrong)
        .hint("nothing was written; the problems say which, and what to do");
    Err(Stopped { failure, problems: found.kept().iter().map(explained).collect() })
}
