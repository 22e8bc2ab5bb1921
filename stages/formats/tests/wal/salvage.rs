//! What is got out of damaged WALs.

use formats::wal::{Lost, WalDecoderOptions, WalEnd};

use crate::cells::random::seeded;
use crate::support::{ONE_OF_EACH, lines, salvage, sample};

fn whole_file(bytes: &[u8]) -> (Vec<String>, Vec<Lost>, WalEnd) {
    salvage(bytes, WalDecoderOptions::default(), || bytes.len())
}

/// Where entries of wal-plain-tags start.
fn offsets(lines: &[String]) -> Vec<usize> {
    let offset =
        |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["offset"].as_u64().unwrap();
    lines.iter().map(|line| offset(line) as usize).collect()
}

fn plain() -> (Vec<u8>, Vec<String>, Vec<usize>) {
    let bytes = sample("wal-plain-tags.wal");
    let (lines, _) = lines(&bytes, WalDecoderOptions::default());
    let offsets = offsets(&lines);
    (bytes, lines, offsets)
}

#[test]
fn of_a_good_file_all_is_whole() {
    for name in ONE_OF_EACH.iter().filter(|name| !name.contains("secure")) {
        let bytes = sample(&format!("{name}.wal"));
        let (expected, end) = lines(&bytes, WalDecoderOptions::default());
        assert_eq!(whole_file(&bytes), (expected, Vec::new(), end), "{name}");
    }
    for name in
        ["wal-plain-notrailer", "waltrunc-partialtrailer3", "waltrunc-headeronly", "waltrunc-midheader"]
    {
        let bytes = sample(&format!("{name}.wal"));
        let (expected, end) = lines(&bytes, WalDecoderOptions::default());
        assert_eq!(whole_file(&bytes), (expected, Vec::new(), end), "{name}");
    }
}

#[test]
fn entries_after_damage_are_found_again() {
    let (bytes, lines, offsets) = plain();
    for damaged in 0..14 {
        let mut bad = bytes.clone();
        let start = offsets[damaged];
        bad[start..start + 60].fill(0);
        let (given, lost, end) = whole_file(&bad);
        let mut expected = lines.clone();
        expected.remove(damaged);
        assert_eq!(given, expected, "entry {damaged}");
        let next = offsets.get(damaged + 1).copied().unwrap_or(bytes.len() - 8) as u64;
        assert_eq!(lost.len(), 1);
        assert_eq!((lost[0].offset, lost[0].end), (start as u64, next), "entry {damaged}");
        assert!(lost[0].entries_at_most >= 1);
        assert!(matches!(end, WalEnd::Damaged { offset, .. } if offset == start as u64), "{end:?}");
    }
}

#[test]
fn two_damages_are_two_ranges() {
    let (bytes, lines, offsets) = plain();
    let mut bad = bytes.clone();
    for damaged in [2, 7, 8] {
        bad[offsets[damaged]..offsets[damaged] + 40].fill(0xee);
    }
    let (given, lost, _) = whole_file(&bad);
    let expected: Vec<_> = (0..14).filter(|i| ![2, 7, 8].contains(i)).map(|i| lines[i].clone()).collect();
    assert_eq!(given, expected);
    let ranges: Vec<_> = lost.iter().map(|lost| (lost.offset as usize, lost.end as usize)).collect();
    assert_eq!(ranges, [(offsets[2], offsets[3]), (offsets[7], offsets[9])]);
}

#[test]
fn an_entry_whose_count_is_wrong_is_not_given_short() {
    let (bytes, lines, offsets) = plain();
    // Entry 2 has two cells; its count is the byte after the tag 0x38.
    let count = (offsets[2]..).find(|at| bytes[*at..*at + 2] == [0x38, 2]).unwrap() + 1;
    let mut bad = bytes.clone();
    bad[count] = 1;
    let (given, lost, _) = whole_file(&bad);
    let expected: Vec<_> = (0..14).filter(|i| *i != 2).map(|i| lines[i].clone()).collect();
    assert_eq!(given, expected);
    assert_eq!((lost[0].offset as usize, lost[0].end as usize), (offsets[2], offsets[3]));
    assert!(lost[0].why.what.contains("count"), "{}", lost[0].why);
}

#[test]
fn a_torn_tail_is_lost_and_nothing_else() {
    let (bytes, lines, offsets) = plain();
    for cut in offsets[13] + 1..bytes.len() - 8 {
        let (given, lost, end) = whole_file(&bytes[..cut]);
        assert_eq!(given, lines[..13], "cut at {cut}");
        assert_eq!((lost[0].offset as usize, lost[0].end as usize), (offsets[13], cut), "cut at {cut}");
        assert_eq!(end, WalEnd::Torn { offset: offsets[13] as u64 }, "cut at {cut}");
    }
    // An entry before a torn one is found past damage, too.
    let mut bad = bytes[..bytes.len() - 60].to_vec();
    bad[offsets[10]..offsets[11]].fill(0);
    let (given, lost, _) = whole_file(&bad);
    assert_eq!(given.len(), 12);
    assert_eq!(lost.len(), 2);
}

