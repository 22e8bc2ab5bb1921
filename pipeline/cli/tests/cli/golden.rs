//! Every snapshot that a real HBase took: exported, verified, found again.

use crate::support::{golden_sets, report, text, tidegate, tour};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn names(root: &str) -> Vec<String> {
    let (code, list) = report(&["snapshot", "list", "--from", root]);
    assert_eq!(code, 0, "{list}");
    let snapshots = list["snapshots"].as_array().unwrap();
    snapshots.iter().map(|snapshot| snapshot["name"].as_str().unwrap().to_owned()).collect()
}

fn fields(report: &Value) -> BTreeSet<&str> {
    report.as_object().unwrap().keys().map(String::as_str).collect()
}

fn export_and_verify(root: &Path) -> usize {
    let target = tempfile::tempdir().unwrap();
    let (from, to) = (text(root), text(target.path()));
    let names = names(from);
    for name in &names {
        let export = ["export", "--from", from, "--snapshot", name, "--to", to];
        let (code, first) = report(&export);
        assert_eq!(
            (code, &first["outcome"], &first["problem_count"]),
            (0, &"done".into(), &0.into()),
            "{first}"
        );
        for level in ["list", "sums", "blocks", "cells"] {
            let (code, verified) = report(&["snapshot", "verify", "--from", to, name, "--level", level]);
            assert_eq!((code, &verified["problem_count"]), (0, &0.into()), "{name} {level}: {verified}");
            assert_eq!((&verified["needed"], &verified["missing"]), (&first["files"]["files"], &0.into()));
            if level != "list" {
                assert_eq!(verified["digests"], first["files"]["files"], "{name} {level}");
            }
        }
        let (code, again) = report(&export);
        assert_eq!(
            (code, &again["already_there"], &again["source_bytes_read"]),
            (0, &true.into(), &0.into())
        );
        let (code, image) =
            report(&["image", "info", "--from", to, first["image"].as_str().unwrap(), "--files"]);
        assert_eq!((code, &image["snapshot"]), (0, &name.as_str().into()));
        let count = first["files"]["files"].as_u64().unwrap();
        assert_eq!(image["file_list"].as_array().map_or(0, |list| list.len() as u64), count);
        tidegate(["snapshot", "info", "--from", to, name, "--files", "--schema", "--stats"]).with(0);
    }
    let (code, images) = report(&["image", "list", "--from", to]);
    assert_eq!((code, images["images"].as_array().unwrap().len()), (0, names.len()));
    names.len()
}

#[test]
fn every_snapshot_of_the_tour_is_exported_and_verified() {
    assert_eq!(export_and_verify(&tour()), 5);
}

#[test]
fn every_golden_snapshot_is_exported_and_verified() {
    let sets = golden_sets("every_golden_snapshot_is_exported_and_verified");
    let exported: usize = sets.iter().map(|set| export_and_verify(&set.join("root"))).sum();
    assert!(sets.is_empty() || exported > 40, "{exported}");
}

/// Scripts read these: a name is never taken away or given another meaning.
#[test]
fn the_fields_of_the_reports_are_the_documented_ones() {
    let target = tempfile::tempdir().unwrap();
    let (tour, to) = (tour(), text(target.path()));
    let from = text(&tour);
    let (_, export) = report(&["export", "--from", from, "--snapshot", "orders-before", "--to", to]);
    let expected = "already_there command compared copied dry_run encrypted files from image not_looked_into outcome \
                    plan problem_count problems regions replaced resumed reused side_files_removed snapshot \
                    source_bytes_read table target \
                    to verified warnings without_checksums";
    assert_eq!(fields(&export), expected.split(' ').collect());
    assert_eq!(fields(&export["files"]), ["bytes", "files"].into());
    let (_, verify) = report(&["snapshot", "verify", "--from", to, "orders-before"]);
    let expected = "asked blocks bytes cells command damaged digests files level missing needed not_looked_into outcome \
                    problem_count problems root snapshot unreadable warnings without_checksums";
    assert_eq!(fields(&verify), expected.split(' ').collect());
    let (_, failed) = report(&["snapshot", "verify", "--from", to, "nothing"]);
    assert_eq!(fields(&failed), ["command", "failure", "outcome", "problem_count", "problems"].into());
    assert_eq!(fields(&failed["failure"]), ["doing", "hint", "kind", "subject", "wrong"].into());
}
