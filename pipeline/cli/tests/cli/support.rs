use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

/// How the binary ended, and what it said.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// It ended with this code.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Its report.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// The binary, without what the environment of the tests may say to it.
pub fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDEGATE_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

pub fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

pub fn tidegate<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    run(command(arguments))
}

/// With `--output json`.
pub fn report(arguments: &[&str]) -> (i32, Value) {
    let ran = tidegate(arguments.iter().chain(&["--output", "json"]));
    let report = ran.json();
    (ran.code, report)
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The root that is in the repository, written by a real HBase.
pub fn tour() -> PathBuf {
    repository().join("fixtures/data/tour/root")
}

/// `golden` or `samples`, or a line that says that the test is skipped.
pub fn shared(name: &str, test: &str) -> Option<PathBuf> {
    let shared =
        std::env::var_os("TIDEGATE_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let dir = shared.join(name);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("SKIPPED: {test}: {} is not there", dir.display());
    None
}

/// The golden sets.
pub fn golden_sets(test: &str) -> Vec<PathBuf> {
    let Some(golden) = shared("golden", test) else { return Vec::new() };
    let sets = std::fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path());
    let mut sets: Vec<PathBuf> = sets.filter(|path| path.join("root").is_dir()).collect();
    sets.sort();
    sets
}

/// Every file below a directory.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let (mut dirs, mut files) = (vec![dir.to_owned()], Vec::new());
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The HFiles of a root.
pub fn hfiles(root: &Path) -> Vec<PathBuf> {
    let below = ["data", "archive", "mobdir"].iter().flat_map(|dir| files_below(&root.join(dir)));
    below
        .filter(|path| {
            std::fs::read(path).is_ok_and(|bytes| bytes.len() > 4096 && bytes.ends_with(&[3, 0, 0, 3]))
        })
        .collect()
}

/// For jobs that run in this process.
pub fn context() -> jobs::Context {
    jobs::Context {
        cancel: jobs::Cancel::new(),
        progress: Arc::new(()),
        memory: 64 << 20,
        cpu_workers: 1,
        now_ms: 1_795_300_000_000,
        started: Instant::now(),
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
