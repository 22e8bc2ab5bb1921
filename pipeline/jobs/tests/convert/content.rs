//! What batches, markers and lineage hold.

use crate::support::{
    REGIONS, SERVER, SERVER_DIR, Wal, context, convert, live, mixed, options, path, problems, put, rows,
};
use super::{stores};
use formats::cell::{CellRef, CellType};
use formats::schema::{RegionInfo, encode_region_info};
use formats::wal::WalHeader;
use jobs::convert::run_between;
use names::TableName;
use std::sync::Arc;

#[test]
fn edits_come_by_table_region_and_id() {
    let (source, target) = stores();
    put(&source, &live(100), &mixed(2).closed());
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.wals.converted, report.result.written.batches), (0, 1, 2));
    let stem = format!("{SERVER}.100");
    let of_t = rows(&target, "ns:t", &stem);
    assert_eq!(of_t.len(), 80);
    assert!(of_t.is_sorted_by_key(|row| (row.region.clone(), row.sequence, row.index)));
    let first = &of_t[0];
    assert_eq!((first.region.as_str(), first.sequence, first.index), (REGIONS[0], 3, 0));
    assert_eq!((first.row.as_slice(), first.value.as_slice()), (&b"row000003"[..], &b"value 3"[..]));
    assert_eq!((first.origin.as_deref(), first.write_time), (Some(SERVER_DIR), 1_795_214_730_003));
    assert!(rows(&target, "default:other", &stem).iter().all(|row| row.region == REGIONS[2]));

    let listed = catalog::list_wals(target.as_ref()).unwrap();
    let summary = catalog::read_wal_summary(target.as_ref(), &listed[0].path).unwrap();
    assert_eq!((summary.end.as_str(), summary.entries, summary.server.as_str()), ("closed", 60, SERVER_DIR));
    assert_eq!(summary.write_time, Some((1_795_214_730_003, 1_795_214_730_022)));
    let tables: Vec<_> = summary.tables.iter().map(|of| (of.table.as_str(), of.regions, of.cells)).collect();
    assert_eq!(tables, [("default:other", 1, 40), ("ns:t", 2, 80)]);
}

#[test]
fn dictionaries_make_no_difference() {
    let made = |header: WalHeader| {
        let (source, target) = stores();
        let mut wal = Wal::new(header);
        for sequence in 3..40 {
            wal.put("ns:t", REGIONS[sequence as usize % 2], sequence);
        }
        put(&source, &live(100), &wal.closed());
        assert_eq!(convert(&source, &target).unwrap().exit_code(), 0);
        rows(&target, "ns:t", &format!("{SERVER}.100"))
    };
    assert_eq!(made(WalHeader::plain()), made(WalHeader::compressed(true, None)));
}

#[test]
fn only_the_tables_asked_for_and_the_others_later() {
    let (source, target) = stores();
    put(&source, &live(100), &mixed(2).closed());
    let only = |tables: &[&str]| {
        let tables = tables.iter().map(|table| (*table).to_owned()).collect();
        let options = jobs::convert::ConvertOptions { tables, ..options() };
        run_between(&options, Arc::clone(&source), None, &target, &context(64 << 20))
    };
    assert_eq!(only(&["other"]).unwrap().result.written.batches, 1);
    assert_eq!(catalog::list_batch_tables(target.as_ref()).unwrap(), ["default:other"]);
    assert_eq!(only(&["default:other"]).unwrap().result.wals.already, 1);
    let report = convert(&source, &target).unwrap().result;
    assert_eq!((report.wals.converted, report.written.batches, report.written.already), (1, 1, 2));
    assert_eq!(rows(&target, "ns:t", &format!("{SERVER}.100")).len(), 80);
    assert_eq!(only(&["a b"]).unwrap_err().failure.exit_code(), 2);
}

#[test]
fn wals_are_found_wherever_hbase_puts_them() {
    let (source, target) = stores();
    let wal = |from| mixed(from).closed();
    put(&source, &live(100), &wal(0));
    put(&source, &format!("WALs/{SERVER_DIR}-splitting/{SERVER}.200"), &wal(100));
    put(&source, &format!("oldWALs/{SERVER}.300"), &wal(200));
    put(&source, &format!("oldWALs/{SERVER_DIR}/{SERVER}.400"), &wal(300));
    put(&source, &format!("oldWALs/{SERVER}.500$masterlocalwal$"), b"the master's");
    put(&source, "MasterData/WALs/host,1,2/host%2C1%2C2.3", b"the master's");
    let edits = |sequence| {
        let mut wal = Wal::plain();
        wal.put("ns:t", REGIONS[0], sequence);
        wal.closed()
    };
    put(&source, &format!("data/ns/t/{}/recovered.edits/0000000000000000501", REGIONS[0]), &edits(501));
    put(
        &source,
        &format!("archive/data/ns/t/{}/recovered.edits/0000000000000000502", REGIONS[0]),
        &edits(502),
    );
    put(&source, &format!("data/ns/t/{}/recovered.edits/77.seqid", REGIONS[0]), b"");
    let report = convert(&source, &target).unwrap();
    assert_eq!(problems(&report), Vec::<String>::new());
    let wals = report.result.wals;
    assert_eq!((wals.found, wals.converted, wals.passed_over), (6, 6, 1));
    let stem = format!("{}-0000000000000000501", REGIONS[0]);
    let recovered = rows(&target, "ns:t", &stem);
    assert_eq!((recovered.len(), recovered[0].sequence, recovered[0].origin.as_deref()), (2, 501, None));
}

