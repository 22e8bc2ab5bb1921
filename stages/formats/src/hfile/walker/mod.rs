//! Verifies the chain of a file's blocks as the bytes go by.

mod body;
mod search;
mod walked;

use body::{BodyCheck, MOST_CHECKSUMS};
use search::Search;
pub use walked::{BlockCounts, BlockFault, ChecksumsSeen, Walked};

use super::{BLOCK_HEADER_SIZE, BlockHeader, BlockType, TRAILER_SIZE_V2};
use crate::FormatError;

/// Follows the chain of blocks through bytes that are fed in pieces of any size and verifies every block: header,
/// sizes, all checksums. No block is ever held; payloads are not decompressed.
///
/// It starts at the file's start ([`BlockWalker::from_start`]), at a known block ([`BlockWalker::at`]), or anywhere
/// ([`BlockWalker::from_middle`]); then it finds the first place where a plausible header stands whose checksum
/// holds. (Blocks without checksums prove nothing: in such a file there is no way in from the middle, and the only
/// place found is where the trailer starts.) Where several walkers went over a file's ranges, [`Walked::join`] combines
/// what they saw; [`Walked::conclude`] judges the whole.
///
/// Only the file's last bytes say how long the trailer is, and so where the blocks end: what may be the trailer is
/// kept, and blocks in it are followed when the walk is finished.
///
/// A block that is wrong is a [`BlockFault`]. The walk continues past it if its header's sizes agree with each other,
/// else at the next place that a search finds.
pub struct BlockWalker {
    /// File offset at which the walk began.
    start: u64,
    /// File offset of the next byte that will be fed.
    position: u64,
    /// No block ends past this; less once the trailer's length is known.
    limit: u64,
    state: State,
    /// Offset of the last data block, once known: what the next one must name. HBase scans backwards by it.
    last_data: Known,
    /// Memory for checksums, between blocks.
    sums: Vec<u32>,
    walked: Walked,
}

enum Known {
    Unknown,
    Data(Option<u64>),
}

#[expect(clippy::large_enum_variant, reason = "one a walker; a box would be one allocation a block")]
enum State {
    /// Collecting a header.
    Header { bytes: [u8; BLOCK_HEADER_SIZE], filled: usize },
    /// In a block; one that a search has found counts only if its header turns out to hold.
    Body(BodyCheck, Option<Lost>),
    /// Passing over a block whose header is wrong but whose sizes agree.
    Skip { offset: u64, left: u64, error: FormatError },
    /// Looking for a block.
    Search(Search, Lost),
    /// After the blocks.
    Tail,
}

/// From where on the chain is lost, and why; no reason if it was never known.
struct Lost {
    from: u64,
    error: Option<FormatError>,
}

impl BlockWalker {
    /// A walker that will be fed a file of `file_len` bytes from its start.
    #[must_use]
    pub fn from_start(file_len: u64) -> Self {
        let mut walker = Self::at(0, file_len);
        walker.last_data = Known::Data(None);
        walker
    }

    /// A walker that will be fed from `offset`, where a block is known to begin (or the trailer).
    #[must_use]
    pub fn at(offset: u64, file_len: u64) -> Self {
        let header = State::Header { bytes: [0; BLOCK_HEADER_SIZE], filled: 0 };
        let mut walker = Self::new(offset, file_len, header);
        walker.walked.first = Some(offset);
        walker
    }

    /// A walker that will be fed from `offset`, anywhere in the file.
    #[must_use]
    pub fn from_middle(offset: u64, file_len: u64) -> Self {
        let lost = Lost { from: offset, error: None };
        Self::new(offset, file_len, State::Search(Search::default(), lost))
    }

    fn new(start: u64, file_len: u64, state: State) -> Self {
        let limit = file_len.saturating_sub(TRAILER_SIZE_V2 as u64);
        let (last_data, walked) = (Known::Unknown, Walked::starting(file_len));
        Self { start, position: start, limit, state, last_data, sums: Vec::new(), walked }
    }

