//! Combines what several workers saw of one file's blocks.

use crate::bytes::BUFFER_LEN;
use formats::hfile::{BlockWalker, Walked};
use store::{ReadRanges, StoreError};

/// What was seen of a whole file, from what was seen of its ranges, in order. No worker saw the whole of a block that
/// lies across two ranges: those few bytes are read here. A range whose walker was misled (a cell can hold the bytes of
/// blocks) is walked again.
pub fn join_walks(file: &dyn ReadRanges, ranges: Vec<Walked>) -> Result<Walked, StoreError> {
    let len = file.metadata().len;
    let mut ranges = ranges.into_iter();
    let Some(mut all) = ranges.next() else {
        return walk(file, BlockWalker::from_start(len), len);
    };
    for next in ranges {
        if all.join(&next) {
            continue;
        }
        // No block begins in that range: the one that lies across it ends past it. What it saw of the trailer counts.
        let Some(first) = next.first else {
            all.join_tail(&next);
            continue;
        };
        let gap = walk(file, BlockWalker::at(all.next, len), first)?;
        if !(all.join(&gap) && all.join(&next)) {
            return to_the_end(file, all);
        }
    }
    to_the_end(file, all)
}

fn to_the_end(file: &dyn ReadRanges, mut all: Walked) -> Result<Walked, StoreError> {
    if !all.is_whole() {
        let rest = walk(file, BlockWalker::at(all.next, all.file_len), all.file_len)?;
        // A walk from where the other ended always joins.
        let _ = all.join(&rest);
    }
    Ok(all)
}

/// Feeds a walker from where it stands to `end`.
fn walk(file: &dyn ReadRanges, mut walker: BlockWalker, end: u64) -> Result<Walked, StoreError> {
    let mut buffer = vec![0; BUFFER_LEN];
    while walker.position() < end {
        let wanted = usize::try_from(end - walker.position()).unwrap_or(usize::MAX).min(buffer.len());
        let piece = buffer.get_mut(..wanted).unwrap_or_default();
        let read = file.read_at(walker.position(), piece)?;
        walker.feed(piece.get(..read).unwrap_or_default());
        if read < wanted {
            break;
        }
    }
    Ok(walker.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{MemoryStore, Store, StorePath};

    fn golden(name: &str) -> Vec<u8> {
        let path = format!("{}/../formats/tests/data/hfile/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    }

    fn opened(bytes: &[u8]) -> Box<dyn ReadRanges> {
        let store = MemoryStore::files();
        let path = StorePath::parse("file").unwrap();
        store.insert(&path, bytes).unwrap();
        store.open(&path).unwrap()
    }

    fn in_ranges(bytes: &[u8], range_len: usize) -> Vec<Walked> {
        let len = bytes.len() as u64;
        let walk = |(number, range): (usize, &[u8])| {
            let offset = (number * range_len) as u64;
            let mut walker = match offset {
                0 => BlockWalker::from_start(len),
                _ => BlockWalker::from_middle(offset, len),
            };
            walker.feed(range);
            walker.finish()
        };
        bytes.chunks(range_len).enumerate().map(walk).collect()
    }

    #[test]
    fn ranges_of_any_length_show_the_same_as_the_whole() {
        for name in
            ["hfile-index3-bloomROW-smallchunks.hfile", "hfile-codec-GZ.hfile", "hfile-checksum-NULL.hfile"]
        {
            let bytes = golden(name);
            let file = opened(&bytes);
            let whole = join_walks(file.as_ref(), Vec::new()).unwrap();
            assert!(whole.conclude().is_empty(), "{name}");
            for range_len in [1, 33, 100, 777, 4096, 10_000, bytes.len() + 1] {
                let joined = join_walks(file.as_ref(), in_ranges(&bytes, range_len)).unwrap();
                assert_eq!(joined.blocks, whole.blocks, "{name} in ranges of {range_len}");
                assert!(
                    joined.conclude().is_empty(),
                    "{name} in ranges of {range_len}: {:?}",
                    joined.conclude()
                );
            }
        }
    }

    #[test]
    fn a_flip_is_found_whatever_range_it_is_in() {
        let whole = golden("hfile-enc-NONE-tags.hfile");
        for at in (0..whole.len() - 4096).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let joined = join_walks(opened(&bytes).as_ref(), in_ranges(&bytes, 1500)).unwrap();
            assert!(!joined.conclude().is_empty(), "flip at {at}");
        }
    }
}
