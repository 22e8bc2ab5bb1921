use super::MatchCode;
use formats::cell::CellRef;

/// How many versions of a column have been shown: `ScanWildcardColumnTracker`.
pub(super) struct VersionTracker {
    max_versions: u64,
    min_versions: u64,
    oldest: i64,
    column: Option<Vec<u8>>,
    count: u64,
    /// Timestamp and type of the last version of the column that was shown.
    last: Option<(i64, u8)>,
}

impl VersionTracker {
    pub(super) fn new(max_versions: u64, min_versions: u64, oldest: i64) -> Self {
        Self { max_versions, min_versions, oldest, column: None, count: 0, last: None }
    }

    pub(super) fn reset(&mut self) {
        (self.column, self.last) = (None, None);
    }

    /// `checkVersions`.
    pub(super) fn check(&mut self, cell: &CellRef<'_>) -> MatchCode {
        if self.column.as_deref() != Some(cell.qualifier) {
            let column = self.column.get_or_insert_default();
            column.clear();
            column.extend_from_slice(cell.qualifier);
            (self.count, self.last) = (0, None);
        }
        let this = (cell.timestamp, cell.cell_type.code());
        if self.last == Some(this) {
            return MatchCode::Skip;
        }
        if !cell.cell_type.is_delete() {
            self.count += 1;
        }
        if self.count > self.max_versions {
            return MatchCode::SeekNextColumn;
        }
        if self.count <= self.min_versions || cell.timestamp >= self.oldest {
            self.last = Some(this);
            return MatchCode::Include;
        }
        MatchCode::SeekNextColumn
    }
}
