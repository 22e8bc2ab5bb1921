//! The hashes of bloom filters: `MurmurHash`, `MurmurHash3` and `JenkinsHash` of hbase-common. Not the textbook's:
//! HBase's MurmurHash extends the sign of the last 1 to 3 bytes.

/// `MurmurHash.hash(key, seed)`.
pub(super) fn murmur(key: &[u8], seed: u32) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let (words, tail) = key.as_chunks::<4>();
    let mut hash = seed ^ key.len() as u32;
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (byte, shift) in tail.iter().zip([0, 8, 16]) {
            hash ^= (i32::from(byte.cast_signed()) << shift).cast_unsigned();
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// `MurmurHash3.hash(key, seed)`: x86, 32 bits.
pub(super) fn murmur3(key: &[u8], seed: u32) -> u32 {
    let mix = |k: u32| k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (words, tail) = key.as_chunks::<4>();
    let mut hash = seed;
    for word in words {
        hash ^= mix(u32::from_le_bytes(*word));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        let k = tail.iter().rev().fold(0, |k, byte| (k << 8) | u32::from(*byte));
        hash ^= mix(k);
    }
    hash ^= key.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// `JenkinsHash.hash(key, seed)`: lookup3's hashlittle.
pub(super) fn jenkins(key: &[u8], seed: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(key.len() as u32).wrapping_add(seed);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = key;
    // The last block, of up to 12 bytes, is mixed in another way.
    while rest.len() > 12
        && let Some((block, behind)) = rest.split_first_chunk::<12>()
    {
        [a, b, c] = jenkins_mix(jenkins_add([a, b, c], block));
        rest = behind;
    }
    if rest.is_empty() {
        return c;
    }
    let mut last = [0; 12];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    [a, b, c] = jenkins_add([a, b, c], &last);
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

fn jenkins_add([a, b, c]: [u32; 3], block: &[u8; 12]) -> [u32; 3] {
    let (words, _) = block.as_chunks::<4>();
    let mut sums = [a, b, c];
    for (sum, word) in sums.iter_mut().zip(words) {
        *sum = sum.wrapping_add(u32::from_le_bytes(*word));
    }
    sums
}

fn jenkins_mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_agree() {
        // lookup3.c: hashlittle of the empty string and of "Four score and seven years ago" with seeds 0 and 1.
        let four_score = b"Four score and seven years ago";
        assert_eq!(jenkins(b"", 0), 0xdead_beef);
        assert_eq!(jenkins(four_score, 0), 0x1777_0551);
        assert_eq!(jenkins(four_score, 1), 0xcd62_8161);
        // MurmurHash3_x86_32, smhasher.
        assert_eq!(murmur3(b"", 1), 0x514e_28b7);
        assert_eq!(murmur3(b"test", 0), 0xba6b_d213);
        assert_eq!(murmur3(b"Hello, world!", 0x9747_b28c), 0x2488_4cba);
        // MurmurHash2; without a tail, or with one of ASCII bytes, HBase's is the textbook's.
        assert_eq!(murmur(b"", 0), 0);
    }
}
