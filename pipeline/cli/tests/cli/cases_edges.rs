//! Cases: what clusters and the tools around them leave beside HBase's own files. `fixtures/data/cases` has the inputs.

use crate::side_files::{is_side_file, side_bytes, side_of, stale_side_files, write_side_files};
use crate::support::{command, files_below, report, repository, run, text, tidegate, tour};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub fn copy_of(from: &Path, to: &Path) {
    for file in files_below(from) {
        let copy = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&file, copy).unwrap();
    }
}

pub fn case(name: &str) -> PathBuf {
    repository().join("fixtures/data/cases").join(name)
}

pub fn export<'a>(from: &'a Path, snapshot: &'a str, to: &'a Path) -> [&'a str; 7] {
    ["export", "--from", text(from), "--snapshot", snapshot, "--to", text(to)]
}

pub fn convert<'a>(from: &'a Path, to: &'a Path) -> [&'a str; 5] {
    ["convert", "--from", text(from), "--to", text(to)]
}

/// The bytes of all files below a directory, by their paths.
pub fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |file: PathBuf| (file.strip_prefix(dir).unwrap().to_owned(), fs::read(&file).unwrap());
    files_below(dir).into_iter().map(read).collect()
}

#[test]
fn case_04_stale_crc() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    copy_of(&case("04-stale-crc/target"), &target);
    let sides = || files_below(&target).into_iter().filter(|file| is_side_file(file)).count();
    assert_eq!((sides(), stale_side_files(&target).len()), (3, 0), "the case itself");
    let (code, said) = report(&export(&tour(), "customers-before", &target));
    assert_eq!((code, &said["replaced"]["files"]), (3, &Value::from(1)), "{said}");
    // That of the replaced file is gone, the others agree.
    assert_eq!((sides(), stale_side_files(&target)), (2, vec![]));
    let verify = ["snapshot", "verify", "--from", text(&target), "customers-before", "--level", "cells"];
    tidegate(verify).with(0);
    // Nothing is read or changed a second time.
    let (code, said) = report(&export(&tour(), "customers-before", &target));
    assert_eq!((code, &said["already_there"], sides()), (0, &Value::from(true), 2), "{said}");
    // Negative control: what an earlier version left is reported.
    let file = files_below(&target.join("archive")).into_iter().find(|file| !is_side_file(file)).unwrap();
    fs::write(side_of(&file), side_bytes(b"other bytes")).unwrap();
    let answer = tidegate(verify).with(3);
    assert!(answer.err.contains(text(&file)) && answer.err.contains("Hadoop"), "{}", answer.err);
}

