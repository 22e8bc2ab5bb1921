//! HFiles: opens, walks, verifies and writes them, and reads their cells, also through links and References.

mod bulk_cells;
mod cat_hfile;
mod cell_buffer;
mod cell_sum;
mod check_written;
mod describe_hfile;
mod hfile_cursor;
mod join_walks;
mod level;
mod locate_cells;
mod open_hfile;
mod read_blocks;
mod resolve_mob;
mod row_range;
mod store_file_settings;
mod verify_cells;
mod verify_file;
mod write_hfile;

pub use bulk_cells::BulkFile;
pub(crate) use bulk_cells::copy_bulk_file;
pub use cat_hfile::{CatHFile, CatOptions};
pub(crate) use cell_buffer::CellBuffer;
pub use check_written::{CheckWritten, WrittenUnit};
pub use describe_hfile::{BloomDescription, HFileDescription, describe_hfile, read_dictionaries};
pub use hfile_cursor::HFileCursor;
pub use join_walks::join_walks;
pub use level::Level;
pub use locate_cells::{CellFile, LedTo, locate_cells};
pub use open_hfile::{OpenedHFile, open_whole};
pub use resolve_mob::ResolveMob;
pub use row_range::RowRange;
pub use store_file_settings::{StoreFileSettings, store_file_settings};
pub use verify_file::{FileToVerify, VerifyFile, block_problems, checksum_type, fault_problem};
pub use write_hfile::{HFileToWrite, WriteHFile, WrittenHFile};
