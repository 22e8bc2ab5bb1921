//! Bad input: a clear error with its place and what to do, the right code, and nothing outside the target touched.

use crate::roots::{self, file_path, manifest, table};
use crate::support::{Ran, files_below, text, tidegate};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Case {
    name: &'static str,
    /// Breaks the source or the target.
    breaks: fn(&Path, &Path),
    code: i32,
    /// What the message must have in it.
    says: &'static [&'static str],
}

const HFILE: &str = "00000000000000000000000000000002";

fn bytes_of(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// The second file: short, and in `data`.
fn hfile(root: &Path, change: impl Fn(&mut Vec<u8>)) {
    bytes_of(&file_path(root, "data", 1), change);
}

/// Where the trailer's serialized message begins, and where a field with this tag stands in it.
fn trailer_field(bytes: &[u8], tag: u8) -> usize {
    let start = bytes.len() - 4096 + 8;
    let mut at = start + 1;
    loop {
        let field = bytes[at];
        if field == tag {
            return at + 1;
        }
        at += 1;
        if field & 7 == 2 {
            at += 1 + bytes[at] as usize;
        } else {
            while bytes[at] & 0x80 != 0 {
                at += 1;
            }
            at += 1;
        }
    }
}

const CASES: &[Case] = &[
    Case {
        name: "a snapshot that is not there",
        breaks: |root, _| fs::remove_dir_all(root.join(".hbase-snapshot/s1")).unwrap(),
        code: 1,
        says: &["there is no snapshot s1", "hint:", "s2"],
    },
    Case {
        name: "no such root",
        breaks: |root, _| fs::remove_dir_all(root).unwrap(),
        code: 1,
        says: &["does not exist", "root", "hint:", "hbase.rootdir"],
    },
    Case {
        name: "a root that is a file",
        breaks: |root, _| {
            fs::remove_dir_all(root).unwrap();
            fs::write(root, b"x").unwrap();
        },
        code: 1,
        says: &["is a file", "hint:"],
    },
    Case {
        name: "a directory that is no root",
        breaks: |root, _| fs::remove_dir_all(root.join(".hbase-snapshot")).unwrap(),
        code: 1,
        says: &[".hbase-snapshot", "hint:", "hbase.rootdir"],
    },
    Case {
        name: "no manifest",
        breaks: |root, _| fs::remove_file(manifest(root, "s1")).unwrap(),
        code: 1,
        says: &["data.manifest", "does not exist", "hint:"],
    },
    Case {
        name: "a manifest that is cut",
        breaks: |root, _| bytes_of(&manifest(root, "s1"), |bytes| bytes.truncate(bytes.len() - 7)),
        code: 1,
        says: &["data.manifest", "offset", "hint:"],
    },
    Case {
        name: "a manifest that is empty",
        breaks: |root, _| fs::write(manifest(root, "s1"), b"").unwrap(),
        code: 1,
        says: &["data.manifest", "hint:"],
    },
    Case {
        name: "a manifest with a field of 2 GiB",
        breaks: |root, _| {
            bytes_of(&manifest(root, "s1"), |bytes| bytes.extend([0x12, 0x80, 0x80, 0x80, 0x80, 0x08]));
        },
        code: 1,
        says: &["data.manifest", "2 GiB", "offset", "hint:"],
    },
    Case {
        name: "a manifest of 3 GiB",
        breaks: |root, _| {
            fs::OpenOptions::new().write(true).open(manifest(root, "s1")).unwrap().set_len(3 << 30).unwrap();
        },
        code: 1,
        says: &["data.manifest", "3221225472"],
    },
    Case {
        name: "a manifest whose file has a hostile name",
        breaks: |root, _| {
            bytes_of(&manifest(root, "s1"), |bytes| {
                let at = bytes.windows(HFILE.len()).position(|window| window == HFILE.as_bytes()).unwrap();
                bytes[at..at + 6].copy_from_slice(b"../../");
            });
        },
        code: 1,
        says: &["data.manifest", "../../", "region ", "offset", "hint:"],
    },
    Case {
        name: "a manifest whose file is not hexadecimal",
        breaks: |root, _| {
            bytes_of(&manifest(root, "s1"), |bytes| {
                let at = bytes.windows(HFILE.len()).position(|window| window == HFILE.as_bytes()).unwrap();
                bytes[at] = b'z';
            });
        },
        code: 1,
        says: &["data.manifest", "region ", "hint:"],
    },
    Case {
        name: "a description that is no protobuf",
        breaks: |root, _| fs::write(root.join(".hbase-snapshot/s1/.snapshotinfo"), b"\xff\xff\xff").unwrap(),
        code: 1,
        says: &[".snapshotinfo", "hint:"],
    },
    Case {
        name: "a snapshot's directory that was renamed",
        breaks: |root, _| {
            fs::remove_dir_all(root.join(".hbase-snapshot/s1")).unwrap();
            fs::rename(root.join(".hbase-snapshot/s2"), root.join(".hbase-snapshot/s1")).unwrap();
        },
        code: 1,
        says: &[".snapshotinfo", "s2", "hint:"],
    },
    Case {
        name: "an expired snapshot",
        breaks: |root, _| {
            let snapshot = fixtures::Snapshot {
                name: "s1".into(),
                created_ms: 1_000,
                ttl: 1,
                files: vec![Vec::new(), Vec::new()],
            };
            table().put_snapshot(&store::FileStore::new(root).unwrap(), &snapshot);
        },
        code: 4,
        says: &["expired", "hint:"],
    },
    Case {
        name: "holes between regions",
        breaks: |root, _| {
            let snapshot = fixtures::Snapshot {
                name: "s1".into(),
                created_ms: roots::CREATED_MS,
                ttl: 0,
                files: vec![Vec::new()],
            };
            table().put_snapshot(&store::FileStore::new(root).unwrap(), &snapshot);
        },
        code: 4,
        says: &["data.manifest", "hint:", "--accept-holes", "hbck2"],
    },
    Case {
        name: "a file that is nowhere",
        breaks: |root, _| fs::remove_file(file_path(root, "data", 1)).unwrap(),
        code: 1,
        says: &[HFILE, "none of the places", "region ", "hint:", "1 of 4 files"],
    },
    Case {
        name: "a file that is a directory",
        breaks: |root, _| {
            fs::remove_file(file_path(root, "data", 1)).unwrap();
            fs::create_dir(file_path(root, "data", 1)).unwrap();
        },
        code: 1,
        says: &[HFILE, "is a directory", "region "],
    },
    Case {
        name: "a file that was cut",
        breaks: |root, _| hfile(root, |bytes| bytes.truncate(5_000)),
        code: 1,
        says: &[HFILE, "has 5000 bytes", "region ", "hint:"],
    },
    Case {
        name: "an HFile with a wrong magic",
        breaks: |root, _| hfile(root, |bytes| bytes[0] = b'X'),
        code: 1,
        says: &[HFILE, "at offset 0", "region ", "hint:", "nothing was published"],
    },
    Case {
        name: "an HFile with a wrong checksum",
        breaks: |root, _| hfile(root, |bytes| bytes[1_000] ^= 1),
        code: 1,
        says: &[HFILE, "CRC32C", "at offset 0", "region ", "hint:"],
    },
    Case {
        name: "an HFile with a huge block",
        breaks: |root, _| hfile(root, |bytes| bytes[8..12].copy_from_slice(&0x7fff_fff0u32.to_be_bytes())),
        code: 1,
        says: &[HFILE, "at offset 0", "region ", "hint:"],
    },
    Case {
        name: "an HFile with a block that says it would be 2 GiB when decompressed",
        breaks: |root, _| hfile(root, |bytes| bytes[12..16].copy_from_slice(&0x7fff_fff0u32.to_be_bytes())),
        code: 1,
        says: &[HFILE, "at offset 0", "region ", "hint:"],
    },
    Case {
        name: "an HFile without a trailer",
        breaks: |root, _| {
            hfile(root, |bytes| {
                let start = bytes.len() - 4096;
                bytes[start..].fill(0);
            });
        },
        code: 1,
        says: &[HFILE, "no HFile", "offset", "region ", "hint:"],
    },
    Case {
        name: "an HFile whose trailer leads out of it",
        breaks: |root, _| {
            hfile(root, |bytes| {
                // load_on_open_offset: made as long as its varint can be.
                let at = trailer_field(bytes, 0x10);
                let mut last = at;
                while bytes[last] & 0x80 != 0 {
                    bytes[last] = 0xff;
                    last += 1;
                }
                bytes[last] = 0x7f;
            });
        },
        code: 1,
        says: &[HFILE, "region ", "hint:"],
    },
    Case {
        name: "a target snapshot that exists",
        breaks: |_, target| {
            fs::create_dir_all(target.join(".hbase-snapshot/s1")).unwrap();
            fs::write(target.join(".hbase-snapshot/s1/.snapshotinfo"), b"another").unwrap();
        },
        code: 4,
        says: &["there already", "s1", "hint:", "--overwrite", "--target"],
    },
    Case {
        name: "a snapshot of that name that is being taken in the target",
        breaks: |_, target| {
            fs::create_dir_all(target.join(".hbase-snapshot/.tmp/s1")).unwrap();
            fs::write(target.join(".hbase-snapshot/.tmp/s1/.snapshotinfo"), b"another").unwrap();
        },
        code: 4,
        says: &[".hbase-snapshot/.tmp/s1", "hint:"],
    },
    Case {
        name: "a target that is a file",
        breaks: |_, target| fs::write(target, b"x").unwrap(),
        code: 1,
        says: &["target"],
    },
    Case {
        name: "a target of a newer Tidegate",
        breaks: |_, target| {
            fs::create_dir_all(target.join(".tidegate")).unwrap();
            fs::write(target.join(".tidegate/format.json"), b"{\"version\":99}").unwrap();
        },
        code: 1,
        says: &["format.json", "hint:"],
    },
    Case {
        name: "a directory where a file has to go",
        breaks: |_, target| fs::create_dir_all(file_path(target, "archive", 1)).unwrap(),
        code: 4,
        says: &[HFILE, "is a directory"],
    },
];

fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let bytes = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap_or_default();
        (path, bytes)
    };
    // The 3 GiB file would take long to compare.
    files_below(dir)
        .into_iter()
        .filter(|path| path.metadata().is_ok_and(|status| status.len() < 1 << 30))
        .map(bytes)
        .collect()
}

