//! `wal cat` against what HBase's own reader gave; `wal verify` and `wal salvage` of real WALs, whole and damaged.

use crate::cells::{hex, unhex};
use crate::support::{files_below, golden_sets, report, repository, shared, text, tidegate, tour};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Entry = Map<String, Value>;

/// What the binary prints of a WAL, a value a line.
fn printed(wal: &Path) -> Vec<Entry> {
    let ran = tidegate(["wal", "cat", text(wal)]).with(0);
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn renamed(entry: &mut Entry, names: &[(&str, &str)]) {
    for (ours, theirs) in names {
        let value = entry.remove(*ours).unwrap_or_else(|| panic!("no {ours}"));
        entry.insert((*theirs).to_owned(), value);
    }
}

/// In the words of the truth, which was written without scopes and cluster ids.
fn as_golden(mut entry: Entry) -> Entry {
    renamed(&mut entry, &[("offset", "pos"), ("sequence", "seq")]);
    entry.retain(|name, _| name != "scopes" && name != "cluster_ids");
    for cell in entry["cells"].as_array_mut().unwrap() {
        let cell = cell.as_object_mut().unwrap();
        let value = unhex(cell["value"].as_str().unwrap());
        if value.len() > 1024 {
            cell.remove("value");
            cell.insert("vlen".into(), json!(value.len()));
            cell.insert("vsha256".into(), json!(hex(&Sha256::digest(&value))));
        }
    }
    entry
}

/// What HBase's reader gave, by file.
fn truth(set: &Path) -> BTreeMap<String, Vec<Entry>> {
    let (mut files, mut entries) = (BTreeMap::new(), Vec::new());
    for line in fs::read_to_string(set.join("truth/wal.jsonl")).unwrap().lines() {
        let line: Entry = serde_json::from_str(line).unwrap();
        if line.contains_key("end") {
            files.insert(line["file"].as_str().unwrap().to_owned(), std::mem::take(&mut entries));
        } else if !line.contains_key("file") {
            entries.push(line);
        }
    }
    files
}

/// The WALs of a root that have a truth: not meta's, not the master's own.
fn wals_of(root: &Path) -> Vec<PathBuf> {
    let dirs = ["WALs", "oldWALs"].map(|dir| files_below(&root.join(dir)));
    let answer = |path: &PathBuf| !text(path).ends_with(".meta") && !text(path).ends_with("$masterlocalwal$");
    dirs.concat().into_iter().filter(answer).collect()
}

/// Number of WALs and entries.
fn same_as_hbase(set: &Path) -> (usize, usize) {
    let root = set.join("root");
    let (truth, wals) = (truth(set), wals_of(&root));
    let mut entries = 0;
    for wal in &wals {
        let file = text(wal.strip_prefix(&root).unwrap());
        let expected = truth.get(file).unwrap_or_else(|| panic!("{file}: no truth"));
        let ours: Vec<Entry> = printed(wal).into_iter().map(as_golden).collect();
        for (ours, expected) in ours.iter().zip(expected) {
            assert_eq!(ours, expected, "{file}");
        }
        assert_eq!(ours.len(), expected.len(), "{file}: number of entries");
        entries += ours.len();
    }
    // Recovered edits come and go; those that are listed are read where they are still there.
    for (file, expected) in &truth {
        let path = root.join(file);
        if !wals.contains(&path) {
            let ours: Vec<Entry> = printed(&path).into_iter().map(as_golden).collect();
            assert_eq!(&ours, expected, "{file}");
            entries += ours.len();
        }
    }
    (truth.len(), entries)
}

#[test]
fn every_wal_of_the_tour_is_printed_as_hbase_reads_it() {
    assert_eq!(same_as_hbase(&repository().join("fixtures/data/tour")), (10, 457));
}

/// The comparison is no formality: another byte in a value is another entry.
#[test]
fn another_byte_is_another_entry() {
    let dir = tempfile::tempdir().unwrap();
    let changed = dir.path().join("wal");
    let mut bytes = fs::read(closed_wal()).unwrap();
    replace(&mut bytes, b"lock keel", b"lock KEEL");
    fs::write(&changed, bytes).unwrap();
    let truth = truth(&repository().join("fixtures/data/tour"));
    let expected = truth.iter().find(|(file, _)| closed_wal().ends_with(file)).unwrap().1;
    let ours: Vec<Entry> = printed(&changed).into_iter().map(as_golden).collect();
    assert_eq!(ours.iter().zip(expected).filter(|(ours, theirs)| ours != theirs).count(), 1);
}

#[test]
fn every_golden_wal_is_printed_as_hbase_reads_it() {
    let sets = golden_sets("every_golden_wal_is_printed_as_hbase_reads_it");
    let counts: Vec<_> = sets.iter().map(|set| same_as_hbase(set)).collect();
    let (wals, entries) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    eprintln!("{wals} WALs, {entries} entries");
    assert!(sets.is_empty() || (wals > 100 && entries > 15_000), "{wals} {entries}");
}

/// One of our entries in the words of the samples, which have raw families and types, and all fields always.
fn as_sample(mut entry: Entry) -> Entry {
    renamed(&mut entry, &[("offset", "start"), ("next", "end"), ("sequence", "seq")]);
    for (field, unsaid) in [("nonce_group", json!(0)), ("nonce", json!(0)), ("cluster_ids", json!([]))] {
        entry.entry(field).or_insert(unsaid);
    }
    let scopes = entry.remove("scopes").unwrap_or_else(|| json!({}));
    let scopes = scopes.as_object().unwrap().iter();
    let scopes: Entry = scopes.map(|(family, scope)| (hex(family.as_bytes()), scope.clone())).collect();
    entry.insert("scopes".into(), Value::Object(scopes));
    for cell in entry["cells"].as_array_mut().unwrap() {
        let cell = cell.as_object_mut().unwrap();
        let family = hex(cell["family"].as_str().unwrap().as_bytes());
        let code = match cell["type"].as_str().unwrap() {
            "Put" => 4,
            "Delete" => 8,
            "DeleteFamilyVersion" => 10,
            "DeleteColumn" => 12,
            "DeleteFamily" => 14,
            other => panic!("{other}"),
        };
        cell.insert("family".into(), family.into());
        cell.insert("type".into(), code.into());
        cell.entry("tags").or_insert_with(|| "".into());
        cell.remove("marker");
    }
    entry
}

#[test]
fn every_sample_wal_is_printed_as_hbase_reads_it() {
    let Some(samples) = shared("samples/wal", "every_sample_wal_is_printed_as_hbase_reads_it") else {
        return;
    };
    let (mut wals, mut entries) = (0, 0);
    for expected in files_below(&samples).iter().filter(|path| text(path).ends_with(".expected.jsonl")) {
        let name = text(expected).strip_suffix(".expected.jsonl").unwrap();
        if name.contains("wal-secure") {
            continue; // These need a key.
        }
        let wal = match name.ends_with("recovered-edits") {
            true => samples.join("recovered.edits/0000000000000000025"),
            false => PathBuf::from(format!("{name}.wal")),
        };
        let lines = fs::read_to_string(expected).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str::<Entry>(line).unwrap());
        let expected = lines.filter(|line| line.contains_key("seq")).map(|mut line| {
            line.remove("entry");
            for cell in line["cells"].as_array_mut().unwrap() {
                cell.as_object_mut().unwrap().remove("seqid");
            }
            line
        });
        let ours: Vec<Entry> = printed(&wal).into_iter().map(as_sample).collect();
        assert_eq!(ours, expected.collect::<Vec<_>>(), "{}", wal.display());
        (wals, entries) = (wals + 1, entries + ours.len());
    }
    eprintln!("{wals} WALs, {entries} entries");
    assert!(wals >= 18, "{wals}");
}

