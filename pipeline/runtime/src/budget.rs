use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How many bytes may be in flight, shared by the flows of a run. Clones are the same budget.
///
/// A unit's [`stage::Bytes::bytes`] is reserved before it enters a flow and follows its size from lane to lane until
/// it has left. Only entering waits: a unit that *grows* in a lane is counted at once, even above the limit, and
/// nothing enters until that is paid back.
///
/// A flow with nothing in flight lets its next unit in whatever its size, so a unit larger than the whole budget goes
/// through alone, and a flow inside another's consumer cannot wait for what only the other can give back.
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: usize,
    level: Mutex<Level>,
    sank: Condvar,
}

#[derive(Debug, Default)]
struct Level {
    used: usize,
    peak: usize,
}

impl Level {
    fn rise(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
        self.peak = self.peak.max(self.used);
    }
}

impl Budget {
    /// A budget of this many bytes.
    pub fn new(bytes: usize) -> Self {
        let (level, sank) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { limit: bytes, level, sank }) }
    }

    /// Bytes that may be in flight.
    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// Bytes in flight now.
    pub fn used(&self) -> usize {
        self.level().used
    }

    /// The most bytes that were ever in flight.
    pub fn peak(&self) -> usize {
        self.level().peak
    }

    fn level(&self) -> MutexGuard<'_, Level> {
        self.shared.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a unit of this size may enter, and counts it; `None` if the flow stopped first.
    pub(crate) fn enter<'f>(
        &'f self,
        bytes: usize,
        flight: &'f Flight,
        stopped: impl Fn() -> bool,
    ) -> Option<Charge<'f>> {
        let must_wait = |level: &mut Level| {
            let fits = level.used.saturating_add(bytes) <= self.shared.limit;
            !stopped() && !flight.admits(fits)
        };
        let waited = self.shared.sank.wait_while(self.level(), must_wait);
        let mut level = waited.unwrap_or_else(PoisonError::into_inner);
        if stopped() {
            return None;
        }
        level.rise(bytes);
        flight.units.fetch_add(1, Ordering::Relaxed);
        Some(Charge { budget: self, flight, bytes })
    }

    /// Lets those who wait look again whether their flow has stopped.
    pub(crate) fn wake(&self) {
        // With the lock held, so that nobody is between looking and waiting.
        let _level = self.level();
        self.shared.sank.notify_all();
    }
}

/// The units of one flow that have entered and not left. Changed only under the budget's lock.
#[derive(Debug)]
pub struct Flight {
    units: AtomicUsize,
    window: usize,
}

impl Flight {
    pub(crate) fn new(window: usize) -> Self {
        Self { units: AtomicUsize::new(0), window: window.max(1) }
    }

    pub(crate) fn window(&self) -> usize {
        self.window
    }

    fn admits(&self, fits: bool) -> bool {
        match self.units.load(Ordering::Relaxed) {
            0 => true,
            units => fits && units < self.window,
        }
    }
}

/// What one unit holds of the budget and of its flow's window; gives it back when dropped.
#[derive(Debug)]
pub struct Charge<'f> {
    budget: &'f Budget,
    flight: &'f Flight,
    bytes: usize,
}

impl Charge<'_> {
    /// The unit has this size now.
    pub(crate) fn resize(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if before == bytes {
            return;
        }
        let mut level = self.budget.level();
        level.used = level.used.saturating_sub(before);
        level.rise(bytes);
        if bytes < before {
            self.budget.shared.sank.notify_all();
        }
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        let mut level = self.budget.level();
        level.used = level.used.saturating_sub(self.bytes);
        self.flight.units.fetch_sub(1, Ordering::Relaxed);
        self.budget.shared.sank.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_above_the_budget_enters_alone_and_what_grows_is_counted() {
        let (budget, flight) = (Budget::new(10), Flight::new(8));
        let mut huge = budget.enter(25, &flight, || false).expect("alone");
        assert_eq!(budget.used(), 25);
        huge.resize(4);
        let mut small = budget.enter(6, &flight, || false).expect("fits");
        small.resize(9);
        assert_eq!((budget.used(), budget.peak()), (13, 25));
        drop((huge, small));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn nothing_enters_a_flow_that_has_stopped() {
        let (budget, flight) = (Budget::new(10), Flight::new(1));
        assert!(budget.enter(1, &flight, || true).is_none());
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_flow_with_nothing_in_flight_does_not_wait_for_another() {
        let budget = Budget::new(10);
        let (outer, inner) = (Flight::new(8), Flight::new(8));
        let _held = budget.enter(10, &outer, || false);
        assert!(budget.enter(3, &inner, || false).is_some());
    }
}
