//! When a row group is full.

/// A row group is full when it has this many rows ...
const FULL_ROWS: usize = 128 << 10;
/// ... or when rows, qualifiers, values and tags have this many bytes.
pub(super) const FULL_BYTES: usize = 16 << 20;

/// How much is in a row group: rows, and bytes of their strings.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Fill {
    pub(super) rows: usize,
    /// No more than Parquet's offsets count, about.
    pub(super) bytes: usize,
}

impl Fill {
    /// Whether the next row belongs into another row group.
    #[inline]
    pub(super) fn is_full(self) -> bool {
        self.rows >= FULL_ROWS || self.bytes >= FULL_BYTES
    }

    /// Whether even a row that is not over goes on in another row group.
    #[inline]
    pub(super) fn is_overfull(self) -> bool {
        self.rows >= 2 * FULL_ROWS || self.bytes >= 2 * FULL_BYTES
    }

    /// As much, and more.
    #[inline]
    pub(super) fn with(self, more: Self) -> Self {
        Self { rows: self.rows + more.rows, bytes: self.bytes + more.bytes }
    }
}
