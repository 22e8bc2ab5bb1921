//! Every part of a golden file decodes, and encodes to the same bytes again.

use formats::FormatErrorKind;
use formats::compress::{Codec, Compressor};
use formats::hfile::{
    BLOCK_HEADER_SIZE, Block, BlockType, ChecksumType, IndexBlock, LARGEST_BLOCK, LoadOnOpen, Trailer,
    encode_block, encode_checksums, encode_non_root, encode_root, verify_block,
};

use crate::samples::{self, Sample, blocks, trailer};

fn load_on_open(sample: &Sample) -> LoadOnOpen {
    let trailer = trailer(&sample.bytes);
    let section = &sample.bytes[trailer.load_on_open_offset as usize..sample.bytes.len() - 4096];
    LoadOnOpen::decode(section, &trailer, &mut samples::decompressor(), LARGEST_BLOCK).unwrap()
}

#[test]
fn trailers_encode_to_the_bytes_that_hbase_wrote() {
    for sample in samples::all() {
        let trailer = trailer(&sample.bytes);
        assert_eq!(
            trailer.encode().unwrap()[..],
            sample.bytes[sample.bytes.len() - 4096..],
            "{}",
            sample.name
        );
        if let Some(cells) = &sample.cells {
            assert_eq!(trailer.entry_count, cells.len() as u64, "{}", sample.name);
        }
    }
}

#[test]
fn blocks_verify_and_decompress_to_the_sizes_that_the_trailer_sums_up() {
    let mut decompressor = samples::decompressor();
    for sample in samples::all() {
        let trailer = trailer(&sample.bytes);
        let mut total = 4096;
        for (offset, header, bytes) in blocks(&sample.bytes) {
            let (verified, payload) = verify_block(bytes).unwrap();
            assert_eq!(verified, header);
            assert_eq!(header.encode(), bytes[..BLOCK_HEADER_SIZE], "{} {offset}", sample.name);
            let covered = &bytes[..header.on_disk_data_size_with_header as usize];
            let checksums = encode_checksums(covered, header.checksum_type, header.bytes_per_checksum);
            assert_eq!(checksums, bytes[covered.len()..], "{} {offset}", sample.name);
            // HBase leaves the data index's root and intermediate blocks out of the sum.
            let left_out = offset as u64 == trailer.load_on_open_offset
                || header.block_type == BlockType::IntermediateIndex;
            if !left_out {
                total += u64::from(header.uncompressed_size_without_header) + BLOCK_HEADER_SIZE as u64;
            }
            if trailer.is_encrypted() {
                continue;
            }
            let block = Block::decode(bytes, trailer.codec, &mut decompressor, LARGEST_BLOCK)
                .unwrap_or_else(|error| panic!("{} {offset}: {error}", sample.name));
            assert_eq!(block.payload.len(), header.uncompressed_size_without_header as usize);
            if trailer.codec == Codec::None {
                assert_eq!(block.payload, payload);
            }
        }
        // Not HBase's own counted otherwise.
        if !sample.name.starts_with("handmade") {
            assert_eq!(trailer.total_uncompressed_bytes, total, "{}", sample.name);
        }
    }
}

#[test]
fn every_codec_gives_the_same_payloads() {
    // These were made of the same cells with the same settings: only the codec differs.
    let mut decompressor = samples::decompressor();
    let mut payloads = |name: &str| -> Vec<Vec<u8>> {
        let sample = samples::one(name);
        let codec = trailer(&sample.bytes).codec;
        let data = blocks(&sample.bytes).into_iter().filter(|(_, header, _)| header.block_type.is_data());
        data.map(|(_, _, bytes)| Block::decode(bytes, codec, &mut decompressor, 1 << 20).unwrap().payload)
            .collect()
    };
    let plain = payloads("hfile-codec-GZ").concat();
    for codec in
        ["SNAPPY", "SNAPPY-xerial", "SNAPPY-hadoop", "LZ4", "LZ4-lz4java", "LZ4-hadoop", "LZO", "ZSTD"]
            .into_iter()
            .chain(["ZSTD-zstdjni", "ZSTD-zstdjni-dictionary", "ZSTD-rawframe-like-hadoop-native"])
    {
        assert_eq!(payloads(&format!("hfile-codec-{codec}")).concat(), plain, "{codec}");
    }
}

#[test]
fn a_missing_dictionary_is_named() {
    let sample = samples::one("hfile-codec-ZSTD-zstdjni-dictionary");
    let (_, _, bytes) = blocks(&sample.bytes)[0];
    let error = Block::decode(bytes, Codec::Zstd, &mut Default::default(), LARGEST_BLOCK).unwrap_err();
    assert!(error.is_unsupported());
    assert!(error.what.contains("dictionary of id"), "{error}");
}

