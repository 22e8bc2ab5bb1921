//! The floors of the house: which crate may use which, as its `Cargo.toml` says it (design: section 1).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A crate, the crates of the workspace that it may use, and what it must never use.
struct Floor {
    name: &'static str,
    uses: &'static [&'static str],
    never: &'static [&'static str],
}

const THREADS: &[&str] = &["tokio", "rayon", "crossbeam-channel", "crossbeam"];
const SCREEN: &[&str] = &["clap", "indicatif", "console", "comfy-table"];

const FLOORS: &[Floor] = &[
    Floor { name: "stage", uses: &[], never: &["rustix", "blake3", "tempfile"] },
    Floor { name: "names", uses: &["stage"], never: &["arrow", "parquet", "rustix", "jiff", "prost"] },
    Floor { name: "formats", uses: &["names"], never: &["arrow", "parquet", "rustix", "jiff"] },
    Floor { name: "history", uses: &["names", "formats"], never: &["arrow", "parquet", "rustix", "jiff"] },
    Floor { name: "columns", uses: &["names", "formats"], never: &["rustix"] },
    Floor { name: "store", uses: &["names"], never: &["arrow", "parquet", "prost"] },
    Floor { name: "cluster", uses: &["names", "formats"], never: &["arrow", "parquet"] },
    Floor {
        name: "steps",
        uses: &["stage", "names", "formats", "history", "columns", "store", "cluster"],
        never: &["rustix"],
    },
    Floor { name: "runtime", uses: &["stage"], never: &["blake3", "prost", "arrow", "parquet"] },
    Floor { name: "catalog", uses: &["stage", "names", "store", "columns"], never: &["prost"] },
    Floor {
        name: "delivery",
        uses: &[
            "stage", "names", "formats", "history", "columns", "store", "cluster", "steps", "runtime",
            "catalog",
        ],
        never: SCREEN,
    },
    // A cut stands on snapshots, whose files delivery finds.
    Floor {
        name: "cuts",
        uses: &[
            "stage", "names", "formats", "history", "columns", "store", "cluster", "steps", "runtime",
            "catalog", "delivery",
        ],
        never: SCREEN,
    },
    Floor {
        name: "jobs",
        uses: &[
            "stage", "names", "formats", "history", "columns", "store", "cluster", "steps", "runtime",
            "catalog", "delivery", "cuts",
        ],
        never: SCREEN,
    },
    Floor {
        name: "cli",
        uses: &["jobs", "catalog", "stage", "names"],
        never: &["rayon", "tokio", "arrow", "parquet"],
    },
    // Its binary has a command line, and shows nothing but one line.
    Floor {
        name: "fixtures",
        uses: &["names", "formats", "columns", "store", "jobs"],
        never: &["indicatif", "console", "comfy-table"],
    },
    Floor {
        name: "benches",
        uses: &["names", "formats", "columns", "store", "steps", "jobs", "fixtures", "stage"],
        never: &[],
    },
    Floor { name: "fuzz", uses: &["names", "formats", "history", "columns"], never: &[] },
];

/// Crates that start no thread; `store` and `cluster` may own a hidden runtime.
const THREADLESS: [&str; 7] = ["stage", "names", "formats", "history", "columns", "steps", "catalog"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn manifest(dir: &Path) -> toml::Table {
    fs::read_to_string(dir.join("Cargo.toml")).unwrap().parse().unwrap()
}

/// The directories of the workspace's crates, by name.
fn crates() -> BTreeMap<String, PathBuf> {
    let root = repository();
    let workspace = manifest(&root);
    let mut dirs = Vec::new();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        match member.as_str().unwrap().strip_suffix("/*") {
            None => dirs.push(root.join(member.as_str().unwrap())),
            Some(above) => {
                let below = fs::read_dir(root.join(above)).unwrap().map(|entry| entry.unwrap().path());
                dirs.extend(below.filter(|dir| dir.join("Cargo.toml").is_file()));
            }
        }
    }
    dirs.into_iter()
        .map(|dir| (manifest(&dir)["package"]["name"].as_str().unwrap().to_owned(), dir))
        .collect()
}

/// What a crate uses, its tests aside.
fn used_by(dir: &Path) -> BTreeSet<String> {
    let manifest = manifest(dir);
    let kinds = ["dependencies", "build-dependencies"].into_iter().filter_map(|kind| manifest.get(kind));
    kinds.flat_map(|table| table.as_table().unwrap().keys().cloned()).collect()
}

fn floor(name: &str) -> &'static Floor {
    let found = FLOORS.iter().find(|floor| floor.name == name);
    found.unwrap_or_else(|| panic!("crate {name} has no place in the house: give it one in this table"))
}

#[test]
fn every_crate_uses_only_the_floors_below_it() {
    let crates = crates();
    assert!(crates.len() >= 10, "{crates:?}");
    for (name, dir) in &crates {
        let floor = floor(name);
        for used in used_by(dir) {
            let is_ours = crates.contains_key(&used);
            assert!(!is_ours || floor.uses.contains(&used.as_str()), "{name} must not use {used}");
            let never =
                floor.never.iter().any(|never| used == *never || used.starts_with(&format!("{never}-")));
            assert!(!never, "{name} must never use {used}");
            let starts_threads = THREADLESS.contains(&name.as_str()) && THREADS.contains(&used.as_str());
            assert!(!starts_threads, "{name} starts no threads, but uses {used}");
        }
    }
}

