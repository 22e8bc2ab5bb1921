//! Data block encodings and the order of cells under random cells and random damage.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic, and prints its seed"
)]

mod support;

use std::cmp::{Ordering, Reverse};

use formats::cell::{CellChecks, Comparator, KeyRef, compare_keys, encode_key};
use formats::encoding::{BlockDecoder, BlockEncoder, CellLayout, DataBlockEncoding};
use formats::hfile::BlockType;
use support::Cell;
use support::random::{Random, seeded};

fn layouts() -> Vec<CellLayout> {
    let mut layouts = Vec::new();
    for encoding in DataBlockEncoding::ALL {
        for (has_tags, tags_compressed) in [(false, false), (true, false), (true, true)] {
            for has_mvcc in [false, true] {
                layouts.push(CellLayout { encoding, has_tags, tags_compressed, has_mvcc });
            }
        }
    }
    layouts
}

/// A block of `cells`, which lose their sequence ids if the layout has no place for them.
fn encode(layout: CellLayout, cells: &mut [Cell], encoder: &mut BlockEncoder) -> Vec<u8> {
    for cell in cells {
        if !layout.has_mvcc {
            cell.sequence = 0;
        }
        encoder.append(&cell.by_ref()).unwrap();
    }
    let mut payload = Vec::new();
    encoder.finish(&mut payload);
    payload
}

/// The cells up to the end or the first fault, whether there was one, and how many bytes they take.
fn decode(decoder: &mut BlockDecoder, payload: &[u8]) -> (Vec<Cell>, bool, usize) {
    let block_type = match decoder.layout().encoding {
        DataBlockEncoding::None => BlockType::Data,
        _ => BlockType::EncodedData,
    };
    let Ok(mut cells) = decoder.cells(payload, block_type) else { return (Vec::new(), false, 0) };
    let (mut all, mut bytes) = (Vec::new(), 0);
    loop {
        match cells.advance() {
            Ok(true) => {
                let cell = Cell::of(&cells.cell());
                bytes += cell.row.len() + cell.qualifier.len() + cell.value.len();
                all.push(cell);
            }
            Ok(false) => return (all, true, bytes),
            Err(error) => {
                assert!(error.offset.unwrap() <= payload.len() as u64);
                assert_eq!(cells.advance(), Err(error), "a fault stays");
                return (all, false, bytes);
            }
        }
    }
}

#[test]
fn what_is_encoded_is_decoded() {
    seeded(|random| {
        for layout in layouts() {
            let (mut encoder, mut decoder) = (BlockEncoder::new(layout), BlockDecoder::new(layout));
            for _ in 0..60 {
                let mut cells = random.cells(60, layout.has_tags);
                let payload = encode(layout, &mut cells, &mut encoder);
                let (decoded, whole, _) = decode(&mut decoder, &payload);
                assert!(whole, "{layout:?}");
                assert!(decoded == cells, "{layout:?}");
            }
        }
    });
}

#[test]
fn damage_is_a_fault_or_other_cells_but_never_a_panic_or_a_flood() {
    seeded(|random| {
        for layout in layouts() {
            let (mut encoder, mut decoder) = (BlockEncoder::new(layout), BlockDecoder::new(layout));
            for _ in 0..300 {
                let mut cells = random.cells(12, layout.has_tags);
                let mut payload = encode(layout, &mut cells, &mut encoder);
                damage(random, &mut payload);
                let declared =
                    payload.get(2..6).map_or(0, |size| u32::from_be_bytes(size.try_into().unwrap()));
                let (_, _, bytes) = decode(&mut decoder, &payload);
                assert!(bytes <= payload.len().max(declared as usize), "{layout:?}: {bytes} bytes of cells");
            }
        }
    });
}

