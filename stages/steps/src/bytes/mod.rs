//! Bytes of files: reads them in pieces, hashes them, compares them with their side files, and says what went wrong.

mod digest;
mod failing;
mod fault;
mod look;
mod print_lines;
mod read_pieces;
mod sniff_file;
mod witness;

pub use digest::{Blake3, FileSum, RANGE_LEN, RangeHasher, RangeSum, crc32c, join_ranges};
pub use failing::{failed_storage, failed_store, file_problem, source_problem};
pub use fault::ReadFault;
pub use look::{look_where_hbase_looks, store_file_paths};
pub(crate) use print_lines::PrintLines;
pub use read_pieces::BUFFER_LEN;
pub(crate) use read_pieces::{ReadPieces, ReadThrough, Wanted, read_span, read_through};
pub use sniff_file::{kind_of, of_other_kind, other_kind, refuse_other_kind, sniff_file};
pub(crate) use witness::read_witnessed;
pub use witness::{
    Witnessed, drop_side, drop_stale_side, file_identity, identity_with_side, settle_side, with_side,
};
