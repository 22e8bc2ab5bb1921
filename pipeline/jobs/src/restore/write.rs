//! Writes the new files of a table: merge, route, sort and write; open again and compare; record.

use super::plan::TablePlan;
use catalog::StoredParquet;
use cuts::EditPlan;
use delivery::{AddedFile, Begun, Delivery, Record, WrittenRecord, waiting_path};
use names::{EncodedRegionName, FamilyName};
use stage::{Bytes, Failure, Map, Problem, Problems, Stopped};
use std::collections::{BTreeMap, BTreeSet};
use steps::bytes::failed_store;
use steps::copy::{Contents, Proof};
use steps::edits::{EditsToWrite, NewFiles, WriteEdits, WrittenEdits};
use steps::hfile::{CheckWritten, WrittenHFile, WrittenUnit};
use store::{Publish, StoreErrorKind};

const DOING: &str = "writing new HFiles";

/// Makes the new files of a table.
pub struct Writing<'a> {
    pub plan: &'a TablePlan,
    pub edits: &'a EditPlan,
    pub delivery: &'a Delivery<'a>,
}

impl Writing<'_> {
    /// Works on all units that the journal does not have. Returns the files that wait for their names, including those
    /// of interrupted runs.
    pub fn write(&self, begun: &mut Begun<'_>, earlier: Vec<WrittenRecord>) -> Result<Written, Stopped> {
        let target = self.delivery.target.as_ref();
        let mut written = Written::default();
        let mut done = BTreeSet::new();
        for record in earlier {
            done.insert(record.unit);
            written.take(record);
        }
        let todo = self.edits.units.iter().filter(|unit| !done.contains(&unit.unit)).cloned();
        let todo: Vec<EditsToWrite> = todo.collect();
        let writing = begun.partial.join("writing").map_err(Failure::usage)?;
        let (run, workers) = (self.delivery.run, self.plan.terms.workers);
        let step: WriteEdits<'_, StoredParquet> = WriteEdits {
            source: self.delivery.source.as_ref(),
            target,
            writing,
            batches: &self.edits.batches,
            router: &self.edits.router,
            targets: self.targets(),
            table: self.plan.names.table.full_form().to_owned(),
            families: &self.edits.families,
            create_time: self.plan.export.created_ms,
            form: NewFiles::Store,
        };
        let check = CheckEdits(CheckWritten { store: target });
        let meter = run.meter("write new files", Some(todo.len() as u64), None);
        let mut problems = Problems::default();
        let flow = run.flow(runtime::units(todo)).io(workers, "write", &step).io(workers, "check", &check);
        let worked = flow.unordered().each(|unit| {
            meter.advance(1, unit.files.iter().map(|(file, ..)| file.sum.len).sum());
            if let Some(record) = self.keep(unit, begun, &mut problems)? {
                written.take(record);
            }
            Ok(())
        });
        let whole = worked.and_then(|()| match problems.is_empty() {
            true => Ok(written),
            false => {
                let wrong = "edits could not be read or written";
                Err(Failure::failed(DOING, self.plan.table.full_form(), wrong)
                    .hint("nothing was published; the problems say which files are damaged"))
            }
        });
        whole.map_err(|failure| Stopped::after(problems, failure))
    }

    /// The names that the router's regions have in the restored table.
    fn targets(&self) -> Vec<EncodedRegionName> {
        let router = &self.edits.router;
        let names = (0..router.len()).filter_map(|number| router.name(number));
        names.map(|name| self.plan.names.target_of(name)).collect()
    }

    /// Keeps the files of a unit if nothing is wrong with them, and records them.
    fn keep(
        &self,
        unit: CheckedEdits,
        begun: &Begun<'_>,
        problems: &mut Problems,
    ) -> Result<Option<WrittenRecord>, Failure> {
        let mut wrong = unit.problems;
        let mut files = Vec::new();
        for (file, family, found) in unit.files {
            wrong.extend(found);
            wrong.extend(self.outside(&file));
            if wrong.is_empty() {
                files.push(self.wait(&file, &family, begun)?);
            }
        }
        if !wrong.is_empty() {
            problems.append(wrong);
            return Ok(None);
        }
        let record = WrittenRecord {
            unit: unit.unit,
            files,
            left_out: unit.left_out,
            duplicates: unit.duplicates,
            version_deletes: unit.version_deletes,
        };
        begun.write_down(&Record::Written(record.clone()))?;
        Ok(Some(record))
    }

    /// A file with rows outside its region: HBase would not clip it.
    fn outside(&self, file: &WrittenHFile) -> Option<Problem> {
        let targets = self.targets();
        let holds = |row: &[u8]| {
            let number = self.edits.router.route(row);
            number
                .and_then(|number| targets.get(number))
                .is_some_and(|name| name.as_str() == file.asked.region)
        };
        let inside = file.cells == 0 || holds(&file.first_row) && holds(&file.last_row);
        let what = "a new file has rows outside its region";
        (!inside).then(|| {
            Problem::new(stage::ProblemKind::Cells, &file.asked.path, what).in_region(&file.asked.region)
        })
    }

    /// Moves a file to where it waits for its name.
    fn wait(
        &self,
        file: &WrittenHFile,
        family: &FamilyName,
        begun: &Begun<'_>,
    ) -> Result<AddedFile, Failure> {
        let target = self.delivery.target.as_ref();
        let failed = |error| failed_store(DOING, target, error);
        let identity = target.metadata(&file.asked.path).map_err(failed)?.identity.0;
        let added = added_file(file, family, identity);
        let to = waiting_path(&begun.partial, &added)?;
        match target.rename(&file.asked.path, &to, Publish::Replace) {
            Err(error) if error.kind != StoreErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let identity = target.metadata(&to).map_err(failed)?.identity.0;
        Ok(AddedFile { proof: Proof { identity, ..added.proof }, ..added })
    }
}

