use super::MatchCode;
use formats::cell::{CellRef, CellType};
use std::collections::BTreeSet;

/// The delete markers of a row and family so far: `ScanDeleteTracker`. Only timestamps count: a marker masks what was
/// written after it, too.
#[derive(Default)]
pub(super) struct DeleteTracker {
    /// DeleteFamily: everything up to here.
    family: Option<i64>,
    /// DeleteFamilyVersion: exactly these.
    family_versions: BTreeSet<i64>,
    /// The last marker of a column.
    column: Option<ColumnDelete>,
}

struct ColumnDelete {
    qualifier: Vec<u8>,
    cell_type: CellType,
    timestamp: i64,
}

impl DeleteTracker {
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(super) fn add(&mut self, cell: &CellRef<'_>) {
        if self.family.is_some_and(|family| cell.timestamp <= family) {
            return;
        }
        match cell.cell_type {
            CellType::DeleteFamily => self.family = Some(cell.timestamp),
            CellType::DeleteFamilyVersion => {
                self.family_versions.insert(cell.timestamp);
            }
            _ => {
                let less = |of: &ColumnDelete| {
                    cell.cell_type.code() < of.cell_type.code() && of.qualifier == cell.qualifier
                };
                if !self.column.as_ref().is_some_and(less) {
                    self.column = Some(ColumnDelete {
                        qualifier: cell.qualifier.to_vec(),
                        cell_type: cell.cell_type,
                        timestamp: cell.timestamp,
                    });
                }
            }
        }
    }

    /// What becomes of a Put that is masked; `None` if it is not.
    pub(super) fn judge(&mut self, cell: &CellRef<'_>) -> Option<MatchCode> {
        if self.family.is_some_and(|family| cell.timestamp <= family) {
            return Some(MatchCode::SeekNextColumn);
        }
        if self.family_versions.contains(&cell.timestamp) {
            return Some(MatchCode::Skip);
        }
        let column = self.column.as_ref()?;
        if column.qualifier == cell.qualifier {
            if column.cell_type == CellType::DeleteColumn {
                return Some(MatchCode::SeekNextColumn);
            }
            if column.timestamp == cell.timestamp {
                return Some(MatchCode::Skip);
            }
        }
        self.column = None;
        None
    }
}