/// Files that are there already, and equal, must be readable, too: of HFiles, of the snapshot's documents and of ours.
#[test]
fn case_04_stale_crc_beside_what_is_reused() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    tidegate(export(&tour(), "customers-before", &target)).with(0);
    let whole = contents(&target);
    for stale in [b"other bytes".as_slice(), &[7; 4000]] {
        for file in files_below(&target).into_iter().filter(|file| !is_side_file(file)) {
            fs::write(side_of(&file), side_bytes(stale)).unwrap();
        }
        let (code, said) = report(&export(&tour(), "customers-before", &target));
        assert_eq!((code, &said["already_there"]), (0, &Value::from(true)), "{said}");
        assert_eq!(said["side_files_removed"], 3, "{said}");
        let of_hbase = |file: &PathBuf| !file.starts_with(target.join(".tidegate"));
        let stale: Vec<_> = stale_side_files(&target).into_iter().filter(of_hbase).collect();
        assert_eq!(stale, Vec::<PathBuf>::new());
        tidegate(["snapshot", "verify", "--from", text(&target), "customers-before"]).with(0);
        files_below(&target)
            .iter()
            .filter(|file| is_side_file(file))
            .for_each(|side| fs::remove_file(side).unwrap());
        let documents = |name: &PathBuf| name.starts_with("archive") || name.starts_with(".hbase-snapshot");
        let now = contents(&target);
        assert!(
            whole
                .iter()
                .filter(|(name, _)| documents(name))
                .all(|(name, bytes)| now.get(name) == Some(bytes))
        );
    }
    // Side files that agree stay.
    write_side_files(&target);
    let before = contents(&target).len();
    let (_, said) = report(&export(&tour(), "customers-before", &target));
    assert_eq!(
        (&said["already_there"], &said["side_files_removed"]),
        (&true.into(), &Value::from(0)),
        "{said}"
    );
    assert_eq!(contents(&target).len(), before);
    // Another snapshot that has the files reuses them, and its image knows their side files.
    let mut hfiles = files_below(&target.join("archive")).into_iter().filter(|file| !is_side_file(file));
    fs::write(side_of(&hfiles.next().unwrap()), b"").unwrap();
    fs::write(side_of(&hfiles.next().unwrap()), side_bytes(b"others")).unwrap();
    let tour = tour();
    let renamed: Vec<&str> =
        export(&tour, "customers-before", &target).into_iter().chain(["--target", "again"]).collect();
    let (code, said) = report(&renamed);
    assert_eq!((code, &said["reused"]["files"]), (0, &Value::from(3)), "{said}");
    assert_eq!(said["side_files_removed"], 1, "{said}");
    let (_, said) = report(&renamed);
    assert_eq!(
        (&said["already_there"], &said["side_files_removed"]),
        (&true.into(), &Value::from(0)),
        "{said}"
    );
}

/// Replacing a snapshot, restoring and converting into a root in which Hadoop wrote side files.
#[test]
fn case_04_no_target_keeps_checksums_of_other_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (root, target) = (dir.path().join("root"), dir.path().join("target"));
    copy_of(&tour(), &root);
    tidegate(export(&root, "customers-before", &target)).with(0);
    tidegate(convert(&root, &target)).with(0);
    write_side_files(&target);
    tidegate(export(&root, "customers-split", &target).iter().chain(&[
        "--target",
        "customers-before",
        "--overwrite",
    ]))
    .with(0);
    assert_eq!(stale_side_files(&target), Vec::<PathBuf>::new());
    let restore =
        ["restore", "--from", text(&target), "--snapshot", "customers-before", "--until", "end", "--to"];
    tidegate(restore.iter().chain(&[text(&root), "--as", "then"])).with(0);
    write_side_files(&root);
    fs::remove_dir_all(root.join(".hbase-snapshot/then")).unwrap();
    fs::create_dir_all(root.join(".hbase-snapshot/then")).unwrap();
    for name in ["data.manifest", ".snapshotinfo"] {
        fs::write(side_of(&root.join(".hbase-snapshot/then").join(name)), side_bytes(b"left behind"))
            .unwrap();
    }
    tidegate(restore.iter().chain(&[text(&root), "--as", "then"])).with(0);
    tidegate(restore.iter().chain(&[text(&root), "--as", "then"]));
    assert_eq!(stale_side_files(&root), Vec::<PathBuf>::new());
    let hfiles = dir.path().join("hfiles");
    fs::create_dir(&hfiles).unwrap();
    let to = format!("hfiles:{}", text(&hfiles));
    let replay =
        ["replay", "--from", text(&target), "--snapshot", "customers-before", "--until", "end", "--to", &to];
    tidegate(replay).with(0);
    assert_eq!(stale_side_files(&hfiles), Vec::<PathBuf>::new());
}

