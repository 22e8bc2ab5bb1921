//! Roots that `fixtures::made` makes for benchmarks: nothing is missing in them, at any cut.

use crate::support::{files_below, report, text, tidegate};
use fixtures::made::{
    CellShape, FamilyShape, MadeRoot, MadeWals, RootShape, Span, WalShape, make_root, make_wals,
};
use formats::compress::Codec;
use formats::encoding::DataBlockEncoding;
use std::path::Path;

fn cells(value_bytes: Span) -> CellShape {
    CellShape { columns: Span { least: 1, most: 8 }, value_bytes, noise_percent: 50 }
}

fn made(root: &Path, dictionary: bool) -> (MadeRoot, MadeWals) {
    let family = |encoding, codec| FamilyShape { encoding, codec };
    let table = RootShape {
        seed: 7,
        table: "bench:t".parse().unwrap(),
        snapshot: "bench".parse().unwrap(),
        regions: 5,
        families: vec![
            family(DataBlockEncoding::FastDiff, Codec::Snappy),
            family(DataBlockEncoding::None, Codec::None),
        ],
        files: 2,
        file_bytes: 100 << 10,
        small_files: 1,
        servers: 2,
        row_bytes: 18,
        qualifier_bytes: 2,
        cells: cells(Span { least: 100, most: 1000 }),
    };
    let wals = WalShape {
        seed: 7,
        wals: 3,
        wal_bytes: 100 << 10,
        cells: cells(Span { least: 0, most: 60 }),
        deletes_percent: 10,
        overwrites_percent: 50,
        dictionary,
        value_codec: dictionary.then_some(Codec::Gz),
    };
    let in_table = make_root(root, &table).unwrap();
    let first = make_wals(root, &wals).unwrap();
    let then = make_wals(root, &wals).unwrap();
    let both = MadeWals { entries: first.entries + then.entries, cells: first.cells + then.cells, ..then };
    (in_table, both)
}

#[test]
fn a_made_root_has_all_that_was_said_and_every_cut_of_it_is_proved() {
    for dictionary in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (root, to) = (dir.path().join("root"), dir.path().join("to"));
        let (in_table, in_wals) = made(&root, dictionary);
        assert_eq!((in_table.regions, in_table.files), (5, 5 * 2 * 3));
        let (root, to) = (text(&root), text(&to));
        tidegate(["export", "--from", root, "--snapshot", "bench", "--to", to]).with(0);
        let (code, verified) = report(&["snapshot", "verify", "--from", to, "bench", "--level", "cells"]);
        assert_eq!((code, verified["cells"].as_u64()), (0, Some(in_table.cells)), "{verified}");
        let (code, converted) = report(&["convert", "--from", root, "--to", to]);
        let table = &converted["tables"]["bench:t"];
        let found = (table["entries"].as_u64(), table["cells"].as_u64());
        assert_eq!((code, found), (0, (Some(in_wals.entries), Some(in_wals.cells))), "{converted}");
        let on = ["--from", to, "--snapshot", "bench", "--until"];
        for until in ["snapshot", "end", &format!("time:{}", in_wals.last_ms - 1000)] {
            let at = |command: &'static str| [[command].as_slice(), &on, &[until]].concat();
            tidegate(at("cut")).with(0);
            tidegate(at("scan")).with(0);
            tidegate(at("replay").into_iter().chain(["--to", "null:"])).with(0);
        }
        tidegate(["restore"].into_iter().chain(on).chain(["end", "--to", to, "--as", "then"])).with(0);
    }
}

#[test]
fn the_same_seed_makes_the_same_root() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let all = dirs.each_ref().map(|dir| {
        made(dir.path(), true);
        let within = |path: &Path| path.strip_prefix(dir.path()).unwrap().to_owned();
        let files = files_below(dir.path()).into_iter();
        files.map(|path| (within(&path), std::fs::read(&path).unwrap())).collect::<Vec<_>>()
    });
    assert!(all[0].len() > 40);
    assert!(all[0] == all[1]);
}
