//! The input: files, what hbase:meta says, which servers are dead.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::WalEnd;
use names::{EncodedRegionName, ServerName, TableName, WalName};

use crate::{Entries, Tolerances};

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEnd {
    /// With its trailer, or with a part of it: every entry is there.
    Closed,
    /// After an entry, without a trailer; or before its header: still being written, or its server died.
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
    /// The sort of file.
    pub origin: Origin,
    /// How it ended.
    pub end: FileEnd,
    /// When its end was read, ms by the reader's clock, where that was recorded: all that the file held then is here.
    /// No later than the WALs were listed: nothing is known of a WAL or a server that began later.
    pub read_ms: Option<i64>,
    /// When it was last written to, ms by the clock of its file system, where that was recorded while the file lay under
    /// `WALs`. Of a WAL that was closed this is the time of its closing, on the root where HBase wrote it; on a copy it may be
    /// anything.
    pub closed_ms: Option<i64>,
    /// When it was archived, in the same way: HBase sets a WAL's time when it moves it to `oldWALs`
    /// (`CommonFSUtils.renameAndSetModifyTime`). It had been closed by then.
    pub archived_ms: Option<i64>,
    /// Whether it was still growing when its end was read: an entry that it ends in the middle of was on its way.
    pub growing: bool,
    /// Whether every entry before the end is here (not so after a salvage that skipped bytes).
    pub intact: bool,
    /// What it holds. Files without a region of interest are included, for the frontier.
    pub regions: BTreeMap<EncodedRegionName, RegionLog>,
}

/// A split (one parent, two children) or a merge (parents, one child), as hbase:meta (`info:splitA`, `info:splitB`,
/// `info:merge0000` ...) or References in a snapshot say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Descent {
    /// The regions that ended.
    pub parents: Vec<EncodedRegionName>,
    /// The regions that began.
    pub children: Vec<EncodedRegionName>,
}

/// A WAL of hbase:meta. Its entries are given as [`Descent`] and [`RegionPlace`].
#[derive(Debug, Clone)]
pub struct MetaLog {
    /// The path, to be shown.
    pub path: String,
    /// Its name.
    pub name: WalName,
    /// How it ended.
    pub end: FileEnd,
    /// As that of a [`LogFile`].
    pub read_ms: Option<i64>,
    /// As that of a [`LogFile`].
    pub closed_ms: Option<i64>,
    /// The newest write time in it.
    pub last_write_ms: Option<i64>,
    /// Whether its last region event is the REGION_CLOSE of hbase:meta: another server has opened it since.
    pub given_up: bool,
}

/// What hbase:meta says of a region's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceState {
    /// It is open on a server.
    Open,
    /// A server was asked to open it.
    Opening,
    /// Anything else: it is closed, or on its way there.
    Other,
}

/// Where a region is, as an entry of a WAL of hbase:meta says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionPlace {
    /// The region.
    pub region: EncodedRegionName,
    /// The sequence id of the entry, in hbase:meta.
    pub sequence: u64,
    /// Its write time, ms by the clock of the server that had hbase:meta.
    pub write_time: i64,
    /// The region's state.
    pub state: PlaceState,
    /// The server, where the entry names one.
    pub server: Option<ServerName>,
    /// The number with which the region opened (`info:seqnumDuringOpen`): that inside its REGION_OPEN.
    pub open_number: Option<u64>,
}

/// Everything that is known. A file's regions are those of the tables of interest.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// WALs and recovered edits.
    pub files: Vec<LogFile>,
    /// Splits and merges that hbase:meta records; those that a REGION_OPEN shows are found without it.
    pub descents: Vec<Descent>,
    /// Servers that no longer write: none of their WALs lies under `WALs/<server>`.
    pub dead_servers: BTreeSet<ServerName>,
    /// Bulk-loaded files that a marker names and that cannot be found: region, and name in the marker.
    pub missing_bulk_files: BTreeSet<(EncodedRegionName, String)>,
    /// WALs of hbase:meta.
    pub meta: Vec<MetaLog>,
    /// Where they say that the regions of the tables of interest are.
    pub places: Vec<RegionPlace>,
    /// When the WALs were listed last, ms by the reader's clock.
    pub listed_ms: Option<i64>,
    /// When the root was copied, ms, if what was read is a copy.
    pub copied_ms: Option<i64>,
    /// How exact times are.
    pub tolerances: Tolerances,
}
