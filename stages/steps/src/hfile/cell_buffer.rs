//! Cells held in memory, in large pieces: no allocation per cell, and nothing is moved as it grows.

use formats::cell::{CellRef, CellType};

/// Bytes are kept in pieces of this size; a cell that is larger has a piece of its own.
const PIECE: usize = 1 << 20;

/// Where a cell's bytes are, and its numbers.
#[derive(Debug, Clone, Copy)]
struct Slot {
    piece: u32,
    offset: u32,
    row_len: u32,
    qualifier_len: u32,
    value_len: u32,
    tags_len: u32,
    family: u32,
    cell_type: CellType,
    timestamp: i64,
    sequence: u64,
}

/// Cells, in the order in which they came.
#[derive(Debug, Default)]
pub struct CellBuffer {
    pieces: Vec<Vec<u8>>,
    slots: Vec<Slot>,
    families: Vec<Box<[u8]>>,
    /// Bytes that the pieces hold.
    held: usize,
}

impl CellBuffer {
    /// Adds a cell.
    #[inline]
    pub fn push(&mut self, cell: &CellRef<'_>) {
        let len = cell.row.len() + cell.qualifier.len() + cell.value.len() + cell.tags.len();
        let family = self.number_of(cell.family);
        if self.pieces.last().is_none_or(|piece| piece.capacity() - piece.len() < len) {
            self.add_piece(len);
        }
        let number = self.pieces.len() - 1;
        let Some(piece) = self.pieces.last_mut() else { return };
        let offset = piece.len() as u32;
        for part in [cell.row, cell.qualifier, cell.value, cell.tags] {
            piece.extend_from_slice(part);
        }
        self.slots.push(Slot {
            piece: number as u32,
            offset,
            row_len: cell.row.len() as u32,
            qualifier_len: cell.qualifier.len() as u32,
            value_len: cell.value.len() as u32,
            tags_len: cell.tags.len() as u32,
            family,
            cell_type: cell.cell_type,
            timestamp: cell.timestamp,
            sequence: cell.sequence,
        });
    }

    #[cold]
    fn add_piece(&mut self, len: usize) {
        let piece = Vec::with_capacity(len.max(PIECE));
        self.held += piece.capacity();
        self.pieces.push(piece);
    }

    #[inline]
    fn number_of(&mut self, family: &[u8]) -> u32 {
        let known = self.families.iter().position(|known| **known == *family);
        known.unwrap_or_else(|| {
            self.families.push(family.into());
            self.families.len() - 1
        }) as u32
    }

    /// How many cells are in here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.held + self.slots.capacity() * size_of::<Slot>()
    }

    /// The cell of this number, from 0.
    #[inline]
    #[must_use]
    pub fn get(&self, number: usize) -> Option<CellRef<'_>> {
        let slot = self.slots.get(number)?;
        let bytes = self.pieces.get(slot.piece as usize)?.get(slot.offset as usize..)?;
        let (row, rest) = bytes.split_at_checked(slot.row_len as usize)?;
        let (qualifier, rest) = rest.split_at_checked(slot.qualifier_len as usize)?;
        let (value, rest) = rest.split_at_checked(slot.value_len as usize)?;
        Some(CellRef {
            row,
            family: self.families.get(slot.family as usize)?,
            qualifier,
            timestamp: slot.timestamp,
            cell_type: slot.cell_type,
            value,
            tags: rest.get(..slot.tags_len as usize)?,
            sequence: slot.sequence,
        })
    }

    /// Forgets the cells, and keeps some of the memory.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.pieces.truncate(1);
        if let Some(piece) = self.pieces.first_mut() {
            piece.clear();
        }
        self.held = self.pieces.first().map_or(0, Vec::capacity);
    }
}
