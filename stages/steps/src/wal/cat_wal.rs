//! Prints a WAL's entries as JSON Lines.

use crate::bytes::{PrintLines, file_problem, source_problem};
use crate::wal::gather_wal::end_problem;
use crate::wal::read_wal::ReadWal;
use formats::FormatError;
use formats::wal::{WalDecoderOptions, WalEntry, encode_entry_json};
use stage::Found;
use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::Arc;
use store::ReadRanges;

/// Which entries are printed, and how. An entry is printed whole: with all its cells, if one is asked for.
#[derive(Debug, Clone, Default)]
pub struct CatWalOptions {
    /// Print families in hexadecimal.
    pub hex: bool,
    /// Only this table, in HBase's text form: `t` or `ns:t`.
    pub table: Option<String>,
    /// Only this region, by its encoded name.
    pub region: Option<String>,
    /// Only entries with a cell of this row.
    pub row: Option<Vec<u8>>,
    /// Only entries with a cell of this family.
    pub family: Option<Vec<u8>>,
    /// Only entries with these ids.
    pub sequence: Option<RangeInclusive<u64>>,
    /// Only entries written at these times, ms.
    pub time: Option<RangeInclusive<i64>>,
}

impl CatWalOptions {
    fn wants(&self, entry: &WalEntry<'_>) -> Result<bool, FormatError> {
        let key = &entry.key;
        let named =
            |wanted: &Option<String>, name: &[u8]| wanted.as_ref().is_none_or(|of| of.as_bytes() == name);
        if !named(&self.table, key.table)
            || !named(&self.region, key.region)
            || self.sequence.as_ref().is_some_and(|wanted| !wanted.contains(&key.sequence))
            || self.time.as_ref().is_some_and(|wanted| !wanted.contains(&key.write_time))
        {
            return Ok(false);
        }
        if self.row.is_none() && self.family.is_none() {
            return Ok(true);
        }
        let of =
            |wanted: &Option<Vec<u8>>, bytes: &[u8]| wanted.as_ref().is_none_or(|wanted| wanted == bytes);
        Ok(entry.cells()?.any(|cell| of(&self.row, cell.row) && of(&self.family, cell.family)))
    }
}

/// Prints entries; keeps count over several files.
pub struct CatWal<'a> {
    options: &'a CatWalOptions,
    out: PrintLines<'a>,
    left: u64,
    printed: u64,
    files: u64,
}

impl<'a> CatWal<'a> {
    /// Prints to `out` at most `limit` entries.
    pub fn new(options: &'a CatWalOptions, limit: Option<u64>, out: &'a mut dyn Write) -> Self {
        let out = PrintLines::new("printing entries", out);
        Self { options, out, left: limit.unwrap_or(u64::MAX), printed: 0, files: 0 }
    }

    /// How many entries were printed.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// How many WALs were printed to their end, or as far as was wanted.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Whether no more entries are wanted, or nobody listens any more.
    pub fn is_full(&self) -> bool {
        self.left == 0 || self.out.is_closed()
    }

    /// Prints a WAL's entries in its order. The entries before damage are printed.
    pub fn cat(&mut self, file: Arc<dyn ReadRanges>, path: &str, options: WalDecoderOptions) -> Found<()> {
        let printed = self.print(file, path, options);
        self.out.write()?;
        if !self.out.is_closed() {
            printed?;
            self.files += 1;
        }
        Ok(())
    }

    fn print(&mut self, file: Arc<dyn ReadRanges>, path: &str, options: WalDecoderOptions) -> Found<()> {
        let mut reader = ReadWal::new(file, options);
        while !self.is_full() {
            let mut failed = Ok(());
            let mut take = |entry: &WalEntry<'_>| failed = self.entry(entry, path);
            let end = reader.next_entry(&mut take).map_err(|error| source_problem(&error))?;
            failed?;
            if let Some(end) = end {
                return Ok(end_problem(path, &end).map_or(Ok(()), Err)?);
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &WalEntry<'_>, path: &str) -> Found<()> {
        let damaged = |error: FormatError| file_problem(path, &error);
        if !self.options.wants(entry).map_err(damaged)? {
            return Ok(());
        }
        let lines = &mut self.out.lines;
        let before = lines.len();
        if let Err(error) = encode_entry_json(entry, self.options.hex, lines) {
            lines.truncate(before);
            return Err(damaged(error.at(entry.offset)).into());
        }
        self.left -= 1;
        self.printed += 1;
        Ok(self.out.end_line()?)
    }
}
