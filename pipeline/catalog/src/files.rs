use crate::{CatalogError, Image, ListedImage};
use columns::Bytes;
use columns::files::{FileListDecoder, FileListEncoder, FileRow};
use store::{Store, StorePath, read_all};

/// The longest `files.parquet` that is read: some 20 million files.
const MAX_LIST: u64 = 2 << 30;

/// The files of an image, in batches, from its `files.parquet`.
pub struct FilesOfImage {
    rows: FileListDecoder,
    path: String,
}

impl FilesOfImage {
    /// Opens the list of an image in `dir`, if its digest agrees with the image.
    pub fn open(store: &dyn Store, dir: &StorePath, image: &Image) -> Result<Self, CatalogError> {
        let path = dir.join("files.parquet")?;
        let bytes = read_all(store, &path, MAX_LIST)?;
        if blake3::hash(&bytes).to_hex().as_str() != image.files.list_blake3 {
            return Err(CatalogError::damaged(path, "its digest is not the one that the image gives"));
        }
        let path = path.to_string();
        let rows =
            FileListDecoder::new(Bytes::from(bytes)).map_err(|error| CatalogError::damaged(&path, error))?;
        Ok(Self { rows, path })
    }

    /// Opens the list of a listed image.
    pub fn of(store: &dyn Store, listed: &ListedImage) -> Result<Self, CatalogError> {
        match &listed.image {
            Ok(image) => Self::open(store, &listed.dir, image),
            Err(what) => Err(CatalogError::damaged(&listed.dir, what)),
        }
    }
}

impl Iterator for FilesOfImage {
    type Item = Result<Vec<FileRow>, CatalogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.rows.next()?;
        Some(batch.map_err(|error| CatalogError::damaged(&self.path, error)))
    }
}

/// The bytes of `files.parquet`, from rows in the order of their paths.
pub fn encode_files(
    rows: impl Iterator<Item = Result<FileRow, CatalogError>>,
) -> Result<Vec<u8>, CatalogError> {
    let unencodable = |error: columns::WriteError| CatalogError::damaged("files.parquet", error);
    let mut bytes = Vec::new();
    let mut encoder = FileListEncoder::new(&mut bytes).map_err(unencodable)?;
    for row in rows {
        encoder.push(row?).map_err(unencodable)?;
    }
    encoder.finish().map_err(unencodable)?;
    Ok(bytes)
}
