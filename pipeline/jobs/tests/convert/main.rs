//! Converting WALs: what comes out, how often, and what goes wrong.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panic and says what it skips")]

mod again;
mod bad_input;
mod content;
mod golden;
mod memory;
mod support;
