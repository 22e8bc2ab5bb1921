//! Opens an HFile as HBase does: trailer, then everything from the root index to the trailer.

use crate::bytes::ReadFault;
use crate::bytes::read_span;
use formats::cell::Comparator;
use formats::compress::Decompressor;
use formats::encoding::CellLayout;
use formats::hfile::{LoadOnOpen, TRAILER_SIZE, Trailer};
use formats::{FormatError, Unsupported};
use store::ReadRanges;

/// The longest section to load on open that is read: HBase keeps it in memory, so real ones are far smaller.
const MAX_LOAD_ON_OPEN: u64 = 1 << 30;

/// What an HFile says about itself.
#[derive(Debug, Clone)]
pub struct OpenedHFile {
    /// Its trailer.
    pub trailer: Trailer,
    /// Its indexes, file info and blooms, or why they cannot be looked into: the file is encrypted, or compressed
    /// with a codec that cannot be read.
    pub loaded: Result<LoadOnOpen, FormatError>,
}

impl OpenedHFile {
    /// Order of the cells.
    pub fn comparator(&self) -> Result<Comparator, FormatError> {
        let none = || {
            FormatError::unsupported(Unsupported::Comparator, "keys of this file are raw bytes, not cells")
        };
        self.trailer.comparator()?.ok_or_else(none)
    }

    /// How the cells are laid out in the data blocks.
    pub fn cell_layout(&self) -> Result<CellLayout, FormatError> {
        self.loaded.as_ref().map_err(Clone::clone)?.file_info.cell_layout()
    }

    /// Why the cells cannot be decoded, though nothing is known to be wrong: encryption, or an unknown codec, encoding
    /// or order of keys. `None` if they can be.
    pub fn undecodable(&self) -> Option<FormatError> {
        let layout = self.cell_layout().err();
        layout.or_else(|| self.comparator().err()).filter(FormatError::is_unsupported)
    }
}

/// Opens an HFile that is read once, with a decompressor of its own.
pub fn open_whole(file: &dyn ReadRanges) -> Result<OpenedHFile, ReadFault> {
    open_hfile(file, &mut Decompressor::default())
}

/// Opens an HFile. One that is whole but cannot be looked into opens without [`OpenedHFile::loaded`].
pub fn open_hfile(file: &dyn ReadRanges, decompressor: &mut Decompressor) -> Result<OpenedHFile, ReadFault> {
    let len = file.metadata().len;
    let tail_start = len.saturating_sub(TRAILER_SIZE as u64);
    let trailer = Trailer::decode(&read_span(file, tail_start, len)?, len)?;
    let trailer_start = len.saturating_sub(trailer.size() as u64);
    if trailer_start - trailer.load_on_open_offset > MAX_LOAD_ON_OPEN {
        let what = "the section to load on open is longer than 1 GiB";
        return Err(FormatError::too_large(what).at(trailer.load_on_open_offset).into());
    }
    let section = read_span(file, trailer.load_on_open_offset, trailer_start)?;
    let loaded = match LoadOnOpen::decode(&section, &trailer, decompressor, MAX_LOAD_ON_OPEN as usize) {
        Err(error) if !error.is_unsupported() => return Err(error.into()),
        loaded => loaded,
    };
    if let Ok(loaded) = &loaded {
        loaded.file_info.check_mandatory(trailer.entry_count)?;
    }
    Ok(OpenedHFile { trailer, loaded })
}
