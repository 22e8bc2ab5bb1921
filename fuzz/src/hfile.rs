use formats::FormatError;
use formats::cell::{CellChecks, JsonForm, decode_key, encode_json};
use formats::compress::{Decompressor, Dictionaries};
use formats::encoding::{BlockDecoder, CellLayout};
use formats::hfile::{
    BLOCK_HEADER_SIZE, Block, BlockHeader, BlockType, BlockWalker, IndexBlock, LoadOnOpen, Trailer,
    encode_checksums,
};

/// No block of the corpus is larger uncompressed.
const LARGEST: usize = 1 << 20;

/// A whole HFile: the chain of blocks, trailer, indexes, file info, every cell; once as it is, once with checksums that
/// agree, since more can go wrong past them than before them.
pub fn hfile(bytes: &[u8]) {
    let mut walker = BlockWalker::from_start(bytes.len() as u64);
    bytes.chunks(1_000).for_each(|piece| walker.feed(piece));
    let _ = walker.finish().conclude();
    let _ = read(bytes);
    let _ = read(&with_checksums(bytes));
}

/// Offset and size of every block, following the headers.
fn chain(bytes: &[u8]) -> Vec<(usize, BlockHeader)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(header) = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK_HEADER_SIZE>()) {
        let Ok(header) = BlockHeader::decode(header) else { break };
        let end = at as u64 + header.on_disk_size();
        if end > bytes.len() as u64 {
            break;
        }
        found.push((at, header));
        at = end as usize;
    }
    found
}

fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut signed = bytes.to_vec();
    for (at, header) in chain(bytes) {
        let end = at + header.on_disk_data_size_with_header as usize;
        let covered = bytes.get(at..end).unwrap_or_default();
        let checksums = encode_checksums(covered, header.checksum_type, header.bytes_per_checksum);
        signed.iter_mut().skip(end).zip(checksums).for_each(|(place, byte)| *place = byte);
    }
    signed
}

fn read(bytes: &[u8]) -> Result<(), FormatError> {
    let mut decompressor = Decompressor::new(Dictionaries::new());
    let trailer = Trailer::decode(bytes, bytes.len() as u64)?;
    let opened = usize::try_from(trailer.load_on_open_offset)
        .ok()
        .and_then(|start| bytes.get(start..bytes.len() - trailer.size()))
        .map(|section| LoadOnOpen::decode(section, &trailer, &mut decompressor, LARGEST));
    // Where the file info is broken the cells are still read, in the plainest layout.
    let layout = match opened {
        Some(Ok(opened)) => opened.file_info.cell_layout()?,
        _ => CellLayout { has_mvcc: true, ..CellLayout::default() },
    };
    let mut decoder = BlockDecoder::new(layout);
    let mut checks = CellChecks::new(trailer.comparator()?.unwrap_or_default());
    for (at, header) in chain(bytes) {
        let whole = bytes.get(at..at + header.on_disk_size() as usize).unwrap_or_default();
        let Ok(block) = Block::decode(whole, trailer.codec, &mut decompressor, LARGEST) else { continue };
        match header.block_type {
            BlockType::LeafIndex | BlockType::IntermediateIndex => {
                let _ = IndexBlock::decode_non_root(&block.payload);
            }
            block_type => {
                let _ = cells(&mut decoder, &block, block_type, &mut checks);
            }
        }
    }
    Ok(())
}

fn cells(
    decoder: &mut BlockDecoder,
    block: &Block,
    block_type: BlockType,
    checks: &mut CellChecks,
) -> Result<(), FormatError> {
    let mut line = Vec::new();
    let mut cells = decoder.cells(&block.payload, block_type)?;
    while cells.advance()? {
        let cell = cells.cell();
        assert_eq!(decode_key(cells.key()).as_ref(), Ok(&cell.key()), "cell and key differ");
        assert!(cells.offset() < block.payload.len());
        line.clear();
        let form = JsonForm { sequence: Some(0), hex_family: true };
        assert_eq!(encode_json(&cell, form, &mut line), Ok(()));
        let _ = checks.add(&cell);
    }
    Ok(())
}
