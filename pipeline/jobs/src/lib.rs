//! One folder for each job: a plan, which is a value that can be printed, and a run, which wires steps into a flow and
//! reads like a sentence. [`export`], [`convert`] and [`restore`] write roots; [`cut`], [`scan`] and [`replay`] read a
//! repository at a cut; [`snapshot`], [`image`], [`hfile`] and [`wal`] look into what is there. Nothing here parses a
//! byte, starts a thread or prints.

pub mod convert;
pub mod cut;
pub mod export;
pub mod hfile;
pub mod image;
pub mod replay;
pub mod restore;
pub mod scan;
pub mod snapshot;
pub mod wal;

mod roots;

pub use cuts::{AcceptGaps, Base, CutOptions, Until};
pub use delivery::{NotLookedInto, SnapshotFiles, Verified};
pub use runtime::{Cancel, Context, Event, Progress};
pub use steps::bytes::refuse_other_kind;
pub use steps::hfile::Level;
pub use store::Attributes;