    /// File offset of the next byte to feed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Offset of the block that a walker from the middle has found and verified; `None` until then.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.walked.first
    }

    /// Takes the next bytes of the file, as many as there are. Bytes after the file's end are a fault.
    pub fn feed(&mut self, bytes: &[u8]) {
        let left = usize::try_from(self.walked.tail_start().saturating_sub(self.position));
        let (blocks, tail) = bytes.split_at_checked(left.unwrap_or(usize::MAX)).unwrap_or((bytes, &[]));
        self.feed_blocks(blocks);
        self.walked.feed_tail(tail, self.position);
        self.position = self.position.saturating_add(tail.len() as u64);
    }

    fn feed_blocks(&mut self, mut blocks: &[u8]) {
        while !blocks.is_empty() {
            let rest = self.step(blocks);
            self.position += (blocks.len() - rest.len()) as u64;
            self.settle();
            blocks = rest;
        }
    }

    /// What was seen. Only what lies before [`Walked::next`] counts: a block that has not come by whole is the next
    /// walker's.
    #[must_use]
    pub fn finish(mut self) -> Walked {
        self.end_chain_if_reached();
        self.walked.next = match &self.state {
            State::Header { filled, .. } => self.position.min(self.walked.tail_start()) - *filled as u64,
            State::Body(_, Some(lost)) | State::Search(_, lost) => lost.from,
            State::Body(check, None) => check.offset,
            State::Skip { offset, .. } => *offset,
            // A walk that began where the trailer may be, and saw nothing, has not come further.
            State::Tail => self.walked.chain_end().max(self.walked.first.unwrap_or(0)),
        };
        self.walked
    }

    /// Takes some of `bytes`, which are never empty, and returns the rest. Settling follows.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match &mut self.state {
            State::Header { bytes: header, filled } => {
                let room = header.get_mut(*filled..).unwrap_or_default();
                let length = room.len().min(bytes.len());
                room.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
                *filled += length;
                bytes.get(length..).unwrap_or_default()
            }
            State::Body(check, _) => check.feed(bytes),
            State::Skip { left, .. } => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= length as u64;
                bytes.get(length..).unwrap_or_default()
            }
            State::Search(search, lost) => {
                let found = search.feed(bytes, self.position, self.limit);
                let Some(found) = found else { return &[] };
                let lost = Lost { from: lost.from, error: lost.error.take() };
                let sums = std::mem::take(&mut self.sums);
                let check = BodyCheck::new(found.header, &found.bytes, found.offset, sums);
                self.state = State::Body(check, Some(lost));
                found.rest
            }
            State::Tail => &[],
        }
    }

    /// Goes to the next state if the current one has all it waited for.
    fn settle(&mut self) {
        let done = match &self.state {
            State::Header { filled, .. } => *filled == BLOCK_HEADER_SIZE,
            State::Body(check, _) => check.is_done(),
            State::Skip { left, .. } => *left == 0,
            State::Search(..) | State::Tail => false,
        };
        if done {
            let next = State::Header { bytes: [0; BLOCK_HEADER_SIZE], filled: 0 };
            match std::mem::replace(&mut self.state, next) {
                State::Header { bytes, .. } => self.enter_block(&bytes),
                State::Body(check, None) => self.leave_block(check),
                State::Body(check, Some(lost)) => self.leave_found_block(check, lost),
                State::Skip { offset, error, .. } => {
                    self.last_data = Known::Unknown;
                    self.walked.fault(offset, error);
                }
                other @ (State::Search(..) | State::Tail) => self.state = other,
            }
        }
    }

    fn enter_block(&mut self, bytes: &[u8; BLOCK_HEADER_SIZE]) {
        let offset = self.position - BLOCK_HEADER_SIZE as u64;
        let end = self.limit;
        let header = BlockHeader::decode(bytes).and_then(|header| {
            header.check_place(offset, end).and_then(|()| check_checksums(&header)).map(|()| header)
        });
        self.state = match header {
            Ok(header) => {
                let sums = std::mem::take(&mut self.sums);
                State::Body(BodyCheck::new(header, bytes, offset, sums), None)
            }
            Err(error) => {
                let error = error.shifted(offset);
                match agreed_size(bytes).filter(|size| offset.saturating_add(*size) <= end) {
                    Some(size) => State::Skip { offset, left: size - BLOCK_HEADER_SIZE as u64, error },
                    None => {
                        let behind_first = bytes.get(1..).unwrap_or_default();
                        State::Search(Search::over(behind_first), Lost { from: offset, error: Some(error) })
                    }
                }
            }
        };
    }

    fn leave_block(&mut self, check: BodyCheck) {
        match check.fault() {
            Some(error) => {
                self.last_data = Known::Unknown;
                self.walked.fault(check.offset, error);
            }
            None => self.count(&check.header, check.offset),
        }
        self.sums = check.into_sums();
    }

    fn leave_found_block(&mut self, check: BodyCheck, lost: Lost) {
        if !check.header_holds() {
            self.state = State::Search(Search::default(), lost);
            self.sums = check.into_sums();
            return;
        }
        self.found_again(check.offset, lost);
        self.leave_block(check);
    }

    /// The chain is known again at `offset`.
    fn found_again(&mut self, offset: u64, lost: Lost) {
        self.last_data = Known::Unknown;
        self.walked.first.get_or_insert(offset);
        if let Some(mut error) = lost.error {
            error.what = format!("{}; skipped to {offset}", error.what);
            self.walked.fault(lost.from, error);
        }
    }

    fn count(&mut self, header: &BlockHeader, offset: u64) {
        let (named, is_data) = (header.prev_block_offset, header.block_type.is_data());
        let expected = match self.last_data {
            Known::Data(expected) if is_data => Some(expected),
            _ => None,
        };
        if expected.is_some_and(|expected| expected != named) || !header.names_an_earlier_block(offset) {
            self.walked.wrong_prev(offset, named, wrong_prev(header, expected.flatten()).at(offset + 16));
        }
        if is_data {
            self.last_data = Known::Data(Some(offset));
        }
        self.walked.count(header, offset);
    }

    /// Follows the blocks that lie where the longest trailer would, and judges where the chain ended. Without the
    /// file's last bytes that is not known, and left to the next walker.
    fn end_chain_if_reached(&mut self) {
        let tail_start = self.walked.tail_start();
        let end = match self.walked.known_end() {
            _ if self.position < tail_start => return,
            Some(end) => end,
            None if self.start >= tail_start => tail_start,
            None => return,
        };
        self.limit = end;
        if let Some((at, blocks)) = self.walked.blocks_in_tail(end) {
            self.position = at;
            self.feed_blocks(&blocks);
        }
        match std::mem::replace(&mut self.state, State::Tail) {
            State::Header { filled, .. } if filled > 0 => {
                let from = end - filled as u64;
                let text = format!("{filled} bytes between the last block and the trailer");
                self.walked.fault(from, FormatError::corrupt(text).at(from));
            }
            State::Search(_, lost) | State::Body(_, Some(lost)) => self.found_again(end, lost),
            State::Body(check, None) => {
                let error = check.header.check_place(check.offset, end).err();
                let error = error.unwrap_or_else(|| FormatError::truncated("the block is cut short"));
                self.walked.fault(check.offset, error.at(check.offset));
            }
            State::Skip { offset, error, .. } => self.walked.fault(offset, error),
            State::Header { .. } | State::Tail => {}
        }
    }
}

