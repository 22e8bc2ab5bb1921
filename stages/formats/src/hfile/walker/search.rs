use crate::hfile::{BLOCK_HEADER_SIZE, BlockHeader, BlockType, ChecksumType};

/// A block may begin with any but the last of these bytes.
const UNDECIDED: usize = BLOCK_HEADER_SIZE - 1;

/// Looks for the next place where a block could begin.
#[derive(Default)]
pub(super) struct Search {
    /// The last bytes that came by: a header may begin in them and continue in the next.
    held: Vec<u8>,
}

/// A header that was found.
pub(super) struct Found<'a> {
    pub(super) header: BlockHeader,
    pub(super) bytes: [u8; BLOCK_HEADER_SIZE],
    /// Where in the file.
    pub(super) offset: u64,
    /// What follows the header.
    pub(super) rest: &'a [u8],
}

impl Search {
    /// Looks in these bytes first.
    pub(super) fn over(bytes: &[u8]) -> Self {
        Self { held: bytes.to_vec() }
    }

    /// Continues the search in `bytes`, which begin at `position` in a file whose blocks end at `end`.
    pub(super) fn feed<'a>(&mut self, bytes: &'a [u8], position: u64, end: u64) -> Option<Found<'a>> {
        let held = self.held.len();
        if held > 0 {
            let enough = bytes.get(..UNDECIDED).unwrap_or(bytes);
            self.held.extend_from_slice(enough);
            let base = position - held as u64;
            if let Some((start, header, header_bytes)) = find(&self.held, base, end) {
                let rest = bytes.get(start + BLOCK_HEADER_SIZE - held..).unwrap_or_default();
                return Some(Found { header, bytes: header_bytes, offset: base + start as u64, rest });
            }
            if enough.len() < UNDECIDED {
                self.held.drain(..self.held.len().saturating_sub(UNDECIDED));
                return None;
            }
        }
        if let Some((start, header, header_bytes)) = find(bytes, position, end) {
            let rest = bytes.get(start + BLOCK_HEADER_SIZE..).unwrap_or_default();
            return Some(Found { header, bytes: header_bytes, offset: position + start as u64, rest });
        }
        self.held.clear();
        self.held.extend_from_slice(bytes.get(bytes.len().saturating_sub(UNDECIDED)..).unwrap_or(bytes));
        None
    }
}

/// The first plausible header in `bytes`, whose first byte is at `base` in the file.
fn find(bytes: &[u8], base: u64, end: u64) -> Option<(usize, BlockHeader, [u8; BLOCK_HEADER_SIZE])> {
    bytes.windows(BLOCK_HEADER_SIZE).enumerate().find_map(|(start, window)| {
        let bytes = window.first_chunk::<BLOCK_HEADER_SIZE>()?;
        let header = begins_a_block(bytes).then(|| BlockHeader::decode(bytes).ok()).flatten()?;
        // Without checksums nothing would prove that it is a header.
        let provable = header.checksum_type != ChecksumType::Null
            && header.names_an_earlier_block(base + start as u64)
            && header.check_place(base + start as u64, end).is_ok();
        provable.then_some((start, header, *bytes))
    })
}

fn begins_a_block(bytes: &[u8; BLOCK_HEADER_SIZE]) -> bool {
    let magic = bytes.first_chunk::<8>();
    matches!(bytes.first(), Some(b'D' | b'I' | b'B' | b'M' | b'F'))
        && magic.is_some_and(|magic| BlockType::from_magic(*magic).is_some())
}
