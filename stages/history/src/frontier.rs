//! Frontier: the time up to which every WAL group has been read.

use names::WalName;

use crate::{Clocks, FileEnd, History};

/// Up to when a group's WALs are all here, ms by the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// Every entry with this write time or an earlier one.
    Until(i64),
    /// Nothing more will come.
    ForEver,
}

/// Why a group is closed up to its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedBecause {
    /// Its server is dead, and its newest WAL has been read to its end.
    ServerIsDead,
    /// Its newest WAL was read to its end at a known time.
    ReadToItsEnd,
    /// Only the last write time is known: more of the same millisecond may follow.
    LastEntry,
    /// An older WAL of a live server has no trailer: it was read while it was still being written, and not again.
    Unsealed,
}

/// The closed time of a WAL group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFrontier {
    /// The group: a WAL's name without its time.
    pub group: String,
    /// Its newest WAL, as an index of [`History::files`].
    pub newest: usize,
    /// Up to when it is closed.
    pub closed: Closed,
    /// Why.
    pub because: ClosedBecause,
}

/// The time up to which all that was written is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier {
    /// Every WAL group.
    pub groups: Vec<GroupFrontier>,
    /// The latest time at which a cut can be made: the smallest of all groups, corrected by the servers' clocks.
    pub time: Closed,
    /// The group that sets it.
    pub held_by: Option<String>,
}

impl Frontier {
    /// Whether all that was written up to a time is known.
    #[must_use]
    pub fn reaches(&self, time_ms: i64) -> bool {
        self.time >= Closed::Until(time_ms)
    }
}

/// The frontier of all groups.
#[must_use]
pub fn frontier(history: &History, clocks: &Clocks) -> Frontier {
    let groups: Vec<GroupFrontier> = history
        .groups()
        .into_iter()
        .filter_map(|(group, files)| group_frontier(history, clocks, group, &files))
        .collect();
    let corrected = |group: &GroupFrontier| match group.closed {
        Closed::ForEver => Closed::ForEver,
        Closed::Until(shown_ms) => {
            let server = history.files().get(group.newest).and_then(|file| file.server());
            Closed::Until(clocks.time(server, shown_ms))
        }
    };
    let smallest = groups.iter().min_by_key(|group| corrected(group));
    // Without a single WAL nothing is known of any time.
    let time = smallest.map_or(Closed::Until(i64::MIN), corrected);
    let held_by = smallest.filter(|_| time != Closed::ForEver).map(|group| group.group.clone());
    Frontier { time, held_by, groups }
}

fn group_frontier(history: &History, clocks: &Clocks, group: &str, files: &[usize]) -> Option<GroupFrontier> {
    let newest = *files.last()?;
    let file = history.files().get(newest)?;
    let server = file.server()?;
    let whole = file.end != FileEnd::Damaged;
    let states = || files.iter().filter_map(|index| history.files().get(*index));
    let dead = history.dead_servers.contains(server);
    let mut older = states().take(files.len() - 1);
    if let Some(unsealed) = older.find(|older| !dead && older.end != FileEnd::Closed) {
        let last = unsealed.last_write_ms.unwrap_or_else(|| unsealed.wal().map_or(0, created));
        let closed = Closed::Until(last.saturating_sub(1));
        return Some(GroupFrontier {
            group: group.to_owned(),
            newest,
            closed,
            because: ClosedBecause::Unsealed,
        });
    }
    let (closed, because) = match file.read_ms {
        _ if whole && dead => (Closed::ForEver, ClosedBecause::ServerIsDead),
        // A closed WAL of a live server has a successor, and that was not read.
        Some(read_ms) if whole && file.end != FileEnd::Closed => {
            let slow = clocks.of(Some(server)).map_or(0, |error| error.low);
            (Closed::Until(read_ms.saturating_add(slow).saturating_sub(1)), ClosedBecause::ReadToItsEnd)
        }
        _ => {
            let last = states().filter_map(|file| file.last_write_ms).max();
            let last = last.unwrap_or_else(|| file.wal().map_or(0, created));
            (Closed::Until(last.saturating_sub(1)), ClosedBecause::LastEntry)
        }
    };
    Some(GroupFrontier { group: group.to_owned(), newest, closed, because })
}

fn created(name: &WalName) -> i64 {
    i64::try_from(name.created_ms).unwrap_or(i64::MAX)
}
