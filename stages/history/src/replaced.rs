//! Whether a table held something else in between: what openings show about that, held against snapshots and cuts.

use formats::wal::EventType;
use names::{EncodedRegionName, TableName};

use crate::region::is_event;
use crate::{Asked, Cut, History, RegionHistory, Starts, StoreListBreak, StoreListBreakKind};

impl StoreListBreakKind {
    /// Whether it shows what happened to the whole table while it was disabled.
    fn is_of_table(&self) -> bool {
        match self {
            Self::Foreign { .. } | Self::FamilyDropped { .. } => false,
            Self::Restored { .. }
            | Self::Recreated
            | Self::Returned
            | Self::Vanished
            | Self::ReopenedAfterChild { .. }
            | Self::OlderThanParent { .. }
            | Self::OpenedBelow { .. } => true,
        }
    }
}

impl StoreListBreak {
    /// Whether it shows something later than the starts: the snapshot is the outcome of earlier restores. For regions
    /// that are not a snapshot's, and came of none of its regions, time decides.
    pub(crate) fn matters_above(&self, history: &History, starts: &Starts) -> bool {
        if self.is_over {
            return false;
        }
        let is_since = || is_after_snapshot(history, starts, &self.region, self.written_ms);
        if starts.regions().contains_key(&self.region) {
            return self.sequence > starts.held(&self.region);
        }
        if starts.ended().contains(&self.region) {
            return starts.end(&self.region).is_none_or(|end| self.sequence > end) && is_since();
        }
        let is_of_snapshot = history
            .lineages()
            .ancestors(&self.region)
            .iter()
            .any(|region| starts.regions().contains_key(region));
        is_of_snapshot || is_since()
    }

    /// Whether a cut is of a time before something that the snapshot came after: what the table held then is gone.
    pub(crate) fn undoes(&self, history: &History, starts: &Starts, cut: &Cut) -> bool {
        let table = history.region(&self.region).and_then(|entries| starts.table(entries.table()));
        let is_later = || match (&cut.asked, cut.moment_ms, table.and_then(|table| table.created_ms)) {
            (Asked::Snapshot | Asked::End, ..) => true,
            (_, Some(moment), Some(created)) => created <= moment,
            _ => false,
        };
        let is_of_snapshot = table.is_some() && !self.matters_above(history, starts);
        is_of_snapshot && !self.is_inside(history, cut) && !is_later()
    }

    /// Whether a cut holds the table as it was then. A table is disabled while it is restored, and then its regions open one
    /// after the other: an opening of any of them is later than that, also of one that has kept its files.
    pub(crate) fn is_inside(&self, history: &History, cut: &Cut) -> bool {
        if holds(history, cut, &self.region, (self.sequence, self.written_ms)) {
            return true;
        }
        let Some(table) = history.region(&self.region).map(RegionHistory::table) else { return false };
        if !self.kind.is_of_table() {
            return false;
        }
        let closed_ms = self.closed_ms(history, table);
        let of_table = history.regions().iter().filter(|(_, entries)| entries.table() == table);
        let mut opened =
            of_table.flat_map(|(region, entries)| entries.openings().map(move |(entry, _)| (region, entry)));
        opened.any(|(region, entry)| {
            let within = closed_ms.is_some_and(|closed| closed < entry.write_time);
            within && holds(history, cut, region, (entry.sequence, entry.write_time))
        })
    }

    /// When the last of the table's earlier regions was closed, ms: this one, or those that were in its place and have
    /// not been opened again.
    fn closed_ms(&self, history: &History, table: &TableName) -> Option<i64> {
        let before = |time_ms: &i64| *time_ms < self.written_ms;
        let of_table = history.regions().iter().filter(|(_, entries)| entries.table() == table);
        let closed = of_table.filter_map(|(region, entries)| {
            let closed =
                entries.markers().iter().filter(|entry| is_event(&entry.marker, EventType::RegionClose));
            let closed = closed.map(|entry| entry.write_time).filter(before).max()?;
            let mut opened = entries.openings().map(|(entry, _)| entry.write_time).filter(before);
            if self.kind == StoreListBreakKind::Vanished && *region != self.region {
                return None;
            }
            let is_over = history.lineages().children(region).next().is_none()
                && !opened.any(|opened| opened >= closed);
            (is_over || *region == self.region).then_some(closed)
        });
        closed.max()
    }
}

