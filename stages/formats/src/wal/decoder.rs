use super::compression::CompressionContext;
use super::dictionaries::Stop;
use super::entry::WalEntry;
use super::header::{CellLayout, TRAILER, WalHeader};
use super::plain::{Progress, Scanned, Scanner};
use crate::FormatError;

/// The most that a decoder accepts: a length beyond it is refused before anything is allocated or waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalLimits {
    /// Bytes of one entry: as it lies, and decompressed. HBase itself takes no request above 256 MiB
    /// (`hbase.ipc.max.request.size`).
    pub entry_bytes: usize,
    /// Bytes that the dictionaries of one file hold.
    pub dictionary_bytes: usize,
}

impl Default for WalLimits {
    fn default() -> Self {
        Self { entry_bytes: 256 << 20, dictionary_bytes: 128 << 20 }
    }
}

/// What a decoder cannot see in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalDecoderOptions {
    /// The file lies under `recovered.edits`: HBase then gives the dictionaries of regions and tables one entry each.
    pub recovered_edits: bool,
    /// See [`WalLimits`].
    pub limits: WalLimits,
}

/// What was found at the front of the window.
#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing whole yet: call again with at least this many bytes in the window, starting with those left in it.
    NeedMore {
        /// Bytes that the window must have.
        at_least: usize,
    },
    /// The header; always the first.
    Header(&'a WalHeader),
    /// An entry.
    Entry(WalEntry<'a>),
    /// The trailer of a WAL that was closed: nothing may follow.
    Trailer,
}

/// What [`WalDecoder::poll`] came upon.
pub(super) enum Polled {
    NeedMore(usize),
    Header,
    Trailer,
    /// An entry, or a part of one, that can be used as it lies in the window; it has not been taken.
    AsItLies,
    /// A whole compressed entry, now plain in the decoder.
    Compressed,
}

/// How a WAL ended. `offset` is always the end of the last whole entry (or of the header).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalEnd {
    /// With its trailer: nothing is missing.
    Closed {
        /// Where the trailer starts.
        offset: u64,
    },
    /// Exactly after an entry, without a trailer: still being written, or its server died.
    Unclosed {
        /// The end of the last whole entry.
        offset: u64,
    },
    /// Before the header was complete: HBase's "empty WAL", no entry was ever in it.
    Empty {
        /// Bytes that are there.
        length: u64,
    },
    /// In the middle of an entry, which HBase drops whole.
    Torn {
        /// Where that entry starts.
        offset: u64,
    },
    /// In the middle of the trailer; all entries are there.
    PartialTrailer {
        /// Where the trailer starts.
        offset: u64,
        /// How many of its 8 bytes are there.
        length: usize,
    },
    /// At bytes that are no entry: this decoder cannot read what follows (see [`super::WalSalvager`]).
    Damaged {
        /// The end of the last whole entry: the damage is right after it, or already in it.
        offset: u64,
        /// What is wrong, at its own offset.
        error: FormatError,
    },
    /// It is of a kind that cannot be read; the error names the class.
    Unsupported {
        /// The end of the header.
        offset: u64,
        /// What cannot be read.
        error: FormatError,
    },
}

impl WalEnd {
    /// The end of the last whole entry (or of the header; 0 if that is not whole).
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self {
            Self::Empty { .. } => 0,
            Self::Closed { offset }
            | Self::Unclosed { offset }
            | Self::Torn { offset }
            | Self::PartialTrailer { offset, .. }
            | Self::Damaged { offset, .. }
            | Self::Unsupported { offset, .. } => *offset,
        }
    }
}

#[derive(Debug)]
enum Layout {
    AsItLies(Scanner, Progress),
    Compressed(Box<CompressionContext>),
}

#[derive(Debug)]
enum State {
    Header,
    Entries(Layout),
    Closed,
    Failed(FormatError),
}

/// Decodes one WAL from front to back (`ProtobufWALStreamReader`). Does no I/O: the caller owns a window over the
/// file, and each [`WalDecoder::step`] takes what it found off the window's front. A compressed entry may be taken in
/// pieces, so never show a step again what an earlier one took.
#[derive(Debug)]
pub struct WalDecoder {
    options: WalDecoderOptions,
    header: WalHeader,
    state: State,
    /// The end of the last whole entry, or of the header.
    offset: u64,
    /// The last bytes taken of an entry that is not whole.
    last_taken: Vec<u8>,
}

