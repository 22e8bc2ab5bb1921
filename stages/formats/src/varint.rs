//! The two variable-length integers of HBase's files: protobuf's varint and Hadoop's vlong (`WritableUtils`).

use crate::FormatError;
use crate::input::Input;

/// Decodes a protobuf varint of at most 32 bits; also returns the bytes after it.
///
/// # Errors
/// The bytes end inside it, or it is above 32 bits.
#[cfg(test)]
pub(crate) fn decode_uvarint(bytes: &[u8]) -> Result<(u32, &[u8]), FormatError> {
    let mut input = Input::new(bytes);
    let value = input.uvarint("a varint")?;
    Ok((value, input.rest()))
}

/// Decodes a Hadoop vlong or vint; also returns the bytes after it.
///
/// # Errors
/// The bytes end inside it.
pub fn decode_vlong(bytes: &[u8]) -> Result<(i64, &[u8]), FormatError> {
    let mut input = Input::new(bytes);
    let value = input.vlong("a vlong")?;
    Ok((value, input.rest()))
}

/// Appends a protobuf varint.
pub(crate) fn encode_uvarint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a Hadoop vlong; a vint is the same.
pub(crate) fn encode_vlong(value: i64, out: &mut Vec<u8>) {
    if (-112..=127).contains(&value) {
        out.push(value as u8);
        return;
    }
    let (magnitude, base) = if value < 0 { (!value, -120_i16) } else { (value, -112) };
    let length = vlong_len(value) - 1;
    out.push((base - length as i16) as u8);
    let bytes = magnitude.to_be_bytes();
    out.extend(bytes.iter().skip(bytes.len() - length));
}

/// How many bytes [`encode_vlong`] writes.
#[must_use]
pub(crate) fn vlong_len(value: i64) -> usize {
    if (-112..=127).contains(&value) {
        return 1;
    }
    let magnitude = if value < 0 { !value } else { value };
    1 + 8 - magnitude.leading_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlongs_are_hadoops_bytes() {
        // From org.apache.hadoop.io.WritableUtils.writeVLong.
        let known: [(i64, &[u8]); 9] = [
            (0, &[0]),
            (127, &[0x7f]),
            (-112, &[0x90]),
            (128, &[0x8f, 0x80]),
            (-113, &[0x87, 0x70]),
            (255, &[0x8f, 0xff]),
            (256, &[0x8e, 1, 0]),
            (i64::MAX, &[0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (i64::MIN, &[0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ];
        for (value, bytes) in known {
            let mut out = Vec::new();
            encode_vlong(value, &mut out);
            assert_eq!(out, bytes, "{value}");
        }
    }

    #[test]
    fn integers_decode_to_what_was_encoded() {
        for shift in 0..64 {
            for value in [1_i64 << shift, (1_i64 << shift).wrapping_sub(1), !(1_i64 << shift)] {
                let mut out = Vec::new();
                encode_vlong(value, &mut out);
                assert_eq!(vlong_len(value), out.len());
                assert!((1..out.len()).all(|cut| decode_vlong(&out[..cut]).is_err()));
                out.push(9);
                assert_eq!(decode_vlong(&out).unwrap(), (value, &[9][..]));

                let unsigned = value as u32;
                let mut out = Vec::new();
                encode_uvarint(unsigned, &mut out);
                assert!((0..out.len()).all(|cut| decode_uvarint(&out[..cut]).is_err()));
                assert_eq!(decode_uvarint(&out).unwrap(), (unsigned, &[][..]));
            }
        }
    }

    #[test]
    fn varints_above_32_bits_are_refused() {
        assert!(decode_uvarint(&[0xff, 0xff, 0xff, 0xff, 0x1f]).is_err());
        assert!(decode_uvarint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]).is_err());
    }
}
