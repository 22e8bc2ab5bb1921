//! `kill -9` at seeded moments of restores: of two tables at one cut, into the repository itself and into another root.

use crate::kills::{comparable, killed_after, never_half};
use crate::support::{files_below, report, text, tidegate, tour};
use fixtures::Random;
use jobs::Level;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const KILLS: usize = 200;
const KILLS_A_RESTORE: u64 = 5;
const SNAPSHOTS: [&str; 2] = ["r-shop-orders", "r-customers"];

/// The tour's first snapshots and all of its WALs.
pub fn repository(dir: &Path) -> PathBuf {
    let (root, repository) = (tour(), dir.join("repository"));
    for name in ["orders-before", "customers-before"] {
        let arguments = ["export", "--from", text(&root), "--snapshot", name, "--to", text(&repository)];
        tidegate(arguments).with(0);
    }
    tidegate(["convert", "--from", text(&root), "--to", text(&repository)]).with(0);
    repository
}

fn arguments(from: &Path, to: &Path) -> Vec<String> {
    let line = format!(
        "restore --from {} --snapshot orders-before --snapshot customers-before --until end --to {} --as r",
        from.display(),
        to.display()
    );
    line.split(' ').map(str::to_owned).collect()
}

fn copy_tree(from: &Path, to: &Path) {
    for file in files_below(from) {
        let copy = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&file, copy).unwrap();
    }
}

/// What counts: snapshots and files that they may name; not when and by which run they were made.
fn published(root: &Path) -> BTreeMap<String, String> {
    let mut tree = comparable(root);
    tree.retain(|name, _| !name.starts_with(".tidegate/"));
    tree
}

#[test]
fn a_restore_that_is_killed_at_any_moment_is_finished_by_the_same_command() {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121);
    eprintln!("seed {seed} (TIDEGATE_SEED)");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let before = comparable(&repository);

    let undisturbed = dir.path().join("undisturbed");
    let begun = Instant::now();
    let line = arguments(&repository, &undisturbed);
    let (code, done) = report(&line.iter().map(String::as_str).collect::<Vec<_>>());
    let whole = begun.elapsed();
    assert_eq!(code, 0, "{done}");
    assert!(done["tables"][0]["cells"].as_u64() > Some(0) && done["tables"][1]["cells"].as_u64() > Some(0));
    let expected = published(&undisturbed);

    let (mut kills, mut restores) = (0, 0);
    let mut moments: BTreeMap<&str, usize> = BTreeMap::new();
    while kills < KILLS {
        restores += 1;
        // Every third restore is into the repository itself: into a copy, so that the next one finds it new.
        let in_place = restores % 3 == 0;
        let target = dir.path().join(format!("target{restores}"));
        let source = if in_place { target.clone() } else { repository.clone() };
        if in_place {
            copy_tree(&repository, &target);
        }
        let line = arguments(&source, &target);
        for _ in 0..1 + random.below(KILLS_A_RESTORE) {
            let delay: Duration = whole.mul_f64(random.below(1_050) as f64 / 1_000.0);
            if !killed_after(&line, delay) {
                break;
            }
            kills += 1;
            let when = format!("kill {kills}, after {delay:?}");
            let seen = SNAPSHOTS.map(|name| never_half(&target, name, Level::Cells, &when));
            let journals = !files_below(&target.join(".tidegate/journal")).is_empty();
            let moment = match (seen, journals) {
                ([true, true], _) => "both are published",
                ([true, false] | [false, true], _) => "one is published",
                (_, true) => "under way",
                (_, false) => "before it is announced",
            };
            *moments.entry(moment).or_default() += 1;
        }
        let (code, done) = report(&line.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 0, "restore {restores}: {done}");
        for name in SNAPSHOTS {
            assert!(never_half(&target, name, Level::Cells, "at the end"));
        }
        let got = published(&target);
        for (name, content) in &expected {
            assert!(got.get(name) == Some(content), "restore {restores}: {name} differs");
        }
        let is_base = |name: &&String| in_place && before.contains_key(*name);
        let over: Vec<&String> =
            got.keys().filter(|name| !expected.contains_key(*name) && !is_base(name)).collect();
        assert_eq!(over, Vec::<&String>::new(), "restore {restores}: nothing is left over");
        for scrap in [".tidegate/journal", ".tidegate/partial", ".hbase-snapshot/.tmp"] {
            let left: Vec<PathBuf> = files_below(&target.join(scrap))
                .into_iter()
                .filter(|path| !path.ends_with("journal/convert.jsonl"))
                .collect();
            assert_eq!(left, Vec::<PathBuf>::new(), "restore {restores}");
        }
        if in_place {
            let after = comparable(&target);
            let kept = before.iter().filter(|(name, _)| !name.ends_with("files.parquet"));
            for (name, content) in kept {
                assert!(after.get(name) == Some(content), "restore {restores}: {name} of the source image");
            }
        }
        fs::remove_dir_all(&target).unwrap();
    }
    assert!(comparable(&repository) == before, "the repository was written to");
    eprintln!("{kills} kills of {restores} restores: {moments:?}");
}
