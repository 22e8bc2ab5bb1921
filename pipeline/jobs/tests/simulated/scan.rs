use crate::root::{assert_same, certified, convert, cut_options, put, scan, truth, untils};
use cuts::Until;
use fixtures::sim::{Shape, simulate};
use fixtures::{Random, seeds};
use jobs::scan::Shown;
use std::sync::Arc;
use store::{MemoryStore, Store};

#[test]
fn a_scan_shows_the_table_at_every_cut() {
    let (mut cuts, mut refused, mut cells) = (0, 0, 0);
    for seed in seeds(20) {
        let cluster = simulate(seed, &Shape::of(seed));
        let memory = if seed % 2 == 0 { MemoryStore::files() } else { MemoryStore::objects() };
        put(&cluster, &memory);
        let store: Arc<dyn Store> = Arc::new(memory);
        convert(&cluster, &store, &format!("seed {seed}"));
        let random = &mut Random::new(seed);
        for snapshot in cluster.snapshots.iter().take(3) {
            for until in untils(&cluster, random) {
                let what = format!("seed {seed}, snapshot {}, until {until}", snapshot.name);
                let options = cut_options("memory:/", &snapshot.name, until.clone());
                let Some((vector, _)) = certified(&cluster, &store, &options, &what) else {
                    assert!(until != Until::Snapshot && until != Until::End, "{what}: refused");
                    refused += 1;
                    continue;
                };
                cuts += 1;
                let truth = truth(&cluster, snapshot, &until, &vector);
                cells += truth.raw.len();
                let raw = scan(&cluster, &store, options.clone(), Shown::Raw, &what);
                assert_same(&raw, &truth.raw, &format!("{what}, raw"));
                let visible = scan(&cluster, &store, options, Shown::AllVersions, &what);
                assert_same(&visible, &truth.visible, &format!("{what}, visible"));
            }
        }
    }
    eprintln!("{cuts} cuts scanned, {refused} refused, {cells} cells compared");
    assert!(seeds(20).end < 20 || cuts > 100);
}
