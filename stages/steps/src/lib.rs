//! One piece of work each: find, copy, prove, open, verify, read, print.
//!
//! A step does I/O through a [`store::Store`] and knows bytes through [`formats`]; it starts no thread and keeps no
//! state from unit to unit. Damage comes out as [`stage::Problem`]s, with the place; only what ends a run is a
//! [`stage::Failure`].
//!
//! The steps live in six rooms, each of which knows only those before it:
//! [`bytes`] <- [`hfile`] <- { [`copy`], [`wal`], [`edits`] } <- [`scan`].

pub mod bytes;
pub mod copy;
pub mod edits;
pub mod hfile;
pub mod scan;
pub mod wal;
