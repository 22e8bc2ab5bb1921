//! Data block encodings: how the cells of one data block lie in its uncompressed payload. hbase-common's package
//! `io.encoding`; without encoding, `NoneEncoder`.

mod block;
mod current;
mod diff;
mod difference;
mod encoder;
mod encoder_key;
mod fast_diff;
mod flat;
mod key_buffer;
mod layout;
mod prefix;

pub use block::{BlockCells, BlockDecoder};
pub use encoder::BlockEncoder;
pub use layout::{CellLayout, DataBlockEncoding};
