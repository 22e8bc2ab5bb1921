//! The edits of one table that a cut puts on top of its base: which, in which units of work, and about how much.

use crate::families::each_replayed;
use crate::table_edits::verify_batches;
use crate::{Batch, OpenedCut};
use catalog::{StoredParquet, layout};
use formats::schema::TableSchema;
use formats::snapshot::RegionManifest;
use history::{BulkLoadedFile, Lineages, ReplayRegion};
use names::{EncodedRegionName, FileName};
use runtime::Run;
use serde::Serialize;
use stage::{Failure, Stopped};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use steps::bytes::failed_store;
use steps::edits::{EditBounds, EditsToWrite, FamilyToWrite, OpenedBatch, RegionRouter, SourceRegion};
use steps::hfile::{BulkFile, store_file_settings};
use store::Store;

/// The edits of one table.
pub struct EditPlan {
    /// Where rows belong.
    pub router: RegionRouter,
    /// The families of the restored table.
    pub families: Vec<FamilyToWrite>,
    /// Regions that share rows, parents first.
    pub units: Vec<EditsToWrite>,
    /// The batches that hold them.
    pub batches: Vec<Arc<OpenedBatch<StoredParquet>>>,
    /// About how much there is to do.
    pub forecast: Forecast,
    /// Identifies these edits, for the digest of the plan.
    pub work: String,
    /// Batches whose digests were not recorded.
    pub unproved: Vec<String>,
}

/// An estimate of the work that edits take, from what batches say about themselves, without reading them.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Forecast {
    /// Cells in the parts of batches that will be read.
    pub cells: u64,
    /// Bytes of those parts, which are compressed; new files are about as long, or longer.
    pub batch_bytes: u64,
    /// Stores that may get a new file.
    pub stores: u64,
    /// Bulk-loaded files.
    pub bulk_files: u64,
    /// About how many seconds it takes on one core, including the copying of the base's files.
    pub seconds: u64,
}

/// About how many cells a core merges, sorts, writes and checks in a second.
const CELLS_A_SECOND: u64 = 500_000;
/// About how many bytes are copied and proved in a second.
const BYTES_A_SECOND: u64 = 200 << 20;

impl EditPlan {
    /// Plans the edits of a table, from a cut that was opened.
    pub fn of(
        cut: &OpenedCut,
        schema: &TableSchema,
        regions: &[RegionManifest],
        source: &Arc<dyn Store>,
        workers: usize,
        run: &Run,
    ) -> Result<Self, Stopped> {
        let table = &schema.table;
        let unproved = verify_batches(cut.batches.get(table), source, workers, run)?;
        let replayed = cut.replay.in_order();
        let replayed: Vec<_> = replayed.into_iter().filter(|(_, region)| region.table == *table).collect();
        let mut work = String::new();
        let batches = opened_batches(cut.batches.get(table), source, &mut work)?;
        let mut sources = Vec::new();
        for (name, region) in &replayed {
            sources.push(source_region(name, region, schema, source.as_ref())?);
        }
        let mut units = units(sources, cut.history.lineages());
        // This holds whatever decides the result: the same work gives the same files.
        let _ = write!(work, "{units:?}");
        for unit in &mut units {
            unit.estimate(batches.iter().map(|opened| &opened.batch));
        }
        let forecast = forecast(&units, &batches, schema);
        let settings = |family| {
            let settings = |has_tags| store_file_settings(family, has_tags);
            Ok([settings(false)?, settings(true)?])
        };
        let families = schema
            .families
            .iter()
            .map(|family| FamilyToWrite { name: family.name.clone(), settings: settings(family) });
        let families: Vec<FamilyToWrite> = families.collect();
        refuse_unwritable(&families, &replayed, &batches)?;
        Ok(Self { router: RegionRouter::new(regions), families, units, batches, forecast, work, unproved })
    }
}

/// Refuses a cut with an edit of a family whose files cannot be written: nothing has been written yet.
fn refuse_unwritable(
    families: &[FamilyToWrite],
    replayed: &[(&EncodedRegionName, &ReplayRegion)],
    batches: &[Arc<OpenedBatch<StoredParquet>>],
) -> Result<(), Stopped> {
    for family in families {
        let Err(refusal) = &family.settings else { continue };
        for (name, region) in replayed {
            if has_edit(family.name.as_bytes(), name, region, batches)? {
                return Err(refusal.clone().into());
            }
        }
    }
    Ok(())
}

/// Whether an edit of a family is replayed in a region.
fn has_edit(
    family: &[u8],
    name: &EncodedRegionName,
    region: &ReplayRegion,
    batches: &[Arc<OpenedBatch<StoredParquet>>],
) -> Result<bool, Stopped> {
    let mut found = false;
    let opened = batches.iter().map(AsRef::as_ref);
    let looked = each_replayed(
        name,
        region,
        opened,
        |of| of == family,
        |_| {
            found = true;
            ControlFlow::Break(())
        },
    );
    looked.map_err(|problem| Stopped {
        failure: Failure::failed("looking into a batch", &problem.path, &problem.what),
        problems: [problem].into_iter().collect(),
    })?;
    Ok(found)
}

