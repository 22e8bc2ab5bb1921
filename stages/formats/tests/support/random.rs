//! Seeded randomness: a failing test prints the seed, `TIDEGATE_SEED` repeats it.

use formats::cell::{CellType, compare_cells};

use super::Cell;

/// Runs a property under a seed that is printed, and shown again if the property fails.
pub fn seeded(property: impl FnOnce(&mut Random)) {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| now.as_nanos() as u64)
    });
    println!("TIDEGATE_SEED={seed}");
    property(&mut Random(seed));
}

/// splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Bytes of few values, so that neighbours share prefixes.
    pub fn bytes(&mut self, longest: usize) -> Vec<u8> {
        let length = if self.one_in(4) { self.below(longest + 1) } else { self.below(longest.min(6) + 1) };
        (0..length).map(|_| [b'a', b'b', 0, 0xff][self.below(4)]).collect()
    }

    fn timestamp(&mut self) -> i64 {
        match self.below(6) {
            0 => self.below(3) as i64,
            1 => i64::MAX - self.below(2) as i64,
            2 => (self.next() >> 1 >> self.below(63)) as i64,
            _ => 1_700_000_000_000 + self.below(300) as i64,
        }
    }

    fn tags(&mut self) -> Vec<u8> {
        let mut tags = Vec::new();
        for _ in 0..self.below(4) {
            let longest = if self.one_in(50) { 9_000 } else { 5 };
            let value = self.bytes(longest);
            tags.extend((value.len() as u16 + 1).to_be_bytes());
            tags.push(self.below(200) as u8);
            tags.extend(value);
        }
        tags
    }

    /// Cells in HBase's order, of one family, without two that are equal.
    pub fn cells(&mut self, most: usize, tags: bool) -> Vec<Cell> {
        let family = self.bytes(8);
        let mut cells: Vec<Cell> = (0..1 + self.below(most)).map(|_| self.cell(&family, tags)).collect();
        cells.sort_by(|left, right| compare_cells(&left.by_ref(), &right.by_ref()));
        cells.dedup_by(|left, right| compare_cells(&left.by_ref(), &right.by_ref()).is_eq());
        cells
    }

    fn cell(&mut self, family: &[u8], tags: bool) -> Cell {
        let longest = if self.one_in(30) { 2_000 } else { 20 };
        Cell {
            row: self.bytes(longest),
            family: family.to_vec(),
            qualifier: self.bytes(longest),
            timestamp: self.timestamp(),
            cell_type: CellType::ALL[self.below(5)],
            value: self.bytes(longest * 4),
            tags: if tags { self.tags() } else { Vec::new() },
            sequence: if self.one_in(3) { 0 } else { self.next() >> 1 >> self.below(63) },
        }
    }
}
