//! What a restore will do with one table: a value, made without reading a byte of an HFile.

use super::RestoreOptions;
use super::base::{changed_files, say_rows};
use super::leftovers::leftover_edits;
use super::naming::Mapping;
use super::retable::RegionNames;
use crate::export::judge;
use catalog::{ImageCut, ListedImage};
use cuts::{Accepted, Debts, EditPlan, OpenedCut};
use delivery::{Aim, DeliveryPlan, Documents, SnapshotFiles, Terms, Wording};
use formats::snapshot::{DescriptionRewrite, RegionManifest, RegionRole, rewrite_description};
use names::{SnapshotName, TableName};
use runtime::Run;
use stage::{Failure, Problem, Stopped};
use std::borrow::Cow;
use std::sync::Arc;
use steps::bytes::RANGE_LEN;
use steps::copy::read_cluster_id;
use steps::hfile::Level;
use store::Store;

const RESTORING: Wording = Wording {
    doing: Cow::Borrowed("restoring"),
    other_name: Cow::Borrowed("give --as another name, or delete the snapshot"),
};

/// A snapshot that a restore starts from, read.
pub struct Base {
    files: SnapshotFiles,
    /// The table.
    pub table: TableName,
    /// What it is restored as.
    pub target: TableName,
    /// The cut at which it was itself restored, as its image says.
    restored_at: Option<ImageCut>,
}

/// Where a restore reads and writes.
pub struct Roots {
    /// The repository.
    pub source: Arc<dyn Store>,
    /// The root to restore to.
    pub target: Arc<dyn Store>,
    /// Whether they are one, and files stay where they are.
    pub in_place: bool,
}

/// The restore of one table, worked out.
pub struct TablePlan {
    /// The table of the base snapshot.
    pub table: TableName,
    /// The restored table, and the names of its regions.
    pub names: RegionNames,
    /// The base snapshot's regions, without their files.
    pub regions: Vec<RegionManifest>,
    /// What is copied and published, as in an export.
    pub export: DeliveryPlan,
    /// The terms of the work.
    pub terms: Terms,
    /// The edits that a cut puts on top.
    pub edits: Option<EditPlan>,
    /// What is not wrong but should be known.
    pub warnings: Vec<String>,
}

impl Base {
    /// Reads a snapshot's documents and looks for its files.
    pub fn read(
        snapshot: &str,
        images: &[ListedImage],
        mapping: &Mapping,
        source: &dyn Store,
        run: &Run,
    ) -> Result<Self, Failure> {
        let name = SnapshotName::parse(snapshot).map_err(Failure::usage)?;
        let files = SnapshotFiles::read(source, &name, run)?;
        let restored_at = catalog::cut_of_snapshot(images, name.as_str(), &files.snapshot.manifest_bytes);
        Ok(Self { restored_at: restored_at.cloned(), ..Self::of(files, mapping)? })
    }

    /// Takes a snapshot that was read.
    pub fn of(files: SnapshotFiles, mapping: &Mapping) -> Result<Self, Failure> {
        let table = files.snapshot.description.table.clone();
        let target = mapping.target_of(&table)?;
        Ok(Self { files, table, target, restored_at: None })
    }

    /// The snapshot's name.
    pub fn name(&self) -> String {
        self.files.snapshot.description.name.to_string()
    }

    /// What is not proved about it, each a problem: nothing else can be missing from the snapshot alone.
    pub fn debts(&self, accepted: &Accepted) -> Vec<Problem> {
        let name = self.files.snapshot.description.name.as_str();
        Debts::of(self.restored_at.as_ref()).problems(name, self.table.full_form(), accepted)
    }

    /// Stops where the base is not what it should be: nothing can be restored from it.
    fn check(&mut self, workers: usize, source: &Arc<dyn Store>, run: &Run) -> Result<(), Stopped> {
        if !self.files.missing.is_empty() {
            self.files.missing = say_rows(&self.files, &self.files.missing)?;
        }
        judge(&self.files, false, source.as_ref())?;
        let changed = changed_files(&self.files, source, workers, run)?;
        if changed.is_empty() {
            return Ok(());
        }
        let problems = say_rows(&self.files, &changed)?;
        let wrong = format!("{} files are not what was exported", changed.count());
        let failure =
            Failure::failed("looking at the base snapshot", &self.files.snapshot.description.name, wrong)
                .hint("nothing was written; bring the files back from a copy, or export the snapshot again");
        Err(Stopped { failure, problems })
    }
}

