use std::ops::{Deref, DerefMut};

/// What direct I/O needs at most: addresses, offsets and lengths in multiples of this.
pub(super) const ALIGNMENT: usize = 4096;

/// Zeroed bytes that begin at a multiple of 4,096 in memory: reading into one from
/// [`Store::open_uncached`](crate::Store::open_uncached), at aligned offsets and lengths, copies nothing.
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl AlignedBuffer {
    /// A buffer of `len` bytes.
    pub fn new(len: usize) -> Self {
        let bytes = vec![0; len.saturating_add(ALIGNMENT)];
        // `align_offset` may say "impossible" with `usize::MAX`; an unaligned buffer is merely slower.
        let start = Some(bytes.as_ptr().align_offset(ALIGNMENT)).filter(|start| *start < ALIGNMENT);
        Self { bytes, start: start.unwrap_or(0), len }
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.start..).and_then(|rest| rest.get(..self.len)).unwrap_or_default()
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..).and_then(|rest| rest.get_mut(..self.len)).unwrap_or_default()
    }
}

/// Whether direct I/O can read into these bytes from this offset.
pub(super) fn is_aligned(offset: u64, buffer: &[u8]) -> bool {
    offset.is_multiple_of(ALIGNMENT as u64)
        && buffer.len().is_multiple_of(ALIGNMENT)
        && buffer.as_ptr().addr().is_multiple_of(ALIGNMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_begins_at_a_page() {
        for len in [0, 1, 4096, 1_000_000] {
            let mut buffer = AlignedBuffer::new(len);
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.as_ptr().addr() % ALIGNMENT, 0);
            buffer.fill(7);
        }
        assert!(is_aligned(8192, &AlignedBuffer::new(4096)));
        assert!(!is_aligned(1, &AlignedBuffer::new(4096)));
        assert!(!is_aligned(0, &AlignedBuffer::new(100)));
    }
}
