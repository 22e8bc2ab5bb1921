//! HFiles of ours: made of the cells of HBase's files they are HBase's files, byte for byte where nothing is
//! compressed; and our reader reads them. With `TIDEGATE_WRITE_HFILES=<dir>` they are left there, for a real HBase to read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use formats::cell::{JsonForm, encode_json};
use formats::compress::Codec;
use formats::encoding::{CellLayout, DataBlockEncoding};
use formats::hfile::{
    BlockType, BlockWalker, BloomType, ChecksumType, EncodedHFile, FileInfo, HFileContext, HFileEncoder,
    IndexBlock, LoadOnOpen, StoreFileMetadata, key,
};
use support::Cell;
use support::file::{HFile, decompressor, golden_sets};
use support::random::seeded;

fn encode(context: HFileContext, metadata: &StoreFileMetadata, cells: &[Cell]) -> (Vec<u8>, EncodedHFile) {
    let mut encoder = HFileEncoder::new(context);
    let (mut file, mut out) = (Vec::new(), Vec::new());
    for cell in cells {
        encoder.append(&cell.by_ref(), &mut out).unwrap();
        file.append(&mut out);
        assert_eq!(encoder.position(), file.len() as u64);
    }
    let encoded = encoder.finish(metadata, &mut out).unwrap();
    file.append(&mut out);
    assert_eq!(encoded.length, file.len() as u64);
    (file, encoded)
}

/// The file as our reader sees it: clean by the chain, by the index, and with these cells.
fn read_back(name: &str, bytes: &[u8], cells: &[Cell]) -> HFile {
    let mut walker = BlockWalker::from_start(bytes.len() as u64);
    bytes.chunks(30_000).for_each(|piece| walker.feed(piece));
    assert_eq!(walker.finish().conclude(), [], "{name}");
    let mut decompressor = decompressor();
    let file = HFile::open(bytes.to_vec(), &mut decompressor).unwrap();
    file.opened.file_info.check_mandatory(file.trailer.entry_count).unwrap();
    let mut ours = Vec::new();
    let checks = file.cells(&mut decompressor, |cell| ours.push(Cell::of(cell))).unwrap();
    assert!(ours == cells, "{name}: other cells");
    assert_eq!(checks.count_of_cells(), file.trailer.entry_count, "{name}");
    assert_eq!(indexed(&file), data_offsets(&file), "{name}: the index is not of all data blocks");
    file
}

fn data_offsets(file: &HFile) -> Vec<u64> {
    let blocks = file.blocks(&mut decompressor()).unwrap();
    blocks.iter().filter(|(_, block)| block.header.block_type.is_data()).map(|(offset, _)| *offset).collect()
}

/// The offsets of data blocks that the index leads to, from the root down.
fn indexed(file: &HFile) -> Vec<u64> {
    let blocks: BTreeMap<u64, _> = file.blocks(&mut decompressor()).unwrap().into_iter().collect();
    let mut level: Vec<u64> = file.opened.data_index.iter().map(|entry| entry.offset).collect();
    for _ in 1..file.trailer.data_index_levels {
        level = level
            .iter()
            .flat_map(|offset| {
                let index = IndexBlock::decode_non_root(&blocks[offset].payload).unwrap();
                index.iter().map(|entry| entry.offset).collect::<Vec<_>>()
            })
            .collect();
    }
    level
}

fn index_keys(opened: &LoadOnOpen) -> Vec<Vec<u8>> {
    opened.data_index.iter().map(|entry| entry.key.to_vec()).collect()
}

/// What HBase's writer was given besides the cells.
fn metadata_of(info: &FileInfo) -> StoreFileMetadata {
    let mut more = FileInfo::default();
    for other in
        [key::BULKLOAD_TIME, key::BULKLOAD_TASK, key::MOB_CELLS_COUNT, key::MOB_FILE_REFS, key::HISTORICAL]
    {
        if let Some(value) = info.get(other) {
            more.set(other, value);
        }
    }
    StoreFileMetadata {
        max_sequence_id: info.max_sequence_id().unwrap().map(|id| id as u64),
        major_compaction: info.flag(key::MAJOR_COMPACTION).unwrap(),
        create_time: info.long(key::CREATE_TIME_TS).unwrap().unwrap(),
        more,
    }
}

