//! Borders: whether a WAL is gone between two that follow each other in a group.
//!
//! A roll opens the next file, which is named by that moment, and then closes the old one. So an old file that was
//! closed well before the next one was opened has had a neighbour that is gone; one that was closed right after has not
//! (`AbstractFSWAL.rollWriter`). The time of closing is the file's modification time, if a copy has kept it, and as
//! long as the file lies under `WALs`: when HBase archives it, it sets the time. It had been closed by then, so an
//! archived file can show that a neighbour is gone, and never that none is.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::EventType;

use crate::region::is_event;
use crate::{FileEnd, FileState, History};

/// What lies between two WALs that follow each other in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Border {
    /// Nothing: the older one was written to until the newer one was opened.
    Adjacent,
    /// A WAL that is gone: the older one was closed before the newer one was opened.
    Gone,
    /// Nothing shows which: the time of closing was not kept.
    Silent,
}

/// How exactly times that two clocks show can be compared, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerances {
    /// The first WAL of a server is opened no later than this after its start.
    pub start_ms: i64,
    /// No WAL lives less than this: one that was closed, or last written to, this long before the next one was opened
    /// was not followed by it.
    pub roll_ms: i64,
    /// A roll closes the old file within this time.
    pub closing_ms: i64,
    /// The clock of the file system is wrong by no more than this.
    pub skew_ms: i64,
    /// Events that the clocks of two servers show more than this apart happened in that order.
    pub clock_ms: i64,
}

impl Default for Tolerances {
    fn default() -> Self {
        Self { start_ms: 60_000, roll_ms: 1_000, closing_ms: 5_000, skew_ms: 60_000, clock_ms: 1_000 }
    }
}

/// The borders of all groups, by the older file's index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Borders {
    behind: BTreeMap<usize, Border>,
    /// The newer file of a border, by the older one's index.
    next: BTreeMap<usize, usize>,
    /// The oldest file of its group, by every WAL's index.
    first: BTreeMap<usize, usize>,
    /// WALs that continue a region which had been opened before: their groups had older WALs.
    going_on: BTreeSet<usize>,
}

impl Borders {
    /// Judges the borders between the WALs of a history.
    pub fn new(history: &History) -> Self {
        let mut borders = Self { going_on: going_on(history), ..Self::default() };
        for files in history.groups().values() {
            let Some(first) = files.first() else { continue };
            borders.first.extend(files.iter().map(|file| (*file, *first)));
            for pair in files.windows(2) {
                let [older, newer] = *pair else { continue };
                borders.next.insert(older, newer);
            }
        }
        let lags: BTreeMap<usize, i64> = borders
            .next
            .iter()
            .filter_map(|(older, newer)| Some((*older, lag(history, *older, *newer)?)))
            .collect();
        let judge = Judge::new(&lags, history.tolerances);
        for (older, newer) in &borders.next {
            borders.behind.insert(*older, judge.border(history, *older, *newer));
        }
        borders
    }

    /// What lies after a file in its group; `None` after the newest.
    pub fn behind(&self, file: usize) -> Option<Border> {
        self.behind.get(&file).copied()
    }

    /// Whether there is a border for which nothing shows what lies there.
    pub fn any_silent(&self) -> bool {
        self.behind.values().any(|border| *border == Border::Silent)
    }

    /// The next file of the group.
    pub fn next(&self, file: usize) -> Option<usize> {
        self.next.get(&file).copied()
    }

    /// The oldest WAL of a WAL's group.
    pub fn first_of(&self, file: usize) -> Option<usize> {
        self.first.get(&file).copied()
    }

    /// Whether a WAL continues a region that had been opened before: then its group had an older WAL.
    pub fn goes_on(&self, file: usize) -> bool {
        self.going_on.contains(&file)
    }

    /// The first border after a file, or after one that follows it, where a WAL is gone: the older and the newer file.
    pub fn gone_behind(&self, file: usize) -> Option<(usize, usize)> {
        let mut at = file;
        while let Some(next) = self.next(at) {
            if self.behind(at) == Some(Border::Gone) {
                return Some((at, next));
            }
            at = next;
        }
        None
    }

    /// Whether one file follows the other in a group, and no WAL is gone between them, or between any two that lie
    /// there.
    pub fn adjoin(&self, older: usize, newer: usize) -> bool {
        let mut at = older;
        while let (Some(Border::Adjacent), Some(next)) = (self.behind(at), self.next(at)) {
            if next == newer {
                return true;
            }
            at = next;
        }
        false
    }

    /// Whether one file follows the other in a group and a WAL is gone between them.
    pub fn gone_between(&self, older: usize, newer: usize) -> bool {
        let (mut at, mut gone) = (older, false);
        while at != newer {
            gone |= self.behind(at) == Some(Border::Gone);
            match self.next(at) {
                Some(next) => at = next,
                None => return false,
            }
        }
        gone
    }
}

