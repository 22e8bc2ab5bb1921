//! A plan of a snapshot that HBase took, as a document and back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by a panic")]

use catalog::{ImageCut, decode_document, encode_document};
use delivery::{Aim, DeliveryPlan, Documents, PlanDocument, SnapshotFiles, Wording};
use names::SnapshotName;
use runtime::{Cancel, Context};
use serde_json::{Value, json};
use stage::{FailureKind, Problem, ProblemKind};
use std::sync::Arc;
use std::time::Instant;
use steps::hfile::Level;
use store::Attributes;

const TOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/data/tour/root");

fn plan(snapshot: &str) -> DeliveryPlan {
    let context = Context {
        cancel: Cancel::new(),
        progress: Arc::new(()),
        memory: 64 << 20,
        cpu_workers: 1,
        now_ms: 1_800_000_000_000,
        started: Instant::now(),
    };
    let source = store::connect(TOUR).unwrap();
    let name = SnapshotName::parse(snapshot).unwrap();
    let files = SnapshotFiles::read(source.as_ref(), &name, &context.start().unwrap()).unwrap();
    let documents = Documents {
        target: SnapshotName::parse("copied").unwrap(),
        description: files.snapshot.description_bytes.clone(),
        manifest: files.snapshot.manifest_bytes.clone(),
    };
    let attributes = Attributes { group: Some("hbase".into()), mode: Some(0o640), ..Attributes::default() };
    let aim = Aim { from: source.uri(), level: Level::Cells, attributes, range_len: 1 << 20 };
    let wording = Wording { doing: "testing".into(), other_name: "take another".into() };
    DeliveryPlan::new(wording, files, documents, Some("cluster".to_owned()), aim).named(b"test")
}

/// The document with something in it changed, and with the checksum of that.
fn changed(document: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = decode_document("plan.json", document).unwrap();
    change(&mut value);
    encode_document(&value).unwrap()
}

fn refused(document: &[u8]) -> stage::Failure {
    PlanDocument::decode("plan.json", document).err().unwrap()
}

#[test]
fn a_plan_comes_back_and_names_the_same_run() {
    for snapshot in ["customers-before", "customers-split", "copy-links", "orders-after"] {
        let mut plan = plan(snapshot);
        plan.accepted.extend([Problem::new(ProblemKind::Tiling, "/s", "a hole").in_table("t")]);
        plan.cut = Some(ImageCut {
            until: "end".into(),
            clock: "none".into(),
            proved: false,
            accepted_gaps: vec!["r:1-2".into()],
            unproved: Vec::new(),
        });
        let document = PlanDocument::encode(&plan).unwrap();
        let back = PlanDocument::decode("plan.json", &document).unwrap();
        assert_eq!(PlanDocument::encode(&back).unwrap(), document, "{snapshot}");
        assert!(!back.found.is_empty(), "{snapshot}");
        assert_eq!((&back.found, &back.listed.files), (&plan.found, &plan.listed.files), "{snapshot}");
        assert_eq!(back.target_paths(), plan.target_paths(), "{snapshot}");
        assert_eq!((&back.accepted, &back.cut, &back.wording), (&plan.accepted, &plan.cut, &plan.wording));
        // The digest is over every field that decides what comes out: made anew of what came back, it is the same.
        assert_eq!(back.digest, plan.digest);
        assert_eq!(back.named(b"test").digest, plan.digest, "{snapshot}");
    }
}

#[test]
fn another_version_is_refused_whatever_else_is_in_it() {
    let failure = refused(&encode_document(&json!({"version": 2, "new": []})).unwrap());
    assert_eq!(failure.kind, FailureKind::Refused);
    assert_eq!(
        failure.to_string().lines().next().unwrap(),
        "reading the plan: plan.json: the plan has version 2, this Tidegate reads version 1"
    );
    let older =
        changed(&PlanDocument::encode(&plan("orders-after")).unwrap(), |plan| plan["version"] = 0.into());
    assert_eq!(refused(&older).kind, FailureKind::Refused);
}

#[test]
fn what_is_no_plan_is_refused() {
    let document = PlanDocument::encode(&plan("orders-after")).unwrap();
    let flipped = document.iter().map(|byte| if *byte == b'7' { b'8' } else { *byte }).collect::<Vec<_>>();
    assert_ne!(flipped, document);
    let cases: [(&str, Vec<u8>); 6] = [
        ("checksum", flipped),
        ("..", changed(&document, |plan| plan["target"] = "..".into())),
        ("../etc", changed(&document, |plan| plan["files"][0]["name"] = "../etc".into())),
        ("a/b", changed(&document, |plan| plan["directories"][0]["table"] = "default:a/b".into())),
        ("no directory", changed(&document, |plan| plan["files"][0]["directory"] = 9_999.into())),
        ("power of two", changed(&document, |plan| plan["range_len"] = 3.into())),
    ];
    for (what, bad) in cases {
        let said = refused(&bad).to_string();
        assert!(said.contains(what), "{what}: {said}");
    }
    let cut = changed(&document, |plan| plan["manifest"] = "abc".into());
    assert!(refused(&cut).to_string().contains("hexadecimal"));
}
