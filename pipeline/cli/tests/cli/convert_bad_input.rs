//! Bad input of `convert`: a clear error or problem with its place and what to do, the right code, and the other WALs
//! are converted.

use crate::support::{files_below, shared, text, tidegate, tour};
use crate::wals::{FIFTH, replace};
use formats::cell::{CellRef, CellType};
use formats::wal::{WalEncoder, WalHeader, WalKeyFields};
use std::fs;
use std::path::{Path, PathBuf};

struct Case {
    name: &'static str,
    /// What is done to the root.
    harm: fn(&Path),
    /// More arguments.
    more: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
    /// Whether what is readable of the WAL is in the repository, even if that is nothing.
    converted: bool,
}

const SERVER: &str = "localhost,33359,1795232934405";
const WAL: &str = "localhost%2C33359%2C1795232934405.1795232936851";

fn wal(root: &Path) -> PathBuf {
    root.join("WALs").join(SERVER).join(WAL)
}

fn of_wal(root: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(wal(root)).unwrap();
    change(&mut bytes);
    fs::write(wal(root), bytes).unwrap();
}

/// A WAL with dictionaries, of three entries of one region; its last names the region by this index.
fn with_dictionary(index: [u8; 2]) -> Vec<u8> {
    let mut encoder = WalEncoder::new(WalHeader::compressed(false, None), false).unwrap();
    let mut bytes = Vec::new();
    encoder.encode_header(&mut bytes);
    for sequence in 3..6 {
        let key = WalKeyFields {
            region: b"0000000000000000000000000000000a",
            table: b"ns:t",
            sequence,
            write_time: 1_795_214_730_000,
            ..WalKeyFields::default()
        };
        let cell = CellRef {
            row: b"row",
            family: b"f",
            qualifier: b"q",
            timestamp: 1,
            cell_type: CellType::Put,
            value: b"value",
            tags: b"",
            sequence,
        };
        encoder.encode_entry(&key, &[cell], &mut bytes).unwrap();
    }
    encoder.encode_trailer(&mut bytes);
    // Field 1 of the key, two bytes: the region's place in its dictionary.
    let at = bytes.windows(4).rposition(|window| window == [0x0a, 2, 0, 0]).unwrap();
    bytes[at + 2..at + 4].copy_from_slice(&index);
    bytes
}

const CASES: &[Case] = &[
    Case {
        name: "nothing",
        harm: |_| (),
        more: &[],
        code: 0,
        says: &["converted            15"],
        converted: true,
    },
    Case {
        name: "no directory of WALs",
        harm: |root| {
            fs::remove_dir_all(root.join("WALs")).unwrap();
            fs::remove_dir_all(root.join("oldWALs")).unwrap();
        },
        more: &[],
        code: 1,
        says: &["there is neither `WALs` nor `oldWALs`", "root", "hint:", "--wal-root"],
        converted: false,
    },
    Case {
        name: "no root",
        harm: |root| fs::remove_dir_all(root).unwrap(),
        more: &[],
        code: 1,
        says: &["does not exist", "root", "hint:", "hbase.rootdir"],
        converted: false,
    },
    Case {
        name: "a root of the WALs that is not there",
        harm: |_| (),
        more: &["--wal-root", "/nowhere"],
        code: 1,
        says: &["/nowhere", "does not exist", "hint:"],
        converted: false,
    },
    Case {
        name: "a WAL that is being written",
        harm: |root| of_wal(root, |bytes| bytes.truncate(31_652)),
        more: &[],
        code: 0,
        says: &["of those still open  3", "of those empty"],
        converted: true,
    },
    Case {
        name: "a WAL that has just been opened",
        harm: |root| of_wal(root, Vec::clear),
        more: &[],
        code: 0,
        says: &["converted            15"],
        converted: true,
    },
    Case {
        name: "a WAL that ends within an entry",
        harm: |root| of_wal(root, |bytes| bytes.truncate(FIFTH + 100)),
        more: &[],
        code: 3,
        says: &[WAL, "at offset 688", "ends within an entry", "hint:"],
        converted: true,
    },
    Case {
        name: "garbage after the trailer",
        harm: |root| of_wal(root, |bytes| bytes.extend(b"garbage of some length")),
        more: &[],
        code: 3,
        says: &[WAL, "after the trailer", "at offset 31660", "hint:"],
        converted: true,
    },
    Case {
        name: "zeroes from an entry on",
        harm: |root| of_wal(root, |bytes| bytes[FIFTH..].fill(0)),
        more: &[],
        code: 3,
        says: &[WAL, "at offset 688", "hint:", "wal salvage"],
        converted: true,
    },
    Case {
        name: "flipped bits of a key's length",
        harm: |root| of_wal(root, |bytes| bytes[FIFTH] ^= 0x55),
        more: &[],
        code: 3,
        says: &[WAL, "at offset 688", "hint:"],
        converted: true,
    },
    Case {
        name: "flipped bits of a region's name",
        harm: |root| of_wal(root, |bytes| bytes[FIFTH + 3] ^= 0x80),
        more: &[],
        code: 3,
        says: &[WAL, "at offset 688", "is not an encoded region name", "hint:"],
        converted: true,
    },
    Case {
        name: "an entry of 2 GiB",
        harm: |root| {
            of_wal(root, |bytes| bytes[FIFTH..FIFTH + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x07]));
        },
        more: &[],
        code: 3,
        says: &[WAL, "at offset 688", "21474836", "hint:"],
        converted: false,
    },
    Case {
        name: "an unknown codec",
        harm: |root| of_wal(root, |bytes| replace(bytes, b"WALCellCodec", b"MyOwnsCodecX")),
        more: &[],
        code: 3,
        says: &[WAL, "MyOwnsCodecX", "hint:"],
        converted: false,
    },
    Case {
        name: "no WAL at all",
        harm: |root| of_wal(root, |bytes| bytes[..4].copy_from_slice(b"text")),
        more: &[],
        code: 3,
        says: &[WAL, "at offset 0", "hint:"],
        converted: true,
    },
    Case {
        name: "an index that is in its dictionary",
        harm: |root| fs::write(wal(root), with_dictionary([0, 0])).unwrap(),
        more: &[],
        code: 0,
        says: &["ns:t                     3"],
        converted: true,
    },
    Case {
        name: "an index that is out of its dictionary",
        harm: |root| fs::write(wal(root), with_dictionary([0x7f, 0xf0])).unwrap(),
        more: &[],
        code: 3,
        says: &[WAL, "at offset ", "entry of the dictionary", "hint:", "ns:t                     2"],
        converted: true,
    },
    Case {
        name: "two WALs that give one id to different cells",
        harm: |root| {
            let mut bytes = fs::read(wal(root)).unwrap();
            replace(&mut bytes, b"lock keel", b"lock KEEL");
            fs::write(root.join("oldWALs/localhost%2C33359%2C1795232934405.1795232936999"), bytes).unwrap();
        },
        more: &[],
        code: 3,
        says: &[
            "id 5 with other cells than",
            WAL,
            "1795232936999",
            "region 827de14d5e4ea0e6c72d82bc2b328a57",
            "hint:",
        ],
        converted: true,
    },
    Case {
        name: "a WAL twice, the same cells",
        harm: |root| {
            let copy = root.join("oldWALs/localhost%2C33359%2C1795232934405.1795232936999");
            assert!(fs::copy(wal(root), copy).is_ok());
        },
        more: &[],
        code: 0,
        says: &["converted            16"],
        converted: true,
    },
    Case {
        name: "a file that is no WAL",
        harm: |root| fs::write(root.join("WALs").join(SERVER).join("notes.txt"), b"hello").unwrap(),
        more: &[],
        code: 3,
        says: &["notes.txt", "hint:"],
        converted: true,
    },
    Case {
        name: "a directory inside a server's",
        harm: |root| fs::create_dir(root.join("WALs").join(SERVER).join("copy")).unwrap(),
        more: &[],
        code: 3,
        says: &["copy", "is a directory inside a region server's", "it was skipped"],
        converted: true,
    },
    Case {
        name: "a table that is none",
        harm: |_| (),
        more: &["--table", "../x"],
        code: 2,
        says: &["../x"],
        converted: false,
    },
];