/// Whether an opening, by its id and its time, is in a cut. If its id was given again, to something that is out, its
/// server died right after it; then its time decides.
fn holds(
    history: &History,
    cut: &Cut,
    region: &EncodedRegionName,
    (sequence, written_ms): (u64, i64),
) -> bool {
    let next = || history.region(region).and_then(|entries| entries.first_above(cut.last(region)));
    let is_next = || cut.until_ms.is_some_and(|until| written_ms <= until) && next() == Some(sequence);
    cut.contains(region, sequence) || is_next()
}

/// Whether something was written after the snapshot of a region's table was asked for, where known.
fn is_after_snapshot(
    history: &History,
    starts: &Starts,
    region: &EncodedRegionName,
    written_ms: i64,
) -> bool {
    let table = history.region(region).map(RegionHistory::table);
    let created_ms = table.and_then(|table| starts.table(table)).and_then(|table| table.created_ms);
    created_ms.is_none_or(|created| written_ms > created)
}

/// Regions that opened after a snapshot, are none of its regions and came of none.
pub(crate) fn returned(history: &History, starts: &Starts) -> Vec<StoreListBreak> {
    let of_snapshot = history.lineages().with_descendants(starts.regions().keys());
    let is_over = |region: &EncodedRegionName| starts.ended().contains(region);
    let others = history.regions().iter().filter(|(region, entries)| {
        is_over(region) || !of_snapshot.contains(*region) && is_asked(starts, entries)
    });
    let opened = others.filter_map(|(region, entries)| {
        let mut opened = entries.openings().map(|(entry, _)| entry);
        let later = opened.find(|entry| is_after_snapshot(history, starts, region, entry.write_time))?;
        Some(StoreListBreak::shown_by(region, later, StoreListBreakKind::Returned))
    });
    opened.collect()
}

/// Whether it is known when the snapshot of a region's table was asked for.
fn is_asked(starts: &Starts, entries: &RegionHistory) -> bool {
    starts.table(entries.table()).is_some_and(|table| table.created_ms.is_some())
}

/// Regions that had entries before the snapshot was asked for, where it has neither them nor what came of them.
pub(crate) fn vanished(history: &History, starts: &Starts) -> Vec<StoreListBreak> {
    let of_snapshot = history.lineages().with_descendants(starts.regions().keys());
    let is_gone = |region: &EncodedRegionName| {
        let is_childless = history.lineages().children(region).next().is_none();
        is_childless && !of_snapshot.contains(region) && !starts.ended().contains(region)
    };
    let mut breaks = Vec::new();
    for (region, entries) in history.regions().iter().filter(|(region, _)| is_gone(region)) {
        let created_ms = starts.table(entries.table()).and_then(|table| table.created_ms);
        let Some(written_ms) = created_ms.map(|at| at.saturating_add(history.tolerances.clock_ms)) else {
            continue;
        };
        let markers = entries.markers();
        let later = markers.iter().position(|entry| entry.write_time > written_ms).unwrap_or(markers.len());
        let last = match markers.get(later) {
            Some(later) => entries.last_up_to(later.sequence.saturating_sub(1)),
            None => history.last_of(region),
        };
        if later == 0 {
            continue;
        }
        breaks.push(StoreListBreak {
            region: *region,
            sequence: last.saturating_add(1),
            written_ms,
            kind: StoreListBreakKind::Vanished,
            is_over: true,
        });
    }
    breaks
}
