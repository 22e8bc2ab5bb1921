//! How a job runs: threads, lanes, the byte budget, cancelling and progress. Knows [`stage`] and no HBase word.
//!
//! A job wires stages into a flow, and the wiring reads like a sentence:
//!
//! ```
//! # use runtime::{Budget, Cancel, Run, RunOptions};
//! # use stage::{Bytes, Failure, Map};
//! # struct Block(Vec<u8>);
//! # impl Bytes for Block { fn bytes(&self) -> usize { self.0.len() } }
//! # struct Read;
//! # impl Map for Read { type In = Block; type Out = Block;
//! #     fn map(&self, block: Block) -> Result<Block, Failure> { Ok(block) } }
//! # struct Encode;
//! # impl Map for Encode { type In = Block; type Out = Block;
//! #     fn map(&self, block: Block) -> Result<Block, Failure> { Ok(block) } }
//! # fn main() -> Result<(), Failure> {
//! let run = Run::new(RunOptions {
//!     cpu_workers: 2,
//!     budget: Budget::new(64 << 20),
//!     cancel: Cancel::new(),
//!     progress: std::sync::Arc::new(()),
//! })?;
//! let mut written = 0;
//! run.flow(runtime::units((0..10).map(|n| Block(vec![n; 100]))))
//!     .io(4, "read", &Read)
//!     .cpu("encode", &Encode)
//!     .ordered()
//!     .each(|block| {
//!         written += block.0.len();
//!         Ok(())
//!     })?;
//! assert_eq!(written, 1000);
//! # Ok(())
//! # }
//! ```
//!
//! What holds for every flow:
//! - All lanes work at the same time, each on threads of its own; every thread has ended when the flow returns.
//! - What is in flight is bounded twice: by a number of units (the window) and by the run's byte [`Budget`].
//! - The first failure stops everything and is the one that is returned, but one that is not "interrupted" beats one
//!   that is. A panic in a stage is a failure that names the lane. After a failure no sink or fold is finished.
//! - A stage gets no handle to threads and must not start a flow itself.

mod budget;
mod cancel;
mod context;
mod course;
mod flow;
mod lane;
mod order;
mod progress;
mod results;
mod run;
mod units;

pub use budget::Budget;
pub use cancel::Cancel;
pub use context::Context;
pub use flow::Flow;
pub use progress::{Event, Meter, Progress};
pub use results::Results;
pub use run::{Run, RunOptions};
pub use units::{Units, units};
