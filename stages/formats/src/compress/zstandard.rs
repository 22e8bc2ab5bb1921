//! zstd frames, with the dictionary that each frame names.

use std::collections::BTreeMap;
use std::fmt;

use zstd::bulk;
use zstd::zstd_safe::{
    find_frame_compressed_size, get_dict_id_from_frame, get_error_name, get_frame_content_size,
};

use super::Dictionaries;
use crate::{FormatError, Unsupported};

/// How a zstd frame starts. Read as the first length of Hadoop's framing it would be 682 MB, so it distinguishes the
/// two.
pub(super) const FRAME_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// zstd contexts: one for frames without dictionary, one for each dictionary met.
pub(super) struct Contexts {
    dictionaries: Dictionaries,
    /// By dictionary id; 0 is none.
    by_id: BTreeMap<u32, bulk::Decompressor<'static>>,
}

impl Contexts {
    pub(super) fn new(dictionaries: Dictionaries) -> Self {
        Self { dictionaries, by_id: BTreeMap::new() }
    }

    /// Decompresses frames, one after another, into `out`; returns how much that filled.
    pub(super) fn decompress(&mut self, frames: &[u8], out: &mut [u8]) -> Result<usize, FormatError> {
        let declared = out.len();
        let mut rest = frames;
        let mut room = out;
        while !rest.is_empty() {
            let at = (frames.len() - rest.len()) as u64;
            let length =
                find_frame_compressed_size(rest).map_err(|code| corrupt(get_error_name(code)).at(at))?;
            let (frame, behind) = rest
                .split_at_checked(length.max(1))
                .ok_or_else(|| FormatError::truncated("ZSTD: a frame is cut short").at(at))?;
            let filled = self.frame(frame, room).map_err(|error| error.at(at))?;
            room = room.get_mut(filled..).unwrap_or_default();
            rest = behind;
        }
        Ok(declared - room.len())
    }

    fn frame(&mut self, frame: &[u8], out: &mut [u8]) -> Result<usize, FormatError> {
        if let Ok(Some(size)) = get_frame_content_size(frame)
            && size > out.len() as u64
        {
            let text = format!("ZSTD: a frame of {size} bytes where at most {} are expected", out.len());
            return Err(FormatError::corrupt(text));
        }
        let id = get_dict_id_from_frame(frame).map_or(0, std::num::NonZeroU32::get);
        self.context(id)?.decompress_to_buffer(frame, out).map_err(corrupt)
    }

    fn context(&mut self, id: u32) -> Result<&mut bulk::Decompressor<'static>, FormatError> {
        if !self.by_id.contains_key(&id) {
            let context = self.new_context(id)?;
            self.by_id.insert(id, context);
        }
        self.by_id.get_mut(&id).ok_or_else(|| corrupt("no context"))
    }

    fn new_context(&self, id: u32) -> Result<bulk::Decompressor<'static>, FormatError> {
        if id == 0 {
            return bulk::Decompressor::new().map_err(corrupt);
        }
        let dictionary = self.dictionaries.get(id).ok_or_else(|| {
            FormatError::unsupported(
                Unsupported::Dictionary,
                format!(
                    "ZSTD: compressed with the dictionary of id {id}, which was not given \
                 (the family's hbase.io.compress.zstd.dictionary names its file)"
                ),
            )
        })?;
        bulk::Decompressor::with_dictionary(dictionary).map_err(corrupt)
    }
}

fn corrupt(what: impl fmt::Display) -> FormatError {
    FormatError::corrupt(format!("ZSTD: {what}"))
}
