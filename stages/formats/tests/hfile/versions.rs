//! HFiles 2.3 and 3.0, as HBase 0.96 to 1.x wrote them: read as those of 3.3 are, and their damage found as well.

use formats::cell::{CellRef, JsonForm, encode_json};
use formats::hfile::{
    BlockFault, BlockHeader, BlockWalker, HFileVersion, LARGEST_BLOCK, LoadOnOpen, Trailer, Walked,
};
use formats::{FormatErrorKind, Unsupported, compress::Decompressor, encoding::BlockDecoder, hfile::Block};
use std::fs;
use std::path::Path;

/// The files that HBase 1.4.14 and 1.7.2 wrote, all with the same 1,000 cells.
const FILES: [(&str, u32, u8, usize); 7] = [
    ("01-hfile-2.3/hbase17_v2_index3", 2, 3, 212),
    ("02-hfile-3.0/hbase17_v3_tags", 3, 0, 4096),
    ("01-hfile-2.3/hbase14_v2_NONE_NONE", 2, 3, 212),
    ("01-hfile-2.3/hbase14_v2_NONE_FAST_DIFF", 2, 3, 212),
    ("01-hfile-2.3/hbase14_v2_GZ_NONE", 2, 3, 212),
    ("02-hfile-3.0/hbase14_v3_NONE_NONE", 3, 0, 4096),
    ("02-hfile-3.0/hbase14_v3_GZ_FAST_DIFF", 3, 0, 4096),
];
const SMALLEST: [&str; 2] = ["01-hfile-2.3/hbase14_v2_GZ_NONE", "02-hfile-3.0/hbase14_v3_GZ_FAST_DIFF"];

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/data/cases").join(name)).unwrap()
}

fn trailer_of(name: &str) -> usize {
    FILES.iter().find(|(file, ..)| *file == name).unwrap().3
}

fn walk(file: &[u8], piece: usize) -> Walked {
    let mut walker = BlockWalker::from_start(file.len() as u64);
    file.chunks(piece).for_each(|bytes| walker.feed(bytes));
    walker.finish()
}

fn faults(file: &[u8]) -> Vec<BlockFault> {
    walk(file, 511).conclude()
}

fn starts(file: &[u8], end: usize) -> Vec<usize> {
    let (mut starts, mut at) = (Vec::new(), 0);
    while at < end {
        starts.push(at);
        at += BlockHeader::decode(file[at..].first_chunk().unwrap()).unwrap().on_disk_size() as usize;
    }
    assert_eq!(at, end);
    starts
}

/// Every cell, as a line.
fn cells(file: &[u8]) -> Result<Vec<String>, formats::FormatError> {
    let mut decompressor = Decompressor::default();
    let trailer = Trailer::decode(file, file.len() as u64)?;
    let section = &file[trailer.load_on_open_offset as usize..file.len() - trailer.size()];
    let opened = LoadOnOpen::decode(section, &trailer, &mut decompressor, LARGEST_BLOCK)?;
    opened.file_info.check_mandatory(trailer.entry_count)?;
    // HBase 1 writes 32 bytes, of which HBase 2 reads the first 16.
    assert_eq!(opened.file_info.time_range()?, Some((1000, 1999)));
    assert!(trailer.comparator()?.is_some());
    let mut decoder = BlockDecoder::new(opened.file_info.cell_layout()?);
    let mut lines = Vec::new();
    for at in starts(file, trailer.load_on_open_offset as usize) {
        let header = BlockHeader::decode(file[at..].first_chunk().unwrap())?;
        let whole = &file[at..at + header.on_disk_size() as usize];
        let block = Block::decode(whole, trailer.codec, &mut decompressor, LARGEST_BLOCK)?;
        if header.block_type.is_data() {
            let mut cells = decoder.cells(&block.payload, header.block_type)?;
            while cells.advance()? {
                lines.push(line(&cells.cell()));
            }
        }
    }
    Ok(lines)
}

fn line(cell: &CellRef<'_>) -> String {
    let mut line = Vec::new();
    encode_json(cell, JsonForm { sequence: Some(cell.sequence), hex_family: false }, &mut line).unwrap();
    String::from_utf8(line).unwrap()
}

#[test]
fn the_cells_are_those_that_were_written() {
    for (name, major, minor, size) in FILES {
        let file = read(name);
        let trailer = Trailer::decode(&file, file.len() as u64).unwrap();
        assert_eq!((trailer.version, trailer.size()), (HFileVersion { major, minor }, size), "{name}");
        assert_eq!(trailer.encode().unwrap(), file[file.len() - size..], "{name}");
        let cells = cells(&file).unwrap();
        assert_eq!(cells.len(), 1000, "{name}");
        for (number, cell) in cells.iter().enumerate() {
            let value: serde_json::Value = serde_json::from_str(cell).unwrap();
            let hex = |text: String| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert_eq!(value["row"], hex(format!("row{number:05}")), "{name}: {cell}");
            assert_eq!(value["value"], hex(format!("value{number}")), "{name}: {cell}");
            assert_eq!(value["ts"], 1000 + number, "{name}: {cell}");
            assert_eq!(value["seq"], number % 7, "{name}: {cell}");
        }
    }
}

#[test]
fn they_walk_clean_in_pieces_of_any_size() {
    for (name, _, _, size) in FILES {
        let file = read(name);
        let whole = walk(&file, usize::MAX);
        assert_eq!(whole.conclude(), [], "{name}");
        assert_eq!((whole.first, whole.next, whole.is_whole()), (Some(0), (file.len() - size) as u64, true));
        assert_eq!(whole.blocks.total(), starts(&file, file.len() - size).len() as u64);
        for piece in [1, 32, 33, 1000] {
            assert_eq!(walk(&file, piece), whole, "{name} in pieces of {piece}");
        }
    }
}

