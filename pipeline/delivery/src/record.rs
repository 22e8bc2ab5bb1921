//! What a delivery writes to its journal.

use crate::new_files::AddedFile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use steps::bytes::{Blake3, RangeSum};
use steps::copy::{CopiedRange, Proof};
use store::PartReceipt;

/// A line of the journal. Files are named by their number in the plan: the journal belongs to one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// A range was copied; it is not proved yet.
    Copied(CopiedRecord),
    /// What was copied of this file does not count: it is damaged, or the medium did not return it.
    Forgotten(u32),
    /// The file is proved and is given its name in the archive: it has the name if there is a file of this identity.
    Placed {
        /// The file.
        file: u32,
        /// What is known of it.
        proof: Proof,
    },
    /// New files were written and proved, and are where they wait for their names.
    Written(WrittenRecord),
    /// The digest of the manifest that names all files: it is the one that is published.
    Manifest(Blake3),
}

/// The new files of one unit of a restore's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenRecord {
    /// The unit, by its number in the plan.
    pub unit: u32,
    /// Its files.
    pub files: Vec<AddedFile>,
    /// Cells of families that the restored table does not have.
    #[serde(default)]
    pub left_out: BTreeMap<String, u64>,
    /// Cells that batches had twice.
    #[serde(default)]
    pub duplicates: u64,
    /// Markers among its edits that delete exactly one version.
    #[serde(default)]
    pub version_deletes: u64,
}

/// A range that was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedRecord {
    /// The file.
    pub file: u32,
    /// The range.
    pub range: u32,
    /// Its length.
    pub len: u64,
    /// CRC32C of the range.
    pub crc32c: u32,
    /// BLAKE3 of the range as a subtree.
    pub blake3: Blake3,
    /// The store's receipt.
    pub receipt: String,
    /// The store's token of the file.
    pub token: String,
}

impl CopiedRecord {
    /// Makes the record of what a worker has copied.
    pub fn of(copied: &CopiedRange) -> Self {
        let RangeSum { len, crc32c, blake3 } = copied.sum;
        Self {
            file: copied.asked.file,
            range: copied.asked.range,
            len,
            crc32c,
            blake3,
            receipt: copied.receipt.0.clone(),
            token: copied.token.clone(),
        }
    }

    /// Its digests.
    pub fn sum(&self) -> RangeSum {
        RangeSum { len: self.len, crc32c: self.crc32c, blake3: self.blake3 }
    }

    /// The store's receipt.
    pub fn part_receipt(&self) -> PartReceipt {
        PartReceipt(self.receipt.clone())
    }
}
