//! How wrong the clocks of servers may be, and what follows for a cut.

use std::collections::BTreeMap;

use formats::wal::ServerName;

use crate::{Closed, Cut, Frontier, History};

/// The error of a clock in ms: what it shows less the true time is in `low..=high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockError {
    /// The least; below zero where it may be slow.
    pub low: i64,
    /// The most.
    pub high: i64,
}

impl ClockError {
    /// Wrong by `bound` ms at most, either way.
    #[must_use]
    pub const fn within(bound: u32) -> Self {
        Self { low: -(bound as i64), high: bound as i64 }
    }

    /// What it shows at most likely when the true time is 0.
    fn middle(self) -> i64 {
        self.low.midpoint(self.high)
    }
}

/// What is known of the clocks (`--clock-bound`, `--clocks`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Of every server that is not named.
    pub others: Option<ClockError>,
    /// Of these servers.
    pub servers: BTreeMap<ServerName, ClockError>,
}

impl Clocks {
    /// Every clock is wrong by `bound` ms at most.
    #[must_use]
    pub fn within(bound: u32) -> Self {
        Self { others: Some(ClockError::within(bound)), servers: BTreeMap::new() }
    }

    /// The error of a server's clock; of a file that does not name its server, the worst there is.
    #[must_use]
    pub fn of(&self, server: Option<&ServerName>) -> Option<ClockError> {
        match server {
            Some(server) => self.servers.get(server).copied().or(self.others),
            None => self.servers.values().copied().map(Some).fold(self.others, |worst, next| {
                let (worst, next) = (worst?, next?);
                Some(ClockError { low: worst.low.min(next.low), high: worst.high.max(next.high) })
            }),
        }
    }

    /// What the server's clock shows at a time, as far as is known.
    #[must_use]
    pub fn shown(&self, server: Option<&ServerName>, time_ms: i64) -> i64 {
        time_ms.saturating_add(self.of(server).map_or(0, ClockError::middle))
    }

    /// The time at which a server's clock shows this, as far as is known.
    #[must_use]
    pub fn time(&self, server: Option<&ServerName>, shown_ms: i64) -> i64 {
        shown_ms.saturating_sub(self.of(server).map_or(0, ClockError::middle))
    }
}

/// What is proved of a cut by clocks alone. (A third level, `certified`, comes with probes of the clocks.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockLevel {
    /// Nothing: of some server it is not known how wrong its clock is.
    None,
    /// An effect whose cause is left out is among the uncertain edits that are in; with none there is no such effect.
    Bounded {
        /// Edits that are in and may have been written after one that is out.
        uncertain_in: u64,
        /// Edits that are out and may have been written before one that is in.
        uncertain_out: u64,
    },
}

/// What clocks prove of the cut, given what has been read of each WAL group.
#[must_use]
pub fn clock_level(history: &History, cut: &Cut, clocks: &Clocks, frontier: &Frontier) -> ClockLevel {
    let errors: Option<Vec<ClockError>> =
        history.files().iter().map(|file| clocks.of(file.server())).collect();
    let Some(errors) = errors else { return ClockLevel::None };
    let Some(earliest_unread) = earliest_unread(history, clocks, frontier) else { return ClockLevel::None };
    let error = |file: usize| errors.get(file).copied().unwrap_or(ClockError::within(0));
    // True times that bound both sides: no edit outside is earlier, none inside is later.
    let (mut earliest_out, mut latest_in) = (earliest_unread, i64::MIN);
    for (region, entries) in history.regions() {
        let last = cut.last(region);
        entries.each_stretch(|stretch| {
            let (inside, outside) = stretch.split_at(last);
            if stretch.is_edit() && inside > 0 {
                latest_in = latest_in.max(stretch.write_time.saturating_sub(error(stretch.file).low));
            }
            if stretch.is_edit() && outside > 0 {
                earliest_out = earliest_out.min(stretch.write_time.saturating_sub(error(stretch.file).high));
            }
        });
    }
    let (mut uncertain_in, mut uncertain_out) = (0, 0);
    for (region, entries) in history.regions() {
        let last = cut.last(region);
        entries.each_stretch(|stretch| {
            if !stretch.is_edit() {
                return;
            }
            let (inside, outside) = stretch.split_at(last);
            let ClockError { low, high } = error(stretch.file);
            // A write time is a whole millisecond, so times that are equal may be in any order.
            if stretch.write_time.saturating_sub(low) >= earliest_out {
                uncertain_in += inside;
            }
            if stretch.write_time.saturating_sub(high) <= latest_in {
                uncertain_out += outside;
            }
        });
    }
    ClockLevel::Bounded { uncertain_in, uncertain_out }
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
