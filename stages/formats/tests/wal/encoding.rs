//! What we write is what HBase wrote.

use std::fs;

use formats::compress::Codec;
use formats::wal::{
    ClusterId, ExtendedAttribute, FamilyScope, Step, WalDecoder, WalDecoderOptions, WalEncoder, WalEnd,
    WalHeader, WalKeyFields,
};

use crate::cells::Cell;
use crate::cells::file::golden_sets;
use crate::cells::random::{Random, seeded};
use crate::golden::wals;
use crate::support::{lines, read, recovered_edits, sample};

/// Decodes a file and encodes what was decoded.
fn encoded_again(bytes: &[u8], options: WalDecoderOptions) -> (WalHeader, Vec<u8>) {
    let mut decoder = WalDecoder::new(options);
    let mut window = bytes;
    let mut encoder = None;
    let mut out = Vec::new();
    loop {
        match decoder.step(&mut window).unwrap() {
            Step::Header(header) => {
                let encoder =
                    encoder.insert(WalEncoder::new(header.clone(), options.recovered_edits).unwrap());
                encoder.encode_header(&mut out);
            }
            Step::Entry(entry) => {
                let cells: Vec<_> = entry.cells().unwrap().collect();
                assert_eq!(cells.len(), entry.key.cell_count as usize);
                encoder.as_mut().unwrap().encode_entry(&entry.key.to_fields(), &cells, &mut out).unwrap();
            }
            Step::Trailer => encoder.as_ref().unwrap().encode_trailer(&mut out),
            Step::NeedMore { .. } => return (decoder.header().unwrap().clone(), out),
        }
    }
}

/// The bytes are the same where values are not compressed, and what they say is the same where they are.
fn check(name: &str, bytes: &[u8], options: WalDecoderOptions) {
    let (header, again) = encoded_again(bytes, options);
    if header.value_codec().unwrap().is_none() {
        assert!(again == bytes, "{name}: encoded differently");
        return;
    }
    let without_offsets = |lines: Vec<String>| -> Vec<serde_json::Value> {
        let parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        parsed
            .map(|mut entry: serde_json::Value| {
                (entry["offset"], entry["next"]) = (0.into(), 0.into());
                entry
            })
            .collect()
    };
    let (before, after) = (lines(bytes, options), lines(&again, options));
    assert_eq!(std::mem::discriminant(&before.1), std::mem::discriminant(&after.1), "{name}");
    assert_eq!(without_offsets(before.0), without_offsets(after.0), "{name}");
}

#[test]
fn samples_are_written_byte_for_byte() {
    let plain = ["wal-plain-notags", "wal-plain-tags", "wal-plain-notrailer", "wal-realcluster-2"];
    let dictionary = ["wal-dict-notags", "wal-dict-tags", "wal-dict-tagsnotcompressed"];
    let values = ["gz", "gz-tags", "snappy", "snappy-tags", "lz4", "zstd", "zstd-tags"];
    let values = values.map(|codec| format!("wal-dict-value-{codec}"));
    for name in plain.into_iter().chain(dictionary).map(str::to_owned).chain(values) {
        check(&name, &sample(&format!("{name}.wal")), WalDecoderOptions::default());
    }
    check("recovered.edits", &sample("recovered.edits/0000000000000000025"), recovered_edits());
}

/// WALs of Phoenix 5.2.1: what we write through its codec is what it wrote.
#[test]
fn wals_of_phoenix_are_written_byte_for_byte() {
    for name in ["plain", "comp"] {
        let home = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/data/cases/13-phoenix-wals");
        let bytes = fs::read(format!("{home}/{name}.1700000000000")).unwrap();
        check(name, &bytes, WalDecoderOptions::default());
        // Negative control: another class.
        let mut other = bytes.clone();
        let at = other.windows(7).position(|window| window == b"Indexed").unwrap();
        other[at..at + 7].copy_from_slice(b"Another");
        let end = lines(&other, WalDecoderOptions::default()).1;
        assert!(matches!(end, WalEnd::Unsupported { .. }), "{end:?}");
    }
}

#[test]
fn golden_wals_are_written_byte_for_byte() {
    for set in golden_sets("golden_wals_are_written_byte_for_byte") {
        let mut paths = Vec::new();
        wals(&set.join("root"), &mut paths);
        for path in paths {
            let edits = path.iter().any(|component| component == "recovered.edits");
            let options = if edits { recovered_edits() } else { WalDecoderOptions::default() };
            check(&path.display().to_string(), &fs::read(&path).unwrap(), options);
        }
    }
}

