//! Names of WAL files (`AbstractFSWALProvider`, `RegionGroupingProvider`).

use crate::{NameError, ServerName, number};
use std::fmt::Write;

/// What a WAL's file holds, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WalKind {
    /// Edits of users' tables and of system tables but hbase:meta.
    Regions,
    /// `.meta`: edits of hbase:meta.
    Meta,
    /// `.rep`: edits of hbase:replication (3.0).
    Replication,
    /// `.syncrep`: synchronous replication writes its copy of edits under this name.
    SyncReplication,
    /// `$masterlocalwal$`: edits of the master's own region, no data of users.
    MasterLocal,
}

const SUFFIXES: [(&str, WalKind); 4] = [
    (".meta", WalKind::Meta),
    (".rep", WalKind::Replication),
    (".syncrep", WalKind::SyncReplication),
    ("$masterlocalwal$", WalKind::MasterLocal),
];

/// The name of a WAL's file: `<server>[.<group>].<ms>[<suffix>]`, the server URL-encoded.
///
/// A tool that copied the file may have decoded it (`,` for `%2C`): that is the same name, and is known as HBase gave
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalName {
    text: Box<str>,
    /// Where the group's name ends, which is where the dot before the milliseconds is.
    group_end: usize,
    /// The server that wrote it.
    pub server: ServerName,
    /// When it was created, ms by the server's clock; strictly increasing in a group. It bounds no write time.
    pub created_ms: u64,
    /// What it holds.
    pub kind: WalKind,
    /// The number of the region group, with multiwal.
    pub region_group: Option<u32>,
}

impl WalName {
    /// Reads the name of a WAL's file, without directories, as HBase gave it or decoded.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match Self::encoded(text) {
            Some(encoded) => Self::parse_encoded(&encoded),
            None => Self::parse_encoded(text),
        }
    }

    /// The name as HBase writes it, if it is written differently.
    fn encoded(text: &str) -> Option<String> {
        let (stem, suffix) = split_suffix(text);
        let encoded = url_encoded(&url_decoded(stem)?) + suffix;
        Some(encoded).filter(|encoded| encoded != text)
    }

    fn parse_encoded(text: &str) -> Result<Self, NameError> {
        let refuse = |why: &str| {
            let shown: String = text.chars().take(200).flat_map(char::escape_debug).collect();
            Err(NameError::new(format!("\"{shown}\" is not the name of a WAL: {why}")))
        };
        if text.len() > 255 || text.contains(['/', '\\', '\0']) {
            return refuse("it is no file name");
        }
        let (stem, suffix) = split_suffix(text);
        let kind = SUFFIXES.into_iter().find_map(|(known, kind)| (known == suffix).then_some(kind));
        let kind = kind.unwrap_or(WalKind::Regions);
        let Some((group, created)) = stem.rsplit_once('.') else { return refuse("no dot before its time") };
        let Some(created_ms) = number(created) else { return refuse("it does not end in a time in ms") };
        let Some((server, server_end)) = server_name(group) else {
            return refuse("it does not start with host%2Cport%2Cstartcode");
        };
        let behind = group.get(server_end..).unwrap_or_default();
        // `<server>-<peer>`
        let of_peer = kind == WalKind::SyncReplication && behind.starts_with('-');
        if !behind.is_empty() && !behind.starts_with('.') && !of_peer {
            return refuse("there is no dot after the server");
        }
        let region_group = behind.rsplit_once(".regiongroup-").and_then(|(_, number)| number.parse().ok());
        Ok(Self { text: text.into(), group_end: group.len(), server, created_ms, kind, region_group })
    }

    /// The name of a file that lies in this server's directory and is called `<anything>.<ms>[<suffix>]`, as the server
    /// would have called it.
    #[must_use]
    pub fn in_directory_of(server: &ServerName, text: &str) -> Option<Self> {
        let (stem, suffix) = split_suffix(text);
        let (_, created) = stem.rsplit_once('.')?;
        Self::parse(&format!("{}.{created}{suffix}", url_encoded(&server.to_string()))).ok()
    }

    /// As HBase writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The group whose files follow each other: the name without time and suffix.
    #[must_use]
    pub fn group(&self) -> &str {
        self.text.get(..self.group_end).unwrap_or_default()
    }

    /// A key that orders the files of each group by age, and groups by name; it says nothing across groups.
    #[must_use]
    pub fn order(&self) -> (&str, u64) {
        (self.group(), self.created_ms)
    }
}

impl std::fmt::Display for WalName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.text)
    }
}

impl std::str::FromStr for WalName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The identity of a WAL whose name has no server or no time, so that nothing says what came before it: its own name,
/// and that of the directory if it is a server's.
#[must_use]
pub fn unordered_name(directory: Option<&ServerName>, text: &str) -> String {
    let directory = directory.map(|server| url_encoded(&server.to_string())).unwrap_or_default();
    format!("{UNORDERED}{directory}-{}", url_encoded(text))
}

/// Whether [`unordered_name`] gave this name.
#[must_use]
pub fn is_unordered_name(text: &str) -> bool {
    text.starts_with(UNORDERED)
}

const UNORDERED: &str = "unordered-";

/// Whether a file of this name beside WALs is not a WAL: Hadoop's and other tools' side files, which begin with a dot
/// (`.NAME.crc`, `.distcp.tmp.attempt_...`), and what `hdfs dfs -get` or `-put` has not finished.
#[must_use]
pub fn is_side_file(text: &str) -> bool {
    text.starts_with('.') || text.ends_with("._COPYING_")
}

