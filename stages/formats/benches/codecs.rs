//! How fast WALs are decoded and HFile blocks are encoded and decoded: `cargo bench -p formats`. Made for comparing two
//! builds on one machine; figures of record are those of `scripts/bench`.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by a panic")]

use divan::{Bencher, counter::ItemsCount};
use formats::cell::{CellRef, CellType};
use formats::compress::Codec;
use formats::encoding::{BlockDecoder, BlockEncoder, CellLayout, DataBlockEncoding};
use formats::hfile::{BlockType, HFileContext, HFileEncoder, StoreFileMetadata};
use formats::wal::{Step, WalDecoder, WalDecoderOptions, WalEncoder, WalHeader, WalKeyFields};

const CELLS: usize = 20_000;

fn main() {
    divan::main();
}

/// Rows of five columns with values of 45 bytes, in order.
fn each_cell(mut see: impl FnMut(&CellRef<'_>)) {
    for number in 0..CELLS as u64 {
        let (row, column) = (format!("customer{:08}", number / 5), format!("q{}", number % 5));
        let value = format!(
            "{{\"state\":\"shipped\",\"amount\":{:05},\"city\":{:03}}}",
            number * 7919 % 99_991,
            number % 500
        );
        let cell = CellRef {
            row: row.as_bytes(),
            family: b"d",
            qualifier: column.as_bytes(),
            timestamp: 1_700_000_000_000 + number.cast_signed(),
            cell_type: CellType::Put,
            value: value.as_bytes(),
            tags: b"",
            sequence: number / 5 + 1,
        };
        see(&cell);
    }
}

/// A WAL of entries of one cell.
fn wal(header: WalHeader) -> Vec<u8> {
    let mut encoder = WalEncoder::new(header, false).unwrap();
    let mut out = Vec::new();
    encoder.encode_header(&mut out);
    each_cell(|cell| {
        let key = WalKeyFields {
            region: b"0123456789abcdef0123456789abcdef",
            table: b"shop:orders",
            sequence: cell.sequence,
            write_time: cell.timestamp,
            ..WalKeyFields::default()
        };
        encoder.encode_entry(&key, &[*cell], &mut out).unwrap();
    });
    encoder.encode_trailer(&mut out);
    out
}

#[divan::bench(args = ["plain", "dictionary"])]
fn decode_wal(bencher: Bencher<'_, '_>, kind: &str) {
    let header = if kind == "plain" { WalHeader::plain() } else { WalHeader::compressed(true, None) };
    let wal = wal(header);
    bencher.counter(ItemsCount::new(CELLS)).bench(|| {
        let mut decoder = WalDecoder::new(WalDecoderOptions::default());
        let (mut window, mut bytes) = (wal.as_slice(), 0);
        loop {
            match decoder.step(&mut window).unwrap() {
                Step::Header(_) => {}
                Step::Entry(entry) => {
                    bytes += entry.cells().unwrap().map(|cell| cell.value.len()).sum::<usize>()
                }
                Step::Trailer | Step::NeedMore { .. } => return bytes,
            }
        }
    });
}

fn layout(encoding: DataBlockEncoding) -> CellLayout {
    CellLayout { encoding, has_mvcc: true, ..CellLayout::default() }
}

/// All cells as one block.
fn block(encoding: DataBlockEncoding) -> Vec<u8> {
    let mut encoder = BlockEncoder::new(layout(encoding));
    each_cell(|cell| encoder.append(cell).unwrap());
    let mut payload = Vec::new();
    encoder.finish(&mut payload);
    payload
}

#[divan::bench(args = DataBlockEncoding::ALL)]
fn decode_block(bencher: Bencher<'_, '_>, encoding: DataBlockEncoding) {
    let payload = block(encoding);
    let plain = encoding == DataBlockEncoding::None;
    let block_type = if plain { BlockType::Data } else { BlockType::EncodedData };
    bencher.counter(ItemsCount::new(CELLS)).bench(|| {
        let mut decoder = BlockDecoder::new(layout(encoding));
        let mut cells = decoder.cells(&payload, block_type).unwrap();
        let mut bytes = 0;
        while cells.advance().unwrap() {
            bytes += cells.cell().value.len();
        }
        bytes
    });
}

/// The cells come out of a plain block, which costs little beside encoding them.
#[divan::bench(args = [
    (DataBlockEncoding::FastDiff, Codec::None), (DataBlockEncoding::FastDiff, Codec::Snappy),
    (DataBlockEncoding::RowIndexV1, Codec::None), (DataBlockEncoding::None, Codec::None),
])]
fn encode_hfile(bencher: Bencher<'_, '_>, (encoding, codec): (DataBlockEncoding, Codec)) {
    let payload = block(DataBlockEncoding::None);
    let context = HFileContext { layout: layout(encoding), codec, ..HFileContext::default() };
    bencher.counter(ItemsCount::new(CELLS)).bench(|| {
        let mut decoder = BlockDecoder::new(layout(DataBlockEncoding::None));
        let mut cells = decoder.cells(&payload, BlockType::Data).unwrap();
        let (mut encoder, mut out) = (HFileEncoder::new(context.clone()), Vec::new());
        while cells.advance().unwrap() {
            encoder.append(&cells.cell(), &mut out).unwrap();
        }
        encoder.finish(&StoreFileMetadata::default(), &mut out).unwrap();
        out.len()
    });
}
