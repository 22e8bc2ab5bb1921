//! The snapshots that a cut is on top of, and the sequence ids up to which their files reach.

use crate::READING;
use crate::accepted::Accepted;
use crate::debts::Debts;
use catalog::{CatalogError, FilesOfImage, ListedImage};
use delivery::SnapshotFiles;
use formats::snapshot::{RegionManifest, RegionRole, SnapshotType, resolve};
use history::{Descent, FileSequence, SnapshotFile, SnapshotRegion, SnapshotStores, Starts};
use names::{
    EncodedRegionName, FamilyName, FileName, SnapshotName, StoreDirectory, StoreFileName, TableName,
};
use runtime::{Run, units};
use stage::{Bytes, Failure, Map, Problem, ProblemKind, Problems};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use steps::bytes::{failed_store, source_problem};
use steps::copy::{Contents, ListedFile, MANIFEST, snapshot_dir};
use steps::hfile::fault_problem;
use store::{Store, StorePath};

/// What a cut is put on top of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// A snapshot of the root, by name.
    Snapshot(String),
    /// The snapshot that an image published, by the image's id.
    Image(String),
}

/// A snapshot that a cut is on top of.
pub struct OpenedBase {
    /// Its documents, its files, and where these lie.
    pub files: SnapshotFiles,
    /// The image that published it, if there is one.
    pub image: Option<String>,
    /// What a history needs to know about it.
    pub stores: SnapshotStores,
    /// The regions that came of others, as its References and links show.
    pub descents: Vec<Descent>,
    /// Whether Tidegate restored it, as its image says.
    pub is_restored: bool,
    /// What the cut at which it was restored left unproved, as its image says.
    pub debts: Debts,
    /// Files that do not say up to which id they reach, and why. A flush in the WALs may show it.
    unreached: Vec<UnreachedFile>,
}

impl OpenedBase {
    /// What of that is not accepted, a problem each.
    pub(crate) fn debt_problems(&self, accepted: &Accepted) -> Vec<Problem> {
        let name = self.files.snapshot.description.name.as_str();
        self.debts.problems(name, self.stores.table.full_form(), accepted)
    }
}

/// A file that does not say up to which id it reaches.
struct UnreachedFile {
    region: EncodedRegionName,
    family: FamilyName,
    problem: Problem,
}

/// Files of bases that do not say up to which id they reach, where nothing else shows it either.
pub(crate) fn unreached<'a>(
    bases: &'a [OpenedBase],
    starts: &'a Starts,
) -> impl Iterator<Item = Problem> + 'a {
    let is_unknown = |file: &&UnreachedFile| {
        let start = starts.regions().get(&file.region);
        start.is_some_and(|start| start.unknown().any(|(family, _)| *family == file.family))
    };
    let unreached = bases.iter().flat_map(|base| &base.unreached);
    unreached.filter(is_unknown).map(|file| file.problem.clone())
}

/// Opens snapshots, and finds out up to which ids their files reach.
pub(crate) struct OpenBases<'a> {
    pub store: &'a dyn Store,
    pub workers: usize,
    pub run: &'a Run,
}

