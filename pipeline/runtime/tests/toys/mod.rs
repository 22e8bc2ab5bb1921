//! Toy units and stages that disturb the scheduler by a seeded random walk, and misbehave where they are asked to.
#![allow(dead_code, reason = "each test file uses some of them")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panic and prints its seed"
)]

use runtime::{Budget, Cancel, Run, RunOptions};
use stage::{Bytes, Failure, Map, Sink, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// SplitMix64.
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Runs the test for some seeds, or for the one in `RUNTIME_SEED`. Prints the seed; a test that hangs fails.
pub fn for_seeds(count: u64, test: impl Fn(&mut Rng) + Send + Sync + 'static) {
    quiet_toy_panics();
    let given = std::env::var("RUNTIME_SEED").ok().map(|seed| seed.parse().expect("RUNTIME_SEED: a number"));
    let seeds = given.map_or((0..count).collect(), |seed: u64| vec![seed]);
    let test = Arc::new(test);
    for seed in seeds {
        eprintln!("RUNTIME_SEED={seed}");
        let (done, waited) = channel::<()>();
        let test = Arc::clone(&test);
        let worker = thread::spawn(move || {
            let _done = done;
            test(&mut Rng(seed));
        });
        // Disconnected: it ended, well or not; the join shows which.
        if let Err(RecvTimeoutError::Timeout) = waited.recv_timeout(Duration::from_secs(120)) {
            panic!("hangs with RUNTIME_SEED={seed}");
        }
        if let Err(panic) = worker.join() {
            eprintln!("failed with RUNTIME_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

fn quiet_toy_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let toy = panic.payload().downcast_ref::<String>().is_some_and(|text| text.starts_with("toy "));
            if !toy {
                loud(panic);
            }
        }));
    });
}

pub fn run(cpu_workers: usize, budget: &Budget, cancel: &Cancel) -> Run {
    let (budget, cancel, progress) = (budget.clone(), cancel.clone(), Arc::new(()));
    Run::new(RunOptions { cpu_workers, budget, cancel, progress }).expect("a run")
}

/// How many toys are alive, and how many ever were at once.
#[derive(Default)]
pub struct Census {
    alive: AtomicUsize,
    peak: AtomicUsize,
}

impl Census {
    pub fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }

    pub fn peak(&self) -> usize {
        self.peak.load(SeqCst)
    }
}

pub struct Toy {
    pub number: u64,
    pub size: usize,
    census: Arc<Census>,
}

impl Toy {
    pub fn new(number: u64, size: usize, census: &Arc<Census>) -> Self {
        let alive = census.alive.fetch_add(1, SeqCst) + 1;
        census.peak.fetch_max(alive, SeqCst);
        Self { number, size, census: Arc::clone(census) }
    }
}

impl Bytes for Toy {
    fn bytes(&self) -> usize {
        self.size
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        self.census.alive.fetch_sub(1, SeqCst);
    }
}

/// Toys of these sizes, numbered.
pub fn toys(sizes: Vec<usize>, census: &Arc<Census>) -> impl Iterator<Item = Toy> + Send + use<> {
    let census = Arc::clone(census);
    (0..).zip(sizes).map(move |(number, size)| Toy::new(number, size, &census))
}

/// What a toy stage does at one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Error,
    Panic,
    Cancel,
}

impl Fault {
    pub fn strike(self, place: &str, cancel: &Cancel) -> Result<(), Failure> {
        match self {
            Fault::Error => Err(Failure::failed("toying", place, "toy error")),
            Fault::Panic => panic!("toy panic at {place}"),
            Fault::Cancel => {
                cancel.set();
                Ok(())
            }
        }
    }
}

/// Which fault happens at which unit.
#[derive(Clone)]
pub struct Trap {
    pub place: &'static str,
    pub at: Option<(u64, Fault)>,
    pub cancel: Cancel,
}

impl Trap {
    pub fn none() -> Self {
        Self { place: "", at: None, cancel: Cancel::new() }
    }

    pub fn step_on(&self, number: u64) -> Result<(), Failure> {
        match self.at {
            Some((at, fault)) if at == number => fault.strike(self.place, &self.cancel),
            _ => Ok(()),
        }
    }
}

/// A map that yields, spins or sleeps, differently for each unit, and may change the unit's size.
pub struct Jitter {
    pub seed: u64,
    pub trap: Trap,
    pub resize: fn(usize, &mut Rng) -> usize,
}

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self { seed, trap: Trap::none(), resize: |size, _| size }
    }
}

impl Map for Jitter {
    type In = Toy;
    type Out = Toy;

    fn map(&self, mut toy: Toy) -> Result<Toy, Failure> {
        let mut rng = Rng(self.seed ^ toy.number.wrapping_mul(0x5851_F42D_4C95_7F2D));
        match rng.below(8) {
            0 => thread::sleep(Duration::from_micros(rng.next() % 400)),
            1..4 => (0..rng.below(4)).for_each(|_| thread::yield_now()),
            4..6 => (0..rng.below(2000)).for_each(|_| std::hint::spin_loop()),
            _ => {}
        }
        self.trap.step_on(toy.number)?;
        toy.size = (self.resize)(toy.size, &mut rng);
        Ok(toy)
    }
}

/// A source with a trap.
pub struct TrapSource<I>(pub I, pub Trap);

impl<I: Iterator<Item = Toy>> Source for TrapSource<I> {
    type Out = Toy;

    fn next(&mut self) -> Result<Option<Toy>, Failure> {
        let Some(toy) = self.0.next() else { return Ok(None) };
        self.1.step_on(toy.number)?;
        Ok(Some(toy))
    }
}

/// A sink with a trap, and one more in its end (at unit `u64::MAX`); reports the numbers it took.
pub struct TrapSink {
    pub trap: Trap,
    pub taken: Vec<u64>,
    pub finished: Arc<AtomicBool>,
}

impl Sink for TrapSink {
    type In = Toy;
    type Report = Vec<u64>;

    fn write(&mut self, toy: Toy) -> Result<(), Failure> {
        self.taken.push(toy.number);
        self.trap.step_on(toy.number)
    }

    fn finish(self) -> Result<Vec<u64>, Failure> {
        self.finished.store(true, SeqCst);
        self.trap.step_on(u64::MAX)?;
        Ok(self.taken)
    }
}