/// A WAL whose cells are in clear text, closed, of 132 entries.
pub fn closed_wal() -> PathBuf {
    let server = "WALs/localhost,33359,1795232934405";
    tour().join(server).join("localhost%2C33359%2C1795232934405.1795232936851")
}

#[test]
fn info_says_what_is_in_a_wal() {
    let wal = closed_wal();
    let (code, answer) = report(&["wal", "info", text(&wal)]);
    let of = &answer["files"][0];
    assert_eq!((code, &of["end"], &of["entries"]), (0, &"closed".into(), &132.into()), "{answer}");
    assert_eq!(of["server"], "localhost,33359,1795232934405");
    assert_eq!((&of["created_ms"], &of["layout"]), (&1_795_232_936_851_i64.into(), &"plain".into()));
    let regions = of["regions"].as_array().unwrap();
    let orders = regions.iter().filter(|region| region["table"] == "shop:orders").count();
    assert_eq!(orders, 2, "{answer}");
    let said = tidegate(["wal", "info", text(&wal)]).with(0).out;
    assert!(said.contains("closed (last whole entry ends at 31652)") && said.contains("132"), "{said}");
}

#[test]
fn what_cat_is_asked_for_is_what_it_prints() {
    let wal = closed_wal();
    let all = printed(&wal);
    let asked = |option: &str, value: &str| {
        let ran = tidegate(["wal", "cat", text(&wal), option, value]).with(0);
        ran.out.lines().map(|line| serde_json::from_str::<Entry>(line).unwrap()).collect::<Vec<_>>()
    };
    let like = |is: &dyn Fn(&Entry) -> bool| {
        let found: Vec<Entry> = all.iter().filter(|entry| is(entry)).cloned().collect();
        assert!(!found.is_empty() && found.len() < all.len());
        found
    };
    let has = |entry: &Entry, field: &str, value: &str| {
        entry["cells"].as_array().unwrap().iter().any(|cell| cell[field] == value)
    };
    let customers = "827de14d5e4ea0e6c72d82bc2b328a57";
    assert_eq!(asked("--table", "shop:orders"), like(&|entry| entry["table"] == "shop:orders"));
    assert_eq!(asked("--region", customers), like(&|entry| entry["region"] == customers));
    assert_eq!(asked("--row", "c001"), like(&|entry| has(entry, "row", "63303031")));
    assert_eq!(asked("--family", "p"), like(&|entry| has(entry, "family", "p")));
    let between = |entry: &Entry| (5..=7).contains(&entry["sequence"].as_u64().unwrap());
    assert_eq!(asked("--sequence", "5..7"), like(&between));
    assert_eq!(asked("--limit", "3"), all[..3]);
    assert_eq!(asked("--table", "no:such"), []);
}

