//! Bytes that lie: errors, no panic, no large allocation.

use formats::FormatErrorKind;
use formats::compress::{Codec, Compressor, Decompressor};
use formats::hfile::{
    BLOCK_HEADER_SIZE, Block, BlockHeader, BlockType, BlockWalker, BloomFilter, ChecksumType, FileInfo,
    IndexBlock, IndexEntry, LARGEST_BLOCK, LoadOnOpen, Trailer, encode_block, encode_non_root, encode_root,
};
use proptest::prelude::*;

use crate::samples::{self, blocks};

const COMPRESSED: [Codec; 5] = [Codec::Gz, Codec::Snappy, Codec::Lz4, Codec::Zstd, Codec::Lzo];

#[test]
fn each_lie_of_a_trailer_is_refused() {
    let file = samples::one("hfile-codec-GZ").bytes;
    let length = file.len() as u64;
    let good = samples::trailer(&file);
    let lie = |change: &dyn Fn(&mut Trailer)| {
        let mut trailer = good.clone();
        change(&mut trailer);
        Trailer::decode(&trailer.encode().unwrap(), length)
    };
    assert!(lie(&|_| {}).is_ok(), "the control");
    let lies: [&dyn Fn(&mut Trailer); 13] = [
        &|t| t.file_info_offset = length - 4096,
        &|t| t.file_info_offset = u64::MAX,
        &|t| t.load_on_open_offset = t.file_info_offset + 1,
        &|t| t.load_on_open_offset = u64::MAX - 1,
        &|t| t.last_data_block_offset = Some(t.load_on_open_offset),
        &|t| t.first_data_block_offset = Some(t.load_on_open_offset - 1),
        &|t| t.first_data_block_offset = None,
        &|t| t.last_data_block_offset = None,
        &|t| (t.first_data_block_offset, t.last_data_block_offset) = (None, None),
        &|t| t.data_index_levels = 0,
        &|t| t.data_index_levels = 11,
        &|t| t.data_index_count = u32::MAX,
        &|t| t.meta_index_count = 1 << 31,
    ];
    for (number, change) in lies.iter().enumerate() {
        assert!(lie(change).is_err(), "lie {number}");
    }
    let foreign = lie(&|t| t.comparator_class = Some("com.example.Mine".to_owned())).unwrap();
    let error = foreign.comparator().unwrap_err();
    assert!(error.is_unsupported());
    assert!(error.what.contains("com.example.Mine"), "{error}");
    let long = Trailer { encryption_key: Some(vec![0; 5000]), ..good.clone() };
    assert_eq!(long.encode().unwrap_err().kind, FormatErrorKind::TooLarge);
}

#[test]
fn trailers_cut_short_or_without_magic_are_refused() {
    let file = samples::one("hfile-codec-GZ").bytes;
    let tail = &file[file.len() - 4096..];
    for kept in [0, 1, 3, 4, 100, 4095] {
        assert!(Trailer::decode(&tail[4096 - kept..], file.len() as u64).is_err(), "{kept}");
    }
    assert!(Trailer::decode(tail, 4096).is_err());
    assert!(Trailer::decode(tail, 0).is_err());
    let mut other = tail.to_vec();
    other[0] = b'X';
    assert_eq!(
        Trailer::decode(&other, file.len() as u64).unwrap_err().offset,
        Some(file.len() as u64 - 4096)
    );
    // A message longer than the trailer.
    let mut other = tail.to_vec();
    other[8..12].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    assert!(Trailer::decode(&other, file.len() as u64).is_err());
}

