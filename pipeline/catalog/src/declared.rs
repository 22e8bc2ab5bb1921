//! Small documents in which people and other programs say where a cut should be and what depends on what.

use crate::CatalogError;
use crate::repository::layout;
use serde::Deserialize;
use std::collections::BTreeMap;
use store::{Store, StorePath};

/// A marker of a roll of all servers' WALs (`.tidegate/markers/<name>.json`, or any file).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MarkerDocument {
    /// Layout of this document: 1.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// When it was made, milliseconds since the epoch.
    pub created_ms: i64,
    /// What was rolled on each server (`host,port,startcode`).
    pub servers: BTreeMap<String, RolledServer>,
}

/// What was rolled on a server. When the roll was sent and acknowledged, and what probes of the clock said, is
/// ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RolledServer {
    /// Names of the WALs that the roll opened, one a group.
    pub opened: Vec<String>,
}

/// How wrong a clock may be, ms: what it shows less the true time is from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockDocument {
    /// The least.
    pub low: i64,
    /// The most.
    pub high: i64,
}

/// An effect and what it depends on: a line of a file of dependencies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DependencyDocument {
    /// What came first.
    pub cause: EditDocument,
    /// What depends on it.
    pub effect: EditDocument,
}

/// An edit, identified by its column and timestamp; row and qualifier in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditDocument {
    /// The table, `ns:name`.
    pub table: String,
    /// The row, in hexadecimal.
    pub row: String,
    /// The family.
    pub family: String,
    /// The qualifier, in hexadecimal.
    pub qualifier: String,
    /// The cell's timestamp, ms; any if it is not given.
    pub ts: Option<i64>,
    /// `Put`, `Delete`, `DeleteColumn`, `DeleteFamily` or `DeleteFamilyVersion`; any if it is not given.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Sequence id of its entry; any if it is not given.
    pub sequence: Option<u64>,
}

/// The longest marker that is read: a thousand servers take a hundred kilobytes.
const MAX_MARKER: u64 = 16 << 20;

/// The marker that a repository has under a name, `None` if it has none, and the path where it is looked for.
pub fn read_marker(
    store: &dyn Store,
    name: &str,
) -> Result<(Option<MarkerDocument>, StorePath), CatalogError> {
    let path = layout::marker(name)?;
    let bytes = match store::read_all(store, &path, MAX_MARKER) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok((None, path)),
        Err(error) => return Err(error.into()),
    };
    let marker = decode_marker(path.as_str(), &bytes)?;
    Ok((Some(marker), path))
}

/// Decodes a marker; `path` is for messages, as below.
pub fn decode_marker(path: &str, bytes: &[u8]) -> Result<MarkerDocument, CatalogError> {
    let marker: MarkerDocument = decode(path, bytes)?;
    match marker.version {
        1 => Ok(marker),
        other => Err(CatalogError::damaged(path, format!("a marker of version {other}; version 1 is known"))),
    }
}

/// Last sequence ids by encoded region name: a JSON object of them, or the report of a cut, whose `sequences` is one.
pub fn decode_sequences(path: &str, bytes: &[u8]) -> Result<BTreeMap<String, u64>, CatalogError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Report { sequences: BTreeMap<String, u64> },
        Plain(BTreeMap<String, u64>),
    }
    let either = serde_json::from_slice(bytes).map_err(|_| {
        let what = "not a JSON object of encoded region names and sequence ids, nor the report of a cut";
        CatalogError::damaged(path, what)
    })?;
    match either {
        Either::Report { sequences } | Either::Plain(sequences) => Ok(sequences),
    }
}

/// The part of a cut's report that names its gaps.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GapsDocument {
    /// The cut.
    pub until: String,
    /// The snapshots that it is on top of.
    bases: Vec<BaseDocument>,
    /// What is missing or may be.
    pub completeness: CompletenessDocument,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct BaseDocument {
    snapshot: String,
}

/// The gaps of a cut.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CompletenessDocument {
    /// The gaps, one by one.
    pub gaps: Vec<GapDocument>,
}

/// Sequence ids of a region that no entry has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GapDocument {
    /// The region's encoded name.
    pub region: String,
    /// The first id.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// `ambiguous` or `missing`.
    pub class: String,
}

impl GapsDocument {
    /// The snapshots' names.
    #[must_use]
    pub fn snapshots(&self) -> Vec<String> {
        self.bases.iter().map(|base| base.snapshot.clone()).collect()
    }
}

/// The gaps in the report of a cut.
pub fn decode_gaps(path: &str, bytes: &[u8]) -> Result<GapsDocument, CatalogError> {
    serde_json::from_slice(bytes)
        .map_err(|_| CatalogError::damaged(path, "not the report of a cut (`tidegate cut --output json`)"))
}

/// Errors of clocks by server (`host,port,startcode`); `others` is for those that are not named.
pub fn decode_clocks(path: &str, bytes: &[u8]) -> Result<BTreeMap<String, ClockDocument>, CatalogError> {
    decode(path, bytes)
}

/// A line of a file of dependencies.
pub fn decode_dependency(path: &str, line: &[u8]) -> Result<DependencyDocument, CatalogError> {
    decode(path, line)
}

fn decode<'a, T: Deserialize<'a>>(path: &str, bytes: &'a [u8]) -> Result<T, CatalogError> {
    serde_json::from_slice(bytes).map_err(|error| CatalogError::damaged(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_may_be_taken_from_a_report() {
        let plain = decode_sequences("f", br#"{"0123456789abcdef0123456789abcdef":7}"#).unwrap();
        let report = br#"{"command":"cut","sequences":{"0123456789abcdef0123456789abcdef":7}}"#;
        assert_eq!(decode_sequences("f", report).unwrap(), plain);
        for bad in [&b"{"[..], b"[1]", br#"{"region":-1}"#, br#"{"region":"7"}"#, b""] {
            assert!(decode_sequences("f", bad).is_err());
        }
    }

    #[test]
    fn an_unknown_field_of_an_edit_is_refused() {
        let edit = |more: &str| format!(r#"{{"table":"t","row":"61","family":"f","qualifier":""{more}}}"#);
        let line =
            format!(r#"{{"cause":{},"effect":{}}}"#, edit(""), edit(r#","ts":5,"type":"Put","sequence":9"#));
        let read = decode_dependency("f", line.as_bytes()).unwrap();
        assert_eq!((read.cause.ts, read.effect.ts, read.effect.sequence), (None, Some(5), Some(9)));
        let wrong = line.replace("sequence", "sequenze");
        assert!(decode_dependency("f", wrong.as_bytes()).unwrap_err().to_string().contains("sequenze"));
    }

    #[test]
    fn a_marker_of_a_newer_version_is_refused() {
        let marker = br#"{"version":2,"name":"m1","created_ms":1,"servers":{}}"#;
        assert!(decode_marker("m1.json", marker).unwrap_err().to_string().contains("version 2"));
    }
}
