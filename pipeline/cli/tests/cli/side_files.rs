//! Hadoop's checksums beside files, as a test writes and reads them.

use crate::support::files_below;
use std::fs;
use std::path::{Path, PathBuf};

const CHUNK: usize = 512;

/// Where Hadoop's LocalFileSystem keeps the checksums of a file.
pub fn side_of(file: &Path) -> PathBuf {
    file.with_file_name(format!(".{}.crc", file.file_name().unwrap().to_str().unwrap()))
}

pub fn is_side_file(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_str().unwrap();
    name.starts_with('.') && name.ends_with(".crc")
}

/// What Hadoop writes beside a file of these bytes.
pub fn side_bytes(bytes: &[u8]) -> Vec<u8> {
    let sums = bytes.chunks(CHUNK).flat_map(|chunk| crc32(chunk).to_be_bytes());
    b"crc\0".iter().copied().chain((CHUNK as u32).to_be_bytes()).chain(sums).collect()
}

/// Writes the side files of all files below a directory.
pub fn write_side_files(dir: &Path) {
    for file in files_below(dir).into_iter().filter(|file| !is_side_file(file)) {
        fs::write(side_of(&file), side_bytes(&fs::read(&file).unwrap())).unwrap();
    }
}

/// The files below a directory beside which lie checksums of other bytes: what HBase's tools do not read.
pub fn stale_side_files(dir: &Path) -> Vec<PathBuf> {
    let stale = |file: &PathBuf| {
        let (bytes, side) = (fs::read(file).unwrap(), fs::read(side_of(file)));
        !is_side_file(file) && side.is_ok_and(|side| side != side_bytes(&bytes))
    };
    files_below(dir).into_iter().filter(stale).collect()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}
