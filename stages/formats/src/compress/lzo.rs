//! LZO1X, the raw stream (decoding only). The existing crates panic on malicious bytes; this decoder returns an error,
//! and never writes beyond the slice it was given.

use crate::FormatError;
use crate::cursor::Cursor;

/// How many literals the last instruction copied decides what codes 0..=15 mean; 4 stands for "a long run".
const LONG_RUN: usize = 4;

/// What an instruction says to copy from the bytes that are out already.
struct Match {
    distance: usize,
    length: usize,
    /// Literals to copy after it, 0..=3.
    literals: usize,
}

/// Decompresses one stream that is all of `stream` into `out`; returns how much it filled.
pub(super) fn decompress(stream: &[u8], out: &mut [u8]) -> Result<usize, FormatError> {
    let mut input = Cursor::new(stream);
    let mut output = Output { bytes: out, filled: 0 };
    let mut state = first_literals(&mut input, &mut output)?;
    loop {
        let at = input.position();
        let code = input.u8("LZO: instruction")?;
        if code < 16 && state == 0 {
            let length = 3 + extended_length(&mut input, code, 15)?;
            output.literals(&mut input, length)?;
            state = LONG_RUN;
            continue;
        }
        let copy = match code {
            0..16 => short_match(&mut input, code, state)?,
            16..32 => match far_match(&mut input, code)? {
                Some(copy) => copy,
                None => return end(code, &input, output.filled),
            },
            32..64 => middle_match(&mut input, code)?,
            64.. => near_match(&mut input, code)?,
        };
        output.repeat(&copy).map_err(|error| error.at(at))?;
        output.literals(&mut input, copy.literals)?;
        state = copy.literals;
    }
}

/// The first byte may say how many literals open the stream. Returns the state after them.
fn first_literals(input: &mut Cursor<'_>, output: &mut Output<'_>) -> Result<usize, FormatError> {
    match input.rest().first() {
        Some(code @ 18..) => {
            let length = usize::from(code - 17);
            input.take(1, "LZO: first byte")?;
            output.literals(input, length)?;
            Ok(length.min(LONG_RUN))
        }
        _ => Ok(0),
    }
}

/// The end of a stream is the instruction 11 00 00.
fn end(code: u8, input: &Cursor<'_>, filled: usize) -> Result<usize, FormatError> {
    if code != 0x11 || !input.rest().is_empty() {
        return Err(FormatError::corrupt("LZO: the stream ends where it should not").at(input.position()));
    }
    Ok(filled)
}

/// The low bits of an instruction, or, if those are 0, `base` and what the following bytes add: 255 for each 0.
fn extended_length(input: &mut Cursor<'_>, low: u8, base: usize) -> Result<usize, FormatError> {
    if low != 0 {
        return Ok(usize::from(low));
    }
    let mut length = base;
    loop {
        match input.u8("LZO: length")? {
            0 => length += 255,
            last => return Ok(length + usize::from(last)),
        }
    }
}

fn short_match(input: &mut Cursor<'_>, code: u8, state: usize) -> Result<Match, FormatError> {
    let (base, length) = if state == LONG_RUN { (2049, 3) } else { (1, 2) };
    let high = usize::from(input.u8("LZO: distance")?);
    Ok(Match {
        distance: (high << 2) + usize::from(code >> 2) + base,
        length,
        literals: usize::from(code & 3),
    })
}

fn near_match(input: &mut Cursor<'_>, code: u8) -> Result<Match, FormatError> {
    let high = usize::from(input.u8("LZO: distance")?);
    let distance = (high << 3) + usize::from((code >> 2) & 7) + 1;
    Ok(Match { distance, length: usize::from(code >> 5) + 1, literals: usize::from(code & 3) })
}

fn middle_match(input: &mut Cursor<'_>, code: u8) -> Result<Match, FormatError> {
    let length = extended_length(input, code & 31, 31)? + 2;
    let (distance, literals) = distance_and_literals(input)?;
    Ok(Match { distance: distance + 1, length, literals })
}

