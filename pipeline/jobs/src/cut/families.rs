//! Cells of families that a snapshot's schema does not have: no command shows or keeps them, so every command tells of them.

use super::bases::OpenedBase;
use super::{ReplayBatch, entries};
use crate::convert::unread;
use catalog::{CatalogError, StoredBatch};
use formats::schema::TableSchema;
use history::{Replay, ReplayRegion};
use names::{EncodedRegionName, TableName};
use stage::{Failure, Problem, ProblemKind};
use std::collections::BTreeMap;
use steps::{EditBounds, EditSource, MergeEdits};
use store::Store;

/// What a replay has of families that the schemas of the bases do not have.
pub(super) struct UnknownFamilies<'a> {
    pub store: &'a dyn Store,
    pub batches: &'a BTreeMap<TableName, Vec<ReplayBatch>>,
    pub replay: &'a Replay,
}

/// Of one family.
#[derive(Default)]
struct LeftOut {
    cells: u64,
    bulk_files: u64,
}

type Opened<'a> = Vec<(&'a ReplayBatch, StoredBatch)>;

impl UnknownFamilies<'_> {
    /// A problem for each family; `unreadable` takes those of batches that cannot be read.
    pub fn left_out(
        &self,
        bases: &[OpenedBase],
        unreadable: &mut Vec<Problem>,
    ) -> Result<Vec<Problem>, Failure> {
        let mut problems = Vec::new();
        for base in bases {
            let snapshot = &base.files.snapshot;
            let left_out = self.of_table(&snapshot.schema, unreadable)?;
            let name = snapshot.description.name.to_string();
            problems
                .extend(left_out.iter().map(|(family, of)| told(&snapshot.schema.table, &name, family, of)));
        }
        Ok(problems)
    }

    fn of_table(
        &self,
        schema: &TableSchema,
        unreadable: &mut Vec<Problem>,
    ) -> Result<BTreeMap<String, LeftOut>, Failure> {
        let mut left_out: BTreeMap<String, LeftOut> = BTreeMap::new();
        let is_known = |family: &[u8]| schema.families.iter().any(|known| known.name.as_bytes() == family);
        let mut opened = Opened::new();
        for batch in self.batches.get(&schema.table).into_iter().flatten() {
            match catalog::open_batch(self.store, &batch.wal.path) {
                Ok(file) => opened.push((batch, file)),
                Err(CatalogError::Damaged { what, .. }) => unreadable.push(entries::unreadable(batch, what)),
                Err(error) => return Err(unread(self.store, error)),
            }
        }
        let regions = self.replay.regions().iter().filter(|(_, region)| region.table == schema.table);
        for (name, region) in regions {
            for file in region.bulk.iter().filter(|file| !is_known(file.family.as_bytes())) {
                left_out.entry(file.family.to_string()).or_default().bulk_files += 1;
            }
            if has_unknown(name, region, &opened, is_known, unreadable) {
                count(name, region, &opened, is_known, &mut left_out);
            }
        }
        Ok(left_out)
    }
}

/// Whether a batch has a cell of an unknown family in a region. Only the column of the families is read.
fn has_unknown(
    name: &EncodedRegionName,
    region: &ReplayRegion,
    opened: &Opened<'_>,
    is_known: impl Fn(&[u8]) -> bool,
    unreadable: &mut Vec<Problem>,
) -> bool {
    let mut found = false;
    for (batch, file) in opened {
        let groups = (0..).zip(file.groups()).filter(|(_, group)| {
            group.region == name.as_str()
                && group.first_sequence <= region.through
                && group.last_sequence >= region.first()
        });
        let groups = groups.map(|(number, _)| number).collect();
        if let Err(error) = file.each_family(groups, |family| found |= !is_known(family)) {
            unreadable.push(entries::unreadable(batch, error.to_string()));
        }
    }
    found
}

/// Counts the cells of unknown families, each once. What cannot be read was told.
fn count(
    name: &EncodedRegionName,
    region: &ReplayRegion,
    opened: &Opened<'_>,
    is_known: impl Fn(&[u8]) -> bool,
    left_out: &mut BTreeMap<String, LeftOut>,
) {
    let of_region = opened.iter().filter(|(batch, _)| batch.regions.contains(name));
    let paths: Vec<String> = of_region.clone().map(|(batch, _)| batch.wal.path.to_string()).collect();
    let sources = of_region.zip(&paths).map(|((_, batch), path)| EditSource { path, batch });
    let bounds = EditBounds { first: region.first(), through: region.through, after: Vec::new() };
    let mut merge = MergeEdits::new(name.as_str(), sources, bounds);
    while let Ok(true) = merge.advance() {
        let Some(edit) = merge.edit() else { break };
        let (family, sequence) = (edit.cell.family, edit.cell.sequence);
        if !is_known(family) && region.takes(family, sequence) {
            left_out.entry(family.escape_ascii().to_string()).or_default().cells += 1;
        }
    }
}

fn told(table: &TableName, snapshot: &str, family: &str, of: &LeftOut) -> Problem {
    let what = match of {
        LeftOut { cells, bulk_files: 0 } => format!("{cells} cells"),
        LeftOut { cells: 0, bulk_files } => format!("{bulk_files} bulk-loaded files"),
        LeftOut { cells, bulk_files } => format!("{cells} cells and {bulk_files} bulk-loaded files"),
    };
    let what = format!("{what} of family {family}, which the snapshot's table does not have");
    Problem::new(ProblemKind::Unsupported, snapshot, what)
        .in_table(table.full_form())
        .meaning("it was added after the snapshot: its settings are not known here, so scan, restore and HFiles leave these cells out")
        .hint(
            "start from a snapshot that was taken after it was added; restore accepts it with --leave-out-families",
        )
}