#[test]
fn the_comparators_of_all_versions_are_known() {
    use formats::cell::Comparator;
    let file = samples::one("hfile-empty").bytes;
    let known = [
        (Some("KeyValue$KVComparator"), Some(Comparator::Cell)),
        (Some("KeyValue$KeyComparator"), Some(Comparator::Cell)),
        (Some("CellComparator"), Some(Comparator::Cell)),
        (Some("CellComparatorImpl"), Some(Comparator::Cell)),
        (Some("InnerStoreCellComparator"), Some(Comparator::Cell)),
        (Some("KeyValue$MetaComparator"), Some(Comparator::Meta)),
        (Some("MetaCellComparator"), Some(Comparator::Meta)),
        (Some("KeyValue$MetaKeyComparator"), Some(Comparator::Meta)),
        (Some("CellComparator$MetaCellComparator"), Some(Comparator::Meta)),
        (Some("CellComparatorImpl$MetaCellComparator"), Some(Comparator::Meta)),
        (Some("KeyValue$RawBytesComparator"), None),
        (Some("util.Bytes$ByteArrayComparator"), None),
        (None, Some(Comparator::Cell)),
    ];
    for (class, comparator) in known {
        let class = class.map(|class| format!("org.apache.hadoop.hbase.{class}"));
        let trailer = Trailer { comparator_class: class, ..samples::trailer(&file) };
        assert_eq!(trailer.comparator().unwrap(), comparator, "{trailer:?}");
    }
}

/// A header with these sizes, whatever they are, and 100 bytes after it.
fn lying_block(on_disk: u32, uncompressed: u32, bytes_per_checksum: u32, data: u32) -> Vec<u8> {
    let mut bytes = BlockType::Data.magic().to_vec();
    bytes.extend(on_disk.to_be_bytes());
    bytes.extend(uncompressed.to_be_bytes());
    bytes.extend((-1_i64).to_be_bytes());
    bytes.push(2);
    bytes.extend(bytes_per_checksum.to_be_bytes());
    bytes.extend(data.to_be_bytes());
    bytes.extend([0; 100]);
    bytes
}

#[test]
fn each_lie_of_a_block_header_is_refused() {
    const MAX: u32 = i32::MAX as u32;
    let lies = [
        (u32::MAX, 10, 16384, 43),
        (MAX, 10, 16384, MAX),
        (MAX, MAX, 16384, MAX - 4),
        (14, u32::MAX, 16384, 43),
        (14, 10, 32, 43),
        (14, 10, 0, 43),
        (14, 10, u32::MAX, 43),
        (14, 10, 16384, 32),
        (14, 10, 16384, u32::MAX),
        (14, 10, 16384, 0),
        (13, 10, 16384, 43),
        (0, 0, 16384, 33),
    ];
    for lie in lies {
        let bytes = lying_block(lie.0, lie.1, lie.2, lie.3);
        let mut payload = Vec::new();
        let codec = Codec::Snappy;
        let decoded =
            Block::decode_into(&bytes, codec, &mut Decompressor::default(), LARGEST_BLOCK, &mut payload);
        assert!(decoded.is_err(), "{lie:?}");
        assert_eq!(payload.capacity(), 0, "{lie:?}");
        let mut file = bytes.clone();
        file.extend([0; 4096]);
        let mut walker = BlockWalker::from_start(file.len() as u64);
        walker.feed(&file);
        assert!(!walker.finish().faults.is_empty(), "{lie:?}");
    }
}

#[test]
fn a_block_larger_than_accepted_is_refused_before_it_is_decompressed() {
    let mut bytes = Vec::new();
    let checksum = (ChecksumType::Crc32C, 16384);
    let payload = vec![0; 100_000];
    encode_block((BlockType::Data, &payload), None, Codec::Gz, checksum, &mut Compressor::new(), &mut bytes)
        .unwrap();
    let mut into = Vec::new();
    let error =
        Block::decode_into(&bytes, Codec::Gz, &mut Decompressor::default(), 99_999, &mut into).unwrap_err();
    assert_eq!((error.kind, into.capacity()), (FormatErrorKind::TooLarge, 0));
}

#[test]
fn a_declared_size_that_cannot_be_is_refused_without_memory() {
    for codec in COMPRESSED.into_iter().chain([Codec::None]) {
        let mut into = Vec::new();
        let mut decompressor = Decompressor::default();
        assert!(decompressor.decompress(codec, &[0; 20], 1 << 30, &mut into).is_err(), "{codec}");
        assert_eq!(into.capacity(), 0, "{codec}");
    }
}

