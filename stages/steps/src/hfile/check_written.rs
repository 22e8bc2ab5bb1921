//! Opens written HFiles again, from the medium, and compares every cell with those that went in.

use crate::bytes::{BUFFER_LEN, Wanted, read_through};
use crate::bytes::{RANGE_LEN, join_ranges};
use crate::bytes::{failed_store, file_problem, source_problem};
use crate::hfile::cell_sum::CellSum;
use crate::hfile::open_hfile::open_hfile;
use crate::hfile::verify_cells::verify_cells_with;
use crate::hfile::verify_file::{block_problems, differs, fault_problem};
use crate::hfile::write_hfile::WrittenHFile;
use formats::compress::Decompressor;
use stage::{Bytes, Failure, Map, Problem, ProblemKind};
use store::{Store, WriteShape};

/// Files that one worker checks one after another: a long one, or many short ones, which are synced together.
pub struct WrittenUnit {
    /// The files.
    pub files: Vec<WrittenHFile>,
}

impl Bytes for WrittenUnit {
    fn bytes(&self) -> usize {
        BUFFER_LEN
    }
}

/// The files of a unit, each with what is wrong: it may be used if nothing is.
pub struct CheckedUnit {
    /// The files.
    pub files: Vec<(WrittenHFile, Vec<Problem>)>,
}

impl Bytes for CheckedUnit {
    fn bytes(&self) -> usize {
        0
    }
}

/// The step.
pub struct CheckWritten<'a> {
    /// Where the files are.
    pub store: &'a dyn Store,
}

impl Map for CheckWritten<'_> {
    type In = WrittenUnit;
    type Out = CheckedUnit;

    fn map(&self, unit: WrittenUnit) -> Result<CheckedUnit, Failure> {
        let paths: Vec<_> = unit.files.iter().map(|file| file.asked.path.clone()).collect();
        let synced = self.store.sync_batch(&paths);
        synced.map_err(|error| failed_store("making the new HFiles durable", self.store, error))?;
        let files = unit.files.into_iter().map(|file| {
            let problems = self.check(&file);
            (file, problems)
        });
        Ok(CheckedUnit { files: files.collect() })
    }
}

impl CheckWritten<'_> {
    fn check(&self, written: &WrittenHFile) -> Vec<Problem> {
        let mut problems = self.look(written).unwrap_or_else(|problem| vec![problem]);
        let path = written.asked.path.shown(self.store);
        for problem in &mut problems {
            problem.path.clone_from(&path);
            problem.region = Some(written.asked.region.clone());
            problem.table = Some(written.asked.table.clone());
            problem.meaning = "the medium does not return what was written".to_owned();
            problem.hint = "check the target's disks; nothing of this file was published".to_owned();
        }
        problems
    }

    /// Bytes first, as the medium holds them; then blocks, index, and every cell.
    fn look(&self, written: &WrittenHFile) -> Result<Vec<Problem>, Problem> {
        let unread = |error| source_problem(&error);
        let file = self.store.open_uncached(&written.asked.path).map_err(unread)?;
        let len = file.metadata().len;
        if len != written.sum.len {
            let what = format!("has {len} bytes, should have {}", written.sum.len);
            return Ok(vec![Problem::new(ProblemKind::Length, "", what)]);
        }
        let shape = WriteShape { len, part_len: RANGE_LEN };
        let through = read_through(file.as_ref(), shape, Wanted { sums: true, blocks: true })
            .map_err(|(at, error)| source_problem(&error).at(at))?;
        let sum = join_ranges(&through.ranges);
        let mut problems: Vec<_> = sum.and_then(|sum| differs(&sum, &written.sum)).into_iter().collect();
        problems.extend(through.walked.iter().flat_map(block_problems));
        if !problems.is_empty() {
            return Ok(problems);
        }
        let mut decompressor = Decompressor::default();
        let opened =
            open_hfile(file.as_ref(), &mut decompressor).map_err(|fault| fault_problem("", &fault))?;
        if let Err(error) = &opened.loaded {
            return Ok(vec![file_problem("", error)]);
        }
        let mut cell_sum = CellSum::default();
        let seen = verify_cells_with(file.as_ref(), &opened, &mut decompressor, |cell| cell_sum.add(cell))
            .map_err(unread)?;
        problems.extend(seen.faults.iter().map(|error| file_problem("", error)));
        if (seen.cells, cell_sum.finish()) != (written.cells, written.cell_sum) {
            let what = format!("{} cells are not the {} that went in", seen.cells, written.cells);
            problems.push(Problem::new(ProblemKind::Structure, "", what));
        }
        Ok(problems)
    }
}