/// Bytes of a source that disagree with what Hadoop recorded of them: which file, and which chunk.
#[test]
fn a_side_file_that_disagrees_is_a_witness() {
    let dir = tempfile::tempdir().unwrap();
    let (root, target) = (dir.path().join("root"), dir.path().join("target"));
    copy_of(&tour(), &root);
    write_side_files(&root);
    tidegate(export(&root, "customers-before", &target)).with(0);
    let manifest = root.join(".hbase-snapshot/customers-before/data.manifest");
    let hfile = |name: &str| files_below(&root).into_iter().find(|file| file.ends_with(name)).unwrap();
    let hfile = hfile("p/72a65cdebce944fbb7150c4ef5d06f4f");
    let flip = |file: &Path, at: usize| {
        let mut bytes = fs::read(file).unwrap();
        bytes[at] ^= 1;
        fs::write(file, bytes).unwrap();
    };
    let fresh = |name: &str| dir.path().join(name);

    // The third checksum of its side file: the chunk from 1024 on.
    flip(&side_of(&hfile), 8 + 2 * 4);
    let ran = tidegate(export(&root, "customers-before", &fresh("b"))).with(1);
    for says in [text(&hfile), "offset 1024", "Hadoop", "hint:", "nothing was published"] {
        assert!(ran.err.contains(says), "no {says:?} in {}", ran.err);
    }
    assert!(!fresh("b").join(".hbase-snapshot/customers-before").exists());
    tidegate(export(&root, "customers-before", &fresh("c")).iter().chain(&["--verify", "list"])).with(0);
    let ran = tidegate(["hfile", "verify", text(&hfile)]).with(3);
    assert!(ran.err.contains("offset 1024"), "{}", ran.err);
    let ran = tidegate(["snapshot", "verify", "--from", text(&root), "customers-before", "--level", "sums"])
        .with(3);
    assert!(ran.err.contains("offset 1024"), "{}", ran.err);
    // Where the blocks show damage, they are reported.
    flip(&hfile, 1500);
    let ran = tidegate(export(&root, "customers-before", &fresh("d"))).with(1);
    assert!(ran.err.contains("block: CRC32C") && !ran.err.contains("remove its .crc"), "{}", ran.err);
    flip(&hfile, 1500);
    flip(&side_of(&hfile), 8 + 2 * 4);

    flip(&manifest, 100);
    let ran = tidegate(export(&root, "customers-before", &fresh("e"))).with(1);
    assert!(ran.err.contains("data.manifest") && ran.err.contains("offset 0"), "{}", ran.err);
    flip(&manifest, 100);

    // Cut short, it has no checksums of the last chunks; what Hadoop would not heed is no witness.
    let side = fs::read(side_of(&hfile)).unwrap();
    fs::write(side_of(&hfile), &side[..side.len() - 4]).unwrap();
    let ran = tidegate(["hfile", "verify", text(&hfile)]).with(3);
    assert!(ran.err.contains("offset 8704") && ran.err.contains("ends before"), "{}", ran.err);
    fs::write(side_of(&hfile), [side.as_slice(), &[0; 4]].concat()).unwrap();
    let ran = tidegate(["hfile", "verify", text(&hfile)]).with(3);
    assert!(ran.err.contains("the file ends here"), "{}", ran.err);
    for unheeded in [b"".as_slice(), b"crc", b"garbage that is long enough"] {
        fs::write(side_of(&hfile), unheeded).unwrap();
        tidegate(["hfile", "verify", text(&hfile)]).with(0);
        tidegate(export(&root, "customers-before", &fresh(&format!("f{}", unheeded.len())))).with(0);
    }
}

/// WALs have no checksums: the side file is the only witness of a changed value.
#[test]
fn a_side_file_shows_a_changed_wal() {
    let dir = tempfile::tempdir().unwrap();
    let (root, repository) = (dir.path().join("root"), dir.path().join("repository"));
    copy_of(&tour(), &root);
    write_side_files(&root.join("oldWALs"));
    write_side_files(&root.join("WALs"));
    let wal = root.join("oldWALs/localhost%2C34621%2C1795232934330.1795232944665");
    let whole = fs::read(&wal).unwrap();
    let at = whole.windows(5).position(|window| window == b"value" || window == b"keel ").unwrap_or(3000);
    let mut bytes = whole.clone();
    bytes[at] ^= 1;
    fs::write(&wal, &bytes).unwrap();
    let ran = tidegate(["wal", "verify", text(&wal)]).with(3);
    let chunk = format!("offset {}", at / 512 * 512);
    assert!(ran.err.contains(&chunk) && ran.err.contains("Hadoop"), "{}", ran.err);
    let ran = tidegate(convert(&root, &repository)).with(3);
    assert!(ran.err.contains(&chunk) && ran.err.contains("was not converted"), "{}", ran.err);
    fs::write(&wal, &whole).unwrap();
    let ran = tidegate(convert(&root, &repository)).with(0);
    assert!(ran.out.contains("converted            1\n"), "{}", ran.out);
    // A WAL that is being written may be ahead of its side file.
    let open = files_below(&root.join("WALs"))
        .into_iter()
        .find(|file| text(file).ends_with(".1795232964239"))
        .unwrap();
    let side = fs::read(side_of(&open)).unwrap();
    fs::write(side_of(&open), &side[..8]).unwrap();
    tidegate(["wal", "verify", text(&open)]).with(0);
}

