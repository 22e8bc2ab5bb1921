//! Flows that end well: order, bounds, overlap, folds, progress.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod toys;

use runtime::{Budget, Cancel, Event, Progress, Run, RunOptions, units};
use stage::{Bytes, Failure, Map};
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use toys::{Census, Jitter, Rng, Toy, for_seeds, run, toys};

fn sizes(rng: &mut Rng, count: usize, end: usize) -> Vec<usize> {
    (0..count).map(|_| rng.below(end)).collect()
}

#[test]
fn ordered_results_come_in_the_order_of_the_source() {
    for_seeds(40, |rng| {
        let (budget, census) = (Budget::new(2000), Arc::default());
        let run = run(1 + rng.below(4), &budget, &Cancel::new());
        let (copy, encode, write) =
            (Jitter::new(rng.next()), Jitter::new(rng.next()), Jitter::new(rng.next()));
        let (count, threads) = (rng.below(120), rng.below(5));
        let mut numbers = Vec::new();
        run.flow(units(toys(sizes(rng, count, 500), &census)))
            .io(threads, "copy", &copy)
            .cpu("encode", &encode)
            .io(threads, "write", &write)
            .ordered()
            .each(|toy| {
                numbers.push(toy.number);
                Ok(())
            })
            .expect("flow");
        assert_eq!(numbers, (0..count as u64).collect::<Vec<_>>());
        assert_eq!((census.alive(), budget.used()), (0, 0));
    });
}

#[test]
fn unordered_results_are_the_same_units() {
    for_seeds(20, |rng| {
        let (budget, census) = (Budget::new(2000), Arc::default());
        let run = run(2, &budget, &Cancel::new());
        let (copy, encode) = (Jitter::new(rng.next()), Jitter::new(rng.next()));
        let mut numbers = Vec::new();
        run.flow(units(toys(sizes(rng, 100, 500), &census)))
            .io(3, "copy", &copy)
            .cpu("encode", &encode)
            .unordered()
            .each(|toy| {
                numbers.push(toy.number);
                Ok(())
            })
            .expect("flow");
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    });
}

/// Budgets, windows and sizes by chance; maps that keep or shrink their units; a slow or a fast consumer.
#[test]
fn neither_the_budget_nor_the_window_is_ever_exceeded() {
    for_seeds(60, |rng| {
        let limit = 1 + rng.below(1000);
        let (budget, census): (_, Arc<Census>) = (Budget::new(limit), Arc::default());
        let run = run(1 + rng.below(3), &budget, &Cancel::new());
        let (mut copy, encode) = (Jitter::new(rng.next()), Jitter::new(rng.next()));
        copy.resize = |size, rng| size - rng.below(size + 1);
        let (window, threads, ordered) = (1 + rng.below(20), 1 + rng.below(4), rng.below(2) == 0);
        let results = run
            .flow(units(toys(sizes(rng, 150, limit + 1), &census)))
            .io(threads, "copy", &copy)
            .cpu("encode", &encode)
            .window(window);
        let results = if ordered { results.ordered() } else { results.unordered() };
        let last = Jitter::new(rng.next());
        results.each(|toy| last.map(toy).map(drop)).expect("flow");
        assert!(budget.peak() <= limit, "{} of {limit}", budget.peak());
        // One more waits to enter.
        assert!(census.peak() <= window + 1, "{} of {window}", census.peak());
    });
}

#[test]
fn a_unit_larger_than_the_budget_goes_through_alone() {
    for_seeds(20, |rng| {
        let (budget, census) = (Budget::new(100), Arc::default());
        let run = run(2, &budget, &Cancel::new());
        let (copy, encode) = (Jitter::new(rng.next()), Jitter::new(rng.next()));
        let mut sizes = sizes(rng, 60, 50);
        for _ in 0..3 {
            sizes[rng.below(60)] = 1_000_000;
        }
        let mut alone = Vec::new();
        run.flow(units(toys(sizes, &census)))
            .io(3, "copy", &copy)
            .cpu("encode", &encode)
            .ordered()
            .each(|toy| {
                if toy.size == 1_000_000 {
                    alone.push(budget.used());
                }
                Ok(())
            })
            .expect("flow");
        assert!(!alone.is_empty() && alone.iter().all(|used| *used == 1_000_000), "{alone:?}");
        assert_eq!(budget.peak(), 1_000_000);
    });
}

#[test]
fn a_unit_that_grows_is_counted_and_keeps_others_out() {
    for_seeds(20, |rng| {
        let (budget, census) = (Budget::new(100), Arc::default());
        let run = run(2, &budget, &Cancel::new());
        let mut grow = Jitter::new(rng.next());
        grow.resize = |size, _| size * 10;
        let mut seen = 0;
        run.flow(units(toys(vec![20; 50], &census)))
            .io(3, "grow", &grow)
            .ordered()
            .each(|toy| {
                assert!(budget.used() >= toy.size);
                seen += 1;
                Ok(())
            })
            .expect("flow");
        // At most five enter at 20 bytes each; each may then have grown to 200.
        assert!(budget.peak() >= 200 && budget.peak() <= 1000, "{}", budget.peak());
        assert_eq!((seen, budget.used()), (50, 0));
    });
}

#[test]
fn no_units_is_a_flow_too() {
    for_seeds(3, |_| {
        let (budget, census) = (Budget::new(10), Arc::default());
        let run = run(1, &budget, &Cancel::new());
        let encode = Jitter::new(0);
        let results = run.flow(units(toys(Vec::new(), &census))).cpu("encode", &encode).ordered();
        results.each(|_| panic!("there is none")).expect("flow");
    });
}

