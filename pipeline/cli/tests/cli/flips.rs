//! One byte of a file changes: level `blocks` names the file and the block.

use crate::support::{context, golden_sets, hfiles, repository, text, tour};
use fixtures::Random;
use jobs::Level;
use std::fs;
use std::path::{Path, PathBuf};

const HEADER: usize = 33;
const CHECKSUM_TYPE: usize = 24;
const TRAILER: usize = 4096;
const TRAILER_OF_VERSION_2: usize = 212;

/// Where the blocks of an undamaged file begin.
fn blocks(bytes: &[u8]) -> Vec<usize> {
    blocks_before(bytes, bytes.len() - TRAILER)
}

fn blocks_before(bytes: &[u8], end: usize) -> Vec<usize> {
    let (mut starts, mut at) = (Vec::new(), 0);
    while at + HEADER <= end {
        starts.push(at);
        let size = u32::from_be_bytes(bytes[at + 8..at + 12].try_into().unwrap());
        at += HEADER + size as usize;
    }
    assert_eq!(at, end);
    starts
}

fn has_checksums(bytes: &[u8]) -> bool {
    bytes[CHECKSUM_TYPE] != 0
}

/// Changes one byte, verifies, and gives it back.
fn caught(file: &Path, bytes: &mut [u8], at: usize, to: u8, starts: &[usize]) {
    let was = std::mem::replace(&mut bytes[at], to);
    fs::write(file, &*bytes).unwrap();
    bytes[at] = was;
    let verified = jobs::hfile::verify(&[text(file).to_owned()], Level::Blocks, 1, &[], &context()).unwrap();
    let block = starts[starts.partition_point(|start| *start <= at) - 1] as u64;
    let end = starts.iter().find(|start| **start > at).map_or(u64::MAX, |start| *start as u64);
    let named = verified.problems.kept().iter().any(|problem| {
        problem.path.ends_with(text(file))
            && problem.offset.is_some_and(|offset| (block..end).contains(&offset))
    });
    assert!(named, "byte {at} (block {block}) set to {to:#x}: {:?}", verified.problems.kept());
    assert_eq!(verified.exit_code(), 3);
}

fn copy_of(original: &Path, dir: &Path) -> (PathBuf, Vec<u8>) {
    (dir.join(original.file_name().unwrap()), fs::read(original).unwrap())
}

#[test]
fn every_flip_in_every_block_of_a_small_file_is_caught() {
    let dir = tempfile::tempdir().unwrap();
    let smallest = hfiles(&tour()).into_iter().min_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let (file, mut bytes) = copy_of(&smallest, dir.path());
    let starts = blocks(&bytes);
    for at in 0..bytes.len() - TRAILER {
        let flipped = bytes[at] ^ (1 << (at % 8));
        caught(&file, &mut bytes, at, flipped, &starts);
    }
    eprintln!("{} flips in {}", bytes.len() - TRAILER, smallest.display());
}

#[test]
fn a_sample_of_flips_in_every_other_file_is_caught() {
    let seed = 3;
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let roots = golden_sets("a_sample_of_flips_in_every_other_file_is_caught")
        .into_iter()
        .map(|set| set.join("root"));
    let dir = tempfile::tempdir().unwrap();
    let (mut files, mut without) = (0, 0);
    for original in roots.chain([tour()]).flat_map(|root| hfiles(&root)) {
        let (file, mut bytes) = copy_of(&original, dir.path());
        if !has_checksums(&bytes) {
            without += 1;
            continue;
        }
        let starts = blocks(&bytes);
        for _ in 0..6 {
            let at = random.below((bytes.len() - TRAILER) as u64) as usize;
            let flipped = bytes[at] ^ (1 << random.below(8));
            caught(&file, &mut bytes, at, flipped, &starts);
        }
        // A block that claims to have no checksum, as the file's others have one.
        let start = starts[random.below(starts.len() as u64) as usize];
        caught(&file, &mut bytes, start + CHECKSUM_TYPE, 0, &starts);
        files += 1;
        fs::remove_file(&file).unwrap();
    }
    eprintln!("{files} files, {without} more have no checksums");
    assert!(files > 0);
}

/// As for 3.3, in the versions of HBase 1; `formats` goes through every single byte of them.
#[test]
fn flips_and_truncations_of_older_versions_are_caught() {
    let dir = tempfile::tempdir().unwrap();
    for (name, trailer) in [
        ("01-hfile-2.3/hbase14_v2_GZ_NONE", TRAILER_OF_VERSION_2),
        ("01-hfile-2.3/hbase17_v2_index3", TRAILER_OF_VERSION_2),
        ("02-hfile-3.0/hbase14_v3_GZ_FAST_DIFF", TRAILER),
    ] {
        let (file, mut bytes) = copy_of(&repository().join("fixtures/data/cases").join(name), dir.path());
        let end = bytes.len() - trailer;
        let starts = blocks_before(&bytes, end);
        for at in (0..end).step_by(end / 500) {
            let flipped = bytes[at] ^ (1 << (at % 8));
            caught(&file, &mut bytes, at, flipped, &starts);
        }
        for length in (1..bytes.len()).step_by(bytes.len() / 200).chain([bytes.len() - 1, end, end + 1]) {
            fs::write(&file, &bytes[..length]).unwrap();
            let verified =
                jobs::hfile::verify(&[text(&file).to_owned()], Level::Blocks, 1, &[], &context()).unwrap();
            assert_eq!(verified.result.verified.damaged, 1, "{name} cut to {length}");
        }
    }
}

#[test]
fn an_undamaged_file_is_not_blamed() {
    for file in hfiles(&tour()) {
        let verified =
            jobs::hfile::verify(&[text(&file).to_owned()], Level::Cells, 1, &[], &context()).unwrap();
        assert_eq!(verified.problems.kept(), [], "{}", file.display());
    }
}
