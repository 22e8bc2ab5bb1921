//! Prints an HFile's cells as JSON Lines.

use crate::bytes::PrintLines;
use crate::hfile::hfile_cursor::HFileCursor;
use crate::hfile::locate_cells::CellFile;
use crate::hfile::row_range::RowRange;
use crate::hfile::verify_file::fault_problem;
use formats::FormatError;
use formats::cell::{CellRef, JsonForm, encode_json};
use formats::compress::Dictionaries;
use stage::{Found, Problem};
use std::io::Write;
use std::ops::ControlFlow;

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
    out: PrintLines<'a>,
    /// Cells that may still be printed.
    left: u64,
    printed: u64,
    files: u64,
}

impl<'a> CatHFile<'a> {
    /// Prints to `out` at most `limit` cells.
    pub fn new(
        options: &'a CatOptions,
        limit: Option<u64>,
        dictionaries: &Dictionaries,
        out: &'a mut dyn Write,
    ) -> Self {
        let (dictionaries, out) = (dictionaries.clone(), PrintLines::new("printing cells", out));
        Self { options, dictionaries, out, left: limit.unwrap_or(u64::MAX), printed: 0, files: 0 }
    }

    /// How many cells were printed.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// How many files were printed to their end, or as far as was wanted.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Whether no more cells are wanted, or nobody listens any more.
    pub fn is_full(&self) -> bool {
        self.left == 0 || self.out.is_closed()
    }

    /// Prints a file's cells in its order. The cells before damage are printed.
    pub fn cat(&mut self, file: &CellFile) -> Found<()> {
        let printed = self.print(file);
        self.out.write()?;
        if !self.out.is_closed() {
            printed?;
            self.files += 1;
        }
        Ok(())
    }

    fn print(&mut self, file: &CellFile) -> Found<()> {
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
    ) -> Found<ControlFlow<()>> {
        if self.options.family.as_ref().is_some_and(|family| family != cell.family) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.is_full() {
            return Ok(ControlFlow::Break(()));
        }
        let form =
            JsonForm { sequence: self.options.sequence.then_some(sequence), hex_family: self.options.hex };
        encode_json(cell, form, &mut self.out.lines).map_err(unprintable)?;
        self.left -= 1;
        self.printed += 1;
        self.out.end_line()?;
        Ok(ControlFlow::Continue(()))
    }
}
