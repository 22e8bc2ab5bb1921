//! The names that HBase gives to namespaces, tables, snapshots, families, regions, store files, WALs and servers, and
//! the places where it keeps their files. Nothing here does I/O.
//!
//! A name from a manifest, a link or a directory listing becomes part of a path, so each is a type that only a strict
//! grammar can make: what holds one of these types holds a single, harmless path segment (or several known ones).
//! Where HBase's own patterns are looser (any hexadecimal word is a region, say) only what HBase really writes is
//! accepted; `parse` says what was refused and why.

mod back_reference;
mod error;
mod family;
mod file;
mod link;
mod place;
mod recovered_edits;
mod region;
pub mod root;
mod server;
mod store_file;
mod table;
mod wal;

pub use back_reference::{BackReference, BackReferenceDirectory};
pub use error::NameError;
pub use family::{FamilyName, first_twice};
pub use file::{FileName, HFileName, MobFileName};
pub use link::{HFileLink, ReferenceName};
pub use place::{Place, StoreDirectory, places_of_wal};
pub use recovered_edits::RecoveredEditsName;
pub use region::{EncodedRegionName, mob_region_name, region_name};
pub use server::ServerName;
pub use store_file::StoreFileName;
pub use table::{Namespace, SnapshotName, TableName};
pub use wal::{WalKind, WalName, is_side_file, is_unordered_name, unordered_name};

/// The longest path segment that HDFS and the usual file systems take, in bytes.
const SEGMENT_MAX: usize = 255;

/// A refusal: `what` the name should have been, the name itself (escaped, and cut if it is long) and `why` it is not.
fn refused(what: &str, name: &str, why: impl std::fmt::Display) -> NameError {
    let mut shown: String = name.chars().take(100).flat_map(char::escape_debug).collect();
    if name.chars().nth(100).is_some() {
        shown.push_str("...");
    }
    NameError::new(format!("\"{shown}\" is not {what}: {why}"))
}

/// Refuses a name that is empty or longer than a path segment may be.
fn check_length(what: &str, name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(refused(what, name, "it is empty"));
    }
    if name.len() > SEGMENT_MAX {
        return Err(refused(what, name, format_args!("{} bytes, over {SEGMENT_MAX}", name.len())));
    }
    Ok(())
}

fn is_lower_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Parses a Java long that is not negative, in decimal digits alone.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| is_digits(text) && i64::try_from(*number).is_ok())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `Display` and `FromStr` for a name that is one text.
macro_rules! textual {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}
use textual;
