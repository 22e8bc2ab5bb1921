//! What a file is, by its first and last bytes and its name, so that a message can say so and only damage is called
//! damage.

use crate::hfile::{BlockType, HFileVersion, TRAILER_SIZE, TRAILER_SIZE_V2};
use crate::schema::decode_reference;
use names::StoreFileName;
use std::fmt;

/// How many bytes of a file's front and of its end [`sniff`] wants to see: all of a shorter file.
pub const SNIFFED: usize = TRAILER_SIZE;

/// Size of the trailer of an HFile of version 1.
const TRAILER_SIZE_V1: usize = 60;
const TRAILER_MAGIC: &[u8] = b"TRABLK\"$";

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// The root directory of an HBase: a directory that holds what only a root does.
    Root,
    /// An empty file whose name says nothing.
    Empty,
    /// An HFile that can be read, or that has lost its trailer.
    HFile,
    /// An HFile of a version that HBase 2 does not read.
    OldHFile(HFileVersion),
    /// A Reference: what a split leaves in place of a parent's file.
    Reference,
    /// An `HFileLink`: an empty file whose name leads to another.
    Link,
    /// The mark of a sequence id in `recovered.edits`: an empty file.
    SequenceMark,
    /// A WAL.
    Wal,
    /// A WAL of HBase 0.94 and before: a Hadoop `SequenceFile`.
    OldWal,
    /// What HBase's Export writes: a Hadoop `SequenceFile` of rows.
    ExportedRows,
    /// Any other Hadoop `SequenceFile`.
    SequenceFile,
    /// A snapshot's `.snapshotinfo`.
    SnapshotDescription,
    /// A snapshot's `data.manifest`.
    SnapshotManifest,
    /// Part of a snapshot that was not finished, or has the layout of version 1.
    RegionManifest,
    /// A table's `.tableinfo`.
    TableDescriptor,
    /// A region's `.regioninfo`.
    RegionDescription,
    /// The list of a store's files (`.filelist`).
    StoreFileList,
    /// Parquet.
    Parquet,
    /// A Hadoop checksum file (`.NAME.crc`).
    SideFile,
    /// Another file of HBase's with its protobuf magic.
    Protobuf,
    /// None of these.
    Unknown,
}

/// Says what a file of `len` bytes is. `name` is its own name, without directories; `head` and `tail` are its first and
/// last [`SNIFFED`] bytes, or all of a shorter file. Bytes count more than names.
#[must_use]
pub fn sniff(name: &str, head: &[u8], tail: &[u8], len: u64) -> FileKind {
    if len == 0 {
        return of_empty(name);
    }
    of_magic(head, tail).or_else(|| of_name(name, head, len)).unwrap_or(FileKind::Unknown)
}

fn of_empty(name: &str) -> FileKind {
    match StoreFileName::parse(name) {
        Ok(StoreFileName::Link(_)) => FileKind::Link,
        _ if name.ends_with(".seqid") => FileKind::SequenceMark,
        _ => FileKind::Empty,
    }
}

fn of_magic(head: &[u8], tail: &[u8]) -> Option<FileKind> {
    if let Some(kind) = of_trailer(tail) {
        return Some(kind);
    }
    let first_block = head.first_chunk::<8>().and_then(|magic| BlockType::from_magic(*magic));
    match head {
        _ if first_block.is_some() => Some(FileKind::HFile),
        [b'P', b'W', b'A', b'L', ..] => Some(FileKind::Wal),
        [b'S', b'E', b'Q', 0..=6, ..] => Some(of_sequence_file(head)),
        [b'P', b'A', b'R', b'1', ..] | [b'P', b'A', b'R', b'E', ..] => Some(FileKind::Parquet),
        [b'c', b'r', b'c', 0, ..] => Some(FileKind::SideFile),
        _ => None,
    }
}

/// An HFile, by its trailer. One whose version is damaged counts as readable: its reader says what is wrong.
fn of_trailer(tail: &[u8]) -> Option<FileKind> {
    let stands = |size: usize| {
        let start = tail.len().checked_sub(size);
        start.and_then(|start| tail.get(start..)).is_some_and(|trailer| trailer.starts_with(TRAILER_MAGIC))
    };
    let size = [TRAILER_SIZE, TRAILER_SIZE_V2, TRAILER_SIZE_V1].into_iter().find(|size| stands(*size))?;
    let old = HFileVersion::of_tail(tail)
        .filter(|version| version.age().is_some() && version.trailer_size() == Some(size));
    Some(old.map_or(FileKind::HFile, FileKind::OldHFile))
}

/// The names of its key's and value's classes are at its start.
fn of_sequence_file(head: &[u8]) -> FileKind {
    let holds = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    if holds(b".wal.HLogKey") || holds(b".HLogKey") {
        FileKind::OldWal
    } else if holds(b".io.ImmutableBytesWritable") {
        FileKind::ExportedRows
    } else {
        FileKind::SequenceFile
    }
}

