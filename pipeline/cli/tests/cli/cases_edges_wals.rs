//! Cases: WALs with names that HBase did not give them, of tables that are encrypted, and of Phoenix.

use crate::cases_edges::{case, contents, convert, copy_of, export};
use crate::support::{files_below, report, repository, text, tidegate, tour};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Renames every WAL of a root.
fn rename_wals(root: &Path, name: impl Fn(&str) -> String) {
    for top in ["WALs", "oldWALs"] {
        for wal in files_below(&root.join(top)) {
            fs::rename(&wal, wal.with_file_name(name(wal.file_name().unwrap().to_str().unwrap()))).unwrap();
        }
    }
}

#[test]
fn case_07_decoded_wal_names() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (root, proper, decoded) = (at("root"), at("proper"), at("decoded"));
    copy_of(&tour(), &root);
    for repository in [&proper, &decoded] {
        tidegate(export(&tour(), "customers-before", repository)).with(0);
        tidegate(export(&tour(), "orders-before", repository)).with(0);
    }
    tidegate(convert(&tour(), &proper)).with(0);
    rename_wals(&root, |name| name.replace("%2C", ","));
    let (code, said) = report(&convert(&root, &decoded));
    assert_eq!(
        (code, &said["wals"]["found"], &said["wals"]["renamed"]),
        (0, &15.into(), &Value::from(15)),
        "{said}"
    );
    let batches = |repository: &Path| contents(&repository.join(".tidegate/batches"));
    assert!(batches(&proper) == batches(&decoded), "the same names, the same bytes");
    for until in ["end", "time:1795232950000", "marker:FILE"] {
        let marker = format!("marker:{}", text(&repository().join("fixtures/data/tour/markers/m1.json")));
        let until = if until == "marker:FILE" { marker.as_str() } else { until };
        let cut = |repository: &Path| {
            let bases = ["--snapshot", "orders-before", "--snapshot", "customers-before", "--until", until];
            let cut: Vec<&str> = ["cut", "--from", text(repository)].into_iter().chain(bases).collect();
            let (code, mut said) = report(&cut);
            // When the two runs read the WALs.
            said["frontier"]["time_ms"].take();
            for group in said["frontier"]["groups"].as_array_mut().into_iter().flatten() {
                group["until_ms"].take();
            }
            (code, said.to_string().replace(text(repository), "R"))
        };
        assert_eq!(cut(&proper), cut(&decoded), "{until}");
    }
    // The root itself has nothing that is not in the repository then.
    let (_, said) = report(&convert(&tour(), &decoded));
    assert_eq!(
        (&said["wals"]["already"], &said["wals"]["converted"]),
        (&15.into(), &Value::from(0)),
        "{said}"
    );
    let ran =
        tidegate(["wal", "info", text(&root.join("oldWALs/localhost,34621,1795232934330.1795232944665"))])
            .with(0);
    assert!(ran.out.contains("localhost,34621,1795232934330"), "{}", ran.out);
}