#[test]
fn what_expands_beyond_its_declared_size_stops_there() {
    let plain = vec![7; 1 << 20];
    for codec in COMPRESSED {
        let bomb = if codec == Codec::Lzo {
            let stream = lzokay_native::compress(&plain).unwrap();
            let lengths = [(plain.len() as u32).to_be_bytes(), (stream.len() as u32).to_be_bytes()].concat();
            [lengths, stream].concat()
        } else {
            let mut bomb = Vec::new();
            Compressor::new().compress(codec, &plain, &mut bomb).unwrap();
            bomb
        };
        let mut decompressor = Decompressor::default();
        let mut into = Vec::new();
        decompressor.decompress(codec, &bomb, plain.len(), &mut into).unwrap();
        assert_eq!(into, plain, "{codec}: the control");
        for declared in [0, 1, 1000, plain.len() - 1, plain.len() + 1] {
            let mut into = Vec::new();
            assert!(
                decompressor.decompress(codec, &bomb, declared, &mut into).is_err(),
                "{codec} {declared}"
            );
            assert!(into.capacity() <= declared.max(8), "{codec} {declared}");
            // A group that agrees with the declared size, but a chunk in it that is larger.
            if !matches!(codec, Codec::Gz) && declared > 0 && declared < plain.len() {
                let mut framed = bomb.clone();
                framed[..4].copy_from_slice(&(declared as u32).to_be_bytes());
                assert!(
                    decompressor.decompress(codec, &framed, declared, &mut into).is_err(),
                    "{codec} {declared}"
                );
            }
        }
        // The contexts are as good as new.
        decompressor.decompress(codec, &bomb, plain.len(), &mut into).unwrap();
        assert_eq!(into, plain, "{codec}");
    }
}

#[test]
fn codecs_that_are_not_read_are_named() {
    for codec in [Codec::Bzip2, Codec::Lzma, Codec::Brotli] {
        let error = Decompressor::default().decompress(codec, b"abc", 3, &mut Vec::new()).unwrap_err();
        assert!(error.is_unsupported());
        assert!(error.what.contains(codec.name()), "{error}");
    }
    let error = Compressor::new().compress(Codec::Lzo, b"abc", &mut Vec::new()).unwrap_err();
    assert!(error.is_unsupported());
}

fn entry(offset: u64, size: u32, key: &[u8]) -> IndexEntry<'_> {
    IndexEntry { offset, size, key }
}

#[test]
fn indexes_that_lie_are_refused() {
    // Counts that the bytes cannot hold.
    for count in [3, 1 << 20, u32::MAX] {
        let payload = encode_root([entry(0, 100, b"a"), entry(100, 100, b"b")], None);
        assert!(IndexBlock::decode_root(&payload, count).is_err(), "{count}");
        let mut payload = encode_non_root([entry(0, 100, b"a"), entry(100, 100, b"b")]).unwrap();
        payload[..4].copy_from_slice(&count.to_be_bytes());
        assert!(IndexBlock::decode_non_root(&payload).is_err(), "{count}");
    }
    // A count that is too small leaves bytes over.
    let payload = encode_root([entry(0, 100, b"a"), entry(100, 100, b"b")], None);
    assert!(IndexBlock::decode_root(&payload, 1).is_err());
    assert!(IndexBlock::decode_root_with_mid_key(&payload, 2).is_err());
    // Offsets inside a leaf that go back, overlap or reach too far; keys longer than the block.
    let good = encode_non_root([entry(0, 100, b"abc"), entry(100, 100, b"def")]).unwrap();
    for (at, value) in [(4, 1_u32), (8, 11), (8, u32::MAX), (12, 15), (12, 31), (12, i32::MAX as u32)] {
        let mut payload = good.clone();
        payload[at..at + 4].copy_from_slice(&value.to_be_bytes());
        assert!(IndexBlock::decode_non_root(&payload).is_err(), "{value} at {at}");
    }
    let long_key =
        [&0_u64.to_be_bytes()[..], &100_u32.to_be_bytes(), &[0x8c, 0x7f, 0xff, 0xff, 0xff]].concat();
    assert!(IndexBlock::decode_root(&long_key, 1).is_err());
    // A block smaller than its header; negative offset.
    assert!(IndexBlock::decode_root(&encode_root([entry(0, 32, b"a")], None), 1).is_err());
    assert!(IndexBlock::decode_root(&encode_root([entry(u64::MAX, 33, b"a")], None), 1).is_err());
}

