use super::aligned::{ALIGNMENT, is_aligned};
use super::read::same_file;
use super::{Inner, failed, failure};
use crate::{PartReceipt, StoreError, StoreErrorKind, WritePart, WriteParts, WriteShape};
use rustix::fs::{Advice, FallocateFlags, OFlags, fadvise, fallocate};
use rustix::io::Errno;
use std::{
    fs::{self, File, OpenOptions},
    io,
    num::NonZeroU64,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

const WRITING: &str = "writing";
const FINISHING: &str = "finishing";

/// From this length on, room is asked for at the start: a full disk then shows before anything is copied, and parts
/// written at the same time do not tear the file into extents. For small files it only costs time.
const ALLOCATE_FROM: u64 = 1 << 20;

/// The kernel is told to start writing after this many bytes, so that the disk works while the next are copied and
/// little is left for the sync at the end.
const WRITE_BEHIND: u64 = 8 << 20;

/// A file being written under its final name.
pub(super) struct PartialFile {
    path: PathBuf,
    file: File,
    /// The same file, opened to be written past the page cache: a long file costs a copy of its bytes less, and is on
    /// the medium when it is written.
    direct: Option<File>,
    direct_refused: AtomicBool,
    shape: WriteShape,
    token: String,
    /// Device and inode.
    place: (u64, u64),
}

impl PartialFile {
    /// A new file in place of what had the name before.
    pub(super) fn create(store: &Inner, path: PathBuf, shape: WriteShape) -> Result<Self, StoreError> {
        shape.check(&path.display().to_string())?;
        store.watch_errors();
        let file = store.create_anew(&path)?;
        store.watch_errors();
        if let Err(error) = take_room(&file, shape, store) {
            let _ = fs::remove_file(&path);
            let what = io::Error::from(error);
            return Err(failure(&format!("taking room for {} bytes", shape.len), &path, &what));
        }
        let status = file.metadata().map_err(failed(WRITING, &path))?;
        Ok(Self::opened(path, file, shape, &status))
    }

    fn opened(path: PathBuf, file: File, shape: WriteShape, status: &fs::Metadata) -> Self {
        let direct = (shape.len >= ALLOCATE_FROM).then(|| open_direct(&path, &file)).flatten();
        let (token, place) = (token_of(status, shape), (status.dev(), status.ino()));
        Self { path, file, direct, direct_refused: AtomicBool::new(false), shape, token, place }
    }

    /// The file that an earlier run began, if it is still that one.
    pub(super) fn resume(path: PathBuf, shape: WriteShape, token: &str) -> Result<Self, StoreError> {
        let doing = "going on with";
        let file = OpenOptions::new().write(true).open(&path).map_err(failed(doing, &path))?;
        let status = file.metadata().map_err(failed(doing, &path))?;
        if token_of(&status, shape) != token {
            let what = "this is not the file that was begun: start it afresh";
            let path = path.display().to_string();
            return Err(StoreError::new(StoreErrorKind::NotFound, doing, path, what));
        }
        if status.len() != shape.len && shape.parts() > 1 {
            file.set_len(shape.len).map_err(failed(doing, &path))?;
        }
        Ok(Self::opened(path, file, shape, &status))
    }

    /// Writes as much as can be written past the page cache, and says how much that was.
    fn write_direct(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let Some(direct) = self.direct.as_ref().filter(|_| !self.direct_refused.load(Ordering::Relaxed))
        else {
            return Ok(0);
        };
        let whole = bytes.get(..bytes.len() - bytes.len() % ALIGNMENT).unwrap_or_default();
        if whole.is_empty() || !is_aligned(at, whole) {
            return Ok(0);
        }
        match direct.write_all_at(whole, at) {
            Ok(()) => Ok(whole.len()),
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                // The file system let it be opened so, but cannot do it.
                self.direct_refused.store(true, Ordering::Relaxed);
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    fn wrong(&self, what: String) -> StoreError {
        StoreError::new(StoreErrorKind::Other, FINISHING, self.path.display().to_string(), what)
    }
}

fn open_direct(path: &Path, file: &File) -> Option<File> {
    let flags = OFlags::DIRECT.bits().cast_signed();
    let direct = OpenOptions::new().write(true).custom_flags(flags).open(path).ok()?;
    same_file(&direct, file).then_some(direct)
}

/// Asking for more than there is would take all there is for a moment, from everybody.
fn take_room(file: &File, shape: WriteShape, store: &Inner) -> Result<(), Errno> {
    if shape.len >= ALLOCATE_FROM {
        if store.available().is_ok_and(|free| free < shape.len) {
            return Err(Errno::NOSPC);
        }
        match fallocate(file, FallocateFlags::empty(), 0, shape.len) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            taken => return taken,
        }
    }
    if shape.parts() > 1 { rustix::fs::ftruncate(file, shape.len) } else { Ok(()) }
}

/// Shape, inode and birth: an inode's number alone is soon used again.
fn token_of(status: &fs::Metadata, shape: WriteShape) -> String {
    let born = status.created().ok().and_then(|born| born.duration_since(SystemTime::UNIX_EPOCH).ok());
    let born = born.unwrap_or_default().as_nanos();
    format!("{}:{}:{}:{born}", shape.len, shape.part_len, status.ino())
}

fn receipt(index: u32, len: u64) -> PartReceipt {
    PartReceipt(format!("{index}:{len}"))
}

impl WriteParts for PartialFile {
    fn token(&self) -> String {
        self.token.clone()
    }

    fn part(&self, index: u32) -> Result<Box<dyn WritePart + '_>, StoreError> {
        if u64::from(index) >= self.shape.parts() {
            return Err(self.wrong(format!("there is no part {index} of {}", self.shape.parts())));
        }
        let (start, len) = self.shape.part(index);
        Ok(Box::new(Part { of: self, index, start, len, done: 0, behind: 0 }))
    }

    fn finish(&self, receipts: &[PartReceipt]) -> Result<(), StoreError> {
        self.shape.check_receipts(receipts, receipt).map_err(|what| self.wrong(what))?;
        let named = fs::metadata(&self.path).map_err(failed(FINISHING, &self.path))?;
        if (named.dev(), named.ino()) != self.place {
            return Err(self.wrong("another file has taken its name meanwhile".to_owned()));
        }
        if named.len() != self.shape.len {
            let what = format!("it has {} bytes, not the {} announced", named.len(), self.shape.len);
            return Err(self.wrong(what));
        }
        Ok(())
    }
}

struct Part<'a> {
    of: &'a PartialFile,
    index: u32,
    start: u64,
    len: u64,
    done: u64,
    /// How far the kernel was told to write.
    behind: u64,
}

