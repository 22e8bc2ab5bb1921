use super::{count, facts, some, table};
use jobs::replay::ReplayReport;

/// What a replay did.
pub fn replay(report: &ReplayReport) -> String {
    let mut text = facts(&[
        ("from", report.from.clone()),
        ("to", report.to.clone()),
        ("entries", count(report.entries)),
        ("cells", count(report.cells)),
        ("duplicates", some(report.duplicates)),
        ("published", if report.published { "yes" } else { "no: the stream is incomplete" }.to_owned()),
    ]);
    if let Some(hfiles) = &report.hfiles {
        text += &facts(&[
            ("files", count(hfiles.files)),
            ("bytes", count(hfiles.bytes)),
            ("superseded", some(hfiles.superseded)),
        ]);
    }
    let rows = report
        .tables
        .iter()
        .map(|of| vec![of.table.clone(), count(of.regions.len() as u64), count(of.entries), count(of.cells)]);
    text += &table(&["TABLE", "#REGIONS", "#ENTRIES", "#CELLS"], rows);
    text
}
