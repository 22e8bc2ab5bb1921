use crate::FormatError;
use crate::hfile::version::{HFileVersion, trailer_size_of};
use crate::hfile::{BlockHeader, BlockType, ChecksumType, TRAILER_SIZE, Trailer};

/// Faults that are kept one by one; more are only counted.
const MOST_FAULTS: usize = 100;
/// The section that is read on open has at most this many blocks: two roots, file info, two bloom metas.
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
    /// Offset of the first block that was followed, or of the trailer. `None`: a walk from the middle found no way in
    /// before its bytes ended.
    pub first: Option<u64>,
    /// Offset of the first block that was not followed to its end; of the trailer if none is left. Without `first`
    /// it is only where the search began.
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
    /// Good blocks that name the wrong block as the one before them; the first hundred.
    pub wrong_prevs: Vec<BlockFault>,
    /// How many there are, and how many of them name themselves.
    wrong_prev_count: (u64, u64),
    /// The last blocks, oldest first.
    last_blocks: Vec<(u64, BlockType)>,
    /// What came by of the file's last bytes, in which the trailer is, and where that began.
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
            wrong_prevs: Vec::new(),
            wrong_prev_count: (0, 0),
            last_blocks: Vec::new(),
            tail: Vec::new(),
            tail_at: None,
        }
    }

    /// Where the blocks must end and the trailer starts; before the file's last bytes came by, where the longest trailer
    /// would.
    #[must_use]
    pub fn chain_end(&self) -> u64 {
        self.known_end().unwrap_or_else(|| self.tail_start())
    }

    /// Whether the whole file was walked, including its last bytes.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.first == Some(0) && self.known_end() == Some(self.next)
    }

    /// Where the longest trailer would start.
    pub(super) fn tail_start(&self) -> u64 {
        self.file_len.saturating_sub(TRAILER_SIZE as u64)
    }

    /// Where the blocks must end, once the file's last bytes came by.
    pub(super) fn known_end(&self) -> Option<u64> {
        let came = self.tail_at? + self.tail.len() as u64 == self.file_len && self.tail.len() >= 4;
        came.then(|| self.file_len.saturating_sub(trailer_size_of(&self.tail) as u64))
    }

    /// Those of the file's last bytes that come before `end`, and where they begin.
    pub(super) fn blocks_in_tail(&self, end: u64) -> Option<(u64, Vec<u8>)> {
        let at = self.tail_at?;
        let length = usize::try_from(end.checked_sub(at)?).ok()?;
        self.tail.get(..length).map(|blocks| (at, blocks.to_vec()))
    }

    pub(super) fn wrong_prev(&mut self, offset: u64, named: Option<u64>, error: FormatError) {
        if self.wrong_prevs.len() < MOST_FAULTS {
            self.wrong_prevs.push(BlockFault { offset, error });
        }
        self.wrong_prev_count.0 += 1;
        self.wrong_prev_count.1 += u64::from(named == Some(offset));
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
            let text = format!("bytes after the end of a file of {} bytes", self.file_len);
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
        let room = MOST_FAULTS - self.wrong_prevs.len().min(MOST_FAULTS);
        self.wrong_prevs.extend(other.wrong_prevs.iter().take(room).cloned());
        self.wrong_prev_count.0 += other.wrong_prev_count.0;
        self.wrong_prev_count.1 += other.wrong_prev_count.1;
        other.last_blocks.iter().for_each(|(offset, block_type)| self.push_last(*offset, *block_type));
        self.join_tail(other);
        true
    }

    /// Adds what another walker saw of the file's last bytes only, if it is later in the file than this one.
    pub fn join_tail(&mut self, other: &Self) {
        let Some(other_at) = other.tail_at else { return };
        let Some(at) = self.tail_at.filter(|at| *at <= other_at) else {
            self.tail.clone_from(&other.tail);
            self.tail_at = other.tail_at;
            return;
        };
        // Two walkers may have seen the same piece.
        let end = at + self.tail.len() as u64;
        let both = end.checked_sub(other_at).and_then(|both| usize::try_from(both).ok());
        let more = both.and_then(|both| other.tail.get(both..)).unwrap_or_default();
        self.tail.extend_from_slice(more);
    }

    /// The trailer, if all of it came by.
    ///
    /// # Errors
    /// As [`Trailer::decode`]; Truncated if it did not come by whole.
    pub fn trailer(&self) -> Result<Trailer, FormatError> {
        let long = (self.file_len - self.tail_start()) as usize;
        if self.tail_at != Some(self.tail_start()) || self.tail.len() != long {
            return Err(FormatError::truncated("the trailer has not been read").at(self.chain_end()));
        }
        Trailer::decode(&self.tail, self.file_len)
    }

    /// Why the blocks of a file of an unread version cannot be followed: nothing that was seen of it counts.
    #[must_use]
    pub fn unread_version(&self) -> Option<FormatError> {
        self.known_end()?;
        let error = HFileVersion::read(&self.tail, self.file_len).err()?;
        error.is_unsupported().then_some(error)
    }

    /// Whether the blocks name each other differently from HBase's because of their writer: all that are wrong name
    /// themselves, or most data blocks are wrong.
    fn names_blocks_its_own_way(&self) -> bool {
        let (wrong, themselves) = self.wrong_prev_count;
        let data = self.blocks.of(BlockType::Data) + self.blocks.of(BlockType::EncodedData);
        wrong > 0 && (wrong == themselves || (wrong > 1 && wrong.saturating_mul(2) > data))
    }

    /// What is not damage but the habit of a writer other than HBase, one line each.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let first = self.wrong_prevs.first().filter(|_| self.names_blocks_its_own_way());
        let line = |fault: &BlockFault| {
            format!(
                "{} blocks name the wrong block as the one before them, the first at {}: HBase's reverse scans go wrong",
                self.wrong_prev_count.0, fault.offset
            )
        };
        first.map(line).into_iter().collect()
    }

    /// Everything that is wrong with the file, now that it has been walked whole: the faults of blocks, a mixture of
    /// checksum types, a part that was not walked, the trailer, and blocks that are not where the trailer says. For a
    /// file of a version that is not read, only that.
    #[must_use]
    pub fn conclude(&self) -> Vec<BlockFault> {
        if let Some(error) = self.unread_version() {
            return vec![BlockFault { offset: self.chain_end(), error }];
        }
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
        if !self.names_blocks_its_own_way() {
            faults.extend(self.wrong_prevs.iter().cloned());
        }
        // A wrong block is not where it should be, either: one report is enough.
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
