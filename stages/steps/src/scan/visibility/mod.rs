//! What a scan shows of the cells of a table, by HBase's own rules, from `NormalUserScanQueryMatcher`,
//! `RawScanQueryMatcher` and the trackers they use.

mod deletes;
mod new_version;
mod versions;

use deletes::DeleteTracker;
use formats::FormatError;
use formats::cell::{CellRef, tags};
use formats::schema::{ColumnFamilySchema, TableSchema};
use new_version::NewVersionTracker;
use versions::VersionTracker;

/// The type of the tag that holds a cell's own time to live (`TagType.TTL_TAG_TYPE`).
const TTL_TAG: u8 = 8;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The newest version of each column (`Scan`).
    Newest,
    /// All versions that the family keeps (`Scan.readAllVersions`).
    AllVersions,
    /// Everything that is there, including delete markers (`Scan.setRaw`, with all versions).
    Raw,
}

/// Judges the cells of a table one after another, in their order.
pub struct Visibility {
    now_ms: i64,
    shown: Shown,
    families: Vec<Family>,
    /// The current family: its number, and the row.
    current: Option<usize>,
    row: Vec<u8>,
}

/// A family's rules (`ScanInfo`), and what is known of its current row.
struct Family {
    name: Vec<u8>,
    /// Older timestamps are expired.
    oldest: i64,
    min_versions: u64,
    tracker: Tracker,
    /// Nothing more is shown of the column of this qualifier.
    done: Option<Vec<u8>>,
}

enum Tracker {
    Raw(VersionTracker),
    Normal(DeleteTracker, VersionTracker),
    NewVersion(Box<NewVersionTracker>),
}

/// `MatchCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MatchCode {
    Include,
    IncludeAndSeekNextColumn,
    Skip,
    SeekNextColumn,
}

/// What becomes of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is shown.
    Shown,
    /// It is masked, expired, one version too many, or a delete marker.
    Hidden,
    /// The table has no such family: nothing says how many versions it keeps.
    UnknownFamily,
}

impl Visibility {
    /// Judges by a table's schema, at a time.
    ///
    /// # Errors
    /// A family's settings cannot be read.
    pub fn new(schema: &TableSchema, shown: Shown, now_ms: i64) -> Result<Self, FormatError> {
        let families = schema.families.iter().map(|family| Family::new(family, shown, now_ms));
        Ok(Self {
            now_ms,
            shown,
            families: families.collect::<Result<_, _>>()?,
            current: None,
            row: Vec::new(),
        })
    }

    /// Judges the next cell. Cells of a row and family must come one after another, in order.
    pub fn judge(&mut self, cell: &CellRef<'_>) -> Verdict {
        let same = |number: &usize| self.families.get(*number).is_some_and(|of| of.name == cell.family);
        let number = match self.current.filter(same) {
            Some(number) if self.row == cell.row => number,
            same => match same.or_else(|| self.families.iter().position(|of| of.name == cell.family)) {
                Some(number) => {
                    self.begin(number, cell.row);
                    number
                }
                None => {
                    self.current = None;
                    return Verdict::UnknownFamily;
                }
            },
        };
        let (shown, now_ms) = (self.shown, self.now_ms);
        match self.families.get_mut(number).map(|family| family.judge(cell, shown, now_ms)) {
            Some(true) => Verdict::Shown,
            _ => Verdict::Hidden,
        }
    }

    fn begin(&mut self, number: usize, row: &[u8]) {
        self.current = Some(number);
        self.row.clear();
        self.row.extend_from_slice(row);
        if let Some(family) = self.families.get_mut(number) {
            family.done = None;
            match &mut family.tracker {
                Tracker::Raw(versions) => versions.reset(),
                Tracker::Normal(deletes, versions) => {
                    deletes.reset();
                    versions.reset();
                }
                Tracker::NewVersion(tracker) => tracker.reset(),
            }
        }
    }
}

