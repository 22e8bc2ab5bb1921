//! One gzip member (RFC 1952), all in memory.

use flate2::{Decompress, FlushDecompress, Status};

use crate::FormatError;
use crate::cursor::Cursor;

const MAGIC_DEFLATE: [u8; 3] = [0x1f, 0x8b, 8];
const FLAG_HEADER_CRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

/// Decodes a gzip member that is all of `member`; `out` must become exactly full.
pub(super) fn decode(inflate: &mut Decompress, member: &[u8], out: &mut [u8]) -> Result<(), FormatError> {
    let mut cursor = Cursor::new(member);
    skip_header(&mut cursor)?;
    let at = cursor.position();
    inflate.reset(false);
    let status = inflate.decompress(cursor.rest(), out, FlushDecompress::Finish);
    match status {
        Ok(Status::StreamEnd) => {}
        Ok(_) if inflate.total_out() == out.len() as u64 => {
            return Err(FormatError::corrupt("GZ: the output is larger than the declared size").at(at));
        }
        Ok(_) => return Err(FormatError::truncated("GZ: the deflate stream does not end").at(at)),
        Err(error) => return Err(FormatError::corrupt(format!("GZ: {error}")).at(at)),
    }
    if inflate.total_out() != out.len() as u64 {
        let text = format!("GZ: the output has {} bytes, {} are declared", inflate.total_out(), out.len());
        return Err(FormatError::corrupt(text).at(at));
    }
    cursor.take(usize::try_from(inflate.total_in()).unwrap_or(usize::MAX), "GZ: deflate stream")?;
    check_trailer(cursor, out)
}

fn skip_header(cursor: &mut Cursor<'_>) -> Result<(), FormatError> {
    if cursor.take(3, "GZ: header")? != MAGIC_DEFLATE {
        return Err(FormatError::corrupt("GZ: no gzip header").at(0));
    }
    let flags = cursor.u8("GZ: flags")?;
    cursor.take(6, "GZ: header")?;
    if flags & FLAG_EXTRA != 0 {
        let length = u16::from_le_bytes([cursor.u8("GZ: extra")?, cursor.u8("GZ: extra")?]);
        cursor.take(usize::from(length), "GZ: extra")?;
    }
    for text in [FLAG_NAME, FLAG_COMMENT] {
        while flags & text != 0 && cursor.u8("GZ: name or comment")? != 0 {}
    }
    if flags & FLAG_HEADER_CRC != 0 {
        cursor.take(2, "GZ: header checksum")?;
    }
    Ok(())
}

fn check_trailer(mut cursor: Cursor<'_>, out: &[u8]) -> Result<(), FormatError> {
    let at = cursor.position();
    let crc = cursor.u32("GZ: checksum")?.swap_bytes();
    let size = cursor.u32("GZ: size")?.swap_bytes();
    if crc != crc_fast::crc32_iso_hdlc(out) {
        return Err(FormatError::checksum("GZ: the checksum of the uncompressed bytes does not agree").at(at));
    }
    // The size is modulo 2^32, by the format.
    if size != out.len() as u32 {
        return Err(FormatError::corrupt("GZ: the size at the end does not agree").at(at));
    }
    if !cursor.rest().is_empty() {
        let text = format!("GZ: {} more bytes after the member", cursor.rest().len());
        return Err(FormatError::corrupt(text).at(cursor.position()));
    }
    Ok(())
}
