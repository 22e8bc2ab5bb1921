use super::encoder_key::KeyPair;
use super::{CellLayout, DataBlockEncoding, diff, fast_diff};
use crate::FormatError;
use crate::cell::{CellRef, CellType, MAX_ROW_LENGTH};
use crate::dictionary::TagEncoder;
use crate::input::Input;
use crate::varint::{encode_uvarint, encode_vlong, vlong_len};

/// Encodes cells into the payloads of data blocks, byte for byte as HBase's own encoders do. It keeps its buffers, so
/// that a cell costs no allocation.
#[derive(Debug)]
pub struct BlockEncoder {
    layout: CellLayout,
    cells: Vec<u8>,
    rows: Vec<u8>,
    keys: KeyPair,
    last: Last,
    tag_encoder: TagEncoder,
    unencoded_len: usize,
    is_empty: bool,
}

/// What is kept of the last cell besides its key.
#[derive(Debug)]
struct Last {
    value: Vec<u8>,
    family: Vec<u8>,
    timestamp: i64,
    cell_type: CellType,
}

impl BlockEncoder {
    /// For the blocks of a file with this layout.
    #[must_use]
    pub fn new(layout: CellLayout) -> Self {
        let last = Last { value: Vec::new(), family: Vec::new(), timestamp: 0, cell_type: CellType::Put };
        Self {
            layout,
            cells: Vec::new(),
            rows: Vec::new(),
            keys: KeyPair::default(),
            last,
            tag_encoder: TagEncoder::default(),
            unencoded_len: 0,
            is_empty: true,
        }
    }

    /// Whether the block has no cell yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// What the block's cells take without encoding: HBase's `blockSizeWritten`.
    #[must_use]
    pub fn unencoded_len(&self) -> usize {
        self.unencoded_len
    }

