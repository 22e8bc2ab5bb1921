//! The front of a WAL: `PWAL` and a delimited `WALHeader` (`AbstractProtobufWALReader.readHeader`).

use prost::Message;

use crate::compress::Codec;
use crate::input::{Fault, Input};
use crate::wire::decode_message;
use crate::{FormatError, FormatErrorKind, Unsupported};

/// What every WAL starts with.
pub(super) const MAGIC: [u8; 4] = *b"PWAL";

/// The message for a WAL from before this format existed.
const OLD_WAL: &str =
    "a Hadoop SequenceFile, as HBase 0.94 and before wrote its WALs: HBase 2 does not read it either";

/// What a WAL that was closed ends with: the length of an empty `WALTrailer`, and its magic.
pub(super) const TRAILER: [u8; 8] = *b"\0\0\0\0LAWP";

/// No header is longer than this: its largest field is a wrapped key.
const HEADER_MAX: usize = 64 << 10;

const WRITERS: [&str; 4] = [
    "ProtobufLogWriter",
    "AsyncProtobufLogWriter",
    "SecureProtobufLogWriter",
    "SecureAsyncProtobufLogWriter",
];
const PLAIN_CODEC: &str = "org.apache.hadoop.hbase.regionserver.wal.WALCellCodec";
const SECURE_CODEC: &str = "org.apache.hadoop.hbase.regionserver.wal.SecureWALCellCodec";
/// Phoenix's codec, which every cluster with mutable secondary indexes uses.
const INDEXED_CODEC: &str = "org.apache.hadoop.hbase.regionserver.wal.IndexedWALEditCodec";

/// WAL.proto `WALHeader`.
#[derive(Clone, PartialEq, Message)]
struct WalHeaderProto {
    #[prost(bool, optional, tag = "1")]
    has_compression: Option<bool>,
    #[prost(bytes = "vec", optional, tag = "2")]
    encryption_key: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3")]
    has_tag_compression: Option<bool>,
    #[prost(string, optional, tag = "4")]
    writer_cls_name: Option<String>,
    #[prost(string, optional, tag = "5")]
    cell_codec_cls_name: Option<String>,
    #[prost(bool, optional, tag = "6")]
    has_value_compression: Option<bool>,
    #[prost(uint32, optional, tag = "7")]
    value_compression_algorithm: Option<u32>,
}

/// How cells lie in a WAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellLayout {
    /// `[i32 length][KeyValue]`.
    Plain,
    /// Dictionary-compressed (`WALCellCodec.CompressedKvDecoder`).
    Compressed,
    /// Each cell encrypted by itself (`SecureWALCellCodec`).
    Encrypted,
}

/// WAL.proto `WALHeader`: how the entries of a WAL are written. A field that the file leaves out is None.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalHeader {
    /// Whether keys and cells are dictionary-compressed.
    pub has_compression: Option<bool>,
    /// The key that encrypts the cells, wrapped by another (a delimited `WrappedKey`).
    pub encryption_key: Option<Vec<u8>>,
    /// Whether tags have a dictionary too; only with `has_compression`.
    pub has_tag_compression: Option<bool>,
    /// Simple name of the Java class that wrote the file.
    pub writer_class: Option<String>,
    /// Name of the Java class that wrote the cells.
    pub cell_codec_class: Option<String>,
    /// Whether values are compressed too; only with `has_compression`.
    pub has_value_compression: Option<bool>,
    /// What values are compressed with: the ordinal of a [`Codec`].
    pub value_compression_algorithm: Option<u32>,
}