impl TablePlan {
    /// Makes the plan of one table.
    pub fn make(
        mut base: Base,
        name: SnapshotName,
        options: &RestoreOptions,
        roots: &Roots,
        cut: Option<&OpenedCut>,
        run: &Run,
    ) -> Result<Self, Stopped> {
        let Roots { source, target, in_place } = roots;
        let workers = options.cut.workers;
        base.check(workers, source, run)?;
        let Base { mut files, table, target: to, restored_at } = base;
        if table != to {
            refuse_mob_files(&files, &to)?;
        }
        let names = RegionNames::of(&files.snapshot.manifest_bytes, &table, &to)?;
        let manifest = match table == to {
            true => std::mem::take(&mut files.snapshot.manifest_bytes),
            false => names.manifest(&files.snapshot.manifest_bytes)?,
        };
        let rewrite = DescriptionRewrite {
            name: Some(name.clone()),
            table: (table != to).then(|| to.clone()),
            reset_ttl: true,
        };
        let description = rewrite_description(&files.snapshot.description_bytes, &rewrite)
            .map_err(|error| Failure::failed("describing the snapshot", &name, error))?;
        let regions = std::mem::take(&mut files.regions);
        let schema = &files.snapshot.schema;
        let edits = cut.map(|cut| EditPlan::of(cut, schema, &regions, source, workers, run));
        let edits = edits.transpose()?;
        let documents = Documents { target: name, description, manifest };
        let cluster = read_cluster_id(source.as_ref())?;
        let warnings = schema.refused_by_hbase_2();
        let export = DeliveryPlan::new(RESTORING, files, documents, cluster, aim(options));
        let cut = cut.map(OpenedCut::for_image).or(restored_at);
        let export = DeliveryPlan { in_place: *in_place, cut, ..export }.named(&work(&to, edits.as_ref()));
        let terms = Terms { workers, resume: true, overwrite: false };
        let mut plan = Self { table, names, regions, export, terms, edits, warnings };
        let regions = plan.row_regions().map(|region| plan.names.target_of(&region.encoded)).collect();
        plan.warnings.extend(leftover_edits(target.as_ref(), &plan.names.table, &regions)?);
        let unproved = plan.edits.iter().flat_map(|edits| &edits.unproved);
        let warning = |batch| format!("{batch} has no recorded digests: damage in it may go unnoticed");
        plan.warnings.extend(unproved.map(warning));
        Ok(plan)
    }

    /// The regions that hold rows.
    pub fn row_regions(&self) -> impl Iterator<Item = &RegionManifest> {
        self.regions.iter().filter(|region| region.role() == RegionRole::Rows)
    }
}

/// HBase finds a MOB file by the table that the cells name, and treats a link to one in a snapshot as a file of the
/// snapshot's own table: it could not clone such a snapshot.
fn refuse_mob_files(files: &SnapshotFiles, to: &TableName) -> Result<(), Failure> {
    for region in files.snapshot.regions() {
        let region = region?;
        if region.role() == RegionRole::Mob && region.file_count() > 0 {
            let table = &files.snapshot.description.table;
            let wrong = format!("it has MOB files, which HBase finds only as those of {table}");
            let hint = format!(
                "leave --map out for it: clone_snapshot '...', '{to}' gives the clone that name anyway"
            );
            return Err(Failure::refused("restoring", format!("{table} as {to}"), wrong).hint(hint));
        }
    }
    Ok(())
}

/// What an export's plan does not hold: part of the digest that names the run.
fn work(target: &TableName, edits: Option<&EditPlan>) -> Vec<u8> {
    let edits = edits.map_or("", |edits| &edits.work);
    format!("restore {}\n{edits}", target.full_form()).into_bytes()
}

fn aim(options: &RestoreOptions) -> Aim {
    let (from, attributes) = (options.cut.from.clone(), options.attributes.clone());
    Aim { from, level: Level::Blocks, attributes, range_len: RANGE_LEN }
}