#[test]
fn what_salvage_writes_is_a_wal_with_all_that_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (damaged, salvaged) = (dir.path().join("damaged"), dir.path().join("salvaged"));
    let wal = closed_wal();
    let all = printed(&wal);
    let mut bytes = fs::read(&wal).unwrap();
    // The sixth entry is zeroed.
    let (from, to) = (all[5]["offset"].as_u64().unwrap(), all[5]["next"].as_u64().unwrap());
    bytes[from as usize..to as usize].fill(0);
    fs::write(&damaged, bytes).unwrap();
    let arguments = ["wal", "salvage", text(&damaged), "--to", text(&salvaged)];
    let (code, answer) = report(&arguments);
    assert_eq!(
        (code, &answer["entries"], &answer["lost_bytes"]),
        (3, &131.into(), &(to - from).into()),
        "{answer}"
    );
    assert_eq!(answer["problems"][0]["offset"], from, "{answer}");
    let without_places = |entries: Vec<Entry>| {
        let pruned = entries.into_iter().map(|mut entry| {
            entry.retain(|name, _| name != "offset" && name != "next");
            entry
        });
        pruned.collect::<Vec<_>>()
    };
    let mut expected = all;
    expected.remove(5);
    assert_eq!(without_places(printed(&salvaged)), without_places(expected));
    let (_, whole) = report(&["wal", "verify", text(&salvaged)]);
    assert_eq!((&whole["entries"], &whole["problem_count"]), (&131.into(), &0.into()), "{whole}");
    let again = tidegate(arguments).with(4);
    assert!(again.err.contains("of this name already"), "{}", again.err);
}

#[test]
fn a_salvage_that_comes_to_nothing_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let (none, salvaged) = (dir.path().join("notes"), dir.path().join("salvaged"));
    fs::write(&none, "no WAL at all").unwrap();
    tidegate(["wal", "salvage", text(&none), "--to", text(&salvaged)]).with(1);
    assert!(!salvaged.exists());
}

/// What a case does to the bytes, and what `verify` says of it.
struct Harm {
    name: &'static str,
    harm: fn(&mut Vec<u8>),
    code: i32,
    says: &'static [&'static str],
}

/// Where the fifth entry begins.
pub const FIFTH: usize = 688;

pub fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let at = bytes.windows(old.len()).position(|window| window == old).expect("what is to be replaced");
    bytes[at..at + new.len()].copy_from_slice(new);
}

