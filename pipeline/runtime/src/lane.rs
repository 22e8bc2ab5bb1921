use crate::course::{Course, Unit};
use crossbeam_channel::{Receiver, Sender, bounded};
use stage::{Bytes, Failure, Map, Source};
use std::thread::Scope;

/// Part of a flow, from its source on: starts its threads and passes on what they make.
///
/// A channel holds as many units as the flow lets in, so sending never waits for room; what bounds a flow is its
/// window and the budget, both at the source.
pub trait Lane {
    /// What it makes.
    type Out: Bytes + Send;

    /// Units that all threads together work on at one time.
    fn workers(&self, cpu_workers: usize) -> usize;

    /// Starts the threads. When they end, for whatever reason, the channel does.
    fn start<'scope, 'env>(
        &'env mut self,
        scope: &'scope Scope<'scope, 'env>,
        course: &'env Course<'env>,
    ) -> Receiver<Unit<'env, Self::Out>>;
}

/// What a source yields.
pub struct FromSource<S>(pub(crate) S);

impl<S> Lane for FromSource<S>
where
    S: Source + Send,
    S::Out: Bytes + Send,
{
    type Out = S::Out;

    fn workers(&self, _: usize) -> usize {
        1
    }

    fn start<'scope, 'env>(
        &'env mut self,
        scope: &'scope Scope<'scope, 'env>,
        course: &'env Course<'env>,
    ) -> Receiver<Unit<'env, S::Out>> {
        let (to, units) = bounded(course.flight.window());
        course.spawn(scope, "source", move || pump(&mut self.0, course, &to));
        units
    }
}

fn pump<'env, S>(
    source: &mut S,
    course: &'env Course<'env>,
    to: &Sender<Unit<'env, S::Out>>,
) -> Result<(), Failure>
where
    S: Source,
    S::Out: Bytes,
{
    let mut number = 0;
    while !course.stopped() {
        let Some(message) = source.next()? else { break };
        let Some(unit) = course.enter(number, message) else { break };
        if to.send(unit).is_err() {
            break;
        }
        number += 1;
    }
    Ok(())
}

/// A map on threads of its own.
pub struct Io<'m, L, M: ?Sized> {
    pub(crate) before: L,
    pub(crate) threads: usize,
    pub(crate) label: &'static str,
    pub(crate) map: &'m M,
}

impl<L, M> Lane for Io<'_, L, M>
where
    L: Lane,
    M: Map<In = L::Out> + ?Sized,
    M::Out: Bytes + Send,
{
    type Out = M::Out;

    fn workers(&self, cpu_workers: usize) -> usize {
        self.before.workers(cpu_workers).saturating_add(self.threads)
    }

    fn start<'scope, 'env>(
        &'env mut self,
        scope: &'scope Scope<'scope, 'env>,
        course: &'env Course<'env>,
    ) -> Receiver<Unit<'env, M::Out>> {
        let Self { before, threads, label, map } = self;
        let (map, from) = (*map, before.start(scope, course));
        let (to, units) = bounded(course.flight.window());
        for _ in 0..*threads {
            let (from, to) = (from.clone(), to.clone());
            course.spawn(scope, label, move || {
                for unit in from.iter().take_while(|_| !course.stopped()) {
                    if to.send(unit.through(map)?).is_err() {
                        break;
                    }
                }
                Ok(())
            });
        }
        units
    }
}

/// A map on the run's pool.
pub struct Cpu<'m, L, M: ?Sized> {
    pub(crate) before: L,
    pub(crate) label: &'static str,
    pub(crate) map: &'m M,
}

impl<L, M> Lane for Cpu<'_, L, M>
where
    L: Lane,
    M: Map<In = L::Out> + ?Sized,
    M::Out: Bytes + Send,
{
    type Out = M::Out;

    fn workers(&self, cpu_workers: usize) -> usize {
        self.before.workers(cpu_workers).saturating_add(cpu_workers)
    }

    fn start<'scope, 'env>(
        &'env mut self,
        scope: &'scope Scope<'scope, 'env>,
        course: &'env Course<'env>,
    ) -> Receiver<Unit<'env, M::Out>> {
        let Self { before, label, map } = self;
        let (label, map, from) = (*label, *map, before.start(scope, course));
        let (to, units) = bounded(course.flight.window());
        // This thread only hands units to the pool, first come first served.
        course.spawn(scope, label, move || {
            course.run.pool.in_place_scope_fifo(|tasks| {
                for unit in from.iter().take_while(|_| !course.stopped()) {
                    let to = to.clone();
                    tasks.spawn_fifo(move |_| course.guard(label, || on_pool(course, unit, map, &to)));
                }
            });
            Ok(())
        });
        units
    }
}

fn on_pool<'env, M>(
    course: &Course<'_>,
    unit: Unit<'env, M::In>,
    map: &M,
    to: &Sender<Unit<'env, M::Out>>,
) -> Result<(), Failure>
where
    M: Map + ?Sized,
    M::Out: Bytes,
{
    if !course.stopped() {
        let made = unit.through(map)?;
        // The consumer may have gone; the lane before notices by itself.
        let _ = to.send(made);
    }
    Ok(())
}