#[test]
fn the_cells_of_a_flushed_file_give_the_file() {
    let sets = golden_sets("the_cells_of_a_flushed_file_give_the_file");
    let mut decompressor = decompressor();
    let (mut files, mut blocks, mut infos, mut whole, mut blooms) = (0, 0, 0, 0, 0);
    for set in &sets {
        let text = fs::read_to_string(set.join("truth/hfiles.jsonl")).unwrap_or_default();
        for line in text.lines() {
            let truth: serde_json::Value = serde_json::from_str(line).unwrap();
            // Several levels come from settings of their own; an encoding's blocks are smaller than they look.
            if truth["kind"] != "hfile" || truth["data_index_levels"] != 1 {
                continue;
            }
            let name = truth["file"].as_str().unwrap();
            let hbase =
                HFile::open(fs::read(set.join("root").join(name)).unwrap(), &mut decompressor).unwrap();
            let info = &hbase.opened.file_info;
            let mut cells = Vec::new();
            hbase.cells(&mut decompressor, |cell| cells.push(Cell::of(cell))).unwrap();
            let data = hbase.data_payloads(&mut decompressor);
            // The families' BLOCKSIZEs; a file does not record its own.
            let ours = [65_536, 8_192, 2_048, 1_024].into_iter().find_map(|block_size| {
                let layout = info.cell_layout().unwrap();
                let row_bloom = info.bloom_type().unwrap() == Some(BloomType::Row);
                let context = HFileContext { layout, block_size, row_bloom, ..HFileContext::default() };
                let (bytes, _) = encode(context, &metadata_of(info), &cells);
                let ours = read_back(name, &bytes, &cells);
                (ours.data_payloads(&mut decompressor) == data).then_some(ours)
            });
            let ours = ours.unwrap_or_else(|| panic!("{name}: other data blocks"));
            assert_eq!(index_keys(&ours.opened), index_keys(&hbase.opened), "{name}");
            blocks += ours.opened.data_index.len();
            files += 1;
            // Other kinds of blooms are not written.
            let row_bloom = matches!(info.bloom_type().unwrap(), None | Some(BloomType::Row));
            // A bulk load's writer and a compaction name other files or leave some entries out.
            let flushed = info.get(key::COMPACTION_EVENT) == Some(b"PBUF")
                && info.get(key::KEY_OF_BIGGEST_CELL).is_some();
            if flushed {
                let mut info = info.clone();
                if !row_bloom {
                    for of_bloom in [key::BLOOM_FILTER_TYPE, key::LAST_BLOOM_KEY, key::BLOOM_FILTER_PARAM] {
                        info.entries.remove(of_bloom);
                    }
                }
                assert_eq!(ours.opened.file_info, info, "{name}");
                infos += 1;
            }
            if flushed && row_bloom {
                assert_eq!(bloom_chunks(&ours), bloom_chunks(&hbase), "{name}");
                blooms += bloom_chunks(&ours).len();
            }
            if flushed && row_bloom && hbase.trailer.codec == Codec::None {
                assert!(ours.bytes == hbase.bytes, "{name}: other bytes");
                whole += 1;
            }
        }
    }
    let counted = format!(
        "{files} files, {blocks} data blocks, {infos} file infos, {blooms} bloom chunks equal HBase's, {whole} of \
         the files byte for byte"
    );
    println!("{counted}");
    assert!(sets.is_empty() || (files > 500 && infos > 100 && blooms > 100 && whole > 50), "{counted}");
}

/// The bits of all bloom filters of a file, chunk by chunk.
fn bloom_chunks(file: &HFile) -> Vec<Vec<u8>> {
    let blocks = file.blocks(&mut decompressor()).unwrap();
    let chunks = blocks.into_iter().filter(|(_, block)| block.header.block_type == BlockType::BloomChunk);
    chunks.map(|(_, block)| block.payload).collect()
}

fn keep(name: &str, bytes: &[u8], cells: &[Cell]) {
    if let Some(directory) = std::env::var_os("TIDEGATE_WRITE_HFILES") {
        let directory = std::path::Path::new(&directory);
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join(name), bytes).unwrap();
        let mut lines = Vec::new();
        for cell in cells {
            let form = JsonForm { sequence: Some(cell.sequence), hex_family: false };
            encode_json(&cell.by_ref(), form, &mut lines).unwrap();
            lines.push(b'\n');
        }
        fs::write(directory.join(format!("{name}.jsonl")), lines).unwrap();
    }
}

/// The same tags with types that mean nothing to HBase.
fn unknown_tags(tags: &[u8]) -> Vec<u8> {
    let (mut tags, mut at) = (tags.to_vec(), 0);
    while at < tags.len() {
        tags[at + 2] = tags[at + 2] % 8 + 100;
        at += 2 + usize::from(u16::from_be_bytes([tags[at], tags[at + 1]]));
    }
    tags
}

