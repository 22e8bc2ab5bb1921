use crate::CatalogError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use store::{AppendLog, Publish, ReadRanges, Store, StoreError, StorePath};

/// What a run has finished, a line for each record, for resuming only.
///
/// A line is `{"sum":"<first 8 hex digits of BLAKE3 of the record's bytes>","record":{...}}`. A record counts if its
/// line is whole and its sum agrees; the first line that is not ends the journal (a killed run leaves at most one
/// torn line at the end, and the next run starts after it).
///
/// Where the storage cannot append ([`store::Abilities::append`]) the journal is a directory, with a file for
/// each call that adds records.
pub struct Journal {
    log: Log,
    lines: Vec<u8>,
}

enum Log {
    /// One file that grows.
    File(Box<dyn AppendLog>),
    /// Files that are numbered; `next` is the number of the next one.
    Files { store: Arc<dyn Store>, dir: StorePath, next: u64 },
}

/// What an earlier run left in the journal.
#[derive(Debug)]
pub struct Recovered<R> {
    /// Its records, in order.
    pub records: Vec<R>,
    /// Bytes at the end that are no whole record.
    pub torn_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    sum: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    record: &'a RawValue,
}

impl Journal {
    /// Opens a journal, or makes it, and gives what is in it. Only one process can have it open, where the store can
    /// append: a second one gets an error of kind `Busy`.
    pub fn open<R: DeserializeOwned>(
        store: &Arc<dyn Store>,
        path: &StorePath,
    ) -> Result<(Self, Recovered<R>), CatalogError> {
        if !store.abilities().append {
            return Self::open_files(store, path);
        }
        let mut log = store.append_log(path)?;
        let recovered = recover(StoreReader { file: store.open(path)?, offset: 0 })?;
        if recovered.torn_bytes > 0 {
            log.append(b"\n")?;
        }
        Ok((Self { log: Log::File(log), lines: Vec::new() }, recovered))
    }

    fn open_files<R: DeserializeOwned>(
        store: &Arc<dyn Store>,
        dir: &StorePath,
    ) -> Result<(Self, Recovered<R>), CatalogError> {
        let mut whole = Recovered { records: Vec::new(), torn_bytes: 0 };
        let mut next = 0;
        for entry in store::list_all(store.as_ref(), dir)? {
            let file = store.open(&dir.join(&entry.name)?)?;
            whole.records.extend(recover(StoreReader { file, offset: 0 })?.records);
            next = entry.name.parse().map_or(next, |number: u64| number.saturating_add(1));
        }
        Ok((
            Self { log: Log::Files { store: Arc::clone(store), dir: dir.clone(), next }, lines: Vec::new() },
            whole,
        ))
    }

    /// Deletes a journal. `NotFound` if there is none.
    pub fn delete(store: &dyn Store, path: &StorePath) -> Result<(), StoreError> {
        match store.abilities().append {
            true => store.delete(path),
            false => store.delete_tree(path),
        }
    }

    /// Adds a record. Once this returns, a killed process does not lose it (a power cut may).
    pub fn append<R: Serialize>(&mut self, record: &R) -> Result<(), CatalogError> {
        self.append_all(std::slice::from_ref(record))
    }

    /// Adds records in one write. A process that is killed within it leaves the first of them, or all, or none.
    pub fn append_all<R: Serialize>(&mut self, records: &[R]) -> Result<(), CatalogError> {
        self.lines.clear();
        for record in records {
            add_line(&mut self.lines, record)
                .map_err(|error| CatalogError::damaged("journal record", error))?;
        }
        match &mut self.log {
            _ if records.is_empty() => {}
            Log::File(log) => log.append(&self.lines)?,
            Log::Files { store, dir, next } => {
                // In the order of their names they are in the order of their numbers.
                store.put(&dir.join(&format!("{next:020}"))?, &self.lines, Publish::Replace)?;
                *next += 1;
            }
        }
        Ok(())
    }

    /// Makes all records durable.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        match &mut self.log {
            Log::File(log) => log.sync(),
            // Each file was put durably.
            Log::Files { .. } => Ok(()),
        }
    }
}

fn add_line<R: Serialize>(lines: &mut Vec<u8>, record: &R) -> Result<(), serde_json::Error> {
    let record = serde_json::value::to_raw_value(record)?;
    serde_json::to_writer(&mut *lines, &Line { sum: sum_of(&record).into(), record: &record })?;
    lines.push(b'\n');
    Ok(())
}

fn sum_of(record: &RawValue) -> String {
    blake3::hash(record.get().as_bytes()).to_hex().chars().take(8).collect()
}

/// Torn lines in the middle are what earlier killed runs left: each run ends such a line before it adds its own.
fn recover<R: DeserializeOwned>(journal: impl Read) -> Result<Recovered<R>, CatalogError> {
    let mut recovered = Recovered { records: Vec::new(), torn_bytes: 0 };
    let mut journal = BufReader::with_capacity(1 << 20, journal);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line longer than any record is damage: it is read piece by piece and ignored.
        let read = journal.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        let failed = |error: std::io::Error| match error.downcast::<StoreError>() {
            Ok(error) => CatalogError::Store(error),
            Err(error) => CatalogError::damaged("journal", error),
        };
        match read.map_err(failed)? {
            0 => return Ok(recovered),
            read if line.last() != Some(&b'\n') => recovered.torn_bytes = read as u64,
            _ => recovered.records.extend(decode_line(&line)),
        }
    }
}