fn damage(random: &mut Random, payload: &mut Vec<u8>) {
    for _ in 0..1 + random.below(3) {
        let at = random.below(payload.len().max(1));
        match random.below(5) {
            0 => payload.truncate(at),
            1 if !payload.is_empty() => payload[at] = 0xff,
            2 => payload.insert(at.min(payload.len()), random.next() as u8),
            3 if !payload.is_empty() => {
                payload.remove(at);
            }
            _ if !payload.is_empty() => payload[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
}

/// A cell that says it shares a long key again and again may not say more than the block declares.
#[test]
fn shared_keys_cannot_say_more_than_the_block_declares() {
    let layout = CellLayout { encoding: DataBlockEncoding::Prefix, ..CellLayout::default() };
    let mut payload = DataBlockEncoding::Prefix.id().to_be_bytes().to_vec();
    payload.extend(5_000_u32.to_be_bytes());
    let mut key = Vec::new();
    let row = [b'r'; 1_000];
    encode_key(&KeyRef { row: &row, family: b"f", qualifier: b"", timestamp: 1, type_code: 4 }, &mut key)
        .unwrap();
    payload.extend([0xf5, 0x07, 0, 0]);
    payload.extend(&key);
    for _ in 0..1_000 {
        payload.extend([0, 0, 0xf5, 0x07]);
    }
    let mut decoder = BlockDecoder::new(layout);
    let (cells, whole, _) = decode(&mut decoder, &payload);
    assert_eq!((cells.len(), whole), (4, false));
}

#[test]
fn truncating_at_every_byte_is_a_fault() {
    seeded(|random| {
        for layout in layouts() {
            let (mut encoder, mut decoder) = (BlockEncoder::new(layout), BlockDecoder::new(layout));
            let mut cells = random.cells(12, layout.has_tags);
            let payload = encode(layout, &mut cells, &mut encoder);
            for cut in 0..payload.len() {
                let (decoded, whole, _) = decode(&mut decoder, &payload[..cut]);
                // Without encoding nothing says how many cells there are: the file's count does.
                let unsaid = layout.encoding == DataBlockEncoding::None;
                assert!(!whole || (unsaid && decoded.len() < cells.len()), "{layout:?} cut at {cut}");
            }
        }
    });
}

fn naive_order(left: &Cell, right: &Cell) -> Ordering {
    type Order<'a> = (&'a [u8], &'a [u8], &'a [u8], Reverse<i64>, Reverse<u8>, Reverse<u64>);
    fn order(cell: &Cell) -> Order<'_> {
        let code = cell.cell_type.code();
        let (newest, latest) = (Reverse(cell.timestamp), Reverse(cell.sequence));
        (&cell.row, &cell.family, &cell.qualifier, newest, Reverse(code), latest)
    }
    order(left).cmp(&order(right))
}

#[test]
fn cells_compare_as_the_naive_model_says() {
    seeded(|random| {
        let cells = random.cells(150, false);
        let key = |cell: &Cell| {
            let mut key = Vec::new();
            encode_key(&cell.by_ref().key(), &mut key).unwrap();
            key
        };
        let keys: Vec<_> = cells.iter().map(key).collect();
        for (left, left_key) in cells.iter().zip(&keys) {
            for (right, right_key) in cells.iter().zip(&keys) {
                let naive = naive_order(left, right);
                assert_eq!(Comparator::Cell.compare_cells(&left.by_ref(), &right.by_ref()), naive);
                let by_key = compare_keys(left_key, right_key);
                assert_eq!(by_key.then(right.sequence.cmp(&left.sequence)), naive);
            }
        }
    });
}

#[test]
fn sorted_cells_pass_the_checks_and_two_exchanged_ones_do_not() {
    seeded(|random| {
        for _ in 0..200 {
            let mut cells = random.cells(30, false);
            let mut checks = CellChecks::default();
            cells.iter().for_each(|cell| checks.add(&cell.by_ref()).unwrap());
            assert_eq!(checks.count_of_cells(), cells.len() as u64);
            if cells.len() > 1 {
                let at = random.below(cells.len() - 1);
                cells.swap(at, at + 1);
                let mut checks = CellChecks::default();
                assert!(cells.iter().any(|cell| checks.add(&cell.by_ref()).is_err()));
            }
        }
    });
}
