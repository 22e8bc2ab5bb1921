//! The walk along a file's blocks: clean files, every way to damage them, and ranges that are walked apart.

use formats::FormatErrorKind;
use formats::compress::{Codec, Compressor};
use formats::hfile::{BlockFault, BlockHeader, BlockType, BlockWalker, ChecksumType, Walked, encode_block};
use proptest::prelude::*;

use crate::samples::{self, blocks};

/// Walks a whole file, fed in pieces.
fn walk(file: &[u8], piece: usize) -> Walked {
    let mut walker = BlockWalker::from_start(file.len() as u64);
    file.chunks(piece).for_each(|bytes| walker.feed(bytes));
    walker.finish()
}

fn faults(file: &[u8], piece: usize) -> Vec<BlockFault> {
    walk(file, piece).conclude()
}

/// Offset of the block that holds this byte.
fn block_of(file: &[u8], at: usize) -> u64 {
    blocks(file).iter().rev().find(|(offset, ..)| *offset <= at).unwrap().0 as u64
}

/// Walks the ranges between `cuts` apart and puts together what was seen, as workers on one file do.
fn walk_in_ranges(file: &[u8], cuts: &[usize], piece: usize) -> Walked {
    let length = file.len() as u64;
    let feed = |mut walker: BlockWalker, to: usize| {
        let from = walker.position() as usize;
        file[from..to].chunks(piece).for_each(|bytes| walker.feed(bytes));
        walker.finish()
    };
    let ends = || cuts.iter().copied().chain([file.len()]);
    let mut whole = feed(BlockWalker::from_start(length), ends().next().unwrap());
    for (from, to) in ends().zip(ends().skip(1)) {
        let part = feed(BlockWalker::from_middle(from as u64, length), to);
        let meet = part.first.map_or(to, |first| first as usize).max(whole.next as usize);
        assert!(whole.next as usize <= meet);
        let between = feed(BlockWalker::at(whole.next, length), meet);
        assert!(whole.join(&between));
        if part.first.is_some() && !whole.join(&part) {
            // What the part followed was not the chain.
            let again = feed(BlockWalker::at(whole.next, length), to);
            assert!(whole.join(&again));
        }
    }
    whole
}

/// A file's blocks, with such payloads, and a trailer that fits no file: for what [`Walked::conclude`] is not asked.
fn chain(payloads: &[Vec<u8>], checksum: (ChecksumType, u32)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut prev = None;
    for payload in payloads {
        let offset = file.len() as u64;
        let mut compressor = Compressor::new();
        encode_block((BlockType::Data, payload), prev, Codec::None, checksum, &mut compressor, &mut file)
            .unwrap();
        prev = Some(offset);
    }
    file.extend([0; 4096]);
    file
}

#[test]
fn golden_files_walk_clean_in_pieces_of_any_size() {
    for sample in samples::all() {
        let whole = walk(&sample.bytes, usize::MAX);
        assert_eq!(whole.conclude(), [], "{}", sample.name);
        assert_eq!((whole.first, whole.next), (Some(0), sample.bytes.len() as u64 - 4096));
        let all = blocks(&sample.bytes);
        assert_eq!(whole.blocks.total(), all.len() as u64);
        for block_type in BlockType::ALL {
            let count = all.iter().filter(|(_, header, _)| header.block_type == block_type).count();
            assert_eq!(whole.blocks.of(block_type), count as u64, "{} {}", sample.name, block_type.name());
        }
        assert_eq!(whole.checksums.types().collect::<Vec<_>>(), [all[0].1.checksum_type]);
        for piece in [1, 3, 31, 32, 33, 34, 1000] {
            assert_eq!(walk(&sample.bytes, piece), whole, "{} in pieces of {piece}", sample.name);
        }
    }
}

#[test]
fn every_flipped_bit_of_a_small_file_is_caught_and_its_block_named() {
    let clean = samples::one("hfile-empty").bytes;
    let mut file = clean.clone();
    for at in 0..clean.len() - 4096 {
        for bit in 0..8 {
            file[at] ^= 1 << bit;
            for piece in [5, 77] {
                assert_names_the_block(&clean, &file, at, piece);
            }
            file[at] ^= 1 << bit;
        }
    }
}

