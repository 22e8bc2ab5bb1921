//! A plan of very many files: the manifest is generated, the files are hollow entries of a store in memory, and each
//! is looked for. Alone in its binary, because the peak memory of the whole process is measured.
//!
//! The figure of record: `cargo test --release -p jobs --test million -- --ignored --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by a panic; the figure is what it is run for"
)]

use fixtures::{Snapshot, Table, file_name};
use jobs::export::{ExportOptions, run_between};
use jobs::{Attributes, Context, Level};
use runtime::Cancel;
use std::sync::Arc;
use std::time::Instant;
use store::{MemoryStore, Store};

const FILES_A_REGION: u64 = 100;

fn plan(files: u64) {
    let regions = files / FILES_A_REGION;
    let table = Table::new("ns:t", regions as usize);
    let store = MemoryStore::files();
    let mut listed = vec![Vec::new(); regions as usize];
    for number in 0..files {
        let region = (number % regions) as usize;
        let name = file_name(number);
        // Half are live, half in the archive: those are found at the second look.
        let place = if number.is_multiple_of(2) { "data" } else { "archive" };
        store.insert_hollow(&table.path(place, region, &name), 1 << 30).unwrap();
        listed[region].push((name, 1 << 30));
    }
    let snapshot = Snapshot { name: "s".into(), created_ms: 1_795_211_501_137, ttl: 0, files: listed };
    table.put_snapshot(&store, &snapshot);
    drop(snapshot);
    let made = memory("VmRSS:");

    let options = ExportOptions {
        from: "memory:/source".into(),
        snapshot: "s".into(),
        to: "memory:/target".into(),
        target: None,
        overwrite: false,
        level: Level::Blocks,
        workers: 4,
        bandwidth: None,
        attributes: Attributes::default(),
        reset_ttl: false,
        accept_holes: false,
        dry_run: true,
        resume: true,
        range_len: 64 << 20,
    };
    let context = Context {
        cancel: Cancel::new(),
        progress: Arc::new(()),
        memory: 256 << 20,
        cpu_workers: 2,
        now_ms: 1_795_211_501_137,
        started: Instant::now(),
    };
    let (source, target): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(store), Arc::new(MemoryStore::files()));
    let report = run_between(&options, &source, &target, &context).unwrap();
    assert_eq!(report.result.files.files, files);
    assert_eq!(report.result.files.bytes, files << 30);
    println!(
        "a plan of {files} files: {:.2} s, peak {} MiB, of which the store and the manifest took {} MiB",
        context.started.elapsed().as_secs_f64(),
        memory("VmHWM:") >> 20,
        made >> 20
    );
}

/// A line of /proc/self/status in bytes; 0 where there is none.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line)).unwrap_or_default();
    value.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

#[test]
fn fifty_thousand_files() {
    plan(50_000);
}

#[test]
#[ignore = "a figure for the record, with --release"]
fn a_million_files() {
    plan(1_000_000);
}
