//! Which images a repository has and what they hold.

use crate::roots;
use catalog::time;
use catalog::{CatalogError, FilesOfImage, Image, Repository, find_image, list_images};
use serde::Serialize;
use stage::{Failure, Problem, ProblemKind, Problems, Report};
use steps::bytes::Blake3;

/// The images of a repository.
#[derive(Debug, Clone, Serialize)]
pub struct ImagesReport {
    /// URI of the repository.
    pub repository: String,
    /// The repository's id.
    pub id: Option<String>,
    /// In order of the snapshots' times.
    pub images: Vec<ImageEntry>,
}

/// An image in a list.
#[derive(Debug, Clone, Serialize)]
pub struct ImageEntry {
    /// When the snapshot was taken, as `2026-11-20T10:00:00Z`.
    pub created: String,
    /// When the export was finished.
    pub finished: String,
    /// The image itself.
    #[serde(flatten)]
    pub image: Image,
}

/// What an image holds.
#[derive(Debug, Clone, Serialize)]
pub struct ImageReport {
    /// URI of the repository.
    pub repository: String,
    /// Its directory.
    pub path: String,
    /// The image.
    #[serde(flatten)]
    pub entry: ImageEntry,
    /// Every file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_list: Vec<ImageFile>,
}

/// One file of an image.
#[derive(Debug, Clone, Serialize)]
pub struct ImageFile {
    /// Where it is, below the root.
    pub path: String,
    /// Its length.
    pub len: u64,
    /// CRC32C, in hexadecimal.
    pub crc32c: Option<String>,
    /// BLAKE3, in hexadecimal.
    pub blake3: Option<Blake3>,
    /// Cells in it.
    pub entries: Option<u64>,
}

const DOING: &str = "reading the repository";

/// Lists the images of a repository; a damaged one is a problem.
pub fn list(from: &str) -> Result<Report<ImagesReport>, Failure> {
    let store = roots::open_existing(from)?;
    let failed = |error: CatalogError| error.failed(DOING);
    let repository = Repository::read(store.as_ref()).map_err(failed)?;
    let mut problems = Problems::default();
    let mut images = Vec::new();
    for listed in list_images(store.as_ref()).map_err(failed)? {
        match listed.image {
            Ok(image) => images.push(entry_of(image)),
            Err(what) => problems.push(
                Problem::new(ProblemKind::Structure, &listed.dir, what)
                    .meaning("the image cannot be used; its files are not lost")
                    .hint("export the snapshot again"),
            ),
        }
    }
    let report =
        ImagesReport { repository: store.uri(), id: repository.map(|repository| repository.id), images };
    Ok(Report::new("image list", report, problems))
}

/// Describes an image.
pub fn info(from: &str, id: &str, with_files: bool) -> Result<Report<ImageReport>, Failure> {
    let store = roots::open_existing(from)?;
    let failed = |error: CatalogError| error.failed(DOING);
    let missing = || {
        Failure::failed("looking for the image", store.uri(), format!("there is no image {id}"))
            .hint("tidegate image list shows the images")
    };
    let listed = find_image(store.as_ref(), id).map_err(failed)?.ok_or_else(missing)?;
    let image = match listed.image.clone() {
        Ok(image) => image,
        Err(what) => return Err(Failure::failed(DOING, &listed.dir, what).hint("export the snapshot again")),
    };
    let mut file_list = Vec::new();
    if with_files {
        for batch in FilesOfImage::open(store.as_ref(), &listed.dir, &image).map_err(failed)? {
            file_list.extend(batch.map_err(failed)?.into_iter().map(|row| ImageFile {
                path: row.path,
                len: row.len,
                crc32c: row.crc32c.map(|crc| format!("{crc:08x}")),
                blake3: row.blake3.map(Blake3),
                entries: row.entries,
            }));
        }
    }
    let report = ImageReport {
        repository: store.uri(),
        path: listed.dir.to_string(),
        entry: entry_of(image),
        file_list,
    };
    Ok(Report::new("image info", report, Problems::default()))
}

fn entry_of(image: Image) -> ImageEntry {
    ImageEntry {
        created: time::shown(image.source.created_ms),
        finished: time::shown(image.run.finished_ms),
        image,
    }
}
