use super::MatchCode;
use formats::cell::{CellRef, CellType};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// NEW_VERSION_BEHAVIOR: a marker masks only what was written before it, and versions that are masked count as they did
/// when they were written. `NewVersionBehaviorTracker`, whose structure this keeps.
pub(super) struct NewVersionTracker {
    /// What the family keeps.
    max_versions: u64,
    /// What is asked for.
    result_versions: u64,
    /// Nodes by the ids of the markers that delete all versions (of a column: DeleteColumn, or of the family:
    /// DeleteFamily); the last, `u64::MAX`, belongs to no marker.
    column: BTreeMap<u64, Node>,
    family: BTreeMap<u64, Node>,
    last: Option<Last>,
    count: u64,
}

struct Last {
    qualifier: Vec<u8>,
    timestamp: i64,
    sequence: u64,
    cell_type: CellType,
}

/// What happened before a marker, and after the one before it.
#[derive(Clone)]
struct Node {
    timestamp: i64,
    /// The ids of markers that delete one version, by timestamp.
    deletes: HashMap<i64, BTreeSet<u64>>,
    /// The ids of the Puts that were visible before such a marker, by its id.
    counting: BTreeMap<u64, BTreeSet<u64>>,
}

impl Node {
    fn new(timestamp: i64) -> Self {
        Self { timestamp, deletes: HashMap::new(), counting: BTreeMap::from([(u64::MAX, BTreeSet::new())]) }
    }

    fn add_version_delete(&mut self, cell: &CellRef<'_>) {
        self.deletes.entry(cell.timestamp).or_default().insert(cell.sequence);
        let next = self.counting.range(cell.sequence..).next();
        let before = next.map(|(_, puts)| puts.range(..cell.sequence).copied().collect());
        self.counting.insert(cell.sequence, before.unwrap_or_default());
    }
}

impl NewVersionTracker {
    pub(super) fn new(max_versions: u64, result_versions: u64) -> Self {
        Self {
            max_versions,
            result_versions,
            column: BTreeMap::new(),
            family: BTreeMap::from([(u64::MAX, Node::new(i64::MIN))]),
            last: None,
            count: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(self.max_versions, self.result_versions);
    }

    /// The id of the last cell if this one is a Put with the same timestamp, otherwise the largest.
    fn prepare(&mut self, cell: &CellRef<'_>) -> u64 {
        match &self.last {
            Some(last) if !self.is_other_column(last, cell) => {
                let again = last.cell_type == CellType::Put && last.cell_type == cell.cell_type;
                if again && last.timestamp == cell.timestamp {
                    return last.sequence;
                }
            }
            None if !self.is_first_column(cell) => {}
            _ => {
                self.column.clone_from(&self.family);
                self.count = 0;
            }
        }
        self.last = Some(Last {
            qualifier: cell.qualifier.to_vec(),
            timestamp: cell.timestamp,
            sequence: cell.sequence,
            cell_type: cell.cell_type,
        });
        u64::MAX
    }

    fn is_other_column(&self, last: &Last, cell: &CellRef<'_>) -> bool {
        last.qualifier != cell.qualifier
    }

    /// `isColumnQualifierChanged` where no cell came before: HBase assumes an empty qualifier for the missing cell,
    /// except for a marker of a column.
    fn is_first_column(&self, cell: &CellRef<'_>) -> bool {
        !cell.qualifier.is_empty() || matches!(cell.cell_type, CellType::DeleteColumn | CellType::Delete)
    }

    pub(super) fn add(&mut self, cell: &CellRef<'_>) {
        self.prepare(cell);
        let nodes = match cell.cell_type {
            CellType::DeleteFamily | CellType::DeleteFamilyVersion => &mut self.family,
            _ => &mut self.column,
        };
        if matches!(cell.cell_type, CellType::DeleteFamily | CellType::DeleteColumn) {
            nodes.insert(cell.sequence, Node::new(cell.timestamp));
        } else if let Some((_, node)) = nodes.range_mut(cell.sequence..).next() {
            node.add_version_delete(cell);
        }
    }

    /// Whether a Put is masked, by a marker or by versions that came after it.
    pub(super) fn is_deleted(&mut self, cell: &CellRef<'_>) -> bool {
        let duplicate = self.prepare(cell);
        for (_, node) in self.column.range_mut(cell.sequence..) {
            let deletes = node.deletes.get(&cell.timestamp);
            let deleted = deletes.and_then(|ids| ids.range(cell.sequence..).next().copied());
            let until = duplicate.min(deleted.unwrap_or(u64::MAX)).max(cell.sequence);
            for (_, puts) in node.counting.range_mut(cell.sequence..=until) {
                if puts.len() as u64 >= self.max_versions {
                    return true;
                }
                puts.insert(cell.sequence);
            }
            if deleted.is_some() || cell.timestamp <= node.timestamp {
                return true;
            }
        }
        duplicate != u64::MAX
    }

    /// `checkVersions`.
    pub(super) fn check_versions(&mut self, expired: bool, min_versions: u64) -> MatchCode {
        self.count += 1;
        if expired {
            if self.count == min_versions {
                return MatchCode::IncludeAndSeekNextColumn;
            }
            if self.count > min_versions {
                return MatchCode::SeekNextColumn;
            }
        }
        match self.count.cmp(&self.result_versions) {
            std::cmp::Ordering::Less => MatchCode::Include,
            std::cmp::Ordering::Equal => MatchCode::IncludeAndSeekNextColumn,
            std::cmp::Ordering::Greater => MatchCode::SeekNextColumn,
        }
    }
}
