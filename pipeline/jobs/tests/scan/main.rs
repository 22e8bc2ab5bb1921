//! `scan` and `replay` against what a real HBase showed: clones of every golden snapshot, and its tables at every
//! marker, label, and at the end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by a panic and says what it skips and what it compared"
)]

mod cuts;
mod replayed;
mod snapshots;
mod support;