fn check_checksums(header: &BlockHeader) -> Result<(), FormatError> {
    if header.checksums() > MOST_CHECKSUMS {
        let text = format!("{} checksums in one block are too many to verify", header.checksums());
        return Err(FormatError::too_large(text).at(25));
    }
    Ok(())
}

fn wrong_prev(header: &BlockHeader, expected: Option<u64>) -> FormatError {
    let place = |offset: Option<u64>| offset.map_or_else(|| "none".to_owned(), |offset| offset.to_string());
    FormatError::corrupt(format!(
        "{} block: names {} as the data block before it, which is {}",
        header.block_type.name(),
        place(header.prev_block_offset),
        place(expected)
    ))
}

/// The size of a block by its header, if the sizes in there agree with each other, whatever else is wrong with it.
fn agreed_size(bytes: &[u8; BLOCK_HEADER_SIZE]) -> Option<u64> {
    let mut sizes = *bytes;
    let blank = BlockHeader {
        block_type: BlockType::Data,
        on_disk_size_without_header: 0,
        uncompressed_size_without_header: 0,
        prev_block_offset: None,
        checksum_type: super::ChecksumType::Null,
        bytes_per_checksum: 0,
        on_disk_data_size_with_header: 0,
    }
    .encode();
    // All but the on-disk size (8..12) and the last two fields (25..33).
    let other_fields = (0..8).chain(12..25);
    for index in other_fields {
        if let (Some(place), Some(byte)) = (sizes.get_mut(index), blank.get(index)) {
            *place = *byte;
        }
    }
    BlockHeader::decode(&sizes).ok().map(|header| header.on_disk_size())
}
