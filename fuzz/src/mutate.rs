//! Seeded mutations: the same seed, round and corpus give the same bytes everywhere.

/// splitmix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator of its own for each round, so that one round can be run again alone.
    pub fn of_round(seed: u64, round: u64) -> Self {
        let mut random = Self(seed ^ round.wrapping_mul(0x2545_f491_4f6c_dd1d));
        random.next_u64();
        random
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next_u64() % (bound.max(1) as u64)) as usize
    }
}

/// Values that lengths and counts like to break on.
const LENGTHS: [&[u8]; 10] = [
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0xff; 11],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff],
    &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0, 0, 0, 0],
    &[0x8f, 0xff],
];

/// One mutated member of a corpus: one to four mutations, one after the other.
pub fn mutated(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = pick(random, corpus);
    for _ in 0..=random.below(4) {
        mutate(random, &mut bytes, corpus);
    }
    bytes
}

fn pick(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    corpus.get(random.below(corpus.len())).cloned().unwrap_or_default()
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => flip(random, bytes),
        1 => bytes.truncate(at),
        2 => bytes.insert(at, random.next_u64() as u8),
        3 => blow_up(random, bytes, at),
        4 => splice(random, bytes, at, corpus),
        5 => drop(bytes.splice(at.., bytes.get(at..).unwrap_or_default().repeat(2))),
        6 => {
            let end = at + random.below(bytes.len() - at);
            drop(bytes.drain(at..end));
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.next_u64() as u8;
            }
        }
    }
    // What is doubled again and again would only take time.
    bytes.truncate(1 << 20);
}

fn flip(random: &mut Random, bytes: &mut [u8]) {
    for _ in 0..=random.below(8) {
        let (at, bit) = (random.below(bytes.len()), random.below(8));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }
}

/// Puts a huge number where a length may stand, over what is there or before it.
fn blow_up(random: &mut Random, bytes: &mut Vec<u8>, at: usize) {
    let length = LENGTHS.get(random.below(LENGTHS.len())).copied().unwrap_or_default();
    let over = if random.below(2) == 0 { length.len().min(bytes.len() - at) } else { 0 };
    drop(bytes.splice(at..at + over, length.iter().copied()));
}

/// Goes on with the tail of another member.
fn splice(random: &mut Random, bytes: &mut Vec<u8>, at: usize, corpus: &[Vec<u8>]) {
    let other = pick(random, corpus);
    let from = random.below(other.len());
    bytes.truncate(at);
    bytes.extend_from_slice(other.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_gives_the_same_bytes_again() {
        let corpus = [b"abcdefgh".to_vec(), b"12345678".to_vec()];
        let round = |n| mutated(&mut Random::of_round(7, n), &corpus);
        let all: Vec<_> = (0..500).map(round).collect();
        assert_eq!(all, (0..500).map(round).collect::<Vec<_>>());
        let changed = all.iter().filter(|bytes| !corpus.contains(bytes)).count();
        assert!(changed > 400, "only {changed} of 500 differ from the corpus");
        for corpus in [&[][..], &[Vec::new()]] {
            (0..500).for_each(|round| drop(mutated(&mut Random::of_round(7, round), corpus)));
        }
    }
}
