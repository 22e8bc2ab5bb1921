use std::fmt;
use std::io::Write;

use super::{Codec, framing};
use crate::{FormatError, Unsupported};

/// HBase's default level.
const ZSTD_LEVEL: i32 = 3;

/// Compresses pieces with a [`Codec`] so that HBase reads them; keeps its contexts from one piece to the next.
/// One a thread.
pub struct Compressor {
    snappy: snap::raw::Encoder,
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl Compressor {
    /// A compressor of all codecs that are written.
    #[must_use]
    pub fn new() -> Self {
        Self { snappy: snap::raw::Encoder::new(), zstd: None }
    }

    /// Appends `bytes` as one compressed piece to `into`. All but GZ and NONE are put into Hadoop's block framing
    /// as one group.
    ///
    /// # Errors
    /// Unsupported for LZO, BZIP2, LZMA and BROTLI, which are not written; TooLarge beyond 2 GiB.
    pub fn compress(&mut self, codec: Codec, bytes: &[u8], into: &mut Vec<u8>) -> Result<(), FormatError> {
        match codec {
            Codec::None => {
                into.extend_from_slice(bytes);
                Ok(())
            }
            Codec::Gz => gzip(bytes, into),
            Codec::Snappy => framing::encode(bytes, into, |chunk, into| {
                let room = snap::raw::max_compress_len(chunk.len());
                fill(into, room, |out| self.snappy.compress(chunk, out).map_err(|e| failed(codec, &e)))
            }),
            Codec::Lz4 => framing::encode(bytes, into, |chunk, into| {
                let room = lz4_flex::block::get_maximum_output_size(chunk.len());
                fill(into, room, |out| {
                    lz4_flex::block::compress_into(chunk, out).map_err(|e| failed(codec, &e))
                })
            }),
            Codec::Zstd => framing::encode(bytes, into, |chunk, into| self.zstd(chunk, into)),
            Codec::Lzo | Codec::Bzip2 | Codec::Lzma | Codec::Brotli => {
                Err(FormatError::unsupported(Unsupported::Codec, format!("{codec} is not written")))
            }
        }
    }

    fn zstd(&mut self, chunk: &[u8], into: &mut Vec<u8>) -> Result<(), FormatError> {
        let context = match &mut self.zstd {
            Some(context) => context,
            none => {
                none.insert(zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(|e| failed(Codec::Zstd, &e))?)
            }
        };
        fill(into, zstd::compress_bound(chunk.len()), |out| {
            context.compress_to_buffer(chunk, out).map_err(|e| failed(Codec::Zstd, &e))
        })
    }
}

fn gzip(bytes: &[u8], into: &mut Vec<u8>) -> Result<(), FormatError> {
    let mut encoder = flate2::write::GzEncoder::new(into, flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.try_finish()).map_err(|e| failed(Codec::Gz, &e))
}

/// Lets `write` fill up to `room` bytes after what is there, and cuts off what it did not fill.
fn fill(
    into: &mut Vec<u8>,
    room: usize,
    write: impl FnOnce(&mut [u8]) -> Result<usize, FormatError>,
) -> Result<(), FormatError> {
    let start = into.len();
    into.resize(start + room, 0);
    let written = write(into.get_mut(start..).unwrap_or_default())?;
    into.truncate(start + written);
    Ok(())
}

fn failed(codec: Codec, error: &dyn fmt::Display) -> FormatError {
    FormatError::corrupt(format!("{codec}: could not compress: {error}"))
}
