use super::{facts, files, some, warnings};
use jobs::export::{Counted, ExportReport};

/// What an export did.
pub fn export(report: &ExportReport) -> String {
    let counted = |counted: &Counted| files(counted.files, counted.bytes);
    let title = match (report.dry_run, report.already_there) {
        (true, _) => format!("would export {} to {}", report.snapshot, report.to),
        (false, true) => format!("{} is in {} already, unchanged", report.target, report.to),
        (false, false) => format!("exported {} to {}", report.snapshot, report.to),
    };
    let facts = facts(&[
        ("table", report.table.clone()),
        ("snapshot", report.target.clone()),
        ("image", report.image.clone().unwrap_or_default()),
        ("regions", report.regions.to_string()),
        ("files", counted(&report.files)),
        ("copied", counted(&report.copied)),
        ("finished earlier", counted(&report.resumed)),
        ("there and unchanged", counted(&report.reused)),
        ("there and equal", counted(&report.compared)),
        ("there and replaced", counted(&report.replaced)),
        ("verified", report.verified.to_string()),
        ("without checksums", some(report.without_checksums)),
        ("encrypted", some(report.encrypted)),
        ("not looked into", some(report.not_looked_into)),
    ]);
    let next = match report.dry_run {
        true => String::new(),
        false => format!("In the HBase shell of the target:  clone_snapshot '{}', 'TABLE'\n", report.target),
    };
    format!("{title}\n{facts}{}{next}", warnings(&report.warnings))
}
