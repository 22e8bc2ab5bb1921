use super::aligned::{ALIGNMENT, AlignedBuffer, is_aligned};
use super::{Inner, failed, failure};
use crate::{Metadata, ReadRanges, StoreError, StoreErrorKind, StorePath};
use rustix::fs::{Advice, OFlags, fadvise, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::PathBuf,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

const OPENING: &str = "opening";
const READING: &str = "reading";

/// A file read through the page cache.
pub(super) struct CachedFile {
    store: Arc<Inner>,
    path: PathBuf,
    file: File,
    metadata: Metadata,
}

impl CachedFile {
    pub(super) fn open(store: Arc<Inner>, path: &StorePath) -> Result<Self, StoreError> {
        Self::open_with(store, path, OFlags::empty())
    }

    fn open_with(store: Arc<Inner>, path: &StorePath, flags: OFlags) -> Result<Self, StoreError> {
        let path = store.path(path);
        // Without NONBLOCK, opening a pipe would wait for its writer.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((flags | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)
            .map_err(failed(OPENING, &path))?;
        let status = file.metadata().map_err(failed(OPENING, &path))?;
        if status.is_dir() {
            return Err(failure(OPENING, &path, &Errno::ISDIR.into()));
        }
        if !status.is_file() {
            let what = "it is neither a file nor a directory";
            let path = path.display().to_string();
            return Err(StoreError::new(StoreErrorKind::WrongKind, OPENING, path, what));
        }
        let metadata = store.metadata_of(&status);
        Ok(Self { store, path, file, metadata })
    }
}

impl ReadRanges for CachedFile {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        fill(offset, buffer, 1, |offset, buffer| self.file.read_at(buffer, offset))
            .map_err(failed(READING, &self.path))
    }

    fn current(&self) -> Result<Metadata, StoreError> {
        let status = self.file.metadata().map_err(failed("looking at", &self.path))?;
        Ok(self.store.metadata_of(&status))
    }
}

/// A file read from the medium: past the page cache with `O_DIRECT`, or, where the file system does not have that,
/// after the cache was told to forget the file.
pub(super) struct UncachedFile {
    file: CachedFile,
    /// Whether it is open with `O_DIRECT`.
    direct: AtomicBool,
}

/// Bytes that one direct read takes at most when the caller's buffer is not aligned.
const DIRECT_READ: usize = 1 << 20;

thread_local! {
    /// Where a direct read goes first if the caller's buffer is not aligned; kept from file to file.
    static SCRATCH: RefCell<AlignedBuffer> = RefCell::default();
}

impl UncachedFile {
    pub(super) fn open(store: Arc<Inner>, path: &StorePath) -> Result<Self, StoreError> {
        if let Ok(file) = CachedFile::open_with(Arc::clone(&store), path, OFlags::DIRECT) {
            return Ok(Self { file, direct: AtomicBool::new(true) });
        }
        let file = CachedFile::open(store, path)?;
        file.forget()?;
        Ok(Self { file, direct: AtomicBool::new(false) })
    }

    /// From now on the file is read through the cache, of which its pages go first.
    fn leave_direct(&self) -> Result<(), StoreError> {
        self.file.forget()?;
        let flags = fcntl_getfl(&self.file.file).map_err(failed(READING, &self.file.path))?;
        fcntl_setfl(&self.file.file, flags - OFlags::DIRECT).map_err(failed(READING, &self.file.path))?;
        self.direct.store(false, Ordering::Relaxed);
        Ok(())
    }
}

pub(super) fn same_file(one: &File, other: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |file: &File| file.metadata().map(|status| (status.dev(), status.ino()));
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

impl CachedFile {
    /// Drops the file's pages from the cache. Only clean pages go: sync first.
    fn forget(&self) -> Result<(), StoreError> {
        fadvise(&self.file, 0, None, Advice::DontNeed).map_err(failed(READING, &self.path))
    }
}

impl ReadRanges for UncachedFile {
    fn metadata(&self) -> &Metadata {
        self.file.metadata()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        if !self.direct.load(Ordering::Relaxed) {
            return self.file.read_at(offset, buffer);
        }
        match fill(offset, buffer, ALIGNMENT, |offset, buffer| read_direct(&self.file.file, offset, buffer)) {
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                // The file system let it be opened so, but cannot do it.
                self.leave_direct()?;
                self.file.read_at(offset, buffer)
            }
            read => read.map_err(failed(READING, &self.file.path)),
        }
    }

    fn current(&self) -> Result<Metadata, StoreError> {
        self.file.current()
    }
}

/// One direct read, as far as it goes; through an aligned buffer if the caller's is not.
fn read_direct(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    if is_aligned(offset, buffer) {
        return file.read_at(buffer, offset);
    }
    let skip = offset % ALIGNMENT as u64;
    let head = usize::try_from(skip).unwrap_or(0);
    let want = head.saturating_add(buffer.len()).next_multiple_of(ALIGNMENT).min(DIRECT_READ);
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < want {
            *scratch = AlignedBuffer::new(want);
        }
        let aligned = scratch.get_mut(..want).unwrap_or_default();
        let read = file.read_at(aligned, offset - skip)?;
        let got = aligned.get(head..read).unwrap_or_default();
        let taken = got.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..taken), got.get(..taken)) {
            to.copy_from_slice(from);
        }
        Ok(taken)
    })
}

/// Reads until the buffer is full or the file ends, which a read shows that ends within such a block.
fn fill(
    offset: u64,
    buffer: &mut [u8],
    block: usize,
    read: impl Fn(u64, &mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut done = 0;
    // `pread` takes no offset above 2^63-1; no file is that long.
    while let Some(at) = offset.checked_add(done as u64).filter(|at| i64::try_from(*at).is_ok()) {
        let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) else { break };
        match read(at, rest) {
            Ok(0) => break,
            Ok(n) => {
                done += n;
                if !at.saturating_add(n as u64).is_multiple_of(block as u64) {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileStore, Publish, Store};

    #[test]
    fn without_direct_io_the_same_bytes_come_through_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path()).unwrap();
        let path = StorePath::parse("f").unwrap();
        let bytes: Vec<u8> = (0..100_000u32).map(|n| (n / 3) as u8).collect();
        store.put(&path, &bytes, Publish::IfAbsent).unwrap();
        let open = || UncachedFile::open(Arc::clone(&store.0), &path).unwrap();
        // Neither opened directly, nor refused at a read, nor direct: all read the same.
        let cached = CachedFile::open(Arc::clone(&store.0), &path).unwrap();
        let never = UncachedFile { file: cached, direct: AtomicBool::new(false) };
        let refused = open();
        refused.leave_direct().unwrap();
        for file in [never, refused, open()] {
            let mut buffer = vec![0; 70_000];
            assert_eq!(file.read_at(50_001, &mut buffer).unwrap(), 49_999);
            assert!(buffer[..49_999] == bytes[50_001..]);
        }
    }
}