#[test]
fn a_flip_of_every_byte_is_caught_and_its_block_named() {
    for name in ["hfile-codec-GZ", "hfile-checksum-CRC32-bpc512", "hfile-index3-bloomROW-smallchunks"] {
        let clean = samples::one(name).bytes;
        let mut file = clean.clone();
        for at in 0..clean.len() - 4096 {
            // All bits have their turn, and neighbours get different ones.
            let flip = 1 << (at * 5 % 8);
            file[at] ^= flip;
            assert_names_the_block(&clean, &file, at, 511);
            file[at] ^= flip;
        }
    }
}

fn assert_names_the_block(clean: &[u8], damaged: &[u8], at: usize, piece: usize) {
    let faults = faults(damaged, piece);
    let block = block_of(clean, at);
    assert_eq!(faults.len(), 1, "byte {at}: {faults:?}");
    assert_eq!(faults[0].offset, block, "byte {at}: {faults:?}");
    let place = faults[0].error.offset.unwrap();
    assert!((block..=at as u64).contains(&place), "byte {at}: {faults:?}");
}

#[test]
fn without_checksums_only_headers_are_checked_and_the_walk_says_so() {
    let mut file = samples::one("hfile-checksum-NULL").bytes;
    let walked = walk(&file, 100);
    assert_eq!(walked.checksums.of(ChecksumType::Null), walked.blocks.total());
    file[50] ^= 1;
    assert_eq!(faults(&file, 100), []);
    file[8] ^= 1;
    assert_eq!(faults(&file, 100)[0].offset, 0);
}

#[test]
fn a_block_whose_checksums_were_turned_off_is_caught() {
    let clean = samples::one("hfile-codec-SNAPPY").bytes;
    for (offset, header, bytes) in blocks(&clean) {
        let mut file = clean.clone();
        file[offset + 24] = 0;
        let found = faults(&file, 1000);
        assert_eq!((found.len(), found[0].offset), (1, offset as u64));
        assert!(found[0].error.what.contains("NULL"), "{found:?}");
        // With the slots blanked as well only the other blocks show it.
        file[offset + header.on_disk_data_size_with_header as usize..offset + bytes.len()].fill(0);
        let found = faults(&file, 1000);
        assert_eq!((found.len(), found[0].offset), (1, offset as u64), "{found:?}");
        assert!(found[0].error.what.contains("all blocks of a file have one"), "{found:?}");
    }
}

#[test]
fn after_a_block_without_its_header_the_next_is_found() {
    let clean = samples::one("hfile-index3-bloomROW-smallchunks").bytes;
    let all = blocks(&clean);
    for (number, (offset, ..)) in all.iter().enumerate() {
        let mut file = clean.clone();
        file[*offset..offset + 33].fill(0);
        let next = all.get(number + 1).map_or(clean.len() - 4096, |(offset, ..)| *offset);
        for piece in [1, 40, 5000] {
            let found = faults(&file, piece);
            assert_eq!((found.len(), found[0].offset), (1, *offset as u64), "{found:?}");
            assert!(found[0].error.what.ends_with(&format!("skipped to {next}")), "{found:?}");
        }
    }
}

#[test]
fn faults_are_bounded_and_the_rest_are_counted() {
    let mut file = chain(&vec![vec![7; 50]; 500], (ChecksumType::Crc32C, 16384));
    let size = (file.len() - 4096) / 500;
    (0..500).for_each(|block| file[block * size + 40] ^= 1);
    let walked = walk(&file, 999);
    assert_eq!((walked.faults.len(), walked.more_faults), (100, 400));
    assert_eq!(walked.next, file.len() as u64 - 4096);
}

#[test]
fn a_block_with_several_bad_chunks_is_one_fault() {
    let mut file = chain(&[vec![7; 5000]], (ChecksumType::Crc32C, 512));
    for at in [600, 1100, 4000] {
        file[at] ^= 1;
    }
    let walked = walk(&file, 999);
    assert_eq!(walked.faults.len(), 1);
    let error = &walked.faults[0].error;
    assert_eq!((error.kind, error.offset), (FormatErrorKind::Checksum, Some(512)));
    assert!(error.what.contains("CRC32C 2 of 10") && error.what.contains("2 more"), "{error}");
}

