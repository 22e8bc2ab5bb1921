use crate::lane::{Cpu, Io, Lane};
use crate::{Results, Run};
use stage::{Bytes, Failure, Fold, Map};
use std::marker::PhantomData;

/// A flow as far as it is described: a source and the lanes behind it. Nothing runs yet.
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

    /// Behind that, a map on `threads` threads of its own: for work that waits.
    pub fn io<'m, M>(self, threads: usize, label: &'static str, map: &'m M) -> Flow<'run, Io<'m, L, M>>
    where
        M: Map<In = L::Out> + ?Sized,
        M::Out: Bytes + Send,
    {
        let lanes = Io { before: self.lanes, threads: threads.max(1), label, map };
        Flow { run: self.run, lanes, window: self.window }
    }

    /// Behind that, a map on the run's pool: for work that computes.
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
        // Enough that a slow unit does not let the other workers run dry behind it.
        let window = self.window.unwrap_or(workers.saturating_mul(4));
        Results { run: self.run, lanes: self.lanes, ordered, window }
    }

    /// Gathers on the run's pool: each unit is folded into a part of its own, the parts are merged on the calling
    /// thread in the order of the source, and the whole is finished there. Pays where merging is cheaper than folding.
    pub fn fold_parallel<F, N>(self, label: &'static str, new: N) -> Result<F::Out, Failure>
    where
        F: Fold<In = L::Out> + Send,
        N: Fn() -> F + Sync,
    {
        let mut whole = new();
        let part = FoldPart { new, unit: PhantomData };
        let run = self.run;
        let merge = |part: Part<F>| whole.merge(part.0);
        self.cpu(label, &part).ordered().each(merge)?;
        run.finish(label, || whole.finish())
    }
}

struct FoldPart<N, U> {
    new: N,
    unit: PhantomData<fn(U)>,
}

struct Part<F>(F);

/// A part is counted as nothing: of a fold only the units that it takes in have a size.
impl<F> Bytes for Part<F> {
    fn bytes(&self) -> usize {
        0
    }
}

impl<F, N> Map for FoldPart<N, F::In>
where
    F: Fold,
    N: Fn() -> F + Sync,
{
    type In = F::In;
    type Out = Part<F>;

    fn map(&self, unit: F::In) -> Result<Part<F>, Failure> {
        let mut part = (self.new)();
        part.fold(unit)?;
        Ok(Part(part))
    }
}
