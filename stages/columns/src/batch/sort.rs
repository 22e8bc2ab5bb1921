//! Brings the cells of one family of one region into the order of a batch, and cuts them into row groups.

use super::arena::{CellArena, Record};
use super::fill::Fill;
use super::sorted::SortedCells;
use formats::cell::CellRef;

/// Cells of one store that come in their order, cut into row groups. Where they are cut depends on the cells alone: after the row
/// with which a group is full, or inside of a row that would make it twice as large.
#[derive(Debug, Default)]
pub struct RowGroups {
    group: Option<CellArena>,
}

impl RowGroups {
    /// Adds a cell of this region; gives the group that is full before it.
    #[inline]
    pub fn push(
        &mut self,
        region: &str,
        cell: &CellRef<'_>,
        index: u32,
        write_time: i64,
    ) -> Option<CellArena> {
        let group = self.group.get_or_insert_with(|| CellArena::new(region, cell.family));
        let full = is_over(group.fill(), || group.last_row(), cell.row).then(|| {
            let next = CellArena::following(group);
            std::mem::replace(group, next)
        });
        group.push(cell, index, write_time);
        full
    }

    /// Ends the last group.
    pub fn finish(self) -> Option<CellArena> {
        self.group.filter(|group| !group.is_empty())
    }
}

/// Whether a cell of this row begins another row group.
#[inline]
fn is_over<'a>(fill: Fill, last: impl FnOnce() -> Option<&'a [u8]>, row: &[u8]) -> bool {
    fill.is_full() && (fill.is_overfull() || last().is_some_and(|last| last != row))
}

/// Cells of one row that stand after each other, in order: the head of the row behind what all begin with, where they are, and how
/// much.
#[derive(Clone, Copy)]
struct Piece {
    head: u64,
    at: usize,
    arena: u32,
    fill: Fill,
}

impl Piece {
    fn row<'a>(&self, arenas: &'a [CellArena]) -> &'a [u8] {
        let record = arenas.get(self.arena as usize).and_then(|arena| arena.record(self.at));
        record.map(|record| record.cell.row).unwrap_or_default()
    }
}

/// Sorts cells and hands them out in full row groups. What is written together (the cells of one row in one entry) mostly is in
/// order already, so that it is rows that are sorted, and few of their cells; and none is moved.
///
/// # Errors
/// Those of `give`.
pub fn sort_arenas<'a, E>(
    arenas: &'a [CellArena],
    give: impl FnMut(SortedCells<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut pieces = pieces(arenas);
    // Runs that are in order already are used.
    pieces
        .sort_by(|one, other| one.head.cmp(&other.head).then_with(|| one.row(arenas).cmp(other.row(arenas))));
    let mut groups =
        SortedGroups { arenas, group: SortedCells::new(arenas), fill: Fill::default(), row: None, give };
    for of_row in pieces.chunk_by(|one, next| one.head == next.head && one.row(arenas) == next.row(arenas)) {
        match of_row {
            [piece] => groups.add(piece)?,
            several => merged(several, arenas).iter().try_for_each(|cell| groups.add(cell))?,
        }
    }
    groups.end()
}

/// Cuts sorted cells into row groups, as [`RowGroups`] does.
struct SortedGroups<'a, F> {
    arenas: &'a [CellArena],
    group: SortedCells<'a>,
    fill: Fill,
    /// The last row, once the group is full.
    row: Option<&'a [u8]>,
    give: F,
}

impl<'a, E, F: FnMut(SortedCells<'a>) -> Result<(), E>> SortedGroups<'a, F> {
    #[inline]
    fn add(&mut self, piece: &Piece) -> Result<(), E> {
        let with = self.fill.with(piece.fill);
        if !with.is_full() {
            self.fill = with;
            self.group.push(piece.arena, piece.at, piece.fill.rows);
            return Ok(());
        }
        self.add_to_full(piece)
    }

    /// Adds the cells with which the group is full, or another begins.
    fn add_to_full(&mut self, piece: &Piece) -> Result<(), E> {
        let Some(arena) = self.arenas.get(piece.arena as usize) else { return Ok(()) };
        let mut at = piece.at;
        for _ in 0..piece.fill.rows {
            let Some(record) = arena.record(at) else { break };
            if is_over(self.fill, || self.row, record.cell.row) {
                self.end()?;
            }
            self.row = Some(record.cell.row);
            self.fill = self.fill.with(record.fill());
            self.group.push(piece.arena, at, 1);
            at = record.next;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), E> {
        let group = std::mem::replace(&mut self.group, SortedCells::new(self.arenas));
        (self.fill, self.row) = (Fill::default(), None);
        if group.rows() > 0 { (self.give)(group) } else { Ok(()) }
    }
}

/// The cells of one row that are in several pieces, in order, a piece each.
fn merged(pieces: &[Piece], arenas: &[CellArena]) -> Vec<Piece> {
    let mut cells = Vec::new();
    for piece in pieces {
        let Some(arena) = arenas.get(piece.arena as usize) else { continue };
        let mut at = piece.at;
        for _ in 0..piece.fill.rows {
            let Some(record) = arena.record(at) else { break };
            let cell = Piece { at, fill: record.fill(), ..*piece };
            at = record.next;
            cells.push((record, cell));
        }
    }
    cells.sort_by(|(one, _), (other, _)| one.order(other));
    cells.into_iter().map(|(_, cell)| cell).collect()
}

fn pieces(arenas: &[CellArena]) -> Vec<Piece> {
    let shared = shared_prefix(arenas);
    let mut pieces: Vec<Piece> = Vec::new();
    for (number, arena) in (0u32..).zip(arenas) {
        let mut before: Option<Record<'_>> = None;
        for (at, record) in arena.records() {
            let row = record.cell.row;
            let goes_on = |before: &Record<'_>| before.cell.row == row && before.order(&record).is_le();
            match pieces.last_mut().filter(|_| before.as_ref().is_some_and(goes_on)) {
                Some(piece) => piece.fill = piece.fill.with(record.fill()),
                None => {
                    let head = row_head(row.get(shared..).unwrap_or_default());
                    pieces.push(Piece { head, arena: number, at, fill: record.fill() });
                }
            }
            before = Some(record);
        }
    }
    pieces
}

/// How many bytes all rows begin with: they tell nothing, and comparing them costs most of the time.
fn shared_prefix(arenas: &[CellArena]) -> usize {
    let mut rows = arenas.iter().flat_map(|arena| arena.records().map(|(_, record)| record.cell.row));
    let Some(first) = rows.next() else { return 0 };
    rows.fold(first.len(), |shared, row| {
        let same = |len: usize| first.get(..len).is_some_and(|head| row.starts_with(head));
        if same(shared) { shared } else { common_prefix(first, row).min(shared) }
    })
}

/// How many bytes two strings begin with alike.
#[must_use]
pub fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(left, right)| left == right).count()
}

/// The first eight bytes of a row as a number of the same order.
#[inline]
#[must_use]
pub fn row_head(row: &[u8]) -> u64 {
    match row.first_chunk::<8>() {
        Some(head) => u64::from_be_bytes(*head),
        None => {
            let mut head = [0; 8];
            head.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            u64::from_be_bytes(head)
        }
    }
}