#[test]
fn children_that_are_not_before_their_parent_are_refused() {
    let check = |entries: &[IndexEntry<'_>], parent| {
        let payload = encode_root(entries.iter().copied(), None);
        IndexBlock::decode_root(&payload, entries.len() as u32).unwrap().check_children(parent)
    };
    assert!(check(&[entry(0, 100, b"a"), entry(100, 100, b"b")], 200).is_ok(), "the control");
    assert!(check(&[entry(0, 100, b"a"), entry(100, 101, b"b")], 200).is_err(), "reaches into the parent");
    assert!(check(&[entry(200, 50, b"a")], 200).is_err(), "is the parent");
    assert!(check(&[entry(300, 50, b"a")], 200).is_err(), "is after the parent");
    assert!(check(&[entry(100, 50, b"a"), entry(0, 50, b"b")], 200).is_err(), "goes back");
    assert!(check(&[entry(0, 50, b"a"), entry(49, 50, b"b")], 200).is_err(), "overlap");
    assert!(check(&[entry(i64::MAX as u64, i32::MAX as u32, b"a")], u64::MAX).is_ok(), "no overflow");
}

#[test]
fn a_section_with_blocks_in_another_order_is_refused() {
    let sample = samples::one("hfile-codec-GZ");
    let trailer = samples::trailer(&sample.bytes);
    let open = trailer.load_on_open_offset as usize;
    let all: Vec<&[u8]> =
        blocks(&sample.bytes).iter().filter(|(at, ..)| *at >= open).map(|(.., bytes)| *bytes).collect();
    let decode =
        |section: &[u8]| LoadOnOpen::decode(section, &trailer, &mut Decompressor::default(), LARGEST_BLOCK);
    assert!(decode(&all.concat()).is_ok(), "the control");
    let mut doubled = all.clone();
    doubled.push(all[all.len() - 1]);
    let mut swapped = all.clone();
    swapped.swap(1, 2);
    for section in [&doubled[..], &swapped, &all[..2], &all[1..], &[]] {
        assert!(decode(&section.concat()).is_err());
    }
    let whole = all.concat();
    let ends: Vec<usize> = all
        .iter()
        .scan(0, |end, bytes| {
            *end += bytes.len();
            Some(*end)
        })
        .collect();
    for cut in (0..whole.len()).filter(|cut| !ends[2..].contains(cut)) {
        assert!(decode(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

/// The payloads of a file's blocks of one type, and bytes changed in them: structure that almost holds.
fn payloads(block_type: BlockType) -> Vec<Vec<u8>> {
    let mut decompressor = samples::decompressor();
    let mut payloads = Vec::new();
    for name in ["hfile-index3-bloomROW-smallchunks", "hfile-bloomROWCOL", "hfile-enc-DIFF-tags"] {
        let file = samples::one(name).bytes;
        for (_, header, bytes) in blocks(&file) {
            if header.block_type == block_type && header.uncompressed_size_without_header > 0 {
                payloads.push(
                    Block::decode(bytes, Codec::None, &mut decompressor, LARGEST_BLOCK).unwrap().payload,
                );
            }
        }
    }
    assert!(!payloads.is_empty());
    payloads
}

fn changed(block_type: BlockType) -> impl Strategy<Value = Vec<u8>> {
    let change =
        (any::<proptest::sample::Index>(), prop_oneof![Just(0_u8), Just(0x7f), Just(0xff), any::<u8>()]);
    let cut = proptest::option::of(any::<proptest::sample::Index>());
    (proptest::sample::select(payloads(block_type)), proptest::collection::vec(change, 1..6), cut).prop_map(
        |(mut payload, changes, cut)| {
            for (at, byte) in changes {
                let at = at.index(payload.len());
                payload[at] = byte;
            }
            payload.truncate(cut.map_or(payload.len(), |cut| cut.index(payload.len())));
            payload
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changed_indexes_do_not_panic(
        leaf in changed(BlockType::LeafIndex),
        root in changed(BlockType::RootIndex),
        count in 0_u32..20,
    ) {
        for index in [IndexBlock::decode_non_root(&leaf), IndexBlock::decode_root(&root, count)].into_iter().flatten() {
            let _ = index.check_children(10_000);
            let _ = index.seek(|key| key.cmp(b"k"));
        }
        let _ = IndexBlock::decode_root_with_mid_key(&root, count);
    }

    #[test]
    fn changed_file_info_does_not_panic(payload in changed(BlockType::FileInfo)) {
        if let Ok(file_info) = FileInfo::decode(&payload) {
            let _ = file_info.check_mandatory(5);
            let _ = (file_info.time_range(), file_info.bloom_type(), file_info.data_block_encoding());
            prop_assert_eq!(&FileInfo::decode(&file_info.encode()).unwrap(), &file_info);
        }
    }

    #[test]
    fn changed_bloom_meta_does_not_panic(payload in changed(BlockType::GeneralBloomMeta), bits in 0_usize..40) {
        if let Ok(bloom) = BloomFilter::decode(&payload) {
            let _ = bloom.may_contain(&vec![0xff; bits], b"row");
            let _ = bloom.chunk_of(|key| key.cmp(b"row"));
        }
    }

    #[test]
    fn changed_trailers_do_not_panic(
        changes in proptest::collection::vec((0_usize..200, any::<u8>()), 1..6),
        length in any::<u64>(),
    ) {
        let mut tail = samples::one("hfile-codec-GZ").bytes;
        tail.drain(..tail.len() - 4096);
        for (at, byte) in changes {
            tail[at] = byte;
        }
        for length in [length, 6570] {
            if let Ok(trailer) = Trailer::decode(&tail, length) {
                let _ = trailer.wrapped_key();
                prop_assert_eq!(&Trailer::decode(&trailer.encode().unwrap(), length).unwrap(), &trailer);
            }
        }
    }

    #[test]
    fn changed_payloads_never_give_more_than_declared(
        number in 0_usize..COMPRESSED.len(),
        plain in proptest::collection::vec(0_u8..3, 0..3000),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let codec = COMPRESSED[number];
        let mut payload = Vec::new();
        if Compressor::new().compress(codec, &plain, &mut payload).is_err() {
            // LZO is not written: whatever is read as it must be survived.
            payload = [&(plain.len() as u32).to_be_bytes()[..], &20_u32.to_be_bytes(), &[0x20; 20]].concat();
        }
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        let mut into = Vec::new();
        let _ = Decompressor::default().decompress(codec, &payload, plain.len(), &mut into);
        prop_assert!(into.len() <= plain.len());
    }

    #[test]
    fn any_bytes_can_be_walked(bytes in proptest::collection::vec(any::<u8>(), 0..9000), piece in 1_usize..500) {
        let mut walker = BlockWalker::from_start(bytes.len() as u64);
        bytes.chunks(piece).for_each(|bytes| walker.feed(bytes));
        prop_assert!(!walker.finish().conclude().is_empty());
        if let Some(header) = bytes.first_chunk::<BLOCK_HEADER_SIZE>() {
            prop_assert!(BlockHeader::decode(header).is_err());
        }
    }
}