impl WalDecoder {
    /// At the start of a file.
    #[must_use]
    pub fn new(options: WalDecoderOptions) -> Self {
        Self {
            options,
            header: WalHeader::default(),
            state: State::Header,
            offset: 0,
            last_taken: Vec::new(),
        }
    }

    /// The end of the last whole entry (or of the header), from the start of the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The header, once it was given.
    #[must_use]
    pub fn header(&self) -> Option<&WalHeader> {
        (self.offset > 0).then_some(&self.header)
    }

    /// Takes the next thing off the front of `window`.
    ///
    /// # Errors
    /// Damage, or a kind of WAL that cannot be read, at its offset in the file. Every later step gives the same.
    pub fn step<'s, 'w: 's>(&'s mut self, window: &mut &'w [u8]) -> Result<Step<'s>, FormatError> {
        match self.poll(window)? {
            Polled::NeedMore(at_least) => Ok(Step::NeedMore { at_least }),
            Polled::Header => Ok(Step::Header(&self.header)),
            Polled::Trailer => Ok(Step::Trailer),
            Polled::AsItLies => self.step_as_it_lies(window),
            Polled::Compressed => self.compressed_entry().map(Step::Entry),
        }
    }

    /// Takes the next thing, except an entry that can be used as it lies.
    pub(super) fn poll(&mut self, window: &mut &[u8]) -> Result<Polled, FormatError> {
        match &self.state {
            State::Header => return self.poll_header(window),
            State::Failed(error) => return Err(error.clone()),
            State::Closed if window.is_empty() => return Ok(Polled::NeedMore(1)),
            State::Closed => {
                let error = FormatError::corrupt("there are more bytes after the trailer of the WAL");
                return Err(self.fail(error.at(self.offset + TRAILER.len() as u64)));
            }
            State::Entries(_) if window.first() == Some(&0) && !self.within_entry() => {
                return self.poll_trailer(window);
            }
            State::Entries(Layout::AsItLies(..)) => return Ok(Polled::AsItLies),
            State::Entries(Layout::Compressed(_)) => {}
        }
        self.poll_compressed(window)
    }

    /// How the file ended, when `rest`, what the last step left of the window, is all there is.
    #[must_use]
    pub fn finish(&self, rest: &[u8]) -> WalEnd {
        let offset = self.offset;
        match &self.state {
            State::Header => WalEnd::Empty { length: rest.len() as u64 },
            State::Closed => WalEnd::Closed { offset },
            State::Failed(error) if error.is_unsupported() => {
                WalEnd::Unsupported { offset, error: error.clone() }
            }
            State::Failed(error) => WalEnd::Damaged { offset, error: error.clone() },
            State::Entries(_) if self.within_entry() => self.torn(rest),
            State::Entries(_) if rest.is_empty() => WalEnd::Unclosed { offset },
            State::Entries(_) if TRAILER.starts_with(rest) => {
                WalEnd::PartialTrailer { offset, length: rest.len() }
            }
            State::Entries(_) => self.torn(rest),
        }
    }

    /// An entry that is cut; one that has swallowed the trailer was not cut but has a wrong length.
    fn torn(&self, rest: &[u8]) -> WalEnd {
        let offset = self.offset;
        let mut last = self.last_taken.clone();
        last.extend_from_slice(rest.last_chunk::<{ TRAILER.len() }>().map_or(rest, |last| last));
        if last.ends_with(&TRAILER) {
            let error = FormatError::corrupt("a WAL entry whose lengths reach over the trailer").at(offset);
            return WalEnd::Damaged { offset, error };
        }
        WalEnd::Torn { offset }
    }

    fn within_entry(&self) -> bool {
        matches!(&self.state, State::Entries(Layout::Compressed(context)) if context.taken() > 0)
    }

    #[cold]
    fn fail(&mut self, error: FormatError) -> FormatError {
        self.state = State::Failed(error.clone());
        error
    }

