use super::chain_end;
use crate::FormatError;
use crate::hfile::{BlockHeader, BlockType, ChecksumType, TRAILER_SIZE, Trailer};

/// Faults that are kept one by one; more are only counted.
const MOST_FAULTS: usize = 100;
/// The section that is read on open has at most so many blocks: two roots, file info, two bloom metas.
const MOST_LOAD_ON_OPEN: usize = 5;

/// One block (or what should be one) that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFault {
    /// File offset of the block.
    pub offset: u64,
    /// What is wrong; its own offset is where in the file.
    pub error: FormatError,
}

/// How many blocks of each type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockCounts {
    by_type: [u64; BlockType::ALL.len()],
}

impl BlockCounts {
    /// How many of this type.
    #[must_use]
    pub fn of(&self, block_type: BlockType) -> u64 {
        self.by_type.get(block_type as usize).copied().unwrap_or(0)
    }

    /// How many of any type.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_type.iter().sum()
    }

    fn add(&mut self, block_type: BlockType, count: u64) {
        if let Some(place) = self.by_type.get_mut(block_type as usize) {
            *place += count;
        }
    }
}

/// How many good blocks have each checksum type, and the first of each. A file has one type; a mixture means that
/// something was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChecksumsSeen {
    /// By code of the type: offset of the first block, number of blocks.
    by_type: [Option<(u64, u64)>; ChecksumType::ALL.len()],
}

impl ChecksumsSeen {
    /// How many blocks have this type.
    #[must_use]
    pub fn of(&self, checksum_type: ChecksumType) -> u64 {
        self.seen(checksum_type).map_or(0, |(_, count)| count)
    }

    /// The types that were seen.
    pub fn types(&self) -> impl Iterator<Item = ChecksumType> {
        ChecksumType::ALL.into_iter().filter(|checksum_type| self.of(*checksum_type) > 0)
    }

    fn seen(&self, checksum_type: ChecksumType) -> Option<(u64, u64)> {
        self.by_type.get(checksum_type as usize).copied().flatten()
    }

    fn add(&mut self, checksum_type: ChecksumType, first: u64, count: u64) {
        if let Some(place) = self.by_type.get_mut(checksum_type as usize) {
            let (first, before) = place.unwrap_or((first, 0));
            *place = Some((first, before + count));
        }
    }

    /// A fault for each type but the one that most blocks have.
    fn mixture(&self) -> Vec<BlockFault> {
        let most = self.types().max_by_key(|checksum_type| self.of(*checksum_type));
        let odd = self.types().filter(|checksum_type| Some(*checksum_type) != most);
        let fault = |odd: ChecksumType| {
            let (offset, count) = self.seen(odd)?;
            let (most, odd) = (most?.name(), odd.name());
            let text = format!(
                "{count} blocks have checksum type {odd} (the first at {offset}) where the others have {most}: \
                 all blocks of a file have one"
            );
            Some(BlockFault { offset, error: FormatError::checksum(text).at(offset) })
        };
        odd.filter_map(fault).collect()
    }
}

/// What a [`super::BlockWalker`] saw of a file: every block from `first` to `next` was verified or is in `faults`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// Length of the whole file.
    pub file_len: u64,
    /// Offset of the first block that was followed, or of the trailer. None: a walk from the middle found no way in
    /// before its bytes ended.
    pub first: Option<u64>,
    /// Offset of the first block that was not followed to its end; of the trailer if none is left. Without `first`
    /// only where the search began.
    pub next: u64,
    /// The good blocks.
    pub blocks: BlockCounts,
    /// Their checksum types.
    pub checksums: ChecksumsSeen,
    /// Offset of the first good block that holds cells.
    pub first_data: Option<u64>,
    /// Offset of the last good block that holds cells.
    pub last_data: Option<u64>,
    /// What is wrong, in the file's order; the first hundred.
    pub faults: Vec<BlockFault>,
    /// How many faults there are beyond those.
    pub more_faults: u64,
    /// The last blocks, oldest first.
    last_blocks: Vec<(u64, BlockType)>,
    /// What came by of the trailer, and where that began.
    tail: Vec<u8>,
    tail_at: Option<u64>,
}

impl Walked {
    pub(super) fn starting(file_len: u64) -> Self {
        Self {
            file_len,
            first: None,
            next: 0,
            blocks: BlockCounts::default(),
            checksums: ChecksumsSeen::default(),
            first_data: None,
            last_data: None,
            faults: Vec::new(),
            more_faults: 0,
            last_blocks: Vec::new(),
            tail: Vec::new(),
            tail_at: None,
        }
    }

    /// Where the blocks must end and the trailer starts.
    #[must_use]
    pub fn chain_end(&self) -> u64 {
        chain_end(self.file_len)
    }

