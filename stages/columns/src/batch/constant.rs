//! A column that says the same in every row of a row group: a dictionary of one, and one run of it. Writing it costs nothing a row,
//! where the library would look each value up.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// Encodes a column chunk whose rows all have this value, or all none: its bytes, and what the footer says of it. Statistics
/// are those of the value.
pub(super) fn constant_chunk(
    column: &ColumnDescPtr,
    value: Option<&[u8]>,
    rows: usize,
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let mut chunk = Vec::new();
    let (dictionary, data) = {
        let mut sink = TrackedWrite::new(&mut chunk);
        let mut writer = SerializedPageWriter::new(&mut sink);
        let dictionary =
            value.map(|value| writer.write_page(uncompressed(dictionary_page(value)))).transpose()?;
        let data = writer.write_page(uncompressed(data_page(column, value.is_some(), rows)))?;
        writer.close()?;
        (dictionary, data)
    };
    let closed = close(column, value, dictionary.as_ref(), &data, rows)?;
    Ok((Bytes::from(chunk), closed))
}

fn uncompressed(page: Page) -> CompressedPage {
    let len = page.buffer().len();
    CompressedPage::new(page, len)
}

fn dictionary_page(value: &[u8]) -> Page {
    // No longer than a region's or family's name.
    let length = value.len() as u32;
    let buf = Bytes::from([&length.to_le_bytes(), value].concat());
    Page::DictionaryPage { buf, num_values: 1, encoding: Encoding::PLAIN, is_sorted: false }
}

/// Levels, if the column may be null, and a run of the only number, which has no bits.
fn data_page(column: &ColumnDescPtr, there: bool, rows: usize) -> Page {
    let run = run_header(rows);
    let mut buf = Vec::new();
    if column.max_def_level() > 0 {
        let levels = [run.as_slice(), &[u8::from(there)]].concat();
        buf.extend_from_slice(&(levels.len() as u32).to_le_bytes());
        buf.extend_from_slice(&levels);
    }
    if there {
        buf.push(0);
        buf.extend_from_slice(&run);
    }
    Page::DataPage {
        buf: Bytes::from(buf),
        num_values: rows as u32,
        encoding: if there { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN },
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    }
}

/// The header of a run in Parquet's hybrid of runs and packed bits: its length, shifted by one, as a varint.
fn run_header(rows: usize) -> Vec<u8> {
    let (mut header, mut left) = (Vec::new(), (rows as u64) << 1);
    while left >= 0x80 {
        header.push(left as u8 | 0x80);
        left >>= 7;
    }
    header.push(left as u8);
    header
}

fn close(
    column: &ColumnDescPtr,
    value: Option<&[u8]>,
    dictionary: Option<&PageWriteSpec>,
    data: &PageWriteSpec,
    rows: usize,
) -> Result<ColumnCloseResult, ParquetError> {
    let bytes = dictionary.map_or(0, |page| page.bytes_written) + data.bytes_written;
    let bound = || value.map(|value| ByteArray::from(value.to_vec()));
    let nulls = if value.is_some() { 0 } else { rows as u64 };
    let encodings = match dictionary {
        Some(_) => vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY],
        None => vec![Encoding::PLAIN, Encoding::RLE],
    };
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_compression(Compression::UNCOMPRESSED)
        .set_encodings(encodings)
        .set_num_values(rows as i64)
        .set_total_compressed_size(bytes as i64)
        .set_total_uncompressed_size(bytes as i64)
        .set_dictionary_page_offset(dictionary.map(|page| page.offset as i64))
        .set_data_page_offset(data.offset as i64)
        .set_statistics(Statistics::new(bound(), bound(), None, Some(nulls), false))
        .build()?;
    let mut index = OffsetIndexBuilder::new();
    index.append_row_count(rows as i64);
    index.append_offset_and_size(data.offset as i64, data.bytes_written as i32);
    let text = value.map_or(0, |value| value.len().saturating_mul(rows));
    index.append_unencoded_byte_array_data_bytes(Some(text as i64));
    Ok(ColumnCloseResult {
        bytes_written: bytes,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: Some(index.build()),
    })
}
