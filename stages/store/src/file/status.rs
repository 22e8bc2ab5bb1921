use super::accounts::Accounts;
use crate::{Attributes, Identity, Kind, Metadata};
use std::{fs, os::unix::fs::MetadataExt};

/// What `stat` says, as a store says it. What is neither file nor directory (a pipe, a device) counts as a file here
/// and cannot be opened.
pub(super) fn metadata_of(status: &fs::Metadata, accounts: &Accounts) -> Metadata {
    let kind = if status.is_dir() { Kind::Directory } else { Kind::File };
    let len = if status.is_file() { status.len() } else { 0 };
    Metadata {
        kind,
        len,
        identity: identity_of(status),
        modified_ms: Some(
            status.mtime().saturating_mul(1_000).saturating_add(status.mtime_nsec() / 1_000_000),
        ),
        attributes: Attributes {
            owner: Some(accounts.user(status.uid())),
            group: Some(accounts.group(status.gid())),
            mode: Some(status.mode() & 0o7777),
            replication: None,
            storage_policy: None,
        },
    }
}

/// Size, mtime in nanoseconds and inode. Not ctime: a rename or `chmod` leaves the bytes as they are.
fn identity_of(status: &fs::Metadata) -> Identity {
    let mtime = i128::from(status.mtime()) * 1_000_000_000 + i128::from(status.mtime_nsec());
    Identity(format!("{}:{mtime}:{}", status.len(), status.ino()))
}
