use super::{count, facts, files, some, warnings};
use jobs::export::Counted;
use jobs::restore::{Forecast, RestoreReport, RestoredTable};

/// What a restore did.
pub fn restore(report: &RestoreReport) -> String {
    let tables: Vec<String> = report.tables.iter().map(|table| shown(report, table)).collect();
    let mut text = tables.join("\n");
    if let Some(certificate) = &report.certificate {
        text += &format!("\n{}\n", super::cut(certificate));
    }
    if !report.dry_run {
        text += "In the HBase shell of the target:\n";
        for table in &report.tables {
            let name = table.restored_as.strip_prefix("default:").unwrap_or(&table.restored_as);
            text += &format!("  clone_snapshot '{}', '{name}'\n", table.snapshot);
        }
    }
    text
}

fn forecast(of: &Forecast) -> String {
    let bulk =
        if of.bulk_files == 0 { String::new() } else { format!(", {} bulk-loaded files", of.bulk_files) };
    format!(
        "about {} cells in {} of batches{bulk}, into {} stores at most; about {} s",
        count(of.cells),
        super::bytes(of.batch_bytes),
        of.stores,
        of.seconds.max(1)
    )
}

fn shown(report: &RestoreReport, table: &RestoredTable) -> String {
    let counted = |counted: &Counted| files(counted.files, counted.bytes);
    let title = match (report.dry_run, table.already_there) {
        (true, _) => format!("would restore {} as snapshot {} in {}", table.table, table.snapshot, report.to),
        (false, true) => format!("snapshot {} is in {} already, unchanged", table.snapshot, report.to),
        (false, false) => format!("restored {} as snapshot {} in {}", table.table, table.snapshot, report.to),
    };
    let renamed = table.restored_as != table.table;
    let facts = facts(&[
        ("restored as", if renamed { table.restored_as.clone() } else { String::new() }),
        ("base snapshot", table.base.clone()),
        ("until", report.until.clone()),
        ("image", table.image.clone().unwrap_or_default()),
        ("regions", table.regions.to_string()),
        ("files of the base", counted(&table.base_files)),
        ("used where they are", counted(&table.reused)),
        ("copied", counted(&table.copied)),
        ("finished earlier", counted(&table.resumed)),
        ("there and equal", counted(&table.compared)),
        ("there and replaced", counted(&table.replaced)),
        ("new files", counted(&table.written)),
        ("cells in them", some(table.cells)),
        ("duplicates", some(table.duplicates)),
        ("version deletes", some(table.version_deletes)),
        ("cells LEFT OUT", some(table.left_out.values().sum())),
        ("forecast", table.forecast.as_ref().filter(|_| report.dry_run).map_or(String::new(), forecast)),
    ]);
    format!("{title}\n{facts}{}", warnings(&table.warnings))
}
