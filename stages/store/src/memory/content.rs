use crate::Identity;
use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// The bytes of a file, shared by its name, its readers and its writer.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Bytes,
    version: AtomicU64,
    appended_to: AtomicBool,
    /// Whether all that was written is on the medium.
    durable: AtomicBool,
}

#[derive(Debug)]
enum Bytes {
    Hollow(u64),
    Held(RwLock<Held>),
}

#[derive(Debug)]
struct Held {
    /// The announced length; what is not written yet reads as zeros.
    len: u64,
    written: Vec<u8>,
}

impl Content {
    pub(super) fn hollow(len: u64, version: u64) -> Self {
        Self::new(Bytes::Hollow(len), version)
    }

    pub(super) fn whole(written: Vec<u8>, version: u64) -> Self {
        let held = Held { len: written.len() as u64, written };
        Self::new(Bytes::Held(RwLock::new(held)), version)
    }

    /// A file of that length to be written into.
    pub(super) fn announced(len: u64, version: u64) -> Self {
        let held = Held { len, written: Vec::new() };
        Self::new(Bytes::Held(RwLock::new(held)), version)
    }

    /// The same bytes as another file.
    pub(super) fn copied(&self, version: u64) -> Self {
        match &self.bytes {
            Bytes::Hollow(len) => Self::hollow(*len, version),
            Bytes::Held(held) => {
                let held = held.read().unwrap_or_else(PoisonError::into_inner);
                let held = Held { len: held.len, written: held.written.clone() };
                Self::new(Bytes::Held(RwLock::new(held)), version)
            }
        }
    }

    fn new(bytes: Bytes, version: u64) -> Self {
        let version = AtomicU64::new(version);
        Self { bytes, version, appended_to: AtomicBool::new(false), durable: AtomicBool::new(false) }
    }

    pub(super) fn sync(&self) {
        self.durable.store(true, Ordering::Release);
    }

    pub(super) fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Acquire)
    }

    /// Forgets the bytes, but not how many there were.
    pub(super) fn forget(&self) {
        if let Bytes::Held(held) = &self.bytes {
            held.write().unwrap_or_else(PoisonError::into_inner).written.clear();
        }
    }

    /// Says whether nobody else holds it.
    pub(super) fn lock_for_append(&self) -> bool {
        !self.appended_to.swap(true, Ordering::AcqRel)
    }

    pub(super) fn unlock_for_append(&self) {
        self.appended_to.store(false, Ordering::Release);
    }

    pub(super) fn identity(&self) -> Identity {
        Identity(format!("v{}", self.version.load(Ordering::Acquire)))
    }

    pub(super) fn len(&self) -> u64 {
        match &self.bytes {
            Bytes::Hollow(len) => *len,
            Bytes::Held(held) => held.read().map_or(0, |held| held.len),
        }
    }

    /// Reads as far as the file goes; `None` if there are no bytes to read.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Option<usize> {
        let Bytes::Held(held) = &self.bytes else { return None };
        let held = held.read().ok()?;
        let rest = held.len.saturating_sub(offset);
        let take = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        let (wanted, _) = buffer.split_at_mut(take);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = held.written.get(offset..).unwrap_or_default();
        let (from_written, zeros) = wanted.split_at_mut(there.len().min(take));
        from_written.copy_from_slice(there.split_at(from_written.len()).0);
        zeros.fill(0);
        Some(take)
    }

    /// Writes at an offset; says whether there is memory for it.
    pub(super) fn write(&self, offset: u64, bytes: &[u8], version: u64) -> bool {
        let Bytes::Held(held) = &self.bytes else { return false };
        let Ok(mut held) = held.write() else { return false };
        let Ok(start) = usize::try_from(offset) else { return false };
        let Some(end) = start.checked_add(bytes.len()) else { return false };
        let more = end.saturating_sub(held.written.len());
        if held.written.try_reserve(more).is_err() {
            return false;
        }
        if more > 0 {
            held.written.resize(end, 0);
        }
        if let Some(place) = held.written.get_mut(start..end) {
            place.copy_from_slice(bytes);
        }
        held.len = held.len.max(end as u64);
        self.durable.store(false, Ordering::Release);
        self.version.store(version, Ordering::Release);
        true
    }
}
