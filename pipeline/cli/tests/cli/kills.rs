//! `kill -9` at seeded moments, on the real binary and a real disk.

use crate::roots;
use crate::support::{command, context, files_below, report, text};
use catalog::{FilesOfImage, read_image};
use fixtures::Random;
use jobs::Level;
use jobs::snapshot::VerifyOptions;
use rustix::fs::{Mode, OFlags};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use store::{FileStore, StorePath};

const KILLS: usize = 200;
const KILLS_A_TARGET: u64 = 6;
const RANGE_LEN: u64 = 64 << 10;

struct Export<'a> {
    source: &'a str,
    target: PathBuf,
}

impl Export<'_> {
    fn arguments(&self) -> Vec<String> {
        let line = format!(
            "export --from {} --snapshot s1 --to {} --workers 2 --range-size {RANGE_LEN} --bandwidth 4MB/s",
            self.source,
            self.target.display()
        );
        line.split(' ').map(str::to_owned).collect()
    }

    fn finish(&self) -> Value {
        let arguments = self.arguments();
        let (code, report) = report(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 0, "{report}");
        report
    }

    fn killed_after(&self, delay: Duration) -> bool {
        killed_after(&self.arguments(), delay)
    }

    fn never_half(&self, when: &str) -> bool {
        never_half(&self.target, "s1", Level::Blocks, when)
    }

    /// Bytes of files and ranges that the journal knows as done.
    fn journalled(&self) -> u64 {
        let mut ranges: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut placed: BTreeMap<u64, u64> = BTreeMap::new();
        for journal in files_below(&self.target.join(".tidegate/journal")) {
            for line in fs::read_to_string(journal).unwrap().lines() {
                // A torn line is what a kill leaves at the end.
                let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
                let record = &line["record"];
                let number = |value: &Value| value.as_u64().unwrap();
                if let Some(copied) = record.get("copied") {
                    ranges
                        .insert((number(&copied["file"]), number(&copied["range"])), number(&copied["len"]));
                } else if let Some(file) = record.get("placed") {
                    placed.insert(number(&file["file"]), number(&file["proof"]["sum"]["len"]));
                }
            }
        }
        ranges.retain(|(file, _), _| !placed.contains_key(file));
        ranges.values().chain(placed.values()).sum()
    }
}

/// Kills a run. Whether the kill came in time.
pub fn killed_after(arguments: &[String], delay: Duration) -> bool {
    let mut child = command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(9) || status.success(), "{status}");
    status.signal() == Some(9)
}

/// Nobody sees a snapshot before all that it names verifies. Whether it is there.
pub fn never_half(target: &Path, snapshot: &str, level: Level, when: &str) -> bool {
    if !target.join(".hbase-snapshot").join(snapshot).exists() {
        return false;
    }
    let options =
        VerifyOptions { from: text(target).to_owned(), snapshot: snapshot.into(), level, workers: 1 };
    let verified = jobs::snapshot::verify(&options, &context()).unwrap();
    assert_eq!(verified.problems.kept(), [], "{when}");
    true
}

/// The bytes of every file, less what says when and as what it was written.
pub fn comparable(target: &Path) -> BTreeMap<String, String> {
    let store = FileStore::new(target).unwrap();
    let one = |path: PathBuf| {
        let name = text(path.strip_prefix(target).unwrap()).to_owned();
        let content = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => {
                let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                let fields = document.as_object_mut().unwrap();
                if name.ends_with("format.json") {
                    fields.remove("id");
                }
                fields.remove("run");
                fields.remove("checksum");
                if let Some(files) = fields.get_mut("files") {
                    files.as_object_mut().unwrap().remove("list_blake3");
                }
                document.to_string()
            }
            Some("parquet") if name.ends_with("/files.parquet") => {
                let dir = StorePath::parse(&name).unwrap().parent().unwrap();
                let image = read_image(&store, &dir).unwrap();
                let rows = FilesOfImage::open(&store, &dir, &image).unwrap().flat_map(Result::unwrap);
                rows.map(|mut row| {
                    row.identity.clear();
                    format!("{row:?}\n")
                })
                .collect()
            }
            _ => fs::read(&path).unwrap().escape_ascii().to_string(),
        };
        (name, content)
    };
    let files = files_below(target).into_iter();
    files.filter(|path| nameless_files(target) || !text(path).ends_with(".tidegate-tmp")).map(one).collect()
}

/// Whether files can be written here before they have a name; if not, a kill can leave one with a temporary name.
fn nameless_files(dir: &Path) -> bool {
    rustix::fs::open(dir, OFlags::TMPFILE | OFlags::WRONLY, Mode::RUSR).is_ok()
}

#[test]
fn killed_at_any_moment_the_same_command_finishes_what_was_begun() {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_120);
    eprintln!("seed {seed} (TIDEGATE_SEED)");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    roots::make(&root, &[640_000, 9_000, 20_000, 500_000, 12_000, 30_000, 8_000, 40_000]);
    let source_before = comparable(&root);
    let in_dir = |name: String| Export { source: text(&root), target: dir.path().join(name) };

    let undisturbed = in_dir("undisturbed".into());
    let begun = Instant::now();
    let report = undisturbed.finish();
    let whole = begun.elapsed();
    let total = report["files"]["bytes"].as_u64().unwrap();
    assert_eq!(report["source_bytes_read"], total);
    let expected = comparable(&undisturbed.target);

    let (mut kills, mut targets) = (0, 0);
    let mut moments: BTreeMap<&str, usize> = BTreeMap::new();
    while kills < KILLS {
        targets += 1;
        let export = in_dir(format!("target{targets}"));
        let mut journalled = 0;
        for _ in 0..1 + random.below(KILLS_A_TARGET) {
            // What is still to be done takes about so long.
            let left = whole.mul_f64(0.3 + 0.7 * (1.0 - journalled as f64 / total as f64));
            let delay = left.mul_f64(random.below(1_100) as f64 / 1_000.0);
            if !export.killed_after(delay) {
                break;
            }
            kills += 1;
            let when = format!("kill {kills}, after {delay:?}");
            let seen = export.never_half(&when);
            let now = export.journalled();
            let finished = seen && now == 0;
            assert!(now >= journalled || finished, "{when}: the journal forgot something");
            journalled = now;
            let moment = match (seen, now) {
                (true, _) => "after the snapshot was published",
                (false, 0) => "before the first range",
                (false, now) if now == total => "between the last byte and the snapshot",
                _ => "while files were copied",
            };
            *moments.entry(moment).or_default() += 1;
        }
        let known = export.journalled();
        let report = export.finish();
        let read = report["source_bytes_read"].as_u64().unwrap();
        let left = if report["already_there"] == true { 0 } else { total - known };
        assert_eq!(read, left, "target {targets}: only what no journal knows is copied: {report}");
        assert!(export.never_half("at the end"));
        let got = comparable(&export.target);
        let names = |tree: &BTreeMap<String, String>| tree.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&got), names(&expected), "target {targets}");
        for (name, content) in &expected {
            assert!(got[name] == *content, "target {targets}: {name} differs");
        }
        fs::remove_dir_all(&export.target).unwrap();
    }
    assert!(comparable(&root) == source_before, "the source was written to");
    eprintln!("{kills} kills on {targets} targets: {moments:?}");
}