/// As the workers on the ranges of one file, and who joins what they saw.
fn in_two_ranges(file: &[u8], cut: usize) -> Walked {
    let length = file.len() as u64;
    let mut front = BlockWalker::from_start(length);
    front.feed(&file[..cut]);
    let mut back = BlockWalker::from_middle(cut as u64, length);
    back.feed(&file[cut..]);
    let (mut all, back) = (front.finish(), back.finish());
    assert_eq!(back.faults, [], "{cut}");
    if !all.join(&back)
        && let Some(first) = back.first
    {
        let mut between = BlockWalker::at(all.next, length);
        between.feed(&file[all.next as usize..first.max(all.next) as usize]);
        assert!(all.join(&between.finish()), "{cut}");
        let _ = all.join(&back);
    }
    if !all.is_whole() {
        let mut rest = BlockWalker::at(all.next, length);
        rest.feed(&file[all.next as usize..]);
        assert!(all.join(&rest.finish()), "{cut}");
    }
    all
}

#[test]
fn cut_into_ranges_anywhere_they_join_to_the_whole() {
    for name in SMALLEST {
        let file = read(name);
        let whole = walk(&file, 1000);
        for cut in 0..=file.len() {
            let joined = in_two_ranges(&file, cut);
            assert_eq!(joined.conclude(), [], "{name} cut at {cut}");
            assert_eq!((joined.blocks, joined.next), (whole.blocks, whole.next), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_flip_of_every_byte_of_every_block_is_caught_and_its_block_named() {
    for name in SMALLEST {
        let mut file = read(name);
        let starts = starts(&file, file.len() - trailer_of(name));
        for at in 0..file.len() - trailer_of(name) {
            let flip = 1 << (at * 5 % 8);
            file[at] ^= flip;
            let found = faults(&file);
            let block = starts[starts.partition_point(|start| *start <= at) - 1] as u64;
            assert_eq!(found.len(), 1, "{name} byte {at}: {found:?}");
            assert_eq!(found[0].offset, block, "{name} byte {at}: {found:?}");
            file[at] ^= flip;
        }
    }
}

/// No checksum covers the trailer: a flip is caught, or changes nothing that the file says of its cells.
#[test]
fn a_flip_of_every_bit_of_a_trailer_is_caught_or_harmless() {
    for name in SMALLEST {
        let clean = read(name);
        let (good, length) = (Trailer::decode(&clean, clean.len() as u64).unwrap(), clean.len() as u64);
        let (mut file, mut uncaught) = (clean.clone(), Vec::new());
        for at in clean.len() - trailer_of(name)..clean.len() {
            for bit in 0..8 {
                file[at] ^= 1 << bit;
                if faults(&file).is_empty() {
                    let trailer = Trailer::decode(&file, length).unwrap();
                    assert_eq!(
                        (trailer.size(), trailer.file_info_offset),
                        (good.size(), good.file_info_offset)
                    );
                    assert_eq!(trailer.load_on_open_offset, good.load_on_open_offset);
                    assert_eq!(trailer.first_data_block_offset, good.first_data_block_offset);
                    assert_eq!(trailer.last_data_block_offset, good.last_data_block_offset);
                    uncaught.push(at);
                }
                file[at] ^= 1 << bit;
            }
        }
        // The last byte of the version, and the magic, are never among them.
        let magic = clean.len() - trailer_of(name);
        assert!(uncaught.iter().all(|at| *at >= magic + 8 && *at < clean.len() - 3), "{name}: {uncaught:?}");
    }
}

#[test]
fn a_truncation_to_any_length_is_caught() {
    for name in SMALLEST {
        let file = read(name);
        for length in 0..file.len() {
            let found = faults(&file[..length]);
            assert!(!found.is_empty(), "{name} cut to {length}");
            assert!(found.iter().all(|fault| !fault.error.is_unsupported()), "{name} {length}");
        }
    }
}

#[test]
fn versions_that_hbase_2_does_not_read_are_named_with_their_age() {
    let old = [(1, "1.0", "HBase up to 0.90"), (2, "2.0", "HBase 0.92 or 0.94")];
    for (major, version, age) in old {
        let file = read(&format!("08-other-kinds-of-file/hfile-{version}"));
        let found = faults(&file);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            found[0].error.kind,
            FormatErrorKind::Unsupported(Unsupported::OldHFile(HFileVersion { major, minor: 0 }))
        );
        let what = &found[0].error.what;
        assert!(
            what.contains(version) && what.contains(age) && what.contains("HBase 2 does not read it"),
            "{what}"
        );
    }
}

#[test]
fn a_writer_that_names_blocks_its_own_way_is_no_damage() {
    let file = read("08-other-kinds-of-file/hudi111_NONE_5000.hfile");
    let walked = walk(&file, 1000);
    assert_eq!(walked.conclude(), []);
    let differences = walked.differences();
    assert_eq!(differences.len(), 1);
    assert!(
        differences[0].contains("46 blocks") && differences[0].contains("the first at 4108"),
        "{differences:?}"
    );
    // One block among many that names a wrong one is damage.
    let mut one = read("02-hfile-3.0/hbase14_v3_NONE_NONE");
    assert!(walk(&one, 1000).differences().is_empty());
    let second = starts(&one, one.len() - 4096)[1];
    one[second + 23] ^= 1;
    assert_eq!(faults(&one).len(), 1, "a checksum covers it");
}
