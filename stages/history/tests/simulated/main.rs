//! Thousands of histories of a simulated HBase, whose truth is known (`fixtures::sim`).
//!
//! `TIDEGATE_HISTORIES=2000` runs as many; a failure names its seed, and `TIDEGATE_SEED=17` runs that one alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]
#![allow(clippy::cast_possible_wrap, reason = "small numbers")]
#![allow(clippy::print_stderr, reason = "what a run over all seeds came to is read by people")]

mod cuts;
mod explain;
mod feed;
mod losses;
mod mutants;
mod provable;
mod real;
mod tally;