#[test]
fn a_data_block_that_names_another_as_the_one_before_it_is_caught() {
    let mut compressor = Compressor::new();
    let mut file = chain(&[vec![1; 100], vec![2; 100]], (ChecksumType::Crc32C, 16384));
    file.truncate(file.len() - 4096);
    let third = file.len() as u64;
    let checksum = (ChecksumType::Crc32C, 16384);
    encode_block((BlockType::Data, &[3; 9]), Some(0), Codec::None, checksum, &mut compressor, &mut file)
        .unwrap();
    file.extend([0; 4096]);
    let walked = walk(&file, 10);
    assert_eq!(walked.faults, []);
    assert_eq!((walked.wrong_prevs.len(), walked.wrong_prevs[0].offset), (1, third));
    assert!(walked.wrong_prevs[0].error.what.contains("names 0"), "{:?}", walked.wrong_prevs);
    assert!(walked.conclude().contains(&walked.wrong_prevs[0]), "one of three is damage");
    assert_eq!(walked.differences(), [""; 0]);
}

#[test]
fn too_few_or_too_many_bytes_are_a_fault() {
    let file = samples::one("hfile-codec-LZ4").bytes;
    for length in [0, 1, 100, file.len() - 4096, file.len() - 1] {
        let mut walker = BlockWalker::from_start(file.len() as u64);
        walker.feed(&file[..length]);
        assert!(!walker.finish().conclude().is_empty(), "{length}");
    }
    let mut walker = BlockWalker::from_start(file.len() as u64);
    walker.feed(&file);
    walker.feed(b"x");
    assert_eq!(walker.finish().conclude()[0].offset, file.len() as u64);
    // A file that was cut has its trailer at another place, or none.
    for length in [0, 1, 33, 4095, 4096, 4097, file.len() - 1] {
        assert!(!faults(&file[..length], 1000).is_empty(), "{length}");
    }
}

#[test]
fn a_trailer_that_points_elsewhere_is_caught() {
    let file = samples::one("hfile-codec-ZSTD").bytes;
    let trailer = samples::trailer(&file);
    let data = blocks(&file);
    let (second, third) = (data[1].0 as u64, data[2].0 as u64);
    let wrong = [
        formats::hfile::Trailer { first_data_block_offset: Some(second), ..trailer.clone() },
        formats::hfile::Trailer { last_data_block_offset: Some(second), ..trailer.clone() },
        formats::hfile::Trailer { load_on_open_offset: trailer.load_on_open_offset + 1, ..trailer.clone() },
        formats::hfile::Trailer { file_info_offset: trailer.file_info_offset + 1, ..trailer.clone() },
        formats::hfile::Trailer { load_on_open_offset: trailer.file_info_offset, ..trailer.clone() },
    ];
    assert!(third > second);
    for trailer in wrong {
        let mut file = file.clone();
        let at = file.len() - 4096;
        file[at..].copy_from_slice(&trailer.encode().unwrap());
        assert_eq!(faults(&file, 1000).len(), 1, "{trailer:?}");
    }
}

#[test]
fn from_the_middle_the_next_block_is_found_and_the_ranges_join_to_the_whole() {
    for name in ["hfile-empty", "hfile-codec-GZ", "hfile-index3-bloomROW-smallchunks"] {
        let file = samples::one(name).bytes;
        let whole = walk(&file, 1000);
        let starts: Vec<usize> =
            blocks(&file).iter().map(|(offset, ..)| *offset).chain([file.len() - 4096]).collect();
        for offset in 0..=file.len() {
            let mut walker = BlockWalker::from_middle(offset as u64, file.len() as u64);
            file[offset..].chunks(211).for_each(|bytes| walker.feed(bytes));
            let walked = walker.finish();
            let expected = starts.iter().find(|start| **start >= offset);
            assert_eq!(
                walked.first,
                Some(expected.copied().unwrap_or(file.len() - 4096) as u64),
                "{name} {offset}"
            );
            assert_eq!(walked.faults, [], "{name} {offset}");
            assert_eq!(walk_in_ranges(&file, &[offset], 300), whole, "{name} {offset}");
        }
    }
}