    pub(super) fn fault(&mut self, offset: u64, error: FormatError) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(BlockFault { offset, error });
        } else {
            self.more_faults += 1;
        }
    }

    pub(super) fn count(&mut self, header: &BlockHeader, offset: u64) {
        self.blocks.add(header.block_type, 1);
        self.checksums.add(header.checksum_type, offset, 1);
        if header.block_type.is_data() {
            self.first_data.get_or_insert(offset);
            self.last_data = Some(offset);
        }
        self.push_last(offset, header.block_type);
    }

    fn push_last(&mut self, offset: u64, block_type: BlockType) {
        if self.last_blocks.len() == MOST_LOAD_ON_OPEN {
            self.last_blocks.remove(0);
        }
        self.last_blocks.push((offset, block_type));
    }

    pub(super) fn feed_tail(&mut self, bytes: &[u8], position: u64) {
        if bytes.is_empty() {
            return;
        }
        self.tail_at.get_or_insert(position);
        let left = self.file_len.saturating_sub(position).min(bytes.len() as u64) as usize;
        self.tail.extend_from_slice(bytes.get(..left).unwrap_or(bytes));
        if left < bytes.len() {
            let text = format!("bytes behind the end of a file of {} bytes", self.file_len);
            self.fault(self.file_len, FormatError::corrupt(text).at(self.file_len));
        }
    }

    /// Adds what another walker saw of the same file, if it began exactly where this one ended (`other.first` is
    /// `self.next`), and says whether it did. If not, nothing is changed: what lies between must first be walked by a
    /// [`super::BlockWalker::at`] `self.next`. If that walk does not come upon `other.first`, the other walker was
    /// misled (a cell can hold the bytes of blocks) and its bytes must be walked again from there.
    #[must_use]
    pub fn join(&mut self, other: &Self) -> bool {
        if other.first != Some(self.next) || other.file_len != self.file_len {
            return false;
        }
        self.next = other.next;
        for block_type in BlockType::ALL {
            self.blocks.add(block_type, other.blocks.of(block_type));
        }
        for checksum_type in ChecksumType::ALL {
            if let Some((first, count)) = other.checksums.seen(checksum_type) {
                self.checksums.add(checksum_type, first, count);
            }
        }
        self.first_data = self.first_data.or(other.first_data);
        self.last_data = other.last_data.or(self.last_data);
        other.faults.iter().cloned().for_each(|fault| self.fault(fault.offset, fault.error));
        self.more_faults += other.more_faults;
        other.last_blocks.iter().for_each(|(offset, block_type)| self.push_last(*offset, *block_type));
        self.join_tail(other);
        true
    }

    fn join_tail(&mut self, other: &Self) {
        match (self.tail_at, other.tail_at) {
            (Some(at), Some(other_at)) if at + self.tail.len() as u64 == other_at => {
                self.tail.extend_from_slice(&other.tail);
            }
            // Two walkers may have seen the same piece; the one that began earlier has at least as much.
            (Some(at), Some(other_at)) if at <= other_at => {}
            (_, Some(_)) => {
                self.tail.clone_from(&other.tail);
                self.tail_at = other.tail_at;
            }
            (_, None) => {}
        }
    }

    /// The trailer, if all of it came by.
    ///
    /// # Errors
    /// As [`Trailer::decode`]; Truncated if it did not come by whole.
    pub fn trailer(&self) -> Result<Trailer, FormatError> {
        let whole = self.tail_at == Some(self.chain_end()) && self.tail.len() == TRAILER_SIZE;
        if self.file_len >= TRAILER_SIZE as u64 && !whole {
            return Err(FormatError::truncated("the trailer has not been read").at(self.chain_end()));
        }
        Trailer::decode(&self.tail, self.file_len)
    }

    /// Everything that is wrong with the file, now that it has been walked whole: the faults of blocks, a mixture of
    /// checksum types, a part that was not walked, the trailer, and blocks that are not where the trailer says.
    #[must_use]
    pub fn conclude(&self) -> Vec<BlockFault> {
        let mut faults = self.faults.clone();
        let end = self.chain_end();
        let mut add = |offset: u64, error: FormatError| {
            faults.push(BlockFault { offset, error: error.at(offset) });
        };
        if self.more_faults > 0 {
            add(self.next, FormatError::corrupt(format!("{} more faults", self.more_faults)));
        }
        if self.first != Some(0) || self.next != end {
            let from = self.first.unwrap_or(self.next);
            let text = format!("the blocks were followed from {from} to {} of 0 to {end}", self.next);
            add(self.next, FormatError::truncated(text));
        }
        let trailer = self.trailer();
        if let Err(error) = &trailer {
            add(end, error.clone());
        }
        faults.extend(self.checksums.mixture());
        // A block that is wrong is not where it should be, either: once is enough.
        if let (Ok(trailer), true) = (trailer, faults.is_empty())
            && let Err(error) = self.check_places(&trailer)
        {
            faults.push(BlockFault { offset: error.offset.unwrap_or(end), error });
        }
        faults
    }

    /// Checks that the blocks are where the trailer says.
    fn check_places(&self, trailer: &Trailer) -> Result<(), FormatError> {
        if (self.first_data, self.last_data)
            != (trailer.first_data_block_offset, trailer.last_data_block_offset)
        {
            let text = format!(
                "HFile trailer: data blocks from {:?} to {:?}, but they are from {:?} to {:?}",
                trailer.first_data_block_offset,
                trailer.last_data_block_offset,
                self.first_data,
                self.last_data
            );
            return Err(FormatError::corrupt(text).at(self.chain_end()));
        }
        let open = trailer.load_on_open_offset;
        let section = self.last_blocks.iter().skip_while(|(offset, _)| *offset < open);
        for (number, &(offset, found)) in section.clone().enumerate() {
            let fits = match number {
                0 => found == BlockType::RootIndex && offset == open,
                1 => found == BlockType::RootIndex,
                2 => found == BlockType::FileInfo && offset == trailer.file_info_offset,
                _ => matches!(found, BlockType::GeneralBloomMeta | BlockType::DeleteFamilyBloomMeta),
            };
            if !fits {
                let text =
                    format!("a {} block where it cannot be in the section loaded on open", found.name());
                return Err(FormatError::corrupt(text).at(offset));
            }
        }
        if section.count() < 3 {
            let text = format!("HFile trailer: the section loaded on open is not at {open}");
            return Err(FormatError::corrupt(text).at(self.chain_end()));
        }
        Ok(())
    }
}