#[test]
fn a_root_of_wals_of_its_own() {
    let (source, target) = stores();
    let (wals, _) = stores();
    put(&wals, &live(100), &mixed(2).closed());
    put(&source, "hbase.id", b"");
    let run = |wal_root| run_between(&options(), Arc::clone(&source), wal_root, &target, &context(64 << 20));
    let failure = run(None).unwrap_err().failure;
    assert_eq!(failure.exit_code(), 1);
    assert!(failure.to_string().contains("--wal-root"), "{failure}");
    assert_eq!(run(Some(wals)).unwrap().result.wals.converted, 1);
}

/// `BulkLoadDescriptor` of one file of family `f`.
fn bulk_load(region: &str, file: &str) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let table = [field(1, b"ns"), field(2, b"t")].concat();
    let store = [field(1, b"f"), field(2, b"f"), field(3, file.as_bytes())].concat();
    [field(1, &table), field(2, region.as_bytes()), field(3, &store), vec![4 << 3, 9]].concat()
}

#[test]
fn bulk_loaded_files_are_kept_from_where_they_lie() {
    let (source, target) = stores();
    let (here, archived, gone) = ("aa_SeqId_9_", "bb_SeqId_9_", "cc_SeqId_9_");
    let hfile = fixtures::hfile(1, 0, 20_000);
    let place = |top: &str, file: &str| format!("{top}data/ns/t/{}/f/{file}", REGIONS[0]);
    put(&source, &place("", here), &hfile);
    put(&source, &place("archive/", archived), &hfile);
    let mut wal = Wal::plain();
    for (sequence, file) in [(3, here), (4, archived), (5, gone), (6, "../../x")] {
        wal.marker(REGIONS[0], sequence, b"HBASE::BULK_LOAD", &bulk_load(REGIONS[0], file));
    }
    put(&source, &live(100), &wal.closed());
    let report = convert(&source, &target).unwrap();
    assert_eq!(report.exit_code(), 3);
    let bulk = report.result.bulk;
    assert_eq!((bulk.named, bulk.copied, bulk.failed), (3, 2, 1));
    let said = problems(&report).join("\n");
    assert!(said.contains(gone) && said.contains("neither in `data` nor in `archive`"), "{said}");
    assert!(said.contains("../../x"), "{said}");
    for file in [here, archived] {
        let kept = path(&format!(".tidegate/bulk/ns/t/{}/f/{file}", REGIONS[0]));
        assert!(store::read_all(target.as_ref(), &kept, u64::MAX).unwrap() == hfile);
    }
    // What was nowhere is looked for again, though the WAL is converted.
    put(&source, &place("archive/", gone), &hfile);
    let again = convert(&source, &target).unwrap().result;
    assert_eq!((again.bulk.copied, again.bulk.already, again.wals.already), (1, 2, 1));
}

#[test]
fn a_damaged_bulk_loaded_file_is_not_kept() {
    let (source, target) = stores();
    let mut hfile = fixtures::hfile(1, 0, 20_000);
    hfile[9_000] ^= 1;
    put(&source, &format!("data/ns/t/{}/f/aa_SeqId_9_", REGIONS[0]), &hfile);
    let mut wal = Wal::plain();
    wal.marker(REGIONS[0], 3, b"HBASE::BULK_LOAD", &bulk_load(REGIONS[0], "aa_SeqId_9_"));
    put(&source, &live(100), &wal.closed());
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.bulk.failed, report.result.bulk.copied), (3, 1, 0));
    assert!(problems(&report)[0].contains("damaged and was not kept"), "{:?}", problems(&report));
}

#[test]
fn wals_of_meta_give_lineage_and_no_batch() {
    let (source, target) = stores();
    let region = |start: &str, id| RegionInfo {
        table: TableName::parse("ns:t").unwrap(),
        start_key: start.into(),
        end_key: Vec::new(),
        region_id: id,
        offline: false,
        split: false,
        replica_id: 0,
    };
    let (parent, daughter) = (region("", 1), region("m", 2));
    let mut row = parent.region_name();
    row.extend_from_slice(format!(".{}.", parent.encoded_name()).as_bytes());
    let value = [b"PBUF".to_vec(), encode_region_info(&daughter)].concat();
    let cell = |qualifier: &'static [u8]| CellRef {
        row: &row,
        family: b"info",
        qualifier,
        timestamp: 7,
        cell_type: CellType::Put,
        value: &value,
        tags: b"",
        sequence: 0,
    };
    let mut wal = Wal::plain();
    wal.cell("hbase:meta", "1588230740", 5, cell(b"splitB")).cell(
        "hbase:meta",
        "1588230740",
        6,
        cell(b"server"),
    );
    put(&source, &format!("WALs/{SERVER_DIR}/{SERVER}.meta.100.meta"), &wal.closed());
    let report = convert(&source, &target).unwrap();
    assert_eq!((report.exit_code(), report.result.written.batches), (0, 0));
    let listed = catalog::list_lineages(target.as_ref()).unwrap();
    let rows: Vec<_> =
        catalog::open_lineage(target.as_ref(), &listed[0].path).unwrap().flat_map(Result::unwrap).collect();
    // Where a region is served is recorded, too: whose WALs are needed depends on it.
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[1].qualifier.as_str(), rows[1].sequence), ("server", 6));
    assert_eq!((rows[0].qualifier.as_str(), rows[0].sequence, rows[0].timestamp), ("splitB", 5, 7));
    assert_eq!(rows[0].region, parent.encoded_name().to_string());
    assert_eq!(rows[0].other.as_deref(), Some(daughter.encoded_name().as_str()));
    assert_eq!((rows[0].table.as_deref(), rows[0].start_key.as_deref()), (Some("ns:t"), Some(&b"m"[..])));
    assert_eq!(convert(&source, &target).unwrap().result.wals.already, 1);
}
