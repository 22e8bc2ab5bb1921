//! Getting what is whole out of a damaged WAL.

use super::decoder::{Polled, WalDecoder, WalDecoderOptions, WalEnd};
use super::entry::WalEntry;
use super::header::{CellLayout, TRAILER, WalHeader};
use super::plain::{Progress, Scanned, Scanner};
use super::plausible::{Judgement, SMALLEST_ENTRY, more_cells, plausible, starts_like_key};
use crate::{FormatError, FormatErrorKind};

/// The end of a window that a search keeps for later: a trailer, or the start of an entry, may be cut there.
const SEARCH_KEEPS: usize = 16;

/// How many bytes may be examined in vain, besides a multiple of those passed over; beyond that only short entries are
/// looked for.
const IN_VAIN_MOST: u64 = 64 << 20;
const SHORT_ENTRY: usize = 4 << 10;

/// Bytes that hold no entry that could be proved whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Where they start: the end of the last whole entry.
    pub offset: u64,
    /// Where they end: at the next whole entry, at the trailer, or with the file.
    pub end: u64,
    /// The most entries that can have been there.
    pub entries_at_most: u64,
    /// What is wrong, and, in a compressed WAL, why nothing after it can be recovered.
    pub why: FormatError,
}

/// What a salvager found at the front of the window.
#[derive(Debug)]
pub enum SalvageStep<'a> {
    /// Nothing whole yet: call again with at least this many bytes in the window, or with its end.
    NeedMore {
        /// Bytes that the window must have, unless the file ends before.
        at_least: usize,
    },
    /// The header; always the first.
    Header(&'a WalHeader),
    /// A whole entry.
    Entry(WalEntry<'a>),
    /// What lies between the last entry and the next.
    Lost(Lost),
    /// The end: Damaged, with the first fault, if anything more than a torn tail is lost.
    End(WalEnd),
}

/// Reads a WAL as [`WalDecoder`] does, but continues past damage: in a WAL whose entries lie plain, from the next
/// offset where an entry is whole, has names of the right grammar, and ends where another key, the trailer or the file's
/// end is. (Such an entry may also lie inside a value that itself is a piece of a WAL: it cannot be distinguished.)
///
/// Entries of a compressed WAL mean nothing without all those before them, so only what precedes the damage
/// is returned.
#[derive(Debug)]
pub struct WalSalvager {
    decoder: WalDecoder,
    limit: usize,
    mode: Mode,
    /// Where the window starts.
    offset: u64,
    /// The first fault, and where what was lost by it starts.
    first_fault: Option<(u64, FormatError)>,
}

#[derive(Debug)]
enum Mode {
    /// The decoder reads: until the header is known, and for a compressed WAL to the end.
    Decoder,
    /// At the end of an entry.
    InSequence(Scanner, Progress),
    /// After damage that starts at `from`.
    Searching(Search),
    /// In what cannot be read any more.
    GivenUp {
        from: u64,
        why: FormatError,
    },
    Ended(WalEnd),
}

#[derive(Debug, Clone)]
struct Search {
    scanner: Scanner,
    /// Where the damage starts.
    from: u64,
    /// Where to look next.
    next: u64,
    why: FormatError,
    /// Bytes of what looked like entries but were none.
    in_vain: u64,
}

impl Search {
    /// Whether an entry starts with these bytes.
    fn judge(&mut self, bytes: &[u8], at_end: bool) -> Judgement {
        if !starts_like_key(bytes) {
            return Judgement::Not;
        }
        let mut scanner = self.scanner;
        // Cells can be crafted that each hold a key which claims all the cells after it. Looking at all of them each
        // time would take for ever.
        if self.in_vain > IN_VAIN_MOST + 8 * (self.next - self.from) {
            scanner.limit = scanner.limit.min(SHORT_ENTRY);
        }
        let (judgement, looked_at) = plausible(bytes, scanner, at_end);
        if matches!(judgement, Judgement::Not) {
            self.in_vain += looked_at;
        }
        judgement
    }

    /// What is wrong, now that something is known to lie after it.
    fn not_torn(&self) -> FormatError {
        match self.why.kind {
            FormatErrorKind::Truncated => {
                FormatError::corrupt("an entry whose lengths reach past what follows it").at(self.from)
            }
            _ => self.why.clone(),
        }
    }
}

impl WalSalvager {
    /// At the start of a file.
    #[must_use]
    pub fn new(options: WalDecoderOptions) -> Self {
        Self {
            decoder: WalDecoder::new(options),
            limit: options.limits.entry_bytes,
            mode: Mode::Decoder,
            offset: 0,
            first_fault: None,
        }
    }

    /// Takes the next thing off the front of `window`; `at_end` says that the window reaches to the end of the file.
    ///
    /// # Errors
    /// It is no WAL, or of a kind that cannot be read.
    pub fn step<'s, 'w: 's>(
        &'s mut self,
        window: &mut &'w [u8],
        at_end: bool,
    ) -> Result<SalvageStep<'s>, FormatError> {
        match &self.mode {
            Mode::Decoder => self.step_decoder(window, at_end),
            Mode::InSequence(scanner, progress) => {
                let (scanner, progress) = (*scanner, *progress);
                Ok(self.step_in_sequence(window, at_end, scanner, progress))
            }
            Mode::Searching(_) => Ok(self.search(window, at_end)),
            Mode::GivenUp { .. } => Ok(self.give_up(window, at_end)),
            Mode::Ended(end) => Ok(SalvageStep::End(end.clone())),
        }
    }

    fn take(&mut self, window: &mut &[u8], length: usize) {
        *window = window.get(length..).unwrap_or_default();
        self.offset += length as u64;
    }

    fn end(&mut self, end: WalEnd) -> SalvageStep<'static> {
        let end = match self.first_fault.take() {
            Some((offset, error)) => WalEnd::Damaged { offset, error },
            None => end,
        };
        self.mode = Mode::Ended(end.clone());
        SalvageStep::End(end)
    }

    fn step_decoder<'s>(
        &'s mut self,
        window: &mut &[u8],
        at_end: bool,
    ) -> Result<SalvageStep<'s>, FormatError> {
        let before = window.len();
        let polled = self.decoder.poll(window);
        self.offset += (before - window.len()) as u64;
        match polled {
            Ok(Polled::Compressed) => self.decoder.compressed_entry().map(SalvageStep::Entry),
            Ok(Polled::Header) => self.header(),
            Ok(Polled::NeedMore(at_least)) if !at_end => Ok(SalvageStep::NeedMore { at_least }),
            Ok(Polled::Trailer) => self.step_decoder(window, at_end),
            Ok(Polled::AsItLies) => Ok(SalvageStep::NeedMore { at_least: window.len() + 1 }),
            Ok(Polled::NeedMore(_)) => Ok(match self.decoder.finish(window) {
                WalEnd::Torn { offset } => self.lose(offset, torn(offset), window, at_end),
                WalEnd::Damaged { offset, error } => self.lose(offset, error, window, at_end),
                end => self.end(end),
            }),
            Err(error) if self.decoder.header().is_none() || error.is_unsupported() => Err(error),
            Err(error) => Ok(self.lose(self.decoder.offset(), error, window, at_end)),
        }
    }

    fn header(&mut self) -> Result<SalvageStep<'_>, FormatError> {
        let Some(header) = self.decoder.header() else { return Ok(SalvageStep::NeedMore { at_least: 1 }) };
        match header.cell_layout()? {
            CellLayout::Compressed => header.value_codec().map(drop)?,
            layout => {
                let scanner = Scanner {
                    encrypted: layout == CellLayout::Encrypted,
                    indexed: header.is_indexed(),
                    limit: self.limit,
                };
                self.mode = Mode::InSequence(scanner, Progress::default());
            }
        }
        Ok(SalvageStep::Header(header))
    }

    /// A compressed WAL is damaged: nothing more can be recovered.
    fn lose(
        &mut self,
        from: u64,
        error: FormatError,
        window: &mut &[u8],
        at_end: bool,
    ) -> SalvageStep<'static> {
        let mut why = error;
        if why.kind != FormatErrorKind::Truncated {
            why.what +=
                "; the WAL is dictionary-compressed: what follows cannot be read without what is lost";
        }
        self.mode = Mode::GivenUp { from, why };
        self.give_up(window, at_end)
    }

    fn give_up(&mut self, window: &mut &[u8], at_end: bool) -> SalvageStep<'static> {
        let keep = if at_end { 0 } else { SEARCH_KEEPS.min(window.len()) };
        let trailer = at_end && window.ends_with(&TRAILER);
        self.take(window, window.len() - keep);
        match &self.mode {
            Mode::GivenUp { from, why } if at_end => {
                let (from, why) = (*from, why.clone());
                self.lost_to_end(from, why, trailer)
            }
            _ => SalvageStep::NeedMore { at_least: window.len() + 1 },
        }
    }

    /// Everything from `from` on is lost, except a trailer.
    fn lost_to_end(&mut self, from: u64, why: FormatError, trailer: bool) -> SalvageStep<'static> {
        let end = self.offset - if trailer { TRAILER.len() as u64 } else { 0 };
        if end <= from {
            let end = WalEnd::Damaged { offset: from, error: why };
            return self.end(end);
        }
        let is_tail = why.kind == FormatErrorKind::Truncated && !trailer && self.first_fault.is_none();
        let last = if is_tail {
            WalEnd::Torn { offset: from }
        } else {
            let (offset, error) = self.first_fault.take().unwrap_or_else(|| (from, why.clone()));
            WalEnd::Damaged { offset, error }
        };
        self.mode = Mode::Ended(last);
        SalvageStep::Lost(lost(from, end, why))
    }

    fn step_in_sequence<'s, 'w: 's>(
        &'s mut self,
        window: &mut &'w [u8],
        at_end: bool,
        scanner: Scanner,
        mut progress: Progress,
    ) -> SalvageStep<'s> {
        let (offset, bytes) = (self.offset, *window);
        if bytes.is_empty() || TRAILER.starts_with(bytes) {
            return self.at_trailer(window, at_end);
        }
        if bytes.first() == Some(&0) {
            let what = if bytes.starts_with(&TRAILER) {
                "more bytes after a trailer"
            } else {
                "a WALKey of length 0"
            };
            return self.start_search(window, at_end, scanner, FormatError::corrupt(what).at(offset));
        }
        match scanner.scan(bytes, offset, &mut progress) {
            Ok(Scanned::Entry(entry)) => {
                let length = usize::try_from(entry.next - offset).unwrap_or(usize::MAX);
                match more_cells(bytes.get(length..).unwrap_or_default(), scanner) {
                    Judgement::NeedMore(behind) if !at_end => {
                        SalvageStep::NeedMore { at_least: length + behind }
                    }
                    Judgement::Plausible => {
                        let what = "another cell follows the cells of an entry: their count is wrong";
                        self.start_search(window, at_end, scanner, FormatError::corrupt(what).at(offset))
                    }
                    Judgement::NeedMore(_) | Judgement::Not => {
                        self.take(window, length);
                        self.mode = Mode::InSequence(scanner, Progress::default());
                        SalvageStep::Entry(entry)
                    }
                }
            }
            Ok(Scanned::NeedMore(at_least)) if !at_end => {
                self.mode = Mode::InSequence(scanner, progress);
                SalvageStep::NeedMore { at_least }
            }
            Ok(Scanned::NeedMore(_)) => self.start_search(window, at_end, scanner, torn(offset)),
            Err(error) => self.start_search(window, at_end, scanner, error),
        }
    }

    /// Nothing is left of the window, or (a part of) a trailer.
    fn at_trailer(&mut self, window: &mut &[u8], at_end: bool) -> SalvageStep<'static> {
        let offset = self.offset;
        match window.len() {
            length if !at_end => SalvageStep::NeedMore { at_least: length + 1 },
            0 => self.end(WalEnd::Unclosed { offset }),
            length if length == TRAILER.len() => self.end(WalEnd::Closed { offset }),
            length => self.end(WalEnd::PartialTrailer { offset, length }),
        }
    }

    fn start_search(
        &mut self,
        window: &mut &[u8],
        at_end: bool,
        scanner: Scanner,
        why: FormatError,
    ) -> SalvageStep<'static> {
        let (from, next) = (self.offset, self.offset + 1);
        self.mode = Mode::Searching(Search { scanner, from, next, why, in_vain: 0 });
        self.search(window, at_end)
    }

    fn search(&mut self, window: &mut &[u8], at_end: bool) -> SalvageStep<'static> {
        let Mode::Searching(search) = &self.mode else {
            return SalvageStep::NeedMore { at_least: window.len() + 1 };
        };
        let mut search = search.clone();
        let mut at = usize::try_from(search.next - self.offset).unwrap_or(usize::MAX);
        let stop = if at_end { window.len() } else { window.len().saturating_sub(SEARCH_KEEPS) };
        let mut needed = window.len() + 1;
        while at < stop {
            match search.judge(window.get(at..).unwrap_or_default(), at_end) {
                Judgement::Plausible => {
                    self.take(window, at);
                    let why = search.not_torn();
                    self.first_fault.get_or_insert_with(|| (search.from, why.clone()));
                    self.mode = Mode::InSequence(search.scanner, Progress::default());
                    return SalvageStep::Lost(lost(search.from, self.offset, why));
                }
                Judgement::NeedMore(bytes) if !at_end => {
                    needed = at + bytes;
                    break;
                }
                Judgement::NeedMore(_) | Judgement::Not => at += 1,
            }
            search.next = self.offset + at as u64;
        }
        if at_end {
            let trailer = window.ends_with(&TRAILER) && self.offset + window.len() as u64 >= search.from + 8;
            self.take(window, window.len());
            let why = if trailer { search.not_torn() } else { search.why };
            return self.lost_to_end(search.from, why, trailer);
        }
        let passed = at.min(window.len());
        self.take(window, passed);
        self.mode = Mode::Searching(search);
        SalvageStep::NeedMore { at_least: needed.saturating_sub(passed).max(window.len() + 1) }
    }
}

fn torn(offset: u64) -> FormatError {
    FormatError::truncated("the WAL ends within an entry").at(offset)
}

fn lost(offset: u64, end: u64, why: FormatError) -> Lost {
    Lost { offset, end, entries_at_most: (end - offset).div_ceil(SMALLEST_ENTRY), why }
}
