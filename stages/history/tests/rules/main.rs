//! One test a rule, on small histories; and whole classes of small histories against brute force.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what they counted"
)]

mod brute_force;
mod cuts;
mod gaps;
mod given_again;
mod opens;
mod world;
