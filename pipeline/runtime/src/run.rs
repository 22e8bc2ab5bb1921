use crate::lane::FromSource;
use crate::{Budget, Cancel, Flow, Meter, Progress};
use rayon::{ThreadPool, ThreadPoolBuilder};
use stage::{Bytes, Failure, Source};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// What a run may use, and who hears of it.
pub struct RunOptions {
    /// Threads of the pool that all `cpu` lanes share; at least one.
    pub cpu_workers: usize,
    /// Bytes that may be in flight.
    pub budget: Budget,
    /// Stops the run from outside.
    pub cancel: Cancel,
    /// Hears how far it has come.
    pub progress: Arc<dyn Progress>,
}

/// One run of a job: what its flows share.
///
/// When one of its flows fails the whole run is cancelled: flows beside it stop, later ones end at once as
/// interrupted. What must still happen after a failure needs a run of its own.
pub struct Run {
    pub(crate) pool: ThreadPool,
    // Dropped after the pool, which ends its threads when it is dropped.
    _threads: Joined,
    budget: Budget,
    cancel: Cancel,
    progress: Arc<dyn Progress>,
}

/// Threads that have ended when this has been dropped.
struct Joined(Vec<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            // A stage's panic never gets here: its lane has turned it into a failure.
            let _ = thread.join();
        }
    }
}

impl Run {
    /// Makes a run; starts the threads of its pool.
    pub fn new(options: RunOptions) -> Result<Self, Failure> {
        let RunOptions { cpu_workers, budget, cancel, progress } = options;
        let mut threads = Joined(Vec::new());
        let pool = ThreadPoolBuilder::new()
            .num_threads(cpu_workers.max(1))
            .spawn_handler(|worker| {
                let thread = Builder::new().name(format!("cpu-{}", worker.index()));
                threads.0.push(thread.spawn(|| worker.run())?);
                Ok(())
            })
            .build()
            .map_err(|error| Failure::failed("starting threads", format!("{cpu_workers} workers"), error))?;
        Ok(Self { pool, _threads: threads, budget, cancel: cancel.inner(), progress })
    }

    /// Begins a flow: what the source yields, in its order.
    pub fn flow<S>(&self, source: S) -> Flow<'_, FromSource<S>>
    where
        S: Source + Send,
        S::Out: Bytes + Send,
    {
        Flow::new(self, FromSource(source))
    }

    /// Set when the run is to stop: from outside or because a flow failed. For stages that work long on one unit.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The budget of bytes in flight.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Reports that work of this name begins; it ends when the meter is dropped.
    pub fn meter(
        &self,
        label: impl Into<String>,
        total_units: Option<u64>,
        total_bytes: Option<u64>,
    ) -> Meter {
        Meter::start(Arc::clone(&self.progress), label.into(), total_units, total_bytes)
    }

    /// Shows the operator a line.
    pub fn note(&self, line: &str) {
        self.progress.event(crate::Event::Note(line));
    }
}
