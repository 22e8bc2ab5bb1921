//! Writing WALs as HBase does (`ProtobufLogWriter`, `WALCellCodec.CompressedKvEncoder`).

use super::cells::encode_cell;
use super::dictionaries::{LARGE, SMALL};
use super::header::{CellLayout, TRAILER, WalHeader};
use super::key::{AsIs, KeyStrings, WalKeyFields};
use crate::cell::CellRef;
use crate::compress::{Codec, Compressor};
use crate::dictionary::{DictionaryEncoder, TagEncoder};
use crate::varint::encode_uvarint;
use crate::{FormatError, Unsupported};

/// Encodes one WAL from front to back: header, entries, and, if it is closed, trailer.
#[derive(Debug)]
pub struct WalEncoder {
    header: WalHeader,
    compression: Option<Box<CompressionContext>>,
    message: Vec<u8>,
}

/// The dictionaries of one file. Key strings and cells have separate ones, but share that of families.
#[derive(Debug)]
struct CompressionContext {
    strings: StringDictionaries,
    qualifier: DictionaryEncoder,
    row: DictionaryEncoder,
    tags: Option<TagEncoder>,
    value_codec: Option<Codec>,
    /// For Phoenix's codec: a byte precedes each cell.
    indexed: bool,
    compressor: Compressor,
    value: Vec<u8>,
}

#[derive(Debug)]
struct StringDictionaries {
    region: DictionaryEncoder,
    table: DictionaryEncoder,
    family: DictionaryEncoder,
    coded: Vec<u8>,
}

fn coded<'a>(
    dictionary: &mut DictionaryEncoder,
    string: &[u8],
    coded: &'a mut Vec<u8>,
) -> Result<&'a [u8], FormatError> {
    coded.clear();
    dictionary.encode(string, coded)?;
    Ok(coded)
}

impl KeyStrings for StringDictionaries {
    fn region<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        coded(&mut self.region, string, &mut self.coded)
    }

    fn table<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        coded(&mut self.table, string, &mut self.coded)
    }

    fn family<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        coded(&mut self.family, string, &mut self.coded)
    }
}

impl WalEncoder {
    /// For a file with this header; `recovered_edits` as in [`super::WalDecoderOptions`].
    ///
    /// # Errors
    /// Unsupported if the header asks for encryption or for a class that is neither HBase's nor Phoenix's.
    pub fn new(header: WalHeader, recovered_edits: bool) -> Result<Self, FormatError> {
        let compression = match header.cell_layout()? {
            CellLayout::Plain => None,
            CellLayout::Compressed => Some(Box::new(CompressionContext::new(&header, recovered_edits)?)),
            CellLayout::Encrypted => {
                return Err(FormatError::unsupported(
                    Unsupported::Encrypted,
                    "encrypted WALs are not written",
                ));
            }
        };
        Ok(Self { header, compression, message: Vec::new() })
    }

    /// Appends the front of the file.
    pub fn encode_header(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
    }

    /// Appends an entry. After an error `out` may have part of it, and nothing more can be added to the file.
    ///
    /// # Errors
    /// TooLarge if a length is above what the format can express.
    pub fn encode_entry(
        &mut self,
        key: &WalKeyFields<'_>,
        cells: &[CellRef<'_>],
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let count = u32::try_from(cells.len()).map_err(|_| too_large("cells of an entry", cells.len()))?;
        self.message.clear();
        match &mut self.compression {
            None => key.encode(count, &mut AsIs, &mut self.message)?,
            Some(context) => key.encode(count, &mut context.strings, &mut self.message)?,
        }
        encode_uvarint(java_int(self.message.len())?, out);
        out.extend_from_slice(&self.message);
        match &mut self.compression {
            None => cells.iter().try_for_each(|cell| encode_cell(cell, out)),
            Some(context) => cells.iter().try_for_each(|cell| context.encode_cell(cell, out)),
        }
    }

    /// Appends the trailer, which says that the file was closed.
    pub fn encode_trailer(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&TRAILER);
    }
}

impl CompressionContext {
    fn new(header: &WalHeader, recovered_edits: bool) -> Result<Self, FormatError> {
        let names = if recovered_edits { 1 } else { LARGE };
        Ok(Self {
            strings: StringDictionaries {
                region: DictionaryEncoder::new(names),
                table: DictionaryEncoder::new(names),
                family: DictionaryEncoder::new(SMALL),
                coded: Vec::new(),
            },
            qualifier: DictionaryEncoder::new(SMALL),
            row: DictionaryEncoder::new(LARGE),
            tags: header.compresses_tags().then(|| TagEncoder::new(LARGE)),
            value_codec: header.value_codec()?,
            indexed: header.is_indexed(),
            compressor: Compressor::new(),
            value: Vec::new(),
        })
    }

    fn encode_cell(&mut self, cell: &CellRef<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let tags_length =
            u16::try_from(cell.tags.len()).map_err(|_| too_large("bytes of tags", cell.tags.len()))?;
        if self.indexed {
            out.push(0);
        }
        encode_uvarint(java_int(cell.key().encoded_len())?, out);
        encode_uvarint(java_int(cell.value.len())?, out);
        encode_uvarint(u32::from(tags_length), out);
        self.row.encode(cell.row, out)?;
        self.strings.family.encode(cell.family, out)?;
        self.qualifier.encode(cell.qualifier, out)?;
        out.extend_from_slice(&cell.timestamp.to_be_bytes());
        out.push(cell.cell_type.code());
        match self.value_codec {
            None => out.extend_from_slice(cell.value),
            Some(codec) => {
                self.value.clear();
                self.compressor.compress(codec, cell.value, &mut self.value)?;
                encode_uvarint(java_int(self.value.len())?, out);
                out.extend_from_slice(&self.value);
            }
        }
        match &mut self.tags {
            Some(dictionary) => dictionary.encode(cell.tags, out)?,
            None => out.extend_from_slice(cell.tags),
        }
        Ok(())
    }
}

fn java_int(length: usize) -> Result<u32, FormatError> {
    i32::try_from(length).map(i32::cast_unsigned).map_err(|_| too_large("bytes", length))
}

fn too_large(what: &str, count: usize) -> FormatError {
    FormatError::too_large(format!("{count} {what} are more than a WAL can express"))
}
