//! What goes wrong is reported with its place, and the rest is converted.

use crate::support::{
    REGIONS, SERVER, SERVER_DIR, Wal, all_files, context, convert, faulty, live, mixed, options, path,
    problems, put, rows,
};
use super::{stores};
use formats::wal::WalHeader;
use jobs::convert::{ConvertOptions, run_between};
use std::sync::Arc;
use store::{Effect, Fault, Op};

#[test]
fn no_directory_of_wals_is_a_failure() {
    let (source, target) = stores();
    put(&source, "hbase.id", b"");
    let failure = convert(&source, &target).unwrap_err().failure;
    assert_eq!(failure.exit_code(), 1);
    assert!(failure.to_string().contains("neither `WALs` nor `oldWALs`"), "{failure}");
}

#[test]
fn an_empty_wal_and_an_empty_file_are_well() {
    let (source, target) = stores();
    put(&source, &live(100), &Wal::plain().bytes);
    put(&source, &live(200), b"");
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.converted, report.result.written.batches), (0, 2, 0));
    assert_eq!(convert(&source, &target).unwrap().result.wals.already, 2);
}

#[test]
fn a_torn_tail_is_reported_and_what_is_whole_is_converted() {
    let (source, target) = stores();
    let mut wal = mixed(2);
    let whole = wal.bytes.len();
    wal.put("ns:t", REGIONS[0], 90);
    put(&source, &live(100), &wal.bytes[..wal.bytes.len() - 3]);
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.converted), (3, 1));
    let said = &problems(&report)[0];
    assert!(said.contains(&format!("at offset {whole}")) && said.contains("ends within an entry"), "{said}");
    assert_eq!(rows(&target, "ns:t", &format!("{SERVER}.100@{whole}")).len(), 80);
    let before = all_files(&target);
    let again = convert(&source, &target).unwrap();
    assert_eq!((again.exit_code(), again.result.wals.already), (3, 1));
    assert!(all_files(&target) == before);
}

#[test]
fn damage_is_reported_with_its_place() {
    let (source, target) = stores();
    let mut wal = mixed(2);
    let whole = wal.bytes.len();
    wal.bytes.extend_from_slice(&[0; 64]);
    put(&source, &live(100), &wal.bytes);
    put(&source, &live(200), b"no WAL at all, but as long as one could be");
    put(&source, &live(300), &mixed(30).closed());
    let report = convert(&source, &target).unwrap();
    assert_eq!(report.exit_code(), 3);
    let said = problems(&report).join("\n");
    assert!(said.contains(&format!(".100 at offset {whole}")) && said.contains("wal salvage"), "{said}");
    assert!(said.contains(".200"), "{said}");
    assert_eq!(rows(&target, "ns:t", &format!("{SERVER}.300")).len(), 80);
}

#[test]
fn an_unknown_codec_is_named_and_nothing_is_made_of_it() {
    let (source, target) = stores();
    let class = "org.example.OurWALEditCodec";
    let mut bytes = Vec::new();
    let header = WalHeader { cell_codec_class: Some(class.into()), ..WalHeader::plain() };
    header.encode(&mut bytes);
    put(&source, &live(100), &bytes);
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.failed), (3, 1));
    assert!(problems(&report)[0].contains(class), "{:?}", problems(&report));
    assert!(catalog::list_wals(target.as_ref()).unwrap().is_empty());
}

#[test]
fn encrypted_wals_are_refused_unless_clear_text_is_allowed() {
    let (source, target) = stores();
    let mut bytes = Vec::new();
    let header = WalHeader {
        encryption_key: Some(vec![1, 2, 3]),
        cell_codec_class: Some("org.apache.hadoop.hbase.regionserver.wal.SecureWALCellCodec".into()),
        ..WalHeader::plain()
    };
    header.encode(&mut bytes);
    put(&source, &live(100), &bytes);
    put(&source, &live(200), &mixed(2).closed());
    let failure = convert(&source, &target).unwrap_err().failure;
    assert_eq!(failure.exit_code(), 4);
    assert!(failure.to_string().contains("--allow-clear-text"), "{failure}");
    assert!(all_files(&target).is_empty());
    let options = ConvertOptions { allow_clear_text: true, ..options() };
    let report = run_between(&options, Arc::clone(&source), None, &target, &context(64 << 20)).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.converted, report.result.wals.failed), (3, 1, 1));
    assert!(problems(&report)[0].contains("encrypted"), "{:?}", problems(&report));
}

