use std::fmt;

use super::TRAILER_SIZE;
use crate::{FormatError, Unsupported};

/// Size of the trailer of an HFile of version 2.
pub const TRAILER_SIZE_V2: usize = 212;
/// Size of the trailer of an HFile of version 1, which nothing here reads.
const TRAILER_SIZE_V1: usize = 60;

/// The first 8 bytes of every trailer.
pub(super) const MAGIC: [u8; 8] = *b"TRABLK\"$";

/// The version of an HFile, its last four bytes: `FixedFileTrailer`'s `minor << 24 | major`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HFileVersion {
    /// 2 or 3 in files that are read.
    pub major: u32,
    /// HBase 0.96 to 1.x writes 2.3 or 3.0, HBase 2 and later 3.3.
    pub minor: u8,
}

impl HFileVersion {
    /// What HBase 2 and later write, and what is written here.
    pub const WRITTEN: Self = Self { major: 3, minor: 3 };

    /// The version that a file's last bytes name. `tail` holds as many of its last bytes as are available; `None` if
    /// fewer than four.
    #[must_use]
    pub fn of_tail(tail: &[u8]) -> Option<Self> {
        let (_, version) = tail.split_last_chunk::<4>()?;
        let version = u32::from_be_bytes(*version);
        Some(Self { major: version & 0x00ff_ffff, minor: (version >> 24) as u8 })
    }

    /// Whether HBase 2, and so this crate, reads it: major 3 with any minor that was ever written, major 2 from 2.3 on.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!((self.major, self.minor), (3, 0..=3) | (2, 3))
    }

    /// Which HBase wrote it, if that is too old to be read; `None` for a version that is read, or that no HBase had.
    #[must_use]
    pub fn age(self) -> Option<&'static str> {
        match (self.major, self.minor) {
            (1, _) => Some("HBase up to 0.90"),
            // 0.94 writes 2.1 only with its own checksums, which are off by default.
            (2, 0) => Some("HBase 0.92 or 0.94"),
            (2, 1) => Some("HBase 0.94"),
            (2, 2) => Some("HBase 0.95"),
            _ => None,
        }
    }

    /// Size of its trailer; `None` for a version that no HBase had.
    #[must_use]
    pub fn trailer_size(self) -> Option<usize> {
        match self.major {
            1 => Some(TRAILER_SIZE_V1),
            2 => Some(TRAILER_SIZE_V2),
            3 => Some(TRAILER_SIZE),
            _ => None,
        }
    }

    /// The version of a file of `file_len` bytes that ends in `tail`, if it is one that is read.
    ///
    /// # Errors
    /// Unsupported for a version that is not read, naming its age; Corrupt if it ends in no version, or if another
    /// version's trailer stands there.
    pub(super) fn read(tail: &[u8], file_len: u64) -> Result<Self, FormatError> {
        let Some(version) = Self::of_tail(tail) else {
            return Err(FormatError::truncated("too short to be an HFile"));
        };
        version.check(tail).map_err(|error| error.at(file_len.saturating_sub(4)))?;
        Ok(version)
    }

    fn check(self, tail: &[u8]) -> Result<(), FormatError> {
        let Self { major, minor } = self;
        let plausible = (1..=9).contains(&major) && minor <= 9;
        // A later version's trailer is not known; it is hardly shorter.
        let size = self.trailer_size().unwrap_or(TRAILER_SIZE);
        match (plausible, has_magic(tail, size)) {
            (true, true) if self.is_read() => Ok(()),
            (true, true) => Err(self.unsupported()),
            (true, false) => match [TRAILER_SIZE_V1, TRAILER_SIZE_V2, TRAILER_SIZE]
                .into_iter()
                .find(|other| has_magic(tail, *other))
            {
                Some(other) => Err(FormatError::corrupt(format!(
                    "it ends in version {self}, but its trailer is the {other} bytes of another version's"
                ))),
                // Whoever decodes the trailer says what is wrong with it.
                None if self.is_read() => Ok(()),
                None => Err(self.no_version()),
            },
            (false, _) => Err(self.no_version()),
        }
    }

    fn no_version(self) -> FormatError {
        let (major, minor) = (self.major, self.minor);
        FormatError::corrupt(format!("no HFile: it ends in {minor:02x}{major:06x}, which is no version"))
    }

    fn unsupported(self) -> FormatError {
        match self.age() {
            Some(age) => FormatError::unsupported(
                Unsupported::OldHFile(self),
                format!("HFile version {self}, which {age} wrote: HBase 2 does not read it either"),
            ),
            None => FormatError::unsupported(
                Unsupported::Other,
                format!("HFile version {self}, which no HBase up to 3.0 writes: only 2.3 to 3.3 can be read"),
            ),
        }
    }
}

impl fmt::Display for HFileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Whether a trailer of `size` bytes could stand at the end of these bytes.
fn has_magic(tail: &[u8], size: usize) -> bool {
    let start = tail.len().checked_sub(size);
    start.and_then(|start| tail.get(start..)).is_some_and(|trailer| trailer.starts_with(&MAGIC))
}

/// Size of the trailer at the end of a file: what its magic says, else its version, else that of version 3.
pub(super) fn trailer_size_of(tail: &[u8]) -> usize {
    match (has_magic(tail, TRAILER_SIZE), has_magic(tail, TRAILER_SIZE_V2)) {
        (true, false) => TRAILER_SIZE,
        (false, true) => TRAILER_SIZE_V2,
        _ => match HFileVersion::of_tail(tail) {
            Some(version) if version.major == 2 && version.minor <= 9 => TRAILER_SIZE_V2,
            _ => TRAILER_SIZE,
        },
    }
}
