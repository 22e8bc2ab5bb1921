//! What is given: files, what hbase:meta says, which servers are dead.

use std::collections::{BTreeMap, BTreeSet};

use formats::name::{EncodedRegionName, TableName};
use formats::wal::name::WalName;
use formats::wal::{ServerName, WalEnd};

use crate::Entries;

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEnd {
    /// With its trailer, or with a part of it: every entry is there.
    Closed,
    /// Behind an entry, without a trailer; or before its header: still being written, or its server died.
    Unclosed,
    /// In the middle of an entry.
    Torn,
    /// At bytes that are no entry, or it cannot be read (any further).
    Damaged,
}

impl From<&WalEnd> for FileEnd {
    fn from(end: &WalEnd) -> Self {
        match end {
            WalEnd::Closed { .. } | WalEnd::PartialTrailer { .. } => Self::Closed,
            WalEnd::Unclosed { .. } | WalEnd::Empty { .. } => Self::Unclosed,
            WalEnd::Torn { .. } => Self::Torn,
            WalEnd::Damaged { .. } | WalEnd::Unsupported { .. } => Self::Damaged,
        }
    }
}

/// What sort of file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A WAL.
    Wal(WalName),
    /// A file of recovered edits: copies of edits, without markers, of a WAL that is not named.
    RecoveredEdits,
}

/// What a file holds of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionLog {
    /// The region's table.
    pub table: TableName,
    /// Its entries.
    pub entries: Entries,
}

/// A WAL, or a file of recovered edits. WALs of hbase:meta are not given: see [`Descent`].
#[derive(Debug, Clone)]
pub struct LogFile {
    /// The path, to be shown.
    pub path: String,
    /// What sort of file.
    pub origin: Origin,
    /// How it ended.
    pub end: FileEnd,
    /// When its end was read, ms by the reader's clock, where that was recorded: all that the file held then is here.
    /// No later than the WALs were listed: of a WAL or a server that began later nothing is known.
    pub read_ms: Option<i64>,
    /// Whether every entry in front of the end is here (not so after a salvage that skipped bytes).
    pub intact: bool,
    /// What it holds. Files without a region of interest are given too, for the frontier.
    pub regions: BTreeMap<EncodedRegionName, RegionLog>,
}

/// A split (one parent, two children) or a merge (parents, one child), as hbase:meta (`info:splitA`, `info:splitB`,
/// `info:merge0000` ...) or a References in a snapshot says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Descent {
    /// The regions that ended.
    pub parents: Vec<EncodedRegionName>,
    /// The regions that began.
    pub children: Vec<EncodedRegionName>,
}

/// Everything that is known. A file's regions are those of the tables of interest.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// WALs and recovered edits.
    pub files: Vec<LogFile>,
    /// Splits and merges that hbase:meta tells; those that a REGION_OPEN shows are found without.
    pub descents: Vec<Descent>,
    /// Servers that write no more: none of their WALs lies under `WALs/<server>`.
    pub dead_servers: BTreeSet<ServerName>,
    /// Bulk-loaded files that a marker names and that are nowhere: region, and name in the marker.
    pub missing_bulk_files: BTreeSet<(EncodedRegionName, String)>,
}
