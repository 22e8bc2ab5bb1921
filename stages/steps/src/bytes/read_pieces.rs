//! Reads a span of a file piece by piece, or a whole file once for everything that is wanted of it.

use crate::bytes::digest::{RangeHasher, RangeSum};
use formats::hfile::{BlockWalker, Walked};
use store::{ReadRanges, StoreError, WriteShape};

/// Bytes read and written at a time.
pub const BUFFER_LEN: usize = 1 << 20;

const PAGE: usize = 4096;

/// All bytes of a file from `start` to `end`, or to the end of the file.
pub(crate) fn read_span(file: &dyn ReadRanges, start: u64, end: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX)];
    let read = file.read_at(start, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The pieces of a span, each but the last as long as the buffer.
pub(crate) struct ReadPieces<'a> {
    file: &'a dyn ReadRanges,
    buffer: &'a mut [u8],
    offset: u64,
    end: u64,
    ended: bool,
    multiple: usize,
}

impl<'a> ReadPieces<'a> {
    /// Reads `len` bytes from `offset` on.
    pub(crate) fn new(file: &'a dyn ReadRanges, (offset, len): (u64, u64), buffer: &'a mut [u8]) -> Self {
        Self { file, buffer, offset, end: offset.saturating_add(len), ended: false, multiple: 1 }
    }

    /// Asks for whole pages, though only the span's bytes count: past the page cache the end of a file then comes without
    /// a buffer in between.
    pub(crate) fn in_pages(self) -> Self {
        Self { multiple: PAGE, ..self }
    }

    /// The next piece; `None` at the end of the span, and at the file's if that comes first.
    pub(crate) fn next_piece(&mut self) -> Result<Option<&[u8]>, StoreError> {
        let wanted = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX).min(self.buffer.len());
        if wanted == 0 || self.ended {
            return Ok(None);
        }
        let asked = wanted.next_multiple_of(self.multiple).min(self.buffer.len());
        let read = self.file.read_at(self.offset, self.buffer.get_mut(..asked).unwrap_or_default())?;
        let read = read.min(wanted);
        self.ended = read < wanted;
        self.offset += read as u64;
        Ok(self.buffer.get(..read))
    }

    /// How far it has got: where a read failed, or where the file ended.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the file ended within the span.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.ended
    }
}

/// What is wanted of a file that is read once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// The digests of its ranges.
    pub(crate) sums: bool,
    /// Its blocks, followed.
    pub(crate) blocks: bool,
}

/// What reading a file once showed.
#[derive(Debug, Default)]
pub(crate) struct ReadThrough {
    /// Digests of its ranges, if they were wanted.
    pub(crate) ranges: Vec<RangeSum>,
    /// Its blocks, if they were wanted.
    pub(crate) walked: Option<Walked>,
    /// Where it ended, if it was shorter than it should be.
    pub(crate) cut_short: Option<u64>,
}

/// Reads a file once, in ranges. An error comes with the offset at which it happened.
pub(crate) fn read_through(
    file: &dyn ReadRanges,
    shape: WriteShape,
    wanted: Wanted,
) -> Result<ReadThrough, (u64, StoreError)> {
    let mut walker = wanted.blocks.then(|| BlockWalker::from_start(shape.len));
    let mut buffer = vec![0; BUFFER_LEN.min(usize::try_from(shape.len).unwrap_or(BUFFER_LEN)).max(1)];
    let mut through = ReadThrough::default();
    for index in 0..u32::try_from(shape.parts()).unwrap_or(u32::MAX) {
        let span = shape.part(index);
        let mut hasher = RangeHasher::new(span.0, shape.parts() == 1);
        let mut pieces = ReadPieces::new(file, span, &mut buffer);
        loop {
            let at = pieces.offset();
            let Some(piece) = pieces.next_piece().map_err(|error| (at, error))? else { break };
            if wanted.sums {
                hasher.update(piece);
            }
            if let Some(walker) = &mut walker {
                walker.feed(piece);
            }
        }
        if pieces.is_cut_short() {
            through.cut_short = Some(pieces.offset());
            break;
        }
        if wanted.sums {
            through.ranges.push(hasher.finish());
        }
    }
    through.walked = walker.map(BlockWalker::finish);
    Ok(through)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::digest::{crc32c, join_ranges};
    use store::{MemoryStore, Store, StorePath};

    fn file() -> (Vec<u8>, Box<dyn ReadRanges>) {
        let path = format!("{}/../formats/tests/data/hfile/hfile-codec-GZ.hfile", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let (store, path) = (MemoryStore::files(), StorePath::parse("f").unwrap());
        store.insert(&path, bytes.as_slice()).unwrap();
        let file = store.open(&path).unwrap();
        (bytes, file)
    }

    #[test]
    fn a_file_of_several_ranges_is_read_like_one_of_one() {
        let (bytes, file) = file();
        for part_len in [1024, 4096, 1 << 20] {
            for (sums, blocks) in [(true, true), (true, false), (false, true)] {
                let shape = WriteShape { len: bytes.len() as u64, part_len };
                let through = read_through(file.as_ref(), shape, Wanted { sums, blocks }).unwrap();
                let sum = join_ranges(&through.ranges);
                assert_eq!(sum.map(|sum| sum.crc32c), sums.then(|| crc32c(&bytes)));
                assert_eq!(sum.map(|sum| sum.blake3.0), sums.then(|| *blake3::hash(&bytes).as_bytes()));
                assert_eq!(through.walked.map(|walked| walked.conclude().len()), blocks.then_some(0));
                assert_eq!(through.cut_short, None);
            }
        }
    }

    #[test]
    fn a_file_that_is_shorter_than_it_was_says_where_it_ended() {
        let (bytes, file) = file();
        for part_len in [1024, 1 << 20] {
            let shape = WriteShape { len: bytes.len() as u64 + 1500, part_len };
            let through = read_through(file.as_ref(), shape, Wanted { sums: true, blocks: false }).unwrap();
            assert_eq!(through.cut_short, Some(bytes.len() as u64));
        }
    }
}