#[test]
fn what_is_loaded_on_open_decodes_and_encodes_to_the_same_payloads() {
    let mut decompressor = samples::decompressor();
    for sample in samples::all() {
        let trailer = trailer(&sample.bytes);
        if trailer.is_encrypted() {
            continue;
        }
        let loaded = load_on_open(&sample);
        loaded.file_info.check_mandatory(trailer.entry_count).unwrap();
        let section = trailer.load_on_open_offset as usize;
        let payload = |bytes: &[u8], decompressor: &mut _| {
            Block::decode(bytes, trailer.codec, decompressor, LARGEST_BLOCK).unwrap().payload
        };
        let all = blocks(&sample.bytes);
        let mut roots = all.iter().filter(|(offset, ..)| *offset >= section).map(|(_, _, bytes)| *bytes);
        let mut next = || payload(roots.next().unwrap(), &mut decompressor);
        assert_eq!(encode_root(loaded.data_index.iter(), loaded.mid_key), next(), "{}", sample.name);
        assert_eq!(encode_root(loaded.meta_index.iter(), None), next(), "{}", sample.name);
        assert_eq!(loaded.file_info.encode(), next(), "{}", sample.name);
        assert_eq!(loaded.data_index.len(), trailer.data_index_count as usize);
        for (_, header, bytes) in &all {
            if matches!(header.block_type, BlockType::LeafIndex | BlockType::IntermediateIndex) {
                let payload = payload(bytes, &mut decompressor);
                let index = IndexBlock::decode_non_root(&payload).unwrap();
                assert_eq!(encode_non_root(index.iter()).unwrap(), payload, "{}", sample.name);
            }
        }
    }
}

#[test]
fn an_encrypted_file_says_so_and_its_blocks_still_verify() {
    let sample = samples::one("hfile-encrypted-AES-GZ");
    let trailer = trailer(&sample.bytes);
    let key = trailer.wrapped_key().unwrap().unwrap();
    assert_eq!((key.algorithm.as_str(), key.length, key.iv.len()), ("AES", 16, 16));
    let section = &sample.bytes[trailer.load_on_open_offset as usize..sample.bytes.len() - 4096];
    let error = LoadOnOpen::decode(section, &trailer, &mut Default::default(), LARGEST_BLOCK).unwrap_err();
    assert!(error.is_unsupported());
    assert!(blocks(&sample.bytes).iter().all(|(_, _, bytes)| verify_block(bytes).is_ok()));
}

#[test]
fn what_was_damaged_in_a_block_is_a_checksum_error() {
    let sample = samples::one("hfile-checksum-CRC32-bpc512");
    let (_, header, bytes) = blocks(&sample.bytes)[0];
    assert_eq!((header.checksum_type, header.bytes_per_checksum), (ChecksumType::Crc32, 512));
    let mut damaged = bytes.to_vec();
    damaged[600] ^= 1;
    let error = verify_block(&damaged).unwrap_err();
    assert_eq!((error.kind, error.offset), (FormatErrorKind::Checksum, Some(512)));
    assert!(error.what.contains("DATA block: CRC32 2 of"), "{error}");
}

#[test]
fn blocks_that_are_written_are_read_again() {
    let mut compressor = Compressor::new();
    let mut decompressor = samples::decompressor();
    let lengths = [0, 1, 33, 1000, 16 << 10, 300 << 10];
    for codec in [Codec::None, Codec::Gz, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        for length in lengths {
            let payload: Vec<u8> = (0..length).map(|n: usize| (n * n / 7) as u8).collect();
            for checksum in
                [(ChecksumType::Crc32C, 16384), (ChecksumType::Crc32, 33), (ChecksumType::Null, 512)]
            {
                let mut bytes = Vec::new();
                let header = encode_block(
                    (BlockType::Data, &payload),
                    Some(7),
                    codec,
                    checksum,
                    &mut compressor,
                    &mut bytes,
                )
                .unwrap();
                assert_eq!(header.on_disk_size(), bytes.len() as u64);
                let block = Block::decode(&bytes, codec, &mut decompressor, LARGEST_BLOCK).unwrap();
                assert_eq!((block.header, block.payload), (header, payload.clone()), "{codec} {length}");
            }
        }
    }
}

#[test]
fn a_version_that_its_trailer_is_not_of_is_damage() {
    let mut file = samples::one("hfile-empty").bytes;
    let last = file.len() - 1;
    for (version, what) in [(1, "version 1.3"), (2, "version 2.3"), (0, "no version"), (0x83, "no version")] {
        file[last] = version;
        let error = Trailer::decode(&file, file.len() as u64).unwrap_err();
        assert_eq!(error.kind, FormatErrorKind::Corrupt);
        assert!(error.what.contains(what), "{error}");
    }
    file[last] = 4;
    let error = Trailer::decode(&file, file.len() as u64).unwrap_err();
    assert!(error.is_unsupported());
    assert!(error.what.contains("version 4.3"), "{error}");
}
