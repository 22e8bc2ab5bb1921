use super::{bytes, count, facts, files, some, table};
use jobs::convert::{ConvertReport, PlannedWal, TableCounts};

/// What a conversion did.
pub fn convert(report: &ConvertReport) -> String {
    if report.dry_run {
        let head = format!(
            "{} of {} WALs would be converted\n",
            count(report.planned.len() as u64),
            count(report.wals.found)
        );
        let row = |wal: &PlannedWal| vec![bytes(wal.bytes), wal.path.clone()];
        return match report.planned.is_empty() {
            true => head,
            false => head + &table(&["#SIZE", "WAL"], report.planned.iter().map(row)),
        };
    }
    let (wals, written, bulk) = (&report.wals, &report.written, &report.bulk);
    let mut text = facts(&[
        ("WALs", count(wals.found)),
        ("converted", some(wals.converted)),
        ("of those still open", some(wals.open)),
        ("of those empty", some(wals.empty)),
        ("converted earlier", some(wals.already)),
        ("NOT converted", some(wals.failed)),
        ("without user data", some(wals.passed_over)),
        ("under other names", some(wals.renamed)),
        ("of unknown order", some(wals.unordered)),
        ("side files", some(wals.side_files)),
        ("families in clear", some(report.in_clear_text.len() as u64)),
        ("read", if report.bytes_read == 0 { String::new() } else { bytes(report.bytes_read) }),
        ("batches written", files(written.batches, written.batch_bytes)),
        ("markers and lineage", files(written.others, written.other_bytes)),
        ("bulk-loaded files", some(bulk.named)),
        ("kept now", files(bulk.copied, bulk.copied_bytes)),
        ("NOT kept", some(bulk.failed)),
    ]);
    if !report.tables.is_empty() {
        let row =
            |(name, of): (&String, &TableCounts)| vec![name.clone(), count(of.entries), count(of.cells)];
        text += "\n";
        text += &table(&["TABLE", "#ENTRIES", "#CELLS"], report.tables.iter().map(row));
    }
    text
}
