//! Prints a table's cells, as JSON Lines or for people.

use formats::FormatError;
use formats::cell::{CellRef, JsonForm, encode_json};
use std::io::{self, Write};

/// Written at a time.
const OUT_LEN: usize = 1 << 16;
/// Of a value so many bytes are shown to people.
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
    out: &'a mut dyn Write,
    lines: Vec<u8>,
    printed: u64,
}

impl<'a> PrintCells<'a> {
    /// Prints to `out`.
    pub fn new(form: CellForm, out: &'a mut dyn Write) -> Self {
        let mut lines = Vec::with_capacity(2 * OUT_LEN);
        if form.table {
            lines.extend_from_slice(b"ROW\tCOLUMN\tTIMESTAMP\tTYPE\tVALUE\n");
        }
        Self { form, out, lines, printed: 0 }
    }

    /// How many cells were printed.
    #[must_use]
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Prints a cell, stored with a sequence id that may not be the one it has. The inner error: it cannot be printed.
    pub fn print(&mut self, stored: &CellRef<'_>, sequence: u64) -> io::Result<Result<(), FormatError>> {
        let sequence = self.form.sequence.then_some(sequence);
        if self.form.table {
            self.line(stored, sequence)?;
        } else {
            let form = JsonForm { sequence, hex_family: self.form.hex };
            let start = self.lines.len();
            if let Err(error) = encode_json(stored, form, &mut self.lines) {
                self.lines.truncate(start);
                return Ok(Err(error));
            }
        }
        self.lines.push(b'\n');
        self.printed += 1;
        if self.lines.len() >= OUT_LEN { self.flush().map(Ok) } else { Ok(Ok(())) }
    }

    fn line(&mut self, cell: &CellRef<'_>, sequence: Option<u64>) -> io::Result<()> {
        let (row, family) = (cell.row.escape_ascii(), cell.family.escape_ascii());
        let (qualifier, timestamp) = (cell.qualifier.escape_ascii(), cell.timestamp);
        let (head, rest) = cell.value.split_at(cell.value.len().min(VALUE_LEN));
        let (name, value) = (cell.cell_type.name(), head.escape_ascii());
        write!(self.lines, "{row}\t{family}:{qualifier}\t{timestamp}\t{name}\t{value}")?;
        if !rest.is_empty() {
            write!(self.lines, "... ({} bytes)", cell.value.len())?;
        }
        match sequence {
            Some(sequence) => write!(self.lines, "\t{sequence}"),
            None => Ok(()),
        }
    }

    /// Hands over what was printed so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.lines)?;
        self.lines.clear();
        self.out.flush()
    }
}
