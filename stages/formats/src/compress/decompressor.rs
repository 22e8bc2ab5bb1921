use std::fmt;

use super::{Codec, Dictionaries, framing, gzip, lzo, zstandard};
use crate::{FormatError, Unsupported};

/// Decompresses pieces of any [`Codec`]; keeps its contexts from one piece to the next. One a thread.
pub struct Decompressor {
    snappy: snap::raw::Decoder,
    inflate: flate2::Decompress,
    zstd: zstandard::Contexts,
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").finish_non_exhaustive()
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new(Dictionaries::new())
    }
}

impl Decompressor {
    /// With the dictionaries that zstd frames may name.
    #[must_use]
    pub fn new(dictionaries: Dictionaries) -> Self {
        Self {
            snappy: snap::raw::Decoder::new(),
            inflate: flate2::Decompress::new(false),
            zstd: zstandard::Contexts::new(dictionaries),
        }
    }

    /// Decompresses one piece (the payload of a block, a WAL value): `into` then holds exactly
    /// `uncompressed_len` bytes. What it held before is overwritten; its memory is used again. After an error its
    /// content is undefined.
    ///
    /// The caller caps `uncompressed_len`; a length that `payload` cannot possibly expand to is refused before
    /// memory is taken, and nothing is written beyond it.
    ///
    /// # Errors
    /// Corrupt, Truncated or Checksum (GZ) if the bytes are wrong, or more or fewer come out; Unsupported for
    /// BZIP2, LZMA, BROTLI and for an unknown zstd dictionary. Offsets count from the start of `payload`.
    pub fn decompress(
        &mut self,
        codec: Codec,
        payload: &[u8],
        uncompressed_len: usize,
        into: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        check(codec, payload, uncompressed_len)?;
        into.resize(uncompressed_len, 0);
        self.fill(codec, payload, into)
    }

    /// As [`Decompressor::decompress`], but appends to what `into` holds.
    ///
    /// # Errors
    /// The same. After an error, the bytes after the old ones are undefined.
    pub fn append(
        &mut self,
        codec: Codec,
        payload: &[u8],
        uncompressed_len: usize,
        into: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        check(codec, payload, uncompressed_len)?;
        let start = into.len();
        into.resize(start + uncompressed_len, 0);
        self.fill(codec, payload, into.get_mut(start..).unwrap_or_default())
    }

    fn fill(&mut self, codec: Codec, payload: &[u8], out: &mut [u8]) -> Result<(), FormatError> {
        match codec {
            Codec::None => copy(payload, out),
            Codec::Gz => gzip::decode(&mut self.inflate, payload, out),
            Codec::Zstd if payload.starts_with(&zstandard::FRAME_MAGIC) => {
                let declared = out.len();
                let filled = self.zstd.decompress(payload, out)?;
                (filled == declared).then_some(()).ok_or_else(|| wrong_size(filled, declared))
            }
            Codec::Zstd => framing::decode(payload, out, |chunk, out| self.zstd.decompress(chunk, out)),
            Codec::Snappy => framing::decode(payload, out, |chunk, out| {
                self.snappy.decompress(chunk, out).map_err(|e| FormatError::corrupt(format!("SNAPPY: {e}")))
            }),
            Codec::Lz4 => framing::decode(payload, out, |chunk, out| {
                lz4_flex::block::decompress_into(chunk, out)
                    .map_err(|e| FormatError::corrupt(format!("LZ4: {e}")))
            }),
            Codec::Lzo => framing::decode(payload, out, lzo::decompress),
            Codec::Bzip2 | Codec::Lzma | Codec::Brotli => Err(FormatError::unsupported(
                Unsupported::Codec,
                format!("compressed with {codec}, which cannot be read"),
            )),
        }
    }
}

/// Refuses what cannot be read, or cannot be as long as it says.
fn check(codec: Codec, payload: &[u8], uncompressed_len: usize) -> Result<(), FormatError> {
    if !codec.is_readable() {
        return Err(FormatError::unsupported(
            Unsupported::Codec,
            format!("compressed with {codec}, which cannot be read"),
        ));
    }
    let possible = (payload.len() as u64).saturating_mul(codec.most_expansion());
    if uncompressed_len as u64 > possible {
        let length = payload.len();
        let text = format!("{length} bytes of {codec} cannot expand to the declared {uncompressed_len}");
        return Err(FormatError::corrupt(text));
    }
    Ok(())
}

fn copy(payload: &[u8], out: &mut [u8]) -> Result<(), FormatError> {
    if payload.len() != out.len() {
        return Err(wrong_size(payload.len(), out.len()));
    }
    out.copy_from_slice(payload);
    Ok(())
}

fn wrong_size(came: usize, declared: usize) -> FormatError {
    FormatError::corrupt(format!("{came} bytes come out, {declared} are declared"))
}
