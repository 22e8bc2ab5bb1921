use crate::error::damaged;
use crate::files::schema::{MARK, schema};
use crate::files::{FileRow, RangeDigest};
use crate::row_decoder::RowDecoder;
use crate::{ChunkReader, ReadError};
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, ListArray, PrimitiveArray, RecordBatch, StringArray,
    StructArray, UInt32Array, UInt64Array,
};

/// Reads a file list, a batch of rows at a time. After an error it yields nothing more.
pub struct FileListDecoder(RowDecoder<FileRow>);

impl FileListDecoder {
    /// Opens a file list: reads its footer and checks that it is one, in a known version.
    pub fn new<R: ChunkReader + 'static>(input: R) -> Result<Self, ReadError> {
        let (rows, ()) = RowDecoder::open(input, (MARK, &schema()), rows, |_| Ok(()))?;
        Ok(Self(rows))
    }

    /// The number of rows that it claims, compared with what was read when the last one has been.
    pub fn rows(&self) -> u64 {
        self.0.rows()
    }
}

impl Iterator for FileListDecoder {
    type Item = Result<Vec<FileRow>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// The columns of a batch.
struct Columns<'a> {
    path: &'a StringArray,
    source_path: &'a StringArray,
    len: &'a UInt64Array,
    crc32c: &'a UInt32Array,
    blake3: &'a FixedSizeBinaryArray,
    ranges: Ranges<'a>,
    kind: &'a StringArray,
    table: &'a StringArray,
    region: &'a StringArray,
    family: &'a StringArray,
    min_sequence: &'a UInt64Array,
    max_sequence: &'a UInt64Array,
    entries: &'a UInt64Array,
    encrypted: &'a BooleanArray,
    key_alias: &'a StringArray,
    blocks: &'a UInt64Array,
    checksum_type: &'a StringArray,
    identity: &'a StringArray,
}

struct Ranges<'a> {
    lists: &'a ListArray,
    offset: &'a UInt64Array,
    len: &'a UInt64Array,
    crc32c: &'a UInt32Array,
    blake3: &'a FixedSizeBinaryArray,
}

fn rows(batch: &RecordBatch) -> Result<Vec<FileRow>, ReadError> {
    let columns = Columns::of(batch)?;
    (0..batch.num_rows()).map(|row| columns.row(row)).collect()
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, ReadError> {
        let find = |name| batch.column_by_name(name).ok_or_else(|| unlike(name));
        let text = |name| find(name)?.as_string_opt::<i32>().ok_or_else(|| unlike(name));
        let number = |name| find(name)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| unlike(name));
        Ok(Self {
            path: text("path")?,
            source_path: text("source_path")?,
            len: number("len")?,
            crc32c: find("crc32c")?.as_primitive_opt::<UInt32Type>().ok_or_else(|| unlike("crc32c"))?,
            blake3: find("blake3")?.as_fixed_size_binary_opt().ok_or_else(|| unlike("blake3"))?,
            ranges: Ranges::of(find("ranges")?)?,
            kind: text("kind")?,
            table: text("table")?,
            region: text("region")?,
            family: text("family")?,
            min_sequence: number("min_sequence")?,
            max_sequence: number("max_sequence")?,
            entries: number("entries")?,
            encrypted: find("encrypted")?.as_boolean_opt().ok_or_else(|| unlike("encrypted"))?,
            key_alias: text("key_alias")?,
            blocks: number("blocks")?,
            checksum_type: text("checksum_type")?,
            identity: text("identity")?,
        })
    }

    fn row(&self, row: usize) -> Result<FileRow, ReadError> {
        Ok(FileRow {
            path: self.path.value(row).to_owned(),
            source_path: self.source_path.value(row).to_owned(),
            len: self.len.value(row),
            crc32c: optional(self.crc32c, row),
            blake3: self.blake3.is_valid(row).then(|| digest(self.blake3, row)).transpose()?,
            ranges: self.ranges.row(row)?,
            kind: self.kind.value(row).to_owned(),
            table: self.table.value(row).to_owned(),
            region: self.region.value(row).to_owned(),
            family: self.family.value(row).to_owned(),
            min_sequence: optional(self.min_sequence, row),
            max_sequence: optional(self.max_sequence, row),
            entries: optional(self.entries, row),
            encrypted: self.encrypted.value(row),
            key_alias: optional_text(self.key_alias, row),
            blocks: optional(self.blocks, row),
            checksum_type: optional_text(self.checksum_type, row),
            identity: self.identity.value(row).to_owned(),
        })
    }
}

impl<'a> Ranges<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self, ReadError> {
        let lists = column.as_list_opt::<i32>().ok_or_else(|| unlike("ranges"))?;
        let all: &StructArray = lists.values().as_struct_opt().ok_or_else(|| unlike("ranges"))?;
        let find = |name| all.column_by_name(name).ok_or_else(|| unlike("ranges"));
        let number = |name| find(name)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| unlike("ranges"));
        Ok(Self {
            lists,
            offset: number("offset")?,
            len: number("len")?,
            crc32c: find("crc32c")?.as_primitive_opt::<UInt32Type>().ok_or_else(|| unlike("ranges"))?,
            blake3: find("blake3")?.as_fixed_size_binary_opt().ok_or_else(|| unlike("ranges"))?,
        })
    }

    fn row(&self, row: usize) -> Result<Vec<RangeDigest>, ReadError> {
        let bound = |at| self.lists.value_offsets().get(at).and_then(|offset| usize::try_from(*offset).ok());
        let (Some(start), Some(end)) = (bound(row), bound(row + 1)) else { return Err(unlike("ranges")) };
        let range = |at| {
            Ok(RangeDigest {
                offset: self.offset.value(at),
                len: self.len.value(at),
                crc32c: self.crc32c.value(at),
                blake3: digest(self.blake3, at)?,
            })
        };
        (start..end).map(range).collect()
    }
}

fn optional<T: arrow_array::ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

fn optional_text(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

fn digest(column: &FixedSizeBinaryArray, row: usize) -> Result<[u8; 32], ReadError> {
    column.value(row).try_into().map_err(damaged)
}

fn unlike(column: &str) -> ReadError {
    ReadError::OtherColumns(format!("`{column}` is missing or of another type"))
}
