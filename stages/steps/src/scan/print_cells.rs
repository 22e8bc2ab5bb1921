//! Prints a table's cells, as JSON Lines or for people.

use crate::bytes::PrintLines;
use formats::cell::{CellRef, JsonForm, encode_json};
use names::TableName;
use stage::Failure;
use std::io::{self, Write};

const PRINTING: &str = "printing cells";
/// How many bytes of a value are shown to people.
const VALUE_LEN: usize = 64;

/// How cells are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CellForm {
    /// A line for people instead of JSON.
    pub table: bool,
    /// Also print sequence ids.
    pub sequence: bool,
    /// Print families in hexadecimal (JSON).
    pub hex: bool,
}

/// Prints cells, and keeps count.
pub struct PrintCells<'a> {
    form: CellForm,
    table: &'a TableName,
    out: PrintLines<'a>,
    printed: u64,
}

impl<'a> PrintCells<'a> {
    /// Prints cells of a table to `out`.
    pub fn new(form: CellForm, table: &'a TableName, out: &'a mut dyn Write) -> Self {
        let mut out = PrintLines::new(PRINTING, out);
        if form.table {
            out.lines.extend_from_slice(b"ROW\tCOLUMN\tTIMESTAMP\tTYPE\tVALUE\n");
        }
        Self { form, table, out, printed: 0 }
    }

    /// How many cells were printed.
    #[must_use]
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Whether nobody listens any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.out.is_closed()
    }

    /// Prints a cell, stored with a sequence id that may not be the one it has.
    pub fn print(&mut self, stored: &CellRef<'_>, sequence: u64) -> Result<(), Failure> {
        let sequence = self.form.sequence.then_some(sequence);
        let lines = &mut self.out.lines;
        if self.form.table {
            line(stored, sequence, lines).map_err(|error| Failure::failed(PRINTING, self.table, error))?;
        } else {
            let form = JsonForm { sequence, hex_family: self.form.hex };
            let start = lines.len();
            if let Err(error) = encode_json(stored, form, lines) {
                lines.truncate(start);
                return Err(Failure::failed(PRINTING, self.table, error.what)
                    .hint("--hex shows families in hexadecimal"));
            }
        }
        self.printed += 1;
        self.out.end_line()
    }

    /// Hands over what was printed so far.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush()
    }
}

/// A cell for people; a vector takes every byte.
fn line(cell: &CellRef<'_>, sequence: Option<u64>, lines: &mut Vec<u8>) -> io::Result<()> {
    let (row, family) = (cell.row.escape_ascii(), cell.family.escape_ascii());
    let (qualifier, timestamp) = (cell.qualifier.escape_ascii(), cell.timestamp);
    let (head, rest) = cell.value.split_at(cell.value.len().min(VALUE_LEN));
    let (name, value) = (cell.cell_type.name(), head.escape_ascii());
    write!(lines, "{row}\t{family}:{qualifier}\t{timestamp}\t{name}\t{value}")?;
    if !rest.is_empty() {
        write!(lines, "... ({} bytes)", cell.value.len())?;
    }
    match sequence {
        Some(sequence) => write!(lines, "\t{sequence}"),
        None => Ok(()),
    }
}