    /// What the block's cells take encoded, row offsets included: HBase's `encodedBlockSizeWritten`.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.cells.len() + self.rows.len()
    }

    /// Appends one cell. The caller sees to the order of the cells.
    ///
    /// # Errors
    /// The cell has a length that no encoding can express, a sequence id above `i64::MAX`, tags or a sequence id that
    /// the layout has no place for, tags that are not whole where they are to be compressed, or another family than the
    /// block's first cell. The block is as it was.
    pub fn append(&mut self, cell: &CellRef<'_>) -> Result<(), FormatError> {
        let size = self.check(cell)?;
        self.keys.push(cell)?;
        match self.layout.encoding {
            DataBlockEncoding::None => self.append_flat(cell),
            DataBlockEncoding::RowIndexV1 => self.append_indexed(cell),
            DataBlockEncoding::Prefix => self.append_prefix(cell),
            DataBlockEncoding::Diff => self.append_diff(cell),
            DataBlockEncoding::FastDiff => self.append_fast_diff(cell),
        }
        self.append_tags_and_sequence(cell)?;
        self.unencoded_len += size;
        self.remember(cell);
        Ok(())
    }

    /// Appends the block's payload to `out` and starts the next block.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.layout.encoding != DataBlockEncoding::None {
            out.extend_from_slice(&self.layout.encoding.id().to_be_bytes());
        }
        match self.layout.encoding {
            DataBlockEncoding::None => out.extend_from_slice(&self.cells),
            DataBlockEncoding::RowIndexV1 => {
                out.extend_from_slice(&self.cells);
                out.extend_from_slice(&(self.rows.len() as u32 / 4).to_be_bytes());
                out.extend_from_slice(&self.rows);
                out.extend_from_slice(&(self.cells.len() as u32).to_be_bytes());
            }
            _ => {
                out.extend_from_slice(&(self.unencoded_len as u32).to_be_bytes());
                out.extend_from_slice(&self.cells);
            }
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.rows.clear();
        self.keys.clear();
        self.tag_encoder.clear();
        self.unencoded_len = 0;
        self.is_empty = true;
    }

    /// The cell's size without encoding, if it can be encoded at all.
    fn check(&self, cell: &CellRef<'_>) -> Result<usize, FormatError> {
        let too_large = |what: &str, size: usize| FormatError::too_large(format!("{what} of {size} bytes"));
        if cell.row.len() > MAX_ROW_LENGTH {
            return Err(too_large("row", cell.row.len()));
        }
        if cell.family.len() > usize::from(u8::MAX) {
            return Err(too_large("family name", cell.family.len()));
        }
        if cell.tags.len() > usize::from(u16::MAX) {
            return Err(too_large("tags", cell.tags.len()));
        }
        let mut size = 8 + cell.key().encoded_len() + cell.value.len();
        if self.layout.has_tags {
            size += 2 + cell.tags.len();
            if self.layout.tags_compressed {
                check_tags(cell.tags)?;
            }
        } else if !cell.tags.is_empty() {
            return Err(FormatError::corrupt("a cell with tags for a file without tags"));
        }
        if self.layout.has_mvcc {
            let sequence = i64::try_from(cell.sequence)
                .map_err(|_| FormatError::too_large(format!("sequence id {}", cell.sequence)))?;
            size += vlong_len(sequence);
        } else if cell.sequence > 0 {
            return Err(FormatError::corrupt("a cell with a sequence id for a file without sequence ids"));
        }
        if self.unencoded_len + size > i32::MAX as usize {
            return Err(too_large("data block", self.unencoded_len + size));
        }
        if !self.is_empty && self.last.family != cell.family {
            return Err(FormatError::corrupt("cells of two families in one data block"));
        }
        Ok(size)
    }

    fn remember(&mut self, cell: &CellRef<'_>) {
        self.last.timestamp = cell.timestamp;
        self.last.cell_type = cell.cell_type;
        if self.is_empty {
            self.last.family.clear();
            self.last.family.extend_from_slice(cell.family);
            self.is_empty = false;
        }
        if self.layout.encoding == DataBlockEncoding::FastDiff
            || self.layout.encoding == DataBlockEncoding::Diff
        {
            self.last.value.clear();
            self.last.value.extend_from_slice(cell.value);
        }
    }

    fn append_flat(&mut self, cell: &CellRef<'_>) {
        self.cells.extend_from_slice(&(self.keys.key.len() as u32).to_be_bytes());
        self.cells.extend_from_slice(&(cell.value.len() as u32).to_be_bytes());
        self.cells.extend_from_slice(&self.keys.key);
        self.cells.extend_from_slice(cell.value);
    }

    fn append_indexed(&mut self, cell: &CellRef<'_>) {
        let row_end = 2 + cell.row.len();
        if self.is_empty || self.keys.key.get(..row_end) != self.keys.last.get(..row_end) {
            self.rows.extend_from_slice(&(self.cells.len() as u32).to_be_bytes());
        }
        self.append_flat(cell);
    }

    fn append_prefix(&mut self, cell: &CellRef<'_>) {
        let common = if self.is_empty { 0 } else { self.keys.common(true) };
        encode_length(self.keys.key.len() - common, &mut self.cells);
        encode_length(cell.value.len(), &mut self.cells);
        encode_length(common, &mut self.cells);
        self.cells.extend_from_slice(self.keys.key.get(common..).unwrap_or_default());
        self.cells.extend_from_slice(cell.value);
    }

    fn append_diff(&mut self, cell: &CellRef<'_>) {
        if self.is_empty {
            self.cells.push(cell.family.len() as u8);
            self.cells.extend_from_slice(cell.family);
        }
        let (mut flag, common) =
            if self.is_empty { (0, 0) } else { (self.diff_flag(cell), self.keys.common(false)) };
        let difference = (!self.is_empty).then(|| self.last.timestamp.wrapping_sub(cell.timestamp));
        let (timestamp_flag, number) = diff_timestamp(cell.timestamp, difference);
        flag |= timestamp_flag;
        self.cells.push(flag);
        if flag & diff::SAME_KEY_LENGTH == 0 {
            encode_length(self.keys.key.len(), &mut self.cells);
        }
        if flag & diff::SAME_VALUE_LENGTH == 0 {
            encode_length(cell.value.len(), &mut self.cells);
        }
        encode_length(common, &mut self.cells);
        self.keys.encode_row_and_column(common, cell, &mut self.cells);
        let length = usize::from(flag >> diff::TIMESTAMP_LENGTH_SHIFT & 7) + 1;
        self.cells.extend(number.to_le_bytes().iter().take(length));
        if flag & diff::SAME_TYPE == 0 {
            self.cells.push(cell.cell_type.code());
        }
        self.cells.extend_from_slice(cell.value);
    }

    fn diff_flag(&self, cell: &CellRef<'_>) -> u8 {
        let same = |same: bool, flag: u8| if same { flag } else { 0 };
        same(self.keys.key.len() == self.keys.last.len(), diff::SAME_KEY_LENGTH)
            | same(cell.value.len() == self.last.value.len(), diff::SAME_VALUE_LENGTH)
            | same(cell.cell_type == self.last.cell_type, diff::SAME_TYPE)
    }

    fn append_fast_diff(&mut self, cell: &CellRef<'_>) {
        if self.is_empty {
            self.cells.push(0);
            encode_length(self.keys.key.len(), &mut self.cells);
            encode_length(cell.value.len(), &mut self.cells);
            encode_length(0, &mut self.cells);
            self.cells.extend_from_slice(&self.keys.key);
            self.cells.extend_from_slice(cell.value);
            return;
        }
        let flag = self.fast_diff_flag(cell);
        self.cells.push(flag);
        if flag & fast_diff::SAME_KEY_LENGTH == 0 {
            encode_length(self.keys.key.len(), &mut self.cells);
        }
        if flag & fast_diff::SAME_VALUE_LENGTH == 0 {
            encode_length(cell.value.len(), &mut self.cells);
        }
        let common = self.keys.common(false);
        encode_length(common, &mut self.cells);
        self.keys.encode_row_and_column(common, cell, &mut self.cells);
        let common_timestamp = usize::from(flag & fast_diff::TIMESTAMP_COMMON);
        self.cells.extend(cell.timestamp.to_be_bytes().iter().skip(common_timestamp));
        if flag & fast_diff::SAME_TYPE == 0 {
            self.cells.push(cell.cell_type.code());
        }
        if flag & fast_diff::SAME_VALUE == 0 {
            self.cells.extend_from_slice(cell.value);
        }
    }

    fn fast_diff_flag(&self, cell: &CellRef<'_>) -> u8 {
        let same = |same: bool, flag: u8| if same { flag } else { 0 };
        let common_bits = (cell.timestamp ^ self.last.timestamp).leading_zeros();
        // At most 7 of the 8 bytes, so that the number fits its three bits.
        let common_timestamp = (common_bits / 8).min(7) as u8;
        common_timestamp
            | same(self.keys.key.len() == self.keys.last.len(), fast_diff::SAME_KEY_LENGTH)
            | same(cell.value.len() == self.last.value.len(), fast_diff::SAME_VALUE_LENGTH)
            | same(cell.cell_type == self.last.cell_type, fast_diff::SAME_TYPE)
            | same(cell.value == self.last.value, fast_diff::SAME_VALUE)
    }

    fn append_tags_and_sequence(&mut self, cell: &CellRef<'_>) -> Result<(), FormatError> {
        if self.layout.has_tags {
            self.append_tags(cell.tags)?;
        }
        if self.layout.has_mvcc {
            encode_vlong(cell.sequence.cast_signed(), &mut self.cells);
        }
        Ok(())
    }

    fn append_tags(&mut self, tags: &[u8]) -> Result<(), FormatError> {
        let length = tags.len() as u16;
        match self.layout.encoding {
            DataBlockEncoding::None | DataBlockEncoding::RowIndexV1 => {
                self.cells.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                encode_uvarint(u32::from(length), &mut self.cells);
                if self.layout.tags_compressed {
                    return self.tag_encoder.encode(tags, &mut self.cells);
                }
            }
        }
        self.cells.extend_from_slice(tags);
        Ok(())
    }
}