#[test]
fn of_a_compressed_wal_only_the_front_is_had_and_it_says_why() {
    let bytes = sample("wal-dict-tags.wal");
    let (expected, _) = lines(&bytes, WalDecoderOptions::default());
    let start = offsets(&expected)[5];
    let mut bad = bytes.clone();
    bad[start..start + 60].fill(0);
    for chunk in [1, 100, 20_000] {
        let (given, lost, end) = salvage(&bad, WalDecoderOptions::default(), || chunk);
        assert_eq!(given, expected[..5]);
        assert_eq!((lost[0].offset as usize, lost[0].end as usize), (start, bytes.len() - 8));
        assert!(lost[0].why.what.contains("dictionary-compressed"), "{}", lost[0].why);
        assert!(matches!(end, WalEnd::Damaged { .. }), "{end:?}");
    }
}

#[test]
fn nothing_that_is_whole_is_lost_and_all_else_is_reported() {
    seeded(|random| {
        let (bytes, whole, offsets) = plain();
        for _ in 0..3000 {
            let mut bad = bytes.clone();
            let at = 85 + random.below(bytes.len() - 85);
            let length = [1, 4, 100, 600][random.below(4)].min(bytes.len() - at);
            bad[at..at + length].iter_mut().for_each(|byte| *byte = random.next() as u8);
            let chunk = [1, 50, 1000, 20_000][random.below(4)];
            let (given, lost, end) = salvage(&bad, WalDecoderOptions::default(), || 1 + random.below(chunk));
            // Entries and what is lost tile the file.
            let mut ranges: Vec<(u64, u64)> = lost.iter().map(|lost| (lost.offset, lost.end)).collect();
            for line in &given {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                ranges.push((value["offset"].as_u64().unwrap(), value["next"].as_u64().unwrap()));
            }
            ranges.sort_unstable();
            let mut position = 85;
            for (start, next) in ranges {
                assert_eq!(start, position, "at {at}, {length} bytes: {lost:?}");
                position = next;
            }
            assert!(
                position == bytes.len() as u64 - 8 || position == bytes.len() as u64,
                "{position}, {end:?}"
            );
            // What was not touched is given.
            let untouched = |i: usize| {
                let next = offsets.get(i + 1).copied().unwrap_or(bytes.len() - 8);
                next <= at || offsets[i] >= at + length
            };
            for i in (0..14).filter(|i| untouched(*i)) {
                assert!(
                    given.contains(&whole[i]),
                    "entry {i} is lost, damage at {at}, {length} bytes: {lost:?}"
                );
            }
        }
    });
}

#[test]
fn a_length_that_reaches_over_the_next_entries_is_no_torn_tail() {
    let (bytes, lines, offsets) = plain();
    // The length of the first cell of entry 4, which stands after its key.
    let mut bad = bytes.clone();
    let cell = offsets[4] + 1 + usize::from(bytes[offsets[4]]);
    assert_eq!(bad[cell..cell + 3], [0, 0, 0]);
    bad[cell + 1] = 0x10;
    let (given, lost, end) = whole_file(&bad);
    let expected: Vec<_> = (0..14).filter(|i| *i != 4).map(|i| lines[i].clone()).collect();
    assert_eq!(given, expected);
    assert!(lost[0].why.what.contains("reach past"), "{}", lost[0].why);
    assert!(matches!(end, WalEnd::Damaged { offset, .. } if offset == offsets[4] as u64), "{end:?}");
}

#[test]
fn cells_that_hold_keys_of_entries_without_end_do_not_hold_up_the_search() {
    use formats::cell::{CellRef, CellType};
    use formats::wal::{WalEncoder, WalHeader, WalKeyFields};
    let region = b"5b23ec0bf4c651c3bd822eec4ab2e3ce";
    // A key that claims two million cells, at the end of each of 60,000 cells.
    let mut key = [&[0x0a, 32], &region[..], b"\x12\x02t1\x18\x02\x20\x01\x38\x80\x89\x7a"].concat();
    key.insert(0, key.len() as u8);
    let cell = CellRef {
        row: b"row",
        family: b"f",
        qualifier: b"",
        timestamp: 1,
        cell_type: CellType::Put,
        value: &key,
        tags: b"",
        sequence: 0,
    };
    let fields = WalKeyFields { region, table: b"t1", sequence: 9, ..WalKeyFields::default() };
    let mut encoder = WalEncoder::new(WalHeader::plain(), false).unwrap();
    let mut bytes = Vec::new();
    encoder.encode_header(&mut bytes);
    let front = bytes.len();
    encoder.encode_entry(&fields, &vec![cell; 60_000], &mut bytes).unwrap();
    bytes[front] ^= 0x40;
    let entry = bytes.len();
    encoder.encode_entry(&fields, &[cell], &mut bytes).unwrap();
    encoder.encode_trailer(&mut bytes);
    let (given, lost, _) = whole_file(&bytes);
    assert_eq!((given.len(), offsets(&given)), (1, vec![entry]));
    assert_eq!((lost[0].offset as usize, lost[0].end as usize), (front, entry));
}
