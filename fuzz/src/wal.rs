//! Whole WALs, with every codec, and their names.

use formats::wal::{
    SalvageStep, Step, WalDecoder, WalDecoderOptions, WalEncoder, WalEnd, WalEntry, WalSalvager,
    encode_entry_json,
};
use names::{RecoveredEditsName, ServerName, WalName};

/// What was decoded: where each entry starts and ends, and its JSON (empty where it has none).
type Entries = Vec<(u64, u64, Vec<u8>)>;

/// A WAL: read at once and in pieces, salvaged, and written again.
pub fn wal(bytes: &[u8]) {
    for recovered_edits in [false, true] {
        let options = WalDecoderOptions { recovered_edits, ..WalDecoderOptions::default() };
        let (entries, end) = read(bytes, options, bytes.len());
        let pieces = read(bytes, options, 97);
        assert_eq!((&entries, &end), (&pieces.0, &pieces.1), "another reading in pieces");
        assert!(entries.is_sorted_by(|left, right| left.1 <= right.0));
        assert!(entries.last().is_none_or(|last| last.1 == end.offset()));
        if let WalEnd::Closed { offset } = end {
            assert_eq!(offset + 8, bytes.len() as u64);
        }
        salvage(bytes, options, &entries, &end);
        write_again(bytes, options, &entries);
    }
}

fn json(entry: &WalEntry<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    match encode_entry_json(entry, true, &mut line) {
        Ok(()) => line,
        Err(_) => Vec::new(),
    }
}

fn read(bytes: &[u8], options: WalDecoderOptions, chunk: usize) -> (Entries, WalEnd) {
    let mut decoder = WalDecoder::new(options);
    let mut entries = Vec::new();
    let (mut start, mut end) = (0, 0);
    loop {
        let mut window = bytes.get(start..end).unwrap_or_default();
        let more = match decoder.step(&mut window) {
            Ok(Step::Entry(entry)) => {
                let count = entry.cells().map_or(0, Iterator::count);
                assert!(count == entry.key.cell_count as usize || entry.cells().is_err());
                entries.push((entry.offset, entry.next, json(&entry)));
                false
            }
            Ok(Step::NeedMore { .. }) => true,
            Ok(Step::Header(_) | Step::Trailer) => false,
            Err(_) => return (entries, decoder.finish(window)),
        };
        start = end - window.len();
        if more && end == bytes.len() {
            return (entries, decoder.finish(bytes.get(start..).unwrap_or_default()));
        }
        if more {
            end = bytes.len().min(end + chunk.max(1));
        }
    }
}

/// What is salvaged and what is lost tile the file.
fn salvage(bytes: &[u8], options: WalDecoderOptions, entries: &Entries, end: &WalEnd) {
    let mut salvager = WalSalvager::new(options);
    let mut window = bytes;
    let (mut position, mut given, mut lost) = (None, 0, false);
    loop {
        let step = salvager.step(&mut window, true);
        assert!(!matches!(step, Ok(SalvageStep::NeedMore { .. })), "asks for more than there is");
        match step {
            Ok(SalvageStep::Header(_)) => position = Some((bytes.len() - window.len()) as u64),
            Ok(SalvageStep::Entry(entry)) => {
                assert_eq!(position.replace(entry.next), Some(entry.offset));
                given += 1;
            }
            Ok(SalvageStep::Lost(range)) => {
                assert_eq!(position.replace(range.end), Some(range.offset));
                assert!(range.end > range.offset && range.entries_at_most > 0);
                lost = true;
            }
            Ok(SalvageStep::End(salvaged)) => {
                // The last entry may have been dropped because its count is wrong; then something is lost.
                assert!(lost || (given == entries.len() && salvaged == *end));
                assert!(position.is_none_or(|position| position + 8 >= bytes.len() as u64));
                return;
            }
            Ok(SalvageStep::NeedMore { .. }) | Err(_) => return,
        }
    }
}

/// What was read, written again, is read as the same.
fn write_again(bytes: &[u8], options: WalDecoderOptions, entries: &Entries) {
    let mut decoder = WalDecoder::new(options);
    let (mut window, mut encoder, mut out) = (bytes, None, Vec::new());
    loop {
        match decoder.step(&mut window) {
            Ok(Step::Header(header)) => {
                let Ok(new) = WalEncoder::new(header.clone(), options.recovered_edits) else { return };
                encoder.insert(new).encode_header(&mut out);
            }
            Ok(Step::Entry(entry)) => {
                let Ok(cells) = entry.cells() else { return };
                let cells: Vec<_> = cells.collect();
                let Some(encoder) = &mut encoder else { return };
                // Tags that are none cannot be compressed, and LZO is not written.
                if encoder.encode_entry(&entry.key.to_fields(), &cells, &mut out).is_err() {
                    return;
                }
            }
            Ok(Step::Trailer) => {}
            Ok(Step::NeedMore { .. }) | Err(_) => break,
        }
    }
    if encoder.is_some() {
        let again = read(&out, options, out.len());
        assert_eq!(again.0.len(), entries.len());
        let cells = |line: &[u8]| {
            line.windows(9).position(|at| at == b",\"region\"").map(|at| line.split_at(at).1.to_vec())
        };
        for (written, read) in entries.iter().zip(&again.0) {
            assert_eq!(cells(&written.2), cells(&read.2));
        }
    }
}

/// Names of WAL files, of servers' directories and of recovered edits.
pub fn walname(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = WalName::parse(text) {
        crate::assert_harmless(name.as_str());
        assert!(name.as_str().starts_with(name.group()));
        assert_eq!(WalName::parse(name.as_str()).as_ref(), Ok(&name));
    }
    if let Ok(server) = ServerName::parse(text) {
        assert_eq!(ServerName::parse(&server.to_string()), Ok(server));
    }
    let _ = RecoveredEditsName::parse(text);
}