#[test]
fn from_the_middle_of_a_file_without_checksums_only_the_trailer_is_found() {
    let file = samples::one("hfile-checksum-NULL").bytes;
    let mut walker = BlockWalker::from_middle(10, file.len() as u64);
    walker.feed(&file[10..]);
    assert_eq!(walker.finish().first, Some(file.len() as u64 - 4096));
    assert_eq!(walk_in_ranges(&file, &[10, 5000, 9000], 100), walk(&file, 100));
}

#[test]
fn a_walker_misled_by_blocks_inside_a_cell_does_not_join() {
    // A value may be a whole HFile: from inside it the walk follows its blocks.
    let inner = samples::one("hfile-codec-GZ").bytes;
    let file = chain(&[vec![1; 3000], inner.clone(), vec![2; 3000]], (ChecksumType::Crc32C, 16384));
    let inside = 3000 + 33 + 4 + 33 + 100;
    let mut walker = BlockWalker::from_middle(inside as u64, file.len() as u64);
    walker.feed(&file[inside..]);
    let misled = walker.finish();
    assert!(misled.first.unwrap() < 3037 + inner.len() as u64, "the control: it is misled");
    assert!(!misled.faults.is_empty());
    assert_eq!(walk_in_ranges(&file, &[inside], 1000), walk(&file, 1000));
}

#[test]
fn what_looks_like_a_header_inside_a_cell_is_not_taken_for_a_block() {
    let kind = ChecksumType::Crc32C;
    // One that would end inside the cell, and one that would end inside the next block.
    for (size, found) in [(500, 1), (4000, 2)] {
        let header = BlockHeader::new(BlockType::LeafIndex, size, size, None, kind, 16384).unwrap();
        let mut cell = vec![9; 3000];
        cell[1000..1033].copy_from_slice(&header.encode());
        let file = chain(&[cell, vec![1; 3000], vec![2; 3000]], (kind, 16384));
        let mut walker = BlockWalker::from_middle(500, file.len() as u64);
        walker.feed(&file[500..]);
        let walked = walker.finish();
        assert_eq!(walked.first, Some(found * 3037), "{size}");
        assert_eq!(walked.faults, []);
        assert_eq!(walk_in_ranges(&file, &[500], 1000), walk(&file, 1000));
    }
}

/// A chain of blocks of these payload sizes, for seeded tests.
fn any_chain() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![0_usize..200, 0_usize..5000];
    let bytes_per_checksum = prop_oneof![Just(33_u32), Just(512), Just(16384)];
    (proptest::collection::vec(payload, 1..30), bytes_per_checksum, any::<u8>()).prop_map(
        |(sizes, bytes_per_checksum, salt)| {
            let payload =
                |(n, size): (usize, &usize)| (0..*size).map(|at| (at * at + n) as u8 ^ salt).collect();
            let payloads: Vec<Vec<u8>> = sizes.iter().enumerate().map(payload).collect();
            chain(&payloads, (ChecksumType::Crc32C, bytes_per_checksum))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn ranges_of_a_clean_chain_join_to_the_whole(
        file in any_chain(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        piece in 1_usize..5000,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.index(file.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(walk_in_ranges(&file, &cuts, piece), walk(&file, usize::MAX));
    }

    #[test]
    fn ranges_of_a_damaged_chain_find_the_damage_that_the_whole_walk_finds(
        clean in any_chain(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), 1_usize..100, any::<u8>()), 1..4),
        piece in 1_usize..5000,
    ) {
        let mut file = clean.clone();
        let blocks_end = file.len() - 4096;
        for (at, length, byte) in damage {
            let at = at.index(blocks_end);
            file[at..(at + length).min(blocks_end)].fill(byte);
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.index(file.len() + 1)).collect();
        cuts.sort_unstable();
        let (apart, whole) = (walk_in_ranges(&file, &cuts, piece), walk(&file, usize::MAX));
        prop_assert_eq!(apart.faults, whole.faults.clone());
        prop_assert_eq!(apart.blocks, whole.blocks);
        prop_assert_eq!(apart.next, whole.next);
        prop_assert_eq!(whole.faults.is_empty(), file == clean);
    }
}
