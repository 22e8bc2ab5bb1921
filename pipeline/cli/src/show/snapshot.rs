use super::{bytes, count, facts, files, some, table, warnings};
use jobs::Verified;
use jobs::snapshot::{SnapshotReport, SnapshotVerified, SnapshotsReport};

/// The snapshots of a root.
pub fn snapshots(report: &SnapshotsReport) -> String {
    if report.snapshots.is_empty() {
        return format!("no snapshots in {}\n", report.root);
    }
    let row = |snapshot: &jobs::snapshot::SnapshotSummary| {
        let name =
            if snapshot.expired { format!("{} (expired)", snapshot.name) } else { snapshot.name.clone() };
        vec![
            name,
            snapshot.table.clone(),
            snapshot.created.clone(),
            snapshot.kind.to_owned(),
            count(snapshot.regions),
            count(snapshot.files),
            bytes(snapshot.bytes),
        ]
    };
    let headings = ["SNAPSHOT", "TABLE", "TAKEN", "KIND", "#REGIONS", "#FILES", "#SIZE"];
    table(&headings, report.snapshots.iter().map(row))
}

/// What a snapshot holds.
pub fn snapshot(report: &SnapshotReport, schema: bool, stats: bool) -> String {
    let summary = &report.summary;
    let expiry = match (summary.ttl_seconds, summary.expired) {
        (0, _) => String::new(),
        (seconds, true) => format!("expired ({seconds} s)"),
        (seconds, false) => format!("{seconds} s"),
    };
    let mut text = facts(&[
        ("snapshot", summary.name.clone()),
        ("table", summary.table.clone()),
        ("taken", format!("{} ({})", summary.created, summary.kind)),
        ("time to live", expiry),
        ("regions", count(summary.regions)),
        ("split parents", some(report.split_parents)),
        ("files", files(summary.files, summary.bytes)),
        ("missing", some(report.stats.missing_files)),
    ]);
    if stats {
        let held = &report.stats;
        text += &facts(&[
            ("live", files(held.live_files, held.live_bytes)),
            ("only in the archive", files(held.archived_files, held.archived_bytes)),
            ("MOB", files(held.mob_files, held.mob_bytes)),
            ("links", some(held.links)),
            ("references", some(held.references)),
        ]);
        let row = |family: &jobs::snapshot::FamilyStats| {
            vec![family.family.clone(), count(family.files), bytes(family.bytes)]
        };
        text += "\n";
        text += &table(&["FAMILY", "#FILES", "#SIZE"], held.families.iter().map(row));
    }
    if schema {
        text += "\n";
        text += report.schema.trim_end();
        text += "\n";
    }
    if !report.file_list.is_empty() {
        let row = |file: &jobs::snapshot::FileEntry| {
            let len = file.len.map(bytes).unwrap_or_default();
            vec![file.place.unwrap_or("MISSING").to_owned(), len, file.path.clone()]
        };
        text += "\n";
        text += &table(&["WHERE", "#SIZE", "FILE"], report.file_list.iter().map(row));
    }
    text
}

/// The outcome of verifying a snapshot.
pub fn snapshot_verified(report: &SnapshotVerified) -> String {
    let verdict = match (report.missing, report.verified.damaged, report.verified.unreadable) {
        (0, 0, 0) => "is whole".to_owned(),
        (0, 0, unreadable) => format!("is NOT known to be whole: {unreadable} files could not be read"),
        (missing, damaged, 0) => format!("is NOT whole: {missing} files missing, {damaged} damaged"),
        (missing, damaged, unreadable) => {
            format!(
                "is NOT whole: {missing} files missing, {damaged} damaged, {unreadable} could not be read"
            )
        }
    };
    let head =
        format!("snapshot {} {verdict} (level {})\n", report.snapshot, reached(report.level, report.asked));
    head + &verified(&report.verified, report.needed) + &warnings(&report.warnings)
}

/// A level that was reached, and the one that was asked for if that is another.
pub fn reached(reached: jobs::Level, asked: jobs::Level) -> String {
    match reached == asked {
        true => asked.to_string(),
        false => format!("{reached}; {asked} was asked for and could not be reached in every file"),
    }
}

/// The outcome of verifying files.
pub fn verified(verified: &Verified, needed: u64) -> String {
    let digests = match verified.digests {
        compared if compared < needed => format!("{}/{} recorded", count(compared), count(needed)),
        compared => format!("{}/{}", count(compared), count(needed)),
    };
    let mut text = facts(&[
        ("files", files(verified.files, verified.bytes)),
        ("digests", digests),
        ("blocks", some(verified.blocks)),
        ("cells", some(verified.cells)),
        ("without checksums", some(verified.without_checksums)),
        ("not looked into", some(verified.not_looked_into.len() as u64)),
    ]);
    for file in &verified.not_looked_into {
        text += &format!("  {}: {} (level {})\n", file.path, file.why, file.level);
    }
    text
}