fn going_on(history: &History) -> BTreeSet<usize> {
    let mut going_on = BTreeSet::new();
    for entries in history.regions().values() {
        let mut seen = BTreeSet::new();
        // They are sorted: the first of a file is the one with the smallest id.
        for segment in &entries.segments {
            let Some(file) = entries.part(segment).map(|part| part.file).filter(|file| seen.insert(*file))
            else {
                continue;
            };
            let opens = |marker| is_event(marker, EventType::RegionOpen);
            if !entries.marker(segment).is_some_and(|entry| opens(&entry.marker)) {
                going_on.insert(file);
            }
        }
    }
    going_on
}

/// How long after the newer file was opened the older one was closed, ms.
fn lag(history: &History, older: usize, newer: usize) -> Option<i64> {
    let (older, newer) = (history.files().get(older)?, history.files().get(newer)?);
    let closed = older.closed_ms.filter(|_| older.end == FileEnd::Closed)?;
    Some(closed.saturating_sub(opened_ms(newer)?))
}

/// When a WAL was opened, by its name.
pub(crate) fn opened_ms(file: &FileState) -> Option<i64> {
    i64::try_from(file.wal()?.created_ms).ok()
}

/// Judges by all borders: they share a file system, so its clock is wrong by the same for all.
struct Judge<'a> {
    lags: &'a BTreeMap<usize, i64>,
    tolerances: Tolerances,
    /// How far the clock of the file system is behind, if it is (0 or less).
    behind_ms: i64,
    /// Borders that show it.
    known_by: usize,
}

impl<'a> Judge<'a> {
    fn new(lags: &'a BTreeMap<usize, i64>, tolerances: Tolerances) -> Self {
        let near = |lag: &&i64| **lag <= tolerances.closing_ms && **lag >= -tolerances.skew_ms;
        let behind_ms = lags.values().filter(near).max().copied().unwrap_or_default().min(0);
        let agrees = |lag: &&i64| near(lag) && **lag >= behind_ms - tolerances.roll_ms;
        Self { lags, tolerances, behind_ms, known_by: lags.values().filter(agrees).count() }
    }

    fn border(&self, history: &History, older: usize, newer: usize) -> Border {
        let file = |index: usize| history.files().get(index);
        let written = file(older).and_then(|file| file.last_write_ms);
        let opened = file(newer).and_then(opened_ms);
        // It was written to until then: a WAL between them would have lived no longer than a roll takes.
        let roll_ms = self.tolerances.roll_ms;
        if written.zip(opened).is_some_and(|(written, opened)| written >= opened - roll_ms) {
            return Border::Adjacent;
        }
        let archived = file(older).and_then(|file| file.archived_ms).zip(opened);
        match (self.lags.get(&older), archived) {
            (Some(lag), _) => self.by_lag(*lag),
            (None, Some((archived, opened))) => match self.by_lag(archived.saturating_sub(opened)) {
                Border::Gone => Border::Gone,
                Border::Adjacent | Border::Silent => Border::Silent,
            },
            (None, None) => Border::Silent,
        }
    }

    fn by_lag(&self, lag: i64) -> Border {
        let Tolerances { roll_ms, closing_ms, skew_ms, .. } = self.tolerances;
        let trusted = self.behind_ms == 0 || self.known_by > 1;
        match lag {
            lag if lag > closing_ms => Border::Silent,
            // A WAL between them would have lived no longer than a roll takes, as clocks show it.
            lag if lag >= self.behind_ms - roll_ms && trusted => Border::Adjacent,
            _ if trusted => Border::Gone,
            lag if lag < -skew_ms => Border::Gone,
            _ => Border::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn border(lags: &[i64], at: usize) -> Border {
        let lags: BTreeMap<usize, i64> = lags.iter().copied().enumerate().collect();
        Judge::new(&lags, Tolerances::default()).by_lag(lags[&at])
    }

    #[test]
    fn a_file_that_was_closed_when_the_next_was_opened_has_lost_no_neighbour() {
        assert_eq!(border(&[12], 0), Border::Adjacent);
        assert_eq!(border(&[12, 40, -60_000], 1), Border::Adjacent);
        assert_eq!(border(&[12, -900], 1), Border::Adjacent);
    }

    #[test]
    fn a_file_that_was_closed_long_before_the_next_was_opened_has_lost_one() {
        assert_eq!(border(&[12, -3_600_000], 1), Border::Gone);
        assert_eq!(border(&[12, -10_000], 1), Border::Gone);
        assert_eq!(border(&[-3_600_000], 0), Border::Gone);
    }

    #[test]
    fn times_of_a_copy_show_nothing() {
        assert_eq!(border(&[86_400_000, 3_600_000], 0), Border::Silent);
        assert_eq!(border(&[-900], 0), Border::Silent);
    }

    #[test]
    fn a_file_system_whose_clock_is_behind_is_found_out() {
        assert_eq!(border(&[-20_000], 0), Border::Silent);
        assert_eq!(border(&[-20_000, -19_900], 1), Border::Adjacent);
        assert_eq!(border(&[-20_000, -19_900, -45_000], 2), Border::Gone);
    }
}