#[test]
fn every_encoding_codec_and_index_depth_reads_back() {
    let codecs = [Codec::None, Codec::Gz, Codec::Snappy, Codec::Lz4, Codec::Zstd];
    seeded(|random| {
        for (number, encoding) in DataBlockEncoding::ALL.into_iter().enumerate() {
            for (depth, chunk_size) in [(1, 128 << 10), (2, 2_000), (3, 400)] {
                let has_tags = depth != 1;
                let layout = CellLayout { encoding, has_tags, tags_compressed: depth == 3, has_mvcc: true };
                let mut cells = random.cells(3_000, has_tags);
                // A region cannot hold a cell without a row, and opens with the id after the file's.
                cells.retain(|cell| !cell.row.is_empty());
                cells.iter_mut().for_each(|cell| {
                    cell.family = b"f".to_vec();
                    cell.sequence >>= 2;
                    cell.tags = unknown_tags(&cell.tags);
                });
                let checksum_type = ChecksumType::ALL[depth - 1];
                let codec = codecs[(number + depth) % codecs.len()];
                let context = HFileContext {
                    layout,
                    codec,
                    block_size: 1_024,
                    checksum_type,
                    bytes_per_checksum: [16_384, 512, 33][depth - 1],
                    index_chunk_size: chunk_size,
                    bloom_chunk_size: [128 << 10, 1_024, 128][depth - 1],
                    ..HFileContext::default()
                };
                let metadata = StoreFileMetadata { max_sequence_id: Some(1 << 62), ..Default::default() };
                let (bytes, encoded) = encode(context, &metadata, &cells);
                let name = format!("{}-{codec}-{depth}", encoding.name());
                let file = read_back(&name, &bytes, &cells);
                assert_eq!(file.trailer, encoded.trailer);
                assert_eq!(file.opened.mid_key.is_some(), encoded.trailer.data_index_levels > 1);
                mid_key_is_the_middle(&file);
                keep(&name, &bytes, &cells);
            }
        }
    });
}

/// The mid-key's leaf and entry are those of the middle data block.
fn mid_key_is_the_middle(file: &HFile) {
    let Some(mid_key) = file.opened.mid_key else { return };
    let blocks: BTreeMap<u64, _> = file.blocks(&mut decompressor()).unwrap().into_iter().collect();
    let leaf = &blocks[&mid_key.leaf_offset];
    assert_eq!(leaf.header.block_type, BlockType::LeafIndex);
    let leaf = IndexBlock::decode_non_root(&leaf.payload).unwrap();
    let offsets = data_offsets(file);
    assert_eq!(leaf.get(mid_key.entry as usize).unwrap().offset, offsets[(offsets.len() - 1) / 2]);
}

#[test]
fn the_cells_of_a_file_with_three_levels_and_two_bloom_chunks_give_the_file() {
    let mut decompressor = decompressor();
    let bytes = fs::read(support::data("hfile-index3-bloomROW-smallchunks.hfile")).unwrap();
    let hbase = HFile::open(bytes, &mut decompressor).unwrap();
    let mut cells = Vec::new();
    hbase.cells(&mut decompressor, |cell| cells.push(Cell::of(cell))).unwrap();
    let chunks = bloom_chunks(&hbase);
    assert!(chunks.len() > 1, "{} chunks", chunks.len());
    // A file does not record its settings: these were found by trial, and give its bytes.
    let context = HFileContext {
        layout: hbase.opened.file_info.cell_layout().unwrap(),
        block_size: 100,
        index_chunk_size: 200,
        index_min_entries: 2,
        bloom_chunk_size: chunks[0].len(),
        ..HFileContext::default()
    };
    let (bytes, _) = encode(context, &metadata_of(&hbase.opened.file_info), &cells);
    let ours = read_back("three levels", &bytes, &cells);
    assert_eq!(bloom_chunks(&ours), chunks);
    assert_eq!(ours.opened, hbase.opened);
    assert!(ours.bytes == hbase.bytes, "other bytes");
}

#[test]
fn a_file_without_cells_is_one_too() {
    let (bytes, encoded) = encode(HFileContext::default(), &StoreFileMetadata::default(), &[]);
    read_back("empty", &bytes, &[]);
    assert_eq!(encoded.trailer.first_data_block_offset, None);
    keep("empty", &bytes, &[]);
}

#[test]
fn what_is_out_of_order_or_not_the_callers_is_refused() {
    seeded(|random| {
        let cells = random.cells(20, false);
        let mut encoder = HFileEncoder::new(HFileContext::default());
        let mut out = Vec::new();
        encoder.append(&cells[cells.len() - 1].by_ref(), &mut out).unwrap();
        if cells.len() > 1 {
            assert!(encoder.append(&cells[0].by_ref(), &mut out).is_err());
        }
        let mut metadata = StoreFileMetadata::default();
        metadata.more.set(key::LASTKEY, *b"mine");
        assert!(encoder.finish(&metadata, &mut out).is_err());
    });
}