/// What `hdfs dfs -get -crc`, rsync and distcp leave: every snapshot exports and everything converts, without an alarm.
#[test]
fn copies_of_a_root_convert_and_export_as_the_root_does() {
    let dir = tempfile::tempdir().unwrap();
    let (root, repository, plain) = (dir.path().join("root"), dir.path().join("a"), dir.path().join("b"));
    copy_of(&tour(), &root);
    write_side_files(&root);
    let server = root.join("WALs/localhost,34621,1795232934330");
    let wal = root.join("oldWALs/localhost%2C34621%2C1795232934330.1795232944665");
    let half = &fs::read(&wal).unwrap()[..5000];
    for left in [
        server.join(".distcp.tmp.attempt_1795232944665_0001_m_000001_0"),
        server.join("localhost%2C34621%2C1795232934330.1795232999999._COPYING_"),
        root.join("oldWALs/.localhost%2C34621%2C1795232934330.1795232944665.Zx81Qa"),
    ] {
        fs::write(left, half).unwrap();
    }
    fs::create_dir(root.join("WALs/.distcp.tmp.attempt_2")).unwrap();
    let (code, said) = report(&convert(&root, &repository));
    let of_wals = ["WALs", "oldWALs", "data", "archive"].iter().flat_map(|dir| files_below(&root.join(dir)));
    let beside_wals =
        |file: &PathBuf| !text(file).contains("/data/") || text(file).contains("/recovered.edits/");
    let sides = of_wals.filter(|file| is_side_file(file)).filter(beside_wals).count();
    assert_eq!((code, &said["problem_count"]), (0, &Value::from(0)), "{said}");
    assert_eq!(
        (&said["wals"]["converted"], &said["wals"]["side_files"]),
        (&15.into(), &Value::from(sides + 4)),
        "{said}"
    );
    tidegate(convert(&tour(), &plain)).with(0);
    let batches = |repository: &Path| contents(&repository.join(".tidegate/batches"));
    assert!(batches(&repository) == batches(&plain));
    for snapshot in ["customers-before", "customers-split", "copy-links", "orders-before", "orders-after"] {
        let (code, said) = report(&export(&root, snapshot, &repository));
        assert_eq!((code, &said["problem_count"]), (0, &Value::from(0)), "{said}");
    }
    let shown = tidegate(convert(&root, &dir.path().join("c"))).with(0);
    assert!(shown.out.contains(&format!("side files           {}", sides + 4)), "{}", shown.out);
}

