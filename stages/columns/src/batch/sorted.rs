//! The cells of a row group in their order, where they lie; and their columns, page by page.

use super::arena::{CellArena, Record};

/// A page has no more rows than this.
pub(super) const PAGE_ROWS: usize = 4096;

/// So many spans are brought near at once.
const FETCHED: usize = 256;

/// Cells that stand after each other in an arena: which one, where they begin, and how many there are.
#[derive(Debug, Clone, Copy)]
struct Span {
    arena: u32,
    len: u32,
    at: usize,
}

/// Cells of one store in the order of a batch: where they are in the arenas. They are copied once, page by page, when they are
/// encoded.
#[derive(Debug)]
pub struct SortedCells<'a> {
    arenas: &'a [CellArena],
    spans: Vec<Span>,
    rows: usize,
}

impl<'a> SortedCells<'a> {
    /// Holds all cells of an arena, which are in order.
    #[must_use]
    pub fn of(arena: &'a CellArena) -> Self {
        let mut cells = Self::new(std::slice::from_ref(arena));
        cells.push(0, 0, arena.rows());
        cells
    }

    pub(super) fn new(arenas: &'a [CellArena]) -> Self {
        Self { arenas, spans: Vec::new(), rows: 0 }
    }

    /// How many there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The store: encoded region name and family; `None` if there is no cell.
    pub(super) fn store(&self) -> Option<(&'a str, &'a [u8])> {
        let arena = self.arenas.get(self.spans.first()?.arena as usize)?;
        Some((arena.region(), arena.family()))
    }

    /// Adds cells of an arena.
    #[inline]
    pub(super) fn push(&mut self, arena: u32, at: usize, len: usize) {
        if len > 0 {
            self.spans.push(Span { arena, at, len: len as u32 });
            self.rows += len;
        }
    }

    /// Looks at the beginnings of the next spans, which lie all over the memory: their loads overlap, where reading one after the
    /// other waits for each.
    fn fetch(&self, from: usize) {
        let next = self.spans.iter().skip(from).take(FETCHED);
        let looked = |span: &Span| self.arenas.get(span.arena as usize).map(|arena| arena.byte(span.at));
        std::hint::black_box(next.filter_map(looked).fold(0u8, u8::wrapping_add));
    }

    /// Hands out the columns of each page; all have `PAGE_ROWS` rows, but the last.
    ///
    /// # Errors
    /// Those of `give`.
    pub(super) fn each_page<E>(&self, mut give: impl FnMut(PageColumns) -> Result<(), E>) -> Result<(), E> {
        let mut page = PageColumns::default();
        for (number, span) in self.spans.iter().enumerate() {
            if number.is_multiple_of(FETCHED) {
                self.fetch(number);
            }
            let Some(arena) = self.arenas.get(span.arena as usize) else { continue };
            let mut at = span.at;
            for _ in 0..span.len {
                let Some(record) = arena.record(at) else { break };
                page.push(&record);
                at = record.next;
                if page.sequence.len() == PAGE_ROWS {
                    let next = page.following();
                    give(std::mem::replace(&mut page, next))?;
                }
            }
        }
        if page.sequence.is_empty() { Ok(()) } else { give(page) }
    }
}

/// Byte strings one after the other.
pub(super) struct Strings {
    /// Where each begins, and the last ends.
    pub(super) offsets: Vec<i32>,
    pub(super) bytes: Vec<u8>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Strings {
    fn following(&self) -> Self {
        let mut offsets = Vec::with_capacity(self.offsets.len());
        offsets.push(0);
        Self { offsets, bytes: Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8) }
    }

    #[inline]
    fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        // No more than `i32::MAX`: `CellArena::fits` was asked before.
        self.offsets.push(self.bytes.len() as i32);
    }
}

/// Cells that become a page of each column, column by column.
#[derive(Default)]
pub(super) struct PageColumns {
    pub(super) sequence: Vec<u64>,
    pub(super) index: Vec<u32>,
    pub(super) row: Strings,
    pub(super) qualifier: Strings,
    pub(super) timestamp: Vec<i64>,
    pub(super) cell_type: Vec<u8>,
    pub(super) value: Strings,
    pub(super) tags: Strings,
    pub(super) write_time: Vec<i64>,
}

impl PageColumns {
    /// Makes the next one, with room for as much.
    fn following(&self) -> Self {
        Self {
            sequence: Vec::with_capacity(PAGE_ROWS),
            index: Vec::with_capacity(PAGE_ROWS),
            row: self.row.following(),
            qualifier: self.qualifier.following(),
            timestamp: Vec::with_capacity(PAGE_ROWS),
            cell_type: Vec::with_capacity(PAGE_ROWS),
            value: self.value.following(),
            tags: self.tags.following(),
            write_time: Vec::with_capacity(PAGE_ROWS),
        }
    }

    #[inline]
    fn push(&mut self, record: &Record<'_>) {
        let cell = &record.cell;
        self.sequence.push(cell.sequence);
        self.index.push(record.index);
        self.row.push(cell.row);
        self.qualifier.push(cell.qualifier);
        self.timestamp.push(cell.timestamp);
        self.cell_type.push(cell.cell_type.code());
        self.value.push(cell.value);
        self.tags.push(cell.tags);
        self.write_time.push(record.write_time);
    }
}
