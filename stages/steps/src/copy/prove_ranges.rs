//! Reads what was copied, and made durable since, back from the medium and compares.
//!
//! What is read back is compared with the CRC32C of what was read from the source, not with its BLAKE3. The fault that
//! is looked for is one of a medium, a controller or a cable, not forged bytes: CRC32C finds every burst of up to 32
//! bits, and of anything else all but one in 4,294,967,296, a range of 64 MiB at a time. A second BLAKE3 of every byte
//! would cost more than reading it; the one that was made of the source's bytes is what images record, so `snapshot
//! verify` compares the medium with it later.

use crate::bytes::failed_store;
use crate::bytes::{BUFFER_LEN, ReadPieces};
use crate::copy::copy_ranges::{CopiedRange, CopiedUnit, RangeToCopy, walker_at};
use crate::copy::proof::Contents;
use crc_fast::{CrcAlgorithm, Digest};
use formats::FormatError;
use formats::hfile::{BlockWalker, Walked};
use stage::{Bytes, Failure, Map, Problem};
use store::{AlignedBuffer, Identity, Metadata, ReadRanges, Store, StoreError};

/// A copied range after it was read back.
pub struct ProvedRange {
    /// What was copied.
    pub copied: CopiedRange,
    /// Whether the medium holds the bytes that were read from the source.
    pub agrees: bool,
    /// What the file says about itself, if the range is the whole file and agrees. The error is no problem yet: where
    /// blocks are not verified a damaged file is copied as it is, and its image keeps the error's words.
    pub contents: Result<Contents, FormatError>,
    /// The identity of the file that was read back; `None` if there was none.
    pub identity: Option<Identity>,
}

/// The ranges of a unit after they were read back; those that could not be copied stay problems.
pub struct ProvedUnit {
    /// The file's number, and the range as it was read back, or why it was not copied.
    pub ranges: Vec<(u32, Result<ProvedRange, Problem>)>,
}

impl Bytes for ProvedUnit {
    fn bytes(&self) -> usize {
        BUFFER_LEN
    }
}

/// The step. Whoever calls it has synced the files.
pub struct ProveRanges<'a> {
    /// Where the copies are.
    pub target: &'a dyn Store,
    /// Whether blocks are followed in ranges that an earlier run copied: what it saw of them was not kept.
    pub verify_blocks: bool,
}

impl Map for ProveRanges<'_> {
    type In = CopiedUnit;
    type Out = ProvedUnit;

    fn map(&self, unit: CopiedUnit) -> Result<ProvedUnit, Failure> {
        let mut buffer = AlignedBuffer::new(BUFFER_LEN);
        let prove = |(file, range): (u32, Result<CopiedRange, Problem>)| match range {
            Ok(copied) => Ok((file, Ok(self.prove(copied, &mut buffer)?))),
            Err(problem) => Ok((file, Err(problem))),
        };
        Ok(ProvedUnit { ranges: unit.ranges.into_iter().map(prove).collect::<Result<_, _>>()? })
    }
}

impl ProveRanges<'_> {
    fn prove(&self, mut copied: CopiedRange, buffer: &mut [u8]) -> Result<ProvedRange, Failure> {
        let unreadable = |error| failed_store("reading the copy back", self.target, error);
        let file = match self.target.open_uncached(&copied.asked.target) {
            Ok(file) => file,
            // An earlier run wrote it, and a power cut took it.
            Err(error) if error.is_not_found() => {
                let contents = Ok(Contents::default());
                return Ok(ProvedRange { copied, agrees: false, contents, identity: None });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let walk = self.verify_blocks && copied.walked.is_none();
        let read = read_back(file.as_ref(), &copied.asked, walk, buffer).map_err(unreadable)?;
        let mut agrees = false;
        if let Some((crc, walked)) = read {
            agrees = crc == copied.sum.crc32c;
            copied.walked = copied.walked.or(walked);
        }
        let shape = copied.asked.shape;
        let contents = match agrees && shape.parts() == 1 {
            false => Ok(Contents::default()),
            // A short file is wholly in the buffer.
            true if shape.len <= buffer.len() as u64 => {
                let bytes = buffer.get(..shape.len as usize).unwrap_or_default();
                Contents::read(&Held { bytes, metadata: file.metadata() })
            }
            true => Contents::read(file.as_ref()),
        };
        let contents = contents.map(Ok).or_else(|fault| fault.format().map(Err)).map_err(unreadable)?;
        let identity = Some(file.metadata().identity.clone());
        Ok(ProvedRange { copied, agrees, contents, identity })
    }
}

/// CRC32C of a range as the medium holds it, and its blocks; `None` if the medium does not hold all of it.
fn read_back(
    file: &dyn ReadRanges,
    asked: &RangeToCopy,
    walk: bool,
    buffer: &mut [u8],
) -> Result<Option<(u32, Option<Walked>)>, StoreError> {
    if file.metadata().len != asked.shape.len {
        return Ok(None);
    }
    let span = asked.shape.part(asked.range);
    let mut walker = walk.then(|| walker_at(span.0, asked.shape.len));
    let mut crc = Digest::new(CrcAlgorithm::Crc32Iscsi);
    let mut pieces = ReadPieces::new(file, span, buffer).in_pages();
    while let Some(piece) = pieces.next_piece()? {
        crc.update(piece);
        if let Some(walker) = &mut walker {
            walker.feed(piece);
        }
    }
    if pieces.is_cut_short() {
        return Ok(None);
    }
    Ok(Some((crc.finalize() as u32, walker.map(BlockWalker::finish))))
}

/// A file whose bytes are in memory.
struct Held<'a> {
    bytes: &'a [u8],
    metadata: &'a Metadata,
}

impl ReadRanges for Held<'_> {
    fn metadata(&self) -> &Metadata {
        self.metadata
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let rest =
            usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..)).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
        Ok(len)
    }

    fn current(&self) -> Result<Metadata, StoreError> {
        Ok(self.metadata.clone())
    }
}