impl WalHeader {
    /// What HBase writes without WAL compression.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            has_compression: Some(false),
            has_tag_compression: Some(false),
            writer_class: Some("ProtobufLogWriter".into()),
            cell_codec_class: Some(PLAIN_CODEC.into()),
            has_value_compression: Some(false),
            ..Self::default()
        }
    }

    /// What HBase writes with WAL compression, of tags too if asked, of values too if a codec is given.
    #[must_use]
    pub fn compressed(tags: bool, values: Option<Codec>) -> Self {
        Self {
            has_compression: Some(true),
            has_tag_compression: Some(tags),
            has_value_compression: Some(values.is_some()),
            value_compression_algorithm: values.map(|codec| u32::from(codec.ordinal())),
            ..Self::plain()
        }
    }

    /// How the cells lie.
    ///
    /// # Errors
    /// Unsupported, with the class's name, if HBase's own readers do not know the writer or if the cells' codec is
    /// neither HBase's nor Phoenix's.
    pub fn cell_layout(&self) -> Result<CellLayout, FormatError> {
        if let Some(writer) = self.writer_class.as_deref().filter(|writer| !WRITERS.contains(writer)) {
            let shown = writer.escape_debug();
            return Err(FormatError::unsupported(
                Unsupported::Other,
                format!("a WAL written by the unknown class \"{shown}\""),
            ));
        }
        let compressed = self.has_compression == Some(true);
        match self.cell_codec_class.as_deref() {
            Some(SECURE_CODEC) if self.encryption_key.is_some() => Ok(CellLayout::Encrypted),
            // Without a key this codec writes as the plain one does, and it knows no compression.
            Some(SECURE_CODEC) if !compressed => Ok(CellLayout::Plain),
            None | Some(PLAIN_CODEC | INDEXED_CODEC) if compressed => Ok(CellLayout::Compressed),
            None | Some(PLAIN_CODEC | INDEXED_CODEC) => Ok(CellLayout::Plain),
            Some(class) => {
                let shown = class.escape_debug();
                Err(FormatError::unsupported(
                    Unsupported::Other,
                    format!("WAL cells written by the codec class \"{shown}\""),
                ))
            }
        }
    }

    /// Whether the cells were written by Phoenix's `IndexedWALEditCodec`: as HBase writes them, but one byte 0 stands
    /// before each that is dictionary-compressed, and what old releases wrote besides cells begins differently.
    #[must_use]
    pub fn is_indexed(&self) -> bool {
        self.cell_codec_class.as_deref() == Some(INDEXED_CODEC)
    }

    /// What HBase writes with Phoenix's codec.
    #[must_use]
    pub fn indexed(self) -> Self {
        Self { cell_codec_class: Some(INDEXED_CODEC.into()), ..self }
    }

    /// Whether tags are dictionary-compressed.
    #[must_use]
    pub fn compresses_tags(&self) -> bool {
        self.has_compression == Some(true) && self.has_tag_compression == Some(true)
    }

    /// What values are compressed with, if they are.
    ///
    /// # Errors
    /// The number is no codec's, or is that of one which cannot be read.
    pub fn value_codec(&self) -> Result<Option<Codec>, FormatError> {
        let compressed = self.has_compression == Some(true) && self.has_value_compression == Some(true);
        let Some(ordinal) = self.value_compression_algorithm.filter(|_| compressed) else { return Ok(None) };
        match Codec::from_ordinal(ordinal) {
            Some(codec) if codec.is_readable() => Ok(Some(codec)),
            Some(codec) => Err(FormatError::unsupported(
                Unsupported::Other,
                format!("WAL values compressed with {codec}, which cannot be read"),
            )),
            None => Err(FormatError::corrupt(format!("WALHeader: {ordinal} is no compression algorithm"))),
        }
    }

    /// Appends the front of a file: magic and header.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let header = self.clone();
        let message = WalHeaderProto {
            has_compression: header.has_compression,
            encryption_key: header.encryption_key,
            has_tag_compression: header.has_tag_compression,
            writer_cls_name: header.writer_class,
            cell_codec_cls_name: header.cell_codec_class,
            has_value_compression: header.has_value_compression,
            value_compression_algorithm: header.value_compression_algorithm,
        };
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&message.encode_length_delimited_to_vec());
    }

    /// Decodes the front of a file: the header and how long the front is; None if `bytes` end before it does.
    ///
    /// # Errors
    /// The bytes are not the front of a WAL.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, FormatError> {
        if matches!(bytes, [b'S', b'E', b'Q', 0..=6, ..]) {
            return Err(FormatError::unsupported(Unsupported::OldWal, OLD_WAL).at(0));
        }
        if !MAGIC.iter().zip(bytes).all(|(expected, byte)| expected == byte) {
            return Err(FormatError::corrupt("not a WAL: it does not start with PWAL").at(0));
        }
        let mut input = Input::new(bytes.get(MAGIC.len()..).unwrap_or_default());
        let length = match input.uvarint_length("WALHeader") {
            Ok(length) => length,
            Err(Fault::Truncated(_)) => return Ok(None),
            Err(fault) => return Err(FormatError::from(fault).at(MAGIC.len() as u64)),
        };
        if length > HEADER_MAX {
            let what = format!("a WALHeader of {length} bytes, over {HEADER_MAX}");
            return Err(FormatError::too_large(what).at(MAGIC.len() as u64));
        }
        let base = bytes.len() - input.len();
        let Ok(message) = input.take(length, "WALHeader") else { return Ok(None) };
        let header = Self::decode_message(message, base as u64).map_err(whole_but_wrong)?;
        Ok(Some((header, base + length)))
    }

    fn decode_message(message: &[u8], base: u64) -> Result<Self, FormatError> {
        let message: WalHeaderProto = decode_message(message, base, "WALHeader")?;
        Ok(Self {
            has_compression: message.has_compression,
            encryption_key: message.encryption_key,
            has_tag_compression: message.has_tag_compression,
            writer_class: message.writer_cls_name,
            cell_codec_class: message.cell_codec_cls_name,
            has_value_compression: message.has_value_compression,
            value_compression_algorithm: message.value_compression_algorithm,
        })
    }
}

/// The whole message is there, so a field that is cut short means that it is wrong.
fn whole_but_wrong(error: FormatError) -> FormatError {
    FormatError { kind: FormatErrorKind::Corrupt, ..error }
}