/// Names without a server or a time, and those of synchronous replication: all are read and reported.
#[test]
fn case_07_other_names_of_wals() {
    let dir = tempfile::tempdir().unwrap();
    let (root, proper) = (dir.path().join("root"), dir.path().join("proper"));
    copy_of(&tour(), &root);
    tidegate(export(&tour(), "orders-before", &proper)).with(0);
    let (_, all) = report(&convert(&tour(), &proper));
    let rename = |from: &str, to: &str| fs::rename(root.join(from), root.join(to)).unwrap();
    let live = "WALs/localhost,33359,1795232934405";
    let of_server = "localhost%2C33359%2C1795232934405";
    rename(&format!("{live}/{of_server}.1795232936851"), &format!("{live}/wal.1795232936851"));
    rename(&format!("oldWALs/{of_server}.1795232944325"), "oldWALs/wal.1795232944325");
    rename(&format!("oldWALs/{of_server}.1795232944631"), &format!("oldWALs/{of_server}"));
    rename(
        &format!("oldWALs/{of_server}.1795232954724"),
        &format!("oldWALs/{of_server}-peer_1.1795232954724.syncrep"),
    );
    // Another WAL has the name that this should have.
    let twice = root.join(format!("{live}/copy.1795232964240"));
    fs::copy(root.join(format!("{live}/{of_server}.1795232964240")), twice).unwrap();
    fs::write(root.join(format!("{live}/empty")), b"").unwrap();
    let repository = dir.path().join("repository");
    tidegate(export(&tour(), "orders-before", &repository)).with(0);
    let (code, said) = report(&convert(&root, &repository));
    let wals = &said["wals"];
    assert_eq!(
        (code, &said["problem_count"], &wals["found"]),
        (0, &Value::from(0), &Value::from(16)),
        "{said}"
    );
    assert_eq!(
        (&wals["renamed"], &wals["unordered"], &wals["converted"]),
        (&1.into(), &3.into(), &Value::from(16)),
        "{said}"
    );
    // The copy was counted twice, and is in the cut once.
    for table in ["shop:orders", "default:customers"] {
        assert!(
            said["tables"][table]["entries"].as_u64() >= all["tables"][table]["entries"].as_u64(),
            "{said}"
        );
    }
    let cells = |repository: &Path| {
        let jsonl = repository.with_extension("jsonl");
        let _ = fs::remove_file(&jsonl);
        let to = format!("jsonl:{}", text(&jsonl));
        let replay = [
            "replay",
            "--from",
            text(repository),
            "--snapshot",
            "orders-before",
            "--until",
            "end",
            "--to",
            &to,
        ];
        let ran = tidegate(replay);
        assert!(matches!(ran.code, 0 | 3), "{}", ran.err);
        let mut lines: Vec<String> = fs::read_to_string(&jsonl).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert!(cells(&proper) == cells(&repository));
    let ran = tidegate(convert(&root, &repository)).with(0);
    assert!(ran.out.contains("under other names") && ran.out.contains("of unknown order"), "{}", ran.out);
    // What is no WAL is reported, without a word on what HBase does.
    fs::write(root.join("oldWALs/notes.txt"), b"hello, this is no WAL").unwrap();
    let ran = tidegate(convert(&root, &repository)).with(3);
    assert!(ran.err.contains("notes.txt") && ran.err.contains("does not begin like one"), "{}", ran.err);
    assert!(!ran.err.contains("HBase"), "{}", ran.err);
}

#[test]
fn case_11_convert_of_an_encrypted_family_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (root, repository) = (dir.path().join("root"), dir.path().join("repository"));
    copy_of(&case("11-encrypted-family/root"), &root);
    let refused = |root: &Path| {
        let ran = tidegate(convert(root, &repository)).with(4);
        for says in ["default:enc f", "encrypted", "clear text", "hint:", "--allow-clear-text"] {
            assert!(ran.err.contains(says), "no {says:?} in {}", ran.err);
        }
        assert!(!repository.exists());
    };
    refused(&root);
    // The table is gone, and only a snapshot knows its family; and the other way round.
    let only_snapshot = dir.path().join("only-snapshot");
    copy_of(&root, &only_snapshot);
    fs::remove_dir_all(only_snapshot.join("data/default/enc/.tabledesc")).unwrap();
    refused(&only_snapshot);
    let only_table = dir.path().join("only-table");
    copy_of(&root, &only_table);
    fs::remove_dir_all(only_table.join(".hbase-snapshot")).unwrap();
    refused(&only_table);
    // Nothing else knows the family, and that document is damaged: whether there was one to refuse is not known, and said.
    let manifest = only_snapshot.join(".hbase-snapshot/s-enc/data.manifest");
    let bytes = fs::read(&manifest).unwrap();
    fs::write(&manifest, &bytes[..40]).unwrap();
    let dry = dir.path().join("dry");
    let of_damaged: Vec<&str> = convert(&only_snapshot, &dry).into_iter().collect();
    let ran = tidegate(&of_damaged).with(3);
    for says in ["s-enc/data.manifest", "whether the table's families are encrypted is not known"] {
        assert!(ran.err.contains(says), "no {says:?} in {}", ran.err);
    }
    fs::remove_dir_all(&dry).unwrap();
    tidegate(of_damaged.iter().chain(&["--table", "other"])).with(0);
    fs::remove_dir_all(&dry).unwrap();
    // Its name is in the manifest, too.
    fs::write(&manifest, &bytes).unwrap();
    fs::write(only_snapshot.join(".hbase-snapshot/s-enc/.snapshotinfo"), b"\xff").unwrap();
    refused(&only_snapshot);
    // Another table is asked for; and then it is wanted.
    let other = dir.path().join("other");
    let of_other = convert(&root, &other);
    tidegate(of_other.iter().chain(&["--table", "other"])).with(0);
    let allowed: Vec<&str> = convert(&root, &repository).into_iter().chain(["--allow-clear-text"]).collect();
    let shown = tidegate(allowed.iter().chain(&["--dry-run"])).with(0);
    assert!(!shown.out.is_empty() && !repository.exists());
    let (code, said) = report(&allowed);
    assert_eq!((code, &said["in_clear_text"]), (0, &serde_json::json!(["default:enc f"])), "{said}");
    assert!(said["tables"]["default:enc"]["cells"].as_u64() > Some(0), "{said}");
    // What is converted already lays nothing down.
    let ran = tidegate(convert(&root, &repository)).with(0);
    assert!(ran.out.contains("converted earlier"), "{}", ran.out);
}

