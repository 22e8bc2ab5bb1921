//! Flows that do not end well: whatever goes wrong, wherever, the flow ends, says so, and keeps nothing.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod toys;

use runtime::{Budget, Cancel, units};
use stage::{Failure, FailureKind, Map};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use toys::{Census, Fault, Jitter, Rng, Toy, Trap, TrapSink, TrapSource, for_seeds, run, toys};

const UNITS: u64 = 24;
const PLACES: [&str; 5] = ["source", "copy", "encode", "sink", "finish"];

struct Ending {
    result: Result<Vec<u64>, Failure>,
    finished: bool,
    outer_cancelled: bool,
}

/// source -> 1 to 3 threads -> 1 to 3 pool workers -> sink, with one fault at one place.
fn flow_with(place: &'static str, at: u64, fault: Fault, rng: &mut Rng) -> Ending {
    let (budget, census): (_, Arc<Census>) = (Budget::new(1 + rng.below(60)), Arc::default());
    let (cancel, finished) = (Cancel::new(), Arc::new(AtomicBool::new(false)));
    let trap = |here: &'static str| Trap {
        place: here,
        at: (here == place).then_some((at, fault)),
        cancel: cancel.clone(),
    };
    let run = run(1 + rng.below(3), &budget, &cancel);
    let copy = Jitter { trap: trap("copy"), ..Jitter::new(rng.next()) };
    let encode = Jitter { trap: trap("encode"), ..Jitter::new(rng.next()) };
    let end = if place == "finish" { trap("finish") } else { trap("sink") };
    let sink = TrapSink { trap: end, taken: Vec::new(), finished: Arc::clone(&finished) };
    let flow = run
        .flow(TrapSource(toys(vec![10; UNITS as usize], &census), trap("source")))
        .io(1 + rng.below(3), "copy", &copy)
        .cpu("encode", &encode)
        .window(1 + rng.below(12));
    let results = if rng.below(2) == 0 { flow.ordered() } else { flow.unordered() };
    let result = results.into_sink(sink);
    assert_eq!((census.alive(), budget.used()), (0, 0), "{place} {at} {fault:?} left something behind");
    Ending { result, finished: finished.load(SeqCst), outer_cancelled: cancel.is_set() }
}

#[test]
fn any_fault_at_any_place_ends_the_flow_and_drops_everything() {
    for_seeds(12, |rng| {
        for place in PLACES {
            for at in if place == "finish" { vec![u64::MAX] } else { vec![0, 1, UNITS / 2, UNITS - 1] } {
                for fault in [Fault::Error, Fault::Panic, Fault::Cancel] {
                    let ending = flow_with(place, at, fault, rng);
                    check(place, fault, &ending);
                }
            }
        }
    });
}

fn check(place: &str, fault: Fault, ending: &Ending) {
    assert_eq!(ending.finished, place == "finish", "{place} {fault:?}");
    // A fault inside does not touch what the run was given from outside.
    assert_eq!(ending.outer_cancelled, fault == Fault::Cancel, "{place} {fault:?}");
    if place == "finish" && fault == Fault::Cancel {
        // It came too late: all is done.
        assert_eq!(ending.result.as_ref().map(Vec::len), Ok(UNITS as usize));
        return;
    }
    let failure = ending.result.as_ref().expect_err("a fault");
    let lane = if place == "finish" { "sink" } else { place };
    match fault {
        Fault::Error => assert_eq!((failure.doing.as_str(), failure.subject.as_str()), ("toying", place)),
        Fault::Panic => {
            assert_eq!(failure.doing, format!("running `{lane}`"));
            assert_eq!(failure.wrong, format!("it panicked: toy panic at {place}"));
        }
        Fault::Cancel => assert_eq!(*failure, Failure::interrupted()),
    }
}

/// The control to the test above: without a fault the sink is finished and has everything.
#[test]
fn without_a_fault_the_sink_is_finished() {
    for_seeds(10, |rng| {
        let ending = flow_with("nowhere", 0, Fault::Error, rng);
        let mut taken = ending.result.expect("no fault");
        taken.sort_unstable();
        assert_eq!(taken, (0..UNITS).collect::<Vec<_>>());
        assert!(ending.finished && !ending.outer_cancelled);
    });
}

