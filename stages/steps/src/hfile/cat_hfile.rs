//! Prints an HFile's cells as JSON Lines.

use crate::hfile::hfile_cursor::HFileCursor;
use crate::hfile::locate_cells::CellFile;
use crate::hfile::row_range::RowRange;
use crate::hfile::verify_hfile::fault_problem;
use formats::FormatError;
use formats::cell::{CellRef, JsonForm, encode_json};
use formats::compress::Dictionaries;
use stage::Problem;
use std::io::{self, Write};
use std::ops::ControlFlow;

/// Written at a time.
const OUT_LEN: usize = 1 << 16;

/// Which cells are printed, and how.
#[derive(Debug, Clone, Default)]
pub struct CatOptions {
    /// Also print sequence ids.
    pub sequence: bool,
    /// Print families in hexadecimal.
    pub hex: bool,
    /// Only this row.
    pub row: Option<Vec<u8>>,
    /// Only this family.
    pub family: Option<Vec<u8>>,
}

/// Prints cells; keeps count over several files.
pub struct CatHFile<'a> {
    options: &'a CatOptions,
    dictionaries: Dictionaries,
    out: &'a mut dyn Write,
    line: Vec<u8>,
    /// Cells that may still be printed.
    left: u64,
    printed: u64,
}

/// Why printing stopped.
enum Stop {
    Damage(Box<Problem>),
    Out(io::Error),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Damage(Box::new(problem))
    }
}

impl<'a> CatHFile<'a> {
    /// Prints to `out` at most `limit` cells.
    pub fn new(
        options: &'a CatOptions,
        limit: Option<u64>,
        dictionaries: &Dictionaries,
        out: &'a mut dyn Write,
    ) -> Self {
        let dictionaries = dictionaries.clone();
        Self { options, dictionaries, out, line: Vec::new(), left: limit.unwrap_or(u64::MAX), printed: 0 }
    }

    /// How many cells were printed.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Whether no more cells are wanted.
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Prints a file's cells in its order. Damage is a problem, and the cells in front of it are printed; an error is
    /// that of `out`.
    pub fn cat(&mut self, file: &CellFile) -> io::Result<Result<(), Problem>> {
        let printed = self.print(file);
        self.out.write_all(&self.line)?;
        self.line.clear();
        match printed {
            Ok(()) => Ok(Ok(())),
            Err(Stop::Damage(problem)) => Ok(Err(*problem)),
            Err(Stop::Out(error)) => Err(error),
        }
    }

    fn print(&mut self, file: &CellFile) -> Result<(), Stop> {
        let rows = self.options.row.as_ref().map_or_else(RowRange::default, |row| RowRange::of_row(row));
        let mut cells = HFileCursor::open(file, &rows, &self.dictionaries)?;
        while cells.advance()? {
            let (Some(cell), Some(stored)) = (cells.cell(), cells.stored()) else { break };
            let unprintable = |error: FormatError| fault_problem(&file.path, &error.into());
            if self.cell(&stored, cell.sequence, unprintable)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn cell(
        &mut self,
        cell: &CellRef<'_>,
        sequence: u64,
        unprintable: impl FnOnce(FormatError) -> Problem,
    ) -> Result<ControlFlow<()>, Stop> {
        if self.options.family.as_ref().is_some_and(|family| family != cell.family) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.left == 0 {
            return Ok(ControlFlow::Break(()));
        }
        let form =
            JsonForm { sequence: self.options.sequence.then_some(sequence), hex_family: self.options.hex };
        encode_json(cell, form, &mut self.line).map_err(unprintable)?;
        self.line.push(b'\n');
        self.left -= 1;
        self.printed += 1;
        if self.line.len() >= OUT_LEN {
            self.out.write_all(&self.line).map_err(Stop::Out)?;
            self.line.clear();
        }
        Ok(ControlFlow::Continue(()))
    }
}
