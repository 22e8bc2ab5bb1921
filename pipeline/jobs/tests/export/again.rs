//! What was done once is not done again.

use crate::support::*;
use fixtures::file_name;
use jobs::export::ExportOptions;
use jobs::{Attributes, Level};
use stage::FailureKind;
use store::{MemoryStore, Op, Store};

fn all_bytes(snapshot_files: usize) -> u64 {
    files().iter().take(snapshot_files).map(|(_, _, bytes)| bytes.len() as u64).sum()
}

#[test]
fn a_second_run_reads_no_hfile_and_writes_nothing() {
    let (source, read) = recorded(shared(source()));
    let (target, written) = recorded(shared(MemoryStore::files()));
    let first = export(&options("s1"), &source, &target).unwrap();
    assert_eq!((first.result.copied.files, first.result.copied.bytes), (4, all_bytes(4)));
    assert_eq!(first.result.source_bytes_read, all_bytes(4));
    verify(&target, "s1").unwrap();

    read.take();
    written.take();
    let again = export(&options("s1"), &source, &target).unwrap();
    assert!(again.result.already_there);
    assert_eq!((again.result.reused.files, again.result.source_bytes_read), (4, 0));
    for record in [&read, &written] {
        let hfiles = record.bytes_read("/f/");
        assert_eq!(hfiles, 0, "{:?}", record.operations());
    }
    assert_eq!(written.bytes_written(""), 0);
    for op in [Op::Write, Op::Rename, Op::Delete, Op::DeleteTree, Op::SetAttributes, Op::AppendLog] {
        assert_eq!(written.count(op), 0, "{op:?}");
    }
}

#[test]
fn the_second_snapshot_of_a_table_copies_only_what_is_new() {
    let (source, read) = recorded(shared(source()));
    let target = shared(MemoryStore::files());
    export(&options("s1"), &source, &target).unwrap();
    let before = tree(target.as_ref());
    read.take();
    let report = export(&options("s2"), &source, &target).unwrap().result;
    assert_eq!((report.files.files, report.copied.files, report.reused.files), (5, 1, 4));
    assert_eq!(read.bytes_read("/f/"), files()[4].2.len() as u64);
    let after = tree(target.as_ref());
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)), "what was there is as it was");
    verify(&target, "s1").unwrap();
    verify(&target, "s2").unwrap();
}

#[test]
fn a_file_that_is_there_already_is_compared() {
    let (source, _) = recorded(shared(source()));
    let target = MemoryStore::files();
    let at = |number: usize| {
        let (region, file, bytes) = files()[number].clone();
        (table().path("archive", region, &file_name(file)), bytes)
    };
    let (equal, bytes) = at(1);
    target.insert(&equal, bytes).unwrap();
    let (different, mut bytes) = at(2);
    bytes[5_000] ^= 1;
    target.insert(&different, bytes).unwrap();
    let (truncated, mut bytes) = at(3);
    bytes.truncate(100);
    target.insert(&truncated, bytes).unwrap();

    let target = shared(target);
    let report = export(&options("s1"), &source, &target).unwrap();
    let result = &report.result;
    assert_eq!((result.compared.files, result.replaced.files, result.copied.files), (1, 2, 3));
    let told: Vec<_> = report.problems.kept().iter().map(|problem| problem.path.clone()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with(different.as_str()), "{told:?}");
    verify(&target, "s1").unwrap();
    for number in 0..4 {
        let (path, bytes) = at(number);
        assert!(store::read_all(target.as_ref(), &path, u64::MAX).unwrap() == bytes, "{path}");
    }
}

#[test]
fn a_snapshot_of_that_name_is_refused_and_replaced_only_when_asked() {
    let source = shared(source());
    let target = shared(MemoryStore::files());
    export(&options("s1"), &source, &target).unwrap();
    let as_s1 = ExportOptions { target: Some("s1".into()), ..options("s2") };
    let before = tree(target.as_ref());
    let refused = export(&as_s1, &source, &target).unwrap_err().failure;
    assert_eq!(refused.exit_code(), 4);
    assert!(refused.hint.as_deref().unwrap_or_default().contains("--overwrite"), "{refused}");
    assert_eq!(tree(target.as_ref()), before, "a refusal writes nothing");

    let report = export(&ExportOptions { overwrite: true, ..as_s1 }, &source, &target).unwrap().result;
    assert_eq!((report.files.files, report.copied.files), (5, 1));
    verify(&target, "s1").unwrap();
}

