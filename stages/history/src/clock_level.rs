//! What the clocks of servers prove about a cut.

use names::EncodedRegionName;

use crate::gap::{has_hole_behind_first, is_known_whole};
use crate::region::Stretch;
use crate::{ClockError, Clocks, Closed, Cut, Frontier, History, Starts};

/// What clocks alone prove about a cut. (A third level, `certified`, comes with probes of the clocks.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockLevel {
    /// Nothing: it is not known how wrong some server's clock is.
    None,
    /// An effect whose direct cause is left out is among the uncertain edits that are in, or in a region that cannot be
    /// dated. With neither, the cut is consistent.
    Bounded {
        /// Edits that are in and may have been written after one that is out.
        uncertain_in: u64,
        /// Edits that are out and may have been written before one that is in.
        uncertain_out: u64,
        /// Regions whose snapshot files may hold edits that no available WAL dates, and that may have been written
        /// after one that is out.
        undated_regions: u64,
    },
}

impl ClockLevel {
    /// Its name, as reports and images have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bounded { .. } => "bounded",
        }
    }
}

/// What clocks prove about the cut, given how far each WAL group has been read.
#[must_use]
pub fn clock_level(
    history: &History,
    starts: &Starts,
    cut: &Cut,
    clocks: &Clocks,
    frontier: &Frontier,
) -> ClockLevel {
    let errors = history.files().iter().map(|file| clocks.of(file.server())).collect();
    let earliest_unread = earliest_unread(history, clocks, frontier);
    let (Some(errors), Some(earliest_unread)) = (errors, earliest_unread) else { return ClockLevel::None };
    let true_times = TrueTimes { errors };
    let undated =
        starts.regions().keys().filter_map(|region| true_times.latest_undated(history, starts, region));
    let undated: Vec<i64> = undated.collect();
    let mut latest_in = undated.iter().copied().max().unwrap_or(i64::MIN);
    let mut earliest_out = earliest_unread;
    each_edit(history, cut, |stretch, inside, outside| {
        if inside > 0 {
            latest_in = latest_in.max(true_times.latest(&stretch));
        }
        if outside > 0 {
            earliest_out = earliest_out.min(true_times.earliest(&stretch));
        }
    });
    let (mut uncertain_in, mut uncertain_out) = (0, 0);
    // A write time is a whole millisecond, so edits of one time may have any order.
    each_edit(history, cut, |stretch, inside, outside| {
        if true_times.latest(&stretch) >= earliest_out {
            uncertain_in += inside;
        }
        if true_times.earliest(&stretch) <= latest_in {
            uncertain_out += outside;
        }
    });
    let undated_regions = undated.iter().filter(|latest| **latest >= earliest_out).count() as u64;
    ClockLevel::Bounded { uncertain_in, uncertain_out, undated_regions }
}

/// Every stretch of edits, with how many of its ids are in and out.
fn each_edit<'a>(history: &'a History, cut: &Cut, mut visit: impl FnMut(Stretch<'a>, u64, u64)) {
    for (region, entries) in history.regions() {
        entries.each_stretch(|stretch| {
            if stretch.is_edit() {
                let (inside, outside) = cut.split(region, &stretch);
                visit(stretch, inside, outside);
            }
        });
    }
}

/// The true times between which an entry was written: its write time less the errors of its clock.
struct TrueTimes {
    /// By file.
    errors: Vec<ClockError>,
}

impl TrueTimes {
    fn error(&self, stretch: &Stretch<'_>) -> ClockError {
        self.errors.get(stretch.file).copied().unwrap_or(ClockError::within(0))
    }

    fn earliest(&self, stretch: &Stretch<'_>) -> i64 {
        stretch.write_time.saturating_sub(self.error(stretch).high)
    }

    fn latest(&self, stretch: &Stretch<'_>) -> i64 {
        stretch.write_time.saturating_sub(self.error(stretch).low)
    }

    /// The latest true time of the edits that are in a region's files and in no available WAL: they came before the
    /// region's first known entry, and before its snapshot was complete. `None` if there are no such edits.
    fn latest_undated(&self, history: &History, starts: &Starts, region: &EncodedRegionName) -> Option<i64> {
        let start = starts.regions().get(region).filter(|start| start.held > 0)?;
        let by_snapshot = start.taken_ms.unwrap_or(i64::MAX);
        let Some(entries) = history.region(region) else { return Some(by_snapshot) };
        if is_known_whole(history, region, start.held) {
            return None;
        }
        // They came before the first known entry; with holes after that, before the first above the files.
        let holes = has_hole_behind_first(history, region, entries, start.held);
        let mut by_entry = None;
        entries.each_stretch(|stretch| {
            if !holes || stretch.run.last > start.held {
                by_entry.get_or_insert(self.latest(&stretch));
            }
        });
        Some(by_entry.unwrap_or(i64::MAX).min(by_snapshot))
    }
}

/// The earliest true time of an edit that has not been read; `None` if that cannot be bounded.
fn earliest_unread(history: &History, clocks: &Clocks, frontier: &Frontier) -> Option<i64> {
    let mut earliest = i64::MAX;
    for group in &frontier.groups {
        let server = history.files().get(group.newest).and_then(|file| file.server());
        match group.closed {
            Closed::ForEver => {}
            Closed::Until(shown_ms) => {
                let high = clocks.of(server)?.high;
                earliest = earliest.min(shown_ms.saturating_add(1).saturating_sub(high));
            }
        }
    }
    Some(earliest)
}
