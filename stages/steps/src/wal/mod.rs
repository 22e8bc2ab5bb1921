//! WALs: reads, describes and salvages them, and makes batches and markers of their entries.

mod cat_wal;
mod describe_wal;
mod encode_wal;
mod gather_cells;
mod gather_wal;
mod marker_rows;
mod read_wal;
mod salvage_wal;
mod spill_runs;
mod wal_history;

pub use cat_wal::{CatWal, CatWalOptions};
pub use describe_wal::{RegionDescription, WalDescription, describe_wal};
pub use encode_wal::{
    EncodeWal, EncodedFile, EncodedWal, LargeContent, Made, batch_marks, origin, unencodable,
};
pub use gather_cells::{META, TableFilter};
pub use gather_wal::{GatherWal, WalPlace, WalToGather, wal_options};
pub use read_wal::{ReadWal, open_wal, read_wal_header};
pub use salvage_wal::{LostBytes, SalvageStop, Salvaged, salvage_wal};
pub use spill_runs::{SpillRuns, SpilledRuns};
pub use wal_history::{Descents, Places, file_end, marker_entry, read_entries, table_of_region_name};
