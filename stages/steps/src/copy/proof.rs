//! What is known of a file once it is proved.

use crate::bytes::{FileSum, RangeSum, ReadFault};
use crate::hfile::open_whole;
use formats::hfile::ChecksumType;
use serde::{Deserialize, Serialize};
use store::ReadRanges;

/// What is known of a file that was read back from the medium and has its final name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Digests of the whole.
    pub sum: FileSum,
    /// Digests of the ranges, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<RangeSum>,
    /// What it holds.
    pub contents: Contents,
    /// Shows whether it is still that file.
    pub identity: String,
}

/// What an HFile holds, where it can be looked into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// How many blocks were followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<u64>,
    /// The type of its blocks' checksums: `NULL` (none), `CRC32` or `CRC32C`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    /// Cells, by the trailer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// MAX_SEQ_ID_KEY, of files that are not encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_sequence: Option<u64>,
    /// Whether it is encrypted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encrypted: bool,
    /// Why it cannot be looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

impl Contents {
    /// Whether its blocks are known to have no checksums, so that following them proves little.
    pub fn without_checksums(&self) -> bool {
        self.checksum_type.as_deref() == Some(ChecksumType::Null.name())
    }

    /// Opens a file and takes what it says of itself.
    pub fn read(file: &dyn ReadRanges) -> Result<Self, ReadFault> {
        let opened = match open_whole(file) {
            Ok(opened) => opened,
            Err(ReadFault::Format(error)) if error.is_unsupported() => {
                return Ok(Self { unread: Some(error.to_string()), ..Self::default() });
            }
            Err(fault) => return Err(fault),
        };
        let max_sequence = match &opened.loaded {
            Ok(loaded) => loaded.file_info.max_sequence_id()?.and_then(|id| u64::try_from(id).ok()),
            Err(_) => None,
        };
        Ok(Self {
            entries: Some(opened.trailer.entry_count),
            max_sequence,
            encrypted: opened.trailer.is_encrypted(),
            unread: opened.undecodable().map(|error| error.to_string()),
            ..Self::default()
        })
    }
}

fn is_false(truth: &bool) -> bool {
    !truth
}
