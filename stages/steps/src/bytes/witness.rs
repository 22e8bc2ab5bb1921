//! Compares the bytes of a file, as they are read, with the checksums that Hadoop keeps beside it.

use crate::bytes::failing::source_problem;
use crate::bytes::read_pieces::BUFFER_LEN;
use crc_fast::{CrcAlgorithm, Digest, checksum};
use stage::{Problem, ProblemKind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{Identity, Metadata, ReadRanges, SideFile, Store, StoreError, StoreErrorKind, StorePath};

/// Checksums that are read at a time.
const WINDOW: usize = 16 << 10;

/// A file and the checksums that Hadoop keeps beside it, if it does: a witness that costs nothing. What is read of the
/// file is compared with them; where it is read out of order, whole chunks are.
pub struct Witnessed {
    file: Box<dyn ReadRanges>,
    watch: Option<Mutex<Watch>>,
}

/// How a file and its side file disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disagreement {
    /// The chunk that starts here has another checksum.
    Differs { offset: u64, whole: bool },
    /// The chunk that starts here has none.
    NoSum { offset: u64 },
    /// Hadoop cannot read the side file.
    Unreadable,
    /// There are checksums for bytes past the end of the file.
    CutShort { chunks: u64, offset: u64 },
}

struct Watch {
    side: SideFile,
    /// Checksums that were read ahead, and of which chunk the first is.
    sums: Vec<u32>,
    first: u64,
    /// Where the next byte is expected.
    next: u64,
    /// The chunk that is not whole yet, if its start was seen.
    chunk: Option<(Digest, u64)>,
    /// The first disagreement.
    found: Option<Disagreement>,
}

impl Witnessed {
    /// Opens a file, and its side file if there is one.
    pub fn open(store: &dyn Store, path: &StorePath) -> Result<Self, StoreError> {
        let file = store.open(path)?;
        Self::of(file, store, path)
    }

    /// The same for an open file.
    pub fn of(file: Box<dyn ReadRanges>, store: &dyn Store, path: &StorePath) -> Result<Self, StoreError> {
        let watch = SideFile::open(store, path)?.map(|side| Mutex::new(Watch::new(side)));
        Ok(Self { file, watch })
    }

    /// The file itself, unwatched.
    pub fn unwatched(file: Box<dyn ReadRanges>) -> Self {
        Self { file, watch: None }
    }

    /// Whether there is a side file.
    pub fn is_watched(&self) -> bool {
        self.watch.is_some()
    }

    /// What was found; to be called at the end. `closed` says that nobody writes the file any more: otherwise the side
    /// file may lag behind it, and only whole chunks and checksums of missing bytes count.
    pub fn problem(&self, path: &str, closed: bool) -> Option<Problem> {
        let mut watch = self.watch()?;
        let found = match watch.conclude(self.file.as_ref()) {
            Ok(found) => found?,
            Err(error) => return Some(source_problem(&error)),
        };
        if closed || matches!(found, Disagreement::Differs { whole: true, .. }) {
            return Some(found.problem(path, watch.side.chunk_len()));
        }
        match watch.beyond(self.file.as_ref()) {
            Ok(found) => Some(found?.problem(path, watch.side.chunk_len())),
            Err(error) => Some(source_problem(&error)),
        }
    }

    /// Where the first chunk with another checksum starts, once [`Self::problem`] was called.
    pub fn differs_at(&self) -> Option<u64> {
        match self.watch()?.found? {
            Disagreement::Differs { offset, .. } => Some(offset),
            _ => None,
        }
    }

    /// Whether what was read agrees with the side file, or there is none.
    pub fn agrees(&self) -> bool {
        self.problem("", true).is_none()
    }

