use crate::lane::{Cpu, Io, Lane};
use crate::{Results, Run};
use stage::{Bytes, Map};

/// A flow as described up to here: a source and the lanes after it. Nothing runs yet.
#[must_use = "a flow does nothing until its results are taken"]
pub struct Flow<'run, L> {
    run: &'run Run,
    lanes: L,
    window: Option<usize>,
}

impl<'run, L: Lane> Flow<'run, L> {
    pub(crate) fn new(run: &'run Run, lanes: L) -> Self {
        Self { run, lanes, window: None }
    }

    /// Adds a map on `threads` threads of its own, for work that waits.
    pub fn io<'m, M>(self, threads: usize, label: &'static str, map: &'m M) -> Flow<'run, Io<'m, L, M>>
    where
        M: Map<In = L::Out> + ?Sized,
        M::Out: Bytes + Send,
    {
        let lanes = Io { before: self.lanes, threads: threads.max(1), label, map };
        Flow { run: self.run, lanes, window: self.window }
    }

    /// Adds a map on the run's pool, for work that computes.
    pub fn cpu<'m, M>(self, label: &'static str, map: &'m M) -> Flow<'run, Cpu<'m, L, M>>
    where
        M: Map<In = L::Out> + ?Sized,
        M::Out: Bytes + Send,
    {
        Flow { run: self.run, lanes: Cpu { before: self.lanes, label, map }, window: self.window }
    }

    /// Lets at most this many units in at a time, instead of a few for each thread.
    pub fn window(mut self, units: usize) -> Self {
        self.window = Some(units);
        self
    }

    /// The results in the order of the source.
    pub fn ordered(self) -> Results<'run, L> {
        self.results(true)
    }

    /// The results as they come.
    pub fn unordered(self) -> Results<'run, L> {
        self.results(false)
    }

    fn results(self, ordered: bool) -> Results<'run, L> {
        let workers = self.lanes.workers(self.run.pool.current_num_threads());
        // Enough that a slow unit does not let the other workers run dry while it is worked on.
        let window = self.window.unwrap_or(workers.saturating_mul(4));
        Results { run: self.run, lanes: self.lanes, ordered, window }
    }
}
