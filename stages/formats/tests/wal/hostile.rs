//! Whatever happens to the bytes, every entry before the damage is returned, and the end says that something happened.

use formats::wal::{Step, WalDecoder, WalDecoderOptions, WalEnd, WalHeader};
use formats::{FormatErrorKind, Unsupported};

use crate::cells::random::seeded;
use crate::support::{ONE_OF_EACH, sample, texts, texts_in_chunks};

const OPTIONS: fn() -> WalDecoderOptions = WalDecoderOptions::default;

fn file(name: &str) -> Vec<u8> {
    sample(&format!("{name}.wal"))
}

#[test]
fn cut_anywhere_gives_the_whole_entries_and_says_how_it_ends() {
    for name in ONE_OF_EACH {
        let bytes = file(name);
        let (whole, end) = texts(&bytes, OPTIONS());
        let (front, back) = (whole.first().unwrap().0, end.offset());
        for cut in 0..=bytes.len() {
            let (given, end) = texts(&bytes[..cut], OPTIONS());
            let at = cut as u64;
            let expected: Vec<_> = whole.iter().filter(|(_, next, _)| *next <= at).cloned().collect();
            assert_eq!(given, expected, "{name} cut at {cut}");
            let last = expected.last().map_or(front, |(_, next, _)| *next);
            let expected = match at {
                _ if at < front => WalEnd::Empty { length: at },
                _ if at == last => WalEnd::Unclosed { offset: last },
                _ if at < back => WalEnd::Torn { offset: last },
                _ if cut < bytes.len() => {
                    WalEnd::PartialTrailer { offset: back, length: (at - back) as usize }
                }
                _ => WalEnd::Closed { offset: back },
            };
            assert_eq!(end, expected, "{name} cut at {cut}");
        }
    }
}

#[test]
fn windows_of_any_size_give_the_same() {
    seeded(|random| {
        for name in ONE_OF_EACH {
            let bytes = file(name);
            let whole = texts(&bytes, OPTIONS());
            assert_eq!(texts_in_chunks(&bytes, OPTIONS(), || 1), whole, "{name}, a byte at a time");
            for most in [3, 40, 700, 5000] {
                assert_eq!(
                    texts_in_chunks(&bytes, OPTIONS(), || random.below(most)),
                    whole,
                    "{name}, {most}"
                );
            }
        }
    });
}

/// Reads what was damaged at `at`; gives how it ended.
fn read_damaged(name: &str, bytes: &[u8], at: usize, whole: &[(u64, u64, String)]) -> WalEnd {
    let (given, end) = texts(bytes, OPTIONS());
    let before = whole.iter().take_while(|(_, next, _)| *next <= at as u64).count();
    assert_eq!(given.get(..before), whole.get(..before), "{name} damaged at {at}: entries before it");
    let mut offset = whole.first().unwrap().0;
    for (start, next, _) in &given {
        assert!(*start == offset && next > start, "{name} damaged at {at}: entries do not follow each other");
        offset = *next;
    }
    if let WalEnd::Closed { offset: trailer } = end {
        assert_eq!(trailer as usize + 8, bytes.len(), "{name} damaged at {at}");
        assert_eq!(trailer, offset, "{name} damaged at {at}: closed, and not all is given");
        assert_eq!(given.len(), whole.len(), "{name} damaged at {at}: closed, and entries are missing");
    }
    end
}

#[test]
fn a_flipped_bit_is_a_value_or_an_error() {
    seeded(|random| {
        let (mut damaged, mut all) = (0, 0);
        for name in ONE_OF_EACH {
            let bytes = file(name);
            let (whole, _) = texts(&bytes, OPTIONS());
            let front = whole.first().unwrap().0 as usize;
            for at in (front + random.below(4)..bytes.len()).step_by(4) {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << random.below(8);
                let end = read_damaged(name, &flipped, at, &whole);
                damaged += usize::from(matches!(end, WalEnd::Damaged { .. }));
                all += 1;
            }
        }
        eprintln!("{damaged} of {all} flipped bits are seen; HBase has no checksum here");
        assert!(damaged > all / 10);
    });
}

#[test]
fn a_zeroed_page_is_a_value_or_an_error() {
    for name in ONE_OF_EACH {
        let bytes = file(name);
        let (whole, _) = texts(&bytes, OPTIONS());
        for page in (whole.first().unwrap().0 as usize..bytes.len() - 512).step_by(64) {
            let mut zeroed = bytes.clone();
            zeroed[page..page + 512].fill(0);
            read_damaged(name, &zeroed, page, &whole);
        }
    }
}

