//! Data block encodings against files that HBase wrote: every cell is decoded as HBase says, and encoding the cells
//! again gives HBase's bytes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

mod support;

use formats::encoding::{BlockDecoder, BlockEncoder, CellLayout, DataBlockEncoding};
use formats::hfile::BlockType;
use support::{Cell, compare_with_sample, data, expected};

const HEADER: usize = 33;

/// The payloads of an uncompressed file's data blocks, and their types. Only the header's sizes are
/// looked at: reading HFiles has its own tests.
fn data_blocks(file: &[u8]) -> Vec<(&[u8], BlockType)> {
    let int = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let (mut blocks, mut at) = (Vec::new(), 0);
    while !file[at..].starts_with(b"IDXROOT2") {
        let payload = &file[at + HEADER..at + int(at + 29)];
        match &file[at..at + 8] {
            b"DATABLK*" => blocks.push((payload, BlockType::Data)),
            b"DATABLKE" => blocks.push((payload, BlockType::EncodedData)),
            _ => {}
        }
        at += HEADER + int(at + 8);
    }
    blocks
}

/// The sample files whose names say an encoding, with their layout.
fn samples() -> Vec<(String, CellLayout)> {
    let mut samples = Vec::new();
    for encoding in DataBlockEncoding::ALL {
        for tags in ["notags", "tags", "tagscompressed", "compresstags-set-but-ignored"] {
            let name = format!("hfile-enc-{}-{tags}", encoding.name());
            if data(&format!("{name}.hfile")).exists() {
                let (has_tags, tags_compressed) = (tags != "notags", tags == "tagscompressed");
                samples.push((name, CellLayout { encoding, has_tags, tags_compressed, has_mvcc: true }));
            }
        }
    }
    assert_eq!(samples.len(), 15, "of the samples some are missing");
    samples
}

fn cells_of(payload: &[u8], block_type: BlockType, decoder: &mut BlockDecoder) -> Vec<Cell> {
    let mut cells = decoder.cells(payload, block_type).unwrap();
    let mut all = Vec::new();
    while cells.advance().unwrap() {
        assert_eq!(formats::cell::decode_key(cells.key()).unwrap(), cells.cell().key());
        all.push(Cell::of(&cells.cell()));
    }
    all
}

#[test]
fn every_cell_is_the_one_that_hbase_says() {
    for (name, layout) in samples() {
        let file = std::fs::read(data(&format!("{name}.hfile"))).unwrap();
        let mut decoder = BlockDecoder::new(layout);
        let mut cells = Vec::new();
        for (payload, block_type) in data_blocks(&file) {
            cells.extend(cells_of(payload, block_type, &mut decoder));
        }
        compare_with_sample(&name, &expected(&name), &cells).unwrap();
    }
}

#[test]
fn encoding_the_cells_again_gives_the_bytes_of_hbase() {
    let mut blocks = 0;
    for (name, layout) in samples() {
        let file = std::fs::read(data(&format!("{name}.hfile"))).unwrap();
        let (mut decoder, mut encoder) = (BlockDecoder::new(layout), BlockEncoder::new(layout));
        for (payload, block_type) in data_blocks(&file) {
            for cell in cells_of(payload, block_type, &mut decoder) {
                encoder.append(&cell.by_ref()).unwrap();
            }
            let mut ours = Vec::new();
            encoder.finish(&mut ours);
            assert!(ours == payload, "{name}: block {blocks} is not HBase's");
            blocks += 1;
        }
    }
    assert!(blocks > 60, "only {blocks} blocks");
}

#[test]
fn a_changed_line_of_the_truth_is_noticed() {
    let (name, layout) = samples().swap_remove(0);
    let file = std::fs::read(data(&format!("{name}.hfile"))).unwrap();
    let mut decoder = BlockDecoder::new(layout);
    let cells: Vec<Cell> = data_blocks(&file)
        .into_iter()
        .flat_map(|(payload, block_type)| cells_of(payload, block_type, &mut decoder))
        .collect();
    let lines = expected(&name);
    compare_with_sample(&name, &lines, &cells).unwrap();
    for (field, value) in
        [("seqid", 999.into()), ("value", "ff".into()), ("type", 5.into()), ("tags", "00".into())]
    {
        let mut changed = lines.clone();
        changed[50][field] = value;
        let difference = compare_with_sample(&name, &changed, &cells).unwrap_err();
        assert!(difference.contains("cell 50"), "{field}: {difference}");
    }
    assert!(compare_with_sample(&name, &lines[1..], &cells).is_err());
}