/// A match 16 KiB or more back; none is the end of the stream.
fn far_match(input: &mut Cursor<'_>, code: u8) -> Result<Option<Match>, FormatError> {
    let length = extended_length(input, code & 7, 7)? + 2;
    let (distance, literals) = distance_and_literals(input)?;
    let distance = distance + (usize::from(code & 8) << 11);
    Ok((distance != 0).then_some(Match { distance: distance + 16384, length, literals }))
}

fn distance_and_literals(input: &mut Cursor<'_>) -> Result<(usize, usize), FormatError> {
    let low = input.u8("LZO: distance")?;
    let high = input.u8("LZO: distance")?;
    let both = usize::from(u16::from_le_bytes([low, high]));
    Ok((both >> 2, both & 3))
}

struct Output<'a> {
    bytes: &'a mut [u8],
    filled: usize,
}

impl Output<'_> {
    fn literals(&mut self, input: &mut Cursor<'_>, length: usize) -> Result<(), FormatError> {
        let at = input.position();
        let literals = input.take(length, "LZO: literals")?;
        let room = self.bytes.get_mut(self.filled..).and_then(|room| room.get_mut(..length));
        room.ok_or_else(|| too_much().at(at))?.copy_from_slice(literals);
        self.filled += length;
        Ok(())
    }

    fn repeat(&mut self, copy: &Match) -> Result<(), FormatError> {
        let start = self.filled.checked_sub(copy.distance).ok_or_else(|| {
            let Match { distance, .. } = copy;
            FormatError::corrupt(format!("LZO: {distance} bytes back is before the start"))
        })?;
        if copy.length > self.bytes.len() - self.filled {
            return Err(too_much());
        }
        // The bytes from `start` have the period `distance`; each round doubles what there is to copy.
        let mut left = copy.length;
        while left > 0 {
            let length = left.min(self.filled - start);
            self.bytes.copy_within(start..start + length, self.filled);
            self.filled += length;
            left -= length;
        }
        Ok(())
    }
}

fn too_much() -> FormatError {
    FormatError::corrupt("LZO: the output is larger than the declared size")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// At least one byte (the other encoder makes no empty stream), with runs and repetitions near and far, as an LZO
    /// encoder likes them.
    fn compressible() -> impl Strategy<Value = Vec<u8>> {
        let piece = (proptest::collection::vec(0_u8..4, 1..60), 1_usize..400);
        proptest::collection::vec(piece, 1..60).prop_map(|pieces| {
            pieces.into_iter().flat_map(|(bytes, times)| bytes.repeat(times)).take(150_000).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_another_encoder_wrote_comes_back(plain in compressible()) {
            let stream = lzokay_native::compress(&plain).unwrap();
            let mut out = vec![0; plain.len()];
            prop_assert_eq!(decompress(&stream, &mut out).unwrap(), plain.len());
            prop_assert_eq!(out, plain);
        }

        #[test]
        fn damage_gives_an_error_or_other_bytes_but_never_more(
            plain in compressible(),
            at in any::<proptest::sample::Index>(),
            flip in 1_u8..,
        ) {
            let mut stream = lzokay_native::compress(&plain).unwrap();
            let at = at.index(stream.len());
            stream[at] ^= flip;
            let mut out = vec![0; plain.len()];
            if let Ok(filled) = decompress(&stream, &mut out) {
                prop_assert!(filled <= plain.len());
            }
        }

        #[test]
        fn any_bytes_are_survived(stream in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decompress(&stream, &mut [0; 1000]);
        }
    }

    #[test]
    fn a_match_before_the_start_is_an_error() {
        // A near match with nothing before it.
        assert!(decompress(&[0x40, 0, 0x11, 0, 0], &mut [0; 100]).is_err());
    }
}
