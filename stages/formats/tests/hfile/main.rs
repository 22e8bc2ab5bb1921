//! The HFile container against files that a real HBase wrote, and against bytes that lie.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test fails by a panic"
)]

mod container;
mod golden;
mod hostile;
mod index;
mod samples;
mod versions;
mod walker;
