use crate::{Operation, Store, StoreError, Watch, Watched};
use std::{
    num::NonZeroU64,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A store into which bytes are written no faster than a rate.
///
/// Counted are the bytes written; what is read is bounded by it in a copy. Wrap the target, once.
pub type Throttle = Watched<Bandwidth>;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// Time since some beginning.
    fn now(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The clock of this machine.
#[derive(Debug)]
struct MachineClock(Instant);

impl Clock for MachineClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// What idle time is good for at most, so that a pause is not followed by a rush.
const BURST: Duration = Duration::from_millis(100);

/// Bytes a second, one for the whole job: threads and stores share it.
///
/// A writer books its bytes after those of the others and sleeps until they are due, so the rate is kept to the
/// byte, whatever the sizes and the number of threads.
pub struct Bandwidth {
    bytes_per_second: NonZeroU64,
    clock: Box<dyn Clock>,
    booked_until: Mutex<Duration>,
}

impl Bandwidth {
    /// A rate by this machine's clock.
    pub fn new(bytes_per_second: NonZeroU64) -> Self {
        Self::with_clock(bytes_per_second, Box::new(MachineClock(Instant::now())))
    }

    /// A rate by another clock.
    pub fn with_clock(bytes_per_second: NonZeroU64, clock: Box<dyn Clock>) -> Self {
        let booked_until = Mutex::new(clock.now());
        Self { bytes_per_second, clock, booked_until }
    }

    /// Waits until this many more bytes may be written.
    pub fn take(&self, bytes: u64) {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let wait = {
            let mut booked_until = self.booked_until.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.clock.now();
            let start = (*booked_until).max(now.saturating_sub(BURST));
            *booked_until = start.saturating_add(time);
            booked_until.saturating_sub(now)
        };
        if !wait.is_zero() {
            self.clock.sleep(wait);
        }
    }
}

impl Watch for Bandwidth {
    fn before(&self, operation: &Operation, _store: &dyn Store) -> Result<(), StoreError> {
        if operation.is_write() {
            self.take(operation.bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A clock on which time passes by sleeping only.
    #[derive(Default, Clone)]
    struct Slept(Arc<Mutex<Duration>>);

    impl Clock for Slept {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn sleep(&self, time: Duration) {
            *self.0.lock().unwrap() += time;
        }
    }

    #[test]
    fn bytes_take_their_time_whatever_their_pieces() {
        for piece in [1_000, 64 << 10, 10_000_000] {
            let clock = Slept::default();
            let rate = NonZeroU64::new(1_000_000).unwrap();
            let bandwidth = Bandwidth::with_clock(rate, Box::new(clock.clone()));
            let mut left = 10_000_000;
            while left > 0 {
                bandwidth.take(piece.min(left));
                left -= piece.min(left);
            }
            assert_eq!(clock.now(), Duration::from_secs(10), "pieces of {piece}");
        }
    }

    #[test]
    fn a_pause_saves_up_little() {
        let clock = Slept::default();
        let bandwidth = Bandwidth::with_clock(NonZeroU64::new(1_000).unwrap(), Box::new(clock.clone()));
        clock.sleep(Duration::from_secs(3600));
        bandwidth.take(5_000);
        assert_eq!(clock.now(), Duration::from_secs(3605) - BURST);
    }

    #[test]
    fn stores_and_threads_share_one_rate() {
        let clock = Slept::default();
        let rate = NonZeroU64::new(1_000).unwrap();
        let bandwidth = Arc::new(Bandwidth::with_clock(rate, Box::new(clock.clone())));
        let memory = Arc::new(crate::MemoryStore::files());
        let stores = [0; 2].map(|_| Throttle::new(memory.clone(), Arc::clone(&bandwidth)));
        for (n, store) in stores.iter().cycle().take(10).enumerate() {
            let path = crate::StorePath::parse(&n.to_string()).unwrap();
            store.put(&path, &[0; 500], crate::Publish::IfAbsent).unwrap();
            store.metadata(&path).unwrap();
        }
        assert_eq!(clock.now(), Duration::from_secs(5));
    }
}
