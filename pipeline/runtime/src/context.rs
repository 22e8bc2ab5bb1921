use crate::{Budget, Cancel, Progress, Run, RunOptions};
use stage::Failure;
use std::sync::Arc;
use std::time::Instant;

/// What every job is given beside its options.
#[derive(Clone)]
pub struct Context {
    /// Stops the job between two units.
    pub cancel: Cancel,
    /// Hears how far the job has come.
    pub progress: Arc<dyn Progress>,
    /// Bytes that may be held in flight.
    pub memory: usize,
    /// Threads for work that computes.
    pub cpu_workers: usize,
    /// The wall clock when the job was started, milliseconds since the epoch.
    pub now_ms: i64,
    /// The same moment, to measure how long it took.
    pub started: Instant,
}

impl Context {
    /// A run of this job.
    ///
    /// # Errors
    /// Its threads cannot be started.
    pub fn start(&self) -> Result<Run, Failure> {
        Run::new(RunOptions {
            cpu_workers: self.cpu_workers,
            budget: Budget::new(self.memory),
            cancel: self.cancel.clone(),
            progress: Arc::clone(&self.progress),
        })
    }

    /// The wall clock now, milliseconds since the epoch: the start's, plus the time since.
    pub fn clock_ms(&self) -> i64 {
        self.now_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(0)
    }
}
