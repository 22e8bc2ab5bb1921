//! Files and the checksums that Hadoop keeps beside them, whatever the order in which they are read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::fs;
use steps::bytes::Witnessed;
use store::{FileStore, ReadRanges, StorePath};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

fn side_bytes(bytes: &[u8], chunk_len: usize) -> Vec<u8> {
    let sums = bytes.chunks(chunk_len).flat_map(|chunk| crc32(chunk).to_be_bytes());
    b"crc\0".iter().copied().chain((chunk_len as u32).to_be_bytes()).chain(sums).collect()
}

struct Files {
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Files {
    fn new(len: usize, chunk_len: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..len).map(|n| (n * n / 7) as u8).collect();
        fs::write(dir.path().join("f"), &bytes).unwrap();
        fs::write(dir.path().join(".f.crc"), side_bytes(&bytes, chunk_len)).unwrap();
        Self { dir, bytes }
    }

    fn open(&self) -> Witnessed {
        Witnessed::open(&FileStore::new(self.dir.path()).unwrap(), &StorePath::parse("f").unwrap()).unwrap()
    }

    fn flip(&self, at: usize) {
        let mut bytes = self.bytes.clone();
        bytes[at] ^= 0x10;
        fs::write(self.dir.path().join("f"), bytes).unwrap();
    }

    /// The offset of the problem, once these spans were read.
    fn found(&self, spans: impl IntoIterator<Item = (usize, usize)>) -> Option<u64> {
        let file = self.open();
        for (offset, len) in spans {
            let mut buffer = vec![0; len];
            let read = file.read_at(offset as u64, &mut buffer).unwrap();
            assert_eq!(read, len.min(self.bytes.len().saturating_sub(offset)));
        }
        file.problem("f", true).map(|problem| problem.offset.unwrap())
    }
}

fn pieces(from: usize, to: usize, len: usize) -> impl Iterator<Item = (usize, usize)> {
    (from..to).step_by(len).map(move |at| (at, len.min(to - at)))
}

#[test]
fn every_flip_is_found_in_its_chunk_whatever_the_pieces() {
    for (len, chunk_len) in [(5000, 512), (4096, 512), (5000, 700), (5000, 1), (300, 512), (5000, 4999)] {
        for piece in [1, 100, 512, 700, 1000, 1 << 20] {
            let files = Files::new(len, chunk_len);
            assert_eq!(files.found(pieces(0, len, piece)), None, "{len} {chunk_len} {piece}");
            for at in [0, 1, len / 2, len - 1] {
                files.flip(at);
                let chunk = (at / chunk_len * chunk_len) as u64;
                assert_eq!(files.found(pieces(0, len, piece)), Some(chunk), "{len} {chunk_len} {piece} {at}");
            }
        }
    }
}

/// A long file is read in ranges, each by another worker: a chunk across the border of two belongs to the first.
#[test]
fn ranges_together_see_every_byte() {
    for chunk_len in [512, 700, 3000] {
        let files = Files::new(9000, chunk_len);
        let ranges = [(0, 2048), (2048, 4096), (4096, 8192), (8192, 9000)];
        for (from, to) in ranges {
            assert_eq!(files.found(pieces(from, to, 500)), None, "{chunk_len} {from}");
        }
        for at in (0..9000).step_by(97) {
            files.flip(at);
            let found = ranges.iter().filter_map(|(from, to)| files.found(pieces(*from, *to, 500)));
            assert_eq!(found.min(), Some((at / chunk_len * chunk_len) as u64), "{chunk_len} {at}");
        }
    }
}

/// Blocks are read where they lie: of what is not in one piece whole chunks count, and nothing is wrongly reported.
#[test]
fn reads_out_of_order_alarm_nobody() {
    let files = Files::new(9000, 512);
    assert_eq!(
        files.found([(8000, 1000), (100, 3000), (1000, 700), (3100, 10), (8999, 50), (9000, 5)]),
        None
    );
    files.flip(1600);
    assert_eq!(files.found([(100, 3000)]), Some(1536));
    assert_eq!(files.found([(1600, 10)]), None, "part of a chunk");
    assert_eq!(files.found([(4000, 3000)]), None, "elsewhere");
}

#[test]
fn a_file_that_grows_may_be_ahead_of_its_side_file_and_a_cut_one_is_reported() {
    let files = Files::new(3000, 512);
    let side = files.dir.path().join(".f.crc");
    let sums = fs::read(&side).unwrap();
    let read_all = || {
        let file = files.open();
        file.read_at(0, &mut [0; 4000]).unwrap();
        file
    };
    fs::write(&side, &sums[..sums.len() - 8]).unwrap();
    assert_eq!(read_all().problem("f", false), None);
    assert_eq!(read_all().problem("f", true).unwrap().offset, Some(2048));
    fs::write(&side, &sums).unwrap();
    for len in [2999, 2560, 1024, 0] {
        fs::write(files.dir.path().join("f"), &files.bytes[..len]).unwrap();
        // Also of a file that is written: checksums never run ahead of the bytes. In the last chunk that shows nothing.
        let growing = read_all().problem("f", false).and_then(|problem| problem.offset);
        assert_eq!(growing, (len <= 2560).then_some(len as u64), "{len}");
        let offset = read_all().problem("f", true).unwrap().offset.unwrap();
        assert_eq!(offset, (len / 512 * 512).min(2560) as u64, "{len}");
    }
    // What Hadoop cannot read, either.
    fs::write(files.dir.path().join("f"), &files.bytes).unwrap();
    for broken in [&sums[..8], &sums[..sums.len() - 2], b"crc\0\0\0\0\0", b"crc\0\xff\xff\xff\xff\0\0\0\0"] {
        fs::write(&side, broken).unwrap();
        assert!(read_all().problem("f", true).is_some(), "{broken:?}");
    }
}