fn export(root: &Path, target: &Path) -> Ran {
    tidegate(["export", "--from", text(root), "--snapshot", "s1", "--to", text(target)])
}

fn with_roots(test: impl FnOnce(&Path, &Path, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let listed = roots::make(&root, &[9_000, 20_000, 8_000, 30_000]);
    roots::snapshot(&root, "s2", 0, &listed);
    test(dir.path(), &root, &dir.path().join("target"));
}

/// What is wrong with how a case ended.
fn judge(case: &Case, dir: &Path, root: &Path, target: &Path) -> Vec<String> {
    (case.breaks)(root, target);
    let before = tree(root);
    let ran = export(root, target);
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    expect(ran.code == case.code, format!("code {} instead of {}", ran.code, case.code));
    for said in case.says {
        expect(ran.err.contains(said), format!("{said:?} is not said"));
    }
    expect(ran.out.is_empty() && !ran.err.contains("panicked"), "it prints or panics".into());
    expect(tree(root) == before, "the source was written to".into());
    let others = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    for name in others.filter(|name| name != "root" && name != "target") {
        expect(false, format!("{} was written beside the target", name.display()));
    }
    let kept = case.name == "a target snapshot that exists";
    expect(target.join(".hbase-snapshot/s1").exists() == kept, "the wrong snapshot is visible".into());
    if !wrong.is_empty() {
        wrong.push(ran.err);
    }
    wrong
}

#[test]
fn bad_input_is_reported_with_its_place_and_what_to_do() {
    let mut wrong = Vec::new();
    for case in CASES {
        with_roots(|dir, root, target| {
            let found = judge(case, dir, root, target);
            if !found.is_empty() {
                wrong.push(format!("{}: {}", case.name, found.join("\n  ")));
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_target_equal_to_or_inside_the_source_is_refused() {
    with_roots(|dir, root, _| {
        let before = tree(root);
        symlink(root, dir.join("link")).unwrap();
        for target in [
            root.to_owned(),
            root.join("."),
            root.join("archive/new"),
            dir.join("link"),
            dir.join("link/a/b"),
        ] {
            let ran = export(root, &target);
            assert_eq!(ran.code, 4, "{}: {}", target.display(), ran.err);
            assert!(ran.err.contains("the source") && ran.err.contains("hint:"), "{}", ran.err);
        }
        assert!(tree(root) == before);
    });
}

#[test]
fn damage_is_copied_when_asked_and_reported_by_verify() {
    with_roots(|_, root, target| {
        hfile(root, |bytes| bytes[1_000] ^= 1);
        tidegate([
            "export",
            "--from",
            text(root),
            "--snapshot",
            "s1",
            "--to",
            text(target),
            "--verify",
            "sums",
        ])
        .with(0);
        let verified = tidegate(["snapshot", "verify", "--from", text(target), "s1"]).with(3);
        assert!(verified.err.contains(HFILE) && verified.err.contains("CRC32C"), "{}", verified.err);
        assert!(verified.out.contains("NOT whole"), "{}", verified.out);
    });
}

#[test]
fn what_is_no_hfile_is_reported_by_every_hfile_command() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, vec![7; 10_000]).unwrap();
    let empty = dir.path().join("empty");
    fs::write(&empty, b"").unwrap();
    for command in ["info", "verify", "cat"] {
        for file in [&file, &empty] {
            let ran = tidegate(["hfile", command, text(file)]).with(3);
            assert!(ran.err.contains(text(file)), "{command}: {}", ran.err);
        }
        let missing = dir.path().join("missing");
        let ran = tidegate(["hfile", command, text(&missing)]);
        assert!(
            matches!(ran.code, 1 | 3) && ran.err.contains("missing"),
            "{command}: {} {}",
            ran.code,
            ran.err
        );
    }
}

/// A small file system of its own, where this may be mounted.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: PathBuf, options: &str, test: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs", text(&at)]).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        eprintln!("SKIPPED: {test}: this may not mount a file system");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_is_reported_and_resumed_once_there_is_room() {
    with_roots(|_, root, target| {
        let test = "a_full_disk_is_reported_and_resumed_once_there_is_room";
        let Some(disk) = Mounted::new(target.to_owned(), "size=64k", test) else { return };
        let ran = export(root, target).with(1);
        assert!(ran.err.contains("free") && ran.err.contains("make room"), "{}", ran.err);
        // There is room for the files, but then for nothing else.
        let used: u64 = tree(root).values().map(|bytes| bytes.len().next_multiple_of(4096) as u64).sum();
        for room in (0..40).map(|pages| used - 40_000 + pages * 4096) {
            let size = format!("remount,size={room}");
            Command::new("mount").args(["-o", &size, text(&disk.0)]).output().unwrap();
            let ran = export(root, target);
            if ran.code == 0 {
                break;
            }
            assert_eq!(ran.code, 1, "{}", ran.err);
            assert!(ran.err.contains("make room"), "room for {room}: {}", ran.err);
            assert!(!target.join(".hbase-snapshot/s1").exists(), "room for {room}");
        }
        Command::new("mount").args(["-o", "remount,size=64m", text(&disk.0)]).output().unwrap();
        export(root, target).with(0);
        tidegate(["snapshot", "verify", "--from", text(target), "s1", "--level", "cells"]).with(0);
    });
}

#[test]
fn a_target_that_is_read_only_is_reported() {
    with_roots(|_, root, target| {
        let test = "a_target_that_is_read_only_is_reported";
        let Some(_disk) = Mounted::new(target.to_owned(), "ro", test) else { return };
        let ran = export(root, target).with(1);
        assert!(ran.err.contains("hint:") && ran.err.contains("read-only"), "{}", ran.err);
    });
}