/// Longest line that can be a record.
const MAX_LINE: u64 = 1 << 20;

/// Reads a file of a store from its beginning.
struct StoreReader {
    file: Box<dyn ReadRanges>,
    offset: u64,
}

impl Read for StoreReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(self.offset, buffer).map_err(std::io::Error::other)?;
        self.offset += read as u64;
        Ok(read)
    }
}

fn decode_line<R: DeserializeOwned>(line: &[u8]) -> Option<R> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    (line.sum == sum_of(line.record)).then(|| serde_json::from_str(line.record.get()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::MemoryStore;

    fn journal_path() -> StorePath {
        StorePath::parse(".tidegate/journal/run.jsonl").unwrap()
    }

    fn bytes_of(store: &Arc<dyn Store>) -> Vec<u8> {
        store::read_all(store.as_ref(), &journal_path(), u64::MAX).unwrap()
    }

    #[test]
    fn a_journal_cut_anywhere_gives_the_whole_records_in_front_of_the_cut() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::files());
        let (mut journal, none) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        assert!(none.records.is_empty());
        for n in 0..5u64 {
            journal.append(&n).unwrap();
        }
        drop(journal);
        let whole = bytes_of(&store);
        let line = whole.len() / 5;
        for cut in 0..=whole.len() {
            let recovered: Recovered<u64> = recover(&whole[..cut]).unwrap();
            assert_eq!(recovered.records, (0..(cut / line) as u64).collect::<Vec<_>>(), "cut at {cut}");
            assert_eq!(recovered.torn_bytes as usize, cut % line);
        }
    }

    #[test]
    fn a_run_goes_on_behind_a_torn_line() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::files());
        let mut log = store.append_log(&journal_path()).unwrap();
        log.append(b"{\"sum\":\"12").unwrap();
        drop(log);
        let (mut journal, recovered) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        assert_eq!(recovered.torn_bytes, 10);
        journal.append(&7u64).unwrap();
        drop(journal);
        let (_, recovered) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        assert_eq!(recovered.records, [7]);
    }

    #[test]
    fn where_nothing_can_be_appended_a_journal_is_files() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::objects());
        let (mut journal, none) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        assert!(none.records.is_empty());
        for n in 0..12u64 {
            journal.append(&n).unwrap();
        }
        drop(journal);
        let (mut journal, recovered) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        assert_eq!(recovered.records, (0..12).collect::<Vec<_>>());
        journal.append(&12u64).unwrap();
        journal.sync().unwrap();
        let files = store::list_all(store.as_ref(), &journal_path()).unwrap();
        assert_eq!(files.len(), 13);
        // One with a flipped byte does not count, and the others do.
        let (name, flipped) =
            (journal_path().join(&files[3].name).unwrap(), b"{\"sum\":\"00000000\",\"record\":3}\n");
        store.put(&name, flipped, Publish::Replace).unwrap();
        let (_, recovered) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        assert_eq!(recovered.records, (0..13).filter(|n| *n != 3).collect::<Vec<_>>());
        Journal::delete(store.as_ref(), &journal_path()).unwrap();
        assert!(Journal::delete(store.as_ref(), &journal_path()).unwrap_err().is_not_found());
        assert!(store::list_all(store.as_ref(), &StorePath::root()).unwrap().is_empty());
    }

    #[test]
    fn records_of_one_write_are_one_file_where_nothing_can_be_appended_and_cut_anywhere_count_singly() {
        for store in [MemoryStore::files(), MemoryStore::objects()] {
            let store: Arc<dyn Store> = Arc::new(store);
            let (mut journal, _) = Journal::open::<u64>(&store, &journal_path()).unwrap();
            journal.append_all::<u64>(&[]).unwrap();
            journal.append_all(&[0u64, 1, 2]).unwrap();
            journal.append_all(&[3u64, 4]).unwrap();
            drop(journal);
            let (_, recovered) = Journal::open::<u64>(&store, &journal_path()).unwrap();
            assert_eq!(recovered.records, [0, 1, 2, 3, 4]);
            if store.abilities().append {
                let whole = bytes_of(&store);
                let recovered: Recovered<u64> = recover(&whole[..whole.len() / 2]).unwrap();
                assert_eq!(recovered.records, [0, 1]);
            } else {
                assert_eq!(store::list_all(store.as_ref(), &journal_path()).unwrap().len(), 2);
            }
        }
    }

    #[test]
    fn a_record_with_a_flipped_byte_does_not_count() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::files());
        let (mut journal, _) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        journal.append(&41u64).unwrap();
        drop(journal);
        let flipped = String::from_utf8(bytes_of(&store)).unwrap().replace("41", "42");
        assert!(recover::<u64>(flipped.as_bytes()).unwrap().records.is_empty());
    }
}
