use crate::CatalogError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::io::{BufRead, BufReader, Read};
use store::{AppendLog, ReadRanges, Store, StoreError, StoreErrorKind, StorePath};

/// What a run has finished, a line a record, for resume only.
///
/// A line is `{"sum":"<first 8 hex digits of BLAKE3 of the record's bytes>","record":{...}}`. A record counts if its
/// line is whole and its sum agrees; the first line that is not ends the journal (a killed run leaves at most one
/// torn line at the end, and the next run starts behind it).
pub struct Journal {
    /// None where the storage cannot append: nothing is kept, and an interrupted run starts afresh.
    log: Option<Box<dyn AppendLog>>,
    line: Vec<u8>,
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
    /// tell: a second one gets an error of kind `Busy`.
    pub fn open<R: DeserializeOwned>(
        store: &dyn Store,
        path: &StorePath,
    ) -> Result<(Self, Recovered<R>), CatalogError> {
        let mut log = match store.append_log(path) {
            Err(error) if error.kind == StoreErrorKind::Unsupported => {
                let nothing = Recovered { records: Vec::new(), torn_bytes: 0 };
                return Ok((Self { log: None, line: Vec::new() }, nothing));
            }
            log => log?,
        };
        let recovered = recover(StoreReader { file: store.open(path)?, offset: 0 })?;
        if recovered.torn_bytes > 0 {
            log.append(b"\n")?;
        }
        Ok((Self { log: Some(log), line: Vec::new() }, recovered))
    }

    /// Adds a record. Once this returns, a killed process does not lose it (a power cut may).
    pub fn append<R: Serialize>(&mut self, record: &R) -> Result<(), CatalogError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let unencodable = |error: serde_json::Error| CatalogError::damaged("journal record", error);
        let record = serde_json::value::to_raw_value(record).map_err(unencodable)?;
        self.line.clear();
        serde_json::to_writer(&mut self.line, &Line { sum: sum_of(&record).into(), record: &record })
            .map_err(unencodable)?;
        self.line.push(b'\n');
        log.append(&self.line)?;
        Ok(())
    }

    /// Makes all records durable.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.log.as_mut().map_or(Ok(()), |log| log.sync())
    }
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
        // A line longer than any record is damage: it is read piece by piece and counts for nothing.
        let read = journal.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        let unread = |error: std::io::Error| match error.downcast::<StoreError>() {
            Ok(error) => CatalogError::Store(error),
            Err(error) => CatalogError::damaged("journal", error),
        };
        match read.map_err(unread)? {
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

    fn bytes_of(store: &MemoryStore) -> Vec<u8> {
        store::read_all(store, &journal_path(), u64::MAX).unwrap()
    }

    #[test]
    fn a_journal_cut_anywhere_gives_the_whole_records_in_front_of_the_cut() {
        let store = MemoryStore::files();
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
        let store = MemoryStore::files();
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
    fn a_record_with_a_flipped_byte_does_not_count() {
        let store = MemoryStore::files();
        let (mut journal, _) = Journal::open::<u64>(&store, &journal_path()).unwrap();
        journal.append(&41u64).unwrap();
        drop(journal);
        let flipped = String::from_utf8(bytes_of(&store)).unwrap().replace("41", "42");
        assert!(recover::<u64>(flipped.as_bytes()).unwrap().records.is_empty());
    }
}
