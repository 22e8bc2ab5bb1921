//! What a stage is: the three traits, and the values by which it reports damage and failure. Knows no HBase word, and
//! does no I/O.
//!
//! A stage knows bytes and values and starts no thread. It is one of three traits, and the receiver *is* the
//! concurrency contract: [`Map`] takes `&self`, so a runner may call it from many threads; [`Source`] and [`Sink`]
//! take `&mut self`, so it may not.
//!
//! Messages between stages are blocks, arenas, batches or files (never a single cell) and say their size with
//! [`Bytes`], so that a runner can keep what is in flight within a budget.
//!
//! What goes wrong is one of two things: a [`Failure`] ends the run; a [`Problem`] is damage that was found and is
//! part of the report. [`Found`] is a value, or one of the two.

mod failure;
mod flow;
mod found;
mod problem;
mod report;

pub use failure::{Failure, FailureKind};
pub use flow::{Bytes, Map, Sink, Source};
pub use found::{Found, Obstacle};
pub use problem::{Problem, ProblemKind, Problems};
pub use report::{Outcome, Report, Stopped};
