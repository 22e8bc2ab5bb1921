use crate::root::{assert_same, certified, context, convert, cut_options, scan, truth, untils};
use cuts::Until;
use fixtures::sim::{Cluster, Reading, Shape, simulate};
use fixtures::{Random, seeds};
use jobs::restore::RestoreOptions;
use jobs::scan::Shown;
use std::path::Path;
use std::sync::Arc;
use store::{Attributes, Store, connect};

/// Restores have paths: in memory where the machine has a file system for that.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn write_root(cluster: &Cluster, root: &Path) {
    for (path, bytes) in cluster.root_files(&Reading::at_end(cluster)) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_restored_snapshot_holds_the_table_at_the_cut() {
    let (mut restored, mut cells) = (0, 0);
    for seed in seeds(5) {
        let cluster = simulate(seed, &Shape::of(seed));
        let root = directory();
        let from = root.path().to_str().unwrap();
        write_root(&cluster, root.path());
        let store: Arc<dyn Store> = connect(from).unwrap();
        convert(&cluster, &store, &format!("seed {seed}"));
        let random = &mut Random::new(seed);
        for (number, snapshot) in cluster.snapshots.iter().enumerate().take(2) {
            let untils = untils(&cluster, random);
            // The end, and something on the way.
            let some = untils[random.below(untils.len() as u64) as usize].clone();
            for (at, until) in [Until::End, some].into_iter().enumerate() {
                let what = format!("seed {seed}, snapshot {}, until {until}", snapshot.name);
                let options = cut_options(from, &snapshot.name, until.clone());
                let Some((vector, _)) = certified(&cluster, &store, &options, &what) else { continue };
                let name = format!("restored-{number}-{at}");
                let elsewhere = directory();
                let to = if at == 0 { from } else { elsewhere.path().to_str().unwrap() };
                let restoring = RestoreOptions {
                    cut: options,
                    to: to.to_owned(),
                    name: name.clone(),
                    map: Vec::new(),
                    attributes: Attributes::default(),
                    dry_run: false,
                };
                let report = jobs::restore::run(&restoring, &context(&cluster));
                report.unwrap_or_else(|stopped| panic!("{what}: {:?}", stopped.failure));
                let truth = truth(&cluster, snapshot, &until, &vector);
                let target: Arc<dyn Store> = connect(to).unwrap();
                let alone = cut_options(to, &name, Until::Snapshot);
                let raw = scan(&cluster, &target, alone.clone(), Shown::Raw, &what);
                assert_same(&raw, &truth.raw, &format!("{what}, raw"));
                let visible = scan(&cluster, &target, alone, Shown::AllVersions, &what);
                assert_same(&visible, &truth.visible, &format!("{what}, visible"));
                restored += 1;
                cells += truth.raw.len();
            }
        }
    }
    eprintln!("{restored} snapshots restored, {cells} cells compared");
    assert!(seeds(5).end < 5 || restored > 10);
}
