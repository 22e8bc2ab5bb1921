use serde::Serialize;
use std::collections::BTreeMap;
use steps::wal::Made;

/// What a conversion did, or (with `dry_run`) would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConvertReport {
    /// URI of the root.
    pub from: String,
    /// URI of the root of WALs.
    pub wal_root: String,
    /// URI of the repository.
    pub to: String,
    /// Whether this is only the plan.
    pub dry_run: bool,
    /// WALs and files of recovered edits.
    pub wals: WalCounts,
    /// What this run read of each table, by name: `ns:name`.
    pub tables: BTreeMap<String, TableCounts>,
    /// Bytes of WALs that this run read.
    pub bytes_read: u64,
    /// Files that this run wrote.
    pub written: Written,
    /// Bulk-loaded files that markers name.
    pub bulk: BulkCounts,
    /// With `--allow-clear-text`, families whose HFiles are encrypted and whose cells are in batches in clear text, as
    /// `ns:table family`.
    pub in_clear_text: Vec<String>,
    /// With `dry_run`, the WALs that would be converted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<PlannedWal>,
}

/// A WAL that would be converted.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedWal {
    /// Where it lies.
    pub path: String,
    /// Its length.
    pub bytes: u64,
}

/// WALs, counted.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct WalCounts {
    /// All that were found.
    pub found: u64,
    /// Converted by this run, now or further than before.
    pub converted: u64,
    /// Of those, with entries and not closed: they are converted again once they have grown.
    pub open: u64,
    /// Of those, without an entry: they never held any, or do not yet.
    pub empty: u64,
    /// Converted before, and unchanged.
    pub already: u64,
    /// Not converted: a problem says why.
    pub failed: u64,
    /// Files with no edits of users: the master's own, recovered edits still being written.
    pub passed_over: u64,
    /// Of those found, read under the name that HBase gave them, which their files do not have: `%2C` was decoded, or
    /// the server is only in the directory's name.
    pub renamed: u64,
    /// Of those found, whose names have no server or no time: nothing says which WAL came before.
    pub unordered: u64,
    /// Files beside WALs that are not WALs: names that begin with a dot (`.NAME.crc`, `.distcp.tmp.*`) or end in
    /// `._COPYING_`.
    pub side_files: u64,
}

/// What was read of a table.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TableCounts {
    /// Entries with edits.
    pub entries: u64,
    /// Cells.
    pub cells: u64,
}

/// Files that were written.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Written {
    /// Batches.
    pub batches: u64,
    /// Their bytes.
    pub batch_bytes: u64,
    /// Files of markers and of lineage.
    pub others: u64,
    /// Their bytes.
    pub other_bytes: u64,
    /// Files that were there already, with the same bytes.
    pub already: u64,
}

/// Bulk-loaded files.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct BulkCounts {
    /// Named by markers.
    pub named: u64,
    /// Copied by this run.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Kept by an earlier run.
    pub already: u64,
    /// Not found, or damaged: a problem says which.
    pub failed: u64,
}

/// Files written for one WAL.
pub type Tally = Written;

impl Written {
    /// Counts a file.
    pub(super) fn wrote(&mut self, made: &Made, bytes: u64) {
        match made {
            Made::Batch(_) => (self.batches, self.batch_bytes) = (self.batches + 1, self.batch_bytes + bytes),
            Made::Lineage | Made::Markers => {
                (self.others, self.other_bytes) = (self.others + 1, self.other_bytes + bytes);
            }
        }
    }

    /// Adds what was written for another WAL.
    pub(super) fn add(&mut self, other: &Self) {
        self.batches += other.batches;
        self.batch_bytes += other.batch_bytes;
        self.others += other.others;
        self.other_bytes += other.other_bytes;
        self.already += other.already;
    }
}
