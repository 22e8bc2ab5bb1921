//! Hadoop's side files ([`crate::SideFile`]) go before their files get new bytes.

use super::failed;
use crate::StoreError;
use crate::side::side_name;
use rustix::io::Errno;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

fn side_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(side_name)?;
    Some(path.with_file_name(name))
}

/// Whether a file may have a side file: what cannot be looked at may be there.
pub(super) fn has_side(path: &Path) -> bool {
    side_of(path).is_some_and(|side| !fs::symlink_metadata(side).is_err_and(|error| is_none(&error)))
}

/// Removes the side file of a file, if it has one.
pub(super) fn drop_side(path: &Path) -> Result<(), StoreError> {
    let Some(side) = side_of(path) else { return Ok(()) };
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
