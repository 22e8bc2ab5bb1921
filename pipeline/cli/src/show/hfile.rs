use super::{bytes, count, facts};
use jobs::hfile::{HFileDescription, HFilesReport, HFilesVerified};

/// HFiles, described.
pub fn hfiles(report: &HFilesReport) -> String {
    let described: Vec<String> = report.files.iter().map(hfile).collect();
    described.join("\n")
}

fn hfile(file: &HFileDescription) -> String {
    let bloom = |bloom: &Option<jobs::hfile::BloomDescription>| {
        let shown = bloom.as_ref().map(|bloom| {
            format!(
                "{} keys in {} ({} chunks, {} hashes)",
                count(bloom.keys),
                bytes(bloom.bytes),
                bloom.chunks,
                bloom.hashes
            )
        });
        shown.unwrap_or_default()
    };
    let mut text = facts(&[
        ("file", file.path.clone()),
        ("leads to", file.leads_to.clone().unwrap_or_default()),
        ("only", file.clip.clone().unwrap_or_default()),
        ("version", file.version.clone()),
        ("size", format!("{} ({} bytes)", bytes(file.len), file.len)),
        ("cells", count(file.entries)),
        ("uncompressed", bytes(file.uncompressed_bytes)),
        ("codec", file.codec.clone()),
        ("encoding", file.encoding.clone().unwrap_or_default()),
        ("data index", format!("{} levels, {} entries in the root", file.index_levels, file.index_entries)),
        ("comparator", file.comparator.clone().unwrap_or_default()),
        ("encrypted", if file.encrypted { "yes".into() } else { String::new() }),
        ("not looked into", file.not_looked_into.clone().unwrap_or_default()),
        (
            "bulk loaded",
            file.bulk_sequence.map(|id| format!("all cells have sequence id {id}")).unwrap_or_default(),
        ),
        ("bloom", bloom(&file.bloom)),
        ("delete bloom", bloom(&file.delete_family_bloom)),
    ]);
    if !file.file_info.is_empty() {
        text += "file info\n";
        for (key, value) in &file.file_info {
            text += &format!("  {key} = {value}\n");
        }
    }
    text
}

/// The outcome of verifying HFiles.
pub fn hfiles_verified(report: &HFilesVerified) -> String {
    let verified = &report.verified;
    let verdict = match (verified.damaged, verified.unreadable) {
        (0, 0) if report.level < report.asked => "no damage found".to_owned(),
        (0, 0) if verified.files < report.given => format!("{} not read", report.given - verified.files),
        (0, 0) => "all is well".to_owned(),
        (0, unreadable) => format!("{unreadable} NOT READ"),
        (damaged, 0) => format!("{damaged} DAMAGED"),
        (damaged, unreadable) => format!("{damaged} DAMAGED, {unreadable} NOT READ"),
    };
    let level = super::snapshot::reached(report.level, report.asked);
    let head = format!("{} files at level {level}: {verdict}\n", count(verified.files));
    head + &super::snapshot::verified(verified, verified.files)
}
