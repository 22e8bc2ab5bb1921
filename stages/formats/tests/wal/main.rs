//! WALs of a real HBase, and what can happen to their bytes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what they skip"
)]

#[path = "../support/mod.rs"]
mod cells;
mod encoding;
mod golden;
mod hostile;
mod salvage;
mod samples;
mod support;