impl Family {
    fn new(family: &ColumnFamilySchema, shown: Shown, now_ms: i64) -> Result<Self, FormatError> {
        let kept = u64::try_from(family.versions()?).unwrap_or_default();
        let min_versions = u64::try_from(family.min_versions()?).unwrap_or_default();
        let versions = match shown {
            Shown::Newest => kept.min(1),
            Shown::AllVersions => kept,
            Shown::Raw => u64::MAX,
        };
        // `HStore.determineTTLFromFamily`; a raw scan does not ask for it.
        let oldest = match family.time_to_live()? {
            Some(seconds) if shown != Shown::Raw => now_ms.saturating_sub(i64::from(seconds) * 1000),
            None if shown != Shown::Raw => now_ms.wrapping_sub(i64::MAX),
            _ => 0,
        };
        let tracker = match (shown, family.new_version_behavior()) {
            (Shown::Raw, _) => Tracker::Raw(VersionTracker::new(versions, min_versions, oldest)),
            (_, true) => Tracker::NewVersion(Box::new(NewVersionTracker::new(kept, versions))),
            (_, false) => {
                Tracker::Normal(DeleteTracker::default(), VersionTracker::new(versions, min_versions, oldest))
            }
        };
        let name = family.name.as_bytes().to_vec();
        Ok(Self { name, oldest, min_versions, tracker, done: None })
    }

    fn judge(&mut self, cell: &CellRef<'_>, shown: Shown, now_ms: i64) -> bool {
        if self.done.as_ref().is_some_and(|done| done == cell.qualifier) {
            return false;
        }
        let code = self.matched(cell, shown, now_ms);
        // Markers of the whole family have an empty qualifier, too, and lie between that column's cells: HBase goes
        // over these one by one (`ScanQueryMatcher.getKeyForNextColumn`).
        let seeks = matches!(code, MatchCode::SeekNextColumn | MatchCode::IncludeAndSeekNextColumn);
        if seeks && !cell.qualifier.is_empty() {
            self.done = Some(cell.qualifier.to_vec());
        }
        matches!(code, MatchCode::Include | MatchCode::IncludeAndSeekNextColumn)
    }

    /// `NormalUserScanQueryMatcher.match` and `RawScanQueryMatcher.match`, with `preCheck`.
    fn matched(&mut self, cell: &CellRef<'_>, shown: Shown, now_ms: i64) -> MatchCode {
        let expired = cell.timestamp < self.oldest;
        let new_versions = matches!(self.tracker, Tracker::NewVersion(_));
        if expired && self.min_versions == 0 && !new_versions && shown != Shown::Raw {
            return MatchCode::SeekNextColumn;
        }
        if is_cell_expired(cell, now_ms) {
            return MatchCode::Skip;
        }
        match &mut self.tracker {
            Tracker::Raw(versions) => versions.check(cell),
            Tracker::Normal(deletes, versions) => {
                if cell.cell_type.is_delete() {
                    deletes.add(cell);
                    return MatchCode::Skip;
                }
                match deletes.judge(cell) {
                    Some(code) => code,
                    None => versions.check(cell),
                }
            }
            Tracker::NewVersion(tracker) => {
                if cell.cell_type.is_delete() {
                    tracker.add(cell);
                    return MatchCode::Skip;
                }
                match tracker.is_deleted(cell) {
                    true => MatchCode::Skip,
                    false => tracker.check_versions(expired, self.min_versions),
                }
            }
        }
    }
}

/// Whether the cell's own time to live is over (`ScanQueryMatcher.isCellTTLExpired`): the first such tag counts.
fn is_cell_expired(cell: &CellRef<'_>, now_ms: i64) -> bool {
    if cell.tags.is_empty() {
        return false;
    }
    let ttl = tags(cell.tags).find(|tag| tag.tag_type == TTL_TAG);
    let ttl = ttl.and_then(|tag| tag.value.first_chunk::<8>().map(|bytes| i64::from_be_bytes(*bytes)));
    ttl.is_some_and(|ttl| cell.timestamp.wrapping_add(ttl) < now_ms)
}
