//! WALs larger than the memory that may be held: the same bytes come out.

use crate::support::{
    REGIONS, SERVER, Wal, all_files, context, faulty, live, options, problems, put,
};
use super::{stores};
use jobs::convert::run_between;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Effect, Fault, Op, StoreErrorKind};

/// 24 MiB of three regions, one of which has most of it.
fn large() -> Vec<u8> {
    let mut wal = Wal::plain();
    let mut random = 7u64;
    for sequence in 3..12_000u64 {
        let value: Vec<u8> = (0..1000)
            .map(|_| {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (random >> 33) as u8
            })
            .collect();
        let region = if sequence % 10 == 0 { REGIONS[sequence as usize / 10 % 2] } else { REGIONS[2] };
        wal.put_value("ns:t", region, sequence, &value);
    }
    wal.closed()
}

fn made(memory: usize, wal: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let (source, target) = stores();
    put(&source, &live(100), wal);
    let report = run_between(&options(), Arc::clone(&source), None, &target, &context(memory)).unwrap();
    assert_eq!(problems(&report), Vec::<String>::new());
    assert_eq!((report.result.wals.converted, report.result.written.batches), (1, 1));
    assert_eq!(report.result.bytes_read, wal.len() as u64, "it is read once");
    let mut files = all_files(&target);
    files.remove(".tidegate/format.json");
    files
}

#[test]
fn a_wal_several_times_larger_than_memory_gives_the_same_bytes() {
    let wal = large();
    let in_one_pass = made(1 << 30, &wal);
    assert!(in_one_pass.contains_key(&format!(".tidegate/batches/ns/t/{}.100.parquet", SERVER.replace("%2C", "~"))));
    assert!(!writes_aside(1 << 30, &wal));
    for memory in [8 << 20, 32 << 20] {
        assert!(made(memory, &wal) == in_one_pass, "{memory}");
        assert!(writes_aside(memory, &wal), "{memory}");
    }
}

/// Whether sorted runs are written aside: a disk that takes none of them is full.
fn writes_aside(memory: usize, wal: &[u8]) -> bool {
    let (source, target) = stores();
    put(&source, &live(100), wal);
    let fault = Fault::new(Effect::Fail(StoreErrorKind::NoSpace)).on(Op::Grow).path("/run-").nth(1);
    run_between(&options(), Arc::clone(&source), None, &faulty(&target, fault), &context(memory)).is_err()
}

#[test]
fn a_full_disk_while_a_large_wal_is_written_says_what_to_do() {
    let wal = large();
    for (op, nth) in [(Op::Grow, 1), (Op::Grow, 3), (Op::FinishGrowing, 1)] {
        let (source, target) = stores();
        put(&source, &live(100), &wal);
        let fault = Fault::new(Effect::Fail(StoreErrorKind::NoSpace)).on(op).path("partial/").nth(nth);
        let run = |target| run_between(&options(), Arc::clone(&source), None, &target, &context(8 << 20));
        let failure = run(faulty(&target, fault)).unwrap_err().failure;
        assert!(
            failure.exit_code() == 1 && failure.to_string().contains("make room"),
            "{op:?} {nth}: {failure}"
        );
        assert!(catalog::list_batches(target.as_ref(), "ns:t").unwrap().is_empty());
        assert_eq!(run(target).unwrap().exit_code(), 0);
    }
}

#[test]
fn an_entry_larger_than_memory_is_reported() {
    let (source, target) = stores();
    let mut wal = Wal::plain();
    wal.put_value("ns:t", REGIONS[0], 3, &vec![7; 4 << 20]);
    put(&source, &live(100), &wal.closed());
    let report = run_between(&options(), Arc::clone(&source), None, &target, &context(4 << 20)).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.failed), (3, 1));
    assert!(problems(&report)[0].contains("--memory"), "{:?}", problems(&report));
}
