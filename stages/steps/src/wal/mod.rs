//! WALs: reads, describes and salvages them, and makes batches and markers of their entries.

mod cat_wal;
mod decode_wal;
mod describe_wal;
mod gather_cells;
mod marker_rows;
mod read_wal;
mod region_passes;
mod salvage_wal;
mod wal_history;
mod write_batch;

pub use cat_wal::{CatWal, CatWalOptions};
pub use decode_wal::{DecodeWal, WalContent, WalPlace, WalToDecode, wal_options};
pub use describe_wal::{RegionDescription, WalDescription, describe_wal};
pub use gather_cells::{META, TableFilter};
pub use read_wal::{ReadWal, open_wal, read_wal_header};
pub use region_passes::{RegionPasses, TableGroup};
pub use salvage_wal::{LostBytes, SalvageStop, Salvaged, salvage_wal};
pub use wal_history::{Descents, Places, file_end, marker_entry, read_entries, table_of_region_name};
pub use write_batch::{EncodedFile, EncodedWal, Made, WriteBatch, batch_marks, origin, unencodable};