fn split_suffix(text: &str) -> (&str, &str) {
    let known = SUFFIXES.into_iter().find_map(|(suffix, _)| Some((text.strip_suffix(suffix)?, suffix)));
    known.unwrap_or((text, ""))
}

/// The server at the start of a group's name, and where it ends. A host may have dots, and only a `.` may
/// follow: so the start code ends with its digits.
fn server_name(group: &str) -> Option<(ServerName, usize)> {
    let (host, rest) = group.split_once("%2C")?;
    let (port, rest) = rest.split_once("%2C")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let start_code = rest.get(..digits)?;
    let server = ServerName::of(&url_decoded(host)?, port, start_code)?;
    Some((server, group.len() - rest.len() + digits))
}

fn url_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Encodes text as Java's `URLEncoder` does.
fn url_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => {
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_server_group_and_time() {
        let name = WalName::parse("rs-1.example.com%2C26020%2C1795211424249.1795211428535").unwrap();
        assert_eq!(name.server.to_string(), "rs-1.example.com,26020,1795211424249");
        assert_eq!(
            (name.created_ms, name.kind, name.region_group),
            (1_795_211_428_535, WalKind::Regions, None)
        );
        assert_eq!(name.group(), "rs-1.example.com%2C26020%2C1795211424249");

        let meta = WalName::parse("localhost%2C26020%2C1795211424249.meta.1795211429028.meta").unwrap();
        assert_eq!((meta.kind, meta.created_ms), (WalKind::Meta, 1_795_211_429_028));
        assert_eq!(meta.group(), "localhost%2C26020%2C1795211424249.meta");

        let server = "localhost%2C34881%2C1795214723178";
        let grouped = WalName::parse(&format!("{server}.{server}.regiongroup-1.1795214741581")).unwrap();
        assert_eq!((grouped.region_group, grouped.kind), (Some(1), WalKind::Regions));
        assert_eq!(grouped.group(), format!("{server}.{server}.regiongroup-1"));

        let master = WalName::parse("m%3A1%2C40597%2C1795212800374.1795212807198$masterlocalwal$").unwrap();
        assert_eq!((master.kind, master.server.host_name.as_str()), (WalKind::MasterLocal, "m:1"));
    }

    #[test]
    fn a_decoded_name_is_the_one_that_hbase_gave() {
        let server = "rs-1.example.com%2C26020%2C1795211424249";
        for proper in [
            format!("{server}.1795211428535"),
            format!("{server}.meta.1795211429028.meta"),
            format!("{server}.{server}.regiongroup-1.1795214741581"),
            format!("{server}-peer_1.1795214741581.syncrep"),
            "m%3A1%2C40597%2C1795212800374.1795212807198$masterlocalwal$".to_owned(),
        ] {
            let decoded = url_decoded(&proper).unwrap();
            for text in [&proper, &decoded, &proper.replace("%2C", "%2c"), &proper.replacen("%2C", ",", 1)] {
                let name = WalName::parse(text).unwrap();
                assert_eq!(
                    (name.as_str(), name.clone()),
                    (proper.as_str(), WalName::parse(&proper).unwrap()),
                    "{text}"
                );
            }
        }
        let copied = WalName::parse(&format!("{server}-peer_1.1795214741581.syncrep")).unwrap();
        assert_eq!((copied.kind, copied.created_ms), (WalKind::SyncReplication, 1_795_214_741_581));
        assert_eq!(copied.group(), format!("{server}-peer_1"));
    }

    #[test]
    fn a_directory_and_a_time_make_a_name() {
        let server = ServerName::parse("h.example,1,2").unwrap();
        let name = WalName::in_directory_of(&server, "wal.1700000000000").unwrap();
        assert_eq!(name.as_str(), "h.example%2C1%2C2.1700000000000");
        let meta = WalName::in_directory_of(&server, "wal.1700000000000.meta").unwrap();
        assert_eq!((meta.kind, meta.created_ms), (WalKind::Meta, 1_700_000_000_000));
        for bad in ["wal", "wal.", "wal.x", "17", ".meta"] {
            assert_eq!(WalName::in_directory_of(&server, bad), None, "{bad}");
        }
        let unordered = unordered_name(Some(&server), "a,b");
        assert_eq!(unordered, "unordered-h.example%2C1%2C2-a%2Cb");
        assert!(is_unordered_name(&unordered) && !is_unordered_name(name.as_str()));
        for side in [".x.crc", ".distcp.tmp.attempt_1", "h%2C1%2C2.3._COPYING_"] {
            assert!(is_side_file(side), "{side}");
        }
    }

    #[test]
    fn files_of_a_group_are_ordered_by_time() {
        let name = |ms| WalName::parse(&format!("h%2C1%2C2.{ms}")).unwrap();
        let mut names = [name("1000"), name("999"), name("99")];
        names.sort_by(|left, right| left.order().cmp(&right.order()));
        assert_eq!(names.map(|name| name.created_ms), [99, 999, 1000]);
    }

    #[test]
    fn other_names_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a",
            "h%2C1%2C2",
            "h%2C1%2C2.",
            "h%2C1%2C2.-3",
            "h%2C1%2C2.x",
            "h%2C1%2C2x.3",
            "h%2C1%2C2-3.4",
            "h,1,2",
            "wal.1700000000000",
            "h%2C70000%2C2.3",
            "%2C1%2C2.3",
            "a/b%2C1%2C2.3",
            "a%2Fb%2C1%2C2.3",
            "..%2C1%2C2.3",
            "h%2C1%2C2.99999999999999999999",
        ] {
            assert!(WalName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