/// An entry that owns its bytes.
struct Entry {
    region: Vec<u8>,
    table: Vec<u8>,
    families: Vec<Vec<u8>>,
    numbers: [u64; 6],
    cells: Vec<Cell>,
}

impl Entry {
    fn random(random: &mut Random) -> Self {
        let mut cells = if random.one_in(9) { Vec::new() } else { random.cells(6, true) };
        let sequence = random.next() >> 1 >> random.below(63);
        let family = [b"f".to_vec(), random.bytes(100), vec![b'g'; 127]][random.below(3)].clone();
        for cell in &mut cells {
            cell.sequence = sequence;
            cell.family = if family.is_empty() { b"h".to_vec() } else { family.clone() };
        }
        Self {
            region: format!("{:032x}", random.below(40)).into_bytes(),
            table: format!("t{}", random.below(3)).into_bytes(),
            families: (0..random.below(3)).map(|_| random.bytes(100)).collect(),
            numbers: [sequence, random.next(), random.next(), random.next(), 0, random.next()]
                .map(|number| if random.one_in(3) { 0 } else { number }),
            cells,
        }
    }

    fn fields(&self) -> WalKeyFields<'_> {
        let [sequence, write_time, nonce_group, nonce, orig_sequence, id] = self.numbers;
        let sequence = self.cells.first().map_or(sequence, |cell| cell.sequence);
        WalKeyFields {
            region: &self.region,
            table: &self.table,
            sequence,
            write_time: write_time as i64,
            nonce_group: nonce_group as i64,
            nonce: nonce as i64,
            orig_sequence,
            scopes: self.families.iter().map(|family| FamilyScope { family, scope: id as u32 % 3 }).collect(),
            cluster_ids: (0..id % 3)
                .map(|n| ClusterId { most_significant: id, least_significant: n })
                .collect(),
            extended_attributes: self
                .families
                .iter()
                .map(|value| ExtendedAttribute { key: "some-key", value })
                .collect(),
        }
    }
}

#[test]
fn what_is_written_is_read() {
    let codecs = [Codec::None, Codec::Gz, Codec::Snappy, Codec::Lz4, Codec::Zstd].map(Some);
    seeded(|random| {
        for round in 0..60 {
            let values = if random.one_in(2) { None } else { codecs[random.below(codecs.len())] };
            let header = match round % 3 {
                0 => WalHeader::plain(),
                _ => WalHeader::compressed(random.one_in(2), values),
            };
            let header = if random.one_in(3) { header.indexed() } else { header };
            let recovered_edits = random.one_in(2);
            let entries: Vec<Entry> = (0..1 + random.below(150)).map(|_| Entry::random(random)).collect();
            let mut encoder = WalEncoder::new(header, recovered_edits).unwrap();
            let mut bytes = Vec::new();
            encoder.encode_header(&mut bytes);
            for entry in &entries {
                let cells: Vec<_> = entry.cells.iter().map(Cell::by_ref).collect();
                encoder.encode_entry(&entry.fields(), &cells, &mut bytes).unwrap();
            }
            encoder.encode_trailer(&mut bytes);
            let options = WalDecoderOptions { recovered_edits, ..WalDecoderOptions::default() };
            let mut left = entries.iter();
            let end = read(&bytes, options, |entry| {
                let written = left.next().unwrap();
                assert_eq!(entry.key.to_fields(), written.fields());
                let cells: Vec<Cell> = entry.cells().unwrap().map(|cell| Cell::of(&cell)).collect();
                assert_eq!(cells, written.cells);
            });
            assert!(left.next().is_none() && matches!(end, WalEnd::Closed { .. }), "{end:?}");
        }
    });
}

#[test]
fn recovered_edits_read_with_the_large_dictionaries_are_wrong() {
    let mut encoder = WalEncoder::new(WalHeader::compressed(false, None), true).unwrap();
    let mut bytes = Vec::new();
    encoder.encode_header(&mut bytes);
    for region in [b"aaaa", b"bbbb", b"bbbb"] {
        let fields = WalKeyFields { region, table: b"t", ..WalKeyFields::default() };
        encoder.encode_entry(&fields, &[], &mut bytes).unwrap();
    }
    let regions = |options| {
        let mut regions = Vec::new();
        read(&bytes, options, |entry| regions.push(entry.key.region.to_vec()));
        regions
    };
    assert_eq!(regions(recovered_edits()), [b"aaaa", b"bbbb", b"bbbb"]);
    assert_eq!(regions(WalDecoderOptions::default()), [b"aaaa", b"bbbb", b"aaaa"]);
}
