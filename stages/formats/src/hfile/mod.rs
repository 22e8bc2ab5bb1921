//! HFile, versions 2.3 to 3.3: the container of a store file's cells. What is *in* its data blocks is in [`crate::cell`] and
//! [`crate::encoding`].
//!
//! A file is a chain of blocks and a [`Trailer`] of 4,096 bytes (212 in version 2). [`BlockWalker`] verifies the chain
//! as bytes go by; [`Block`] is one block, checked and decompressed; [`LoadOnOpen`] is what is read on opening:
//! indexes, [`FileInfo`], blooms.

mod block;
mod block_header;
mod block_type;
mod bloom;
mod cell_layout;
mod checksum;
mod file_info;
mod index;
mod load_on_open;
mod murmur;
mod proto;
mod trailer;
mod version;
mod walker;
mod writer;

pub use block::{Block, LARGEST_BLOCK, encode_block, encode_checksums, verify_block};
pub(crate) use block_header::BYTES_PER_CHECKSUM;
pub use block_header::{BLOCK_HEADER_SIZE, BlockHeader};
pub use block_type::BlockType;
pub use bloom::{BloomFilter, BloomHash, BloomType, may_contain, row_column_key};
pub use checksum::ChecksumType;
pub use file_info::{FileInfo, key};
pub use index::{IndexBlock, IndexEntry, MidKey, encode_non_root, encode_root};
pub use load_on_open::LoadOnOpen;
pub(crate) use trailer::CELL_COMPARATOR;
pub use trailer::{TRAILER_SIZE, Trailer, WrappedKey};
pub use version::HFileVersion;
pub(crate) use version::TRAILER_SIZE_V2;
pub use walker::{BlockCounts, BlockFault, BlockWalker, ChecksumsSeen, Walked};
pub use writer::{EncodedHFile, HFileContext, HFileEncoder, StoreFileMetadata};