    fn watch(&self) -> Option<MutexGuard<'_, Watch>> {
        Some(self.watch.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ReadRanges for Witnessed {
    fn metadata(&self) -> &Metadata {
        self.file.metadata()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let read = self.file.read_at(offset, buffer)?;
        if let Some(mut watch) = self.watch() {
            watch.take(offset, buffer.get(..read).unwrap_or_default())?;
        }
        Ok(read)
    }

    fn current(&self) -> Result<Metadata, StoreError> {
        self.file.current()
    }
}

impl Watch {
    fn new(side: SideFile) -> Self {
        let found = (!side.is_readable()).then_some(Disagreement::Unreadable);
        Self { side, sums: Vec::new(), first: 0, next: 0, chunk: None, found }
    }

    /// Takes bytes that were read.
    fn take(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let chunk_len = self.side.chunk_len();
        let mut rest = bytes;
        if offset != self.next {
            (self.next, self.chunk) = (offset, None);
        }
        while !rest.is_empty() && self.found.is_none() {
            // A length of 0 has been found out by now.
            let within = self.next % chunk_len;
            let taken = usize::try_from(chunk_len - within).unwrap_or(usize::MAX).min(rest.len());
            let (front, behind) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            self.take_of_chunk(within, front)?;
            self.next += front.len() as u64;
            rest = behind;
        }
        // After the first disagreement nothing more is looked at.
        self.next += rest.len() as u64;
        Ok(())
    }

    /// Takes bytes of one chunk, which begin `within` it.
    fn take_of_chunk(&mut self, within: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let (start, whole) = (self.next - within, within + bytes.len() as u64 == self.side.chunk_len());
        if within == 0 && whole {
            let sum = checksum(CrcAlgorithm::Crc32IsoHdlc, bytes);
            return self.compare(start, sum, true);
        }
        if within == 0 {
            self.chunk = Some((Digest::new(CrcAlgorithm::Crc32IsoHdlc), start));
        }
        let Some((digest, _)) = &mut self.chunk else { return Ok(()) };
        digest.update(bytes);
        if whole && let Some((digest, start)) = self.chunk.take() {
            return self.compare(start, digest.finalize(), true);
        }
        Ok(())
    }

    fn compare(&mut self, start: u64, sum: u64, whole: bool) -> Result<(), StoreError> {
        let recorded = self.recorded(start / self.side.chunk_len())?;
        self.found = match recorded {
            None => Some(Disagreement::NoSum { offset: start }),
            Some(recorded) if u64::from(recorded) == sum => None,
            Some(_) => Some(Disagreement::Differs { offset: start, whole }),
        };
        Ok(())
    }

    fn recorded(&mut self, chunk: u64) -> Result<Option<u32>, StoreError> {
        let held = self.first..self.first + self.sums.len() as u64;
        if !held.contains(&chunk) {
            self.sums = self.side.sums(chunk, WINDOW)?;
            self.first = chunk;
        }
        let at = usize::try_from(chunk - self.first).unwrap_or(usize::MAX);
        Ok(self.sums.get(at).copied())
    }

    /// Reads the rest of a chunk that was begun, and checks the end if the file was read to it.
    fn conclude(&mut self, file: &dyn ReadRanges) -> Result<Option<Disagreement>, StoreError> {
        let mut buffer = Vec::new();
        while let (Some((_, start)), None) = (&self.chunk, self.found) {
            let left = (start + self.side.chunk_len()).saturating_sub(self.next);
            buffer.resize(usize::try_from(left).unwrap_or(usize::MAX).min(BUFFER_LEN), 0);
            let read = file.read_at(self.next, &mut buffer)?;
            if read == 0 {
                break;
            }
            self.take(self.next, buffer.get(..read).unwrap_or_default())?;
        }
        if let (Some((digest, start)), None) = (self.chunk.take(), self.found) {
            self.compare(start, digest.finalize(), false)?;
        }
        if self.found.is_none() && self.next >= file.metadata().len {
            self.at_end();
        }
        Ok(self.found)
    }

    fn at_end(&mut self) {
        let chunks = self.side.chunks();
        if chunks > self.next.div_ceil(self.side.chunk_len()) {
            self.found = Some(Disagreement::CutShort { chunks, offset: self.next });
        }
    }

    /// Whether there are checksums past the end that a file has now. They never run ahead of the bytes, also of a file
    /// that grows.
    fn beyond(&self, file: &dyn ReadRanges) -> Result<Option<Disagreement>, StoreError> {
        let (chunks, offset) = (self.side.chunks(), file.current()?.len);
        let is_short = chunks > offset.div_ceil(self.side.chunk_len().max(1));
        Ok(is_short.then_some(Disagreement::CutShort { chunks, offset }))
    }

    /// Takes all bytes of a file.
    fn take_whole(&mut self, bytes: &[u8]) -> Result<Option<Disagreement>, StoreError> {
        self.take(0, bytes)?;
        if let (Some((digest, start)), None) = (self.chunk.take(), self.found) {
            self.compare(start, digest.finalize(), false)?;
        }
        if self.found.is_none() {
            self.at_end();
        }
        Ok(self.found)
    }
}

impl Disagreement {
    fn problem(self, path: &str, chunk_len: u64) -> Problem {
        let (offset, what) = match self {
            Self::Differs { offset, .. } => (
                offset,
                format!("the checksum that Hadoop keeps of this chunk of {chunk_len} bytes does not agree"),
            ),
            Self::NoSum { offset } => {
                (offset, "Hadoop's file of checksums ends before this chunk does".to_owned())
            }
            Self::Unreadable => {
                (0, "Hadoop cannot read the file of checksums that it keeps of it".to_owned())
            }
            Self::CutShort { chunks, offset } => (
                offset,
                format!("the file ends here; Hadoop keeps checksums of {chunks} chunks of {chunk_len} bytes"),
            ),
        };
        let meaning = match self {
            Self::CutShort { .. } => {
                "either the file was cut, or the .crc file beside it belongs to another file"
            }
            _ => {
                "either the bytes have changed, or the .crc file beside it belongs to others; Hadoop refuses to read it"
            }
        };
        Problem::new(ProblemKind::Checksum, path, what)
            .at(offset)
            .meaning(meaning)
            .hint(
                "bring both back from a copy; if a copy of the file without its .crc is whole (tidegate hfile verify, wal \
                 verify), a tool has written it past Hadoop: remove its .crc",
            )
    }
}

/// Shows whether a file of a target, and the checksums that Hadoop keeps of it, are still those that were looked at:
/// the file's identity, and that of its side file if it has one.
pub fn identity_with_side(
    store: &dyn Store,
    path: &StorePath,
    identity: &Identity,
) -> Result<String, StoreError> {
    let Some(side) = path.side_file().filter(|_| store.abilities().side_files) else {
        return Ok(identity.0.clone());
    };
    match store.metadata(&side) {
        Ok(side) => Ok(with_side(identity, Some(&side.identity))),
        // A name this long has none.
        Err(error) if matches!(error.kind, StoreErrorKind::NotFound | StoreErrorKind::InvalidPath) => {
            Ok(identity.0.clone())
        }
        Err(error) => Err(error),
    }
}

/// The same for a file whose side file is known.
pub fn with_side(identity: &Identity, side: Option<&Identity>) -> String {
    side.map_or_else(|| identity.0.clone(), |side| format!("{}+crc:{}", identity.0, side.0))
}

/// The file's part of an identity from [`with_side`].
pub fn file_identity(with_side: &str) -> &str {
    with_side.split_once("+crc:").map_or(with_side, |(file, _)| file)
}

/// Removes the side file of a file that has these bytes, if it does not agree with them; says whether it did.
pub fn drop_stale_side(store: &dyn Store, path: &StorePath, bytes: &[u8]) -> Result<bool, StoreError> {
    let Some(side) = SideFile::open(store, path)? else { return Ok(false) };
    match Watch::new(side).take_whole(bytes)? {
        None => Ok(false),
        Some(_) => drop_side(store, path),
    }
}

/// Reads a file whose side file is not known, and removes that if it does not agree; says whether it did.
pub fn settle_side(store: &dyn Store, path: &StorePath) -> Result<bool, StoreError> {
    let file = Witnessed::open(store, path)?;
    let (mut buffer, mut offset) = (vec![0; BUFFER_LEN], 0);
    while file.is_watched() && offset < file.metadata().len {
        match file.read_at(offset, &mut buffer)? {
            0 => break,
            read => offset += read as u64,
        }
    }
    if file.agrees() { Ok(false) } else { drop_side(store, path) }
}

/// Removes the side file of a file; says whether there was one.
pub fn drop_side(store: &dyn Store, path: &StorePath) -> Result<bool, StoreError> {
    let Some(side) = path.side_file().filter(|_| store.abilities().side_files) else { return Ok(false) };
    match store.delete(&side) {
        Err(error) if error.is_not_found() => Ok(false),
        deleted => deleted.map(|()| true),
    }
}

/// Reads a small file whole; what disagrees with its side file is a problem.
pub fn read_witnessed(
    store: &dyn Store,
    path: &StorePath,
    limit: u64,
) -> Result<(Vec<u8>, Option<Problem>), StoreError> {
    let bytes = store::read_all(store, path, limit)?;
    let Some(side) = SideFile::open(store, path)? else { return Ok((bytes, None)) };
    let chunk_len = side.chunk_len();
    let found = Watch::new(side).take_whole(&bytes)?;
    Ok((bytes, found.map(|found| found.problem(path.as_str(), chunk_len))))
}
