use formats::cell::CellRef;

/// A row group is full when it has this many rows ...
const FULL_ROWS: usize = 128 << 10;
/// ... or when its rows, qualifiers, values and tags have this many bytes. Both are checked between entries.
const FULL_BYTES: usize = 16 << 20;

/// Byte strings one after another.
#[derive(Debug, Default)]
pub(super) struct Strings {
    /// Where each ends.
    pub(super) ends: Vec<i32>,
    pub(super) bytes: Vec<u8>,
}

impl Strings {
    /// Makes an empty one with room for as much as another has.
    fn like(other: &Self) -> Self {
        Self { ends: Vec::with_capacity(other.ends.len()), bytes: Vec::with_capacity(other.bytes.len()) }
    }

    #[inline]
    fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        // No more than `i32::MAX`: `CellArena::fits` was asked before.
        self.ends.push(self.bytes.len() as i32);
    }

    fn held(&self) -> usize {
        self.ends.capacity() * size_of::<i32>() + self.bytes.capacity()
    }
}

/// Edits of one region on their way into a row group, column by column.
#[derive(Debug, Default)]
pub struct CellArena {
    pub(super) region: String,
    pub(super) sequence: Vec<u64>,
    pub(super) index: Vec<u32>,
    pub(super) row: Strings,
    pub(super) families: Vec<Box<[u8]>>,
    pub(super) family: Vec<i32>,
    pub(super) qualifier: Strings,
    pub(super) timestamp: Vec<i64>,
    pub(super) cell_type: Vec<u8>,
    pub(super) value: Strings,
    pub(super) tags: Strings,
    pub(super) write_time: Vec<i64>,
}

impl CellArena {
    /// Makes an arena for edits of the region with this encoded name.
    #[must_use]
    pub fn new(region: &str) -> Self {
        Self { region: region.to_owned(), ..Self::default() }
    }

    /// Makes an arena for the edits that follow those of a full one, with room for as many, so that nothing is moved as
    /// it grows.
    #[must_use]
    pub fn following(full: &Self) -> Self {
        let rows = full.rows();
        Self {
            region: full.region.clone(),
            sequence: Vec::with_capacity(rows),
            index: Vec::with_capacity(rows),
            row: Strings::like(&full.row),
            families: full.families.clone(),
            family: Vec::with_capacity(rows),
            qualifier: Strings::like(&full.qualifier),
            timestamp: Vec::with_capacity(rows),
            cell_type: Vec::with_capacity(rows),
            value: Strings::like(&full.value),
            tags: Strings::like(&full.tags),
            write_time: Vec::with_capacity(rows),
        }
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How many cells are in here.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.sequence.len()
    }

    /// Whether it holds no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sequence.is_empty()
    }

    /// The sequence id of the last entry.
    #[must_use]
    pub fn last_sequence(&self) -> Option<u64> {
        self.sequence.last().copied()
    }

    /// Whether the next entry belongs in another row group.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let strings = [&self.row, &self.qualifier, &self.value, &self.tags];
        self.rows() >= FULL_ROWS || strings.iter().map(|of| of.bytes.len()).sum::<usize>() >= FULL_BYTES
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let strings = [&self.row, &self.qualifier, &self.value, &self.tags];
        let numbers = self.sequence.capacity() + self.timestamp.capacity() + self.write_time.capacity();
        let small = self.index.capacity() + self.family.capacity();
        strings.iter().map(|of| of.held()).sum::<usize>()
            + numbers * 8
            + small * 4
            + self.cell_type.capacity()
            + size_of::<Self>()
            + self.region.len()
    }

    /// Whether an entry of this many bytes can still be counted by Parquet's offsets: always, unless one entry has
    /// nearly 2 GiB.
    #[must_use]
    pub fn fits(&self, entry_bytes: usize) -> bool {
        FULL_BYTES.saturating_add(entry_bytes) < i32::MAX as usize
    }

    /// Adds the cells of one entry. They all go into the same row group.
    #[inline]
    pub fn push_entry<'c>(
        &mut self,
        sequence: u64,
        write_time: i64,
        cells: impl ExactSizeIterator<Item = CellRef<'c>>,
    ) {
        let before = self.rows();
        for (index, cell) in (0u32..).zip(cells) {
            self.index.push(index);
            self.row.push(cell.row);
            let family = self.number_of(cell.family);
            self.family.push(family);
            self.qualifier.push(cell.qualifier);
            self.timestamp.push(cell.timestamp);
            self.cell_type.push(cell.cell_type.code());
            self.value.push(cell.value);
            self.tags.push(cell.tags);
        }
        let rows = self.index.len();
        debug_assert!(rows >= before);
        self.sequence.resize(rows, sequence);
        self.write_time.resize(rows, write_time);
    }

    #[inline]
    fn number_of(&mut self, family: &[u8]) -> i32 {
        if let Some(last) = self.family.last()
            && self.families.get(*last as usize).is_some_and(|known| **known == *family)
        {
            return *last;
        }
        let known = self.families.iter().position(|known| **known == *family);
        known.unwrap_or_else(|| {
            self.families.push(family.into());
            self.families.len() - 1
        }) as i32
    }
}
