use crc_fast::{CrcAlgorithm, Digest};

/// How a block's checksums are computed: `ChecksumType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum ChecksumType {
    /// None: the slots are there and zero.
    Null = 0,
    /// CRC-32 as in zlib.
    Crc32 = 1,
    /// CRC-32C (Castagnoli), HBase's default.
    #[default]
    Crc32C = 2,
}

impl ChecksumType {
    /// All types, by ascending code.
    pub const ALL: [Self; 3] = [Self::Null, Self::Crc32, Self::Crc32C];

    /// HBase's code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The type with HBase's code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Null),
            1 => Some(Self::Crc32),
            2 => Some(Self::Crc32C),
            _ => None,
        }
    }

    /// HBase's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Crc32 => "CRC32",
            Self::Crc32C => "CRC32C",
        }
    }

    /// The checksum of one chunk; 0 for [`ChecksumType::Null`].
    #[must_use]
    pub fn of(self, chunk: &[u8]) -> u32 {
        match self {
            Self::Null => 0,
            Self::Crc32 => crc_fast::crc32_iso_hdlc(chunk),
            Self::Crc32C => crc_fast::crc32_iscsi(chunk),
        }
    }

    /// A checksum over pieces; none for [`ChecksumType::Null`].
    pub(super) fn digest(self) -> Option<Digest> {
        match self {
            Self::Null => None,
            Self::Crc32 => Some(Digest::new(CrcAlgorithm::Crc32IsoHdlc)),
            Self::Crc32C => Some(Digest::new(CrcAlgorithm::Crc32Iscsi)),
        }
    }
}
