//! Converts a WAL whose cells do not fit into memory.

use super::publish::{GrowingBatch, PublishWals, path_of};
use super::report::Tally;
use columns::WriteError;
use columns::batch::{BatchEncoder, BatchMarks, SortedCells};
use columns::markers::WalSummary;
use runtime::Run;
use stage::{Failure, Found, Obstacle, Problems};
use std::ops::ControlFlow;
use steps::bytes::failed_store;
use steps::edits::MergeRuns;
use steps::wal::{EncodedFile, LargeContent, Made, batch_marks, origin, unencodable};
use store::{StoreError, StorePath};

/// The outcome of converting a large WAL.
pub struct ConvertedLarge {
    pub tally: Tally,
    pub problems: Problems,
}

/// A WAL whose cells were written aside in runs.
pub struct LargeWal<'a> {
    pub publishing: &'a PublishWals<'a>,
    pub run: &'a Run,
}

impl LargeWal<'_> {
    /// Merges its batches, a table at a time, and then publishes its other files.
    pub fn convert(&self, content: LargeContent, files: &[EncodedFile]) -> Result<ConvertedLarge, Failure> {
        let LargeContent { summary, unordered, spilled } = content;
        let mut done = ConvertedLarge { tally: Tally::default(), problems: Problems::default() };
        for (table, runs) in &spilled {
            let marks = batch_marks(&summary, table, &unordered);
            let merged = self.table(&summary, &marks, runs, &mut done.tally);
            if done.problems.keep(merged)?.is_none() {
                return Ok(done);
            }
        }
        let stem = summary.wal.stem();
        for file in files {
            self.publishing.publish_file(&stem, file, &mut done.tally, &mut done.problems)?;
        }
        Ok(done)
    }

    fn table(
        &self,
        summary: &WalSummary,
        marks: &BatchMarks,
        runs: &[StorePath],
        tally: &mut Tally,
    ) -> Found<()> {
        let made = Made::Batch(marks.table.clone());
        let path = path_of(&summary.wal.stem(), &made)?;
        if self.publishing.exists(&path)? {
            tally.already += 1;
            return Ok(());
        }
        let opened = runs.iter().map(|run| {
            let batch = catalog::open_batch(self.publishing.target, run);
            Ok((
                run.to_string(),
                batch.map_err(|error| error.failed("reading edits that were written aside"))?,
            ))
        });
        let opened = opened.collect::<Result<Vec<_>, Failure>>()?;
        let file = GrowingBatch::begin(self.publishing)?;
        let unwritten = |error| unwritten(error, self.publishing, summary);
        let mut batch = BatchEncoder::new(file.clone(), marks, origin(summary)).map_err(unwritten)?;
        let mut stop = Ok(());
        // A few row groups in flight are enough to let merging and encoding overlap.
        let ended = self.run.flow(MergeRuns::new(&opened)).window(2).ordered().each_until(|group| {
            stop = batch.push(&SortedCells::of(&group.0)).map_err(unwritten);
            Ok(if stop.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        });
        stop?;
        ended?;
        batch.finish().map_err(unwritten)?;
        let bytes = file.place(&path)?;
        tally.wrote(&made, bytes);
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