#[test]
fn case_05_lost_snapshotinfo() {
    let dir = tempfile::tempdir().unwrap();
    let (root, target) = (dir.path().join("root"), dir.path().join("target"));
    copy_of(&tour(), &root);
    fs::remove_file(root.join(".hbase-snapshot/orders-before/.snapshotinfo")).unwrap();
    for arguments in [
        export(&root, "orders-before", &target).to_vec(),
        vec!["snapshot", "info", "--from", text(&root), "orders-before"],
        vec!["snapshot", "verify", "--from", text(&root), "orders-before"],
    ] {
        let ran = tidegate(arguments).with(1);
        for says in [".hbase-snapshot/orders-before", "has no .snapshotinfo", "dot files", "hint:"] {
            assert!(ran.err.contains(says), "no {says:?} in {}", ran.err);
        }
        assert!(!ran.err.contains("there are"), "{}", ran.err);
    }
    // One that is really not there: those that are, are named, and only those.
    let ran = tidegate(export(&root, "orders-never", &target)).with(1);
    assert!(ran.err.contains("there is no snapshot orders-never"), "{}", ran.err);
    assert!(ran.err.contains("orders-after") && !ran.err.contains("orders-before"), "{}", ran.err);
    let ran = tidegate(["snapshot", "list", "--from", text(&root)]).with(3);
    assert!(
        ran.err.contains("has no .snapshotinfo") && ran.out.contains("orders-after"),
        "{}{}",
        ran.out,
        ran.err
    );
    // Neither of the documents is there.
    fs::remove_file(root.join(".hbase-snapshot/orders-before/data.manifest")).unwrap();
    let ran = tidegate(export(&root, "orders-before", &target)).with(1);
    assert!(ran.err.contains("has no .snapshotinfo, and no data.manifest either"), "{}", ran.err);
    assert!(!target.exists());
}

#[test]
fn case_05_an_owner_that_does_not_exist_fails_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (target, repository) = (dir.path().join("target"), dir.path().join("repository"));
    for option in ["--chuser", "--chgroup"] {
        let ran = tidegate(
            export(&tour(), "customers-before", &target).iter().chain(&[option, "nobody-of-this-name"]),
        );
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(
            ran.err.contains("nobody-of-this-name") && ran.err.contains("nothing was written"),
            "{}",
            ran.err
        );
        assert!(!target.exists(), "{option}: {:?}", files_below(&target));
    }
    tidegate(export(&tour(), "customers-before", &repository)).with(0);
    let restore =
        ["restore", "--from", text(&repository), "--snapshot", "customers-before", "--to", text(&target)];
    let ran = tidegate(restore.iter().chain(&["--as", "then", "--chuser", "nobody-of-this-name"])).with(1);
    assert!(ran.err.contains("nobody-of-this-name") && !target.exists(), "{}", ran.err);
}

