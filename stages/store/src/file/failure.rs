use crate::{StoreError, StoreErrorKind};
use rustix::io::Errno;
use std::{io, path::Path};

/// An operating system's error as a store's error, with the full path.
pub(crate) fn failure(doing: &str, path: &Path, error: &io::Error) -> StoreError {
    let what = match error.raw_os_error() {
        Some(_) => error.to_string(),
        None => format!("{error} ({:?})", error.kind()),
    };
    StoreError::new(kind_of(error), doing, path.display().to_string(), what)
}

/// The same, for use in `map_err`.
pub(super) fn failed<E: Into<io::Error>>(doing: &str, path: &Path) -> impl Fn(E) -> StoreError {
    move |error| failure(doing, path, &error.into())
}

fn kind_of(error: &io::Error) -> StoreErrorKind {
    let Some(code) = error.raw_os_error() else {
        return match error.kind() {
            io::ErrorKind::InvalidInput => StoreErrorKind::InvalidPath,
            _ => StoreErrorKind::Other,
        };
    };
    match Errno::from_raw_os_error(code) {
        Errno::NOENT => StoreErrorKind::NotFound,
        Errno::EXIST | Errno::NOTEMPTY => StoreErrorKind::AlreadyExists,
        Errno::NOTDIR | Errno::ISDIR => StoreErrorKind::WrongKind,
        Errno::ACCESS | Errno::PERM => StoreErrorKind::PermissionDenied,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => StoreErrorKind::NoSpace,
        Errno::ROFS => StoreErrorKind::ReadOnly,
        Errno::NAMETOOLONG | Errno::LOOP | Errno::INVAL | Errno::ILSEQ => StoreErrorKind::InvalidPath,
        Errno::NOSYS | Errno::OPNOTSUPP | Errno::XDEV => StoreErrorKind::Unsupported,
        Errno::INTR | Errno::AGAIN | Errno::BUSY | Errno::TIMEDOUT | Errno::STALE => {
            StoreErrorKind::Transient
        }
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => StoreErrorKind::Transient,
        _ => StoreErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_kinds_a_caller_can_act_on() {
        let cases = [
            (Errno::NOSPC, StoreErrorKind::NoSpace),
            (Errno::DQUOT, StoreErrorKind::NoSpace),
            (Errno::ROFS, StoreErrorKind::ReadOnly),
            (Errno::ACCESS, StoreErrorKind::PermissionDenied),
            (Errno::NOENT, StoreErrorKind::NotFound),
            (Errno::EXIST, StoreErrorKind::AlreadyExists),
            (Errno::NOTDIR, StoreErrorKind::WrongKind),
            (Errno::ISDIR, StoreErrorKind::WrongKind),
            (Errno::NAMETOOLONG, StoreErrorKind::InvalidPath),
            (Errno::IO, StoreErrorKind::Other),
        ];
        for (code, kind) in cases {
            let error = failure("writing", Path::new("/r/a"), &code.into());
            assert_eq!(error.kind, kind, "{code}");
            assert!(error.to_string().starts_with("writing: /r/a: "), "{error}");
        }
    }
}
