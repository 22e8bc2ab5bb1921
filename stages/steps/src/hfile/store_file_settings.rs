//! How a family's files are to be written, by its descriptor.

use formats::FormatError;
use formats::compress::Codec;
use formats::encoding::{CellLayout, DataBlockEncoding};
use formats::hfile::HFileContext;
use formats::schema::{BloomType, ColumnFamilySchema};
use stage::Failure;

const DOING: &str = "choosing how files of the family are written";
const INSTEAD: &str = "`--until snapshot` needs no new file of the family, and `replay --to jsonl:FILE` writes its \
                       edits without HFiles";

/// How the files of a family are written.
#[derive(Debug, Clone)]
pub struct StoreFileSettings {
    /// The encoder's settings.
    pub context: HFileContext,
    /// Whether large values of the family lie in files of their own.
    pub is_mob: bool,
    /// What the descriptor asks for and the files will lack; HBase reads them all the same.
    pub notes: Vec<String>,
}

/// Settings of the files of a family as HBase would write them. `has_tags` says whether their cells have room for
/// tags: true is always right, and costs two bytes per cell where there are none.
///
/// # Errors
/// A refusal if the descriptor asks for what cannot be written: encryption, a codec (LZO, BZIP2, LZMA, BROTLI), a
/// dictionary, an encoding that HBase 2 does not have. It says what can be done instead.
pub fn store_file_settings(
    family: &ColumnFamilySchema,
    has_tags: bool,
) -> Result<StoreFileSettings, Failure> {
    let misread = |error: FormatError| refused(family, &error.what, "repair the table's descriptor");
    if let Some(cipher) = family.encryption().map_err(misread)?.filter(|cipher| !cipher.is_empty()) {
        let what = format!("ENCRYPTION is {cipher}: its cells would be written in the clear");
        return Err(refused(family, &what, INSTEAD));
    }
    let name = family.compression().map_err(misread)?;
    let Some(codec) = Codec::from_name(&name).filter(|codec| codec.is_written()) else {
        let what = format!("COMPRESSION is {name}: this codec is not written");
        let hint = format!("set another COMPRESSION and take a new snapshot; {INSTEAD}");
        return Err(refused(family, &what, &hint));
    };
    if codec == Codec::Zstd && family.configuration.get(ZSTD_DICTIONARY).is_some() {
        // Its readers load the dictionary for every frame, even for those that were made without one.
        let what = format!("{ZSTD_DICTIONARY} is set: frames with a dictionary are not written");
        return Err(refused(family, &what, INSTEAD));
    }
    let name = family.data_block_encoding().map_err(misread)?;
    let Some(encoding) = DataBlockEncoding::from_name(name.as_bytes()) else {
        let what = format!("DATA_BLOCK_ENCODING is {name}, which HBase 2 does not have");
        return Err(refused(family, &what, INSTEAD));
    };
    let size = family.block_size().map_err(misread)?;
    let Some(block_size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        return Err(refused(family, &format!("BLOCKSIZE is {size}"), "repair the table's descriptor"));
    };
    let bloom = family.bloom_type().map_err(misread)?;
    let layout = CellLayout { encoding, has_tags, tags_compressed: family.compress_tags(), has_mvcc: true };
    let row_bloom = bloom == BloomType::Row;
    let context = HFileContext { layout, codec, block_size, row_bloom, ..HFileContext::default() };
    let notes = notes(family, bloom).map_err(misread)?;
    Ok(StoreFileSettings { context, is_mob: family.is_mob(), notes })
}

const ZSTD_DICTIONARY: &str = "hbase.io.compress.zstd.dictionary";

fn notes(family: &ColumnFamilySchema, bloom: BloomType) -> Result<Vec<String>, FormatError> {
    let mut notes = Vec::new();
    if matches!(bloom, BloomType::RowCol | BloomType::RowPrefixFixedLength) {
        let kind = if bloom == BloomType::RowCol { "ROWCOL" } else { "ROWPREFIX_FIXED_LENGTH" };
        notes.push(format!(
            "family {}: new files have no {kind} bloom filter; Gets look into them until a compaction writes one",
            family.name
        ));
    }
    let index = family.index_block_encoding()?;
    if index != "NONE" {
        notes.push(format!(
            "family {}: new files have a plain index, not {index}, which HBase cannot read itself",
            family.name
        ));
    }
    Ok(notes)
}

fn refused(family: &ColumnFamilySchema, what: &str, hint: &str) -> Failure {
    Failure::refused(DOING, format!("family {}", family.name), what).hint(hint)
}
