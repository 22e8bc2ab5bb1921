//! Entries of batches as JSON Lines, in the form of `wal cat`.

use columns::batch::BatchCell;
use formats::FormatError;
use formats::cell::{JsonForm, encode_json};
use std::io::Write;

/// Written at a time.
const OUT_LEN: usize = 1 << 16;

/// Lines that are being made from cells, one entry per line:
/// `{"region":text,"table":text,"sequence":n,"write_time":ms,"cells":[cell]}`.
pub struct EntryLines {
    form: JsonForm,
    lines: Vec<u8>,
    open: bool,
}

impl EntryLines {
    /// Starts with families as text or in hexadecimal.
    #[must_use]
    pub fn new(hex_family: bool) -> Self {
        let form = JsonForm { sequence: None, hex_family };
        Self { form, lines: Vec::with_capacity(2 * OUT_LEN), open: false }
    }

    /// Adds a cell; `is_first`: another entry begins with it.
    ///
    /// # Errors
    /// The family is not UTF-8 and is not to be shown in hexadecimal.
    pub fn push(&mut self, table: &str, edit: &BatchCell<'_>, is_first: bool) -> Result<(), FormatError> {
        if is_first || !self.open {
            self.end();
            self.open = true;
            let (region, sequence, write_time) = (edit.region, edit.cell.sequence, edit.write_time);
            // Names of regions and tables hold nothing that JSON escapes; a vector takes every byte.
            let _ = write!(
                self.lines,
                "{{\"region\":\"{region}\",\"table\":\"{table}\",\"sequence\":{sequence},\"write_time\":{write_time},\"cells\":["
            );
        } else {
            self.lines.push(b',');
        }
        encode_json(&edit.cell, self.form, &mut self.lines)
    }

    /// Ends the entry that is open.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            self.lines.extend_from_slice(b"]}\n");
        }
    }

    /// Whether it is time to write.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lines.len() >= OUT_LEN
    }

    /// What there is.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.lines, Vec::with_capacity(2 * OUT_LEN))
    }
}