#[test]
fn stage_uses_serde_and_nothing_else() {
    assert_eq!(used_by(&crates()["stage"]), BTreeSet::from(["serde".to_owned()]));
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let (mut dirs, mut files) = (vec![dir.join("src")], Vec::new());
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files
}

/// What `Cargo.toml` cannot say: the standard library has threads, files and clocks, too. Unit tests may use them.
#[test]
fn pure_crates_know_no_file_no_thread_and_no_clock() {
    let crates = crates();
    for name in THREADLESS {
        let pure = ["stage", "formats", "history", "columns"].contains(&name);
        let Some(dir) = crates.get(name) else { continue };
        for source in sources(dir) {
            let text = fs::read_to_string(&source).unwrap();
            let library = text.split("#[cfg(test)]").next().unwrap();
            let banned = ["std::thread", "thread::spawn", "thread::scope"];
            let impure = ["std::fs", "std::path", "std::net", "SystemTime", "Instant::now"];
            let banned = banned.iter().chain(impure.iter().filter(|_| pure));
            for word in banned {
                assert!(!library.contains(word), "{}: {word}", source.display());
            }
        }
    }
}

/// A room of the steps, and those that it may know.
const ROOMS: [(&str, &[&str]); 6] = [
    ("bytes", &[]),
    ("hfile", &["bytes"]),
    ("copy", &["bytes", "hfile"]),
    ("wal", &["bytes", "hfile"]),
    ("edits", &["bytes", "hfile"]),
    ("scan", &["bytes", "hfile", "copy", "wal", "edits"]),
];

/// The rooms that a source of a room names and must not know.
fn rooms_above(room: &str, text: &str) -> Vec<&'static str> {
    let (_, below) = ROOMS.iter().find(|(name, _)| *name == room).unwrap();
    let others = ROOMS.iter().map(|(name, _)| *name).filter(|name| *name != room && !below.contains(name));
    others.filter(|name| text.contains(&format!("crate::{name}::"))).collect()
}

#[test]
fn a_room_of_the_steps_knows_only_those_below_it() {
    let dir = crates()["steps"].join("src");
    let mut looked_at = 0;
    for source in sources(&crates()["steps"]) {
        let within = source.strip_prefix(&dir).unwrap();
        let Some(room) = within.parent().and_then(|room| room.iter().next()) else { continue };
        let above = rooms_above(room.to_str().unwrap(), &fs::read_to_string(&source).unwrap());
        assert!(above.is_empty(), "{} knows {above:?}", source.display());
        looked_at += 1;
    }
    assert!(looked_at > 50, "{looked_at}");
    assert_eq!(rooms_above("wal", "use crate::edits::MergeEdits;"), ["edits"], "a room above is seen");
}

/// Words of the standard library for files, and of the codecs for bytes.
const FILES: [&str; 3] = ["std::fs", "File::open", "File::create"];
const BYTES: [&str; 6] =
    ["decode_manifest", "decode_snapshot", "Decoder::", "from_be_bytes", "from_le_bytes", "prost::"];

/// Sources of jobs and of the command line that open files, and which: none of them lies in a root.
const OPENS_FILES: [(&str, &str); 5] = [
    ("jobs/src/wal/mod.rs", "creates the WAL that `wal salvage --to FILE` writes"),
    ("jobs/src/replay/sink.rs", "writes JSON Lines to a file of the user's own"),
    ("cli/src/meaning.rs", "reads dictionaries, key files and /proc/meminfo"),
    ("cli/src/report.rs", "writes `--report FILE`"),
    ("cli/src/config.rs", "reads `--config FILE`"),
];

/// What a source of the pipeline must leave to stores and steps.
fn past_stores_and_steps(text: &str) -> Vec<&'static str> {
    let library = text.split("#[cfg(test)]").next().unwrap();
    FILES.iter().chain(&BYTES).copied().filter(|word| library.contains(word)).collect()
}

#[test]
fn jobs_and_the_command_line_open_no_file_of_a_root_and_parse_no_byte() {
    let mut opening: BTreeSet<&(&str, &str)> = BTreeSet::new();
    for name in ["cuts", "jobs", "cli"] {
        for source in sources(&crates()[name]) {
            let found = past_stores_and_steps(&fs::read_to_string(&source).unwrap());
            let path = source.display().to_string();
            let stated = OPENS_FILES.iter().find(|(stated, _)| path.ends_with(stated));
            opening.extend(stated.filter(|_| !found.is_empty()));
            let left: Vec<_> =
                found.iter().filter(|word| stated.is_none() || !FILES.contains(word)).collect();
            assert!(left.is_empty(), "{path}: {left:?}");
        }
    }
    assert_eq!(opening.len(), OPENS_FILES.len(), "the list says what is so");
    assert_eq!(
        past_stores_and_steps("let m = decode_manifest(&std::fs::read(path)?)?;"),
        ["std::fs", "decode_manifest"]
    );
}
