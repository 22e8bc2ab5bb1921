//! Hadoop's side files ([`crate::SideFile`]) go before their files get new bytes.

use super::failed;
use crate::StoreError;
use rustix::io::Errno;
use std::{fs, io, path::Path};

/// Removes the side file of a file, if it has one.
pub(super) fn drop_side(path: &Path) -> Result<(), StoreError> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    if crate::is_side_file(name) {
        return Ok(());
    }
    let side = path.with_file_name(format!(".{name}.crc"));
    match fs::remove_file(&side) {
        Err(error) if !is_none(&error) => Err(failed("removing Hadoop's checksums", &side)(error)),
        _ => Ok(()),
    }
}

/// No name that long has one, and what is a directory is none.
fn is_none(error: &io::Error) -> bool {
    let none = [Errno::NOENT, Errno::NOTDIR, Errno::NAMETOOLONG, Errno::ISDIR];
    error.raw_os_error().is_some_and(|code| none.contains(&Errno::from_raw_os_error(code)))
}
