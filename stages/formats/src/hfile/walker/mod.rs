//! Verifies the chain of a file's blocks as the bytes go by.

mod body;
mod search;
mod walked;

use body::{BodyCheck, MOST_CHECKSUMS};
use search::Search;
pub use walked::{BlockCounts, BlockFault, ChecksumsSeen, Walked};

use super::{BLOCK_HEADER_SIZE, BlockHeader, BlockType, TRAILER_SIZE};
use crate::FormatError;

/// Follows the chain of blocks through bytes that are fed in pieces of any size and verifies every block: header,
/// sizes, all checksums. No block is ever held; payloads are not decompressed.
///
/// It starts at the file's start ([`BlockWalker::from_start`]), at a known block ([`BlockWalker::at`]), or anywhere
/// ([`BlockWalker::from_middle`]); then it finds the first place where a plausible header stands whose checksum
/// holds. (Blocks without checksums prove nothing: in such a file there is no way in from the middle, and the only
/// place found is where the trailer starts.) Where several walkers went over a file's ranges, [`Walked::join`] puts
/// what they saw together; [`Walked::conclude`] judges the whole.
///
/// A block that is wrong is a [`BlockFault`]. The walk goes on behind it if its header's sizes agree with each other,
/// else at the next place that a search finds.
pub struct BlockWalker {
    /// File offset of the next byte that will be fed.
    position: u64,
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
    /// Behind the blocks.
    Tail,
}

/// Since where the chain is lost, and why; no reason if it was never known.
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

    fn new(position: u64, file_len: u64, state: State) -> Self {
        let walked = Walked::starting(file_len);
        let mut walker = Self { position, state, last_data: Known::Unknown, sums: Vec::new(), walked };
        walker.end_chain_if_reached();
        walker
    }

    /// File offset of the next byte to feed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Offset of the block that a walker from the middle has found and verified; until then none.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.walked.first
    }

    /// Takes the next bytes of the file, as many as there are. Bytes behind the file's end are a fault.
    pub fn feed(&mut self, bytes: &[u8]) {
        let left = usize::try_from(self.walked.chain_end().saturating_sub(self.position));
        let (mut blocks, tail) = bytes.split_at_checked(left.unwrap_or(usize::MAX)).unwrap_or((bytes, &[]));
        while !blocks.is_empty() {
            let rest = self.step(blocks);
            self.position += (blocks.len() - rest.len()) as u64;
            self.settle();
            blocks = rest;
        }
        self.walked.feed_tail(tail, self.position);
        self.position = self.position.saturating_add(tail.len() as u64);
    }

    /// What was seen. Only what lies before [`Walked::next`] counts: a block that has not come by whole is the next
    /// walker's.
    #[must_use]
    pub fn finish(mut self) -> Walked {
        self.walked.next = match &self.state {
            State::Header { filled, .. } => self.position - *filled as u64,
            State::Body(_, Some(lost)) | State::Search(_, lost) => lost.from,
            State::Body(check, None) => check.offset,
            State::Skip { offset, .. } => *offset,
            State::Tail => self.walked.chain_end(),
        };
        self.walked
    }

    /// Takes some of `bytes`, which are never empty, and gives back the rest. Settling follows.
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
                let found = search.feed(bytes, self.position, self.walked.chain_end());
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
        self.end_chain_if_reached();
    }

    fn enter_block(&mut self, bytes: &[u8; BLOCK_HEADER_SIZE]) {
        let offset = self.position - BLOCK_HEADER_SIZE as u64;
        let end = self.walked.chain_end();
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
        if header.block_type.is_data() {
            if let Known::Data(expected) = self.last_data
                && expected != header.prev_block_offset
            {
                self.walked.fault(offset, wrong_prev(header, expected).at(offset + 16));
            }
            self.last_data = Known::Data(Some(offset));
        }
        self.walked.count(header, offset);
    }

    fn end_chain_if_reached(&mut self) {
        let end = self.walked.chain_end();
        if self.position < end || matches!(self.state, State::Tail) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Tail) {
            State::Header { filled, .. } if filled > 0 => {
                let from = end - filled as u64;
                let text = format!("{filled} bytes between the last block and the trailer");
                self.walked.fault(from, FormatError::corrupt(text).at(from));
            }
            State::Search(_, lost) => self.found_again(end, lost),
            // Blocks that would go beyond the end were never entered.
            State::Header { .. } | State::Body(..) | State::Skip { .. } | State::Tail => {}
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

/// Where the blocks of a file of this length end and its trailer starts.
fn chain_end(file_len: u64) -> u64 {
    file_len.saturating_sub(TRAILER_SIZE as u64)
}