#[test]
fn one_worker_a_window_of_one_and_no_budget_still_flow() {
    for_seeds(5, |rng| {
        let (budget, census) = (Budget::new(0), Arc::default());
        let run = run(0, &budget, &Cancel::new());
        let (copy, encode) = (Jitter::new(rng.next()), Jitter::new(rng.next()));
        let flow = run.flow(units(toys(vec![5; 30], &census))).io(0, "copy", &copy).cpu("encode", &encode);
        let mut count = 0;
        flow.window(0)
            .ordered()
            .each(|_| {
                count += 1;
                Ok(())
            })
            .expect("flow");
        assert_eq!((count, budget.peak()), (30, 5));
    });
}

#[test]
fn a_consumer_that_has_enough_ends_the_flow_well() {
    for_seeds(30, |rng| {
        let (budget, census) = (Budget::new(500), Arc::default());
        let cancel = Cancel::new();
        let run = run(2, &budget, &cancel);
        let (copy, encode) = (Jitter::new(rng.next()), Jitter::new(rng.next()));
        let (enough, mut taken) = (rng.below(50) as u64, Vec::new());
        run.flow(units(toys(vec![40; 100_000], &census)))
            .io(2, "copy", &copy)
            .cpu("encode", &encode)
            .ordered()
            .each_until(|toy| {
                taken.push(toy.number);
                Ok(if toy.number == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })
            .expect("flow");
        assert_eq!(taken, (0..=enough).collect::<Vec<_>>());
        assert_eq!((census.alive(), budget.used(), run.cancel().is_set()), (0, 0, false));
    });
}

/// Two stages that each wait for the other to have begun: unit 1 in the first while unit 0 is in the second.
struct Meeting {
    seen: Mutex<[bool; 2]>,
    changed: Condvar,
}

impl Meeting {
    fn meet(&self, side: usize) {
        let mut seen = self.seen.lock().expect("lock");
        seen[side] = true;
        self.changed.notify_all();
        let both = |seen: &mut [bool; 2]| *seen != [true, true];
        let waited = self.changed.wait_timeout_while(seen, Duration::from_secs(60), both).expect("lock");
        assert!(!waited.1.timed_out(), "the lanes do not overlap");
    }
}

struct MeetAt<'a>(&'a Meeting, u64, usize);

impl Map for MeetAt<'_> {
    type In = Toy;
    type Out = Toy;

    fn map(&self, toy: Toy) -> Result<Toy, Failure> {
        if toy.number == self.1 {
            self.0.meet(self.2);
        }
        Ok(toy)
    }
}

#[test]
fn chained_lanes_work_at_the_same_time() {
    for_seeds(3, |_| {
        let (budget, census) = (Budget::new(100), Arc::default());
        let run = run(1, &budget, &Cancel::new());
        let meeting = || Meeting { seen: Mutex::default(), changed: Condvar::new() };
        let (io, mixed) = (meeting(), meeting());
        run.flow(units(toys(vec![1; 10], &census)))
            .io(1, "first", &MeetAt(&io, 1, 0))
            .io(1, "second", &MeetAt(&io, 0, 1))
            .io(1, "third", &MeetAt(&mixed, 5, 0))
            .cpu("fourth", &MeetAt(&mixed, 4, 1))
            .ordered()
            .each(|_| Ok(()))
            .expect("flow");
    });
}

#[test]
fn a_flow_inside_a_consumer_does_not_wait_for_the_outer_ones_budget() {
    for_seeds(5, |rng| {
        let (budget, census) = (Budget::new(100), Arc::default());
        let run = run(2, &budget, &Cancel::new());
        let copy = Jitter::new(rng.next());
        let mut inner = 0;
        run.flow(units(toys(vec![50; 10], &census)))
            .io(2, "copy", &copy)
            .ordered()
            .each(|_| {
                run.flow(units(toys(vec![60; 4], &census))).cpu("inner", &copy).ordered().each(|_| {
                    inner += 1;
                    Ok(())
                })
            })
            .expect("flow");
        assert_eq!(inner, 40);
    });
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn event(&self, event: Event<'_>) {
        self.0.lock().expect("lock").push(match event {
            Event::Started { label, total_units, total_bytes } => {
                format!("{label} {total_units:?} {total_bytes:?}")
            }
            Event::Advanced { label, units, bytes } => format!("{label} +{units} +{bytes}"),
            Event::Finished { label } => format!("{label} ends"),
            Event::Note(line) => line.to_owned(),
        });
    }
}

#[test]
fn progress_is_reported_as_it_happens() {
    let (heard, census) = (Arc::new(Heard::default()), Arc::default());
    let progress: Arc<dyn Progress> = heard.clone();
    let (budget, cancel) = (Budget::new(100), Cancel::new());
    let run = Run::new(RunOptions { cpu_workers: 1, budget, cancel, progress }).expect("run");
    run.note("two files");
    let meter = run.meter("copy", Some(2), None);
    let flow = run.flow(units(toys(vec![7, 9], &census))).ordered();
    flow.each(|toy| {
        meter.advance(1, toy.bytes() as u64);
        Ok(())
    })
    .expect("flow");
    drop(meter);
    let heard = heard.0.lock().expect("lock");
    assert_eq!(*heard, ["two files", "copy Some(2) None", "copy +1 +7", "copy +1 +9", "copy ends"]);
}
