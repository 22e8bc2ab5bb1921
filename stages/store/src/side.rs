//! The checksums that Hadoop keeps beside the files of a local file system (`ChecksumFileSystem`).
//!
//! Beside `NAME` lies `.NAME.crc`: `crc\0`, the length of a chunk as an int, and the CRC32 of each chunk, all big-endian.
//! Hadoop reads a file against its side file and fails at the first chunk that disagrees, or has no checksum. Where the
//! side file is not there, or does not begin like one, it reads the file unchecked. Where it says no length, or ends within a
//! checksum, Hadoop fails at once; that the file was cut between two chunks it does not notice.

use crate::{ReadRanges, Store, StoreError, StoreErrorKind, StorePath};

const MAGIC: [u8; 4] = *b"crc\0";
const HEADER: u64 = 8;
const SUM: u64 = 4;

/// Whether a file of this name is a side file, which Hadoop hides.
pub fn is_side_file(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".crc")
}

/// What Hadoop calls the side file of a file of this name; a side file itself has none.
pub(crate) fn side_name(name: &str) -> Option<String> {
    (!is_side_file(name)).then(|| format!(".{name}.crc"))
}

impl StorePath {
    /// Where Hadoop keeps the checksums of this file; the root, and a side file itself, have none.
    pub fn side_file(&self) -> Option<Self> {
        self.parent()?.join(&side_name(self.name())?).ok()
    }
}

/// The side file of a file.
pub struct SideFile {
    file: Box<dyn ReadRanges>,
    chunk_len: u64,
}

impl SideFile {
    /// Opens the side file; `None` if there is none that Hadoop would heed.
    pub fn open(store: &dyn Store, path: &StorePath) -> Result<Option<Self>, StoreError> {
        let Some(side) = path.side_file().filter(|_| store.abilities().side_files) else { return Ok(None) };
        let file = match store.open(&side) {
            Ok(file) => file,
            Err(error) if is_unheeded(error.kind) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut header = [0; HEADER as usize];
        let read = file.read_at(0, &mut header)?;
        let [m0, m1, m2, m3, length @ ..] = header;
        let heeded = read == header.len() && [m0, m1, m2, m3] == MAGIC;
        let chunk_len = u64::try_from(i32::from_be_bytes(length)).unwrap_or(0);
        Ok(heeded.then_some(Self { file, chunk_len }))
    }

    /// Bytes that one checksum is of; the last chunk of a file may be shorter. 0 if the side file says no length.
    pub fn chunk_len(&self) -> u64 {
        self.chunk_len
    }

    /// Whether it says a length, and does not end within a checksum.
    pub fn is_readable(&self) -> bool {
        self.chunk_len > 0 && self.file.metadata().len.saturating_sub(HEADER).is_multiple_of(SUM)
    }

    /// Chunks that it has checksums of.
    pub fn chunks(&self) -> u64 {
        self.file.metadata().len.saturating_sub(HEADER) / SUM
    }

    /// The checksums of chunks from this one on, as many as are asked for and there are.
    pub fn sums(&self, first: u64, most: usize) -> Result<Vec<u32>, StoreError> {
        let mut bytes = vec![0; most.saturating_mul(SUM as usize)];
        let read = self.file.read_at(first.saturating_mul(SUM).saturating_add(HEADER), &mut bytes)?;
        let words = bytes.get(..read).unwrap_or_default().chunks_exact(SUM as usize);
        Ok(words.filter_map(|word| word.try_into().ok()).map(u32::from_be_bytes).collect())
    }
}

/// Hadoop reads a file unchecked if its side file is not there, or not to be read by this user.
fn is_unheeded(kind: StoreErrorKind) -> bool {
    matches!(
        kind,
        StoreErrorKind::NotFound
            | StoreErrorKind::PermissionDenied
            | StoreErrorKind::WrongKind
            | StoreErrorKind::InvalidPath
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileStore;

    #[test]
    fn a_side_file_has_its_files_name_with_a_dot_before_and_crc_behind() {
        let side = |path: &str| StorePath::parse(path).unwrap().side_file().map(|side| side.to_string());
        assert_eq!(side("a/b"), Some("a/.b.crc".into()));
        assert_eq!(side(".snapshotinfo"), Some("..snapshotinfo.crc".into()));
        assert_eq!((side("a/.b.crc"), side("")), (None, None));
    }

    #[test]
    fn what_hadoop_would_not_heed_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let (store, path) = (FileStore::new(dir.path()).unwrap(), StorePath::parse("f").unwrap());
        let open = |bytes: &[u8]| {
            std::fs::write(dir.path().join(".f.crc"), bytes).unwrap();
            SideFile::open(&store, &path).unwrap()
        };
        assert!(SideFile::open(&store, &path).unwrap().is_none());
        for unheeded in [&b""[..], b"crc\0\0\0\x02", b"crc\x01\0\0\x02\0", b"garbage..."] {
            assert!(open(unheeded).is_none(), "{unheeded:?}");
        }
        let unreadable: [&[u8]; 4] =
            [b"crc\0\0\0\0\0", b"crc\0\xff\0\0\0", b"crc\0\x80\0\0\0", b"crc\0\0\0\x02\0\x01"];
        for bytes in unreadable {
            assert!(!open(bytes).unwrap().is_readable(), "{bytes:?}");
        }
        let side = open(b"crc\0\0\0\x02\0\0\0\0\x01\0\0\0\x02").unwrap();
        assert_eq!((side.chunk_len(), side.chunks(), side.is_readable()), (512, 2, true));
        assert_eq!(side.sums(0, 10).unwrap(), [1, 2]);
        assert_eq!((side.sums(1, 1).unwrap(), side.sums(2, 1).unwrap()), (vec![2], vec![]));
    }
}
