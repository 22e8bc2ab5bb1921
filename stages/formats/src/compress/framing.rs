//! Hadoop's block framing (`BlockCompressorStream`): `{ i32 uncompressed length; { i32 compressed length; bytes }
//! until that is reached }` repeated; groups of uncompressed length 0 may follow.

use crate::FormatError;
use crate::cursor::Cursor;

/// The most uncompressed bytes put into one chunk. Hadoop's decompressors have buffers of 256 KiB by default and
/// fail on a chunk that is larger.
const CHUNK: usize = 128 << 10;

/// Decodes framed bytes; `out` must become exactly full. `inner` decompresses one chunk into a slice and returns how
/// much of it that filled.
pub(super) fn decode(
    framed: &[u8],
    out: &mut [u8],
    mut inner: impl FnMut(&[u8], &mut [u8]) -> Result<usize, FormatError>,
) -> Result<(), FormatError> {
    let mut cursor = Cursor::new(framed);
    let mut room = out;
    while !room.is_empty() {
        let at = cursor.position();
        let group = cursor.length("uncompressed length of a group")?;
        let wanted = room.len();
        let Some((mut group_room, behind)) = room.split_at_mut_checked(group) else {
            let text = format!("a group of {group} bytes where at most {wanted} are expected");
            return Err(FormatError::corrupt(text).at(at));
        };
        while !group_room.is_empty() {
            let length = cursor.length("compressed length of a chunk")?;
            let at = cursor.position();
            let filled =
                inner(cursor.take(length, "compressed chunk")?, group_room).map_err(|e| e.shifted(at))?;
            if filled == 0 {
                return Err(FormatError::corrupt("a chunk with nothing in it").at(at));
            }
            group_room = group_room.get_mut(filled..).unwrap_or_default();
        }
        room = behind;
    }
    if cursor.rest().iter().any(|byte| *byte != 0) || !cursor.rest().len().is_multiple_of(4) {
        let text = format!("{} more bytes after the last group", cursor.rest().len());
        return Err(FormatError::corrupt(text).at(cursor.position()));
    }
    Ok(())
}

/// Appends `bytes` framed as one group; `inner` appends one compressed chunk.
pub(super) fn encode(
    bytes: &[u8],
    into: &mut Vec<u8>,
    mut inner: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    into.extend(java_int(bytes.len())?);
    for chunk in bytes.chunks(CHUNK) {
        let at = into.len();
        into.extend([0; 4]);
        inner(chunk, into)?;
        let length = java_int(into.len() - at - 4)?;
        if let Some(place) = into.get_mut(at..at + 4) {
            place.copy_from_slice(&length);
        }
    }
    Ok(())
}

fn java_int(length: usize) -> Result<[u8; 4], FormatError> {
    i32::try_from(length)
        .map(i32::to_be_bytes)
        .map_err(|_| FormatError::too_large(format!("{length} bytes are more than one block can hold")))
}