/// The opened batches of a table. The identity of these files decides the result of a restore.
fn opened_batches(
    batches: Option<&Vec<Batch>>,
    source: &Arc<dyn Store>,
    work: &mut String,
) -> Result<Vec<Arc<OpenedBatch<StoredParquet>>>, Failure> {
    let mut opened = Vec::new();
    for of in batches.into_iter().flatten() {
        let path = &of.wal.path;
        let failed = |error| failed_store("opening a batch", source.as_ref(), error);
        let identity = source.metadata(path).map_err(failed)?.identity.0;
        let _ = writeln!(work, "{path} {identity}");
        opened.push(of.opened.clone().ok_or_else(|| {
            Failure::failed("opening a batch", path, "it cannot be read, and its edits are in the cut")
                .hint("delete it and run convert again, if the WAL is still there")
        })?);
    }
    Ok(opened)
}

fn source_region(
    name: &EncodedRegionName,
    region: &ReplayRegion,
    schema: &TableSchema,
    source: &dyn Store,
) -> Result<SourceRegion, Failure> {
    let after = schema.families.iter().map(|family| family.name.as_bytes());
    let after = after.map(|family| (family.to_vec(), region.after(family))).collect();
    let bounds = EditBounds { first: region.first(), through: region.through, after };
    let mut bulk = Vec::new();
    for file in &region.bulk {
        bulk.extend(bulk_file(name, region, file, source)?);
    }
    Ok(SourceRegion { region: *name, bounds, bulk })
}

/// A bulk-loaded file as the repository keeps it. The cut reports one that it does not keep.
fn bulk_file(
    region: &EncodedRegionName,
    of: &ReplayRegion,
    file: &BulkLoadedFile,
    source: &dyn Store,
) -> Result<Option<BulkFile>, Failure> {
    let BulkLoadedFile { family, file, number, .. } = file;
    let path = layout::bulk(of.table.full_form(), region.as_str(), family.as_str(), file);
    let path = path.map_err(Failure::usage)?;
    match source.metadata(&path) {
        Err(error) if error.is_not_found() => return Ok(None),
        there => there.map_err(|error| failed_store("looking for a bulk-loaded file", source, error))?,
    };
    let wrong = |error| Failure::failed("reading the name of a bulk-loaded file", &path, error);
    let parsed = FileName::parse(file).map_err(wrong)?;
    let name = match parsed.bulk_sequence_id() {
        Some(_) => parsed,
        None => FileName::parse(&format!("{file}_SeqId_{number}_")).map_err(wrong)?,
    };
    Ok(Some(BulkFile { path, family: family.clone(), name, number: *number }))
}

/// Source regions that share rows make a unit: those that came of each other, or have a common ancestor.
fn units(sources: Vec<SourceRegion>, lineages: &Lineages) -> Vec<EditsToWrite> {
    let mut groups: Vec<Vec<SourceRegion>> = Vec::new();
    let mut group_of: BTreeMap<EncodedRegionName, usize> = BTreeMap::new();
    for source in sources {
        let mut relatives = lineages.ancestors(&source.region);
        relatives.insert(source.region);
        let mut known: Vec<usize> = relatives.iter().filter_map(|name| group_of.get(name).copied()).collect();
        known.sort_unstable();
        known.dedup();
        let into = known.first().copied().unwrap_or(groups.len());
        if into == groups.len() {
            groups.push(Vec::new());
        }
        // A merged region joins the groups of its parents.
        for other in known.into_iter().skip(1) {
            let moved = groups.get_mut(other).map(std::mem::take).unwrap_or_default();
            group_of.values_mut().filter(|group| **group == other).for_each(|group| *group = into);
            if let Some(group) = groups.get_mut(into) {
                group.extend(moved);
            }
        }
        group_of.extend(relatives.into_iter().map(|name| (name, into)));
        if let Some(group) = groups.get_mut(into) {
            group.push(source);
        }
    }
    let groups = groups.into_iter().filter(|group| !group.is_empty());
    (0..).zip(groups).map(|(unit, regions)| EditsToWrite { unit, regions, held: 0 }).collect()
}

fn forecast(
    units: &[EditsToWrite],
    batches: &[Arc<OpenedBatch<StoredParquet>>],
    schema: &TableSchema,
) -> Forecast {
    let regions: BTreeMap<&str, &SourceRegion> =
        units.iter().flat_map(|unit| &unit.regions).map(|region| (region.region.as_str(), region)).collect();
    let mut forecast = Forecast {
        stores: (regions.len() * schema.families.len()) as u64,
        bulk_files: regions.values().map(|region| region.bulk.len() as u64).sum(),
        ..Forecast::default()
    };
    for group in batches.iter().flat_map(|batch| batch.batch.groups()) {
        let wanted = regions
            .get(group.region.as_str())
            .is_some_and(|region| group.may_hold(region.bounds.first, region.bounds.through));
        if wanted {
            forecast.cells += group.rows;
            forecast.batch_bytes += group.bytes;
        }
    }
    forecast
}

impl Forecast {
    /// With the time that it takes, and this many bytes of the base's files to be copied.
    pub fn with_copy(self, bytes: u64) -> Self {
        Self { seconds: self.cells / CELLS_A_SECOND + bytes / BYTES_A_SECOND, ..self }
    }
}
