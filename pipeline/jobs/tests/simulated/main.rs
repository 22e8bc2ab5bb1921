//! Histories of a simulated HBase (`fixtures::sim`) on their whole way: the bytes of a root, converted, cut, scanned and
//! restored, against what the simulator knows.
//!
//! `TIDEGATE_HISTORIES=500` runs as many; a failure names its seed, and `TIDEGATE_SEED=17` runs that one alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

mod merge;
mod real;
mod restore;
mod root;
mod scan;