fn of_name(name: &str, head: &[u8], len: u64) -> Option<FileKind> {
    let protobuf = head.starts_with(b"PBUF");
    let framed = head.first_chunk::<4>().is_some_and(|length| {
        let length = u64::from(u32::from_be_bytes(*length));
        length > 0 && length.checked_add(8) == Some(len)
    });
    match name {
        ".snapshotinfo" => Some(FileKind::SnapshotDescription),
        "data.manifest" => Some(FileKind::SnapshotManifest),
        ".regioninfo" => Some(FileKind::RegionDescription),
        _ if name.starts_with("region-manifest.") => Some(FileKind::RegionManifest),
        _ if name.starts_with(".tableinfo") => Some(FileKind::TableDescriptor),
        _ if framed && (name.starts_with("f1") || name.starts_with("f2")) => Some(FileKind::StoreFileList),
        // References from before HBase 0.96 have no magic, and other short names look like theirs.
        _ if matches!(StoreFileName::parse(name), Ok(StoreFileName::Reference(_)))
            && (protobuf || decode_reference(head).is_ok()) =>
        {
            Some(FileKind::Reference)
        }
        _ => protobuf.then_some(FileKind::Protobuf),
    }
}

impl FileKind {
    /// Whether the `hfile` commands read it, or say what is wrong with it.
    #[must_use]
    pub fn is_for_hfile(self) -> bool {
        matches!(self, Self::HFile | Self::Reference | Self::Link | Self::Unknown)
    }

    /// Whether the `wal` commands read it, or say what is wrong with it.
    #[must_use]
    pub fn is_for_wal(self) -> bool {
        matches!(self, Self::Wal | Self::Empty | Self::Unknown)
    }

    /// What to do with it: the command that reads it, or how it becomes something that is read.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Directory => "give the files in it",
            Self::Root => "see what it holds: tidegate snapshot list --from ROOT",
            Self::Empty | Self::SequenceMark => "it is empty, so there is nothing to read",
            Self::HFile => "look into it with: tidegate hfile info|verify|cat FILE",
            Self::Reference | Self::Link => {
                "look at what it leads to with: tidegate hfile info|verify|cat FILE, in its place in an HBase root"
            }
            Self::OldHFile(HFileVersion { major: 1, .. }) => {
                "rewrite it with HBase 0.92 or 0.94 (a major compaction), and what that writes with HBase 1"
            }
            Self::OldHFile(_) => "rewrite it with HBase 1: a major compaction of its table",
            Self::Wal => "look into it with: tidegate wal info|cat|verify FILE",
            Self::OldWal => "replay it with HBase 1 (its WALPlayer reads such files, HBase 2's does not)",
            Self::ExportedRows => "import it with HBase's Import",
            Self::SequenceFile | Self::Unknown => "nothing of HBase 2 reads it as a table's file or log",
            Self::SnapshotDescription | Self::SnapshotManifest => {
                "see the snapshot with: tidegate snapshot info|verify --from ROOT NAME"
            }
            Self::RegionManifest => "take the snapshot again: only a finished one has a data.manifest",
            Self::Protobuf => "HBase reads it; give the root that it lies in, with --from",
            Self::TableDescriptor | Self::RegionDescription => {
                "see a snapshot's schema and regions with: tidegate snapshot info --schema --from ROOT NAME"
            }
            Self::StoreFileList => "there is nothing to do: every command on a root reads it by itself",
            Self::Parquet => "read it with any reader of Parquet; a repository's batches with: tidegate scan",
            Self::SideFile => "give the file beside it whose checksums these are",
        }
    }
}