impl OpenBases<'_> {
    /// All of them, in the order given; each is of another table.
    pub fn open(&self, bases: &[Base], problems: &mut Problems) -> Result<Vec<OpenedBase>, Failure> {
        let images = catalog::list_images(self.store).map_err(|error| error.failed(READING))?;
        let mut opened: Vec<OpenedBase> = Vec::new();
        for base in bases {
            let base = self.base(base, &images, problems)?;
            if let Some(other) = opened.iter().find(|other| other.stores.table == base.stores.table) {
                let one = |of: &OpenedBase| of.files.snapshot.description.name.to_string();
                let what =
                    format!("{} and {} are of one table, {}", one(other), one(&base), base.stores.table);
                return Err(Failure::usage(what));
            }
            opened.push(base);
        }
        Ok(opened)
    }

    fn base(
        &self,
        base: &Base,
        images: &[ListedImage],
        problems: &mut Problems,
    ) -> Result<OpenedBase, Failure> {
        let (name, wanted) = match base {
            Base::Snapshot(name) => (name.clone(), None),
            Base::Image(id) => {
                let image = image_of(self.store, images, id)?;
                (image.0, Some(image.1))
            }
        };
        let name = SnapshotName::parse(&name).map_err(Failure::usage)?;
        let files = SnapshotFiles::read(self.store, &name, self.run)?;
        let digest = blake3::hash(&files.snapshot.manifest_bytes).to_hex();
        let mut published =
            catalog::images_of_snapshot(images, name.as_str(), &files.snapshot.manifest_bytes);
        let image = published.next().map(|(listed, _)| listed);
        if let Some(id) = wanted.filter(|id| image.is_none_or(|image| image.dir.name() != id)) {
            // Two images may have published the same manifest; only a different one is wrong.
            let same = images.iter().find(|listed| listed.dir.name() == id);
            let agrees = same.and_then(|same| same.image.as_ref().ok());
            if agrees.is_none_or(|image| image.manifest_blake3 != digest.as_str()) {
                let wrong = format!("the snapshot {name} has been replaced");
                return Err(Failure::failed("opening the image", id, wrong)
                    .hint("it was overwritten after the image was made: see tidegate image list"));
            }
        }
        problems.extend(files.faults.iter().cloned());
        problems.append(files.missing.clone());
        let known = image.map_or_else(|| Ok(HashMap::new()), |image| self.known(image, problems))?;
        let mut unreached = Vec::new();
        let sequences = self.sequences(&files, &known, &mut unreached, problems)?;
        let taken_ms = self.taken_ms(&name)?;
        let (stores, descents) = stores(&files, &sequences, taken_ms)?;
        let cut = catalog::cut_of_snapshot(images, name.as_str(), &files.snapshot.manifest_bytes);
        let (debts, is_restored) = (Debts::of(cut), cut.is_some());
        let image = image.map(|image| image.dir.name().to_owned());
        Ok(OpenedBase { files, image, stores, descents, is_restored, debts, unreached })
    }

    /// When the manifest's file was written: the snapshot was complete by then.
    fn taken_ms(&self, name: &SnapshotName) -> Result<Option<i64>, Failure> {
        let path = snapshot_dir(name)?.join(MANIFEST).map_err(Failure::usage)?;
        match self.store.metadata(&path) {
            Ok(metadata) => Ok(metadata.modified_ms),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(failed_store("looking at the snapshot", self.store, error)),
        }
    }

    /// MAX_SEQ_ID_KEY of an image's files, by path.
    fn known(&self, image: &ListedImage, problems: &mut Problems) -> Result<HashMap<String, u64>, Failure> {
        let mut known = HashMap::new();
        let files = match FilesOfImage::of(self.store, image) {
            Err(CatalogError::Damaged { path, what }) => {
                problems.push(
                    Problem::new(ProblemKind::Structure, path, what)
                        .meaning("what it says about the files was not used: they were opened instead")
                        .hint("export the snapshot again"),
                );
                return Ok(known);
            }
            files => files.map_err(|error| error.failed(READING))?,
        };
        for rows in files {
            let rows = rows.map_err(|error| error.failed(READING))?;
            known.extend(rows.into_iter().filter_map(|row| Some((row.path, row.max_sequence?))));
        }
        Ok(known)
    }

    /// The id up to which each file reaches; one that cannot be found is a problem.
    fn sequences(
        &self,
        files: &SnapshotFiles,
        known: &HashMap<String, u64>,
        unreached: &mut Vec<UnreachedFile>,
        problems: &mut Problems,
    ) -> Result<Vec<FileSequence>, Failure> {
        let mut sequences = vec![FileSequence::Unknown; files.listed.files.len()];
        let mut to_open = Vec::new();
        for (number, (file, found)) in files.listed.files.iter().zip(&files.found).enumerate() {
            let Some(found) = found else { continue };
            if matches!(file.name, FileName::Mob(_)) {
                continue;
            }
            let path = files.listed.path(file, found.place).map_err(Failure::usage)?;
            let recorded = known.get(path.as_str()).and_then(|id| i64::try_from(*id).ok());
            match FileSequence::of(file.name.bulk_sequence_id(), recorded) {
                FileSequence::Unknown => to_open.push(FileToOpen { number, path }),
                known => set(&mut sequences, number, known),
            }
        }
        let meter = self.run.meter("read file info", Some(to_open.len() as u64), None);
        let read = ReadSequences { store: self.store };
        self.run.flow(units(to_open)).io(self.workers, "read file info", &read).ordered().each(|read| {
            meter.advance(1, 0);
            match read.sequence {
                Ok(sequence) => set(&mut sequences, read.number, sequence),
                Err(problem) => {
                    let file = files.listed.files.get(read.number);
                    let of = file.and_then(|file| directory(files, file));
                    let is_whole = problem.kind == ProblemKind::Unsupported;
                    let problem = in_store(problem, of);
                    match of.filter(|_| is_whole) {
                        Some(of) => unreached.push(UnreachedFile {
                            region: of.region,
                            family: of.family.clone(),
                            problem,
                        }),
                        None => problems.push(problem),
                    }
                }
            }
            Ok(())
        })?;
        Ok(sequences)
    }
}

fn set(sequences: &mut [FileSequence], number: usize, sequence: FileSequence) {
    if let Some(slot) = sequences.get_mut(number) {
        *slot = sequence;
    }
}

fn directory<'a>(files: &'a SnapshotFiles, file: &ListedFile) -> Option<&'a StoreDirectory> {
    files.listed.directories.get(file.directory as usize)
}

fn in_store(problem: Problem, directory: Option<&StoreDirectory>) -> Problem {
    match directory {
        Some(of) => problem.in_region(of.region).in_table(of.table.full_form()),
        None => problem,
    }
}

