//! Prints a WAL's entries as JSON Lines.

use crate::bytes::{file_problem, source_problem};
use crate::wal::decode_wal::end_problem;
use crate::wal::read_wal::ReadWal;
use formats::FormatError;
use formats::wal::{WalDecoderOptions, WalEntry, encode_entry_json};
use stage::Problem;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::sync::Arc;
use store::ReadRanges;

/// Written at a time.
const OUT_LEN: usize = 1 << 16;

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
    out: &'a mut dyn Write,
    line: Vec<u8>,
    left: u64,
    printed: u64,
}

impl<'a> CatWal<'a> {
    /// Prints to `out` at most `limit` entries.
    pub fn new(options: &'a CatWalOptions, limit: Option<u64>, out: &'a mut dyn Write) -> Self {
        Self { options, out, line: Vec::new(), left: limit.unwrap_or(u64::MAX), printed: 0 }
    }

    /// How many entries were printed.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Whether no more entries are wanted.
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Prints a WAL's entries in its order. Damage is a problem, and the entries in front of it are printed; an error
    /// is that of `out`.
    pub fn cat(
        &mut self,
        file: Arc<dyn ReadRanges>,
        path: &str,
        options: WalDecoderOptions,
    ) -> io::Result<Result<(), Problem>> {
        let printed = self.print(file, path, options);
        self.out.write_all(&self.line)?;
        self.line.clear();
        printed
    }

    fn print(
        &mut self,
        file: Arc<dyn ReadRanges>,
        path: &str,
        options: WalDecoderOptions,
    ) -> io::Result<Result<(), Problem>> {
        let mut reader = ReadWal::new(file, options);
        while self.left > 0 {
            let mut failed = None;
            let mut take = |entry: &WalEntry<'_>| failed = self.entry(entry).err();
            let end = match reader.next_entry(&mut take) {
                Ok(end) => end,
                Err(error) => return Ok(Err(source_problem(&error))),
            };
            if let Some(error) = failed {
                return Ok(Err(file_problem(path, &error)));
            }
            if let Some(end) = end {
                return Ok(end_problem(path, &end).map_or(Ok(()), Err));
            }
            if self.line.len() >= OUT_LEN {
                self.out.write_all(&self.line)?;
                self.line.clear();
            }
        }
        Ok(Ok(()))
    }

    fn entry(&mut self, entry: &WalEntry<'_>) -> Result<(), FormatError> {
        if !self.options.wants(entry)? {
            return Ok(());
        }
        let before = self.line.len();
        encode_entry_json(entry, self.options.hex, &mut self.line).map_err(|error| {
            self.line.truncate(before);
            error.at(entry.offset)
        })?;
        self.line.push(b'\n');
        self.left -= 1;
        self.printed += 1;
        Ok(())
    }
}