#[test]
fn nothing_may_stand_after_the_trailer() {
    for name in ONE_OF_EACH {
        let bytes = file(name);
        let (whole, _) = texts(&bytes, OPTIONS());
        for garbage in [&b"\0"[..], b"\0\0\0\0LAWP", b"x", &bytes] {
            let longer = [&bytes, garbage].concat();
            let (given, end) = texts(&longer, OPTIONS());
            assert_eq!(given, whole, "{name}");
            let WalEnd::Damaged { offset, error } = end else { panic!("{name}: {end:?}") };
            assert_eq!((offset + 8, error.offset), (bytes.len() as u64, Some(bytes.len() as u64)));
        }
    }
}

#[test]
fn an_entry_that_swallows_the_trailer_is_not_a_torn_one() {
    for name in ["wal-plain-tags", "wal-dict-tags"] {
        let bytes = file(name);
        let (whole, _) = texts(&bytes, OPTIONS());
        let (last, ..) = whole[13];
        // The last entry without its trailer is torn; a trailer where the rest of it should be is damage.
        let cut = &bytes[..last as usize + 150];
        assert_eq!(texts(cut, OPTIONS()).1, WalEnd::Torn { offset: last });
        let swallowed = [cut, b"\0\0\0\0LAWP"].concat();
        for chunk in [1, 7, 20_000] {
            let (given, end) = texts_in_chunks(&swallowed, OPTIONS(), || chunk);
            assert_eq!(given, whole[..13]);
            assert!(matches!(end, WalEnd::Damaged { offset, .. } if offset == last), "{name}: {end:?}");
        }
    }
}

/// What a decoder says to the front of a file and these bytes, given one by one: never may it ask for more than its
/// limit.
fn refusal(header: &WalHeader, bytes: &[u8]) -> (FormatErrorKind, String) {
    let mut file = Vec::new();
    header.encode(&mut file);
    let front = file.len();
    file.extend_from_slice(bytes);
    let limit = OPTIONS().limits.entry_bytes;
    let mut decoder = WalDecoder::new(OPTIONS());
    let (mut start, mut end) = (0, 0);
    loop {
        let mut window = &file[start..end];
        match decoder.step(&mut window) {
            Ok(Step::NeedMore { at_least }) => {
                assert!(at_least <= limit + 16, "asks for {at_least} bytes");
                assert!(end < file.len(), "waits for what never comes: {bytes:?}");
            }
            Ok(_) => {}
            Err(error) => {
                assert!(error.offset.unwrap() >= front as u64, "{error}");
                return (error.kind, error.what);
            }
        }
        start = end - window.len();
        end = file.len().min(end + 1);
    }
}

/// A WALKey that is delimited, of one region and table.
fn key(cell_count: &[u8]) -> Vec<u8> {
    let region = b"5b23ec0bf4c651c3bd822eec4ab2e3ce";
    let mut key = [&[0x0a, 32], &region[..], b"\x12\x02t1\x18\x02\x20\x01\x38", cell_count].concat();
    key.insert(0, key.len() as u8);
    key
}

/// The same in a dictionary-compressed WAL.
fn coded_key(cell_count: &[u8]) -> Vec<u8> {
    let region = b"5b23ec0bf4c651c3bd822eec4ab2e3ce";
    let front = [&[0x0a, 34, 0xff, 32], &region[..], b"\x12\x04\xff\x02t1\x18\x02\x20\x01\x38"].concat();
    let mut key = [&front[..], cell_count].concat();
    key.insert(0, key.len() as u8);
    key
}

const HUGE: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x07];

#[test]
fn huge_lengths_are_refused_at_once() {
    let plain = WalHeader::plain();
    let cells = |bytes: &[u8]| [&key(&[1])[..], bytes].concat();
    for (bytes, kind) in [
        (HUGE.to_vec(), FormatErrorKind::TooLarge),
        (vec![0xff, 0xff, 0xff, 0xff, 0x0f], FormatErrorKind::Corrupt),
        (vec![0xff; 6], FormatErrorKind::Corrupt),
        (key(&[0xff, 0xff, 0xff, 0xff, 0x0f]), FormatErrorKind::TooLarge),
        (cells(&[0x7f, 0xff, 0xff, 0xff]), FormatErrorKind::TooLarge),
        (cells(&[0xff, 0xff, 0xff, 0xff]), FormatErrorKind::Corrupt),
        (cells(&[0, 0, 0, 8, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]), FormatErrorKind::Corrupt),
        (vec![5, 0x0a, 0xff, 0xff, 0xff, 0x7f], FormatErrorKind::Corrupt),
    ] {
        assert_eq!(refusal(&plain, &bytes).0, kind, "{bytes:?}");
    }
}