/// What it is, in words that follow "this is".
impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "a directory",
            Self::Root => "an HBase root directory",
            Self::Empty => "an empty file",
            Self::HFile => "an HFile",
            Self::OldHFile(version) => {
                let age = version.age().unwrap_or("an old HBase");
                return write!(
                    f,
                    "an HFile of version {version}, which {age} wrote: HBase 2 does not read it either"
                );
            }
            Self::Reference => "a Reference (what a split leaves in place of a file of the parent)",
            Self::Link => "an HFileLink (an empty file whose name leads to another)",
            Self::SequenceMark => "the mark of a region's sequence id, an empty file",
            Self::Wal => "a WAL",
            Self::OldWal => {
                "a WAL of HBase 0.94 or before (a Hadoop SequenceFile): HBase 2 does not read it either"
            }
            Self::ExportedRows => "what HBase's Export wrote (a Hadoop SequenceFile of rows)",
            Self::SequenceFile => "a Hadoop SequenceFile",
            Self::SnapshotDescription => "a snapshot's description (.snapshotinfo)",
            Self::SnapshotManifest => "a snapshot's manifest (data.manifest)",
            Self::RegionManifest => "a region's part of a snapshot that was not finished",
            Self::TableDescriptor => "a table's descriptor (.tableinfo)",
            Self::RegionDescription => "a region's description (.regioninfo)",
            Self::StoreFileList => "the list of a store's files (.filelist)",
            Self::Parquet => "a Parquet file",
            Self::SideFile => "a Hadoop checksum file (.crc)",
            Self::Protobuf => "a small HBase document (PBUF)",
            Self::Unknown => "not a file that Tidegate knows",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, bytes: &[u8]) -> FileKind {
        let head = &bytes[..bytes.len().min(SNIFFED)];
        let tail = &bytes[bytes.len().saturating_sub(SNIFFED)..];
        sniff(name, head, tail, bytes.len() as u64)
    }

    const HEX: &str = "eeb05a9523104818b24410e7797c9293";

    #[test]
    fn bytes_count_more_than_names() {
        assert_eq!(of(HEX, b"PWAL\x07"), FileKind::Wal);
        assert_eq!(of("data.manifest", b"PWAL\x07"), FileKind::Wal);
        assert_eq!(of("x", b"SEQ\x06\x30org.apache.hadoop.hbase.regionserver.wal.HLogKey"), FileKind::OldWal);
        assert_eq!(
            of("x", b"SEQ\x06\x30org.apache.hadoop.hbase.io.ImmutableBytesWritable"),
            FileKind::ExportedRows
        );
        assert_eq!(of("x", b"SEQ\x06\x19org.apache.hadoop.io.Text"), FileKind::SequenceFile);
        assert_eq!(of("x", b"SEQUEL to"), FileKind::Unknown);
        assert_eq!(of("x", b"DATABLK*and more"), FileKind::HFile);
        assert_eq!(of("x", b"PAR1..PAR1"), FileKind::Parquet);
        assert_eq!(of(".x.crc", b"crc\0\0\0\x02\0"), FileKind::SideFile);
        assert_eq!(of("x", b"PBUFsomething"), FileKind::Protobuf);
        assert_eq!(of("x", b"something"), FileKind::Unknown);
    }

    #[test]
    fn names_tell_what_has_no_magic() {
        for (name, kind) in [
            (".snapshotinfo", FileKind::SnapshotDescription),
            ("data.manifest", FileKind::SnapshotManifest),
            (".tableinfo.0000000001.366", FileKind::TableDescriptor),
            (".tableinfo.0000000001", FileKind::TableDescriptor),
            (".regioninfo", FileKind::RegionDescription),
            ("region-manifest.eeb05a9523104818b24410e7797c9293", FileKind::RegionManifest),
        ] {
            assert_eq!(of(name, b"\x0a\x03abc"), kind, "{name}");
        }
        assert_eq!(of("f1.1795", &[0, 0, 0, 2, 8, 1, 9, 9, 9, 9]), FileKind::StoreFileList);
        assert_eq!(of("f1.1795", &[0, 0, 0, 3, 8, 1, 9, 9, 9, 9]), FileKind::Unknown);
        assert_eq!(of(&format!("{HEX}.{HEX}"), b"PBUF\x0a"), FileKind::Reference);
        let old = [&[0, 13, 0, 1, b'm', 0][..], &[0x7f, 255, 255, 255, 255, 255, 255, 255, 255]].concat();
        assert_eq!(of(&format!("{HEX}.{HEX}"), &old), FileKind::Reference);
        assert_eq!(of(&format!("{HEX}.{HEX}"), &old[..9]), FileKind::Unknown);
    }

    #[test]
    fn an_empty_file_may_be_a_link() {
        assert_eq!(of(&format!("t={HEX}-{HEX}"), b""), FileKind::Link);
        assert_eq!(of("99.seqid", b""), FileKind::SequenceMark);
        assert_eq!(of(HEX, b""), FileKind::Empty);
    }

    #[test]
    fn an_old_hfile_is_known_by_its_trailer_and_version_together() {
        let file = |size: usize, version: [u8; 4]| {
            let mut bytes = b"DATABLK*".to_vec();
            bytes.extend([0; 50]);
            bytes.extend(TRAILER_MAGIC);
            bytes.extend(vec![0; size - 12]);
            bytes.extend(version);
            bytes
        };
        let old = |major, minor| FileKind::OldHFile(HFileVersion { major, minor });
        assert_eq!(of("x", &file(60, [0, 0, 0, 1])), old(1, 0));
        for minor in 0..3 {
            assert_eq!(of("x", &file(212, [minor, 0, 0, 2])), old(2, minor));
        }
        assert_eq!(of("x", &file(212, [3, 0, 0, 2])), FileKind::HFile);
        assert_eq!(of("x", &file(4096, [0, 0, 0, 3])), FileKind::HFile);
        // One flipped bit does not make a file old.
        assert_eq!(of("x", &file(4096, [3, 0, 0, 1])), FileKind::HFile);
        assert_eq!(of("x", &file(4096, [0, 0, 0, 2])), FileKind::HFile);
    }
}
