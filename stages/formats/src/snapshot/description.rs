use crate::wire::{decode_message, required};
use crate::{FormatError, Unsupported};
use names::{NameError, SnapshotName, TableName};
use prost::Message;

/// The layout that HBase since 0.98 writes and that this reads: one `data.manifest`.
pub const LAYOUT_VERSION: i32 = 2;

/// How a snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SnapshotType {
    /// A disabled table's.
    Disabled,
    /// A running table's, after a flush.
    #[default]
    Flush,
    /// A running table's, without a flush: what was only in memory is not in it.
    SkipFlush,
}

/// What a snapshot is: the content of `.snapshotinfo`. Optional fields stay apart from their defaults, so that it is
/// written back as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotDescription {
    /// Its name, also that of its directory.
    pub name: SnapshotName,
    /// The table that it was taken from.
    pub table: TableName,
    /// When it was taken, ms since the epoch.
    pub creation_time: Option<i64>,
    /// How it was taken; if absent, HBase assumes [`SnapshotType::Flush`].
    pub kind: Option<SnapshotType>,
    /// Version of the layout; see [`SnapshotDescription::check_layout`].
    pub version: Option<i32>,
    /// Who took it, where HBase knew.
    pub owner: Option<Vec<u8>>,
    /// The table's access rights (`UsersAndPermissions`), as they stand.
    pub users_and_permissions: Option<Vec<u8>>,
    /// Seconds after which it expires; 0 is never.
    pub ttl: Option<i64>,
    /// The table's MAX_FILESIZE at the time.
    pub max_file_size: Option<i64>,
}

impl SnapshotDescription {
    /// A description of the current layout, as a tool that makes a snapshot writes it.
    pub fn new(name: SnapshotName, table: TableName, creation_time: i64, kind: SnapshotType) -> Self {
        Self {
            name,
            table,
            creation_time: Some(creation_time),
            kind: Some(kind),
            version: Some(LAYOUT_VERSION),
            owner: None,
            users_and_permissions: None,
            ttl: Some(0),
            max_file_size: None,
        }
    }

    /// How it was taken.
    pub fn snapshot_type(&self) -> SnapshotType {
        self.kind.unwrap_or_default()
    }

    /// Whether it had expired at `now` (ms since the epoch), as `SnapshotDescriptionUtils.isExpiredSnapshot` decides:
    /// HBase then no longer clones it, and deletes it.
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires_at().is_some_and(|end| end < now)
    }

    /// The moment (ms since the epoch) after which it is expired; `None` if it never is.
    pub fn expires_at(&self) -> Option<i64> {
        let (created, ttl) = (self.creation_time.unwrap_or(0), self.ttl.unwrap_or(0));
        let limited = created > 0 && ttl > 0 && ttl < i64::MAX / 1000;
        // Java's addition wraps: the snapshot is then expired at once.
        limited.then(|| created.wrapping_add(ttl * 1000))
    }

    /// Refuses layouts other than version 2.
    pub fn check_layout(&self) -> Result<(), FormatError> {
        match self.version {
            Some(LAYOUT_VERSION) => Ok(()),
            None | Some(0) => Err(FormatError::unsupported(
                Unsupported::Other,
                format!(
                    "snapshot {} has the layout of version {} (a directory for each region, no data.manifest), which only \
                 HBase up to 0.96 and hbase.snapshot.format.version=1 wrote; clone it with HBase and take a new \
                 snapshot of the clone",
                    self.name,
                    self.version.map_or("1 (none is given)".to_owned(), |version| version.to_string()),
                ),
            )),
            Some(other) => Err(FormatError::unsupported(
                Unsupported::Other,
                format!(
                    "snapshot {} has layout version {other}, which HBase 2.5 to 3.0 do not know either",
                    self.name
                ),
            )),
        }
    }
}

/// Snapshot.proto `SnapshotDescription`.
#[derive(Clone, PartialEq, Message)]
struct Proto {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    table: Option<String>,
    #[prost(int64, optional, tag = "3")]
    creation_time: Option<i64>,
    #[prost(int32, optional, tag = "4")]
    kind: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    version: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "6")]
    owner: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "7")]
    users_and_permissions: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "8")]
    ttl: Option<i64>,
    #[prost(int64, optional, tag = "9")]
    max_file_size: Option<i64>,
}

