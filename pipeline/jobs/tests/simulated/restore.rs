use crate::root::{assert_same, certified, context, convert, cut_options, put, scan, truth, untils};
use cuts::Until;
use fixtures::sim::{Shape, simulate};
use fixtures::{Random, seeds};
use jobs::restore::{RestoreOptions, Roots, run_between};
use jobs::scan::Shown;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{
    Attributes, Effect, Fault, Faults, Faulty, Kind, MemoryStore, Record, Recording, Store, StoreErrorKind,
    StorePath,
};

/// As a file system, HDFS and an object store do it, in turn.
fn store_of(seed: u64) -> MemoryStore {
    [MemoryStore::files, MemoryStore::objects, MemoryStore::hdfs][(seed % 3) as usize]()
}

#[test]
fn a_restored_snapshot_holds_the_table_at_the_cut() {
    let (mut restored, mut cells) = ([0; 3], 0);
    for seed in seeds(15) {
        let cluster = simulate(seed, &Shape::of(seed));
        let memory = store_of(seed);
        put(&cluster, &memory);
        let source: Arc<dyn Store> = Arc::new(memory);
        convert(&cluster, &source, &format!("seed {seed}"));
        let random = &mut Random::new(seed);
        for (number, snapshot) in cluster.snapshots.iter().enumerate().take(2) {
            let untils = untils(&cluster, random);
            // The end, and something on the way.
            let some = untils[random.below(untils.len() as u64) as usize].clone();
            for (at, until) in [Until::End, some].into_iter().enumerate() {
                let what = format!("seed {seed}, snapshot {}, until {until}", snapshot.name);
                let options = cut_options("memory:/", &snapshot.name, until.clone());
                let Some((vector, _)) = certified(&cluster, &source, &options, &what) else { continue };
                let name = format!("restored-{number}-{at}");
                let in_place = at == 0;
                let target = if in_place { Arc::clone(&source) } else { Arc::new(store_of(seed)) };
                let restoring = RestoreOptions {
                    cut: options,
                    to: "memory:/".to_owned(),
                    name: name.clone(),
                    map: Vec::new(),
                    attributes: Attributes::default(),
                    dry_run: false,
                };
                let roots = Roots { source: Arc::clone(&source), target: Arc::clone(&target), in_place };
                let report = run_between(&restoring, roots, &context(&cluster));
                report.unwrap_or_else(|stopped| panic!("{what}: {:?}", stopped.failure));
                let truth = truth(&cluster, snapshot, &until, &vector);
                let alone = cut_options("memory:/", &name, Until::Snapshot);
                let raw = scan(&cluster, &target, alone.clone(), Shown::Raw, &what);
                assert_same(&raw, &truth.raw, &format!("{what}, raw"));
                let visible = scan(&cluster, &target, alone, Shown::AllVersions, &what);
                assert_same(&visible, &truth.visible, &format!("{what}, visible"));
                restored[(seed % 3) as usize] += 1;
                cells += truth.raw.len();
            }
        }
    }
    eprintln!("{restored:?} snapshots restored in files, objects, HDFS; {cells} cells compared");
    assert!(seeds(15).end < 15 || restored.iter().all(|restored| *restored > 5));
}

/// Every file of a store but what names a moment or a run.
fn files_of(store: &Arc<dyn Store>) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut dirs) = (BTreeMap::new(), vec![StorePath::root()]);
    while let Some(dir) = dirs.pop() {
        for entry in store::list_there(store.as_ref(), &dir).unwrap().unwrap_or_default() {
            let path = dir.join(&entry.name).unwrap();
            match entry.metadata.kind {
                Kind::Directory => dirs.push(path),
                Kind::File => {
                    let bytes = store::read_all(store.as_ref(), &path, u64::MAX).unwrap();
                    files.insert(path.to_string(), bytes);
                }
            }
        }
    }
    files.retain(|name, _| !name.starts_with(".tidegate/images/") && name != ".tidegate/format.json");
    files
}

/// From any operation on nothing happens any more, as if the process had ended there: the same command finishes, and what
/// is there then is what an undisturbed run makes.
#[test]
fn a_restore_that_dies_at_any_operation_is_finished_by_the_next() {
    let cluster = simulate(3, &Shape::of(3));
    let source: Arc<dyn Store> = {
        let memory = MemoryStore::files();
        put(&cluster, &memory);
        Arc::new(memory)
    };
    convert(&cluster, &source, "seed 3");
    let options = cut_options("memory:/", &cluster.snapshots[0].name, Until::End);
    let restoring = RestoreOptions {
        cut: options,
        to: "memory:/".to_owned(),
        name: "restored".to_owned(),
        map: Vec::new(),
        attributes: Attributes::default(),
        dry_run: false,
    };
    let restore = |target: Arc<dyn Store>| {
        let roots = Roots { source: Arc::clone(&source), target, in_place: false };
        run_between(&restoring, roots, &context(&cluster))
    };
    for make in [MemoryStore::files, MemoryStore::objects, MemoryStore::hdfs] {
        let undisturbed: Arc<dyn Store> = Arc::new(make());
        let record = Arc::new(Record::default());
        restore(Arc::new(Recording::new(Arc::clone(&undisturbed), Arc::clone(&record)))).unwrap();
        let expected = files_of(&undisturbed);
        let new = expected.keys().filter(|name| name.starts_with("archive/")).count();
        let operations = record.operations().len() as u64;
        assert!(new > 1 && operations > 40, "{new} files, {operations} operations");
        for nth in 1..=operations {
            let target: Arc<dyn Store> = Arc::new(make());
            let faults = Faults::default();
            faults.add(Fault::new(Effect::Fail(StoreErrorKind::Other)).nth(nth).always());
            restore(Arc::new(Faulty::new(Arc::clone(&target), Arc::new(faults)))).ok();
            let when = format!("died at operation {nth} of {operations}");
            restore(Arc::clone(&target)).unwrap_or_else(|stopped| panic!("{when}: {:?}", stopped.failure));
            let found = files_of(&target);
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{when}");
            assert!(found == expected, "{when}: other bytes");
        }
    }
}
