//! Puts files made from WALs in their place: written under another name, read back, renamed.

use super::report::Tally;
use catalog::{BatchSum, CatalogError, encode_document, layout};
use columns::markers::WalSummary;
use stage::{Bytes, Failure, Map, Problem, ProblemKind, Problems};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use steps::bytes::{BUFFER_LEN, RangeHasher, RangeSum, failed_store};
use steps::wal::{EncodedFile, EncodedWal, LargeContent, Made, WalToGather};
use store::{Publish, ReadRanges, Store, StorePath};

pub const LOOKING: &str = "looking at the repository";

/// Where files go, and where they are until they are proved.
pub struct PublishWals<'a> {
    pub target: &'a dyn Store,
    /// `.tidegate/partial/convert`
    pub partial: StorePath,
    /// Numbers the files that are being written.
    pub next: AtomicU64,
}

/// The outcome for a WAL.
pub struct PublishedWal {
    /// Which one.
    pub asked: WalToGather,
    /// What it holds; `None` if it was not converted.
    pub summary: Option<WalSummary>,
    /// What was written.
    pub tally: Tally,
    /// What is left to do if its cells did not fit into memory, with the files that are to be published after them.
    pub too_large: Option<(LargeContent, Vec<EncodedFile>)>,
    /// What is wrong.
    pub problems: Problems,
    /// Bytes that were read.
    pub bytes_read: u64,
}

impl Bytes for PublishedWal {
    fn bytes(&self) -> usize {
        0
    }
}

impl Map for PublishWals<'_> {
    type In = EncodedWal;
    type Out = PublishedWal;

    fn map(&self, encoded: EncodedWal) -> Result<PublishedWal, Failure> {
        let EncodedWal { asked, summary, files, too_large, problems, bytes_read } = encoded;
        let tally = Tally::default();
        let mut published = PublishedWal { asked, summary, tally, too_large: None, problems, bytes_read };
        match (too_large, &published.summary) {
            (Some(content), _) => published.too_large = Some((content, files)),
            (None, Some(summary)) => {
                let stem = summary.wal.stem();
                for file in files {
                    self.publish_file(&stem, &file, &mut published.tally, &mut published.problems)?;
                }
            }
            (None, None) => {}
        }
        Ok(published)
    }
}

impl PublishWals<'_> {
    /// Publishes a file of a WAL. One that is there already is left as it is: if it has other bytes, that is a problem.
    pub fn publish_file(
        &self,
        stem: &str,
        file: &EncodedFile,
        tally: &mut Tally,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let path = path_of(stem, &file.made)?;
        if self.exists(&path)? {
            return self.compare(&path, &file.bytes, tally, problems);
        }
        if matches!(file.made, Made::Batch(_)) {
            self.write_sum(&path, &sum_of(&file.bytes))?;
        }
        let unwritten = |error| failed_store("writing a batch", self.target, error);
        let partial = self.partial_path()?;
        self.target.put(&partial, &file.bytes, Publish::Replace).map_err(unwritten)?;
        self.place(&partial, &path, &sum_of(&file.bytes))?;
        tally.wrote(&file.made, file.bytes.len() as u64);
        Ok(())
    }

    /// Reads a file back, and gives it its name.
    pub fn place(&self, partial: &StorePath, path: &StorePath, sum: &RangeSum) -> Result<(), Failure> {
        let failed = |error| failed_store("giving a batch its name", self.target, error);
        self.prove(partial, sum)?;
        self.target.rename(partial, path, Publish::IfAbsent).map_err(failed)?;
        self.target.sync_batch(std::slice::from_ref(path)).map_err(failed)
    }

    /// Writes the digests of a batch beside it, before it has its name: readers compare them.
    pub fn write_sum(&self, batch: &StorePath, sum: &RangeSum) -> Result<(), Failure> {
        let failed = |error| failed_store("writing a batch's digests", self.target, error);
        let document = BatchSum { len: sum.len, crc32c: sum.crc32c, blake3: sum.blake3.to_string() };
        let bytes = encode_document(&document)
            .map_err(|error: CatalogError| error.failed("writing a batch's digests"))?;
        let path = layout::sum_of_batch(batch).map_err(failed)?;
        self.target.put(&path, &bytes, Publish::Replace).map_err(failed)
    }

    /// A name for a file that is being written.
    pub fn partial_path(&self) -> Result<StorePath, Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.partial.join(&number.to_string()).map_err(Failure::usage)
    }

    /// Whether there is such a file.
    pub fn exists(&self, path: &StorePath) -> Result<bool, Failure> {
        store::exists(self.target, path).map_err(|error| failed_store(LOOKING, self.target, error))
    }

    fn prove(&self, path: &StorePath, sum: &RangeSum) -> Result<(), Failure> {
        let unread = |error| failed_store("reading a batch back", self.target, error);
        let file = self.target.open_uncached(path).map_err(unread)?;
        let mut read = RangeHasher::new(0, true);
        each_piece(file.as_ref(), |piece| read.update(piece)).map_err(unread)?;
        if read.finish() == *sum {
            return Ok(());
        }
        Err(Failure::failed("reading a batch back", path, "the medium does not return what was written")
            .hint("check the target's disks; what is published is whole"))
    }

    fn compare(
        &self,
        path: &StorePath,
        bytes: &[u8],
        tally: &mut Tally,
        problems: &mut Problems,
    ) -> Result<(), Failure> {
        let unread = |error| failed_store("reading a batch", self.target, error);
        let file = self.target.open(path).map_err(unread)?;
        let (mut rest, mut same) = (bytes, true);
        each_piece(file.as_ref(), |piece| match rest.split_at_checked(piece.len()) {
            Some((front, behind)) => {
                same &= front == piece;
                rest = behind;
            }
            None => same = false,
        })
        .map_err(unread)?;
        if same && rest.is_empty() {
            tally.already += 1;
        } else {
            problems.push(differs(path));
        }
        Ok(())
    }
}