/// Compression splits tags, so they must be whole.
fn check_tags(tags: &[u8]) -> Result<(), FormatError> {
    let mut input = Input::new(tags);
    while !input.is_empty() {
        let length = u16::from_be_bytes(input.array("the length of a tag")?);
        input.take(usize::from(length), "a tag")?;
    }
    Ok(())
}

/// A length that [`BlockEncoder::check`] found to fit.
fn encode_length(length: usize, out: &mut Vec<u8>) {
    encode_uvarint(length as u32, out);
}

/// The bits of DIFF's flag for a timestamp, and the number that is stored: the timestamp, or what it is less than the
/// last if that takes fewer bytes.
fn diff_timestamp(timestamp: i64, difference: Option<i64>) -> (u8, u64) {
    let sign = |number: i64| if number < 0 { diff::TIMESTAMP_IS_NEGATIVE } else { 0 };
    let length_bits = |length: u32| ((length - 1) as u8) << diff::TIMESTAMP_LENGTH_SHIFT;
    let length = byte_length(timestamp.unsigned_abs());
    if let Some(difference) = difference {
        let difference_length = byte_length(difference.unsigned_abs());
        if difference_length < length {
            let flag = length_bits(difference_length) | diff::TIMESTAMP_IS_DIFFERENCE | sign(difference);
            return (flag, difference.unsigned_abs());
        }
    }
    (length_bits(length) | sign(timestamp), timestamp.unsigned_abs())
}

/// How many bytes a number takes, at least one.
fn byte_length(number: u64) -> u32 {
    (u64::BITS - number.leading_zeros()).div_ceil(8).max(1)
}