/// Decodes `.snapshotinfo`: a bare `SnapshotDescription`. Any layout's is decoded; see
/// [`SnapshotDescription::check_layout`].
pub fn decode_snapshot_description(bytes: &[u8]) -> Result<SnapshotDescription, FormatError> {
    let message: Proto = decode_message(bytes, 0, "SnapshotDescription")?;
    let kind = match message.kind {
        None => None,
        Some(0) => Some(SnapshotType::Disabled),
        Some(1) => Some(SnapshotType::Flush),
        Some(2) => Some(SnapshotType::SkipFlush),
        Some(other) => {
            return Err(FormatError::unsupported(
                Unsupported::Other,
                format!("SnapshotDescription: type {other} is not known"),
            )
            .at(0));
        }
    };
    let placed = |error: NameError| FormatError::corrupt(format!("SnapshotDescription: {error}")).at(0);
    Ok(SnapshotDescription {
        name: SnapshotName::parse(&required(message.name, "SnapshotDescription: the name", 0)?)
            .map_err(placed)?,
        table: TableName::parse(&required(message.table, "SnapshotDescription: the table", 0)?)
            .map_err(placed)?,
        creation_time: message.creation_time,
        kind,
        version: message.version,
        owner: message.owner,
        users_and_permissions: message.users_and_permissions,
        ttl: message.ttl,
        max_file_size: message.max_file_size,
    })
}

/// Encodes `.snapshotinfo` as HBase does. To change one that was read use
/// [`rewrite_description`](super::rewrite_description): it keeps fields that are not known here.
pub fn encode_snapshot_description(description: &SnapshotDescription) -> Vec<u8> {
    let kind = |kind| match kind {
        SnapshotType::Disabled => 0,
        SnapshotType::Flush => 1,
        SnapshotType::SkipFlush => 2,
    };
    let message = Proto {
        name: Some(description.name.to_string()),
        table: Some(description.table.to_string()),
        creation_time: description.creation_time,
        kind: description.kind.map(kind),
        version: description.version,
        owner: description.owner.clone(),
        users_and_permissions: description.users_and_permissions.clone(),
        ttl: description.ttl,
        max_file_size: description.max_file_size,
    };
    message.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> SnapshotDescription {
        let (name, table) = (SnapshotName::parse("s1").unwrap(), TableName::parse("ns:t").unwrap());
        SnapshotDescription::new(name, table, 1_000_000, SnapshotType::SkipFlush)
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        let mut whole = description();
        whole.owner = Some(b"hbase".to_vec());
        whole.users_and_permissions = Some(vec![0x0a, 0x00]);
        whole.max_file_size = Some(-1);
        let bytes = encode_snapshot_description(&whole);
        assert_eq!(decode_snapshot_description(&bytes).unwrap(), whole);
    }

    #[test]
    fn expiry_is_hbases() {
        let expires = |creation_time, ttl| {
            SnapshotDescription { creation_time, ttl, ..description() }.is_expired(2_000_000)
        };
        assert!(expires(Some(1_000_000), Some(999)));
        assert!(!expires(Some(1_000_000), Some(1_000)), "the very millisecond is still good");
        assert!(!expires(Some(1_000_000), Some(0)));
        assert!(!expires(Some(1_000_000), None));
        assert!(!expires(Some(1_000_000), Some(-5)));
        assert!(!expires(None, Some(1)), "without a creation time nothing expires");
        assert!(!expires(Some(1), Some(i64::MAX / 1000)));
        assert!(expires(Some(i64::MAX), Some(1)), "Java's sum wraps");
    }

    #[test]
    fn only_version_2_is_read_and_the_text_says_what_to_do() {
        let of = |version| SnapshotDescription { version, ..description() }.check_layout();
        assert_eq!(of(Some(2)), Ok(()));
        for version in [None, Some(0), Some(3), Some(-1)] {
            assert!(of(version).unwrap_err().is_unsupported());
        }
        assert!(of(None).unwrap_err().what.contains("take a new snapshot"));
    }

    #[test]
    fn hostile_names_are_refused() {
        for (name, table) in
            [("../x", "t"), ("s", "../t"), (".tmp", "t"), ("s", "a:b:c"), ("", "t"), ("s", "")]
        {
            let message = Proto { name: Some(name.into()), table: Some(table.into()), ..Proto::default() };
            assert!(decode_snapshot_description(&message.encode_to_vec()).is_err(), "{name:?} {table:?}");
        }
        assert!(decode_snapshot_description(b"").unwrap_err().what.contains("the name is missing"));
    }
}
