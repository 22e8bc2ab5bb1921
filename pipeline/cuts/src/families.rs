//! Cells of families that a snapshot's schema does not have: no command shows or keeps them, so every command reports
//! them.

use crate::batch::{Batch, Unreadable};
use catalog::StoredParquet;
use formats::schema::TableSchema;
use history::{Replay, ReplayRegion};
use names::{EncodedRegionName, TableName};
use stage::{Problem, ProblemKind};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use steps::edits::{EditBounds, EditSource, MergeEdits, OpenedBatch, Wanted};

/// What a replay has of one family that the base's schema does not have.
#[derive(Default)]
struct LeftOut {
    cells: u64,
    bulk_files: u64,
}

/// A problem for each family that a table's edits have and its schema in a snapshot does not.
pub(crate) fn left_out(
    schema: &TableSchema,
    snapshot: &str,
    batches: &[Batch],
    replay: &Replay,
    unreadable: &mut Unreadable,
) -> Vec<Problem> {
    let mut left_out: BTreeMap<String, LeftOut> = BTreeMap::new();
    let is_known = |family: &[u8]| schema.families.iter().any(|known| known.name.as_bytes() == family);
    let regions = replay.regions().iter().filter(|(_, region)| region.table == schema.table);
    for (name, region) in regions {
        for file in region.bulk.iter().filter(|file| !is_known(file.family.as_bytes())) {
            left_out.entry(file.family.to_string()).or_default().bulk_files += 1;
        }
        if has_unknown(name, region, batches, is_known) {
            let cells = |family: &[u8]| {
                left_out.entry(family.escape_ascii().to_string()).or_default().cells += 1;
                ControlFlow::Continue(())
            };
            let opened = batches.iter().filter_map(|batch| batch.opened.as_deref());
            if let Err(problem) = each_replayed(name, region, opened, |family| !is_known(family), cells) {
                unreadable.take(problem);
            }
        }
    }
    left_out.iter().map(|(family, of)| problem(&schema.table, snapshot, family, of)).collect()
}

/// Whether a batch may have a replayed cell of an unknown family in a region: by what its footer says.
fn has_unknown(
    name: &EncodedRegionName,
    region: &ReplayRegion,
    batches: &[Batch],
    is_known: impl Fn(&[u8]) -> bool,
) -> bool {
    let groups = batches
        .iter()
        .filter_map(Batch::file)
        .flat_map(|file| file.groups_of(name.as_str()).filter_map(|number| file.groups().get(number)));
    let mut wanted = groups.filter(|group| group.may_hold(region.first(), region.through));
    wanted.any(|group| !is_known(&group.family))
}

/// Shows the family of each cell of the wanted ones that is replayed in a region, each cell once, until it breaks.
pub(crate) fn each_replayed<'a>(
    name: &EncodedRegionName,
    region: &ReplayRegion,
    batches: impl Iterator<Item = &'a OpenedBatch<StoredParquet>>,
    is_wanted: impl Fn(&[u8]) -> bool,
    mut see: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), Problem> {
    let of_region = batches.filter(|batch| batch.regions.contains(name));
    let sources = of_region.map(|of| EditSource { path: &of.path, batch: &of.batch });
    let bounds = EditBounds { first: region.first(), through: region.through, after: Vec::new() };
    let mut merge = MergeEdits::of_region(name.as_str(), sources, &bounds, &Wanted::default());
    while merge.advance()? {
        let Some(edit) = merge.edit() else { break };
        let is_replayed = || region.takes(edit.cell.family, edit.cell.sequence);
        if is_wanted(edit.cell.family) && is_replayed() && see(edit.cell.family).is_break() {
            break;
        }
    }
    Ok(())
}

fn problem(table: &TableName, snapshot: &str, family: &str, of: &LeftOut) -> Problem {
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
