//! Reading whole WALs, in windows of any size.

use std::fs;
use std::path::Path;

use formats::FormatError;
use formats::wal::{
    Lost, SalvageStep, Step, WalDecoder, WalDecoderOptions, WalEnd, WalEntry, WalSalvager, encode_entry_json,
};
use serde_json::Value;

/// A file of `tests/data/wal`.
pub fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wal").join(name)).unwrap()
}

pub fn recovered_edits() -> WalDecoderOptions {
    WalDecoderOptions { recovered_edits: true, ..WalDecoderOptions::default() }
}

/// Shows every entry of a file that is given in windows which grow by `chunk` bytes; returns how it ended.
pub fn read_in_chunks(
    bytes: &[u8],
    options: WalDecoderOptions,
    mut chunk: impl FnMut() -> usize,
    mut see: impl FnMut(&WalEntry<'_>),
) -> WalEnd {
    let mut decoder = WalDecoder::new(options);
    let (mut start, mut end) = (0, 0);
    loop {
        let mut window = &bytes[start..end];
        let step = decoder.step(&mut window);
        let more = match &step {
            Ok(Step::Entry(entry)) => {
                see(entry);
                false
            }
            Ok(Step::NeedMore { at_least }) => {
                assert!(*at_least > window.len(), "more of nothing");
                true
            }
            Ok(Step::Header(_) | Step::Trailer) => false,
            Err(_) => return decoder.finish(window),
        };
        start = end - window.len();
        if more && end == bytes.len() {
            return decoder.finish(&bytes[start..]);
        }
        if more {
            end = bytes.len().min(end + chunk().max(1));
        }
    }
}

/// Shows every entry of a file; returns how it ended.
pub fn read(bytes: &[u8], options: WalDecoderOptions, see: impl FnMut(&WalEntry<'_>)) -> WalEnd {
    read_in_chunks(bytes, options, || bytes.len(), see)
}

/// Every entry as its line of JSON, and how the file ended.
pub fn lines(bytes: &[u8], options: WalDecoderOptions) -> (Vec<String>, WalEnd) {
    let mut lines = Vec::new();
    let end = read(bytes, options, |entry| lines.push(line(entry).unwrap()));
    (lines, end)
}

pub fn line(entry: &WalEntry<'_>) -> Result<String, FormatError> {
    let mut out = Vec::new();
    encode_entry_json(entry, true, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// What a salvager makes of a file that is given in windows which grow by `chunk` bytes: the entries' lines (only the
/// place of one with a broken name), what is lost, and the end.
pub fn salvage(
    bytes: &[u8],
    options: WalDecoderOptions,
    mut chunk: impl FnMut() -> usize,
) -> (Vec<String>, Vec<Lost>, WalEnd) {
    let mut salvager = WalSalvager::new(options);
    let (mut lines, mut lost) = (Vec::new(), Vec::new());
    let (mut start, mut end) = (0, 0);
    loop {
        let at_end = end == bytes.len();
        let mut window = &bytes[start..end];
        let step = salvager.step(&mut window, at_end).unwrap();
        let more = matches!(step, SalvageStep::NeedMore { .. });
        match step {
            SalvageStep::Entry(entry) => {
                let place = format!("{{\"offset\":{},\"next\":{}}}", entry.offset, entry.next);
                lines.push(line(&entry).unwrap_or(place));
            }
            SalvageStep::Lost(range) => lost.push(range),
            SalvageStep::End(end) => return (lines, lost, end),
            SalvageStep::NeedMore { at_least } => {
                assert!(at_least > window.len(), "more of nothing");
                assert!(!at_end, "more than there is");
            }
            SalvageStep::Header(_) => {}
        }
        start = end - window.len();
        if more {
            end = bytes.len().min(end + chunk().max(1));
        }
    }
}

/// The codecs, one small sample of each.
pub const ONE_OF_EACH: [&str; 8] = [
    "wal-plain-tags",
    "wal-dict-tags",
    "wal-dict-value-gz",
    "wal-dict-value-snappy",
    "wal-dict-value-lz4",
    "wal-dict-value-zstd",
    "wal-dict-value-lzo",
    "wal-secure-notags",
];

/// Entries as text: the line, or what can be said of an encrypted one.
pub fn texts(bytes: &[u8], options: WalDecoderOptions) -> (Vec<(u64, u64, String)>, WalEnd) {
    texts_in_chunks(bytes, options, || bytes.len())
}

/// As [`texts`], of a file in windows.
pub fn texts_in_chunks(
    bytes: &[u8],
    options: WalDecoderOptions,
    chunk: impl FnMut() -> usize,
) -> (Vec<(u64, u64, String)>, WalEnd) {
    let mut texts = Vec::new();
    let end = read_in_chunks(bytes, options, chunk, |entry| {
        let text = line(entry).unwrap_or_else(|_| format!("{:?}", entry.key));
        texts.push((entry.offset, entry.next, text));
    });
    (texts, end)
}

/// JSON Lines of a file.
pub fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
