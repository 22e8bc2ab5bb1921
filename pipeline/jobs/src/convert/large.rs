//! Converts a WAL whose cells do not fit into memory.

use super::publish::{GrowingBatch, PublishWals, path_of};
use super::report::Tally;
use columns::WriteError;
use columns::batch::BatchEncoder;
use columns::markers::WalSummary;
use runtime::Run;
use stage::{Failure, Found, Obstacle, Problems};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use steps::bytes::failed_store;
use steps::wal::{
    EncodedFile, Made, RegionPasses, TableFilter, TableGroup, WalContent, WalToGather, batch_marks, origin,
    unencodable,
};
use store::{StoreError, StorePath};

/// The outcome of converting a large WAL.
pub struct ConvertedLarge {
    pub tally: Tally,
    pub problems: Problems,
    pub bytes_read: u64,
}

/// A WAL that is to be read in passes.
pub struct LargeWal<'a> {
    pub publishing: &'a PublishWals<'a>,
    pub tables: &'a TableFilter,
    pub run: &'a Run,
}

impl LargeWal<'_> {
    /// Writes its batches, a table at a time, and then its other files.
    pub fn convert(
        &self,
        asked: &WalToGather,
        content: WalContent,
        files: &[EncodedFile],
    ) -> Result<ConvertedLarge, Failure> {
        let WalContent { summary, mut regions, file, .. } = content;
        let mut done =
            ConvertedLarge { tally: Tally::default(), problems: Problems::default(), bytes_read: 0 };
        regions.retain(|region| region.table != steps::wal::META && self.tables.wants(&region.table));
        if let Some(file) = file {
            let read = AtomicU64::new(0);
            let passes = RegionPasses::new(
                &asked.wal,
                Arc::clone(&file),
                summary.wal.bytes,
                &regions,
                asked.memory,
                &read,
            );
            let (publishing, run) = (self.publishing, self.run);
            let whole =
                Writing { publishing, run, summary: &summary, table: None, done: &mut done }.all(passes);
            done.bytes_read = read.into_inner();
            if done.problems.keep(whole)?.is_none() {
                return Ok(done);
            }
        }
        let stem = summary.wal.stem();
        for file in files {
            self.publishing.publish_file(&stem, file, &mut done.tally, &mut done.problems)?;
        }
        Ok(done)
    }
}

/// Writes the batches, one after another.
struct Writing<'a> {
    publishing: &'a PublishWals<'a>,
    run: &'a Run,
    summary: &'a WalSummary,
    table: Option<TableBatch<'a>>,
    done: &'a mut ConvertedLarge,
}

/// The batch that is being written.
struct TableBatch<'a> {
    name: String,
    path: StorePath,
    /// `None`: it is there already.
    batch: Option<(BatchEncoder<GrowingBatch<'a>>, GrowingBatch<'a>)>,
}

impl<'a> Writing<'a> {
    fn all(&mut self, passes: RegionPasses<'_>) -> Found<()> {
        let mut stop = Ok(());
        // A few row groups in flight are enough to let reading and writing overlap.
        let ended = self.run.flow(passes).window(2).ordered().each_until(|group| {
            stop = self.take(group);
            Ok(if stop.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        });
        stop?;
        ended?;
        self.end_table()
    }

    fn take(&mut self, group: TableGroup) -> Found<()> {
        if self.table.as_ref().is_none_or(|table| table.name != group.table) {
            self.end_table()?;
            self.table = Some(self.begin(group.table)?);
        }
        match self.table.as_mut().and_then(|table| table.batch.as_mut()) {
            None => Ok(()),
            Some((batch, _)) => {
                batch.push(group.arena).map_err(|error| unwritten(error, self.publishing, self.summary))
            }
        }
    }

    fn begin(&self, name: String) -> Found<TableBatch<'a>> {
        let path = path_of(&self.summary.wal.stem(), &Made::Batch(name.clone()))?;
        if self.publishing.exists(&path)? {
            return Ok(TableBatch { name, path, batch: None });
        }
        let file = GrowingBatch::begin(self.publishing)?;
        let marks = batch_marks(self.summary, &name);
        let batch = BatchEncoder::new(file.clone(), &marks, origin(self.summary));
        let batch = batch.map_err(|error| unwritten(error, self.publishing, self.summary))?;
        Ok(TableBatch { name, path, batch: Some((batch, file)) })
    }

    fn end_table(&mut self) -> Found<()> {
        let Some(TableBatch { name, path, batch }) = self.table.take() else { return Ok(()) };
        match batch {
            None => self.done.tally.already += 1,
            Some((batch, file)) => {
                batch.finish().map_err(|error| unwritten(error, self.publishing, self.summary))?;
                let bytes = file.place(&path)?;
                self.done.tally.wrote(&Made::Batch(name), bytes);
            }
        }
        Ok(())
    }
}

fn unwritten(error: WriteError, publishing: &PublishWals<'_>, summary: &WalSummary) -> Obstacle {
    match error {
        WriteError::Output(error) => match error.downcast::<StoreError>() {
            Ok(error) => Obstacle::Failure(failed_store("writing a batch", publishing.target, error)),
            Err(error) => {
                Obstacle::Failure(Failure::failed("writing a batch", publishing.target.uri(), error))
            }
        },
        error => Obstacle::Damage(unencodable(&summary.wal.name, &error)),
    }
}
