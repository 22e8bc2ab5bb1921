use super::{bytes, count, facts, files, some, table};
use jobs::image::{ImageEntry, ImageFile, ImageReport, ImagesReport};

/// The images of a repository.
pub fn images(report: &ImagesReport) -> String {
    if report.images.is_empty() {
        return format!("no images in {}\n", report.repository);
    }
    let row = |entry: &ImageEntry| {
        let image = &entry.image;
        vec![
            image.id.clone(),
            image.table.clone(),
            entry.created.clone(),
            count(image.files.count),
            bytes(image.files.bytes),
            image.verified.clone(),
        ]
    };
    table(&["IMAGE", "TABLE", "TAKEN", "#FILES", "#SIZE", "VERIFIED"], report.images.iter().map(row))
}

/// What an image holds.
pub fn image(report: &ImageReport) -> String {
    let image = &report.entry.image;
    let mut text = facts(&[
        ("image", image.id.clone()),
        ("snapshot", image.snapshot.clone()),
        ("table", image.table.clone()),
        ("taken", report.entry.created.clone()),
        ("from", format!("{} (snapshot {})", image.source.uri, image.source.snapshot)),
        ("cluster", image.source.cluster.clone().unwrap_or_default()),
        ("finished", format!("{} by Tidegate {}", report.entry.finished, image.run.tidegate)),
        ("files", files(image.files.count, image.files.bytes)),
        ("verified", image.verified.clone()),
        ("without checksums", some(image.files.without_checksums)),
        ("encrypted", some(image.files.encrypted)),
        ("document", format!("{}/image.json", report.path)),
    ]);
    if !report.file_list.is_empty() {
        let row = |file: &ImageFile| {
            let blake3 =
                file.blake3.map(|hash| hash.to_string().chars().take(16).collect()).unwrap_or_default();
            vec![bytes(file.len), file.crc32c.clone().unwrap_or_default(), blake3, file.path.clone()]
        };
        text += "\n";
        text += &table(&["#SIZE", "CRC32C", "BLAKE3", "FILE"], report.file_list.iter().map(row));
    }
    text
}
