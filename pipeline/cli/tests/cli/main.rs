//! The real binary on real HBase data: what it prints, what it writes, how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by a panic and says what it skips"
)]

mod bad_input;
mod cases_cuts;
mod cases_edges;
mod cases_edges_wals;
mod cases_files;
mod cases_versions;
mod cells;
mod convert_bad_input;
mod cuts;
mod dependencies;
mod flips;
mod golden;
mod guide;
mod kill_converts;
mod kill_restores;
mod kills;
mod kinds;
mod made;
mod one_answer;
mod options;
mod restore;
mod restore_bad_input;
mod roots;
mod scan;
mod side_files;
mod support;
mod wals;
