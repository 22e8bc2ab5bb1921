use crate::Run;
use crate::budget::{Charge, Flight};
use stage::{Bytes, Failure, FailureKind, Map};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope};

/// One flow under way: what is in flight, whether it continues, and how it ended.
pub struct Course<'run> {
    pub(crate) run: &'run Run,
    pub(crate) flight: Flight,
    over: AtomicBool,
    end: Mutex<End>,
}

enum End {
    /// It continues, or the source ran dry.
    Open,
    /// The consumer wants no more: what fails now no longer matters.
    Enough,
    Failed(Failure),
}

/// A message on its way, with its place in the source's order and what it holds of the budget.
pub struct Unit<'f, T> {
    pub(crate) number: u64,
    pub(crate) message: T,
    // Dropped after the message, so the budget counts it as long as it is there.
    pub(crate) charge: Charge<'f>,
}

impl<'run> Course<'run> {
    pub(crate) fn new(run: &'run Run, window: usize) -> Self {
        Self { run, flight: Flight::new(window), over: AtomicBool::new(false), end: Mutex::new(End::Open) }
    }

    /// Whether every lane should leave its work.
    pub(crate) fn stopped(&self) -> bool {
        self.over.load(Ordering::Acquire) || self.run.cancel().is_set()
    }

    /// The consumer wants no more.
    pub(crate) fn enough(&self) {
        let mut end = self.end();
        if matches!(*end, End::Open) {
            *end = End::Enough;
        }
        drop(end);
        self.stop();
    }

    /// Stops the flow and the run. The first failure stays, but a real one beats an interruption.
    fn fail(&self, failure: Failure) {
        let mut end = self.end();
        match &*end {
            End::Enough => return,
            End::Failed(first)
                if first.kind != FailureKind::Interrupted || failure.kind == FailureKind::Interrupted => {}
            End::Open | End::Failed(_) => *end = End::Failed(failure),
        }
        drop(end);
        self.run.cancel().set();
        self.stop();
    }

    fn stop(&self) {
        self.over.store(true, Ordering::Release);
        self.run.budget().wake();
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it ended. Ask when all lanes have ended.
    pub(crate) fn outcome(self) -> Result<(), Failure> {
        match self.end.into_inner().unwrap_or_else(PoisonError::into_inner) {
            End::Failed(failure) => Err(failure),
            End::Open if self.run.cancel().is_set() => Err(Failure::interrupted()),
            End::Open | End::Enough => Ok(()),
        }
    }

    /// Runs the work of a lane; what goes wrong in it, panics too, ends the flow.
    pub(crate) fn guard(&self, lane: &str, work: impl FnOnce() -> Result<(), Failure>) {
        if let Err(failure) = caught(lane, work) {
            self.fail(failure);
        }
    }

    /// Gives the work of a lane a thread.
    pub(crate) fn spawn<'scope, 'env>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        lane: &'env str,
        work: impl FnOnce() -> Result<(), Failure> + Send + 'scope,
    ) {
        let thread = Builder::new().name(lane.to_owned());
        if let Err(error) = thread.spawn_scoped(scope, move || self.guard(lane, work)) {
            self.fail(Failure::failed("starting a thread", lane, error).hint("use fewer workers"));
        }
    }

    /// Lets a message in as soon as there is room; `None` if the flow stopped.
    pub(crate) fn enter<T: Bytes>(&self, number: u64, message: T) -> Option<Unit<'_, T>> {
        let charge = self.run.budget().enter(message.bytes(), &self.flight, || self.stopped())?;
        Some(Unit { number, message, charge })
    }
}

impl<'f, T> Unit<'f, T> {
    /// The same unit, as a map changed it.
    pub(crate) fn through<M>(self, map: &M) -> Result<Unit<'f, M::Out>, Failure>
    where
        M: Map<In = T> + ?Sized,
        M::Out: Bytes,
    {
        let Self { number, message, mut charge } = self;
        let message = map.map(message)?;
        charge.resize(message.bytes());
        Ok(Unit { number, message, charge })
    }
}

/// Runs a stage and turns its panic into a failure that names the lane.
pub(crate) fn caught<T>(lane: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // A stage that panicked is never called again, so whatever it left half done is not seen.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(Failure::failed(format!("running `{lane}`"), "", format!("it panicked: {}", said(&*panic)))
            .hint("this is a fault of the program, not of the input: please report it"))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