impl Part<'_> {
    /// `DONTNEED` starts the writing of dirty pages without waiting for it (and forgets clean ones).
    fn write_behind(&mut self) {
        let start = self.start + self.behind;
        // Only advice: where it is not taken, the sync at the end has more to do.
        let _ = fadvise(&self.of.file, start, NonZeroU64::new(self.done - self.behind), Advice::DontNeed);
        self.behind = self.done;
    }
}

impl WritePart for Part<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let room = self.len - self.done;
        if bytes.len() as u64 > room {
            let what = format!("part {} is to have {} bytes, and more were given", self.index, self.len);
            return Err(self.of.wrong(what));
        }
        let at = self.start + self.done;
        let written = self.of.write_direct(bytes, at).and_then(|direct| {
            let rest = bytes.get(direct..).unwrap_or_default();
            self.of.file.write_all_at(rest, at + direct as u64)?;
            Ok(direct)
        });
        let direct = written.map_err(|error| {
            failure(&format!("{WRITING} {} bytes at {at}", bytes.len()), &self.of.path, &error)
        })?;
        self.done += bytes.len() as u64;
        if direct > 0 {
            self.behind = self.done;
        } else if self.done - self.behind >= WRITE_BEHIND {
            self.write_behind();
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<PartReceipt, StoreError> {
        if self.done != self.len {
            let what = format!("part {} has {} bytes, not the {} announced", self.index, self.done, self.len);
            return Err(self.of.wrong(what));
        }
        if self.done - self.behind >= ALLOCATE_FROM {
            self.write_behind();
        }
        Ok(receipt(self.index, self.len))
    }
}
