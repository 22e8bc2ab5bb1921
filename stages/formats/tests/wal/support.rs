//! Reading whole WALs, in windows of any size.

use std::fs;
use std::path::{Path, PathBuf};

use formats::FormatError;
use formats::wal::{Step, WalDecoder, WalDecoderOptions, WalEnd, WalEntry, encode_entry_json};
use serde_json::Value;

/// A file of `tests/data/wal`.
pub fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wal").join(name)).unwrap()
}

pub fn recovered_edits() -> WalDecoderOptions {
    WalDecoderOptions { recovered_edits: true, ..WalDecoderOptions::default() }
}

/// Shows every entry of a file that is given in windows which grow by `chunk` bytes; tells how it ended.
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

/// Shows every entry of a file; tells how it ended.
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

/// JSON Lines of a file.
pub fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The golden sets, or none, visibly.
pub fn golden_sets(test: &str) -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(beside, PathBuf::from);
    let Ok(sets) = fs::read_dir(shared.join("golden")) else {
        eprintln!("SKIPPED: {test}: no golden sets in {}", shared.display());
        return Vec::new();
    };
    let mut sets: Vec<PathBuf> =
        sets.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    sets.sort();
    sets
}