/// Unit 1 fails as asked; unit 0 fails when it sees that the run has been cancelled because of that.
struct OneAfterTheOther {
    cancel: Cancel,
    first: Failure,
    second: Failure,
}

impl Map for OneAfterTheOther {
    type In = Toy;
    type Out = Toy;

    fn map(&self, toy: Toy) -> Result<Toy, Failure> {
        if toy.number == 1 {
            return Err(self.first.clone());
        }
        while !self.cancel.is_set() {
            thread::yield_now();
        }
        Err(self.second.clone())
    }
}

fn ends_with(first: Failure, second: Failure) -> Failure {
    let (budget, census) = (Budget::new(100), Arc::default());
    let run = run(1, &budget, &Cancel::new());
    let map = OneAfterTheOther { cancel: run.cancel().clone(), first, second };
    let flow = run.flow(units(toys(vec![1; 2], &census))).io(2, "copy", &map);
    flow.ordered().each(|_| Ok(())).expect_err("both fail")
}

#[test]
fn the_first_failure_is_the_one_but_a_real_one_beats_an_interruption() {
    for_seeds(10, |_| {
        let real = |name: &str| Failure::failed("copying", name, "broken");
        assert_eq!(ends_with(real("a"), real("b")), real("a"));
        assert_eq!(ends_with(real("a"), Failure::interrupted()), real("a"));
        assert_eq!(ends_with(Failure::interrupted(), real("b")), real("b"));
    });
}

#[test]
fn a_run_that_was_cancelled_before_or_by_a_failure_does_nothing_more() {
    for_seeds(3, |_| {
        let (budget, census) = (Budget::new(100), Arc::default());
        let (cancel, copy) = (Cancel::new(), Jitter::new(1));
        let run = run(1, &budget, &cancel);
        let broken = Failure::failed("taking", "unit", "broken");
        let flow = run.flow(units(toys(vec![1; 9], &census))).io(1, "copy", &copy);
        assert_eq!(flow.ordered().each(|_| Err(broken.clone())), Err(broken.clone()));
        assert!(run.cancel().is_set() && !cancel.is_set());
        let flow = run.flow(units(toys(vec![1; 9], &census))).io(1, "copy", &copy);
        let kind = flow.ordered().each(|_| panic!("nothing comes")).expect_err("cancelled").kind;
        assert_eq!(kind, FailureKind::Interrupted);
    });
}

#[test]
fn after_a_cancel_the_consumer_gets_nothing_more() {
    for_seeds(5, |rng| {
        let (budget, census) = (Budget::new(500), Arc::default());
        let cancel = Cancel::new();
        let run = run(2, &budget, &cancel);
        let copy = Jitter::new(rng.next());
        let mut calls = 0;
        let flow = run.flow(units(toys(vec![1; 50], &census))).io(2, "copy", &copy);
        let end = flow.unordered().each(|_| {
            calls += 1;
            // The others come through meanwhile and wait in the channel.
            thread::sleep(std::time::Duration::from_millis(5));
            cancel.set();
            Ok(())
        });
        assert_eq!((end, calls), (Err(Failure::interrupted()), 1));
    });
}

#[test]
fn a_cancel_from_another_thread_ends_an_endless_flow() {
    for_seeds(10, |rng| {
        let (budget, census) = (Budget::new(50), Arc::default());
        let cancel = Cancel::new();
        let run = run(2, &budget, &cancel);
        let (copy, encode) = (Jitter::new(rng.next()), Jitter::new(rng.next()));
        let after = rng.below(200);
        let endless = toys(vec![7; 1 << 20], &census);
        thread::scope(|scope| {
            let mut seen = 0;
            let (reached, wait) = std::sync::mpsc::channel();
            let cancel = &cancel;
            scope.spawn(move || {
                let _ = wait.recv();
                cancel.set();
            });
            let flow = run.flow(units(endless)).io(2, "copy", &copy).cpu("encode", &encode);
            let end = flow.unordered().each(|_| {
                seen += 1;
                if seen == after + 1 {
                    let _ = reached.send(());
                }
                Ok(())
            });
            assert_eq!(end, Err(Failure::interrupted()));
        });
        assert_eq!((census.alive(), budget.used()), (0, 0));
    });
}