#[test]
fn what_a_dictionary_cannot_have_is_refused_at_once() {
    let compressed = WalHeader::compressed(true, None);
    let cells = |parts: &[&[u8]]| [&coded_key(&[1])[..], &parts.concat()].concat();
    let lengths: &[u8] = &[20, 3, 0];
    for (bytes, kind) in [
        (HUGE.to_vec(), FormatErrorKind::TooLarge),
        (coded_key(&[0xff, 0xff, 0xff, 0xff, 0x0f]), FormatErrorKind::TooLarge),
        (cells(&[HUGE, &[0, 0]]), FormatErrorKind::TooLarge),
        (cells(&[&[20], HUGE, &[0]]), FormatErrorKind::TooLarge),
        (cells(&[&[20, 3], HUGE]), FormatErrorKind::Corrupt),
        (cells(&[&[12, 3, 0]]), FormatErrorKind::Corrupt),
        // A row that is not in the dictionary, at an index or of a length that it cannot have.
        (cells(&[lengths, &[0, 0]]), FormatErrorKind::Corrupt),
        (cells(&[lengths, &[0x7f, 0xff]]), FormatErrorKind::Corrupt),
        (cells(&[lengths, &[0xff], HUGE]), FormatErrorKind::Corrupt),
        (cells(&[lengths, &[0xff, 9]]), FormatErrorKind::Corrupt),
        // An empty family; a qualifier that does not make the key's length.
        (cells(&[lengths, &[0xff, 2, b'r', b'r', 0xff, 0]]), FormatErrorKind::Corrupt),
        (
            cells(&[lengths, &[0xff, 2, b'r', b'r', 0xff, 1, b'f', 0xff, 4, 1, 2, 3, 4]]),
            FormatErrorKind::Corrupt,
        ),
    ] {
        assert_eq!(refusal(&compressed, &bytes).0, kind, "{bytes:?}");
    }
    // A value of 1 GiB in a few bytes.
    let gz = WalHeader::compressed(true, formats::compress::Codec::from_ordinal(1));
    let row = [0xff, 2, b'r', b'r', 0xff, 1, b'f', 0xff, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 1, 4];
    let bomb = cells(&[&[20, 0xff, 0xff, 0xff, 0x7f, 0], &row, &[20], &[0; 20]]);
    assert_ne!(refusal(&gz, &bomb).0, FormatErrorKind::Truncated);
}

#[test]
fn classes_that_are_not_hbases_are_named() {
    let foreign = "org.example.OurWALEditCodec";
    let codec = WalHeader { cell_codec_class: Some(foreign.into()), ..WalHeader::plain() };
    let writer = WalHeader { writer_class: Some("MyLogWriter".into()), ..WalHeader::plain() };
    let bzip2 = WalHeader { value_compression_algorithm: Some(5), ..WalHeader::compressed(false, None) };
    let bzip2 = WalHeader { has_value_compression: Some(true), ..bzip2 };
    for (header, name, sort) in [
        (codec, foreign, Unsupported::Other),
        (writer, "MyLogWriter", Unsupported::Other),
        (bzip2, "BZIP2", Unsupported::Other),
    ] {
        let (kind, what) = refusal(&header, &key(&[0]));
        assert_eq!(kind, FormatErrorKind::Unsupported(sort));
        assert!(what.contains(name), "{what}");
        let mut file = Vec::new();
        header.encode(&mut file);
        let (_, end) = texts(&file, OPTIONS());
        assert!(matches!(end, WalEnd::Unsupported { offset, .. } if offset == file.len() as u64), "{end:?}");
    }
}

#[test]
fn what_is_no_wal_is_refused() {
    for bytes in [&b"X"[..], b"PWAX", b"PWAL\xff\xff\xff\xff\x07", b"PWAL\x02\x0a\x01", b"PWAL\x01\x0f"] {
        let (given, end) = texts(bytes, OPTIONS());
        assert!(given.is_empty() && matches!(end, WalEnd::Damaged { offset: 0, .. }), "{bytes:?}: {end:?}");
    }
    // What writes these is known, and named.
    let (given, end) = texts(b"SEQ\x06", OPTIONS());
    assert!(given.is_empty() && matches!(end, WalEnd::Unsupported { offset: 0, .. }), "{end:?}");
}
