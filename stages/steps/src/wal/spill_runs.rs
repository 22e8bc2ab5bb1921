//! Cells of a WAL that memory does not hold: written aside as sorted runs, which are batches themselves.

use crate::bytes::failed_store;
use crate::wal::gather_cells::RegionCells;
use columns::batch::{BatchEncoder, BatchMarks, sort_arenas};
use columns::{WalMarks, WriteError};
use stage::{Failure, Found};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use store::{GrowingFile, Store, StorePath};

const WRITING: &str = "writing edits aside";

/// Where runs go.
pub struct SpillRuns<'a> {
    target: &'a dyn Store,
    /// A directory of files that are being written.
    dir: StorePath,
    next: AtomicU64,
}

/// The runs of each table (`ns:name`), in the order in which they were written.
pub type SpilledRuns = BTreeMap<String, Vec<StorePath>>;

impl<'a> SpillRuns<'a> {
    /// Runs are written into this directory.
    #[must_use]
    pub fn new(target: &'a dyn Store, dir: StorePath) -> Self {
        Self { target, dir, next: AtomicU64::new(0) }
    }

    /// Writes a run of each table. What cannot be encoded is a problem.
    pub(super) fn write(&self, wal: &str, regions: Vec<RegionCells>, spilled: &mut SpilledRuns) -> Found<()> {
        let mut regions = regions.into_iter().peekable();
        while let Some(table) = regions.peek().map(|region| region.table.clone()) {
            let of_table = std::iter::from_fn(|| regions.next_if(|region| region.table == table));
            let path = self.run(wal, &table, of_table)?;
            spilled.entry(table).or_default().push(path);
        }
        Ok(())
    }

    fn run(&self, wal: &str, table: &str, regions: impl Iterator<Item = RegionCells>) -> Found<StorePath> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(&format!("run-{number}")).map_err(Failure::usage)?;
        let unwritten = |error| failed_store(WRITING, self.target, error);
        let mut out = Out(Some(self.target.create(&path).map_err(unwritten)?));
        let marks = BatchMarks {
            wal: WalMarks { name: wal.to_owned(), bytes: 0, closed: false },
            table: table.to_owned(),
            unordered: Vec::new(),
        };
        let encoded = BatchEncoder::new(&mut out, &marks, None).and_then(|mut encoder| {
            encode_regions(regions, &mut encoder)?;
            encoder.finish()
        });
        encoded.map_err(|error| self.unwritten(wal, error))?;
        if let Some(file) = out.0.take() {
            file.finish().map_err(unwritten)?;
        }
        Ok(path)
    }

    fn unwritten(&self, wal: &str, error: WriteError) -> stage::Obstacle {
        match error {
            WriteError::Output(error) => match error.downcast::<store::StoreError>() {
                Ok(error) => failed_store(WRITING, self.target, error).into(),
                Err(error) => Failure::failed(WRITING, self.target.uri(), error).into(),
            },
            error => super::encode_wal::unencodable(wal, &error).into(),
        }
    }
}

/// Sorts the cells of regions, which come in order, and encodes them.
pub(super) fn encode_regions<W: Write + Send>(
    regions: impl Iterator<Item = RegionCells>,
    encoder: &mut BatchEncoder<W>,
) -> Result<(), WriteError> {
    for family in regions.flat_map(|region| region.families) {
        sort_arenas(&family.arenas, |group| encoder.push(&group))?;
    }
    Ok(())
}

struct Out(Option<Box<dyn GrowingFile>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.0 {
            file.write(bytes).map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
