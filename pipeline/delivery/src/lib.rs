//! The crash-safe way of files into a root: a plan is worked out, files are copied, proved and named, a snapshot is published,
//! and an image is written last.
//!
//! The order of writes makes it safe (ARCHITECTURE.md, "The crash story"): the manifest to `.hbase-snapshot/.tmp`, the
//! files to `.tidegate/partial`, proof, the files to `archive`, the list of files, the snapshot, the image. A run that
//! was killed at any moment is resumed by the same plan: its journal is found by the plan's digest. Jobs pass a
//! [`DeliveryPlan`] and may add files of their own ([`AddedFile`]); nothing here knows a job's options.

mod beside;
mod copy;
mod copying;
mod course;
mod finishing;
mod image;
mod interrupt;
mod new_files;
mod placing;
mod plan;
mod plan_document;
mod publish;
mod record;
mod settling;
mod snapshot_files;
mod state;
mod units;
mod verifying;

pub use course::{Begun, Delivery};
pub use interrupt::until_cancelled;
pub use new_files::{AddedFile, is_there, name_new_files, waiting_path};
pub use plan::{Aim, DeliveryPlan, Documents, Terms, Wording};
pub use plan_document::PlanDocument;
pub use record::{Record, WrittenRecord};
pub use settling::Settling;
pub use snapshot_files::{SnapshotFiles, find};
pub use state::{FileState, State, Tally};
pub use verifying::{NotLookedInto, Verified, verify_files};