    fn poll_header(&mut self, window: &mut &[u8]) -> Result<Polled, FormatError> {
        let decoded = match WalHeader::decode(window) {
            Ok(Some(decoded)) => decoded,
            Ok(None) => return Ok(Polled::NeedMore(window.len() + 1)),
            Err(error) => return Err(self.fail(error)),
        };
        let length;
        (self.header, length) = decoded;
        *window = window.get(length..).unwrap_or_default();
        self.offset = length as u64;
        self.state = match self.layout() {
            Ok(layout) => State::Entries(layout),
            // The header can be shown all the same; the next step fails.
            Err(error) => State::Failed(error.at(self.offset)),
        };
        Ok(Polled::Header)
    }

    fn layout(&self) -> Result<Layout, FormatError> {
        let WalDecoderOptions { recovered_edits, limits } = self.options;
        let layout = self.header.cell_layout()?;
        if layout == CellLayout::Compressed {
            let context = CompressionContext::new(&self.header, recovered_edits, limits)?;
            return Ok(Layout::Compressed(Box::new(context)));
        }
        let scanner = Scanner {
            encrypted: layout == CellLayout::Encrypted,
            indexed: self.header.is_indexed(),
            limit: limits.entry_bytes,
        };
        Ok(Layout::AsItLies(scanner, Progress::default()))
    }

    /// A zero where an entry should start: a trailer, or damage, since no WALKey is empty.
    fn poll_trailer(&mut self, window: &mut &[u8]) -> Result<Polled, FormatError> {
        match window.strip_prefix(&TRAILER) {
            Some(rest) => {
                *window = rest;
                self.state = State::Closed;
                Ok(Polled::Trailer)
            }
            None if TRAILER.starts_with(window) => Ok(Polled::NeedMore(TRAILER.len())),
            None => {
                let error =
                    FormatError::corrupt("a WALKey of length 0, and no trailer (a zero-filled tail?)");
                Err(self.fail(error.at(self.offset)))
            }
        }
    }

    fn step_as_it_lies<'w>(&mut self, window: &mut &'w [u8]) -> Result<Step<'w>, FormatError> {
        let State::Entries(Layout::AsItLies(scanner, progress)) = &mut self.state else {
            return Ok(Step::NeedMore { at_least: window.len() + 1 });
        };
        match scanner.scan(window, self.offset, progress) {
            Ok(Scanned::Entry(entry)) => {
                let length = usize::try_from(entry.next - self.offset).unwrap_or(usize::MAX);
                *window = window.get(length..).unwrap_or_default();
                self.offset = entry.next;
                Ok(Step::Entry(entry))
            }
            Ok(Scanned::NeedMore(at_least)) => Ok(Step::NeedMore { at_least }),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn poll_compressed(&mut self, window: &mut &[u8]) -> Result<Polled, FormatError> {
        let State::Entries(Layout::Compressed(context)) = &mut self.state else {
            return Ok(Polled::NeedMore(window.len() + 1));
        };
        let before = *window;
        match context.advance(window) {
            Ok(()) => {
                self.last_taken.clear();
                Ok(Polled::Compressed)
            }
            Err(Stop::NeedMore(needed)) => {
                self.remember_taken(before, window.len());
                Ok(Polled::NeedMore(needed.max(window.len() + 1)))
            }
            Err(Stop::Failed(error)) => {
                let at = self.offset + context.taken();
                Err(self.fail(error.at(at)))
            }
        }
    }

    /// The entry that [`Polled::Compressed`] announced.
    pub(super) fn compressed_entry(&mut self) -> Result<WalEntry<'_>, FormatError> {
        let State::Entries(Layout::Compressed(context)) = &mut self.state else {
            return Err(FormatError::corrupt("no compressed entry has been decoded"));
        };
        let offset = self.offset;
        let (key, cells, taken) = context.finish_entry()?;
        self.offset += taken;
        Ok(WalEntry { offset, next: self.offset, key, cells, encrypted: false })
    }

    /// Keeps the last bytes of an entry that comes in pieces, to tell a wrong length from a cut (see
    /// [`WalDecoder::torn`]).
    fn remember_taken(&mut self, window: &[u8], left: usize) {
        let taken = window.get(..window.len().saturating_sub(left)).unwrap_or_default();
        self.last_taken.extend_from_slice(taken.last_chunk::<{ TRAILER.len() }>().map_or(taken, |last| last));
        let surplus = self.last_taken.len().saturating_sub(TRAILER.len());
        self.last_taken.drain(..surplus);
    }
}
