//! A checksum over cells, whatever encoding they go through: it shows that what was written comes out again.

use crc_fast::{CrcAlgorithm, Digest};
use formats::cell::CellRef;

/// Cells are gathered up to this many bytes, since a checksum over many bytes at once costs little.
const GATHERED: usize = 32 << 10;

/// Sums up cells, in their order, with every field.
pub struct CellSum {
    digest: Digest,
    gathered: Vec<u8>,
}

impl Default for CellSum {
    fn default() -> Self {
        let digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        Self { digest, gathered: Vec::with_capacity(GATHERED + (4 << 10)) }
    }
}

impl CellSum {
    /// Takes the next cell.
    #[inline]
    pub fn add(&mut self, cell: &CellRef<'_>) {
        let out = &mut self.gathered;
        // Lengths come first, so that no byte can move from one field to the next unseen.
        for length in [cell.row.len(), cell.qualifier.len(), cell.value.len(), cell.tags.len()] {
            out.extend_from_slice(&(length as u32).to_le_bytes());
        }
        out.extend_from_slice(&cell.timestamp.to_le_bytes());
        out.extend_from_slice(&cell.sequence.to_le_bytes());
        out.extend_from_slice(&[cell.cell_type.code(), cell.family.len() as u8]);
        for field in [cell.row, cell.family, cell.qualifier, cell.value, cell.tags] {
            out.extend_from_slice(field);
        }
        if out.len() >= GATHERED {
            self.digest.update(out);
            out.clear();
        }
    }

    /// The sum of all cells so far.
    #[must_use]
    pub fn finish(mut self) -> u64 {
        self.digest.update(&self.gathered);
        self.digest.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::cell::CellType;

    const CELL: CellRef<'_> = CellRef {
        row: b"row",
        family: b"f",
        qualifier: b"q",
        timestamp: 7,
        cell_type: CellType::Put,
        value: b"value",
        tags: b"",
        sequence: 3,
    };

    fn sum(cells: &[CellRef<'_>]) -> u64 {
        let mut sum = CellSum::default();
        cells.iter().for_each(|cell| sum.add(cell));
        sum.finish()
    }

    #[test]
    fn every_field_and_the_order_count() {
        let others = [
            CellRef { row: b"rov", ..CELL },
            CellRef { family: b"g", ..CELL },
            CellRef { row: b"ro", family: b"wf", ..CELL },
            CellRef { qualifier: b"", value: b"qvalue", ..CELL },
            CellRef { timestamp: 8, ..CELL },
            CellRef { cell_type: CellType::Delete, ..CELL },
            CellRef { value: b"valu", tags: b"e", ..CELL },
            CellRef { sequence: 4, ..CELL },
        ];
        for other in others {
            assert_ne!(sum(&[CELL]), sum(&[other]));
            assert_ne!(sum(&[CELL, other]), sum(&[other, CELL]));
        }
        assert_ne!(sum(&[CELL]), sum(&[CELL, CELL]));
        assert_eq!(sum(&[CELL; 2_000]), sum(&[CELL; 2_000]));
    }
}
