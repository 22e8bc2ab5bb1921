//! Every target over its corpus and over seeded mutations of it. `TIDEGATE_FUZZ_SEED` and `TIDEGATE_FUZZ_ROUNDS` (a
//! target) say which and how many; `TIDEGATE_FUZZ_TARGET` names one alone.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by a panic and says how to repeat it"
)]

use fuzz::mutate::{Random, mutated};
use fuzz::watch::{finding, peak};
use fuzz::{TARGETS, Target};
use std::path::Path;

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, not a number")),
        Err(_) => default,
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries =
        std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", directory.display())).path();
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.display().to_string(), bytes)
    };
    let mut members: Vec<_> = entries.map(read).collect();
    members.sort();
    members
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(target: Target, seed: u64, rounds: u64) {
    let members = corpus(target.name);
    assert!(!members.is_empty(), "no corpus for {}", target.name);
    for (path, bytes) in &members {
        if let Some(what) = finding(target.run, bytes) {
            panic!("{}: {what} on {path}", target.name);
        }
    }
    let members: Vec<_> = members.into_iter().map(|(_, bytes)| bytes).collect();
    for round in 0..rounds {
        let bytes = mutated(&mut Random::of_round(seed, round), &members);
        if let Some(what) = finding(target.run, &bytes) {
            panic!(
                "{}: {what}; TIDEGATE_FUZZ_SEED={seed}, round {round}, input {}",
                target.name,
                hex(&bytes)
            );
        }
    }
}

#[test]
fn no_target_panics_or_asks_for_too_much() {
    let (seed, rounds) = (number("TIDEGATE_FUZZ_SEED", 1), number("TIDEGATE_FUZZ_ROUNDS", 3000));
    let only = std::env::var("TIDEGATE_FUZZ_TARGET").ok();
    println!("TIDEGATE_FUZZ_SEED={seed} TIDEGATE_FUZZ_ROUNDS={rounds}");
    if peak().is_none() {
        eprintln!("SKIPPED: the memory check; /proc/self/status does not say");
    }
    let chosen: Vec<_> =
        TARGETS.iter().filter(|target| only.as_deref().is_none_or(|only| only == target.name)).collect();
    assert!(!chosen.is_empty(), "no target {only:?}");
    for target in chosen {
        run(*target, seed, rounds);
        println!("{}: {rounds} rounds", target.name);
    }
}
