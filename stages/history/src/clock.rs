//! How wrong the clocks of servers may be.

use std::collections::BTreeMap;

use names::ServerName;

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
    /// The error for every server that is not named.
    pub others: Option<ClockError>,
    /// The errors of these servers.
    pub servers: BTreeMap<ServerName, ClockError>,
}

impl Clocks {
    /// Every clock is wrong by `bound` ms at most.
    #[must_use]
    pub fn within(bound: u32) -> Self {
        Self { others: Some(ClockError::within(bound)), servers: BTreeMap::new() }
    }

    /// The error of a server's clock; for a file that does not name its server, the worst of all.
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

    /// How far two of the clocks may be apart, ms; 0 if nothing is known.
    pub(crate) fn widest(&self) -> i64 {
        let all = self.servers.values().copied().chain(self.others);
        let (low, high) = all.fold((0, 0), |(low, high), error| (error.low.min(low), error.high.max(high)));
        high.saturating_sub(low)
    }

    /// What the server's clock shows at a time, where known.
    #[must_use]
    pub fn shown(&self, server: Option<&ServerName>, time_ms: i64) -> i64 {
        time_ms.saturating_add(self.of(server).map_or(0, ClockError::middle))
    }

    /// The time at which a server's clock shows this, where known.
    #[must_use]
    pub fn time(&self, server: Option<&ServerName>, shown_ms: i64) -> i64 {
        shown_ms.saturating_sub(self.of(server).map_or(0, ClockError::middle))
    }
}