#[test]
fn a_wal_that_moves_is_followed_and_one_that_vanishes_is_reported() {
    let (held, target) = stores();
    put(&held, &live(100), &mixed(2).closed());
    let (from, to, store) = (path(&live(100)), path(&format!("oldWALs/{SERVER}.100")), Arc::clone(&held));
    let moving = Effect::Call(Arc::new(move |_| drop(store.rename(&from, &to, store::Publish::IfAbsent))));
    // The first look is at the header, the second reads.
    let source = faulty(&held, Fault::new(moving).on(Op::Open).path(SERVER_DIR).nth(2));
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.converted), (0, 1));

    put(&held, &live(200), &mixed(30).closed());
    let source = faulty(&held, Fault::new(Effect::Vanish).on(Op::Open).path(".200").nth(2));
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.failed), (3, 1));
    let said = &problems(&report)[0];
    assert!(said.contains("vanished") && said.contains("hbase.master.logcleaner.ttl"), "{said}");
}

#[test]
fn two_wals_that_claim_one_id_with_different_cells_are_reported() {
    let (source, target) = stores();
    let of = |value: &[u8]| {
        let mut wal = Wal::plain();
        wal.put("ns:t", REGIONS[0], 6).put_value("ns:t", REGIONS[0], 7, value).put("ns:t", REGIONS[0], 8);
        wal.closed()
    };
    put(&source, &live(100), &of(b"one"));
    put(&source, &live(200), &of(b"one"));
    assert_eq!(convert(&source, &target).unwrap().exit_code(), 0, "the same edit twice is well");
    // Compared with what an earlier run converted.
    put(&source, &live(300), &of(b"other"));
    let report = convert(&source, &target).unwrap();
    assert_eq!(report.exit_code(), 3);
    let said = problems(&report);
    assert_eq!(said.len(), 2, "with each of the two: {said:?}");
    assert!(said.iter().all(|said| said.contains("id 7") && said.contains(REGIONS[0])), "{said:?}");
}

#[test]
fn ids_that_go_back_are_reported_and_kept() {
    let (source, target) = stores();
    let mut wal = Wal::plain();
    for sequence in [3, 4, 9, 5, 6] {
        wal.put("ns:t", REGIONS[0], sequence);
    }
    put(&source, &live(100), &wal.closed());
    let report = convert(&source, &target).unwrap();
    assert!(problems(&report)[0].contains("sequence id 5, after 9"), "{:?}", problems(&report));
    let batch = catalog::layout::batch("ns:t", &format!("{SERVER}.100")).unwrap();
    let batch = catalog::open_batch(target.as_ref(), &batch).unwrap();
    assert_eq!((batch.marks().unordered.as_slice(), batch.rows()), (&[REGIONS[0].to_owned()][..], 10));
}

#[test]
fn names_that_hbase_does_not_write_are_reported_and_left_out() {
    let (source, target) = stores();
    let mut wal = Wal::plain();
    wal.put("../x", REGIONS[0], 3).put("ns:t", "../../x", 3).put("ns:t", REGIONS[0], 4);
    put(&source, &live(100), &wal.closed());
    put(&source, "WALs/notes.txt", b"hello");
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), problems(&report).len()), (3, 3), "{:?}", problems(&report));
    assert_eq!(rows(&target, "ns:t", &format!("{SERVER}.100")).len(), 2);
}

#[test]
fn another_file_under_the_name_of_a_converted_wal_is_reported() {
    let (source, target) = stores();
    put(&source, &live(100), &mixed(2).closed());
    convert(&source, &target).unwrap();
    let before = all_files(&target);
    put(&source, &live(100), &[mixed(2).closed(), vec![0]].concat());
    let report = convert(&source, &target).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(problems(&report)[0].contains("two files of the same name"), "{:?}", problems(&report));
    assert!(all_files(&target) == before);
}
