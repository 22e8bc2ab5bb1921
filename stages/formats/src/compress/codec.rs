use std::fmt;

/// How bytes are compressed: `Compression.Algorithm` of HBase, whose ordinals stand in HFile trailers and WAL
/// headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Codec {
    /// LZO1X in Hadoop's block framing.
    Lzo = 0,
    /// One gzip member.
    Gz = 1,
    /// Not compressed.
    #[default]
    None = 2,
    /// Raw Snappy in Hadoop's block framing.
    Snappy = 3,
    /// Raw LZ4 blocks in Hadoop's block framing.
    Lz4 = 4,
    /// bzip2: named, not read.
    Bzip2 = 5,
    /// zstd frames, plain (Hadoop's native codec) or in Hadoop's block framing (HBase's own codecs).
    Zstd = 6,
    /// xz: named, not read.
    Lzma = 7,
    /// Brotli: named, not read.
    Brotli = 8,
}

impl Codec {
    /// All codecs, by ascending ordinal.
    pub const ALL: [Self; 9] = [
        Self::Lzo,
        Self::Gz,
        Self::None,
        Self::Snappy,
        Self::Lz4,
        Self::Bzip2,
        Self::Zstd,
        Self::Lzma,
        Self::Brotli,
    ];

    /// HBase's number.
    #[must_use]
    pub const fn ordinal(self) -> u8 {
        self as u8
    }

    /// The codec with HBase's number.
    #[must_use]
    pub fn from_ordinal(ordinal: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| u32::from(codec.ordinal()) == ordinal)
    }

    /// HBase's name, as in a family's COMPRESSION.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lzo => "LZO",
            Self::Gz => "GZ",
            Self::None => "NONE",
            Self::Snappy => "SNAPPY",
            Self::Lz4 => "LZ4",
            Self::Bzip2 => "BZIP2",
            Self::Zstd => "ZSTD",
            Self::Lzma => "LZMA",
            Self::Brotli => "BROTLI",
        }
    }

    /// Whether [`super::Decompressor`] reads it.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        match self {
            Self::None | Self::Gz | Self::Snappy | Self::Lz4 | Self::Zstd | Self::Lzo => true,
            Self::Bzip2 | Self::Lzma | Self::Brotli => false,
        }
    }

    /// The codec with HBase's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Whether [`super::Compressor`] writes it.
    #[must_use]
    pub const fn is_written(self) -> bool {
        match self {
            Self::None | Self::Gz | Self::Snappy | Self::Lz4 | Self::Zstd => true,
            Self::Lzo | Self::Bzip2 | Self::Lzma | Self::Brotli => false,
        }
    }

    /// More bytes than this cannot come out of one that goes in: the format's own limit, rounded up. What claims
    /// more is refused before anything is allocated.
    pub(super) const fn most_expansion(self) -> u64 {
        match self {
            Self::None => 1,
            // A copy of 64 bytes takes 3.
            Self::Snappy => 32,
            // A length grows by at most 255 a byte.
            Self::Lz4 | Self::Lzo => 256,
            // 258 bytes take at least 2 bits.
            Self::Gz => 1040,
            // A block of 128 KiB takes at least 4 bytes.
            Self::Zstd => 32 << 10,
            Self::Bzip2 | Self::Lzma | Self::Brotli => u64::MAX,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Codec;
    use crate::compress::{Compressor, Decompressor};

    #[test]
    fn ordinals_and_codecs_agree_both_ways() {
        for (ordinal, codec) in Codec::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(codec.ordinal()), ordinal);
            assert_eq!(Codec::from_ordinal(ordinal as u32), Some(codec));
        }
        assert_eq!(Codec::from_ordinal(9), None);
    }

    #[test]
    fn what_is_said_of_a_codec_is_what_is_done() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_name(codec.name()), Some(codec));
            let (mut packed, mut back) = (Vec::new(), Vec::new());
            let compressed = Compressor::new().compress(codec, b"some bytes", &mut packed);
            assert_eq!(compressed.is_ok(), codec.is_written(), "{codec}");
            if codec.is_written() {
                Decompressor::default().decompress(codec, &packed, 10, &mut back).unwrap();
                assert_eq!(back, b"some bytes");
            }
        }
    }
}
