//! A file of another kind than a command reads: what it is, and what reads it.

use crate::cases_files::{case, named};
use crate::support::{files_below, text, tidegate, tour};
use std::fs;
use std::path::{Path, PathBuf};

/// What is said of a file, and what to do; none by a command that reads it.
type Said = Option<(&'static str, &'static str)>;

/// Each kind of file that a root holds, with what the `hfile` and the `wal` commands say of it.
fn every_kind(dir: &Path) -> Vec<(PathBuf, (Said, Said))> {
    let made = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let of_tour = |path: &str| tour().join(path);
    let hfile = case("02-hfile-3.0/hbase14_v3_NONE_NONE");
    let wal = files_below(&of_tour("WALs")).into_iter().find(|path| !text(path).ends_with(".meta")).unwrap();
    let reference = of_tour(
        "data/default/customers/d3c5ea917ddcef78d9eb1ade7156a395/p/\
         015925a1724d474e8a96204729c9a09e_SeqId_67_.827de14d5e4ea0e6c72d82bc2b328a57",
    );
    let link = of_tour(
        "data/default/customers_copy/c4d0626349d9278b7a2a7c89b1661ecf/p/\
         customers=827de14d5e4ea0e6c72d82bc2b328a57-015925a1724d474e8a96204729c9a09e_SeqId_67_",
    );
    fs::create_dir(dir.join("directory")).unwrap();
    let list = made("f1.1795", &[0, 0, 0, 2, 8, 1, 9, 9, 9, 9]);
    let both = |what, hint| (Some((what, hint)), Some((what, hint)));
    vec![
        (hfile, (None, Some(("an HFile", "hfile info|verify|cat")))),
        (wal, (Some(("a WAL", "wal info|cat|verify")), None)),
        (reference, (None, Some(("a Reference", "hfile info|verify|cat")))),
        (link, (None, Some(("an HFileLink", "hfile info|verify|cat")))),
        (
            case("08-other-kinds-of-file/sequencefile-wal-0.94.1368422402811"),
            both("a WAL of HBase 0.94", "HBase 1"),
        ),
        (
            made("part-m-00000", b"SEQ\x06\x30org.apache.hadoop.hbase.io.ImmutableBytesWritable"),
            both("HBase's Export", "Import"),
        ),
        (case("08-other-kinds-of-file/hfile-2.0"), both("an HFile of version 2.0", "HBase 1")),
        (
            of_tour(".hbase-snapshot/orders-before/data.manifest"),
            both("a snapshot's manifest", "snapshot info|verify"),
        ),
        (
            of_tour(".hbase-snapshot/orders-before/.snapshotinfo"),
            both("a snapshot's description", "snapshot info|verify"),
        ),
        (
            of_tour("data/shop/orders/.tabledesc/.tableinfo.0000000001.1000"),
            both("a table's descriptor", "--schema"),
        ),
        (
            of_tour("data/shop/orders/9ad8d31fe1c7eba3d397f91c73d7ad5f/.regioninfo"),
            both("a region's description", "--schema"),
        ),
        (list, both("the list of a store's files", "by itself")),
        (made("x.parquet", b"PAR1....PAR1"), both("a Parquet file", "tidegate scan")),
        (made(".x.crc", b"crc\0\0\0\x02\0abcd"), both("a Hadoop checksum file", "the file beside it")),
        (dir.join("directory"), both("a directory", "the files in it")),
        (tour(), both("an HBase root directory", "snapshot list --from ROOT")),
        (made("7.seqid", b""), both("the mark of a region's sequence id", "it is empty")),
    ]
}

/// Each kind handed to each command that reads another: exit code, what it is, one hint.
#[test]
fn a_file_of_another_kind_is_named_by_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let kinds = every_kind(dir.path());
    let empty = dir.path().join("empty");
    fs::write(&empty, b"").unwrap();
    named(&["hfile", "verify", text(&empty)], 3, "an empty file, not an HFile", "it is empty");
    tidegate(["wal", "info", text(&empty)]).with(0);
    for (file, (by_hfile, by_wal)) in &kinds {
        let file = text(file);
        if let Some((what, hint)) = by_hfile {
            for command in ["info", "verify", "cat"] {
                named(&["hfile", command, file], 3, what, hint);
            }
        }
        if let Some((what, hint)) = by_wal {
            for command in ["info", "verify", "cat"] {
                named(&["wal", command, file], 3, what, hint);
            }
            named(&["wal", "salvage", file], 1, what, hint);
        }
        if by_hfile.is_none() {
            for command in ["info", "verify", "cat"] {
                tidegate(["hfile", command, file]).with(0);
            }
        }
    }
    // A root is wanted, a file is given.
    for (file, (by_hfile, by_wal)) in kinds.iter().filter(|(file, _)| file.is_file()) {
        let (what, hint) = by_hfile.or(*by_wal).unwrap();
        let new = dir.path().join("new");
        for command in [
            &["snapshot", "list"][..],
            &["snapshot", "info", "s"],
            &["snapshot", "verify", "s"],
            &["image", "list"],
            &["image", "info", "i"],
            &["export", "--snapshot", "s", "--to", text(&new)],
            &["convert", "--to", text(&new)],
            &["cut", "--snapshot", "s", "--until", "end"],
            &["scan", "--snapshot", "s", "--table", "t"],
            &["replay", "--snapshot", "s", "--until", "end", "--to", "null:"],
            &["restore", "--snapshot", "s", "--until", "end", "--as", "s2", "--to", text(&new)],
        ] {
            named(&[command, &["--from", text(file)]].concat(), 1, what, hint);
        }
        assert!(!new.exists());
    }
}

/// Each kind as each other file that a command line names, to be read or to be written: nothing is taken for what it is not,
/// and nothing is written over.
#[test]
fn a_file_of_another_kind_is_named_by_every_argument() {
    let (dir, from) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let from = text(from.path());
    let hfile = case("02-hfile-3.0/hbase14_v3_NONE_NONE");
    let tour = tour();
    for (file, (by_hfile, by_wal)) in every_kind(dir.path()) {
        let (what, hint) = by_hfile.or(by_wal).unwrap();
        // A target inside the source is refused before it is looked at.
        let copied = tempfile::tempdir().unwrap();
        let copy = copied.path().join(file.file_name().unwrap());
        let before =
            file.is_file().then(|| fs::copy(&file, &copy).map(|_| fs::read(&file).unwrap()).unwrap());
        let (file, copy) = (text(&file), text(&copy));
        let cut = |more: &[&str]| {
            named(&[&["cut", "--from", from, "--snapshot", "s"], more].concat(), 1, what, hint);
        };
        for until in [format!("sequences:{file}"), format!("marker:{file}")] {
            cut(&["--until", &until]);
        }
        for option in ["--accept-gaps", "--dependencies", "--clocks"] {
            cut(&["--until", "end", option, file]);
        }
        let verify = ["hfile", "verify", text(&hfile)];
        named(&[&verify[..], &["--zstd-dictionary", file]].concat(), 1, what, hint);
        named(&[&verify[..], &["--report", file]].concat(), 1, what, hint);
        named(&[&verify[..], &["--config", file]].concat(), 2, what, hint);
        if let Some(before) = before {
            let convert = ["convert", "--from", text(&tour), "--to", from, "--wal-root", file];
            named(&convert, 1, what, hint);
            let export = ["export", "--from", text(&tour), "--snapshot", "orders-before", "--to", copy];
            named(&export, 1, what, hint);
            named(&["convert", "--from", text(&tour), "--to", copy], 1, what, hint);
            assert!(fs::read(copy).unwrap() == before, "{copy} is as it was");
        }
    }
}
