//! What one file holds of one region, kept small: runs of sequence ids, the times at which the write time changes,
//! and the markers.

use formats::wal::{EventType, Marker};

/// Sequence ids without a gap, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdRun {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl IdRun {
    /// How many ids it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last < self.first
    }

    /// Whether the id is in it.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        (self.first..=self.last).contains(&sequence)
    }
}

/// A marker and the entry it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerEntry {
    /// The entry's sequence id; the number inside the marker is another one.
    pub sequence: u64,
    /// The entry's write time, ms by the server's clock.
    pub write_time: i64,
    /// What it says.
    pub marker: Marker,
}

impl MarkerEntry {
    /// The number with which a region opened, if it is a REGION_OPEN.
    pub(crate) fn open_number(&self) -> Option<u64> {
        match &self.marker {
            Marker::RegionEvent(event) if event.event_type == EventType::RegionOpen => {
                event.log_sequence_number
            }
            _ => None,
        }
    }
}

/// An entry that does not follow the one before it in its file: HBase writes a region's ids into a file in ascending
/// order, so the file is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAscending {
    /// The id before it.
    pub previous: u64,
    /// The id.
    pub sequence: u64,
}

impl std::fmt::Display for NotAscending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sequence id {} of a region comes after {} in one WAL", self.sequence, self.previous)
    }
}

impl std::error::Error for NotAscending {}

/// The entries of one region in one file. 16 bytes a run of ids and 16 a change of the write time, whatever the
/// number of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    edits: Vec<IdRun>,
    /// Where the write time changes: the entry's id, and its time.
    times: Vec<(u64, i64)>,
    markers: Vec<MarkerEntry>,
}

impl Entries {
    /// Adds an entry of edits (even an empty one, since it has an id). Write time in ms by the server's clock.
    ///
    /// # Errors
    /// Its id is not above that of the edits added before; it is not taken.
    pub fn push_edit(&mut self, sequence: u64, write_time: i64) -> Result<(), NotAscending> {
        match self.edits.last_mut() {
            Some(run) if sequence <= run.last => {
                return Err(NotAscending { previous: run.last, sequence });
            }
            Some(run) if sequence == run.last + 1 => run.last = sequence,
            _ => self.edits.push(IdRun { first: sequence, last: sequence }),
        }
        if self.times.last().is_none_or(|(_, time)| *time != write_time) {
            self.times.push((sequence, write_time));
        }
        Ok(())
    }

    /// Adds a marker; edits and markers need not be added in the order of both.
    ///
    /// # Errors
    /// Its id is not above that of the markers added before; it is not taken.
    pub fn push_marker(&mut self, entry: MarkerEntry) -> Result<(), NotAscending> {
        if let Some(previous) = self.markers.last().filter(|last| entry.sequence <= last.sequence) {
            return Err(NotAscending { previous: previous.sequence, sequence: entry.sequence });
        }
        self.markers.push(entry);
        Ok(())
    }

    /// Runs of the ids of edits.
    #[must_use]
    pub fn edits(&self) -> &[IdRun] {
        &self.edits
    }

    /// The markers, by id.
    #[must_use]
    pub fn markers(&self) -> &[MarkerEntry] {
        &self.markers
    }

    /// Bytes that this takes in memory, without what the markers own.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.edits) + size_of_val(&*self.times) + size_of_val(&*self.markers)
    }

    pub(crate) fn into_parts(self) -> (Vec<IdRun>, Vec<(u64, i64)>, Vec<MarkerEntry>) {
        (self.edits, self.times, self.markers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_million_entries_in_order_take_a_run_and_their_milliseconds() {
        let mut entries = Entries::default();
        for sequence in 1..=1_000_000u64 {
            entries.push_edit(sequence, (sequence / 1000) as i64).unwrap();
        }
        assert_eq!(entries.edits(), [IdRun { first: 1, last: 1_000_000 }]);
        assert!(entries.bytes() < 17_000, "{} bytes", entries.bytes());
    }

    #[test]
    fn an_id_that_runs_backwards_is_refused() {
        let mut entries = Entries::default();
        entries.push_edit(5, 0).unwrap();
        assert_eq!(entries.push_edit(5, 1), Err(NotAscending { previous: 5, sequence: 5 }));
        assert_eq!(entries.push_edit(4, 1), Err(NotAscending { previous: 5, sequence: 4 }));
        let marker = |sequence| MarkerEntry { sequence, write_time: 0, marker: Marker::Unknown };
        entries.push_marker(marker(4)).unwrap();
        assert!(entries.push_marker(marker(4)).is_err());
    }
}
