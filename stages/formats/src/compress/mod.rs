//! Compression as HBase uses it, for the blocks of an HFile and the values of a WAL alike.
//!
//! [`Codec`] is what the bytes name (`Compression.Algorithm`); [`Decompressor`] and [`Compressor`] hold what is
//! worth keeping from one piece to the next; [`Dictionaries`] are zstd's.

mod codec;
mod compressor;
mod decompressor;
mod dictionaries;
mod framing;
mod gzip;
mod lzo;
mod zstandard;

pub use codec::Codec;
pub use compressor::Compressor;
pub use decompressor::Decompressor;
pub use dictionaries::Dictionaries;