/// One line of `wal cat` for each entry that the case's README promises.
fn phoenix_entries(wal: &Path) {
    let ran = tidegate(["wal", "cat", text(wal)]).with(0);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    for (number, line) in (1..).zip(&lines) {
        assert_eq!(line["region"], "00112233445566778899aabbccddeeff");
        assert_eq!((&line["table"], &line["sequence"]), (&"t".into(), &Value::from(number)));
        assert_eq!(line["write_time"], 1000 + number);
        let cell = &line["cells"][0];
        assert_eq!(cell["row"], format!("726f77{:x}", 0x30 + number));
        assert_eq!((&cell["family"], &cell["qualifier"]), (&"f".into(), &Value::from("71")));
        assert_eq!((&cell["ts"], &cell["type"]), (&number.into(), &Value::from("Put")));
        assert_eq!(cell["value"], "76616c7565");
    }
}

#[test]
fn case_13_phoenix_wals() {
    let dir = tempfile::tempdir().unwrap();
    let (root, target) = (dir.path().join("root"), dir.path().join("target"));
    fs::create_dir_all(root.join("oldWALs")).unwrap();
    for (number, name) in ["plain.1700000000000", "comp.1700000000000"].iter().enumerate() {
        let wal = case("13-phoenix-wals").join(name);
        phoenix_entries(&wal);
        let (code, info) = report(&["wal", "info", text(&wal)]);
        let info = &info["files"][0];
        let layout = ["plain", "dictionary"][number];
        assert_eq!(
            (code, &info["layout"], &info["entries"], &info["cells"]),
            (0, &layout.into(), &3.into(), &Value::from(3))
        );
        assert_ne!(info["end"], "unsupported");
        tidegate(["wal", "verify", text(&wal)]).with(0);
        let salvaged = dir.path().join(name);
        tidegate(["wal", "salvage", text(&wal), "--to", text(&salvaged)]).with(0);
        phoenix_entries(&salvaged);
        assert!(fs::read(&salvaged).unwrap() == fs::read(&wal).unwrap());
        fs::copy(&wal, root.join(format!("oldWALs/h%2C1%2C2.{number}"))).unwrap();
    }
    let (code, said) = report(&convert(&root, &target));
    assert_eq!((code, &said["tables"]["default:t"]["cells"]), (0, &Value::from(6)), "{said}");
}

/// What old releases of Phoenix wrote in place of a cell is refused by name, and is no damage.
#[test]
fn case_13_an_indexed_key_value_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let change = |name: &str, old: &[u8], new: &[u8]| {
        let mut bytes = fs::read(case("13-phoenix-wals").join(name)).unwrap();
        let at = bytes.windows(old.len()).rposition(|window| window == old).unwrap();
        bytes[at..at + new.len()].copy_from_slice(new);
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    // The length of the last plain cell, which is that of "row3"; the byte before the last compressed one.
    let plain = change("plain.1700000000000", &[0, 0, 0, 31, 0, 0, 0, 18], &[0xff; 4]);
    let dictionary = change("comp.1700000000000", &[0, 18, 5, 0], &[1]);
    for wal in [plain, dictionary] {
        for verb in ["info", "verify", "cat"] {
            let ran = tidegate(["wal", verb, text(&wal)]).with(3);
            assert!(ran.err.contains("IndexedKeyValue") && ran.err.contains("Phoenix"), "{}", ran.err);
            assert!(!ran.err.contains("damage"), "{}", ran.err);
        }
        let cat = tidegate(["wal", "cat", text(&wal)]).with(3);
        assert_eq!(cat.out.lines().count(), 2, "{}", cat.out);
        let root = wal.with_extension("root");
        fs::create_dir_all(root.join("oldWALs")).unwrap();
        fs::copy(&wal, root.join("oldWALs/h%2C1%2C2.3")).unwrap();
        let ran = tidegate(convert(&root, &wal.with_extension("to"))).with(3);
        assert!(ran.err.contains("IndexedKeyValue") && !ran.err.contains("damage"), "{}", ran.err);
    }
}