const HARMS: &[Harm] = &[
    Harm { name: "nothing", harm: |_| (), code: 0, says: &["closed   1"] },
    Harm { name: "still open", harm: |bytes| bytes.truncate(31_652), code: 0, says: &["closed   0"] },
    Harm { name: "empty", harm: Vec::clear, code: 0, says: &["entries  0"] },
    Harm {
        name: "cut within an entry",
        harm: |bytes| bytes.truncate(FIFTH + 100),
        code: 3,
        says: &["at offset 688", "ends within an entry", "hint:"],
    },
    Harm {
        name: "cut within the header",
        harm: |bytes| bytes.truncate(20),
        code: 3,
        says: &["at offset 20", "within its header"],
    },
    Harm {
        name: "cut within the trailer",
        harm: |bytes| bytes.truncate(31_655),
        code: 3,
        says: &["at offset 31652", "within its trailer"],
    },
    Harm {
        name: "garbage after the trailer",
        harm: |bytes| bytes.extend(b"garbage of some length"),
        code: 3,
        says: &["at offset 31660", "after the trailer", "hint:"],
    },
    Harm {
        name: "zeroes from an entry on",
        harm: |bytes| bytes[FIFTH..].fill(0),
        code: 3,
        says: &["at offset 688", "hint:", "wal salvage"],
    },
    Harm {
        name: "a key of 2 GiB",
        harm: |bytes| bytes[FIFTH..FIFTH + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x07]),
        code: 3,
        says: &["at offset 688", "at least 2147483652 bytes", "hint:"],
    },
    Harm {
        name: "another magic",
        harm: |bytes| bytes[..4].copy_from_slice(b"XXXX"),
        code: 3,
        says: &["at offset 0"],
    },
    Harm {
        name: "an unknown codec",
        harm: |bytes| replace(bytes, b"WALCellCodec", b"MyOwnsCodecX"),
        code: 3,
        says: &["MyOwnsCodecX", "hint:"],
    },
    Harm {
        name: "a region name that is none",
        harm: |bytes| bytes[FIFTH + 3] = 0xff,
        code: 3,
        says: &["at offset 688", "is not an encoded region name", "hint:"],
    },
];

/// Whatever else is wrong, every entry can be had.
const LOSSLESS: [&str; 3] = ["cut within the header", "cut within the trailer", "a region name that is none"];

#[test]
fn damage_is_reported_with_its_place_and_what_is_whole_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let original = fs::read(closed_wal()).unwrap();
    let whole = printed(&closed_wal());
    let mut wrong = Vec::new();
    for case in HARMS {
        let file = dir.path().join("localhost%2C33359%2C1795232934405.1795232936851");
        let mut bytes = original.clone();
        (case.harm)(&mut bytes);
        fs::write(&file, bytes).unwrap();
        let ran = tidegate(["wal", "verify", text(&file)]);
        let said = format!("{}{}", ran.out, ran.err);
        if ran.code != case.code || (ran.code != 0 && !said.contains(text(&file))) {
            wrong.push(format!("{}: {}: {said}", case.name, ran.code));
        }
        let unsaid = case.says.iter().filter(|text| !said.contains(**text));
        wrong.extend(unsaid.map(|text| format!("{}: no {text:?} in {said}", case.name)));
        for command in ["info", "cat", "salvage"] {
            let ran = tidegate(["wal", command, text(&file)]);
            // No entry is lost with these.
            let lossless = command == "salvage" && LOSSLESS.contains(&case.name);
            if ran.code != case.code
                && !(lossless && ran.code == 0)
                && !(command == "salvage" && ran.code == 1)
            {
                wrong.push(format!("{command}: {}: {}: {}", case.name, ran.code, ran.err));
            }
            if command == "cat" {
                let lines = ran.out.lines().map(|line| serde_json::from_str::<Entry>(line).unwrap());
                let unlike = lines.filter(|entry| !whole.contains(entry)).count();
                assert_eq!(unlike, 0, "{}: only what is whole is printed", case.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_wal_that_is_not_there_is_reported_and_the_others_are_read() {
    let wal = closed_wal();
    let ran = tidegate(["wal", "verify", "/nowhere/wal", text(&wal)]).with(3);
    assert!(ran.err.contains("/nowhere") && ran.out.contains("132"), "{}{}", ran.out, ran.err);
    for (option, value) in [("--time", "noon"), ("--sequence", "x..y"), ("--row", "\\x1"), ("--limit", "-1")]
    {
        tidegate(["wal", "cat", text(&wal), option, value]).with(2);
    }
}

/// Without a key nothing of an encrypted WAL's cells is verified, and that is said.
#[test]
fn what_cannot_be_decrypted_is_not_called_verified() {
    let Some(samples) = shared("samples/wal", "what_cannot_be_decrypted_is_not_called_verified") else {
        return;
    };
    let secure = samples.join("wal-secure-notags.wal");
    for command in ["verify", "cat"] {
        let ran = tidegate(["wal", command, text(&secure)]).with(3);
        assert!(ran.err.contains("encrypted") && ran.err.contains(text(&secure)), "{}", ran.err);
    }
    let info = tidegate(["wal", "info", text(&secure)]).with(0);
    assert!(info.out.contains("encrypted"), "{}", info.out);
}
