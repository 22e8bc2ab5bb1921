//! Reads a WAL from front to back.

use crate::bytes::BUFFER_LEN;
use crate::bytes::Witnessed;
use formats::wal::{Step, WalDecoder, WalDecoderOptions, WalEnd, WalEntry, WalHeader};
use std::sync::Arc;
use store::{ReadRanges, Store, StoreError, StorePath};

/// How often a torn end is looked at again because the file has grown since.
const LOOKS: usize = 8;

/// Opens a WAL wherever it is now: HBase moves it from its server's directory to `-splitting` and on to `oldWALs`. It
/// may move between two looks, so the places are tried twice.
///
/// # Errors
/// The storage's; not found if it is in none of the places.
pub fn open_wal(store: &dyn Store, places: &[StorePath]) -> Result<Arc<Witnessed>, StoreError> {
    let mut vanished = None;
    for place in places.iter().chain(places) {
        match Witnessed::open(store, place) {
            Err(error) if error.is_not_found() => vanished.get_or_insert(error),
            opened => return opened.map(Arc::new),
        };
    }
    Err(vanished.unwrap_or_else(|| {
        StoreError::new(store::StoreErrorKind::NotFound, "opening", "a WAL", "there is no place to look at")
    }))
}

/// The entries of a WAL, one after another, read ahead in pieces.
pub struct ReadWal {
    file: Arc<dyn ReadRanges>,
    decoder: WalDecoder,
    /// Bytes read ahead; those before `used` have been taken by the decoder.
    ahead: Vec<u8>,
    used: usize,
    /// Where the bytes after those read ahead are in the file.
    offset: u64,
    end: u64,
    /// How often the file may still be found to have grown.
    looks: usize,
    /// Bytes read.
    read: u64,
}

impl ReadWal {
    /// Reads the whole file. If it ends within an entry and has grown since, reading continues.
    pub fn new(file: Arc<dyn ReadRanges>, options: WalDecoderOptions) -> Self {
        let end = file.metadata().len;
        Self { looks: LOOKS, ..Self::until(file, options, end) }
    }

    /// Reads the file up to `end`.
    pub fn until(file: Arc<dyn ReadRanges>, options: WalDecoderOptions, end: u64) -> Self {
        let decoder = WalDecoder::new(options);
        Self { file, decoder, ahead: Vec::new(), used: 0, offset: 0, end, looks: 0, read: 0 }
    }

    /// The header, once an entry or the end was given.
    pub fn header(&self) -> Option<&WalHeader> {
        self.decoder.header()
    }

    /// How long the file is, where known.
    pub fn length(&self) -> u64 {
        self.end
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Shows the next entry; returns the end if there is none.
    ///
    /// # Errors
    /// The storage's. The end says what is wrong with the bytes.
    #[inline]
    pub fn next_entry(&mut self, see: &mut impl FnMut(&WalEntry<'_>)) -> Result<Option<WalEnd>, StoreError> {
        loop {
            let mut window = self.ahead.get(self.used..).unwrap_or_default();
            let (step, mut wanted) = (self.decoder.step(&mut window), 0);
            let seen = match &step {
                Ok(Step::Entry(entry)) => {
                    see(entry);
                    true
                }
                Ok(Step::NeedMore { at_least }) => {
                    wanted = *at_least;
                    false
                }
                Ok(Step::Header(_) | Step::Trailer) => false,
                Err(_) => return Ok(Some(self.decoder.finish(window))),
            };
            self.used = self.ahead.len() - window.len();
            if seen {
                return Ok(None);
            }
            if wanted > 0 && !self.fill(wanted)? {
                let rest = self.ahead.get(self.used..).unwrap_or_default();
                match self.decoder.finish(rest) {
                    WalEnd::Torn { .. } | WalEnd::Empty { .. } | WalEnd::PartialTrailer { .. }
                        if self.has_grown() => {}
                    end => return Ok(Some(end)),
                }
            }
        }
    }

    /// Reads on; false at the end.
    fn fill(&mut self, wanted: usize) -> Result<bool, StoreError> {
        self.ahead.drain(..self.used);
        self.used = 0;
        let have = self.ahead.len();
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        // In pieces even where much is wanted: what a damaged length asks for may not be there.
        let more = wanted.saturating_sub(have).clamp(BUFFER_LEN, 16 * BUFFER_LEN).min(left);
        self.ahead.resize(have + more, 0);
        let read = self.file.read_at(self.offset, self.ahead.get_mut(have..).unwrap_or_default())?;
        self.ahead.truncate(have + read);
        self.offset += read as u64;
        self.read += read as u64;
        if read < more {
            self.end = self.offset;
        }
        Ok(read > 0)
    }

    fn has_grown(&mut self) -> bool {
        let Some(looks) = self.looks.checked_sub(1) else { return false };
        self.looks = looks;
        let now = self.file.current().map_or(0, |metadata| metadata.len);
        let grown = now > self.end;
        self.end = self.end.max(now);
        grown
    }
}

/// The header of a WAL; `None` if it is not whole.
///
/// # Errors
/// The storage's, or that it is no WAL.
pub fn read_wal_header(file: &dyn ReadRanges) -> Result<Option<WalHeader>, crate::bytes::ReadFault> {
    let bytes = crate::bytes::read_span(file, 0, HEADER_LEN)?;
    Ok(WalHeader::decode(&bytes)?.map(|(header, _)| header))
}

/// The longest header.
const HEADER_LEN: u64 = 65 << 10;
