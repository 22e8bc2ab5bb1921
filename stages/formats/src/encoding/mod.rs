//! Data block encodings: how the cells of one data block lie in its uncompressed payload.

mod layout;

pub use layout::{CellLayout, DataBlockEncoding};