/// The snapshot that an image published, and the image's id.
fn image_of(store: &dyn Store, images: &[ListedImage], id: &str) -> Result<(String, String), Failure> {
    let listed = images.iter().find(|listed| listed.dir.name() == id).ok_or_else(|| {
        Failure::failed("looking for the image", store.uri(), format!("there is no image {id}"))
            .hint("tidegate image list shows the images")
    })?;
    match &listed.image {
        Ok(image) => Ok((image.snapshot.clone(), id.to_owned())),
        Err(what) => {
            Err(Failure::failed("reading the image", &listed.dir, what).hint("export the snapshot again"))
        }
    }
}

struct FileToOpen {
    number: usize,
    path: StorePath,
}

impl Bytes for FileToOpen {
    fn bytes(&self) -> usize {
        0
    }
}

struct ReadSequence {
    number: usize,
    sequence: Result<FileSequence, Problem>,
}

impl Bytes for ReadSequence {
    fn bytes(&self) -> usize {
        0
    }
}

/// The step: opens an HFile and takes MAX_SEQ_ID_KEY.
struct ReadSequences<'a> {
    store: &'a dyn Store,
}

impl Map for ReadSequences<'_> {
    type In = FileToOpen;
    type Out = ReadSequence;

    fn map(&self, FileToOpen { number, path }: FileToOpen) -> Result<ReadSequence, Failure> {
        Ok(ReadSequence { number, sequence: self.sequence(&path) })
    }
}

impl ReadSequences<'_> {
    fn sequence(&self, path: &StorePath) -> Result<FileSequence, Problem> {
        let file = self.store.open(path).map_err(|error| source_problem(&error))?;
        let contents = Contents::read(file.as_ref()).map_err(|fault| fault_problem(path.as_str(), &fault))?;
        let unknown = |what: String| {
            Problem::new(ProblemKind::Unsupported, path, what)
                .meaning("neither it nor a flush in the WALs says up to which sequence id it reaches")
                .hint("take a snapshot whose files can be read, or convert the WALs from before it, too")
        };
        match (contents.max_sequence, contents.unread) {
            (Some(id), _) => Ok(FileSequence::UpTo(id)),
            (None, Some(why)) => Err(unknown(format!("cannot be looked into: {why}"))),
            // HBase considers a file without the key older than every edit.
            (None, None) => Err(unknown("has no MAX_SEQ_ID_KEY".to_owned())),
        }
    }
}

/// What a history needs of a snapshot: its stores, and which regions came of others.
fn stores(
    files: &SnapshotFiles,
    sequences: &[FileSequence],
    taken_ms: Option<i64>,
) -> Result<(SnapshotStores, Vec<Descent>), Failure> {
    let description = &files.snapshot.description;
    let numbers: HashMap<(&StoreDirectory, &FileName), usize> = (0..)
        .zip(&files.listed.files)
        .filter_map(|(number, file)| Some(((directory(files, file)?, &file.name), number)))
        .collect();
    let (mut regions, mut descents) = (Vec::new(), Vec::new());
    for region in files.snapshot.regions() {
        let region = region?;
        if region.role() != RegionRole::Rows {
            continue;
        }
        let mut of_region = BTreeMap::new();
        // Families without files are not in a region's manifest.
        for family in &files.snapshot.schema.families {
            of_region.insert(family.name.clone(), Vec::new());
        }
        for family in &region.families {
            let store: &mut Vec<SnapshotFile> = of_region.entry(family.family.clone()).or_default();
            for file in &family.store_files {
                let target = resolve(&description.table, &region, &family.family, file);
                let home = target.directory;
                let number = numbers.get(&(&home, &target.file));
                let sequence = number.and_then(|number| sequences.get(*number)).copied();
                let sequence = sequence.unwrap_or(FileSequence::Unknown);
                store.push(SnapshotFile { name: file.name.to_string(), sequence });
            }
        }
        descents.extend(descent(&description.table, &region));
        regions.push(SnapshotRegion {
            region: region.region.encoded_name(),
            region_id: region.region.region_id,
            stores: of_region,
        });
    }
    let (table, kind) = (description.table.clone(), description.snapshot_type());
    let created_ms = description.creation_time.filter(|time| *time > 0);
    let since_ms = created_ms.filter(|_| kind != SnapshotType::SkipFlush);
    Ok((SnapshotStores { table, kind, taken_ms, created_ms, since_ms, regions }, descents))
}

/// The regions that a region's References lead to; a whole file of a parent is a link into the own table.
fn descent(table: &TableName, region: &RegionManifest) -> Option<Descent> {
    let child = region.region.encoded_name();
    let parent = |name: &StoreFileName| match name {
        StoreFileName::Reference(reference) => Some(*reference.parent()),
        StoreFileName::Link(link) if link.table == *table => Some(link.region),
        _ => None,
    };
    let names = region.families.iter().flat_map(|family| &family.store_files).map(|file| &file.name);
    let parents: BTreeSet<EncodedRegionName> =
        names.filter_map(parent).filter(|parent| *parent != child).collect();
    (!parents.is_empty()).then(|| Descent { parents: parents.into_iter().collect(), children: vec![child] })
}