fn added_file(file: &WrittenHFile, family: &FamilyName, identity: String) -> AddedFile {
    let contents = Contents {
        entries: Some(file.cells),
        max_sequence: file.asked.max_sequence_id,
        ..Contents::default()
    };
    AddedFile {
        table: file.asked.table.clone(),
        region: file.asked.region.clone(),
        family: family.to_string(),
        name: file.name(),
        proof: Proof { sum: file.sum, ranges: Vec::new(), contents, identity },
    }
}

/// New files that are proved.
#[derive(Default)]
pub struct Written {
    /// The files.
    pub files: Vec<AddedFile>,
    /// Cells of families that the restored table does not have.
    pub left_out: BTreeMap<String, u64>,
    /// Cells that batches had twice.
    pub duplicates: u64,
    /// Markers among the edits that delete exactly one version.
    pub version_deletes: u64,
}

impl Written {
    fn take(&mut self, record: WrittenRecord) {
        self.files.extend(record.files);
        self.duplicates += record.duplicates;
        self.version_deletes += record.version_deletes;
        for (family, cells) in record.left_out {
            *self.left_out.entry(family).or_default() += cells;
        }
    }
}

/// The step: checks the files of a unit.
pub struct CheckEdits<'a>(pub CheckWritten<'a>);

/// A unit whose files were checked.
pub struct CheckedEdits {
    /// Names the unit in the plan.
    pub unit: u32,
    /// The files, each with its family and what is wrong with it.
    pub files: Vec<(WrittenHFile, FamilyName, Vec<Problem>)>,
    /// Cells of families that the table does not have.
    pub left_out: BTreeMap<String, u64>,
    /// Cells that came a second time.
    pub duplicates: u64,
    /// Markers among the edits that delete exactly one version.
    pub version_deletes: u64,
    /// Cells that are in no file, because a later one has the same key.
    pub superseded: u64,
    /// What is wrong: the unit is not whole.
    pub problems: Problems,
}

impl Bytes for CheckedEdits {
    fn bytes(&self) -> usize {
        0
    }
}

impl Map for CheckEdits<'_> {
    type In = WrittenEdits;
    type Out = CheckedEdits;

    fn map(&self, edits: WrittenEdits) -> Result<CheckedEdits, Failure> {
        let WrittenEdits { unit, files, left_out, duplicates, version_deletes, superseded, problems } = edits;
        let (files, families): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let checked = match problems.is_empty() {
            true => self.0.map(WrittenUnit { files })?.files,
            false => Vec::new(),
        };
        let files = checked.into_iter().zip(families).map(|((file, found), family)| (file, family, found));
        Ok(CheckedEdits {
            unit,
            files: files.collect(),
            left_out,
            duplicates,
            version_deletes,
            superseded,
            problems,
        })
    }
}