#[test]
fn a_new_name_goes_into_the_description_and_nowhere_else() {
    let source = shared(source());
    let target = shared(MemoryStore::files());
    let renamed = ExportOptions { target: Some("other".into()), ..options("s1") };
    export(&renamed, &source, &target).unwrap();
    verify(&target, "other").unwrap();
    assert!(!is_visible(target.as_ref(), "s1"));
    let manifest = |store: &dyn Store, name: &str| {
        store::read_all(store, &path(&format!(".hbase-snapshot/{name}/data.manifest")), u64::MAX).unwrap()
    };
    assert_eq!(manifest(source.as_ref(), "s1"), manifest(target.as_ref(), "other"));
}

#[test]
fn an_expired_snapshot_is_refused_and_one_that_will_expire_can_be_kept() {
    let source = source();
    put_snapshot(&source, &table(), "old", 1, &[Vec::new(), Vec::new()]);
    put_snapshot(&source, &table(), "young", 3600, &[Vec::new(), Vec::new()]);
    let source = shared(source);
    let target = shared(MemoryStore::files());
    let mut late = context();
    late.now_ms = CREATED_MS + 1_001;
    let refused = jobs::export::run_between(&options("old"), &source, &target, &late).unwrap_err().failure;
    assert_eq!(refused.kind, FailureKind::Refused);
    assert!(refused.wrong.contains("expired") && refused.hint.is_some(), "{refused}");
    assert!(tree(target.as_ref()).is_empty());

    let ttl_of = |snapshot: &str| {
        let bytes = store::read_all(
            target.as_ref(),
            &path(&format!(".hbase-snapshot/{snapshot}/.snapshotinfo")),
            u64::MAX,
        );
        formats::snapshot::decode_snapshot_description(&bytes.unwrap()).unwrap().ttl
    };
    export(&options("young"), &source, &target).unwrap();
    assert_eq!(ttl_of("young"), Some(3600));
    let kept = ExportOptions { reset_ttl: true, target: Some("kept".into()), ..options("young") };
    export(&kept, &source, &target).unwrap();
    assert_eq!(ttl_of("kept"), Some(0));
}

#[test]
fn a_dry_run_touches_nothing() {
    let (source, read) = recorded(shared(source()));
    let (target, record) = recorded(shared(MemoryStore::files()));
    let report = export(&ExportOptions { dry_run: true, ..options("s1") }, &source, &target).unwrap().result;
    assert!(report.dry_run && report.image.is_none());
    assert_eq!((report.files.files, report.files.bytes), (4, all_bytes(4)));
    assert_eq!(read.bytes_read("/f/"), 0);
    assert!(record.operations().is_empty());
}

/// Where nothing can be renamed, with and without directories: as object stores are.
#[test]
fn without_renames_the_manifest_is_what_is_written_last_of_the_snapshot() {
    for memory in [MemoryStore::objects(), MemoryStore::new(NO_RENAME)] {
        let source = shared(source());
        let (target, record) = recorded(shared(memory.clone()));
        let report = export(&options("s1"), &source, &target).unwrap();
        assert_eq!(report.result.copied.files, 4);
        verify(&target, "s1").unwrap();
        let operations = record.take();
        let written = operations.iter().filter(|operation| operation.is_write());
        let mut snapshot = written.filter(|operation| !operation.path.as_str().starts_with(".tidegate"));
        assert_eq!(snapshot.next_back().unwrap().path.as_str(), ".hbase-snapshot/s1/data.manifest");
        assert!(operations.iter().all(|operation| operation.op != Op::Rename));

        record.take();
        let again = export(&options("s1"), &source, &target).unwrap().result;
        assert!(again.already_there);
        export(&options("s2"), &source, &target).unwrap();
        verify(&target, "s2").unwrap();
        let overwriting = ExportOptions { target: Some("s1".into()), overwrite: true, ..options("s2") };
        export(&overwriting, &source, &target).unwrap();
        verify(&target, "s1").unwrap();
    }
}

#[test]
fn owners_are_not_promised_where_the_store_keeps_none() {
    let attributes = Attributes { owner: Some("hbase".into()), ..Attributes::default() };
    let stopped = export(
        &ExportOptions { attributes, ..options("s1") },
        &shared(source()),
        &shared(MemoryStore::objects()),
    );
    assert_eq!(stopped.unwrap_err().failure.exit_code(), 2);
}

#[test]
fn every_level_exports_what_is_whole() {
    for level in [Level::List, Level::Sums, Level::Blocks, Level::Cells] {
        let target = shared(MemoryStore::files());
        let report = export(&ExportOptions { level, ..options("s2") }, &shared(source()), &target).unwrap();
        assert_eq!((report.exit_code(), report.result.verified), (0, level));
        verify(&target, "s2").unwrap();
    }
}
