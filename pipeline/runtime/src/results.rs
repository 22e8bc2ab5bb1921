use crate::Run;
use crate::course::{Course, Unit, caught};
use crate::lane::Lane;
use crate::order::InOrder;
use crossbeam_channel::Receiver;
use stage::{Failure, Sink};
use std::ops::ControlFlow;
use std::thread;

/// What a flow makes, to be taken on the calling thread. Taking it runs the flow.
#[must_use = "a flow does nothing until its results are taken"]
pub struct Results<'run, L> {
    pub(crate) run: &'run Run,
    pub(crate) lanes: L,
    pub(crate) ordered: bool,
    pub(crate) window: usize,
}

impl<L: Lane> Results<'_, L> {
    /// Calls `take` with each result.
    pub fn each(self, mut take: impl FnMut(L::Out) -> Result<(), Failure>) -> Result<(), Failure> {
        self.drive("each", |out| take(out).map(ControlFlow::Continue))
    }

    /// Calls `take` with each result until it breaks, which stops the flow without a failure. What fails ahead of the
    /// consumer may still end the flow before that.
    pub fn each_until(
        self,
        take: impl FnMut(L::Out) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        self.drive("each", take)
    }

    /// Writes each result to the sink; after the last one, and only if nothing failed, finishes it.
    pub fn into_sink<S: Sink<In = L::Out>>(self, mut sink: S) -> Result<S::Report, Failure> {
        let run = self.run;
        self.drive("sink", |out| sink.write(out).map(ControlFlow::Continue))?;
        run.finish("sink", || sink.finish())
    }

    fn drive(
        self,
        label: &str,
        take: impl FnMut(L::Out) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let Self { run, mut lanes, ordered, window } = self;
        let course = Course::new(run, window);
        thread::scope(|scope| {
            let units = lanes.start(scope, &course);
            course.guard(label, || match ordered {
                true => take_in_order(&course, units, take),
                false => take_all(&course, units, take),
            });
        });
        course.outcome()
    }
}

impl Run {
    /// The last step of a flow, when every thread has ended well.
    pub(crate) fn finish<T>(
        &self,
        label: &str,
        finish: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        caught(label, finish).inspect_err(|_| self.cancel().set())
    }
}

fn take_all<T>(
    course: &Course<'_>,
    units: Receiver<Unit<'_, T>>,
    mut take: impl FnMut(T) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    for unit in units {
        if leave(course, unit, &mut take)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn take_in_order<T>(
    course: &Course<'_>,
    units: Receiver<Unit<'_, T>>,
    mut take: impl FnMut(T) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let mut order = InOrder::new();
    for unit in units {
        order.push(unit);
        while let Some(unit) = order.pop() {
            if leave(course, unit, &mut take)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Hands one unit to the consumer. Break: there is no more to do.
fn leave<T>(
    course: &Course<'_>,
    unit: Unit<'_, T>,
    take: &mut impl FnMut(T) -> Result<ControlFlow<()>, Failure>,
) -> Result<ControlFlow<()>, Failure> {
    if course.stopped() {
        return Ok(ControlFlow::Break(()));
    }
    let Unit { message, charge, .. } = unit;
    let next = take(message)?;
    drop(charge);
    if next.is_break() {
        course.enough();
    }
    Ok(next)
}
