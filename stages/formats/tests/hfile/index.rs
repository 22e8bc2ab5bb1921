//! The way from a key through the index, and through the bloom filters, to the block that holds it.

use std::cmp::Ordering;

use formats::cell::compare_keys;
use formats::hfile::{
    Block, BlockType, BloomFilter, BloomType, IndexBlock, LARGEST_BLOCK, LoadOnOpen, row_column_key,
};
use serde_json::Value;

use crate::samples::{self, Sample, blocks, hex, trailer};

fn opened(sample: &Sample) -> LoadOnOpen {
    let trailer = trailer(&sample.bytes);
    let section = &sample.bytes[trailer.load_on_open_offset as usize..sample.bytes.len() - 4096];
    LoadOnOpen::decode(section, &trailer, &mut samples::decompressor(), LARGEST_BLOCK).unwrap()
}

fn block(sample: &Sample, offset: u64, size: u32) -> Block {
    let bytes = &sample.bytes[offset as usize..][..size as usize];
    Block::decode(bytes, trailer(&sample.bytes).codec, &mut samples::decompressor(), LARGEST_BLOCK).unwrap()
}

fn key_of(cell: &Value) -> Vec<u8> {
    let (row, family) = (hex(&cell["row"]), hex(&cell["family"]));
    let mut key = (row.len() as u16).to_be_bytes().to_vec();
    key.extend(row);
    key.push(family.len() as u8);
    key.extend(family);
    key.extend(hex(&cell["qualifier"]));
    key.extend(cell["ts"].as_i64().unwrap().to_be_bytes());
    key.push(cell["type"].as_u64().unwrap() as u8);
    key
}

/// Offset of the data block that the index, of any number of levels, gives for a key.
fn descend(sample: &Sample, root: &IndexBlock, key: &[u8]) -> Option<u64> {
    let mut index = root.clone();
    loop {
        let entry = index.get(index.seek(|entry| compare_keys(entry, key))?)?;
        let block = block(sample, entry.offset, entry.size);
        if block.header.block_type.is_data() {
            return Some(entry.offset);
        }
        let child = IndexBlock::decode_non_root(&block.payload).unwrap();
        child.check_children(entry.offset).unwrap();
        index = child;
    }
}

/// Keys of an unencoded data block in a file with memstoreTS and without tags.
fn keys_in(payload: &[u8]) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let mut rest = payload;
    while !rest.is_empty() {
        let length = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
        let (key, value) = (length(0), length(4));
        keys.push(rest[8..8 + key].to_vec());
        let (_, behind) = formats::varint::decode_vlong(&rest[8 + key + value..]).unwrap();
        rest = behind;
    }
    keys
}

#[test]
fn every_cell_is_found_through_one_two_or_three_levels() {
    for (name, levels) in [("hfile-checksum-NULL", 1), ("hfile-index3-bloomROW-smallchunks", 3)] {
        let sample = samples::one(name);
        assert_eq!(trailer(&sample.bytes).data_index_levels, levels, "{name}");
        let root = opened(&sample).data_index;
        let data =
            blocks(&sample.bytes).into_iter().filter(|(_, header, _)| header.block_type == BlockType::Data);
        let keys: Vec<(u64, Vec<Vec<u8>>)> = data
            .map(|(offset, _, bytes)| {
                let offset = offset as u64;
                (offset, keys_in(&block(&sample, offset, bytes.len() as u32).payload))
            })
            .collect();
        assert!(keys.len() > 5);
        for cell in sample.cells.as_ref().unwrap() {
            let key = key_of(cell);
            let holding = keys.iter().find(|(_, keys)| keys.contains(&key)).unwrap().0;
            assert_eq!(descend(&sample, &root, &key), Some(holding), "{name}");
        }
        // Before the first entry there is nothing.
        assert_eq!(root.seek(|_| Ordering::Greater), None);
    }
}

#[test]
fn the_middle_key_is_in_a_leaf() {
    let sample = samples::one("hfile-index3-bloomROW-smallchunks");
    let mid_key = opened(&sample).mid_key.unwrap();
    let leaf = block(&sample, mid_key.leaf_offset, mid_key.leaf_size).expect(BlockType::LeafIndex).unwrap();
    let leaf = IndexBlock::decode_non_root(&leaf.payload).unwrap();
    assert!(leaf.get(mid_key.entry as usize).is_some());
}

/// Whether the bloom filter says that the key may be in.
fn probe(sample: &Sample, bloom: &BloomFilter, key: &[u8], order: impl Fn(&[u8], &[u8]) -> Ordering) -> bool {
    let Some(chunk) = bloom.chunk_of(|first| order(first, key)) else { return false };
    let entry = bloom.chunks.get(chunk).unwrap();
    let bits = block(sample, entry.offset, entry.size).expect(BlockType::BloomChunk).unwrap().payload;
    bloom.may_contain(&bits, key)
}

#[test]
fn every_row_is_in_its_bloom_filter_and_most_others_are_not() {
    let mut probed = 0;
    for sample in samples::all() {
        let Some(cells) = sample.cells.as_ref().filter(|_| !trailer(&sample.bytes).is_encrypted()) else {
            continue;
        };
        let opened = opened(&sample);
        let (Some(bloom), Some(kind)) = (&opened.general_bloom, opened.file_info.bloom_type().unwrap())
        else {
            continue;
        };
        let probe_cell = |row: &[u8], qualifier: &[u8]| match kind {
            BloomType::Row => probe(&sample, bloom, row, <[u8]>::cmp),
            BloomType::RowPrefix(length) => probe(&sample, bloom, &row[..length.min(row.len())], <[u8]>::cmp),
            BloomType::RowColumn => {
                probe(&sample, bloom, &row_column_key(row, qualifier).unwrap(), compare_keys)
            }
        };
        for cell in cells {
            assert!(probe_cell(&hex(&cell["row"]), &hex(&cell["qualifier"])), "{} {cell}", sample.name);
            probed += 1;
        }
        let others = (0..1000).filter(|n| probe_cell(format!("zz{n:05}").as_bytes(), b"q")).count();
        // All of these have one prefix: it is in or not.
        if !matches!(kind, BloomType::RowPrefix(_)) {
            assert!(others < 60, "{}: {others} of 1000 rows that are not there", sample.name);
        }
    }
    assert!(probed > 1000, "{probed}");
}

#[test]
fn every_row_with_a_family_delete_is_in_the_delete_family_bloom_filter() {
    let mut probed = 0;
    for sample in samples::all() {
        let Some(cells) = sample.cells.as_ref().filter(|_| !trailer(&sample.bytes).is_encrypted()) else {
            continue;
        };
        let Some(bloom) = opened(&sample).delete_family_bloom else { continue };
        for cell in cells.iter().filter(|cell| matches!(cell["type"].as_u64(), Some(10 | 14))) {
            assert!(probe(&sample, &bloom, &hex(&cell["row"]), <[u8]>::cmp), "{} {cell}", sample.name);
            probed += 1;
        }
    }
    assert!(probed > 10, "{probed}");
}
