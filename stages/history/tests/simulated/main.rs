//! Thousands of histories of a simulated HBase, whose truth is known (`fixtures::sim`).
//!
//! `TIDEGATE_HISTORIES=2000` runs as many; a failure names its seed, and `TIDEGATE_SEED=17` runs that one alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]
#![allow(clippy::cast_possible_wrap, reason = "small numbers")]

mod cuts;
mod feed;
mod mutants;
mod provable;

/// The seeds to run: so many by default.
fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("TIDEGATE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TIDEGATE_HISTORIES").unwrap_or(default),
    }
}
