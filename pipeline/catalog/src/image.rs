use crate::document::directories;
use crate::{CatalogError, decode_document, encode_document, repository::layout};
use serde::{Deserialize, Serialize};
use store::{Store, StorePath};

/// Longest `image.json` that is read.
const MAX_IMAGE: u64 = 16 << 20;

/// One export, whole and proved: the document whose presence makes it count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Layout of this document.
    pub version: u32,
    /// Names the image: the snapshot's creation time, its name and the first digits of the plan's digest.
    pub id: String,
    /// BLAKE3 of the plan, in hexadecimal: the same plan gives the same image.
    pub plan: String,
    /// Where it came from.
    pub source: ImageSource,
    /// Name of the snapshot in this repository.
    pub snapshot: String,
    /// The table, as `ns:name`.
    pub table: String,
    /// BLAKE3 of `data.manifest`, in hexadecimal.
    pub manifest_blake3: String,
    /// The files.
    pub files: ImageFiles,
    /// What was proved of each file: `list`, `sums`, `blocks` or `cells`.
    pub verified: String,
    /// The cut at which it, or what it was exported from, was restored; `None` for a snapshot that HBase took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<ImageCut>,
    /// The run that finished it.
    pub run: ImageRun,
}

/// Where an image came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSource {
    /// The root's URI.
    pub uri: String,
    /// The cluster's id, from `hbase.id`, where there is one.
    pub cluster: Option<String>,
    /// The snapshot's name there.
    pub snapshot: String,
    /// When the snapshot was taken, milliseconds since the epoch.
    pub created_ms: i64,
}

/// How many files an image has, and the list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFiles {
    /// Number of files.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// Files that hold no checksums in their blocks.
    pub without_checksums: u64,
    /// Files that cannot be looked into without a key.
    pub encrypted: u64,
    /// BLAKE3 of `files.parquet`, in hexadecimal.
    pub list_blake3: String,
}

/// The cut at which an image was restored, and what was proved of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCut {
    /// The cut, as typed.
    pub until: String,
    /// What clocks proved: `none`, `bounded`.
    pub clock: String,
    /// Whether nothing is missing and nothing ambiguous.
    pub proved: bool,
    /// Gaps that were accepted, `REGION:FROM-TO`, including those of the snapshot that the cut stood on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_gaps: Vec<String>,
    /// What else may be missing, a line each, including what the snapshot that the cut stood on may lack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproved: Vec<String>,
}

/// The run that finished an image. Two runs of one plan differ in nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRun {
    /// Names the journal.
    pub id: String,
    /// When it was finished, milliseconds since the epoch.
    pub finished_ms: i64,
    /// Version of Tidegate.
    pub tidegate: String,
}

impl Image {
    /// The layout that this version writes, and the newest it reads.
    pub const VERSION: u32 = 1;

    /// The document's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, CatalogError> {
        encode_document(self)
    }
}

/// An image and where it lies.
#[derive(Debug, Clone)]
pub struct ListedImage {
    /// Its directory.
    pub dir: StorePath,
    /// The image, or why it cannot be read.
    pub image: Result<Image, String>,
}

/// All images of a repository, in the order of their months and ids. A damaged one is listed as such.
pub fn list_images(store: &dyn Store) -> Result<Vec<ListedImage>, CatalogError> {
    let home = layout::images()?;
    let mut images = Vec::new();
    for month in directories(store, &home)? {
        for id in directories(store, &home.join(&month)?)? {
            let dir = home.join(&month)?.join(&id)?;
            match read_image(store, &dir) {
                Err(CatalogError::Store(error)) if error.is_not_found() => {} // not published
                read => images.push(ListedImage { dir, image: read.map_err(|error| error.to_string()) }),
            }
        }
    }
    Ok(images)
}

/// The images that published a snapshot with this manifest, in the order of the list.
pub fn images_of_snapshot<'a>(
    images: &'a [ListedImage],
    snapshot: &'a str,
    manifest: &[u8],
) -> impl DoubleEndedIterator<Item = (&'a ListedImage, &'a Image)> + use<'a> {
    let digest = blake3::hash(manifest).to_hex();
    let whole = images.iter().filter_map(|listed| Some((listed, listed.image.as_ref().ok()?)));
    whole.filter(move |(_, image)| image.snapshot == snapshot && image.manifest_blake3 == digest.as_str())
}

/// The cut at which a snapshot was restored, or the one that it was exported from: what its images say.
#[must_use]
pub fn cut_of_snapshot<'a>(
    images: &'a [ListedImage],
    snapshot: &'a str,
    manifest: &[u8],
) -> Option<&'a ImageCut> {
    images_of_snapshot(images, snapshot, manifest).filter_map(|(_, image)| image.cut.as_ref()).next_back()
}

/// The image with this id, `None` if there is none.
pub fn find_image(store: &dyn Store, id: &str) -> Result<Option<ListedImage>, CatalogError> {
    Ok(list_images(store)?.into_iter().find(|listed| listed.dir.name() == id))
}

/// The image in this directory.
pub fn read_image(store: &dyn Store, dir: &StorePath) -> Result<Image, CatalogError> {
    let path = dir.join("image.json")?;
    let bytes = store::read_all(store, &path, MAX_IMAGE)?;
    let image: Image = decode_document(path.as_str(), &bytes)?;
    if image.version > Image::VERSION {
        let what =
            format!("the image has version {}, this Tidegate reads up to {}", image.version, Image::VERSION);
        return Err(CatalogError::damaged(path, what));
    }
    Ok(image)
}
