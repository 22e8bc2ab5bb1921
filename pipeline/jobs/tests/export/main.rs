//! Exports between stores in memory and on disk, under every fault that a store can be made to have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by a panic and says what it skips"
)]

mod again;
mod crashes;
mod faults;
mod moving;
mod power;
mod refused;
mod side_files;
mod source_faults;
mod support;