/// Runs as a user who may do nothing; `None`, with a line, where that cannot be tried.
fn as_nobody(arguments: &[&str]) -> Option<crate::support::Ran> {
    let binary = command(arguments);
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(binary.get_program()).args(binary.get_args()).stdin(std::process::Stdio::null());
    let tried = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(binary.get_program())
        .arg("--version")
        .output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        eprintln!("SKIPPED: permissions: setpriv cannot run the binary as another user here");
        return None;
    }
    Some(run(command))
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn case_05_permission_denied_says_permission() {
    let dir = tempfile::tempdir().unwrap();
    mode(dir.path(), 0o755);
    let (root, target, out) = (dir.path().join("root"), dir.path().join("target"), dir.path().join("out"));
    copy_of(&tour(), &root);
    tidegate(export(&root, "customers-before", &target)).with(0);
    tidegate(convert(&root, &target)).with(0);
    fs::create_dir(&out).unwrap();
    mode(&out, 0o777);
    let hfile =
        files_below(&root.join("data/default/customers")).into_iter().find(|file| text(file).contains("/p/"));
    let hfile = hfile.unwrap();
    let wal = root.join("oldWALs/localhost%2C34621%2C1795232934330.1795232944665");
    let manifest = root.join(".hbase-snapshot/customers-before/data.manifest");
    let region = hfile.parent().unwrap().to_owned();
    let markers = files_below(&target.join(".tidegate/batches/_markers")).remove(0);
    let list = files_below(&target.join(".tidegate/images"))
        .into_iter()
        .find(|file| file.ends_with("image.json"))
        .unwrap();
    let (new, snapshot) = (out.join("b"), "customers-before");
    let cut = ["cut", "--from", text(&target), "--snapshot", snapshot, "--until", "end"];
    let cases: [(&Path, Vec<&str>); 14] = [
        (&hfile, export(&root, snapshot, &new).to_vec()),
        (&hfile, vec!["snapshot", "verify", "--from", text(&root), snapshot]),
        (&hfile, vec!["hfile", "verify", text(&hfile)]),
        (&hfile, vec!["hfile", "cat", text(&hfile)]),
        (&region, export(&root, snapshot, &new).to_vec()),
        (&region, vec!["hfile", "info", text(&hfile)]),
        (&manifest, export(&root, snapshot, &new).to_vec()),
        (&manifest, vec!["snapshot", "list", "--from", text(&root)]),
        (&root, vec!["snapshot", "list", "--from", text(&root)]),
        (&wal, convert(&root, &new).to_vec()),
        (&wal, vec!["wal", "info", text(&wal)]),
        (&wal, vec!["wal", "salvage", text(&wal)]),
        (&markers, cut.to_vec()),
        (&list, vec!["image", "list", "--from", text(&target)]),
    ];
    for (closed, arguments) in cases {
        let before = fs::metadata(closed).unwrap().permissions();
        mode(closed, 0);
        let Some(ran) = as_nobody(&arguments) else { return };
        fs::set_permissions(closed, before).unwrap();
        let said = format!("{}{}", ran.out, ran.err);
        assert!(matches!(ran.code, 1 | 3), "{arguments:?} {}: {said}", ran.code);
        assert!(said.contains("Permission denied"), "{arguments:?}: {said}");
        for wrong in ["amaged", "DAMAGED", "from a copy", "delete this file", "not a", "no such"] {
            assert!(!said.contains(wrong), "{arguments:?}: {wrong:?} in {said}");
        }
        assert!(!new.join(".hbase-snapshot").join(snapshot).exists());
        let _ = fs::remove_dir_all(&new);
    }
    // A target that is not to be written.
    mode(&out, 0o555);
    let Some(ran) = as_nobody(&export(&root, snapshot, &new)) else { return };
    assert!(ran.code == 1 && ran.err.contains("Permission denied"), "{} {}", ran.code, ran.err);
}

#[test]
fn case_05_a_time_in_seconds_is_refused_with_its_milliseconds() {
    let cut = ["cut", "--from", "/nowhere", "--snapshot", "s", "--until", "time:1795232944"];
    let ran = tidegate(cut).with(2);
    for says in ["seconds", " 1795232944000", "2026-11-21T"] {
        assert!(ran.err.contains(says), "no {says:?} in {}", ran.err);
    }
}

/// The manifest of a copy has the time of the copying, which says nothing of when the snapshot was taken.
#[test]
fn case_05_the_earliest_time_is_no_clock_of_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let (root, target) = (dir.path().join("root"), dir.path().join("target"));
    copy_of(&tour(), &root);
    // Only the newest WALs are left: nothing says when what the files hold was written.
    let old = files_below(&root.join("oldWALs")).into_iter().chain(files_below(&root.join("WALs")));
    old.filter(|wal| !text(wal).contains("179523296")).for_each(|wal| fs::remove_file(wal).unwrap());
    tidegate(export(&root, "orders-before", &target)).with(0);
    tidegate(convert(&root, &target));
    let cut = |from: &Path| {
        let ran = tidegate([
            "cut",
            "--from",
            text(from),
            "--snapshot",
            "orders-before",
            "--until",
            "time:1795232940000",
        ]);
        let of_run = fs::metadata(from.join(".hbase-snapshot/orders-before/data.manifest")).unwrap();
        let of_run =
            of_run.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis().to_string();
        assert!(ran.code == 4 && !ran.err.contains(&of_run), "{of_run} {}", ran.err);
        ran
    };
    let ran = cut(&target);
    assert!(ran.err.contains("is not known"), "{}", ran.err);
    // Copied once more, by another tool, and without the image.
    let copied = dir.path().join("copied");
    copy_of(&target, &copied);
    fs::remove_dir_all(copied.join(".tidegate/images")).unwrap();
    cut(&copied);
}