/// A file of the repository is not what would be written now.
pub fn differs(path: &StorePath) -> Problem {
    Problem::new(
        ProblemKind::Checksum,
        path,
        "the bytes under this name in the repository are not what the WAL gives now",
    )
    .meaning("one of them is damaged, or another version wrote it; the file was left as it is")
    .hint("to have it made anew, delete it and run convert again")
}

/// Where a file made from a WAL lies.
pub fn path_of(stem: &str, made: &Made) -> Result<StorePath, Failure> {
    match made {
        Made::Batch(table) => layout::batch(table, stem),
        Made::Lineage => layout::lineage_of(stem),
        Made::Markers => layout::markers_of(stem),
    }
    .map_err(Failure::usage)
}

fn sum_of(bytes: &[u8]) -> RangeSum {
    let mut hasher = RangeHasher::new(0, true);
    hasher.update(bytes);
    hasher.finish()
}

fn each_piece(file: &dyn ReadRanges, mut take: impl FnMut(&[u8])) -> Result<(), store::StoreError> {
    let mut buffer = vec![0; BUFFER_LEN];
    let mut offset = 0;
    loop {
        let read = file.read_at(offset, &mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        take(buffer.get(..read).unwrap_or_default());
        offset += read as u64;
    }
}

/// A file that is written from front to back, without its length being known in advance. A clone is the same file: one
/// is written to, the other gives it its name.
#[derive(Clone)]
pub struct GrowingBatch<'a> {
    growing: Arc<Mutex<Growing>>,
    partial: StorePath,
    publishing: &'a PublishWals<'a>,
}

struct Growing {
    /// `None` once it is ended.
    file: Option<Box<dyn store::GrowingFile>>,
    buffer: Vec<u8>,
    hasher: RangeHasher,
}

impl<'a> GrowingBatch<'a> {
    /// A new file.
    pub fn begin(publishing: &'a PublishWals<'a>) -> Result<Self, Failure> {
        let partial = publishing.partial_path()?;
        let unwritten = |error| failed_store("writing a batch", publishing.target, error);
        let file = Some(publishing.target.create(&partial).map_err(unwritten)?);
        let growing = Growing { file, buffer: Vec::new(), hasher: RangeHasher::new(0, true) };
        Ok(Self { growing: Arc::new(Mutex::new(growing)), partial, publishing })
    }

    /// Makes what was written durable and gives it its name; says how long it is.
    pub fn place(self, path: &StorePath) -> Result<u64, Failure> {
        let sum = {
            let mut growing = self.growing();
            let Growing { file, buffer, hasher } = &mut *growing;
            let target = self.publishing.target;
            let end = |mut file: Box<dyn store::GrowingFile>| {
                file.write(buffer)?;
                file.finish()?;
                target.sync_batch(std::slice::from_ref(&self.partial))
            };
            let ended = file.take().map_or(Ok(()), end);
            ended.map_err(|error| failed_store("writing a batch", target, error))?;
            std::mem::replace(hasher, RangeHasher::new(0, true)).finish()
        };
        self.publishing.write_sum(path, &sum)?;
        self.publishing.place(&self.partial, path, &sum)?;
        Ok(sum.len)
    }

    fn growing(&self) -> MutexGuard<'_, Growing> {
        self.growing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for GrowingBatch<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut growing = self.growing();
        let Growing { file, buffer, hasher } = &mut *growing;
        hasher.update(bytes);
        buffer.extend_from_slice(bytes);
        if let Some(file) = file.as_mut().filter(|_| buffer.len() >= BUFFER_LEN) {
            file.write(buffer).map_err(io::Error::other)?;
            buffer.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
