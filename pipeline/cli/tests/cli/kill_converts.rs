//! `kill -9` at seeded moments of conversions, on the real binary and a real disk.

use crate::kills::killed_after;
use crate::support::{files_below, report, text, tour};
use fixtures::Random;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const KILLS: usize = 48;
const KILLS_A_REPOSITORY: u64 = 4;

fn arguments(to: &Path) -> Vec<String> {
    let tour = tour();
    ["convert", "--from", text(&tour), "--to", text(to), "--workers", "2"].map(str::to_owned).into()
}

fn finish(to: &Path) -> Value {
    let arguments = arguments(to);
    let (code, report) = report(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, 0, "{report}");
    report
}

/// All that anybody may read of a repository's batches: the bytes, by path.
fn published(repository: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = ["batches", "bulk"].map(|dir| files_below(&repository.join(".tidegate").join(dir)));
    let files = files.concat().into_iter().filter(|path| !text(path).ends_with(".tidegate-tmp"));
    files
        .map(|path| (text(path.strip_prefix(repository).unwrap()).to_owned(), fs::read(&path).unwrap()))
        .collect()
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap();
    let ends = [".markers.parquet", ".lineage.parquet", ".json", ".parquet"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// WALs whose markers are there: all else that is made of them has to be there, too.
fn converted<'a>(seen: &BTreeMap<String, Vec<u8>>, expected: &'a BTreeMap<String, Vec<u8>>) -> Vec<&'a str> {
    let done: Vec<&str> = expected
        .keys()
        .filter(|path| path.ends_with(".markers.parquet") && seen.contains_key(*path))
        .map(|path| stem(path))
        .collect();
    for path in expected.keys().filter(|path| done.contains(&stem(path))) {
        assert!(seen.contains_key(path), "{path} is not there, but the markers of its WAL are");
    }
    done
}

#[test]
fn a_conversion_that_is_killed_at_any_moment_is_finished_by_the_same_command() {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    eprintln!("seed {seed} (TIDEGATE_SEED)");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let undisturbed = dir.path().join("undisturbed");
    let begun = Instant::now();
    finish(&undisturbed);
    let whole = begun.elapsed();
    let expected = published(&undisturbed);
    let wals = expected.keys().filter(|path| path.ends_with(".markers.parquet")).count();
    assert_eq!(wals, 15);

    let (mut kills, mut repositories) = (0, 0);
    let mut moments: BTreeMap<&str, usize> = BTreeMap::new();
    while kills < KILLS {
        repositories += 1;
        let repository = dir.path().join(format!("repository{repositories}"));
        let mut done = 0;
        for _ in 0..1 + random.below(KILLS_A_REPOSITORY) {
            let delay = whole.mul_f64(random.below(1_100) as f64 / 1_000.0).max(Duration::from_millis(1));
            if !killed_after(&arguments(&repository), delay) {
                break;
            }
            kills += 1;
            let seen = published(&repository);
            for (path, bytes) in &seen {
                assert!(expected.get(path) == Some(bytes), "kill {kills}, after {delay:?}: {path} is half");
            }
            let now = converted(&seen, &expected).len();
            assert!(now >= done, "kill {kills}, after {delay:?}: what was converted is gone");
            done = now;
            let moment = match (seen.len(), now) {
                (0, _) => "before anything was published",
                (_, now) if now == wals => "after the last WAL",
                _ => "among the WALs",
            };
            *moments.entry(moment).or_default() += 1;
        }
        let done = converted(&published(&repository), &expected).len() as u64;
        let report = finish(&repository);
        let counts = &report["wals"];
        assert_eq!(counts["already"].as_u64().map(|already| already >= done), Some(true), "{report}");
        assert!(published(&repository) == expected, "repository {repositories} is another");
        let again = finish(&repository);
        let read = (&again["wals"]["already"], &again["wals"]["converted"], &again["bytes_read"]);
        assert_eq!(read, (&15.into(), &0.into(), &0.into()), "{again}");
        assert_eq!(again["written"]["batches"], 0, "{again}");
        assert!(published(&repository) == expected);
        fs::remove_dir_all(&repository).unwrap();
    }
    eprintln!("{kills} kills of {repositories} conversions: {moments:?}");
    assert!(moments.contains_key("among the WALs"), "{moments:?}");
}
