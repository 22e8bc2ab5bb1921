//! Hadoop's side files ([`crate::SideFile`]) go before their files get new bytes.

use super::failed;
use crate::StoreError;
use crate::side::side_name;
use rustix::io::Errno;
use std::{fs, io, path::Path};

/// Removes the side file of a file, if it has one.
pub(super) fn drop_side(path: &Path) -> Result<(), StoreError> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(side_name);
    let Some(side) = name.map(|name| path.with_file_name(name)) else { return Ok(()) };
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
