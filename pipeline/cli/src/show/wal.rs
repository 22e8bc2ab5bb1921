use super::{bytes, count, facts, files, some, table};
use jobs::wal::{RegionDescription, SalvageReport, WalDescription, WalsReport, WalsVerified};

/// WALs, described.
pub fn wals(report: &WalsReport) -> String {
    let described: Vec<String> = report.files.iter().map(wal).collect();
    described.join("\n")
}

fn wal(wal: &WalDescription) -> String {
    let times = wal.first_write_time.zip(wal.last_write_time);
    let mut text = facts(&[
        ("file", wal.path.clone()),
        ("size", format!("{} ({} bytes)", bytes(wal.bytes), wal.bytes)),
        ("server", wal.server.clone().unwrap_or_default()),
        ("created", wal.created_ms.map(|ms| ms.to_string()).unwrap_or_default()),
        ("writer", wal.writer.clone().unwrap_or_default()),
        ("layout", wal.layout.unwrap_or_default().to_owned()),
        ("values", wal.value_codec.clone().unwrap_or_default()),
        ("end", format!("{} (last whole entry ends at {})", wal.end, wal.end_offset)),
        ("entries", count(wal.entries)),
        ("cells", count(wal.cells)),
        ("markers", some(wal.markers)),
        ("write times", times.map(|(first, last)| format!("{first} to {last}")).unwrap_or_default()),
    ]);
    if !wal.regions.is_empty() {
        let row = |of: &RegionDescription| {
            vec![
                of.region.clone(),
                of.table.clone(),
                count(of.entries),
                count(of.cells),
                count(of.markers),
                of.first_sequence.to_string(),
                of.last_sequence.to_string(),
            ]
        };
        let headings = ["REGION", "TABLE", "#ENTRIES", "#CELLS", "#MARKERS", "#FIRST ID", "#LAST ID"];
        text += &table(&headings, wal.regions.iter().map(row));
    }
    text
}

/// The outcome of verifying WALs.
pub fn wals_verified(report: &WalsVerified) -> String {
    facts(&[
        ("WALs", files(report.files, report.bytes)),
        ("closed", count(report.closed)),
        ("entries", count(report.entries)),
        ("cells", count(report.cells)),
        ("markers", count(report.markers)),
    ])
}

/// The outcome of salvaging a WAL.
pub fn salvaged(report: &SalvageReport) -> String {
    let salvaged = &report.salvaged;
    facts(&[
        ("file", salvaged.path.clone()),
        ("end", salvaged.end.to_owned()),
        ("whole entries", format!("{} ({})", count(salvaged.entries), bytes(salvaged.entry_bytes))),
        ("lost", if salvaged.lost_bytes == 0 { "nothing".into() } else { bytes(salvaged.lost_bytes) }),
        ("lost entries, at most", some(salvaged.lost_entries_at_most)),
        ("written", report.written.clone().unwrap_or_default()),
    ])
}