/// A copy of what `convert` reads of the tour.
fn root(home: &Path) -> PathBuf {
    let (from, root) = (tour(), home.join("root"));
    for file in files_below(&from) {
        let copy = root.join(file.strip_prefix(&from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&file, copy).unwrap();
    }
    root
}

/// The names of the marker files of WALs that are done, as the WALs are called.
fn done(repository: &Path) -> Vec<String> {
    let files = files_below(&repository.join(".tidegate/batches/_markers")).into_iter();
    let names = files.map(|path| path.file_name().unwrap().to_str().unwrap().replace('~', "%2C"));
    names.filter(|name| name.ends_with(".markers.parquet")).collect()
}

#[test]
fn what_is_wrong_with_a_root_of_wals_is_reported_and_the_rest_is_converted() {
    let mut wrong = Vec::new();
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        let (root, repository) = (root(dir.path()), dir.path().join("repository"));
        (case.harm)(&root);
        let convert = ["convert", "--from", text(&root), "--to", text(&repository)];
        let ran = tidegate(convert.iter().chain(case.more));
        let said = format!("{}{}", ran.out, ran.err);
        if ran.code != case.code {
            wrong.push(format!("{}: ended with {}: {said}", case.name, ran.code));
        }
        let unsaid = case.says.iter().filter(|text| !said.contains(**text));
        wrong.extend(unsaid.map(|text| format!("{}: no {text:?} in {said}", case.name)));
        let done = done(&repository);
        if done.iter().any(|name| name.starts_with(WAL)) != case.converted {
            wrong.push(format!("{}: converted: {}: {done:?}", case.name, !case.converted));
        }
        if matches!(case.code, 0 | 3) && done.len() < 14 {
            wrong.push(format!("{}: only {done:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn encrypted_wals_are_refused_and_nothing_is_written() {
    let Some(samples) = shared("samples/wal", "encrypted_wals_are_refused_and_nothing_is_written") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (root, repository) = (root(dir.path()), dir.path().join("repository"));
    fs::copy(samples.join("wal-secure-notags.wal"), wal(&root)).unwrap();
    let convert = ["convert", "--from", text(&root), "--to", text(&repository)];
    let refused = tidegate(convert).with(4);
    for says in ["encrypted", WAL, "clear text", "hint:", "--allow-clear-text"] {
        assert!(refused.err.contains(says), "no {says:?} in {}", refused.err);
    }
    assert_eq!(files_below(&repository.join(".tidegate/batches")), Vec::<PathBuf>::new());
    let allowed = tidegate(convert.iter().chain(&["--allow-clear-text"])).with(3);
    assert!(allowed.err.contains("encrypted") && allowed.err.contains(WAL), "{}", allowed.err);
    assert_eq!(done(&repository).len(), 14);
}
